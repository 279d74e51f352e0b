//! The tmux server stops, or is killed and begins anew with the same numbers; and the machine sleeps.

use crate::health::assert_healthy;
use crate::support::limit::holds_within;
use crate::support::{Letter, Town, process, wait_until};
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

/// The PID of the town's tmux server.
fn server(town: &Town) -> u32 {
    town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID")
}

#[test]
fn a_stopped_tmux_server_costs_nobody_anything_and_what_came_meanwhile_is_done_once() {
    let town = Town::new(&["alpha", "beta"]);
    town.open_inbox();
    let gtd = town.up();
    let [deacon, alpha, beta] =
        ["deacon", "alpha-witness", "beta-witness"].map(|agent| town.wait_for_agent(agent, None));
    let server = server(&town);
    process::signal(server, libc::SIGSTOP);
    // One dies of which the server does not know, one is asked for by mail, and one through the spool.
    process::signal(alpha, libc::SIGKILL);
    town.deliver(&Letter::request("deacon", "restart"));
    let at = crate::support::mail::rfc3339(std::time::SystemTime::now());
    let order = json!({"action": "cycle", "agent": "beta/witness", "at": at});
    town.write("daemon/requests/1.json", &order.to_string());
    town.wait_for_log("tmux does not answer");
    town.wait_for_word("deacon", "unknown");
    town.wait_for_heartbeats(1);
    assert_eq!([town.pids("deacon"), town.pids("beta-witness")], [[deacon], [beta]]);
    process::signal(server, libc::SIGCONT);
    town.wait_for_log("tmux answers again after");
    for (agent, pid) in [("deacon", deacon), ("alpha-witness", alpha), ("beta-witness", beta)] {
        town.wait_for_agent(agent, Some(pid));
    }
    assert_healthy(&town, &gtd, &[("deacon", 2), ("alpha-witness", 2), ("beta-witness", 2)]);
    gtd.stop();
    assert_eq!(town.logged("tmux does not answer"), 1, "said once");
}

#[test]
fn a_tmux_server_that_begins_anew_gets_its_agents_and_strangers_with_old_numbers_are_left_alone() {
    let rigs = ["alpha", "beta", "delta", "gamma", "omega", "sigma"];
    let town = Town::new(&rigs);
    let witnesses = rigs.map(|rig| format!("{rig}-witness"));
    let agents: Vec<&str> = std::iter::once("deacon").chain(witnesses.iter().map(String::as_str)).collect();
    let gtd = town.up();
    let before: Vec<u32> = agents.iter().map(|agent| town.wait_for_agent(agent, None)).collect();
    let number = |session: &str| {
        town.tmux(&["display-message", "-p", "-t", &format!("={session}:"), "#{pane_id} #{session_id}"])
    };
    let deacons = number("gt-deacon");
    // So that the strangers are there first.
    gtd.signal(libc::SIGSTOP);
    town.tmux(&["kill-server"]);
    let root = town.root.to_str().expect("a path");
    let stranger = |name: &str| format!("BD_ACTOR={name} {}", town.bin.join("agent").display());
    let strangers: Vec<String> = (0..agents.len()).map(|n| format!("stranger{n}")).collect();
    for name in &strangers {
        let new = ["new-session", "-d", "-s", name, "-c", root, &stranger(name)];
        // The old server may not have gone yet.
        wait_until("there is a new server", || town.try_tmux(&new).is_some());
    }
    assert_eq!(number("stranger0"), deacons, "the numbers begin anew");
    town.request("restart", "deacon").exits(0);
    gtd.signal(libc::SIGCONT);
    for (agent, pid) in agents.iter().zip(&before) {
        town.wait_for_agent(agent, Some(*pid));
    }
    let starts: Vec<(&str, usize)> = agents.iter().map(|agent| (*agent, 2)).collect();
    assert_healthy(&town, &gtd, &starts);
    for agent in &agents {
        wait_until("it is poked", || !town.heard(agent, town.pid(agent)).is_empty());
    }
    gtd.stop();
    for name in &strangers {
        assert_eq!(town.heard(name, None), [""; 0], "{name} heard nothing");
        assert_eq!(town.pids(name).len(), 1);
        assert!(town.pid(name).is_some(), "{name} lives");
        assert_eq!(town.pane(name, "#{@gtd_town}#{@gtd_agent}").as_deref(), Some(""), "{name} bears no mark");
    }
    assert!(town.log().contains("5 are started at a time"), "{}", town.log());
}

#[test]
fn after_the_machine_slept_there_is_a_grace_period_and_no_burst() {
    let mut town = Town::new(&["alpha"]);
    let gtd = town.up();
    let pid = town.wait_for_agent("deacon", None);
    wait_until("it is poked", || !town.heard("deacon", None).is_empty());
    town.configure(json!({"gtd": {"restart": {"grace": "1h"}}}));
    gtd.signal(libc::SIGHUP);
    town.wait_for_log("configuration read");
    let late = || town.logged("late: the machine slept; a grace period for every agent");
    let mut continued = Instant::now();
    let mut heard = Vec::new();
    // Where it was not asleep itself when it was stopped, nothing woke late.
    for _ in 0..10 {
        town.wait_for_heartbeats(1);
        gtd.signal(libc::SIGSTOP);
        wait_until("it is stopped", || process::is_stopped(gtd.pid()));
        heard = town.heard("deacon", None);
        // Three heartbeats are missed: it is time that has to pass, and nothing else.
        thread::sleep(Duration::from_secs(3));
        continued = Instant::now();
        gtd.signal(libc::SIGCONT);
        if holds_within(Duration::from_millis(500), || late() > 0) {
            break;
        }
    }
    town.wait_for_heartbeats(2);
    // The second comes a whole interval after the first. What was due meanwhile is not made up for.
    assert!(continued.elapsed() > Duration::from_millis(900), "{:?}", continued.elapsed());
    assert_eq!(late(), 1, "one line");
    assert_eq!(town.heard("deacon", None), heard, "nobody is poked in the grace period");
    assert_healthy(&town, &gtd, &[("deacon", 1), ("alpha-witness", 1)]);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [pid]);
}
