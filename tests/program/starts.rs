//! What agents get when gtd starts them, against what was recorded when the `gt` of their generation did: arguments, directory,
//! environment, and the environment and options of their tmux sessions.

use crate::support::{Town, eventually, fakes};
use gtd::town::time::Wall;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Variables = BTreeMap<String, String>;

fn recorded(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_str(&text).expect(file)
}

fn stdout(file: &str) -> String {
    recorded(file)["stdout"].as_str().expect("stdout").to_owned()
}

/// An agent: its id, its `BD_ACTOR` as its fake program writes it, its session, its directory.
struct Agent {
    id: &'static str,
    actor: &'static str,
    session: &'static str,
    dir: &'static str,
}

const fn agent(id: &'static str, actor: &'static str, session: &'static str, dir: &'static str) -> Agent {
    Agent { id, actor, session, dir }
}

const SEED: [Agent; 5] = [
    agent("deacon", "deacon", "gt-deacon", "deacon"),
    agent("alpha/witness", "alpha-witness", "gt-alpha-witness", "alpha/witness"),
    agent("alpha/refinery", "alpha-refinery", "gt-alpha-refinery", "alpha/refinery/rig"),
    agent("alpha/crew/maxine", "alpha-crew-maxine", "gt-alpha-crew-maxine", "alpha/crew/maxine"),
    agent("mayor", "mayor", "gt-mayor", ""),
];

const V02: [Agent; 5] = [
    agent("deacon", "deacon", "hq-deacon", "deacon"),
    agent("alpha/witness", "alpha-witness", "gt-alpha-witness", "alpha/witness"),
    agent("alpha/refinery", "alpha-refinery", "gt-alpha-refinery", "alpha/refinery/rig"),
    agent("alpha/crew/maxine", "alpha-crew-maxine", "gt-alpha-crew-maxine", "alpha/crew/maxine"),
    agent("mayor", "mayor", "hq-mayor", "mayor"),
];

const V10: [Agent; 5] = [
    agent("deacon", "deacon", "hq-deacon", "deacon"),
    agent("alpha/witness", "alpha-witness", "al-witness", "alpha/witness"),
    agent("alpha/refinery", "alpha-refinery", "al-refinery", "alpha/refinery/rig"),
    agent("alpha/crew/maxine", "alpha-crew-maxine", "al-crew-maxine", "alpha/crew/maxine"),
    agent("mayor", "mayor", "hq-mayor", "mayor"),
];

/// A town as it was recorded, of which every agent was started by gtd, its program being called `claude`.
struct Started {
    town: Town,
    /// The options of tmux that lead to its server.
    server: Vec<String>,
}

impl Started {
    fn new(generation: &str, agents: &[Agent]) -> Started {
        let mut town = Town::new(&["alpha=al"]);
        for dir in ["alpha/refinery/rig", "alpha/crew/maxine", "mayor"] {
            fs::create_dir_all(town.root.join(dir)).expect("a directory");
        }
        // They are there in every generation, and not used in every one.
        for file in ["alpha/witness", "alpha/refinery", "alpha/crew", "deacon", "mayor"] {
            town.write(&format!("{file}/.claude/settings.json"), "{}");
        }
        town.write("daemon/dolt-state.json", &recorded("v1.0/dolt-state.json").to_string());
        let claude = town.bin.join("claude");
        fakes::copy_program(&town.bin.join("agent"), &claude);
        let line = format!("{} --dangerously-skip-permissions", claude.display());
        town.configure(json!({
            "patrols": {"refinery": {"enabled": true}},
            "gtd": {"gastown": generation, "agent_command": line},
        }));
        // What gtd was started with is not handed on to others as if it were theirs.
        for name in
            ["GT_ROLE", "GT_RUN", "GT_SCOPE", "GT_RIG", "BEADS_DIR", "NODE_OPTIONS", "CLAUDECODE", "GT_REFINERY"]
        {
            town.set_env(name, "of somebody else");
        }
        let gtd = town.up();
        for id in ["alpha/crew/maxine", "mayor"] {
            assert_eq!(town.run(&["--request", "start", id]).status, 0);
        }
        for agent in agents {
            town.wait_for_agent(agent.actor, None);
        }
        // The session is dressed after its program runs.
        town.wait_for_heartbeats(2);
        gtd.stop();
        let server = match generation {
            "v1.0" => vec!["-L".to_owned(), own_socket(&town)],
            _ => Vec::new(),
        };
        Started { town, server }
    }

    fn tmux(&self, args: &[&str]) -> String {
        let args: Vec<&str> = self.server.iter().map(String::as_str).chain(args.iter().copied()).collect();
        self.town.tmux(&args)
    }

    /// With the town's root as it stands in recordings.
    fn plain(&self, text: &str) -> String {
        text.replace(self.town.root.to_str().expect("a plain path"), "@TOWN@")
    }

    /// The environment of an agent's program, without what the machine, tmux and the shell put there.
    fn env(&self, agent: &Agent) -> Variables {
        let env = self.town.environment(agent.actor);
        assert_eq!(env["(cwd)"], self.town.root.join(agent.dir).to_str().expect("a path").trim_end_matches('/'));
        let pairs = env.into_iter().filter(|(name, _)| is_gas_towns(name));
        pairs.map(|(name, value)| (name, self.plain(&value))).collect()
    }

    fn session_env(&self, agent: &Agent) -> Variables {
        variables(&self.plain(&self.tmux(&["show-environment", "-t", &format!("={}", agent.session)])))
    }

    /// The options of the session, without gtd's marks.
    fn options(&self, agent: &Agent) -> BTreeSet<String> {
        let shown = self.tmux(&["show-options", "-t", &format!("={}:", agent.session)]);
        let is_own = |line: &&str| line.starts_with("@gtd_") || line.starts_with("destroy-unattached");
        shown.lines().filter(|line| !is_own(line)).map(str::to_owned).collect()
    }

    fn pane(&self, agent: &Agent) -> String {
        self.tmux(&["display-message", "-p", "-t", &format!("={}:", agent.session), "#{pane_id}"])
    }
}

/// The one socket that is there.
fn own_socket(town: &Town) -> String {
    let mut dirs = fs::read_dir(&town.sockets).expect("sockets").flatten();
    let dir = dirs.next().expect("a directory").path();
    let names: Vec<String> =
        fs::read_dir(dir).expect("sockets").flatten().map(|entry| entry.file_name().display().to_string()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].clone()
}

/// Whether Gas Town sets this variable, and not the machine.
fn is_gas_towns(name: &str) -> bool {
    let prefixes = ["BD_", "BEADS_", "CLAUDE", "GIT_", "GT_", "NODE_"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn variables(text: &str) -> Variables {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A text with each time of its form `2026-11-23T09:51` made the same.
fn timeless(text: &str) -> String {
    let is_time = |part: &str| {
        let shape: String = part.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        shape == "0000-00-00T00:00"
    };
    let words: Vec<&str> = text.split(' ').map(|word| if is_time(word) { "TIME" } else { word }).collect();
    words.join(" ")
}

/// Takes out what differs from start to start, and says what it was.
fn take(env: &mut Variables, name: &str) -> String {
    env.remove(name).unwrap_or_else(|| panic!("no {name} in {env:?}"))
}

fn assert_is_uuid(text: &str) {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    assert!(lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'), "{text}");
}

/// Session environments and options, against the recorded ones.
fn assert_sessions(started: &Started, generation: &str, agents: &[Agent]) {
    for agent in agents {
        let file = |what: &str| format!("{generation}/tmux-show-{what}-{}.json", agent.session);
        let (mut own, mut theirs) = (started.session_env(agent), variables(&stdout(&file("environment"))));
        if theirs.contains_key("GT_PANE_ID") {
            theirs.remove("GT_PANE_ID");
            assert_eq!(take(&mut own, "GT_PANE_ID"), started.pane(agent));
        }
        if theirs.contains_key("GT_RUN") {
            assert_is_uuid(&take(&mut theirs, "GT_RUN"));
            assert_is_uuid(&take(&mut own, "GT_RUN"));
        }
        assert_eq!(own, theirs, "{generation} {}", agent.id);
        let theirs = stdout(&file("options"));
        assert_eq!(started.options(agent), theirs.lines().map(str::to_owned).collect(), "{generation} {}", agent.id);
    }
}

#[test]
fn agents_of_the_seed_start_with_nothing_but_their_names() {
    let started = Started::new("seed", &SEED);
    for (agent, wanted) in SEED.iter().zip([
        "GT_ROLE=deacon BD_ACTOR=deacon",
        "GT_ROLE=witness GT_RIG=alpha BD_ACTOR=alpha-witness",
        "GT_ROLE=refinery GT_RIG=alpha BD_ACTOR=alpha/refinery",
        "GT_ROLE=crew GT_RIG=alpha GT_CREW=maxine BD_ACTOR=alpha/crew/maxine",
        "GT_ROLE=mayor BD_ACTOR=mayor",
    ]) {
        let wanted = variables(&wanted.replace(' ', "\n"));
        assert_eq!(started.env(agent), wanted, "{}", agent.id);
        assert_eq!(started.session_env(agent), wanted, "{}", agent.id);
        assert_eq!(started.options(agent), BTreeSet::new(), "{}", agent.id);
        assert_eq!(started.town.arguments(agent.actor)[1..], ["--dangerously-skip-permissions"]);
    }
}

#[test]
fn agents_of_0_2_start_as_recorded() {
    let started = Started::new("v0.2", &V02);
    let starts = recorded("v0.2/agent-starts.json");
    for (agent, start) in V02[..3].iter().zip(starts["starts"].as_array().expect("starts")) {
        let theirs: Variables = serde_json::from_value(start["env"].clone()).expect("an environment");
        let theirs: Variables = theirs.into_iter().filter(|(name, _)| is_gas_towns(name)).collect();
        assert_eq!(started.env(agent), theirs, "{}", agent.id);
        assert_eq!(started.town.arguments(agent.actor)[1..], ["--dangerously-skip-permissions"], "{}", agent.id);
    }
    // Of the other two the command lines were recorded.
    let panes = stdout("v0.2/tmux-list-panes.json");
    for agent in &V02[3..] {
        let (_, line) = panes.split_once(&format!("\n{}|", agent.session)).unwrap_or(("", &panes));
        let (_, line) = line.split_once("\"export ").expect("exports");
        let (exports, line) = line.split_once(" && ").expect("exports");
        assert_eq!(started.env(agent), variables(&exports.replace(' ', "\n")), "{}", agent.id);
        let header = line.split_once("\\\"").and_then(|(_, prompt)| prompt.split("\\n").next()).map(timeless);
        let arguments = started.town.arguments(agent.actor);
        let prompt = arguments.get(2).and_then(|prompt| prompt.lines().next()).map(timeless);
        assert_eq!(prompt, header.filter(|_| agent.id != "mayor"), "{}", agent.id);
    }
    assert_sessions(&started, "v0.2", &V02);
    // What `gt witness status` and `gt refinery status` read.
    for role in ["witness", "refinery"] {
        let theirs = recorded(&format!("v0.2/alpha_runtime_{role}.json"));
        let mut own: Value =
            serde_json::from_str(&started.town.read(&format!("alpha/.runtime/{role}.json"))).expect("JSON");
        let times = [&own, &theirs].map(|state| state["started_at"].as_str().and_then(Wall::parse));
        assert!(times.iter().all(Option::is_some), "{own}");
        own["started_at"] = theirs["started_at"].clone();
        let theirs = theirs.as_object().expect("an object").iter().filter(|(key, _)| *key != "config");
        assert_eq!(own, theirs.map(|(key, value)| (key.clone(), value.clone())).collect::<Value>(), "{role}");
    }
}

#[test]
fn a_witness_of_0_2_that_was_shut_down_is_noted_as_stopped_and_what_else_was_noted_stays() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v0.2"}}));
    let file = "alpha/.runtime/witness.json";
    town.write(file, &recorded("v0.2/alpha_runtime_witness.json").to_string().replace("running", "stopped"));
    let state = || serde_json::from_str::<Value>(&town.read(file)).unwrap_or_default();
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    crate::support::wait_until("it runs", || state()["state"] == "running");
    assert_eq!(state()["config"], recorded("v0.2/alpha_runtime_witness.json")["config"]);
    assert_eq!(town.run(&["--request", "shutdown", "alpha/witness"]).status, 0);
    crate::support::wait_until("it is stopped", || state()["state"] == "stopped");
    assert_eq!(state().get("started_at"), None);
    gtd.stop();
    assert!(!town.root.join(".runtime").exists(), "nothing of another generation's");
}

#[test]
fn agents_of_1_0_start_as_recorded() {
    let started = Started::new("v1.0", &V10);
    let starts = recorded("v1.0/agent-starts.json");
    for (agent, start) in V10.iter().zip(starts["starts"].as_array().expect("starts")) {
        let theirs: Variables = serde_json::from_value(start["env"].clone()).expect("an environment");
        let mut theirs: Variables = theirs.into_iter().filter(|(name, _)| is_gas_towns(name)).collect();
        let mut own = started.env(agent);
        if theirs.remove("GT_RUN").is_some() {
            assert_eq!(take(&mut own, "GT_RUN"), started.session_env(agent)["GT_RUN"], "{}", agent.id);
        }
        assert_eq!(own, theirs, "{}", agent.id);
        // The wording of the prompt is gtd's own, but for the line by which gt knows it.
        let arguments = |words: Vec<String>| {
            let prompt = words.last().and_then(|prompt| prompt.lines().next()).map(timeless);
            (words[1..words.len() - 1].to_vec(), prompt)
        };
        let theirs: Vec<String> = serde_json::from_value(start["argv"].clone()).expect("arguments");
        let own = started.town.arguments(agent.actor).iter().map(|word| started.plain(word)).collect();
        assert_eq!(arguments(own), arguments(theirs), "{}", agent.id);
    }
    assert_sessions(&started, "v1.0", &V10);
    // What a server that gtd has started hands to every program names no agent, whatever gtd was started with.
    let theirs = variables(&stdout("v1.0/tmux-show-environment-global-daemon.json"));
    let own = variables(&started.tmux(&["show-environment", "-g"]));
    let of_gas_town: Vec<&String> =
        own.keys().filter(|name| is_gas_towns(name) && !theirs.contains_key(*name)).collect();
    assert!(own.contains_key("PATH") && of_gas_town.is_empty(), "{of_gas_town:?}");
    // A program that gt down could not find by its session, it finds by this; and no other that bears its PID by then.
    for agent in &V10 {
        let note = started.town.read(&format!(".runtime/pids/{}.pid", agent.session));
        let listed = stdout("v1.0/town-files-running.json").contains(&format!("/pids/{}.pid\n", agent.session));
        assert_eq!(!note.is_empty(), listed, "{}: {note}", agent.id);
        if listed {
            let pid = started.tmux(&["display-message", "-p", "-t", &format!("={}:", agent.session), "#{pane_pid}"]);
            let mut ps = started.town.command("ps");
            ps.args(["-o", "lstart=", "-p", &pid]).env("LC_ALL", "C");
            let start = crate::support::Ran::of(ps).exits(0).stdout;
            assert_eq!(note, format!("{pid}|{}\n", start.trim()), "{}", agent.id);
        }
    }
    let [base, digits] = [&started.server[1], &stdout("v1.0/tmux-socket-name.json")].map(|name| {
        let (base, digits) = name.trim().rsplit_once('-').expect("a dash");
        (base.to_owned(), digits.len(), digits.bytes().all(|b| b.is_ascii_hexdigit()))
    });
    assert_eq!((base.0.as_str(), digits.0.as_str()), ("t", "gt"));
    assert_eq!((base.1, base.2), (digits.1, digits.2));
}

#[test]
fn a_restart_in_place_gives_the_program_no_more_than_its_first_start() {
    let started = Started::new("v0.2", &V02);
    let (town, deacon) = (&started.town, &V02[0]);
    let (env, words, pane) = (started.env(deacon), town.arguments("deacon"), started.pane(deacon));
    let options = started.options(deacon);
    let first = town.pid("deacon").expect("it lives");
    fs::remove_file(town.notes.join("deacon.env")).expect("removed");
    // As a session looks that another release has made.
    town.tmux(&["set-option", "-u", "-t", "=hq-deacon:", "status-right"]);
    town.tmux(&["set-option", "-t", "=hq-deacon:", "status-left", "Deacon"]);
    let gtd = town.start();
    town.wait_for_log("Daemon starting");
    crate::support::process::signal(first, libc::SIGKILL);
    town.wait_for_agent("deacon", Some(first));
    gtd.stop();
    assert_eq!(started.pane(deacon), pane, "in place");
    assert_eq!((started.env(deacon), town.arguments("deacon")), (env, words));
    assert_eq!(started.options(deacon), options, "the session looks as it should again");
}

/// Whatever a shell might take for something else.
const PROMPT: &str =
    "it's \"{agent}\" $HOME `id` $(id) !x !! \\ \\\\ \\' '\\'' \\n\n\n\\\n# ~ * ? [a] {b,c} %1 ^x^y ;|&<>\té•'\\";

#[test]
fn a_first_prompt_arrives_byte_by_byte_through_every_shell() {
    let shells = ["/bin/bash", "/bin/dash", "/usr/bin/zsh", "/usr/bin/fish", "/usr/bin/tcsh", "/bin/ksh"];
    let installed: Vec<&str> = shells.into_iter().filter(|shell| Path::new(shell).exists()).collect();
    assert!(!installed.is_empty());
    let wanted = PROMPT.replace("{agent}", "deacon");
    for shell in installed {
        let mut town = Town::new(&[]);
        town.set_env("SHELL", shell);
        town.configure(json!({"gtd": {"first_prompt": {"deacon": PROMPT}}}));
        let gtd = town.up();
        let first = town.wait_for_agent("deacon", None);
        assert_eq!(town.arguments("deacon").get(1), Some(&wanted), "{shell}");
        // Once more, through a script.
        fs::remove_file(town.notes.join("deacon.argv")).expect("removed");
        crate::support::process::signal(first, libc::SIGKILL);
        town.wait_for_agent("deacon", Some(first));
        assert_eq!(town.arguments("deacon").get(1), Some(&wanted), "{shell}, in place");
        gtd.stop();
    }
}

/// The PIDs of the pollers for a session.
fn pollers(town: &Town, session: &str) -> Vec<u32> {
    let found = town.processes(&format!("gt nudge-poller {session}"));
    found.iter().map(|process| process.pid).collect()
}

#[test]
fn a_nudge_poller_runs_beside_a_witness_once_and_ends_with_its_shutdown() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    let gtd = town.up();
    let first = town.wait_for_agent("alpha-witness", None);
    let poller = eventually("a poller runs", || pollers(&town, "al-witness").first().copied());
    assert!(pollers(&town, "hq-deacon").is_empty());
    assert_eq!(fs::read_link(format!("/proc/{poller}/cwd")).expect("a directory"), town.root);
    assert_eq!(town.read(".runtime/nudge_poller/al-witness.pid"), poller.to_string());
    // It holds nothing of gtd's, and is no part of what ends with gtd.
    assert_eq!(fs::read_link(format!("/proc/{poller}/fd/1")).expect("a stream"), Path::new("/dev/null"));
    gtd.stop();
    let gtd = town.up();
    crate::support::process::signal(first, libc::SIGKILL);
    town.wait_for_agent("alpha-witness", Some(first));
    town.wait_for_heartbeats(1);
    assert_eq!(pollers(&town, "al-witness"), [poller], "not doubled");
    assert_eq!(town.run(&["--request", "shutdown", "alpha/witness"]).status, 0);
    crate::support::wait_until("the poller ends", || pollers(&town, "al-witness").is_empty());
    for dir in ["nudge_poller", "pids"] {
        crate::support::wait_until("its note is gone", || {
            town.read(&format!(".runtime/{dir}/al-witness.pid")).is_empty()
        });
    }
    gtd.stop();
    assert_eq!(town.calls("gt").iter().filter(|call| call.starts_with("nudge-poller")).count(), 1);
}

/// A `gt` that runs the real one as its child: both are seen with the same arguments.
const WRAPPER: &str = "#!/bin/sh -e\n'@DIR@/real/gt' \"$@\"\n";

#[test]
fn a_poller_that_was_killed_comes_back_once_whatever_wraps_gt() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    fs::create_dir(town.notes.join("real")).expect("made");
    fakes::copy_program(&town.bin.join("gt"), &town.notes.join("real/gt"));
    fakes::program(&town.bin.join("gt"), &WRAPPER.replace("@DIR@", town.notes.to_str().expect("a plain path")));
    let started = || town.calls("gt").iter().filter(|call| call.starts_with("nudge-poller")).count();
    let kill = |which: &str| {
        let found = town.processes("gt nudge-poller al-witness");
        let found: Vec<u32> = found.iter().filter(|found| found.line.contains(which)).map(|found| found.pid).collect();
        assert!(!found.is_empty(), "{which} runs");
        found.iter().for_each(|pid| crate::support::process::signal(*pid, libc::SIGKILL));
        town.wait_for_end_of(which);
    };
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    eventually("the real one runs", || town.processes("real/gt nudge-poller").pop());
    town.wait_for_heartbeats(2);
    // The real one lives on without its wrapper.
    kill("/bin/gt nudge-poller");
    town.wait_for_heartbeats(2);
    assert_eq!(started(), 1);
    // Nobody starts anything in a town that was stopped.
    town.write("ESTOP", "manual\tnow\ttest\n");
    town.wait_for_heartbeats(1);
    kill("real/gt nudge-poller");
    town.wait_for_heartbeats(2);
    assert_eq!(started(), 1);
    town.remove("ESTOP");
    town.wait_for_log("The nudge poller of al-witness has ended: started anew");
    eventually("the real one runs", || town.processes("real/gt nudge-poller").pop());
    town.wait_for_heartbeats(2);
    assert_eq!(started(), 2);
    // Whoever goes on killing it has his way for a while.
    kill("gt nudge-poller");
    town.wait_for_heartbeats(3);
    gtd.stop();
    assert_eq!((started(), town.logged("nudge poller")), (2, 1), "{}", town.log());
}

/// Where `gt` hands its work on and shows nothing of it, nobody knows whether a poller runs.
#[test]
fn a_poller_that_was_never_seen_is_not_started_again() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    let fake = fs::read_to_string(town.bin.join("gt")).expect("read");
    fakes::program(&town.bin.join("gt"), &fake.replace("while :; do sleep 1; done", "exit 0"));
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    town.wait_for_heartbeats(3);
    gtd.stop();
    let started = town.calls("gt").iter().filter(|call| call.starts_with("nudge-poller")).count();
    assert_eq!((started, town.logged("nudge poller")), (1, 0));
}

#[test]
fn without_gt_there_is_no_poller_and_no_word_about_it() {
    let mut town = Town::new(&["alpha=al"]);
    fs::remove_file(town.bin.join("gt")).expect("removed");
    town.configure(json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    gtd.stop();
    assert_eq!((town.logged("poller"), town.root.join(".runtime").exists()), (0, false));
}

#[test]
fn a_persons_hook_that_splits_the_window_does_not_make_gt_take_the_wrong_pane_for_the_agents() {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    town.tmux(&["new-session", "-d", "-s", "own", "exec cat"]);
    town.tmux(&["set-hook", "-g", "after-new-session", "split-window 'exec cat'"]);
    let gtd = town.up();
    let pid = town.wait_for_agent("deacon", None);
    gtd.stop();
    let own = town.tmux(&["list-panes", "-s", "-t", "=hq-deacon", "-F", "#{pane_pid} #{pane_id}"]);
    assert_eq!(own.lines().count(), 2, "{own}");
    let pane = own.lines().find_map(|line| line.strip_prefix(&format!("{pid} "))).expect("the agent's pane");
    assert_eq!(town.tmux(&["show-environment", "-t", "=hq-deacon", "GT_PANE_ID"]), format!("GT_PANE_ID={pane}"));
}
