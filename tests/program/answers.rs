//! Agents that do not answer: found by what they do not read and do not say, and never one that is only quiet.

use crate::support::{Town, process, wait_until};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A town whose second poke comes a second after the first.
fn town() -> Town {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"silent_after": "1s"}}));
    town
}

#[test]
fn an_agent_that_reads_nothing_and_says_nothing_is_restarted_and_its_screen_is_saved() {
    let town = town();
    town.set_agent("deacon", "deaf");
    let gtd = town.up();
    let deaf = town.wait_for_agent("deacon", None);
    town.set_agent("deacon", "echo");
    let next = town.wait_for_agent("deacon", Some(deaf));
    wait_until("its tree is ended", || !process::is_alive(deaf));
    town.wait_for_log("Starting Deacon: does not answer: 2 pokes brought no output, and ");
    town.wait_for_log("Saved the screen of Deacon to ");
    let screens = town.root.join("daemon/screens");
    let saved: Vec<_> = fs::read_dir(&screens).expect("a directory").flatten().collect();
    assert_eq!(saved.len(), 1, "{saved:?}");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
    assert_eq!((mode(&screens), mode(&saved[0].path())), (0o700, 0o600));
    // One that answers is left alone, for longer than it takes to judge one.
    wait_until("the next one is poked", || town.heard("deacon", Some(next)).len() >= 12);
    assert_eq!(town.pids("deacon"), [deaf, next]);
    gtd.stop();
}

#[test]
fn an_agent_that_ignores_its_keyboard_until_its_window_changes_is_woken_and_not_restarted() {
    let town = town();
    town.set_agent("deacon", "dozing");
    let gtd = town.up();
    let pid = town.wait_for_agent("deacon", None);
    let size = || town.pane("gt-deacon", "#{window_width}x#{window_height} #{window-size}");
    let before = size();
    wait_until("it hears a heartbeat", || town.heard("deacon", Some(pid)).iter().any(|l| l.contains("HEARTBEAT: ")));
    wait_until("it is poked on and on", || town.heard("deacon", Some(pid)).len() >= 12);
    assert_eq!(town.pids("deacon"), [pid]);
    assert_eq!(size(), before, "the window is as it was");
    gtd.stop();
}

#[test]
fn an_agent_that_reads_what_is_typed_and_says_nothing_is_not_restarted_at_once() {
    let town = town();
    town.set_agent("deacon", "menu");
    let gtd = town.up();
    let pid = town.wait_for_agent("deacon", None);
    wait_until("two pokes were in vain", || town.logged("Poke of Deacon not delivered") >= 2);
    town.wait_for_heartbeats(12);
    assert_eq!(town.pids("deacon"), [pid]);
    town.wait_for_word("deacon", "silent");
    gtd.stop();
}
