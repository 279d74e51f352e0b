//! gtd is killed at any instant, again and again, while it is asked for everything that can be asked of it: nothing of it is
//! lost, and nothing is done twice. Agents count their own starts, and note each word that they hear.

use crate::chance::Chance;
use crate::health::{assert_healthy, is_settled, living};
use crate::support::{Gtd, Letter, Town, is_soak, wait_until};
use serde_json::json;
use std::thread;
use std::time::Duration;

/// How often gtd is killed.
fn kills() -> u32 {
    if is_soak() { 1000 } else { 50 }
}

/// All that is asked for in a round takes about as long.
const ROUND: u64 = 900;

/// Starts gtd, and waits until it holds its lock and has written its log: from here on it is at work.
fn start(town: &Town) -> Gtd {
    let before = town.logged("Daemon starting");
    let gtd = town.start();
    wait_until("gtd is at work", || town.logged("Daemon starting") > before);
    gtd
}

/// Kills gtd some time from now, and starts the next one.
fn kill_and_go_on(town: &Town, gtd: Gtd, after: Duration) -> Gtd {
    thread::sleep(after);
    gtd.kill();
    let state = town.read("daemon/state.json");
    assert!(state.is_empty() || town.state().is_object(), "the state is whole: {state}");
    start(town)
}

/// A worker's session, as `gt` makes it, and the mail that announces it.
fn spawn(town: &Town, name: &str) -> String {
    let session = format!("gt-alpha-{name}");
    let agent = format!("BD_ACTOR={name} {}", town.bin.join("agent").display());
    town.tmux(&["new-session", "-d", "-s", &session, "-c", town.root.to_str().expect("a path"), &agent]);
    let body = format!("Issue: gt-1\nSession: {session}");
    town.deliver(&Letter::new("mayor/", &format!("POLECAT_STARTED alpha/{name}"), &body));
    session
}

#[test]
fn nothing_is_lost_or_done_twice_however_gtd_is_killed() {
    let mut town = Town::new(&["alpha", "beta"]);
    town.configure(json!({"heartbeat": {"interval": "300ms"}}));
    town.open_inbox();
    town.set_deletion("slow");
    let mut chance = Chance::new();
    let mut gtd = town.up();
    for agent in ["deacon", "alpha-witness", "beta-witness"] {
        town.wait_for_agent(agent, None);
    }
    let (mut killed, mut round, mut beta) = (0, 0, 1);
    while killed < kills() {
        round += 1;
        let worker = format!("w{round}");
        let session = spawn(&town, &worker);
        town.deliver(&Letter::request("deacon", "restart"));
        town.request("cycle", "alpha/witness").exits(0);
        let goes_down = round % 2 == 1;
        if goes_down {
            town.deliver(&Letter::request("beta/witness", "shutdown"));
        } else {
            town.request("start", "beta/witness").exits(0);
            beta += 1;
        }
        gtd.signal(libc::SIGUSR1);
        for _ in 0..=chance.below(3) {
            gtd = kill_and_go_on(&town, gtd, Duration::from_millis(chance.below(ROUND)));
            killed += 1;
        }
        wait_until("everything is done", || is_settled(&town) && !town.heard(&worker, None).is_empty());
        assert_healthy(&town, &gtd, &[("deacon", 1 + round), ("alpha-witness", 1 + round)]);
        assert_eq!(town.heard(&worker, None), ["Begin."], "round {round}: {worker} was started off once");
        assert_eq!(town.pids("beta-witness").len(), beta, "round {round}");
        assert_eq!(town.has_session("gt-beta-witness"), !goes_down, "round {round}");
        assert_eq!(living(&town, "beta-witness").len(), usize::from(!goes_down), "round {round}");
        town.tmux(&["kill-session", "-t", &format!("={session}")]);
    }
    gtd.stop();
}

#[test]
fn what_a_killed_gtd_has_left_half_written_is_removed_and_what_somebody_writes_is_not() {
    let town = Town::new(&[]);
    let dirs = ["daemon", "daemon/requests", "daemon/screens", "spawn"];
    for dir in dirs {
        // No process has such a number.
        town.write(&format!("{dir}/x.json.gtd-tmp-4194305-7"), "half");
    }
    let living = format!("daemon/requests/y.json.gtd-tmp-{}-7", std::process::id());
    town.write(&living, "half");
    let gtd = town.up();
    assert_eq!(town.read(&living), "half", "a command may be at it");
    town.remove(&living);
    assert_healthy(&town, &gtd, &[("deacon", 1)]);
    gtd.stop();
}
