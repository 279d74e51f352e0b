//! Where nothing happens in a town, nothing is written but that gtd was there: the state's own heartbeat.

use crate::support::{Town, wait_until};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// When each file below a directory was last written. The state comes and goes under a name of its own while it is written.
fn written(dir: &Path, found: &mut BTreeMap<String, SystemTime>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_dir() {
            written(&entry.path(), found);
        } else if let (false, Ok(at)) = (entry.file_name().to_string_lossy().contains("state.json"), meta.modified()) {
            found.insert(entry.path().display().to_string(), at);
        }
    }
}

/// The files below the town's root that are written while `wait` waits, without the state.
fn written_while(town: &Town, wait: impl FnOnce()) -> BTreeSet<String> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    written(&town.root, &mut before);
    wait();
    written(&town.root, &mut after);
    after.into_iter().filter(|(path, at)| before.get(path) != Some(at)).map(|(path, _)| path).collect()
}

/// Waits until the town has been looked at some times more.
fn wait_for_looks(town: &Town, more: usize) {
    for _ in 0..more {
        let before = town.state()["gtd"]["looked_at"].clone();
        wait_until("another look", || town.state()["gtd"]["looked_at"] != before);
    }
}

/// The keys below which two states differ.
fn differences(a: &Value, b: &Value, path: &str, found: &mut BTreeSet<String>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys()) {
                let of = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or(Value::Null);
                differences(&of(a), &of(b), &format!("{path}/{key}"), found);
            }
        }
        (a, b) if a != b => {
            found.insert(path.to_owned());
        }
        _ => {}
    }
}

#[test]
fn a_look_at_a_town_where_nothing_happens_writes_only_that_it_was_looked_at() {
    let mut town = Town::new(&["alpha", "beta"]);
    town.configure(json!({"heartbeat": {"interval": "1h"}}));
    let gtd = town.up();
    // By then it is known that the pokes were answered.
    wait_until("everybody is alive", || {
        ["deacon", "alpha/witness", "beta/witness"].map(|id| town.word_for(id)) == ["alive"; 3]
    });
    wait_for_looks(&town, 2);
    let before = town.state();
    let files = written_while(&town, || wait_for_looks(&town, 5));
    let mut changed = BTreeSet::new();
    differences(&before, &town.state(), "", &mut changed);
    gtd.stop();
    assert_eq!(files, BTreeSet::new());
    let is_presence = |path: &String| ["looked_at", "last_look", "seen", "strip"].iter().any(|key| path.contains(key));
    let more: Vec<&String> = changed.iter().filter(|path| !is_presence(path)).collect();
    assert!(more.is_empty() && !changed.is_empty(), "{more:?}");
}

#[test]
fn a_heartbeat_writes_the_log_and_the_state_and_a_line_for_each_poke() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    let files = written_while(&town, || town.wait_for_heartbeats(2));
    gtd.stop();
    assert_eq!(files, BTreeSet::from([town.root.join("daemon/daemon.log").display().to_string()]));
    let log = town.log();
    let heartbeats: Vec<&str> = log.split("Heartbeat starting").collect();
    let third: Vec<&str> = heartbeats[3].lines().filter_map(|line| line.get("2026/11/23 14:02:11 ".len()..)).collect();
    let without_number = third.iter().map(|line| line.split(" (").next().unwrap_or_default());
    let said: Vec<&str> = without_number.filter(|line| !line.is_empty()).collect();
    assert_eq!(
        said,
        ["Poked Deacon", "Poked witness for alpha", "Heartbeat complete", "Next heartbeat in 1s"],
        "{log}"
    );
}
