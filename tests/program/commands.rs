//! The command line: what is printed, and the exit status.

use crate::support::{Ran, Town, listing, wait_until};
use serde_json::json;
use std::path::Path;

#[test]
fn a_dry_run_tells_the_plan_and_changes_nothing() {
    let mut town = Town::new(&["alpha", "beta"]);
    town.configure(json!({"patrols": {"witness": {"rigs": ["alpha"]}}}));
    let before = listing(&town.root);
    let plan = town.run(&["--dry-run"]).exits(0).stdout;
    assert_eq!(listing(&town.root), before);
    assert_eq!(town.try_tmux(&["list-sessions"]), None, "no server is started");
    let lines: Vec<&str> = plan.lines().filter(|line| !line.starts_with("note: ")).collect();
    assert_eq!(
        lines,
        [
            "deacon         start  no session (rule 4)",
            "                      not if it is there again by then",
            "alpha/witness  start  no session (rule 4)",
            "                      not if it is there again by then",
            "beta/witness   hold   not in patrols.witness.rigs of mayor/daemon.json (rule 1)",
            "                      until its rig stands there, and gtd gets SIGHUP",
            "heartbeat every 1s, since nothing tells how busy the town is",
        ]
    );
}

#[test]
fn a_dry_run_works_beside_a_daemon() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let heard = town.run(&["--dry-run"]).exits(0).stdout;
    assert!(heard.lines().filter(|line| line.contains("HEARTBEAT: ")).count() == 2, "{heard}");
    town.wait_for_heartbeats(1);
    gtd.stop();
    // And on what a daemon has left behind.
    let before = listing(&town.root);
    town.run(&["--dry-run"]).exits(0);
    assert_eq!(listing(&town.root), before);
}

#[test]
fn the_status_is_told_by_its_exit_status() {
    let town = Town::new(&["alpha"]);
    let said = town.run(&["--status"]).exits(3).stdout;
    assert!(said.starts_with("not running  "), "{said}");
    assert!(!town.root.join("daemon").exists(), "it makes nothing");
    let gtd = town.up();
    wait_until("it is in the state", || town.word_for("alpha/witness") == "alive");
    let said = town.run(&["--status"]).exits(0).stdout;
    assert!(said.starts_with("running      ") && said.contains(&format!("PID {}", gtd.pid())), "{said}");
    let row = said.lines().find(|line| line.starts_with("alpha/witness ")).expect("a row");
    assert!(row.contains(" alive "), "{row}");
    gtd.stop();
    town.run(&["--status"]).exits(3);
    town.write("daemon/state.json", "{\"running\": tr");
    let said = town.run(&["--status"]).refused(4);
    assert!(
        said.contains("state.json") && said.ends_with("; gtd sets it aside when it starts, and begins anew"),
        "{said}"
    );
}

#[test]
fn the_status_asks_neither_tmux_nor_bd_nor_gt() {
    let town = Town::new(&[]);
    let gtd = town.up();
    gtd.stop();
    let calls = (town.calls("bd").len(), town.calls("gt").len());
    let mut command = town.gtd(&["--status"]);
    command.env("PATH", "/nowhere").env("HOME", "/nowhere");
    Ran::of(command).exits(3);
    assert_eq!((town.calls("bd").len(), town.calls("gt").len()), calls);
}

#[test]
fn wake_has_the_daemon_look_and_says_when_there_is_none() {
    let mut town = Town::new(&[]);
    let said = town.run(&["--wake"]).refused(3);
    assert!(said.contains("gtd --background starts one"), "{said}");
    town.configure(json!({"heartbeat": {"interval": "1h"}, "gtd": {"look_interval": "1h"}}));
    let gtd = town.up();
    wait_until("the town is at rest", || town.word_for("deacon") == "alive");
    let seen = town.state()["gtd"]["looked_at"].clone();
    town.run(&["--wake"]).exits(0);
    town.wait_for_log("Received SIGUSR1, processing lifecycle requests immediately");
    wait_until("it has looked", || town.state()["gtd"]["looked_at"] != seen);
    assert_eq!(town.heartbeats_done(), 1, "a look is no heartbeat");
    gtd.stop();
}

#[test]
fn without_a_town_every_command_says_where_it_looked() {
    let town = Town::new(&[]);
    for (args, status) in [(&[][..], 1), (&["--once"], 1), (&["--stop"], 1), (&["--dry-run"], 1), (&["--status"], 4)] {
        let mut command = town.gtd(args);
        command.current_dir(&town.home);
        let said = Ran::of(command).refused(status);
        assert!(said.contains("no town") && said.contains("--town DIR"), "{said}");
        let mut named = town.gtd(args);
        named.args(["--town", "/nowhere"]);
        let said = Ran::of(named).refused(status);
        assert!(said.contains("--town: /nowhere is no town"), "{said}");
    }
}

#[test]
fn the_town_is_found_from_within_by_variable_and_in_the_home_directory() {
    let town = Town::new(&["alpha"]);
    let root = format!("{}\n", town.root.display());
    // A clone inside a rig can hold a mayor/town.json of its own: the outermost one counts.
    town.write("alpha/mayor/town.json", "{}");
    let mut within = town.gtd(&["--print", "town"]);
    within.current_dir(town.root.join("alpha/witness"));
    assert_eq!(Ran::of(within).exits(0).stdout, root);
    for variable in ["GT_TOWN_ROOT", "GT_ROOT"] {
        let mut named = town.gtd(&["--print", "town"]);
        named.current_dir(&town.home).env(variable, &town.root);
        assert_eq!(Ran::of(named).exits(0).stdout, root, "{variable}");
    }
    std::os::unix::fs::symlink(&town.root, town.home.join("gt")).expect("linked");
    let mut home = town.gtd(&["--print", "town"]);
    home.current_dir(&town.home);
    assert_eq!(Ran::of(home).exits(0).stdout, format!("{}\n", town.home.join("gt").display()), "links are kept");
}

#[test]
fn wrong_usage_is_refused_in_one_line() {
    let town = Town::new(&[]);
    for args in [&["--nonsense"][..], &["start"], &["--stop", "--once"], &["--timeout", "3s"], &["--town"]] {
        let said = town.run(args).refused(2);
        assert!(said.contains("gtd --help lists what can be asked"), "{said}");
    }
    assert!(!town.root.join("daemon").exists());
}

#[test]
fn help_and_version_need_no_town() {
    let town = Town::new(&[]);
    for (flag, start) in [("--help", "gtd - "), ("-h", "gtd - "), ("--version", "gtd "), ("-V", "gtd ")] {
        let mut command = town.gtd(&[flag]);
        command.current_dir("/");
        let said = Ran::of(command).exits(0);
        assert!(said.stdout.starts_with(start) && said.stderr.is_empty(), "{said}");
    }
}

#[test]
fn a_town_in_which_nothing_can_be_written_is_refused() {
    let town = Town::new(&[]);
    // Root may write anywhere, so a file stands in the place of the directory.
    town.write("daemon", "");
    for args in [&[][..], &["--once"], &["--background"]] {
        let said = town.run(args).refused(1);
        assert!(said.contains(&town.root.join("daemon").display().to_string()), "{said}");
    }
    assert_eq!(town.try_tmux(&["list-sessions"]), None);
}

#[test]
fn without_tmux_it_says_what_to_install() {
    if Path::new("/usr/local/bin/tmux").exists() || Path::new("/opt/homebrew/bin/tmux").exists() {
        eprintln!("SKIPPED: tmux is in a place where gtd looks whatever PATH says");
        return;
    }
    let mut town = Town::new(&[]);
    let path = town.bin.display().to_string();
    town.set_env("PATH", &path);
    for args in [&[][..], &["--once"], &["--background"]] {
        let said = town.run(args).refused(1);
        assert!(said.contains("no tmux in PATH or the usual places; install it"), "{said}");
    }
    town.run(&["--check"]).exits(1);
    town.run(&["--stop"]).exits(0);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let town = Town::new(&[]);
    let mut command = town.command("/bin/sh");
    command.args(["-c", "{ \"$0\" --help; echo $? >&2; } | :", crate::support::program::GTD]);
    assert_eq!(Ran::of(command).stderr, "0\n");
}
