//! `gtd --request` and the spool that it writes to: what it says, what it leaves, and what gtd makes of strange files there.

use crate::support::{Town, process, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::SystemTime;

fn order(action: &str, agent: &str) -> Value {
    json!({"action": action, "agent": agent, "at": crate::support::mail::rfc3339(SystemTime::now())})
}

fn waiting(town: &Town) -> Vec<PathBuf> {
    let entries = fs::read_dir(town.root.join("daemon/requests")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[test]
fn a_request_says_what_becomes_of_it() {
    let town = Town::new(&["alpha"]);
    fs::create_dir_all(town.root.join("alpha/crew/max")).expect("made");
    let unknown = town.request("cycle", "alpha/witnes").refused(2);
    assert!(unknown.contains("the nearest are alpha/witness"), "{unknown}");
    for name in ["", "../x", "$(id)", "gt-alpha-witness2", "alpha", "alpha/nux", "\u{1b}[2J"] {
        let said = town.request("cycle", name).refused(2);
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
    town.request("dance", "deacon").refused(2);
    assert!(waiting(&town).is_empty(), "nothing of it is left");
    let said = town.request("cycle", "gt-alpha-crew-max").refused(3);
    assert!(said.contains("cycle of alpha/crew/max is kept, and carried out when one starts"), "{said}");
    let dir = town.root.join("daemon/requests");
    let mode = |path: &PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
    let files = waiting(&town);
    assert_eq!((mode(&dir), files.len(), mode(&files[0])), (0o700, 1, 0o600));
    // Also where no gtd has served the town yet.
    let shown = town.run(&["--status"]).exits(3).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let name = files[0].file_name().expect("a name").to_string_lossy();
    assert!(shown.contains(&format!("request cycle of alpha/crew/max, by spool file {name}, kept for ")), "{shown}");
    let json = town.run(&["--status", "--json"]).exits(3).stdout;
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["requests"][0]["agent"], "alpha/crew/max");
    let gtd = town.up();
    town.wait_for_log("cycle of crew max for alpha is done");
    let said = town.request("restart", "deacon").exits(0);
    assert!(said.stdout.contains("restart of deacon is left for the daemon (PID "), "{said}");
    wait_until("it is done", || waiting(&town).is_empty() && town.logged("restart of Deacon is done") == 1);
    gtd.stop();
}

#[test]
fn what_was_asked_for_while_nobody_served_is_done_at_the_next_start() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let [deacon, witness] = ["deacon", "alpha-witness"].map(|agent| town.wait_for_agent(agent, None));
    gtd.kill();
    town.request("restart", "deacon").refused(3);
    town.request("shutdown", "alpha/witness").refused(3);
    let shown = town.run(&["--dry-run"]).exits(0).stdout;
    assert!(shown.contains("restart of deacon (spool file"), "{shown}");
    assert!(process::is_alive(deacon) && process::is_alive(witness), "so far it is only shown");
    let gtd = town.up();
    let second = town.wait_for_agent("deacon", Some(deacon));
    wait_until("the witness is down", || !town.has_session("gt-alpha-witness"));
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [deacon, second]);
    assert_eq!(town.pids("alpha-witness"), [witness]);
    assert!(waiting(&town).is_empty());
}

#[test]
fn strange_files_in_the_spool_are_discarded_and_harm_nothing() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    gtd.stop();
    let dir = town.root.join("daemon/requests");
    fs::create_dir_all(&dir).expect("made");
    let secret = town.root.join("secret");
    let good = order("shutdown", "deacon").to_string();
    fs::write(&secret, &good).expect("written");
    std::os::unix::fs::symlink(&secret, dir.join("link.json")).expect("linked");
    std::os::unix::fs::symlink("/nowhere", dir.join("dangling.json")).expect("linked");
    let mut fifo = town.command("/usr/bin/mkfifo");
    fifo.arg(dir.join("fifo.json"));
    crate::support::Ran::of(fifo).exits(0);
    fs::create_dir(dir.join("folder.json")).expect("made");
    for (name, text) in [
        ("empty.json", ""),
        ("torn.json", &good[..good.len() / 2]),
        ("list.json", "[]"),
        ("action.json", &good.replace("shutdown", "dance")),
        ("agent.json", &good.replace("\"deacon\"", "\"../deacon\"")),
        ("nobody.json", &good.replace("\"deacon\"", "\"omega/witness\"")),
        ("polecat.json", &good.replace("\"deacon\"", "\"alpha/polecats/nux\"")),
        ("time.json", &json!({"action": "shutdown", "agent": "deacon", "at": "yesterday"}).to_string()),
        ("old.json", &json!({"action": "shutdown", "agent": "deacon", "at": "2020-01-01T00:00:00Z"}).to_string()),
    ] {
        fs::write(dir.join(name), text).expect("written");
    }
    fs::write(dir.join("half.json.gtd-tmp-1-1"), &good).expect("written");
    fs::write(dir.join("notes.txt"), &good).expect("written");
    let gtd = town.up();
    wait_until("the files are gone", || waiting(&town).iter().filter(|path| path.is_file()).count() <= 2);
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [first]);
    assert!(process::is_alive(first));
    assert!(secret.exists(), "what a link leads to stays");
    for name in ["link", "fifo", "empty", "torn", "list", "action", "agent", "nobody", "time", "old", "folder"] {
        assert_eq!(town.logged(&format!("Discarding spool file {name}.json: ")), 1, "{name}");
    }
}

#[test]
fn a_thousand_files_are_worked_off_and_the_last_word_is_done_once() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let [deacon, witness] = ["deacon", "alpha-witness"].map(|agent| town.wait_for_agent(agent, None));
    gtd.stop();
    let dir = town.root.join("daemon/requests");
    fs::create_dir_all(&dir).expect("made");
    for number in 0..1000 {
        fs::write(dir.join(format!("{number:04}.json")), order("shutdown", "deacon").to_string()).expect("written");
    }
    fs::write(dir.join("9999.json"), order("restart", "deacon").to_string()).expect("written");
    let gtd = town.up();
    wait_until("all are gone", || waiting(&town).is_empty());
    town.wait_for_agent("deacon", Some(deacon));
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.pids("deacon").len(), 2);
    assert_eq!(town.pids("alpha-witness"), [witness]);
}

#[test]
fn what_cannot_be_claimed_on_the_disk_is_not_consumed() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    // The state can no longer be written: a claim cannot be saved.
    let state = town.root.join("daemon/state.json");
    // gtd may write it anew in between.
    wait_until("a directory stands in its place", || {
        let _ = fs::remove_file(&state);
        fs::create_dir(&state).is_ok()
    });
    let dir = town.root.join("daemon/requests");
    town.request("restart", "deacon").exits(0);
    town.wait_for_log("ailed to save state");
    town.wait_for_heartbeats(2);
    let done = town.pids("deacon") != [first];
    assert!(!done || town.pids("deacon").len() == 2);
    let kept = fs::read_dir(&dir).expect("a listing").count();
    assert!(kept == 1, "what could not be claimed is not consumed (done: {done})");
    fs::remove_dir(town.root.join("daemon/state.json")).expect("removed");
    town.wait_for_agent("deacon", Some(first));
    wait_until("it goes when it is claimed", || waiting(&town).is_empty());
    gtd.stop();
    assert_eq!(town.pids("deacon").len(), 2);
}
