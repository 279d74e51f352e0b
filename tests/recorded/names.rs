//! What agents are called, and where they work: as tmux showed them, and as `gt` speaks of them.

use super::{agent, generation_of, stderr, stdout};
use gtd::town::names::Generation;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The lines of `tmux list-panes`, in their fields. A start command may have line ends in it, which begin no such line.
pub fn panes(file: &str) -> Vec<Vec<String>> {
    let fields = |line: &str| line.split('|').map(str::to_owned).collect::<Vec<_>>();
    let is_pane = |line: &&str| line.split_once('|').is_some_and(|(name, _)| name.contains('-') && !name.contains(' '));
    stdout(file).lines().filter(is_pane).map(fields).collect()
}

#[test]
fn agents_have_the_sessions_and_directories_that_tmux_showed() {
    for generation in [Generation::V02, Generation::V10] {
        let panes = panes(&format!("{generation}/tmux-list-panes.json")).into_iter();
        let shown: BTreeMap<String, PathBuf> = panes.map(|f| (f[0].clone(), PathBuf::from(&f[10]))).collect();
        let ids = ["deacon", "mayor", "alpha/witness", "alpha/refinery", "alpha/crew/maxine"];
        let ours = ids.map(|id| agent(generation, id)).map(|agent| (agent.session, agent.dir));
        assert_eq!(shown, BTreeMap::from(ours), "{generation}");
    }
}

#[test]
fn agents_that_gt_daemon_started_have_these_names_too() {
    for (file, ids, boot) in [
        (
            "v0.2/tmux-list-sessions-daemon.json",
            &["deacon", "alpha/witness", "beta/witness", "alpha/refinery", "beta/refinery", "alpha/crew/maxine"][..],
            "gt-boot",
        ),
        (
            "v1.0/tmux-list-sessions-daemon.json",
            &["deacon", "mayor", "alpha/witness", "beta/witness", "alpha/crew/maxine"][..],
            "hq-boot",
        ),
    ] {
        let panes = panes(file).into_iter();
        let mut shown: BTreeMap<String, PathBuf> = panes.map(|f| (f[0].clone(), PathBuf::from(&f[2]))).collect();
        // gtd starts no Boot.
        assert!(shown.remove(boot).is_some(), "{file}");
        let ours = ids.iter().map(|id| agent(generation_of(file), id)).map(|agent| (agent.session, agent.dir));
        assert_eq!(shown, ours.collect(), "{file}");
    }
}

/// The agents of a `gt status --json`: what it calls each, and its session.
fn agents_of_status(status: &Value) -> Vec<(String, String)> {
    let rigs = status["rigs"].as_array().expect("rigs").iter();
    let all = std::iter::once(status).chain(rigs).filter_map(|of| of["agents"].as_array()).flatten();
    let text = |agent: &Value, key: &str| agent[key].as_str().expect(key).to_owned();
    all.map(|agent| (text(agent, "address"), text(agent, "session"))).collect()
}

#[test]
fn gt_status_looks_for_agents_in_the_sessions_that_gtd_starts() {
    for file in [
        "seed/gt-status-json.json",
        "v0.2/gt-status-json-daemon.json",
        "v0.2/gt-status-json-running.json",
        "v0.2/gt-status-json-stopped.json",
        "v1.0/foreign-plain-gt-status.json",
        "v1.0/gt-status-json-daemon.json",
        "v1.0/gt-status-json-running.json",
        "v1.0/gt-status-json-stopped.json",
    ] {
        let status: Value = serde_json::from_str(&stdout(file)).expect("JSON");
        let agents = agents_of_status(&status);
        assert!(agents.len() >= 8, "{file}: {agents:?}");
        for (address, session) in agents {
            let id = match address.trim_end_matches('/') {
                "alpha/nux" => "alpha/polecat/nux",
                id => id,
            };
            assert_eq!(agent(generation_of(file), id).session, session, "{file}: {address}");
        }
        if let Some(socket) = status["tmux"]["socket"].as_str() {
            assert_eq!(socket, stdout("v1.0/tmux-socket-name.json").trim(), "{file}");
        }
    }
}

/// Every word of a text that is a session's name.
fn sessions_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let is_name = |word: &&str| ["gt-", "hq-", "al-", "bt-"].iter().any(|start| word.starts_with(start));
    words.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_session_that_gt_speaks_of_is_known_by_its_name() {
    let patrols = "alpha/witness alpha/refinery beta/witness beta/refinery";
    for (file, ids, others) in [
        ("v0.2/gt-shutdown.json", &[patrols, "mayor", "alpha/crew/maxine"][..], "gt-boot"),
        ("v1.0/gt-shutdown.json", &[patrols, "mayor", "deacon"][..], ""),
        ("v0.2/gt-up.json", &[patrols, "mayor", "deacon"][..], ""),
        ("v0.2/foreign-plain-gt-up.json", &[patrols, "mayor", "deacon"][..], ""),
        ("v1.0/foreign-plain-gt-up.json", &[patrols, "mayor", "deacon"][..], ""),
        ("v1.0/gt-estop.json", &["alpha/crew/maxine alpha/refinery alpha/witness", "mayor", "deacon"][..], ""),
        ("v1.0/gt-estop-rig.json", &["alpha/crew/maxine alpha/refinery alpha/witness", "mayor"][..], ""),
        ("v1.0/gt-witness-status.json", &["alpha/witness"][..], ""),
        ("v1.0/gt-refinery-status.json", &["alpha/refinery"][..], ""),
        ("v1.0/gt-deacon-status-json.json", &["deacon"][..], ""),
        ("v1.0/gt-deacon-status-json-stopped.json", &["deacon"][..], ""),
    ] {
        let mut ours: BTreeSet<String> =
            ids.iter().flat_map(|ids| ids.split(' ')).map(|id| agent(generation_of(file), id).session).collect();
        ours.extend(others.split(' ').filter(|name| !name.is_empty()).map(str::to_owned));
        assert_eq!(sessions_in(&stdout(file)), ours, "{file}");
    }
    for file in ["v0.2/gt-nudge-missing.json", "v1.0/gt-nudge-missing.json"] {
        let first = stderr(file).lines().next().expect("a line").to_owned();
        assert_eq!(sessions_in(&first), BTreeSet::from([agent(generation_of(file), "beta/witness").session]), "{file}");
    }
}

/// What stands before the name of a role in a list that `gt` prints.
fn sign_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let sign = words.next()?;
        (words.next()? == name && !sign.is_ascii()).then_some(sign)
    })
}

#[test]
fn agents_bear_the_signs_that_gt_gives_them() {
    for (file, names) in [
        ("gt-agents-list.json", ["Mayor", "Deacon", "refinery", "witness", "crew/maxine"]),
        ("gt-agents-list-all.json", ["Mayor", "Deacon", "refinery", "witness", "crew/maxine"]),
        ("gt-status-text-running.json", ["mayor", "deacon", "refinery", "witness", "Crew"]),
    ] {
        for generation in [Generation::V02, Generation::V10] {
            let text = stdout(&format!("{generation}/{file}"));
            for (name, id) in
                names.iter().zip(["mayor", "deacon", "alpha/refinery", "alpha/witness", "alpha/crew/maxine"])
            {
                let options = super::starts::start(generation, id).options;
                let (_, left) = options.iter().find(|(option, _)| *option == "status-left").expect("a sign");
                assert_eq!(left.split(' ').next(), sign_of(&text, name), "{generation}/{file}: {name}");
            }
        }
    }
    for generation in [Generation::V02, Generation::V10] {
        let stopped = stdout(&format!("{generation}/gt-agents-list-stopped.json"));
        assert_eq!(sign_of(&stopped, "Deacon"), None, "nobody is listed who does not run: {stopped}");
    }
}
