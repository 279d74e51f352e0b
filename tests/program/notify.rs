//! A person is told when one is needed, and when that is over: a shell line that is run with one JSON object.

use crate::support::{Town, process, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

/// Notes each object, and what was in the environment.
const NOTE: &str =
    "env >\"$GTD_TEST/notes/told.env\"; pwd >\"$GTD_TEST/notes/told.cwd\"; cat >>\"$GTD_TEST/notes/told\"";

fn town(rigs: &[&str], notify: &str) -> Town {
    let mut town = Town::new(rigs);
    town.configure(json!({"gtd": {"notify": notify}}));
    town
}

/// The objects that were handed over, a line each.
fn told(town: &Town) -> Vec<Value> {
    let text = fs::read_to_string(town.notes.join("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}

/// The kind, the state and the agent of each object.
fn gist(town: &Town) -> Vec<String> {
    let word = |object: &Value, key: &str| object[key].as_str().unwrap_or("-").to_owned();
    told(town).iter().map(|o| format!("{} {} {}", word(o, "what"), word(o, "state"), word(o, "agent"))).collect()
}

fn wait_for_gist(town: &Town, wanted: &[&str]) {
    wait_until(&format!("a person is told {wanted:?}"), || gist(town).len() >= wanted.len());
    assert_eq!(gist(town), wanted);
}

#[test]
fn a_restart_loop_is_told_once_over_restarts_of_gtd_and_once_when_it_is_over() {
    let mut town = town(&[], NOTE);
    town.configure(json!({"gtd": {"restart": {"settle": "0s", "first_delay": "0s"}}}));
    town.set_env("WATCHDOG_USEC", "60000000");
    town.set_env("BD_ACTOR", "somebody");
    town.set_agent("deacon", "exit 1");
    let gtd = town.up();
    wait_for_gist(&town, &["loop begins deacon"]);
    let object = told(&town)[0].clone();
    assert_eq!((&object["format"], &object["town"]), (&json!(1), &json!(town.root)));
    assert_eq!(object["gtd"], env!("CARGO_PKG_VERSION"));
    assert!(object["text"].as_str().is_some_and(|text| text.contains("quarantine")), "{object}");
    assert!(object["host"].as_str().is_some_and(|host| !host.is_empty()), "{object}");
    assert!(object["since"].as_str().and_then(gtd::town::time::Wall::parse).is_some(), "{object}");
    let env = fs::read_to_string(town.notes.join("told.env")).expect("an environment");
    for name in ["NOTIFY_SOCKET=", "WATCHDOG_USEC=", "BD_ACTOR="] {
        assert!(!env.lines().any(|line| line.starts_with(name)), "{name} is handed on");
    }
    let place = fs::read_to_string(town.notes.join("told.cwd")).expect("a directory");
    assert_eq!(place.trim_end(), town.root.to_str().expect("a plain path"));
    // Killed before it has saved that, gtd would tell it once more rather than not at all.
    wait_until("it is saved", || town.state()["gtd"]["history"]["notices"]["loop deacon"]["told"] == true);
    gtd.kill();
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    assert_eq!(gist(&town).len(), 1, "not again");
    gtd.stop();
    town.set_agent("deacon", "echo");
    let gtd = town.up();
    town.run(&["--request", "reset", "deacon"]).exits(0);
    wait_for_gist(&town, &["loop begins deacon", "loop ends deacon"]);
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(gist(&town).len(), 2);
    assert_eq!(town.state()["gtd"]["history"].get("notices"), None, "nothing is left");
}

#[test]
fn a_mass_death_is_one_condition_that_ends_when_all_are_back() {
    let mut town = town(&["a", "b", "c"], NOTE);
    town.configure(json!({"gtd": {"restart": {"settle": "2s"}}}));
    let gtd = town.up();
    wait_until("all live", || ["deacon", "a-witness", "b-witness", "c-witness"].iter().all(|a| town.pid(a).is_some()));
    town.wait_for_heartbeats(1);
    let server: u32 = town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID");
    process::signal(server, libc::SIGKILL);
    wait_for_gist(&town, &["deaths begins -"]);
    let open = |town: &Town| town.state()["gtd"]["conditions"].to_string().contains("tmux lost 4 agents at once");
    wait_until("the status knows it", || open(&town));
    wait_for_gist(&town, &["deaths begins -", "deaths ends -"]);
    town.wait_for_log("All 4 agents are back after ");
    assert!(told(&town)[1]["text"].as_str().is_some_and(|text| text.starts_with("All 4 agents are back after ")));
    assert_eq!(town.logged("tmux lost 4 agents at once"), 1, "said once");
    wait_until("it is over", || !open(&town));
    gtd.stop();
}

#[test]
fn a_notify_that_hangs_delays_no_restart_and_is_said_once() {
    let mut town = town(&["a", "b", "c"], "echo x >>\"$GTD_TEST/notes/begun\"; trap '' TERM; sleep 1004");
    town.configure(json!({"gtd": {"command_timeout": "1h", "restart": {"settle": "1s"}}}));
    let gtd = town.up();
    let agents = ["deacon", "a-witness", "b-witness", "c-witness"];
    let before = agents.map(|agent| town.wait_for_agent(agent, None));
    town.wait_for_heartbeats(1);
    let start = Instant::now();
    let server: u32 = town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID");
    process::signal(server, libc::SIGKILL);
    wait_until("it is run", || town.notes.join("begun").exists());
    for (agent, pid) in agents.into_iter().zip(before) {
        town.wait_for_agent(agent, Some(pid));
    }
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    gtd.stop();
    town.wait_for_end_of("sleep 1004");
}

#[test]
fn a_notify_that_fails_is_said_once_and_not_run_again_for_the_same() {
    let mut town = town(&["alpha"], "echo x >>\"$GTD_TEST/notes/begun\"; echo 'no such number' >&2; exit 3");
    town.configure(json!({"gtd": {"command_timeout": "2s", "restart": {"settle": "0s", "first_delay": "0s"}}}));
    town.set_agent("deacon", "exit 1");
    let gtd = town.up();
    town.wait_for_log("gtd.notify: no such number; whoever is to be told may not know");
    town.wait_for_heartbeats(2);
    let begun = || fs::read_to_string(town.notes.join("begun")).unwrap_or_default().lines().count();
    assert_eq!((begun(), town.logged("gtd.notify: no such number")), (1, 1));
    town.configure(json!({"gtd": {"notify": "exec sleep 1004"}}));
    gtd.signal(libc::SIGHUP);
    town.set_agent("alpha-witness", "exit 1");
    process::signal(town.wait_for_agent("alpha-witness", None), libc::SIGKILL);
    wait_until("it is in a loop", || town.word_for("alpha/witness") == "quarantine");
    // In the status it is the same condition, with what was wrong last.
    let given_up = || town.state()["gtd"]["conditions"].to_string().contains("gtd.notify: no answer within 2s");
    wait_until("it is given up", given_up);
    town.wait_for_heartbeats(2);
    assert_eq!(town.processes("sleep 1004"), [], "it is not run again");
    town.configure(json!({"gtd": {"notify": NOTE}}));
    gtd.signal(libc::SIGHUP);
    town.run(&["--request", "reset", "deacon"]).exits(0);
    wait_until("a person is told of an end", || gist(&town).contains(&"loop ends deacon".to_owned()));
    town.wait_for_log("gtd.notify is in order again");
    gtd.stop();
}

#[test]
fn another_towns_session_in_the_way_is_told_and_the_end_of_it_too() {
    let town = town(&[], NOTE);
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", "/", "sleep 1004"]);
    town.tmux(&["set-option", "-t", "=gt-deacon:", "@gtd_town", "/another/town"]);
    let gtd = town.up();
    wait_for_gist(&town, &["foreign begins deacon"]);
    town.tmux(&["kill-session", "-t", "=gt-deacon"]);
    wait_for_gist(&town, &["foreign begins deacon", "foreign ends deacon"]);
    gtd.stop();
}
