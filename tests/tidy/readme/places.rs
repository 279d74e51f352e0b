//! What the README names and where it leads: its own headings, files, packages, variables.

use super::{pieces_of_code, plain, section};
use crate::rules::{LAYERS, PURE, dependencies};
use crate::{below, entries, none, read, sources, top};
use gtd::cli::reference::FILES;
use gtd::town::names::Generation;
use std::collections::BTreeSet;

/// The anchor that a heading gets where Markdown is shown.
fn anchor(heading: &str) -> String {
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(is_kept).collect::<String>().replace(' ', "-")
}

/// The lines of a text that are no code.
fn prose(markdown: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    markdown.lines().filter(move |line| {
        fenced ^= line.starts_with("```");
        !fenced
    })
}

#[test]
fn every_link_of_the_readme_leads_to_a_heading() {
    let readme = read("README.md");
    let headings = prose(&readme).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchors: BTreeSet<String> = headings.map(|heading| format!("#{}", anchor(heading))).collect();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links: BTreeSet<String> = links.map(str::to_owned).collect();
    assert!(links.len() > 5, "{links:?}");
    none("lead nowhere", &links.difference(&anchors).cloned().collect());
}

#[test]
fn every_source_and_test_that_the_readme_names_is_there() {
    let readme = read("README.md");
    let named = pieces_of_code(&readme).into_iter().filter(|piece| {
        let is_path = |start: &str| piece.starts_with(start) && !piece.contains(' ');
        is_path("src/") || is_path("tests/")
    });
    let named: BTreeSet<String> = named.map(str::to_owned).collect();
    assert!(named.len() > 3, "{named:?}");
    none("not there", &named.into_iter().filter(|path| !top().join(path).exists()).collect());
}

#[test]
fn the_readme_names_the_layers_and_the_packages() {
    let readme = plain(&read("README.md"));
    let layers = LAYERS.map(|layer| format!("`{layer}`")).join(", ");
    assert!(readme.contains(&format!("each importing only downward: {layers}; the last two are pure")), "{layers}");
    assert!(LAYERS.ends_with(&PURE), "{PURE:?}");
    let packages = dependencies(&read("Cargo.toml")).join(", ");
    assert!(readme.contains(&format!("Run-time packages: {packages}.")), "{packages}");
}

#[test]
fn every_variable_that_the_readme_names_is_known_somewhere() {
    let readme = read("README.md");
    let is_name = |piece: &&str| {
        piece.len() > 4 && piece.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') && piece.contains('_')
    };
    let named: BTreeSet<&str> = pieces_of_code(&readme).into_iter().filter(is_name).collect();
    assert!(named.len() > 20, "{named:?}");
    let sources: Vec<String> = sources().into_iter().map(|file| file.text).collect();
    // As a whole text, which is how a variable is asked for.
    let is_known = |name: &&&str| sources.iter().any(|text| text.contains(&format!("\"{name}\"")));
    none("in no source", &named.iter().filter(|name| !is_known(name)).map(|name| (*name).to_owned()).collect());
}

#[test]
fn every_file_of_the_table_is_one_that_the_program_names() {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let others = sources().into_iter().filter(|file| file.path != "src/cli/reference.rs");
    let code: String =
        others.flat_map(|file| file.text.lines().filter(is_code).map(str::to_owned).collect::<Vec<_>>()).collect();
    let mut unknown = BTreeSet::new();
    for path in FILES.iter().flat_map(|(paths, _)| super::code(paths)) {
        // What stands in great letters is another name each time, and `ESTOP` is a name itself. A role's file is called after it.
        let is_name = |part: &&str| !part.is_empty() && !part.starts_with("RIG") && *part != "SESSION.pid";
        let last = path.split('/').rfind(is_name).unwrap_or_default().trim_end_matches("RIG");
        let last = last.trim_start_matches("refinery");
        if !code.contains(last) {
            unknown.insert(path.to_owned());
        }
    }
    none("in no source", &unknown);
}

#[test]
fn each_generation_is_one_table_in_its_place() {
    let readme = plain(&read("README.md"));
    assert!(readme.contains("Each generation is one table in `src/town/names/`."));
    assert!(readme.contains("gtd knows three generations"));
    assert_eq!((entries(&top().join("src/town/names")).len(), Generation::ALL.len()), (3, 3));
    let recorded = Generation::ALL.map(|generation| top().join("tests/data").join(generation.word()));
    assert!(recorded.iter().all(|dir| dir.is_dir()), "{recorded:?}");
}

#[test]
fn the_demo_town_is_as_the_readme_says() {
    let (readme, script) = (plain(&read("README.md")), read("tests/demo/run"));
    assert!(readme.contains("a Deacon and two Witnesses, which are small shell programs"));
    let rigs: serde_json::Value = serde_json::from_str(&read("tests/demo/town/mayor/rigs.json")).expect("JSON");
    assert_eq!(rigs["rigs"].as_object().map(serde_json::Map::len), Some(2));
    let attach = "tmux -L gtd-demo attach -t gt-deacon";
    assert!(readme.contains(&format!("(`{attach}`)")) && script.contains(attach));
}

#[test]
fn the_changes_of_this_version_come_first() {
    let changes = read("README.md");
    let first = section(&changes, "Changes").lines().nth(2).expect("a line").to_owned();
    assert!(first.starts_with(concat!(env!("CARGO_PKG_VERSION"), ", ")), "{first}");
}

#[test]
fn every_figure_of_a_long_test_is_the_readmes() {
    let readme = plain(&read("README.md"));
    let soak = below("tests/faults").into_iter().map(|file| file.text).collect::<String>();
    for (said, code) in [("a thousand kills", "if is_soak() { 1000 }"), ("10,000 looks", "if is_soak() { (10_000,")] {
        assert!(readme.contains(said) && soak.contains(code), "{said}");
    }
}

#[test]
fn headings_become_anchors() {
    assert_eq!(anchor("In the place of `gt daemon`"), "in-the-place-of-gt-daemon");
    assert_eq!(prose("a\n```sh\n# b\n```\nc").collect::<Vec<_>>(), ["a", "```", "c"]);
}
