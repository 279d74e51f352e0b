//! What the real `bd` and `gt` of three generations printed, wrote and started, and what gtd makes of it. The recordings are in
//! `tests/data`, one call a file, as the program gave it: exit status, stdout and stderr; files are there as they were left.
//!
//! What was recorded and is not there is what gtd neither reads nor imitates: how a town, its rigs and workers are made, what
//! persons and agents ask of `gt` that leads to no file or mail, files in which Gas Town keeps notes for itself, the keys
//! that it binds, measured times, and how each program says that it was called outside of a town.

mod beads;
mod daemons;
mod files;
mod holds;
mod ledger;
mod mail;
mod names;
mod screens;
mod starts;
#[path = "../support/mod.rs"]
mod support;
mod updates;

use gtd::sys::command::Command;
use gtd::town::agent::AgentId;
use gtd::town::names::{Agent, Generation};
use gtd::town::rigs::{Rig, Rigs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

fn text(file: &str) -> String {
    fs::read_to_string(data(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn json(file: &str) -> Value {
    serde_json::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A call of a program, as it was recorded.
struct Call {
    args: Vec<String>,
    dir: tempfile::TempDir,
    exit: i64,
}

impl Call {
    fn read(file: &str) -> Call {
        let call = json(file);
        let words = call["argv"].as_array().expect("arguments").iter().skip(1);
        let dir = tempfile::tempdir().expect("a directory");
        for stream in ["stdout", "stderr"] {
            fs::write(dir.path().join(stream), call[stream].as_str().expect(stream)).expect("written");
        }
        let args = words.map(|word| word.as_str().expect("a word").to_owned()).collect();
        Call { args, dir, exit: call["exit"].as_i64().expect("an exit status") }
    }

    /// A program that says again what was said then, and notes what it is asked for.
    fn again(&self) -> Command {
        let exit = self.exit;
        let script = format!("echo \"$*\" >asked; cat stdout; cat stderr >&2; exit {exit}");
        Command::new("/bin/sh", Duration::from_secs(20)).dir(self.dir.path()).args(&["-c", &script, "program"])
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.dir.path().join("asked")).expect("it was asked").trim().to_owned()
    }
}

/// What a recorded call printed on stdout.
fn stdout(file: &str) -> String {
    json(file)["stdout"].as_str().expect("stdout").to_owned()
}

/// What a recorded call printed on stderr.
fn stderr(file: &str) -> String {
    json(file)["stderr"].as_str().expect("stderr").to_owned()
}

/// The recorded files whose name begins in one of these ways: `seed/gt-inbox-one.json`.
fn family(start: &[&str]) -> BTreeSet<String> {
    assert!(start.iter().all(|start| ledger::FAMILIES.contains(start)), "{start:?}");
    let mut found = BTreeSet::new();
    for generation in Generation::ALL {
        let names = fs::read_dir(data(generation.word())).expect("a listing").flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let names = names.filter(|name| start.iter().any(|start| name.starts_with(start)));
        found.extend(names.map(|name| format!("{generation}/{name}")));
    }
    found
}

/// Whose recording this is.
fn generation_of(file: &str) -> Generation {
    let word = file.split('/').next().expect("a folder");
    Generation::ALL.into_iter().find(|generation| generation.word() == word).expect("a generation")
}

/// A town with some recorded files in it.
fn town(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (file, place) in files {
        let place = dir.path().join(place);
        fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        fs::write(place, text(file)).expect("written");
    }
    dir
}

/// An agent of the town that was recorded.
fn agent(generation: Generation, id: &str) -> Agent {
    let folder = generation.word();
    let rigs = Rigs::parse(text(&format!("{folder}/mayor_rigs.json")).as_bytes()).expect("rigs").served;
    let id: AgentId = id.parse().expect(id);
    let rig: Option<&Rig> = rigs.iter().find(|rig| Some(&rig.name) == id.rig());
    generation.table().agent(Path::new("@TOWN@"), id, rig)
}
