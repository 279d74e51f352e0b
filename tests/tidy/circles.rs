//! Files of one layer that need each other in a circle: then none of them can be read first.

use crate::rules::{File, module};
use crate::source::{paths, running_code};
use std::collections::{BTreeMap, BTreeSet};

type Module = Vec<String>;

/// The files that stand in a circle of imports, each with what it needs of the others. That a module and what lies below it know
/// each other is no circle: they are one house.
pub fn circles(files: &[File]) -> Vec<String> {
    let modules: BTreeSet<Module> = files.iter().map(own).collect();
    let needs: BTreeMap<Module, BTreeSet<Module>> =
        files.iter().map(|file| (own(file), needed(file, &modules))).collect();
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = needs.keys().map(|from| (from, reach(from, &needs))).collect();
    let mut found = Vec::new();
    for (from, direct) in &needs {
        for to in direct.iter().filter(|to| reached[*to].contains(from)) {
            found.push(format!("{} needs {}, which leads back to it", from.join("::"), to.join("::")));
        }
    }
    found
}

fn own(file: &File) -> Module {
    module(&file.path).into_iter().map(str::to_owned).collect()
}

/// The modules beside it that a file's paths lead to.
fn needed(file: &File, modules: &BTreeSet<Module>) -> BTreeSet<Module> {
    let own = own(file);
    let mut found = BTreeSet::new();
    for (path, _) in paths(&running_code(&file.text)) {
        let ups = path.iter().take_while(|part| *part == "super").count();
        let whole = match path[0].as_str() {
            "crate" => path[1..].to_vec(),
            "super" if ups <= own.len() => [&own[..own.len() - ups], &path[ups..]].concat(),
            _ => continue,
        };
        let target = (1..=whole.len()).rev().map(|n| whole[..n].to_vec()).find(|start| modules.contains(start));
        found.extend(target.filter(|target| !target.starts_with(&own) && !own.starts_with(target)));
    }
    found
}

/// All that can be reached from here.
fn reach<'a>(from: &'a Module, needs: &'a BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        open.extend(needs.get(next).into_iter().flatten().filter(|to| reached.insert(*to)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> usize {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        circles(&files.iter().map(file).collect::<Vec<_>>()).len()
    }

    #[test]
    fn circles_are_found_however_long_they_are_and_however_they_are_written() {
        assert_eq!(found(&[("src/a/x.rs", "use super::y::Y;"), ("src/a/y.rs", "fn f() { crate::a::x::f() }")]), 2);
        let three = [
            ("src/a/x.rs", "use super::{y::Y, z};"),
            ("src/a/y.rs", "use crate::a::{w, x::X};"),
            ("src/a/z.rs", "use super::y;"),
        ];
        assert_eq!(found(&three), 4);
        assert_eq!(found(&[("src/a/x/deep.rs", "use super::super::y::Y;"), ("src/a/y.rs", "use super::x::deep;")]), 2);
    }

    #[test]
    fn a_module_and_what_lies_below_it_are_no_circle_and_tests_do_not_count() {
        assert_eq!(found(&[("src/a.rs", "use x::X; use crate::a::x::Y;"), ("src/a/x.rs", "use super::A;")]), 0);
        let tests = "#[cfg(test)]\nmod tests { use super::super::y; }";
        assert_eq!(found(&[("src/a/x.rs", tests), ("src/a/y.rs", "use super::x;")]), 0);
        assert_eq!(found(&[("src/a/x.rs", "use super::y;"), ("src/a/y.rs", "use super::z;"), ("src/a/z.rs", "")]), 0);
    }
}
