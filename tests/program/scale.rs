//! A town that is larger than anybody's: 201 agents in a hundred rigs. gtd itself starts five agents every two seconds, so that
//! most of them are there before it; what it does for all of them at once is as in any town.

use crate::support::{Town, process, wait_until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

const RIGS: usize = 100;
/// A Deacon, and a Witness and a Refinery in each rig.
const AGENTS: usize = 1 + 2 * RIGS;
/// Those that gtd starts: as many as it starts at once, and the first in its order.
const MISSING: usize = 5;

/// What the log says of each start.
const STARTED: &str = "started successfully";

/// An agent: as gtd calls it, as its fake does, its session and its directory.
struct Agent {
    id: String,
    fake: String,
    session: String,
    dir: String,
}

fn agents() -> Vec<Agent> {
    let agent = |rig: usize, role: &str, below: &str| Agent {
        id: format!("rig{rig}/{role}"),
        fake: format!("rig{rig}-{role}"),
        session: format!("gt-rig{rig}-{role}"),
        dir: format!("rig{rig}/{role}{below}"),
    };
    let deacon = Agent {
        id: "deacon".to_owned(),
        fake: "deacon".to_owned(),
        session: "gt-deacon".to_owned(),
        dir: "deacon".to_owned(),
    };
    let witnesses = (0..RIGS).map(|rig| agent(rig, "witness", ""));
    let refineries = (0..RIGS).map(|rig| agent(rig, "refinery", "/rig"));
    std::iter::once(deacon).chain(witnesses).chain(refineries).collect()
}

/// A town that does nothing of itself for an hour, and in which all agents live but the first.
fn town(agents: &[Agent]) -> Town {
    let rigs: Vec<String> = (0..RIGS).map(|rig| format!("rig{rig}")).collect();
    let mut town = Town::new(&rigs.iter().map(String::as_str).collect::<Vec<&str>>());
    town.configure(json!({
        "heartbeat": {"interval": "1h"},
        "patrols": {"refinery": {"enabled": true}},
        "gtd": {"look_interval": "1h"},
    }));
    let program = town.bin.join("agent");
    let line = |agent: &Agent| {
        let dir = town.root.join(&agent.dir);
        fs::create_dir_all(&dir).expect("made");
        let (dir, program) = (dir.display(), program.display());
        format!("new-session -d -s {} -c '{dir}' 'BD_ACTOR={} exec {program}'\n", agent.session, agent.fake)
    };
    let there = &agents[MISSING..];
    let script: String = there.iter().map(line).collect();
    // A script needs a server.
    town.tmux(&["new-session", "-d", "-s", "first"]);
    town.tmux_script(&script).exits(0);
    town.tmux(&["kill-session", "-t", "=first"]);
    wait_until("each shows its prompt", || {
        let columns = town.tmux(&["list-panes", "-a", "-F", "#{cursor_x}"]);
        columns.lines().filter(|column| *column == "2").count() == there.len()
    });
    town
}

/// How many agents the state has under each word.
fn words(town: &Town) -> BTreeMap<String, usize> {
    let mut words = BTreeMap::new();
    for agent in town.state()["gtd"]["agents"].as_array().into_iter().flatten() {
        *words.entry(agent["state"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    words
}

fn living(town: &Town) -> usize {
    let words = words(town);
    words.get("alive").unwrap_or(&0) + words.get("started").unwrap_or(&0)
}

/// What every agent has heard of heartbeats, and nothing else.
fn heartbeats_heard(town: &Town, agents: &[Agent]) -> Vec<usize> {
    let heard = |agent: &Agent| {
        let heard = town.heard(&agent.fake, None);
        assert!(heard.iter().all(|line| line.starts_with("HEARTBEAT: ")), "{}: {heard:?}", agent.id);
        heard.len()
    };
    agents.iter().map(heard).collect()
}

#[test]
fn two_hundred_agents_are_started_poked_missed_and_told_of() {
    let agents = agents();
    assert_eq!(agents.len(), AGENTS);
    let town = town(&agents);
    let gtd = town.up();
    wait_until("all are known to live", || living(&town) == AGENTS);
    assert_eq!((town.logged(STARTED), town.logged("found and marked")), (MISSING, AGENTS - MISSING));
    let twice = agents.iter().filter(|agent| town.pids(&agent.fake).len() != 1).map(|agent| &agent.id);
    assert_eq!(twice.collect::<Vec<_>>(), [""; 0], "each has had one program");

    // The first heartbeat of a gtd comes at once: this one finds all of them.
    let poked = town.logged("Poked ");
    wait_until("what was said is heard", || heartbeats_heard(&town, &agents).iter().sum::<usize>() == poked);
    let before = heartbeats_heard(&town, &agents);
    gtd.stop();
    let mut gtd = town.up();
    assert_eq!(town.logged("Poked "), poked + AGENTS);
    let expected: Vec<usize> = before.iter().map(|heard| heard + 1).collect();
    wait_until("everybody has heard it once", || heartbeats_heard(&town, &agents) == expected);

    let server: u32 = town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID");
    process::signal(server, libc::SIGKILL);
    town.wait_for_log(&format!("tmux lost {AGENTS} agents at once: Deacon, witness for rig0, "));
    wait_until("the first are back", || town.logged(STARTED) >= 2 * MISSING);
    assert_eq!((town.logged("tmux lost "), town.logged(" is gone (PID")), (1, 0), "one event, and one line for it");
    let log = town.log();
    let after = log.split("tmux lost ").nth(1).expect("what follows");
    let first = after.lines().find(|line| line.contains(STARTED)).expect("a start");
    assert!(first.contains("Deacon session started"), "{first}");

    let status: Value = serde_json::from_str(&town.run(&["--status", "--json"]).exits(0).stdout).expect("JSON");
    assert_eq!(status["agents"].as_array().map(Vec::len), Some(AGENTS));
    let table = town.run(&["--status"]).exits(0).stdout;
    let lines =
        agents.iter().filter(|agent| table.lines().any(|line| line.split_whitespace().any(|word| word == agent.id)));
    assert_eq!(lines.count(), AGENTS, "{table}");
    town.run(&["--stop"]).exits(0);
    assert!(gtd.wait().0.success());
    let words = words(&town);
    assert_eq!(words.values().sum::<usize>(), AGENTS);
    let back = AGENTS - words["waiting"];
    assert!((MISSING..AGENTS / 2).contains(&back), "{words:?}");
    assert_eq!(town.state()["running"], false);
}
