//! Who may do what: what carries screens and requests is its owner's alone, and what others put where gtd's own files belong is
//! refused in one line, without waiting for it and without following it.

use crate::health::{assert_healthy, spool};
use crate::support::{Ran, Town, process, wait_until};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode()
        & 0o7777
}

fn make_fifo(town: &Town, path: &Path) {
    let mut command = town.command("/usr/bin/mkfifo");
    command.arg(path);
    Ran::of(command).exits(0);
}

/// A restart of the Deacon, as `gtd --request` writes it.
fn order() -> String {
    let at = crate::support::mail::rfc3339(std::time::SystemTime::now());
    json!({"action": "restart", "agent": "deacon", "at": at}).to_string()
}

#[test]
fn screens_and_requests_are_their_owners_alone_whatever_the_umask() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    gtd.stop();
    // Somebody has made the directories beforehand, for everybody.
    for name in ["requests", "screens"] {
        let dir = town.root.join("daemon").join(name);
        fs::create_dir_all(&dir).expect("made");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).expect("opened");
    }
    let open = |args: &str| {
        let mut command = town.command("/bin/sh");
        command.arg("-c").arg(format!("umask 0; exec {} {args}", crate::support::program::GTD));
        Ran::of(command)
    };
    open("--request restart deacon").refused(3);
    assert_eq!(spool(&town).iter().map(|file| mode(file)).collect::<Vec<_>>(), [0o600]);
    assert_eq!(mode(&town.root.join("daemon/requests")), 0o700);
    open("--once").exits(0);
    town.wait_for_agent("deacon", Some(first));
    let screens = town.root.join("daemon/screens");
    assert_eq!(mode(&screens), 0o700);
    assert!(town.screens().iter().all(|(name, _)| mode(&screens.join(name)) == 0o600) && !town.screens().is_empty());
    for name in ["state.json", "daemon.lock", "daemon.log"] {
        assert_eq!(mode(&town.root.join("daemon").join(name)) & 0o022, 0, "{name} is nobody else's to write");
    }
}

#[test]
fn a_link_or_a_fifo_in_the_place_of_the_state_is_set_aside_and_not_followed() {
    for what in ["link", "fifo"] {
        let town = Town::new(&["alpha"]);
        let (state, target) = (town.root.join("daemon/state.json"), town.root.join("target"));
        fs::create_dir_all(town.root.join("daemon")).expect("made");
        fs::write(&target, "{\"heartbeat_count\": 7}").expect("written");
        match what {
            "link" => symlink(&target, &state).expect("linked"),
            _ => make_fifo(&town, &state),
        }
        let gtd = town.up();
        town.wait_for_agent("alpha-witness", None);
        wait_until("it has a state of its own", || town.state()["gtd"].is_object());
        gtd.stop();
        assert_eq!(town.logged("state.json.corrupt-"), 1, "{what}: {}", town.log());
        assert_eq!(fs::read_to_string(&target).expect("there"), "{\"heartbeat_count\": 7}");
        assert_eq!(town.state()["heartbeat_count"], town.heartbeats_done(), "{what}: counted from the beginning");
    }
}

#[test]
fn a_spool_that_is_no_directory_of_ours_is_not_obeyed_and_said_once() {
    for what in ["link", "fifo", "file"] {
        let town = Town::new(&[]);
        let (requests, target) = (town.root.join("daemon/requests"), town.root.join("elsewhere"));
        for dir in ["daemon", "elsewhere"] {
            fs::create_dir_all(town.root.join(dir)).expect("made");
        }
        fs::write(target.join("1.json"), order()).expect("written");
        match what {
            "link" => symlink(&target, &requests).expect("linked"),
            "fifo" => make_fifo(&town, &requests),
            _ => fs::write(&requests, "x").expect("written"),
        }
        let gtd = town.up();
        let pid = town.wait_for_agent("deacon", None);
        let said = town.request("restart", "deacon").refused(1);
        assert!(said.contains("daemon/requests"), "{what}: {said}");
        town.wait_for_heartbeats(2);
        gtd.stop();
        assert_eq!(town.pids("deacon"), [pid], "{what}");
        assert!(target.join("1.json").exists());
        assert_eq!(town.logged("daemon/requests"), 1, "{what}: {}", town.log());
    }
}

#[test]
fn screens_are_not_saved_through_a_link_and_the_restart_is_done_all_the_same() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    let elsewhere = town.root.join("elsewhere");
    fs::create_dir_all(&elsewhere).expect("made");
    symlink(&elsewhere, town.root.join("daemon/screens")).expect("linked");
    town.request("restart", "deacon").exits(0);
    town.wait_for_agent("deacon", Some(first));
    town.wait_for_log("restart of Deacon is done");
    assert_healthy(&town, &gtd, &[("deacon", 2)]);
    gtd.stop();
    assert_eq!(town.logged("The screen of Deacon is not saved: "), 1);
    assert_eq!(fs::read_dir(&elsewhere).expect("a listing").count(), 0);
}

#[test]
fn strange_locks_are_refused_and_strange_logs_and_lists_hold_nothing_up() {
    let town = Town::new(&[]);
    fs::create_dir_all(town.root.join("daemon")).expect("made");
    let target = town.root.join("target");
    fs::write(&target, "mine").expect("written");
    for name in ["daemon.lock", "daemon.pid"] {
        let path = town.root.join("daemon").join(name);
        for what in ["link", "fifo"] {
            match what {
                "link" => symlink(&target, &path).expect("linked"),
                _ => make_fifo(&town, &path),
            }
            let said = town.run(&[]).refused(1);
            assert!(said.contains(name), "{what}: {said}");
            fs::remove_file(&path).expect("removed");
        }
    }
    fs::create_dir_all(town.root.join("spawn")).expect("made");
    make_fifo(&town, &town.root.join("spawn/pending.json"));
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    town.wait_for_heartbeats(2);
    assert_eq!(town.logged("spawn/pending.json"), 1, "said once: {}", town.log());
    gtd.kill();
    fs::remove_file(town.root.join("spawn/pending.json")).expect("removed");
    // A log that nobody reads.
    fs::remove_file(town.root.join("daemon/daemon.log")).expect("removed");
    make_fifo(&town, &town.root.join("daemon/daemon.log"));
    process::signal(first, libc::SIGKILL);
    let gtd = town.start();
    town.wait_for_agent("deacon", Some(first));
    gtd.stop();
    assert_eq!(fs::read_to_string(&target).expect("there"), "mine");
}

/// Gives a file to somebody else; only root can.
fn give_away(path: &Path) -> bool {
    // Nobody, on every system.
    let given = std::os::unix::fs::lchown(path, Some(65534), Some(65534));
    if let Err(error) = &given {
        let text = format!("\n*** SKIPPED: only root can give {} to another user: {error}\n", path.display());
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    given.is_ok()
}

#[test]
fn what_another_user_has_put_into_the_spool_is_refused_even_by_root() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let [deacon, alpha] = ["deacon", "alpha-witness"].map(|agent| town.wait_for_agent(agent, None));
    gtd.stop();
    town.request("cycle", "alpha/witness").refused(3);
    let theirs = town.root.join("daemon/requests/theirs.json");
    fs::write(&theirs, order()).expect("written");
    if !give_away(&theirs) {
        return;
    }
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", Some(alpha));
    assert_healthy(&town, &gtd, &[("deacon", 1), ("alpha-witness", 2)]);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [deacon]);
    assert_eq!(town.logged("theirs.json"), 1, "said once: {}", town.log());
}

#[test]
fn a_spool_of_another_user_is_not_obeyed_even_by_root() {
    let town = Town::new(&[]);
    let requests = town.root.join("daemon/requests");
    fs::create_dir_all(&requests).expect("made");
    fs::write(requests.join("1.json"), order()).expect("written");
    if !give_away(&requests) {
        return;
    }
    let gtd = town.up();
    let pid = town.wait_for_agent("deacon", None);
    town.request("restart", "deacon").refused(1);
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [pid]);
    assert_eq!(town.logged("daemon/requests"), 1, "said once: {}", town.log());
}

#[test]
fn a_state_of_another_user_is_not_believed_even_by_root() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let [deacon, alpha] = ["deacon", "alpha-witness"].map(|agent| town.wait_for_agent(agent, None));
    town.request("shutdown", "alpha/witness").exits(0);
    town.wait_for_log("shutdown of witness for alpha is done");
    gtd.stop();
    if !give_away(&town.root.join("daemon/state.json")) {
        return;
    }
    let gtd = town.up();
    // Nobody of this user's has ended it.
    town.wait_for_agent("alpha-witness", Some(alpha));
    gtd.stop();
    assert_eq!(town.pids("deacon"), [deacon]);
    assert_eq!(town.logged("state.json.corrupt-"), 1, "set aside, and said once: {}", town.log());
}

#[test]
fn what_root_leaves_in_a_town_that_was_never_served_is_the_towns_users() {
    use std::os::unix::fs::MetadataExt;
    let town = Town::new(&[]);
    let daemon = town.root.join("daemon");
    let _ = fs::remove_dir_all(&daemon);
    if !give_away(&town.root) {
        return;
    }
    town.request("reset", "deacon").refused(3);
    let left = fs::read_dir(daemon.join("requests")).expect("a directory").map(|entry| entry.expect("an entry").path());
    for path in [daemon.clone(), daemon.join("requests")].into_iter().chain(left) {
        assert_eq!(fs::symlink_metadata(&path).expect("there").uid(), 65534, "{}", path.display());
    }
}
