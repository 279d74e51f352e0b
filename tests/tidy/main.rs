//! What is promised about the sources, held by reading them: the layers, what may be in them, and that the README and the
//! program say the same.

mod circles;
#[path = "../support/idle.rs"]
mod idle;
mod readme;
mod rules;
mod source;

use gtd::cli::reference::{EXITS, FILES, SIGNALS};
use gtd::town::config::keys::KEYS;
use rules::File;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All Rust files below `src`.
fn sources() -> Vec<File> {
    below("src")
}

/// All Rust files below a directory.
fn below(dir: &str) -> Vec<File> {
    let mut open = vec![top().join(dir)];
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(entries(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let inner = path.strip_prefix(top()).expect("below the top");
            files.push(File { path: inner.display().to_string(), text: fs::read_to_string(&path).expect("readable") });
        }
    }
    files
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
}

/// Checks every source by one rule.
#[track_caller]
fn hold(rule: fn(&File) -> Vec<String>) {
    let files = sources();
    assert!(files.len() > 30 && files.iter().any(|f| f.path == "src/town/agent.rs"), "the sources were not found");
    let wrong: Vec<String> = files.iter().flat_map(rule).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[track_caller]
fn none(what: &str, missing: &BTreeSet<String>) {
    assert!(missing.is_empty(), "{what}: {}", missing.iter().cloned().collect::<Vec<_>>().join(" "));
}

#[test]
fn every_layer_uses_only_those_below_it() {
    hold(rules::layers);
}

#[test]
fn no_files_need_each_other_in_a_circle() {
    let found = circles::circles(&sources());
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_brain_and_its_words_touch_no_clock_and_no_machine() {
    hold(rules::purity);
}

#[test]
fn unsafe_code_is_in_one_file_and_gives_its_reasons() {
    hold(rules::unsafety);
}

#[test]
fn nothing_panics_on_purpose_outside_tests() {
    hold(rules::panics);
}

#[test]
fn every_file_is_short_and_says_what_it_is_for() {
    hold(rules::shape);
}

#[test]
fn the_program_is_linked_with_six_crates() {
    let allowed = ["crossbeam-channel", "fs2", "lexopt", "libc", "serde_json", "signal-hook"];
    assert_eq!(rules::dependencies(&read("Cargo.toml")), allowed);
}

#[test]
fn the_top_level_holds_what_it_must_and_nothing_else() {
    let ignored = read(".gitignore");
    let is_ignored = |name: &str| ignored.lines().any(|line| line.trim_matches('/') == name);
    let is_allowed = |name: &str| {
        let known = ["Cargo.toml", "Cargo.lock", "src", "tests", "Makefile", "README.md"];
        name.starts_with('.') || known.contains(&name) || name.starts_with("LICENSE") || is_ignored(name)
    };
    let names = entries(top()).into_iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let surplus: BTreeSet<String> = names.filter(|name| !is_allowed(name)).collect();
    none("should not be at the top level", &surplus);
}

#[test]
fn the_readme_has_every_flag_of_the_help_and_no_other() {
    let readme = read("README.md");
    let of_help = readme::flags(&gtd::cli::help());
    assert!(of_help.contains("--status"), "the help was not understood");
    none("not in README.md", &of_help.difference(&readme::flags(&readme)).cloned().collect());
    none("not in --help", &readme::claimed_flags(&readme).difference(&of_help).cloned().collect());
}

#[test]
fn the_readme_shows_the_command_line_as_the_help_does() {
    let help = gtd::cli::help();
    let usage = help.split("\n\n").nth(1).expect("the usage");
    let usage: Vec<&str> = usage.lines().map(|line| &line["usage: ".len()..]).collect();
    let block = format!("```text\n{}\n```", usage.join("\n"));
    assert!(usage.len() > 10 && read("README.md").contains(&block), "\n{block}");
}

#[test]
fn the_readme_asks_for_the_rust_that_is_needed() {
    let manifest = read("Cargo.toml");
    let needed = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a version");
    assert!(read("README.md").contains(&format!("a Rust toolchain ({} or newer)", needed.trim_matches('"'))));
}

#[test]
fn the_readmes_tables_and_the_programs_say_the_same() {
    let readme = read("README.md");
    let code = |text: &str| format!("`{text}`");
    let keys = KEYS.iter().map(|key| vec![code(key.path), key.default.to_owned(), key.meaning.to_owned()]);
    assert_eq!(readme::table(&readme, "Configuration"), keys.collect::<Vec<_>>());
    let exits = EXITS.iter().map(|(exit, _, meaning)| vec![(*exit as u8).to_string(), (*meaning).to_owned()]);
    assert_eq!(readme::table(&readme, "Command line"), exits.collect::<Vec<_>>());
    let pairs =
        |table: &[(&str, &str)]| table.iter().map(|(a, b)| vec![(*a).to_owned(), (*b).to_owned()]).collect::<Vec<_>>();
    assert_eq!(readme::table(&readme, "Files"), pairs(&FILES));
    assert_eq!(readme::table(&readme, "Signals"), pairs(&SIGNALS));
}

#[test]
fn the_readme_has_every_configuration_key_and_no_other() {
    let claimed = readme::claimed_keys(&read("README.md"));
    assert!(!claimed.is_empty(), "README.md has no table of keys under \"## Configuration\"");
    none("unknown to the program", &claimed.iter().filter(|key| !readme::is_known(key)).cloned().collect());
    let known = readme::known_keys(&readme::possible_keys(&read("src/town/config.rs")));
    assert!(known.contains("gtd.look_interval") && known.contains("patrols.witness.rigs"), "{known:?}");
    // The Deacon belongs to no rig: the key is read like the others' and limits nothing.
    let wanted = known.into_iter().filter(|key| key != "patrols.deacon.rigs");
    none("not in README.md", &wanted.filter(|key| !readme::is_claimed(key, &claimed)).collect());
}

#[test]
fn every_promise_of_the_readme_is_held_by_a_test_that_is_there() {
    let readme = read("README.md");
    let promised = readme::claimed_tests(&readme);
    assert!(promised.len() > 10, "{promised:?}");
    let files: Vec<File> = ["src", "tests"].into_iter().flat_map(below).collect();
    let is_there = |(file, test): &(String, String)| {
        let within =
            |found: &&File| found.path.contains(&format!("/{file}.rs")) || found.path.contains(&format!("/{file}/"));
        files.iter().filter(within).any(|found| {
            found.text.contains(&format!("#[test]\nfn {test}()"))
                || found.text.contains(&format!("#[test]\n    fn {test}()"))
                || found.text.contains(&format!("    fn {test}(\n"))
        })
    };
    let missing: BTreeSet<String> =
        promised.iter().filter(|p| !is_there(p)).map(|(file, test)| format!("{file}::{test}")).collect();
    none("no such test", &missing);
}
