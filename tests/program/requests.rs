//! What is asked of gtd is done: agents are restarted where they are, ended and held down, started and forgiven, each with
//! the real program on a real tmux. How the requests come is a matter of `inbox.rs` and `spool.rs`.

use crate::support::{Gtd, Letter, Town, process, wait_until};
use fs2::FileExt;
use serde_json::json;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The session and its pane, as they were made.
fn place(town: &Town, session: &str) -> String {
    town.pane(session, "#{session_created} #{session_id} #{pane_id}").expect("the agent's pane")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).permissions().mode() & 0o7777
}

/// Asks by mail, and wakes gtd as `gt` does.
fn send(town: &Town, gtd: &Gtd, letter: &Letter) -> String {
    let id = town.deliver(letter);
    gtd.signal(libc::SIGUSR1);
    id
}

/// Asks for a shutdown of the Deacon, and waits until it is done.
fn shut_down(town: &Town) {
    town.request("shutdown", "deacon").exits(0);
    town.wait_for_log("shutdown of Deacon is done");
    assert!(!town.has_session("gt-deacon"));
}

#[test]
fn a_cycle_and_a_restart_keep_the_session_and_save_the_screen() {
    let town = Town::new(&["alpha"]);
    town.open_inbox();
    let gtd = town.up();
    let mut pids = vec![town.wait_for_agent("alpha-witness", None)];
    let deacon = town.wait_for_agent("deacon", None);
    let before = place(&town, "gt-alpha-witness");
    for (number, action) in ["cycle", "restart"].into_iter().enumerate() {
        wait_until("it has heard something", || !town.heard("alpha-witness", pids.last().copied()).is_empty());
        let heard = town.heard("alpha-witness", pids.last().copied()).remove(0);
        send(&town, &gtd, &Letter::request("alpha/witness", action));
        pids.push(town.wait_for_agent("alpha-witness", pids.last().copied()));
        town.wait_for_log(&format!("{action} of witness for alpha is done"));
        assert!(!process::is_alive(pids[number]), "{action}");
        assert_eq!(place(&town, "gt-alpha-witness"), before, "{action}: the same session and pane");
        wait_until("the mail is gone", || town.inbox().is_empty());
        assert!(town.screens().iter().any(|(_, text)| text.contains(&heard)), "{action}: {:?}", town.screens());
    }
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.pids("alpha-witness"), pids, "each once");
    assert_eq!(town.pids("deacon"), [deacon]);
    assert!(town.claims().is_empty());
    let dir = town.root.join("daemon/screens");
    assert_eq!(mode(&dir), 0o700);
    for (name, _) in town.screens() {
        assert!(name.starts_with("alpha-witness."), "{name}");
        assert_eq!(mode(&dir.join(&name)), 0o600, "{name}");
    }
}

#[test]
fn twenty_screens_of_each_agent_are_kept_and_those_of_its_neighbours_are_left_alone() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    let dir = town.root.join("daemon/screens");
    fs::create_dir_all(&dir).expect("made");
    for number in 10..40 {
        for name in ["deacon", "deacon2", "deaco"] {
            fs::write(dir.join(format!("{name}.201001{number}T000000Z.txt")), "old").expect("written");
        }
    }
    town.request("restart", "deacon").exits(0);
    town.wait_for_agent("deacon", Some(first));
    town.wait_for_log("restart of Deacon is done");
    gtd.stop();
    let files = town.screens();
    let count = |name: &str| files.iter().filter(|(file, _)| file.starts_with(name)).count();
    assert_eq!((count("deacon."), count("deacon2."), count("deaco.")), (20, 30, 30));
    assert!(files.iter().any(|(name, text)| name.starts_with("deacon.20") && text.contains("> ")), "the new one stays");
}

#[test]
fn a_restart_ends_the_whole_tree_of_those_who_do_not_want_to_go() {
    let town = Town::new(&[]);
    town.set_agent("deacon", "family");
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    for child in ["sleep 1001", "sleep 1002", "sleep 1003"] {
        wait_until(child, || !town.processes(child).is_empty());
    }
    town.set_agent("deacon", "echo");
    town.request("restart", "deacon").exits(0);
    town.wait_for_agent("deacon", Some(first));
    gtd.stop();
    assert!(!process::is_alive(first));
    for child in ["sleep 1001", "sleep 1002", "sleep 1003"] {
        town.wait_for_end_of(child);
    }
}

#[test]
fn whoever_is_attached_stays_attached_through_a_restart() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    let attach = "exec env -u TMUX tmux attach-session -t =gt-deacon";
    town.tmux(&["-L", "terminal", "new-session", "-d", "-x", "100", "-y", "30", attach]);
    let clients = || town.tmux(&["list-clients", "-t", "=gt-deacon", "-F", "#{client_pid} #{session_name}"]);
    wait_until("somebody is attached", || !clients().is_empty());
    let before = clients();
    town.request("cycle", "gt-deacon").exits(0);
    let second = town.wait_for_agent("deacon", Some(first));
    town.wait_for_log("cycle of Deacon is done");
    assert_eq!(clients(), before);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [first, second]);
}

#[test]
fn the_mayor_a_refinery_and_crew_are_started_restarted_and_ended_on_request() {
    let town = Town::new(&["alpha"]);
    for dir in ["alpha/crew/max", "alpha/refinery/rig"] {
        fs::create_dir_all(town.root.join(dir)).expect("made");
    }
    let gtd = town.up();
    for (agent, name, session) in [
        ("mayor", "mayor", "gt-mayor"),
        ("alpha/crew/max", "alpha-crew-max", "gt-alpha-crew-max"),
        ("alpha/refinery", "alpha-refinery", "gt-alpha-refinery"),
    ] {
        town.request("start", agent).exits(0);
        let first = town.wait_for_agent(name, None);
        town.request("restart", session).exits(0);
        let second = town.wait_for_agent(name, Some(first));
        wait_until("both are settled", || town.claims().is_empty());
        assert_eq!(town.pane(session, "#{@gtd_agent}").as_deref(), Some(session));
        town.request("shutdown", agent).exits(0);
        wait_until("it is down", || !town.has_session(session));
        assert_eq!(town.pids(name), [first, second], "{agent}");
    }
    gtd.stop();
}

#[test]
fn who_was_shut_down_stays_down_over_heartbeats_and_restarts_of_gtd() {
    let town = Town::new(&["alpha"]);
    town.open_inbox();
    let gtd = town.up();
    let pid = town.wait_for_agent("alpha-witness", None);
    town.wait_for_agent("deacon", None);
    send(&town, &gtd, &Letter::request("alpha-witness", "shutdown"));
    wait_until("it is down", || !town.has_session("gt-alpha-witness"));
    town.wait_for_heartbeats(3);
    gtd.stop();
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    let shown = town.run(&["--status"]).stdout;
    assert!(shown.contains("shut down on request"), "{shown}");
    gtd.kill();
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.pids("alpha-witness"), [pid]);
    assert!(!town.has_session("gt-alpha-witness") && town.has_session("gt-deacon"));
    town.wait_for_word("alpha/witness", "held");
    assert_eq!(town.logged("is gone (PID"), 0, "it was no death");
}

#[test]
fn a_start_a_restart_and_a_cycle_end_a_shutdown() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let mut pid = town.wait_for_agent("deacon", None);
    for action in ["start", "restart", "cycle"] {
        town.request("shutdown", "deacon").exits(0);
        wait_until("it is down", || !town.has_session("gt-deacon"));
        town.wait_for_heartbeats(1);
        town.request(action, "deacon").exits(0);
        pid = town.wait_for_agent("deacon", Some(pid));
        wait_until(&format!("{action}: it is served again"), || town.word_for("deacon") == "alive");
    }
    gtd.stop();
    assert_eq!(town.pids("deacon").len(), 4);
}

#[test]
fn who_comes_up_after_a_shutdown_by_somebody_elses_hand_is_served_again() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    shut_down(&town);
    town.wait_for_heartbeats(1);
    let dir = town.root.join("deacon");
    let agent = format!("BD_ACTOR=deacon {}", town.bin.join("agent").display());
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("a path"), &agent]);
    let second = town.wait_for_agent("deacon", Some(first));
    wait_until("it is served", || town.word_for("deacon") == "alive");
    town.wait_for_log("No longer holding Deacon (shut down)");
    process::signal(second, libc::SIGKILL);
    let third = town.wait_for_agent("deacon", Some(second));
    gtd.stop();
    assert_eq!(town.pids("deacon"), [first, second, third]);
}

#[test]
fn a_shutdown_leaves_what_others_have_in_the_session() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    let theirs = town.tmux(&["split-window", "-t", "=gt-deacon:", "-P", "-F", "#{pane_id} #{pane_pid}", "exec cat"]);
    town.request("shutdown", "deacon").exits(0);
    town.wait_for_log("shutdown of Deacon is done");
    town.wait_for_heartbeats(2);
    gtd.stop();
    let panes = town.tmux(&["list-panes", "-s", "-t", "=gt-deacon", "-F", "#{pane_id} #{pane_pid}"]);
    assert_eq!(panes, theirs);
    assert!(!process::is_alive(first));
    assert_eq!(town.pids("deacon"), [first]);
}

#[test]
fn under_an_estop_a_shutdown_is_carried_out_and_a_restart_waits_for_its_end() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let deacon = town.wait_for_agent("deacon", None);
    let witness = town.wait_for_agent("alpha-witness", None);
    town.write("ESTOP", "manual\t2026-11-23T09:40:04Z\tcosts\n");
    town.wait_for_log("Holding all agents: ESTOP: costs");
    town.request("shutdown", "deacon").exits(0);
    town.request("restart", "alpha/witness").exits(0);
    wait_until("the Deacon is down", || !town.has_session("gt-deacon"));
    town.wait_for_heartbeats(3);
    assert_eq!(town.pids("alpha-witness"), [witness]);
    assert_eq!(town.logged("restart of witness for alpha waits: ESTOP: costs"), 1, "said once");
    town.remove("ESTOP");
    let second = town.wait_for_agent("alpha-witness", Some(witness));
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.pids("alpha-witness"), [witness, second]);
    assert_eq!(town.pids("deacon"), [deacon], "the shutdown still holds");
}

#[test]
fn while_the_town_is_shut_down_every_request_waits() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let deacon = town.wait_for_agent("deacon", None);
    let witness = town.wait_for_agent("alpha-witness", None);
    town.write("daemon/shutdown.lock", "");
    let lock = File::open(town.root.join("daemon/shutdown.lock")).expect("open");
    FileExt::lock_exclusive(&lock).expect("locked");
    town.wait_for_log("Holding all agents: the town is being shut down");
    town.request("shutdown", "deacon").exits(0);
    town.request("restart", "alpha/witness").exits(0);
    town.wait_for_heartbeats(2);
    assert!(process::is_alive(deacon) && process::is_alive(witness));
    for what in ["shutdown of Deacon waits", "restart of witness for alpha waits"] {
        assert_eq!(town.logged(what), 1, "{what}");
    }
    FileExt::unlock(&lock).expect("unlocked");
    wait_until("the Deacon is down", || !town.has_session("gt-deacon"));
    town.wait_for_agent("alpha-witness", Some(witness));
    gtd.stop();
}

/// A town whose Deacon is in quarantine, and well again.
fn in_quarantine() -> (Town, Gtd, usize) {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"restart": {"settle": "100ms", "first_delay": "100ms"}}}));
    town.set_agent("deacon", "exit 7");
    let gtd = town.start();
    town.wait_for_log("Deacon is in quarantine");
    wait_until("it is held", || town.word_for("deacon") == "quarantine");
    town.set_agent("deacon", "echo");
    let starts = town.pids("deacon").len();
    (town, gtd, starts)
}

#[test]
fn what_a_request_has_changed_is_in_the_status_before_the_next_regular_look() {
    let mut town = Town::new(&[]);
    town.configure(json!({"heartbeat": {"interval": "10m"}, "gtd": {"look_interval": "10m"}}));
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    town.request("shutdown", "deacon").exits(0);
    wait_until("it is shown as down", || town.word_for("deacon") == "held");
    town.request("start", "deacon").exits(0);
    town.wait_for_agent("deacon", Some(first));
    wait_until("it is shown as started", || town.word_for("deacon") == "alive");
    gtd.stop();
}

#[test]
fn a_reset_ends_a_quarantine() {
    let (town, gtd, starts) = in_quarantine();
    town.request("reset", "deacon").exits(0);
    wait_until("it is seen alive", || town.word_for("deacon") == "alive");
    // Where there is nothing to be forgotten it is done too, and nothing else would say so.
    town.request("reset", "deacon").exits(0);
    wait_until("both are noted as done", || town.logged("reset of Deacon is done") == 2);
    gtd.stop();
    assert_eq!(town.pids("deacon").len(), starts + 1);
}

#[test]
fn a_request_starts_an_agent_in_quarantine_at_once() {
    let (town, gtd, starts) = in_quarantine();
    town.request("restart", "deacon").exits(0);
    wait_until("it is up", || town.pid("deacon").is_some());
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.pids("deacon").len(), starts + 1);
    town.wait_for_word("deacon", "alive");
}

#[test]
fn gtd_ends_no_pane_that_it_runs_in_itself() {
    for (action, label) in [("restart", "restart of Deacon"), ("shutdown", "shutdown of Deacon")] {
        let town = Town::new(&[]);
        let dir = town.root.join("deacon");
        let gtd = format!("{}; exec sleep 1000", env!("CARGO_BIN_EXE_gtd"));
        town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("a path"), &gtd]);
        town.wait_for_log("Heartbeat complete");
        let pid = town.state()["pid"].as_u64().expect("its PID");
        town.request(action, "deacon").exits(0);
        town.wait_for_log(&format!("{label} is refused: gtd itself"));
        town.wait_for_heartbeats(1);
        assert!(process::is_alive(u32::try_from(pid).expect("a PID")), "{action}");
        assert!(town.has_session("gt-deacon"), "{action}");
        assert!(town.claims().is_empty(), "{action}");
        town.run(&["--stop"]).exits(0);
    }
}

#[test]
fn of_two_words_for_one_agent_the_last_is_done_and_both_agents_of_two_are_served() {
    let town = Town::new(&["alpha", "beta"]);
    let gtd = town.up();
    let agents = ["deacon", "alpha-witness", "beta-witness"];
    let before = agents.map(|agent| town.wait_for_agent(agent, None));
    // Nobody is awake to see them come one by one.
    gtd.stop();
    for (action, agent) in [
        ("shutdown", "deacon"),
        ("restart", "deacon"),
        ("restart", "alpha/witness"),
        ("cycle", "beta/witness"),
        ("shutdown", "beta/witness"),
    ] {
        town.request(action, agent).refused(3);
    }
    let gtd = town.up();
    let second = town.wait_for_agent("deacon", Some(before[0]));
    town.wait_for_agent("alpha-witness", Some(before[1]));
    wait_until("beta's is down", || !town.has_session("gt-beta-witness"));
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [before[0], second]);
    assert_eq!(town.pids("alpha-witness").len(), 2);
    assert_eq!(town.pids("beta-witness"), [before[2]]);
    assert_eq!(town.logged("has been overtaken by a later word"), 2);
}
