//! Deaths are known at once, whoever made the session, and whatever dies. All towns here look once an hour unless they are told
//! otherwise, so that nothing else can have noticed.

use crate::support::fakes::{TMUX, program};
use crate::support::{Gtd, Mode, Town, eventually, process, wait_until};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

fn town(rigs: &[&str]) -> Town {
    let mut town = Town::new(rigs);
    town.configure(json!({"heartbeat": {"interval": "1h"}, "gtd": {"look_interval": "1h"}}));
    town
}

/// Waits until gtd has nothing to do any more but to wait for a death.
fn up(town: &Town, agents: &[&str]) -> Gtd {
    let gtd = town.up();
    for agent in agents {
        wait_until(&format!("{agent} is known to live"), || {
            let word = town.word_for(agent);
            word == "alive" || word == "started"
        });
    }
    gtd
}

#[test]
fn a_killed_agent_is_said_shown_and_back() {
    let town = town(&["alpha"]);
    let gtd = up(&town, &["deacon", "alpha/witness"]);
    let pid = town.wait_for_agent("alpha-witness", None);
    process::signal(pid, libc::SIGKILL);
    // tmux 3.3a does not always tell by which signal.
    town.wait_for_log(&format!("witness for alpha is gone (PID {pid}): ended "));
    let next = town.wait_for_agent("alpha-witness", Some(pid));
    wait_until("the status knows it", || ["alive", "started"].contains(&town.word_for("alpha/witness").as_str()));
    assert_eq!(town.pids("alpha-witness"), [pid, next]);
    assert_eq!(town.pids("deacon").len(), 1);
    gtd.stop();
}

#[test]
fn a_death_is_in_the_status_while_gtd_still_waits_for_it_to_settle() {
    let mut town = town(&[]);
    town.configure(json!({"gtd": {"restart": {"settle": "1h"}}}));
    let dir = town.root.join("deacon");
    let line = format!("BD_ACTOR=deacon {}", town.bin.join("agent").display());
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("plain"), &line]);
    let pid = town.wait_for_agent("deacon", None);
    let gtd = up(&town, &["deacon"]);
    // In a session that somebody else made, which ends with its program.
    process::signal(pid, libc::SIGKILL);
    wait_until("the status knows it", || town.word_for("deacon") == "waiting");
    assert_eq!(town.logged("Deacon is gone (PID "), 1);
    gtd.stop();
}

#[test]
fn a_program_that_leaves_its_shell_behind_is_missed() {
    let town = town(&[]);
    let dir = town.root.join("deacon");
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("plain"), "exec bash --norc -i"]);
    let pane = town.pane("gt-deacon", "#{pane_id}").expect("a pane");
    let line = format!("BD_ACTOR=deacon {}", town.bin.join("agent").display());
    town.tmux(&["send-keys", "-t", &pane, &line, "Enter"]);
    let pid = town.wait_for_agent("deacon", None);
    let gtd = up(&town, &["deacon"]);
    process::signal(pid, libc::SIGKILL);
    town.wait_for_log("only its shell is left");
    town.wait_for_agent("deacon", Some(pid));
    gtd.stop();
}

#[test]
fn a_server_that_dies_is_one_event_and_its_agents_come_back_the_deacon_first() {
    let town = town(&["a", "b", "c", "d", "e", "f"]);
    let agents = ["deacon", "a/witness", "b/witness", "c/witness", "d/witness", "e/witness", "f/witness"];
    let gtd = up(&town, &agents);
    let server: u32 = town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID");
    process::signal(server, libc::SIGKILL);
    town.wait_for_log("tmux lost 7 agents at once: Deacon, witness for a, ");
    for agent in agents {
        let name = agent.replace('/', "-");
        wait_until(&format!("{agent} is back"), || town.pids(&name).len() == 2 && town.pid(&name).is_some());
    }
    assert_eq!(town.logged("is gone (PID"), 0, "one line for all");
    assert_eq!(town.logged("Not starting 7 agents yet: no session; settling"), 1);
    let log = town.log();
    let after = log.split("tmux lost 7 agents").nth(1).expect("what follows");
    let first = after.lines().find(|line| line.contains(" Starting ")).expect("a start");
    assert!(first.contains("Starting Deacon: no session"), "{first}");
    gtd.stop();
}

/// Puts a tmux in gtd's way that takes its time for a look, and more of it while the file is there that is given back. Each look
/// is a line in the other one.
fn slow_tmux(town: &Town) -> [PathBuf; 2] {
    let [busy, looks] = ["busy", "looks"].map(|name| town.notes.join(name));
    let wait = format!("echo >>{}; sleep 0.1; while [ -e {} ]; do sleep 0.01; done", looks.display(), busy.display());
    program(&town.bin.join("tmux"), &format!("#!/bin/sh\ncase \"$*\" in *list-panes*) {wait};; esac\n{TMUX} \"$@\""));
    [busy, looks]
}

#[test]
fn where_looks_take_long_a_death_is_said_before_tmux_tells_how() {
    let town = town(&["a", "b"]);
    let [busy, _] = slow_tmux(&town);
    let gtd = up(&town, &["deacon", "a/witness", "b/witness"]);
    let [deacon, a, b] = ["deacon", "a-witness", "b-witness"].map(|name| town.wait_for_agent(name, None));
    fs::write(&busy, "").expect("written");
    process::signal(a, libc::SIGKILL);
    town.wait_for_log("witness for a has ended; tmux is asked how");
    assert_eq!(town.logged("is gone (PID"), 0);
    process::signal(deacon, libc::SIGKILL);
    process::signal(b, libc::SIGKILL);
    fs::remove_file(&busy).expect("removed");
    wait_until("all are said", || town.logged("is gone (PID") == 3 || town.logged("tmux lost 3 agents at once") == 1);
    gtd.stop();
}

#[test]
fn what_ends_within_an_agents_shell_is_not_said_to_be_the_agent() {
    let town = town(&[]);
    let [_, looks] = slow_tmux(&town);
    let dir = town.root.join("deacon");
    let jobs = "exec bash -c 'set -m; while :; do sleep 0.2; done'";
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("plain"), jobs]);
    let gtd = up(&town, &["deacon"]);
    let count = || fs::read_to_string(&looks).unwrap_or_default().lines().count();
    let before = count();
    wait_until("its programs' ends are looked at", || count() > before + 3);
    assert_eq!(town.logged("has ended; tmux is asked how"), 0);
    gtd.stop();
}

#[test]
fn a_town_that_is_shut_down_on_purpose_is_no_mass_death_that_needs_a_person() {
    for stop in ["daemon/shutdown.lock", "ESTOP"] {
        let town = town(&["a", "b"]);
        let gtd = up(&town, &["deacon", "a/witness", "b/witness"]);
        town.write(stop, "");
        let lock = fs::File::open(town.root.join(stop)).expect("open");
        fs2::FileExt::lock_exclusive(&lock).expect("locked");
        town.tmux(&["kill-server"]);
        town.wait_for_log("tmux lost 3 agents at once");
        wait_until("it is held", || town.word_for("deacon") == "held");
        let status = town.run(&["--status"]).exits(0).stdout;
        assert!(!status.contains("tmux lost") && status.contains("gone, held"), "{stop}: {status}");
        gtd.stop();
    }
}

#[test]
fn a_restart_by_hand_is_neither_raced_nor_doubled() {
    let mut town = town(&[]);
    town.configure(json!({"gtd": {"restart": {"settle": "3s"}}}));
    let gtd = up(&town, &["deacon"]);
    let first = town.wait_for_agent("deacon", None);
    let dir = town.root.join("deacon");
    let line = format!("BD_ACTOR=deacon {}", town.bin.join("agent").display());
    town.tmux(&["kill-session", "-t", "=gt-deacon"]);
    town.wait_for_log("Not starting Deacon yet: no session; settling");
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("plain"), &line]);
    let second = town.wait_for_agent("deacon", Some(first));
    town.wait_for_log("Deacon was started by somebody else");
    // The same in place.
    let pane = town.pane("gt-deacon", "#{pane_id}").expect("a pane");
    town.tmux(&["respawn-pane", "-k", "-t", &pane, &line]);
    let third = town.wait_for_agent("deacon", Some(second));
    wait_until("it is seen", || town.logged("Deacon was started by somebody else") == 2);
    gtd.signal(libc::SIGUSR1);
    wait_until("one more look", || town.logged("Received SIGUSR1") == 1);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [first, second, third]);
    assert_eq!(town.logged("Starting Deacon"), 1, "only the very first was gtd's");
}

#[test]
fn a_gt_that_hangs_over_the_mail_delays_no_restart() {
    let mut town = town(&[]);
    // Longer than this test waits for anything.
    town.configure(json!({"gtd": {"command_timeout": "1h"}}));
    let gtd = up(&town, &["deacon"]);
    let pid = town.wait_for_agent("deacon", None);
    town.set_mode("gt", Mode::Hang);
    town.run(&["--wake"]).exits(0);
    wait_until("gt hangs", || !town.processes("sleep 1000").is_empty());
    process::signal(pid, libc::SIGKILL);
    town.wait_for_agent("deacon", Some(pid));
    assert_eq!(town.logged("what is under way is broken off for that"), 1);
    gtd.stop();
}

/// The limit of open files that a process has: the soft one and the hard one.
fn limits(pid: u32) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/{pid}/limits")).expect("limits");
    let line = text.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    (numbers[0], numbers[1])
}

/// Starts gtd with these limits of open files.
fn start_with_limits(town: &Town, soft: u32, hard: u32) -> Gtd {
    let mut command = town.command(Path::new("/bin/sh"));
    command.args([
        "-c",
        &format!("ulimit -S -n {soft} && ulimit -H -n {hard} && exec \"$0\""),
        crate::support::program::GTD,
    ]);
    Gtd::start(command)
}

#[test]
fn gtd_makes_room_for_all_agents_and_its_children_get_the_old_limit() {
    let rigs: Vec<String> = (0..20).map(|n| format!("r{n}")).collect();
    let town = town(&rigs.iter().map(String::as_str).collect::<Vec<_>>());
    let gtd = start_with_limits(&town, 48, 256);
    let last = town.wait_for_agent("r19-witness", None);
    wait_until("gtd has raised its limit", || limits(gtd.pid()) == (256, 256));
    // The tmux server was started before that was needed; what is started from now on is told apart.
    let server: u32 = town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID");
    assert_eq!(limits(server), (48, 256));
    process::signal(server, libc::SIGKILL);
    town.wait_for_agent("r19-witness", Some(last));
    let server: u32 = town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID");
    assert_eq!(limits(server), (48, 256), "the new one has the old limit");
    assert_eq!(town.logged("are not watched"), 0);
    gtd.stop();
}

#[test]
fn where_descriptors_are_short_the_first_agents_are_watched_and_it_is_said_once() {
    let rigs: Vec<String> = (0..12).map(|n| format!("r{n:02}")).collect();
    let mut town = town(&rigs.iter().map(String::as_str).collect::<Vec<_>>());
    town.configure(json!({"gtd": {"look_interval": "2s"}}));
    let gtd = start_with_limits(&town, 40, 40);
    let last = town.wait_for_agent("r11-witness", None);
    town.wait_for_log("processes of agents are not watched");
    wait_until("all are known", || town.word_for("r11/witness") == "alive");
    let deacon = town.wait_for_agent("deacon", None);
    process::signal(deacon, libc::SIGKILL);
    town.wait_for_agent("deacon", Some(deacon));
    // Whom nobody watches the next look misses.
    process::signal(last, libc::SIGKILL);
    town.wait_for_agent("r11-witness", Some(last));
    let open = || fs::read_dir(format!("/proc/{}/fd", gtd.pid())).map(Iterator::count).unwrap_or(0);
    let count = eventually("a count", || Some(open()).filter(|n| *n > 0));
    assert!(count <= 40, "{count} descriptors");
    assert_eq!(town.logged("are not watched"), 1, "said once");
    gtd.stop();
}
