//! The rules for the sources, as functions from a file's text to what is wrong with it.

use crate::source::{paths, running_code, tokens, without_comments_and_texts};

/// The layers, top first. A module uses only those below its own.
pub const LAYERS: [&str; 7] = ["cli", "daemon", "service", "world", "sys", "decide", "town"];
/// The layers that know neither clock nor machine.
pub const PURE: [&str; 2] = ["decide", "town"];
/// Where unsafe code may be.
const UNSAFE: &str = "src/sys/raw.rs";
/// A file that is longer does two things.
const LONGEST: usize = 500;

/// A source file: its path from the top of the repository, and its text.
#[derive(Debug)]
pub struct File {
    /// `src/town/agent.rs`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// The modules that lead to a file: `["town", "agent"]` for `src/town/agent.rs`.
pub fn module(path: &str) -> Vec<&str> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    inner.split('/').filter(|part| !matches!(*part, "lib" | "main" | "mod")).collect()
}

/// Imports upward, or sideways out of the known layers. Where none points upward there is no cycle either.
pub fn layers(file: &File) -> Vec<String> {
    let own = module(&file.path);
    let rank = |layer: &str| LAYERS.iter().position(|l| *l == layer);
    let mut wrong = Vec::new();
    // The root declares all of them and uses none.
    let Some(layer) = own.first() else { return wrong };
    let Some(own_rank) = rank(layer) else {
        return vec![format!("{}: the layer {layer} has no place in the order", file.path)];
    };
    for (path, line) in paths(&running_code(&file.text)) {
        let Some(target) = target(&own, &path) else { continue };
        match rank(&target) {
            None => wrong.push(format!("{}:{line}: {} is no layer", file.path, path.join("::"))),
            Some(rank) if rank < own_rank => {
                wrong.push(format!("{}:{line}: {layer} must not use {target} above it", file.path));
            }
            Some(_) => {}
        }
    }
    wrong.dedup();
    wrong
}

/// The layer that a path leads to, where it leads through the crate's root.
fn target(own: &[&str], path: &[String]) -> Option<String> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" | "gtd" => path.get(1).cloned(),
        // Within a module that stands in a file, the same chain leads less far: then the name is no layer's.
        "super" if ups >= own.len() => path.get(ups).filter(|name| LAYERS.contains(&name.as_str())).cloned(),
        _ => None,
    }
}

/// Clocks, files, processes, the environment, threads and the network, where only values may be.
pub fn purity(file: &File) -> Vec<String> {
    const FORBIDDEN: [&str; 5] = ["fs", "process", "env", "thread", "net"];
    if !module(&file.path).first().is_some_and(|layer| PURE.contains(layer)) {
        return Vec::new();
    }
    let code = running_code(&file.text);
    let is_forbidden = |path: &[String]| match path {
        [std, part, ..] => std == "std" && (FORBIDDEN.contains(&part.as_str()) || part == "*" || part == "self"),
        _ => false,
    };
    let reach = paths(&code).into_iter().filter(|(path, _)| is_forbidden(path));
    let reach = reach.map(|(path, line)| format!("{}:{line}: {} in a pure layer", file.path, path.join("::")));
    let all = tokens(&code);
    let clocks = all.windows(3).filter(|w| {
        w[1].text == "now" && w[2].text == "(" && matches!(w[0].text.as_str(), "::" | ".")
            || w[0].text == "std" && w[1].text == "as"
    });
    let clocks = clocks.map(|w| format!("{}:{}: {} in a pure layer", file.path, w[1].line, w[1].text));
    reach.chain(clocks).collect()
}

/// Unsafe code elsewhere than in its one file, or without its reason.
pub fn unsafety(file: &File) -> Vec<String> {
    let code = without_comments_and_texts(&file.text);
    let lines: Vec<&str> = file.text.lines().collect();
    let mut wrong = Vec::new();
    for token in tokens(&code).iter().filter(|token| token.text == "unsafe") {
        if file.path != UNSAFE {
            wrong.push(format!("{}:{}: unsafe code belongs in {UNSAFE}", file.path, token.line));
        } else if !has_reason(&lines[..token.line - 1]) {
            wrong.push(format!("{}:{}: unsafe without a SAFETY comment just before it", file.path, token.line));
        }
    }
    wrong
}

/// Whether these lines end with a comment that says `SAFETY:`.
fn has_reason(before: &[&str]) -> bool {
    let comment = before.iter().rev().map(|line| line.trim()).take_while(|line| line.starts_with("//"));
    comment.into_iter().any(|line| line.contains("SAFETY:"))
}

/// Ways to panic outside tests. The program's own `main` may: nobody is left to catch anything there.
pub fn panics(file: &File) -> Vec<String> {
    if file.path == "src/main.rs" {
        return Vec::new();
    }
    // With something before the first and after the last.
    let all = tokens(&format!(";{}\n;", running_code(&file.text)));
    let is_panic = |w: &[crate::source::Token]| match w[1].text.as_str() {
        "unwrap" | "expect" => matches!(w[0].text.as_str(), "." | "::") && matches!(w[2].text.as_str(), "(" | ")"),
        "panic" | "todo" | "unimplemented" | "unreachable" => w[2].text == "!",
        _ => false,
    };
    let found = all.windows(3).filter(|w| is_panic(w));
    found.map(|w| format!("{}:{}: {} outside tests", file.path, w[1].line, w[1].text)).collect()
}

/// Files that are too long, or do not say what they are for.
pub fn shape(file: &File) -> Vec<String> {
    let mut wrong = Vec::new();
    let lines = file.text.lines().count();
    if lines > LONGEST {
        wrong.push(format!("{}: {lines} lines, more than {LONGEST}", file.path));
    }
    if !file.text.starts_with("//! ") {
        wrong.push(format!("{}: does not open with a //! comment", file.path));
    }
    wrong
}

/// Whatever the program is linked with, by the manifest.
pub fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut within = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let of_program = |s: &str| s.ends_with("dependencies") && !s.ends_with("dev-dependencies");
            within = of_program(section);
            // `[dependencies.name]`
            if let Some((table, name)) = section.rsplit_once('.').filter(|(table, _)| of_program(table)) {
                let _ = table;
                found.push(name.to_owned());
            }
        } else if let (true, Some((name, _))) = (within && !line.starts_with('#'), line.split_once('=')) {
            let name = name.trim();
            found.push(name.split('.').next().unwrap_or(name).to_owned());
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn every_way_to_import_upward_is_found() {
        for (path, text) in [
            ("src/town/agent.rs", "use crate::decide::decide;"),
            ("src/town/agent.rs", "fn f() { crate::world::tmux::x() }"),
            ("src/town/agent.rs", "use crate::{town::plan::Plan, sys::{clock, files}};"),
            ("src/town/agent.rs", "use super::super::decide;"),
            ("src/town.rs", "use super::decide;"),
            ("src/decide/x.rs", "type T = Vec<crate::sys::clock::C>;"),
            ("src/sys/x.rs", "pub use crate::world::World;"),
            ("src/world/x.rs", "use crate::{\n    service::{\n        log\n    },\n};"),
            ("src/service.rs", "use crate::daemon;"),
            ("src/daemon.rs", "use crate::cli::{self, Exit};"),
            ("src/daemon/x.rs", "use gtd::cli::main;"),
            ("src/town/x.rs", "use crate::util::x;"),
            ("src/util.rs", "fn f() {}"),
        ] {
            assert_eq!(layers(&file(path, text)).len(), 1, "{path}: {text}");
        }
    }

    #[test]
    fn imports_downward_comments_and_tests_are_no_fault() {
        for (path, text) in [
            ("src/cli/run.rs", "use crate::daemon; use crate::town::agent::Name;"),
            ("src/lib.rs", "pub mod cli; pub use cli::main;"),
            ("src/main.rs", "fn main() { gtd::cli::main() }"),
            ("src/town/agent.rs", "use super::plan::Plan; use crate::town::{time, text};"),
            ("src/town/time.rs", "//! See [`crate::sys::clock`].\n/* crate::cli */ fn f() { g(\"crate::cli\") }"),
            ("src/town/time.rs", "#[cfg(test)]\nmod tests { use crate::sys::clock; }"),
            ("src/town/time.rs", "mod inner { use super::super::plan; }"),
            ("src/world/act.rs", "use super::World; use super::super::sys::clock;"),
        ] {
            assert_eq!(layers(&file(path, text)), [""; 0], "{path}");
        }
    }

    #[test]
    fn every_way_to_reach_the_machine_from_a_pure_layer_is_found() {
        for text in [
            "use std::fs;",
            "use std::{fmt, fs::File};",
            "use std::{\n    collections::{BTreeMap, BTreeSet},\n    process::Command,\n};",
            "fn f() { std::env::var(\"X\") }",
            "fn f() { std::thread::sleep(d) }",
            "use std::net::TcpStream;",
            "use std::*;",
            "use std as s;",
            "fn f() { SystemTime::now() }",
            "fn f() { Instant :: now () }",
            "fn f() { clock.now() }",
            "let t = std::time::Instant::now();",
        ] {
            assert_eq!(purity(&file("src/decide/x.rs", text)).len(), 1, "{text}");
            assert_eq!(purity(&file("src/town.rs", text)).len(), 1, "{text}");
            assert_eq!(purity(&file("src/sys/clock.rs", text)), [""; 0], "{text}");
        }
        let harmless = "use std::fmt; let now = snapshot.now; plus(now); // Instant::now()\n#[cfg(test)] use std::fs;";
        assert_eq!(purity(&file("src/decide/x.rs", harmless)), [""; 0]);
    }

    #[test]
    fn unsafe_code_is_found_where_it_must_not_be_or_gives_no_reason() {
        let count = |path: &str, text: &str| unsafety(&file(path, text)).len();
        assert_eq!(count("src/sys/files.rs", "// SAFETY: no\nunsafe { x() }"), 1);
        assert_eq!(count("src/sys/files.rs", "#[cfg(test)] mod t { fn f() { unsafe { x() } } }"), 1);
        assert_eq!(count(UNSAFE, "fn f() {\n    unsafe { x() }\n}"), 1);
        assert_eq!(count(UNSAFE, "// SAFETY: it is.\nlet a = 1;\nunsafe { x() }"), 1);
        assert_eq!(count(UNSAFE, "// It is safe.\nunsafe fn f() {}"), 1);
        assert_eq!(count(UNSAFE, "// SAFETY: it is,\n// indeed.\nlet y = unsafe { x() };"), 0);
        assert_eq!(count("src/lib.rs", "#![deny(unsafe_code)] // unsafe"), 0);
    }

    #[test]
    fn every_way_to_panic_is_found() {
        let count = |path: &str, text: &str| panics(&file(path, text)).len();
        for text in ["x.unwrap();", "x\n.unwrap()", "x.expect(\"y\")", "panic!(\"\")", "todo!()", "unimplemented!()"] {
            assert_eq!(count("src/world/x.rs", text), 1, "{text}");
        }
        assert_eq!(count("src/world/x.rs", "x.map(Option::unwrap)"), 1);
        assert_eq!(count("src/world/x.rs", "x.unwrap_or(1); expected(); // panic!()\nf(\".unwrap()\");"), 0);
        assert_eq!(count("src/world/x.rs", "#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }"), 0);
        assert_eq!(count("src/main.rs", "x.unwrap()"), 0);
    }

    #[test]
    fn files_that_are_too_long_or_say_nothing_are_found() {
        assert_eq!(shape(&file("src/a.rs", &"//! A.\n".repeat(501))).len(), 1);
        assert_eq!(shape(&file("src/a.rs", &"//! A.\n".repeat(500))), [""; 0]);
        assert_eq!(shape(&file("src/a.rs", "// A.\n")).len(), 1);
        assert_eq!(shape(&file("src/a.rs", "use b;\n//! A.\n")).len(), 1);
    }

    #[test]
    fn every_kind_of_dependency_is_found() {
        let manifest = "[package]\nname = \"gtd\"\n[dependencies]\n# a = 1\nb = \"1\"\nc.version = \"1\"\n\
            [dev-dependencies]\nd = \"1\"\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n[build-dependencies]\nf = \"1\"\n\
            [dependencies.g]\nversion = \"1\"\n[profile.release]\nlto = true\n";
        assert_eq!(dependencies(manifest), ["b", "c", "e", "f", "g"]);
    }
}
