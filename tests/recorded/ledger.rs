//! That every recording in `tests/data` is read by a test.

use super::beads::LEARNT;
use super::data;
use std::fs;
use std::path::{Path, PathBuf};

/// The beginnings of names of which a test takes all that there are.
pub const FAMILIES: &[&str] =
    &["bd-update-", "v0.47-bd-update-", "foreign-", "gt-inbox-", "gt-mail-inbox-", "gt-mail-delete", "gt-mail-send"];

/// The text of all tests.
fn tests() -> String {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = vec![top.join("tests"), top.join("src")];
    let mut text = String::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("a source"));
        }
    }
    text
}

#[test]
fn every_recording_is_read_by_a_test() {
    let tests = tests();
    let mut unread = Vec::new();
    for folder in ["seed", "v0.2", "v1.0"] {
        for entry in fs::read_dir(data(folder)).expect(folder) {
            let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
            let plain = name.trim_end_matches(".json");
            let learnt = plain.replacen("bd-show-", "", 1);
            // By itself, below its folder, or below one that is filled in.
            let named = ["\"", &format!("{folder}/"), "}/"]
                .map(|before| [format!("{before}{name}"), format!("{before}{plain}\"")]);
            // One for each of several agents: `tmux-show-options-hq-deacon.json`.
            let of_agent = ["tmux-show-environment-", "tmux-show-options-"].iter().any(|start| {
                name.strip_prefix(start)
                    .is_some_and(|session| tests.contains(&format!("\"{}\"", session.trim_end_matches(".json"))))
            });
            let is_read = FAMILIES.iter().any(|start| name.starts_with(start))
                || LEARNT.iter().any(|(file, _)| *file == format!("{folder}/{learnt}"))
                || named.as_flattened().iter().any(|named| tests.contains(named))
                || of_agent;
            if !is_read {
                unread.push(format!("{folder}/{name}"));
            }
        }
    }
    assert!(unread.is_empty(), "no test reads {unread:#?}");
}
