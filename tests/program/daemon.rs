//! The daemon at work: the real program, real signals, a real tmux, agents that are small programs. Here: agents are
//! brought up, kept up, and poked.

use crate::support::{Town, process, wait_until};
use gtd::decide::{DEACON_MESSAGES, WITNESS_MESSAGES};
use serde_json::json;
use std::fs;

/// Whether each of these lines is a whole heartbeat, and none comes twice in a row.
fn assert_whole(heard: &[String], messages: &[&str]) {
    for line in heard {
        let message = line.strip_prefix("HEARTBEAT: ");
        assert!(message.is_some_and(|text| messages.contains(&text)), "not whole: {line:?} in {heard:#?}");
    }
    assert!(heard.windows(2).all(|pair| pair[0] != pair[1]), "the same twice in a row: {heard:#?}");
}

/// Kills a program, and waits for its successor.
fn kill_and_wait(town: &Town, agent: &str) -> u32 {
    let pid = town.wait_for_agent(agent, None);
    process::signal(pid, libc::SIGKILL);
    town.wait_for_agent(agent, Some(pid))
}

#[test]
fn a_town_comes_up_with_its_deacon_first_and_every_agent_marked() {
    let mut town = Town::new(&["alpha", "beta=be"]);
    town.set_env("GT_ROLE", "polecat");
    town.set_env("GT_RIG", "omega");
    town.set_env("GT_POLECAT", "nux");
    town.set_env("CLAUDECODE", "1");
    town.set_env("TMUX", "/nonsense,1,0");
    town.configure(json!({"env": {"COLOUR": "blue; red"}}));
    let gtd = town.up();
    let root = town.root.to_str().expect("a plain path").to_owned();
    for (agent, session, dir, role, rig) in [
        ("deacon", "gt-deacon", "deacon", "deacon", None),
        ("alpha-witness", "gt-alpha-witness", "alpha/witness", "witness", Some("alpha")),
        ("beta-witness", "gt-beta-witness", "beta/witness", "witness", Some("beta")),
    ] {
        town.wait_for_agent(agent, None);
        let shown = town.pane(session, "#{@gtd_agent} #{@gtd_town} #{remain-on-exit} #{session_path}");
        assert_eq!(shown, Some(format!("{session} {root} on {root}/{dir}")), "{session}");
        let env = town.environment(agent);
        let value = |key: &str| env.get(key).map(String::as_str);
        assert_eq!((value("GT_ROLE"), value("BD_ACTOR"), value("GT_RIG")), (Some(role), Some(agent), rig));
        assert_eq!(value("(cwd)"), Some(format!("{root}/{dir}").as_str()));
        assert_eq!((value("GT_POLECAT"), value("CLAUDECODE"), value("COLOUR")), (None, None, Some("blue; red")));
        let sockets = town.sockets.to_str().expect("a plain path");
        assert!(value("TMUX").is_some_and(|tmux| tmux.starts_with(sockets)), "{:?}", value("TMUX"));
    }
    let log = town.log();
    let place = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text} is not in the log"));
    assert!(place("Deacon session started successfully") < place("Witness session for alpha started successfully"));
    assert!(log.contains(&format!("Daemon starting (PID {})", gtd.pid())));
    gtd.stop();
    assert_eq!(town.logged("Daemon stopped"), 1);
    assert!(town.pid("deacon").is_some() && town.pid("alpha-witness").is_some(), "agents live on");
    assert_eq!(town.state()["running"], false);
}

#[test]
fn heartbeats_arrive_whole_and_once_each() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    wait_until("both have heard three", || {
        town.heard("deacon", None).len() >= 3 && town.heard("alpha-witness", None).len() >= 3
    });
    gtd.stop();
    for (agent, label, messages) in
        [("deacon", "Deacon", &DEACON_MESSAGES[..]), ("alpha-witness", "witness for alpha", &WITNESS_MESSAGES[..])]
    {
        let entered = town.logged(&format!("Poked {label}"));
        // gtd may have been told to stop between Enter and the line in the log.
        let heard = town.heard(agent, None);
        assert!(heard.len() == entered || heard.len() == entered + 1, "{} heard, {entered} sent", heard.len());
        assert_whole(&heard, messages);
    }
}

#[test]
fn an_agent_that_is_killed_is_back_in_its_session_and_hears_the_next_heartbeat_whole() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    let place = town.pane("gt-deacon", "#{session_id} #{pane_id}");
    let second = kill_and_wait(&town, "deacon");
    assert_eq!(town.pane("gt-deacon", "#{session_id} #{pane_id}"), place, "the same session and pane");
    wait_until("the new one hears a heartbeat", || town.heard("deacon", Some(second)).len() >= 2);
    gtd.stop();
    assert_whole(&town.heard("deacon", Some(second)), &DEACON_MESSAGES);
    assert_eq!(town.pids("deacon"), [first, second]);
    assert_eq!(town.pane("gt-deacon", "#{@gtd_agent}").as_deref(), Some("gt-deacon"));
}

#[test]
fn a_session_that_is_killed_comes_back_after_settling() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let first = town.wait_for_agent("alpha-witness", None);
    town.tmux(&["kill-session", "-t", "=gt-alpha-witness"]);
    let second = town.wait_for_agent("alpha-witness", Some(first));
    assert!(!process::is_alive(first), "the first one is gone");
    gtd.stop();
    assert_eq!(town.pids("alpha-witness"), [first, second]);
    assert_eq!(town.logged("Not starting witness for alpha yet: no session; settling"), 1);
}

#[test]
fn a_program_that_outlived_its_session_is_ended_before_the_next_is_started() {
    let town = Town::new(&[]);
    town.set_agent("deacon", "stubborn");
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    wait_until("it is listening", || !town.heard("deacon", None).is_empty());
    town.set_agent("deacon", "echo");
    town.tmux(&["kill-session", "-t", "=gt-deacon"]);
    let second = town.wait_for_agent("deacon", Some(first));
    assert!(!process::is_alive(first), "the stubborn one is gone");
    let said = format!("Ended the last program of Deacon (PID {first}), which had outlived its session");
    assert_eq!(town.logged(&said), 1, "{}", town.log());
    gtd.stop();
    assert_eq!(town.pids("deacon"), [first, second]);
}

#[test]
fn a_bare_shell_that_an_agent_left_behind_gets_its_agent_back_in_place() {
    let town = Town::new(&[]);
    let dir = town.root.join("deacon");
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("a path"), "exec sh -i"]);
    let agent = format!("BD_ACTOR=deacon {}", town.bin.join("agent").display());
    town.tmux(&["send-keys", "-t", "=gt-deacon:", &agent, "Enter"]);
    let first = town.wait_for_agent("deacon", None);
    let place = town.pane("gt-deacon", "#{session_id} #{pane_id}");
    let gtd = town.up();
    assert!(town.logged("Deacon session found and marked") > 0);
    assert_eq!(town.pids("deacon"), [first], "a living agent is left as it is");
    process::signal(first, libc::SIGKILL);
    let second = town.wait_for_agent("deacon", Some(first));
    assert_eq!(town.pane("gt-deacon", "#{session_id} #{pane_id}"), place, "the same session and pane");
    assert_eq!(town.logged("Starting Deacon: only its shell is left (rule 5)"), 1);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [first, second]);
}

#[test]
fn a_session_that_is_found_is_marked_once() {
    let town = Town::new(&[]);
    let dir = town.root.join("deacon");
    let agent = format!("BD_ACTOR=deacon {}", town.bin.join("agent").display());
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("a path"), &agent]);
    town.wait_for_agent("deacon", None);
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.logged("Deacon session found and marked"), 1);
}

#[test]
fn somebody_elses_restart_within_settling_is_neither_raced_nor_doubled() {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"restart": {"settle": "3s"}}}));
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    town.tmux(&["kill-session", "-t", "=gt-deacon"]);
    town.wait_for_log("Not starting Deacon yet: no session; settling");
    let agent = format!("BD_ACTOR=deacon {}", town.bin.join("agent").display());
    let dir = town.root.join("deacon");
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", dir.to_str().expect("a path"), &agent]);
    let second = town.wait_for_agent("deacon", Some(first));
    town.wait_for_log("Deacon was started by somebody else");
    town.wait_for_heartbeats(5);
    gtd.stop();
    assert_eq!(town.pids("deacon"), [first, second], "gtd has started none");
    assert_eq!(town.logged("Starting Deacon"), 1, "only the first one");
    assert!(process::is_alive(second) && !process::is_alive(first));
}

#[test]
fn a_crash_loop_is_paced_and_ends_in_quarantine() {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"restart": {"settle": "100ms", "first_delay": "200ms"}}}));
    town.set_agent("deacon", "exit 7");
    let gtd = town.start();
    town.wait_for_log("Deacon is in quarantine");
    town.wait_for_log("Heartbeat complete");
    town.wait_for_heartbeats(3);
    let pids = town.pids("deacon");
    assert_eq!(pids.len(), 5, "one start and four restarts");
    town.wait_for_word("deacon", "quarantine");
    let log = town.log();
    for text in ["ended with exit status 7", "back-off before restart 2", "Deacon is in quarantine"] {
        assert!(log.contains(text), "{text}");
    }
    // What is in quarantine stays there when gtd is started anew.
    gtd.stop();
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.pids("deacon"), pids);
}

#[test]
fn at_most_five_agents_are_started_in_one_look_and_the_deacon_is_first() {
    let rigs = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let town = Town::new(&rigs);
    let gtd = town.start();
    wait_until("all are up", || rigs.iter().all(|rig| town.pid(&format!("{rig}-witness")).is_some()));
    gtd.stop();
    let log = town.log();
    let lines = log.lines().filter(|line| !line.contains("Not starting"));
    let kinds: Vec<&str> = lines
        .filter_map(|line| match line {
            line if line.contains(" Starting ") => Some("wanted"),
            line if line.contains("started successfully") => Some("done"),
            _ => None,
        })
        .collect();
    let batches: Vec<usize> = kinds.chunk_by(|a, b| a == b).map(<[_]>::len).collect();
    assert_eq!(batches.iter().sum::<usize>(), 18, "nine wanted, nine done: {batches:?}");
    assert!(batches.iter().all(|size| *size <= 5), "{batches:?}");
    let first = log.lines().find(|line| line.contains(" Starting ")).expect("a start");
    assert!(first.contains("Starting Deacon"), "{first}");
    assert!(log.contains("5 are started at a time"));
}

#[test]
fn a_lost_tmux_server_is_one_event_and_everybody_comes_back() {
    let town = Town::new(&["alpha", "beta", "gamma"]);
    let gtd = town.up();
    let agents = ["deacon", "alpha-witness", "beta-witness", "gamma-witness"];
    let before: Vec<u32> = agents.iter().map(|agent| town.wait_for_agent(agent, None)).collect();
    town.tmux(&["kill-server"]);
    for (agent, pid) in agents.iter().zip(&before) {
        town.wait_for_agent(agent, Some(*pid));
    }
    gtd.stop();
    let events = town.logged("tmux lost") + town.logged(" is gone (PID ");
    assert!(events >= 1, "it is said");
    // A look may fall into the middle of it; what it must not be is an event for each.
    assert!(events < agents.len(), "{events} events for one");
}

#[test]
fn after_a_kill_gtd_finds_its_agents_untouched_and_goes_on_counting() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let before = [town.wait_for_agent("deacon", None), town.wait_for_agent("alpha-witness", None)];
    town.wait_for_heartbeats(1);
    gtd.kill();
    let count = town.state()["heartbeat_count"].as_u64().expect("a count");
    assert!(count >= 1);
    fs::rename(town.root.join("daemon/daemon.log"), town.root.join("daemon/before.log")).expect("moved");
    let gtd = town.up();
    gtd.stop();
    let first = town.log().lines().find(|line| line.contains("Heartbeat complete")).map(str::to_owned);
    let first = first.expect("a heartbeat");
    assert!(first.ends_with(&format!("Heartbeat complete (#{})", count + 1)), "{first}, after {count}");
    assert_eq!([town.pids("deacon"), town.pids("alpha-witness")].concat(), before);
    assert_eq!(town.logged("Starting Deacon"), 0);
}

#[test]
fn without_heartbeats_agents_are_kept_up_and_not_poked() {
    let mut town = Town::new(&[]);
    town.configure(json!({"heartbeat": {"enabled": false}}));
    let gtd = town.up();
    kill_and_wait(&town, "deacon");
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.heard("deacon", None), [""; 0]);
}

#[test]
fn one_heartbeat_leaves_its_agents_and_no_daemon() {
    let town = Town::new(&["alpha"]);
    town.run(&["--once"]).exits(0);
    town.wait_for_agent("deacon", None);
    town.wait_for_agent("alpha-witness", None);
    let state = town.state();
    assert_eq!((&state["running"], &state["heartbeat_count"]), (&json!(false), &json!(1)));
    assert_eq!(town.processes("gtd --"), []);
    town.run(&["--once"]).exits(0);
    assert_eq!(town.state()["heartbeat_count"], 2);
    assert_eq!(town.pids("deacon").len(), 1);
}

/// Serves a town whose root has this name, and restarts a Witness in place.
fn serve_named(name: &str) {
    let town = Town::named(name, &["alpha"]);
    let gtd = town.up();
    let pid = town.wait_for_agent("alpha-witness", None);
    let cwd = town.environment("alpha-witness")["(cwd)"].clone();
    wait_until(&format!("{name}: it hears"), || !town.heard("alpha-witness", None).is_empty());
    process::signal(pid, libc::SIGKILL);
    town.wait_for_agent("alpha-witness", Some(pid));
    wait_until(&format!("{name}: it is known to live"), || town.word_for("alpha/witness") == "alive");
    gtd.stop();
    assert_eq!(cwd, town.root.join("alpha/witness").to_str().expect("text"), "{name}");
    assert_eq!(town.word_for("deacon"), "alive", "{name}");
}

#[test]
fn a_town_may_have_any_name_that_a_directory_may() {
    for name in ["a town", "it's; \"mine\" $HOME;", "ünï {x}", "50% ~x\\"] {
        serve_named(name);
    }
}

#[test]
fn a_town_may_have_a_name_that_tmux_takes_for_a_format() {
    serve_named("#{pid} #(touch pwned)");
}

#[test]
fn a_rig_whose_name_begins_another_rigs_name_is_not_taken_for_it() {
    let town = Town::new(&["joe1", "joe10"]);
    let gtd = town.up();
    let [first, other] = ["joe1-witness", "joe10-witness"].map(|agent| town.wait_for_agent(agent, None));
    town.tmux(&["kill-session", "-t", "=gt-joe1-witness"]);
    town.wait_for_agent("joe1-witness", Some(first));
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.pids("joe10-witness"), [other]);
}

#[test]
fn half_a_line_that_stands_at_the_prompt_is_cleared_before_a_heartbeat() {
    let town = Town::new(&[]);
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    for _ in 0..5 {
        let heard = town.heard("deacon", None).len();
        // Just after a heartbeat, so that it is not typed into the middle of one.
        wait_until("a heartbeat", || town.heard("deacon", None).len() > heard);
        town.wait_for_heartbeats(1);
        town.tmux(&["send-keys", "-l", "-t", "=gt-deacon:", "rm -rf "]);
    }
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_whole(&town.heard("deacon", None), &DEACON_MESSAGES);
}
