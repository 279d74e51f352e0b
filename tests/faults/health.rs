//! What has to hold after every fault.

use crate::support::program::GTD;
use crate::support::{Gtd, Town, process, wait_until};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Whether nothing is left of what was asked for: no mail, no file in the spool, no claim, no worker that waits.
pub fn is_settled(town: &Town) -> bool {
    let pending = town.read("spawn/pending.json");
    town.state()["gtd"].is_object()
        && town.claims().is_empty()
        && town.inbox().is_empty()
        && spool(town).is_empty()
        && matches!(pending.trim(), "" | "[]" | "null")
}

/// The files of the spool.
pub fn spool(town: &Town) -> Vec<PathBuf> {
    let files = files_below(&town.root.join("daemon/requests"));
    files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")).collect()
}

/// Asserts that the town is served by this gtd and by no other, that all that was asked for is done, and that all its files
/// are whole; and that each of these agents has been started so often in all, and lives exactly once.
pub fn assert_healthy(town: &Town, gtd: &Gtd, agents: &[(&str, usize)]) {
    wait_until("all that was asked for is done", || is_settled(town));
    wait_until("all agents live", || agents.iter().all(|(agent, _)| !living(town, agent).is_empty()));
    town.wait_for_heartbeats(1);
    assert_eq!(daemons(town), [gtd.pid()], "one daemon");
    assert_files_are_whole(town);
    for (agent, starts) in agents {
        assert_eq!(living(town, agent).len(), 1, "{agent} lives once");
        assert_eq!(town.pids(agent).len(), *starts, "so often {agent} has been started");
    }
}

/// The PIDs of an agent's programs that live. In a long run another process may have the number of one that has ended; so each
/// is known by its environment too.
pub fn living(town: &Town, agent: &str) -> Vec<u32> {
    let is_its = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let text = String::from_utf8_lossy(&environment).replace('/', "-");
        text.split('\0').any(|pair| pair.strip_prefix("BD_ACTOR=") == Some(agent))
    };
    let pids: BTreeSet<u32> = town.pids(agent).into_iter().collect();
    let ours = town.processes("bin/agent").into_iter().map(|process| process.pid);
    ours.filter(|pid| pids.contains(pid) && is_its(pid)).collect()
}

/// The PIDs of the town's daemons. A child that has not yet become another program looks like its parent, and is none.
pub fn daemons(town: &Town) -> Vec<u32> {
    let all: Vec<u32> = town.processes(GTD).into_iter().filter(|p| p.line.starts_with(GTD)).map(|p| p.pid).collect();
    let is_child = |pid: &u32| process::parent(*pid).is_some_and(|parent| all.contains(&parent));
    all.iter().copied().filter(|pid| !is_child(pid) && process::is_alive(*pid)).collect()
}

/// Asserts that every JSON file of the town can be read, that none was set aside, and that none is half written.
pub fn assert_files_are_whole(town: &Town) {
    let is_temporary = |path: &PathBuf| path.to_string_lossy().contains(".gtd-tmp-");
    // What a living gtd writes just now is gone at another look.
    wait_until("no temporary file is left over", || !files_below(&town.root).iter().any(is_temporary));
    for path in files_below(&town.root) {
        let name = path.to_string_lossy();
        assert!(!name.contains(".corrupt-"), "{name} was set aside");
        if name.ends_with(".json")
            && let Ok(text) = fs::read_to_string(&path)
        {
            assert!(serde_json::from_str::<Value>(&text).is_ok(), "{name} is torn: {text}");
        }
    }
}

/// All files below a directory; one that goes meanwhile may be missing.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files_below(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}
