//! What the real `bd` and `gt` of three generations printed and wrote, and what gtd makes of it. The recordings are in
//! `tests/data`, one call a file, as the program gave it: exit status, stdout and stderr.

use gtd::service::state;
use gtd::sys::attention::Attention;
use gtd::sys::command::Command;
use gtd::town::agent::{AgentId, Name, Role};
use gtd::town::config::Config;
use gtd::town::history::{KnownGastown, SavedHolds};
use gtd::town::names::{Agent, Generation};
use gtd::town::rigs::{Rig, Rigs};
use gtd::town::snapshot::{Report, Reports};
use gtd::town::time::Wall;
use gtd::world::gastown::{self, Ask};
use gtd::world::{beads, holds, town_files};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

fn text(file: &str) -> String {
    fs::read_to_string(data(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn json(file: &str) -> Value {
    serde_json::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A call of a program, as it was recorded.
struct Call {
    args: Vec<String>,
    dir: tempfile::TempDir,
    exit: i64,
}

impl Call {
    fn read(file: &str) -> Call {
        let call = json(file);
        let words = call["argv"].as_array().expect("arguments").iter().skip(1);
        let dir = tempfile::tempdir().expect("a directory");
        for stream in ["stdout", "stderr"] {
            fs::write(dir.path().join(stream), call[stream].as_str().expect(stream)).expect("written");
        }
        let args = words.map(|word| word.as_str().expect("a word").to_owned()).collect();
        Call { args, dir, exit: call["exit"].as_i64().expect("an exit status") }
    }

    /// A program that says again what was said then, and notes what it is asked for.
    fn again(&self) -> Command {
        let exit = self.exit;
        let script = format!("echo \"$*\" >asked; cat stdout; cat stderr >&2; exit {exit}");
        Command::new("/bin/sh", Duration::from_secs(20)).dir(self.dir.path()).args(["-c", &script, "program"])
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.dir.path().join("asked")).expect("it was asked").trim().to_owned()
    }
}

/// What gtd learns from a recorded `bd show` when it asks for the same beads, in their order: `gt-deacon idle`.
fn learnt(file: &str) -> String {
    let call = Call::read(file);
    let ids: Vec<&str> = call.args.iter().map(String::as_str).filter(|a| !a.starts_with('-') && *a != "show").collect();
    let reports = beads::ask(call.again(), &ids, &mut Attention::nobody()).expect("nobody stops it").reports;
    assert_eq!(call.asked(), format!("show {} --json", ids.join(" ")), "{file}");
    match reports {
        Reports::NotAsked => "not asked".to_owned(),
        Reports::NoTool => "no bd".to_owned(),
        Reports::Unknown(outage) => format!("outage: {outage}"),
        Reports::Asked(reports) => {
            let asked: BTreeSet<&str> = ids.iter().copied().collect();
            assert_eq!(
                reports.keys().map(String::as_str).collect::<BTreeSet<_>>(),
                asked,
                "{file}: only what was asked"
            );
            let line = |id: &str| match &reports[id] {
                Report::Says(word) if word.is_empty() => format!("{id} says nothing"),
                Report::Says(word) => format!("{id} {word}"),
                Report::Missing => format!("{id} is missing"),
                Report::Unknown => format!("{id} unknown"),
            };
            let mut lines: Vec<String> = ids.iter().map(|id| line(id)).collect();
            lines.dedup();
            lines.join(", ")
        }
    }
}

/// File by file, without `bd-show-` and `.json`: what gtd learns. What ends with `…` goes on somehow.
const LEARNT: &[(&str, &str)] = &[
    ("seed/agent-dead", "gt-crew-gamma-sdead dead"),
    ("seed/agent-done", "gt-crew-gamma-sdone done"),
    ("seed/agent-running", "gt-crew-gamma-srunning running"),
    ("seed/agent-spawning", "gt-crew-gamma-sspawning spawning"),
    ("seed/agent-state-field", "gt-crew-gamma-sworking stuck"),
    ("seed/agent-stopped", "gt-crew-gamma-sstopped stopped"),
    ("seed/agent-stuck", "gt-crew-gamma-sstuck stuck"),
    ("seed/agent-updated", "gt-crew-gamma-srunning stopped"),
    ("seed/agent-working", "gt-crew-gamma-sworking working"),
    ("seed/closed", "gt-crew-gamma-sdone done"),
    (
        "seed/corrupt-rig-db-several",
        "outage: bd show: Error fetching gt-deacon: failed to enable WAL mode: sqlite3: file is not a database",
    ),
    (
        "seed/corrupt-rig-db",
        "outage: bd show: Error fetching gt-deacon: failed to enable WAL mode: sqlite3: file is not a database",
    ),
    (
        "seed/corrupt-town-db-no-daemon",
        "outage: bd show: Error: failed to open database: failed to enable WAL mode: sqlite3: file is not a database",
    ),
    (
        "seed/corrupt-town-db",
        "outage: bd show: Error: failed to open database: failed to enable WAL mode: sqlite3: file is not a database",
    ),
    ("seed/deacon-after-prime", "gt-deacon idle"),
    ("seed/duplicate-ids", "gt-deacon idle"),
    ("seed/fresh-town-first-call", "gt-deacon is missing"),
    ("seed/from-other-rig", "gt-deacon is missing"),
    ("seed/from-rig", "gt-deacon idle"),
    (
        "seed/locked-rig-db",
        "outage: bd show: Error fetching gt-deacon: failed to initialize schema: sqlite3: database is locked",
    ),
    ("seed/mail-deleted", "gm-7co says nothing"),
    ("seed/mail", "gm-7co says nothing"),
    ("seed/missing-rig-db", "gt-deacon is missing"),
    (
        "seed/mixed-town-and-rig-missing",
        "outage: bd show: resolving ID hq-deacon: operation failed: failed to resolve ID: no issue found matching \"hq-deacon\"",
    ),
    ("seed/no-db", "outage: bd show: …"),
    ("seed/no-prefix", "deacon is missing"),
    ("seed/none-found-bd-daemon", "gt-deacon is missing"),
    ("seed/none-found-no-daemon", "gt-witness-nosuch is missing"),
    ("seed/none-found", "gt-witness-nosuch is missing"),
    ("seed/one-env-bd-no-daemon", "gt-deacon idle"),
    ("seed/one-env-no-daemon", "gt-deacon idle"),
    ("seed/one-missing-in-rig-no-daemon", "gt-deacon idle, gt-witness-nosuch is missing, gt-mayor idle"),
    (
        "seed/one-missing-in-rig",
        "outage: bd show: resolving ID gt-witness-nosuch: operation failed: failed to resolve ID: no issue found matching \"gt-witness-nosuch\"",
    ),
    ("seed/one-no-daemon", "gt-deacon idle"),
    ("seed/one", "gt-deacon idle"),
    ("seed/plain", "outage: bd show: the answer is not JSON: expected value at line 1 column 1"),
    ("seed/several-no-daemon", "gt-deacon idle, gt-mayor idle, gt-witness-gamma idle, gt-refinery-gamma idle"),
    ("seed/several-one-missing-no-daemon", "gt-deacon idle, gt-witness-nosuch is missing, gt-mayor idle"),
    ("seed/several-one-missing", "gt-deacon idle, gt-witness-nosuch is missing, gt-mayor idle"),
    ("seed/several-other-prefix-no-daemon", "gt-deacon idle, be-witness-beta is missing"),
    ("seed/several-other-prefix", "gt-deacon idle, be-witness-beta is missing"),
    ("seed/several", "gt-deacon idle, gt-mayor idle, gt-witness-gamma idle, gt-refinery-gamma idle"),
    ("seed/shadowed-rig", "gt-witness-alpha is missing"),
    (
        "seed/substring-ambiguous-in-rig",
        "outage: bd show: resolving ID gt-m: operation failed: failed to resolve ID: ambiguous ID \"gt-m\" matches 4 issues: [gt-mayor gt-crew-gamma-max gt-refinery-gamma gt-witness-gamma]\\nUse more characters to disambiguate",
    ),
    ("seed/substring-ambiguous-no-daemon", "outage: bd show: …"),
    ("seed/substring-ambiguous", "outage: bd show: …"),
    ("seed/substring-unique-in-rig-no-daemon", "gt-witness-gamm unknown"),
    ("seed/substring-unique-in-rig", "gt-witness-gamm unknown"),
    ("seed/substring-unique-no-daemon", "gt-witness-gamm unknown"),
    ("seed/substring-unique", "gt-witness-gamm unknown"),
    ("seed/town-git-later", "gt-deacon is missing"),
    ("seed/town-prefix-missing-no-daemon", "gm-nosuch is missing"),
    ("seed/town-prefix-missing", "gm-nosuch is missing"),
    ("seed/town-without-git", "gt-deacon is missing"),
    (
        "seed/truncated-rig-db",
        "outage: bd show: Error fetching gt-deacon: failed to enable WAL mode: sqlite3: database disk image is malformed",
    ),
    ("seed/unrouted-prefix", "hq-deacon is missing"),
    ("seed/witness-after-prime", "gt-witness-gamma idle"),
    ("seed/witness-of-other-prefix-rig", "gt-witness-beta is missing"),
    ("seed/v0.47-none-found", "gt-witness-nosuch is missing"),
    ("seed/v0.47-one", "gt-deacon running"),
    ("seed/v0.47-several-one-missing", "gt-deacon running, gt-witness-nosuch is missing, gt-mayor idle"),
    ("v0.2/after-update", "bt-beta-witness stuck"),
    ("v0.2/agent-state-paused", "al-alpha-witness working"),
    ("v0.2/agent-state-running", "al-alpha-witness running"),
    ("v0.2/agent-state-stuck", "al-alpha-witness stuck"),
    ("v0.2/crew-missing", "al-alpha-crew-max unknown"),
    ("v0.2/deacon-running", "hq-deacon stuck, al-alpha-witness working, al-alpha-refinery idle"),
    ("v0.2/mail", "hq-xak says nothing"),
    ("v0.2/none-daemon", "hq-nosuch is missing"),
    ("v0.2/none-no-daemon", "hq-nosuch is missing"),
    (
        "v0.2/none-several",
        "outage: bd show: resolving ID hq-nosuch: operation failed: failed to resolve ID: no issue found matching \"hq-nosuch\"",
    ),
    (
        "v0.2/one-missing-daemon",
        "outage: bd show: resolving ID hq-nosuch: operation failed: failed to resolve ID: no issue found matching \"hq-nosuch\"",
    ),
    ("v0.2/one-missing-no-daemon", "hq-deacon idle, hq-nosuch is missing, hq-mayor idle"),
    ("v0.2/one-missing-routed", "hq-deacon idle, al-nosuch-witness is missing, bt-beta-witness idle"),
    ("v0.2/one", "hq-deacon idle"),
    ("v0.2/outside-town", "outage: bd show: …"),
    (
        "v0.2/several",
        "hq-deacon idle, hq-mayor idle, al-alpha-witness idle, bt-beta-witness idle, al-alpha-refinery idle",
    ),
    (
        "v0.2/substring-ambiguous",
        "outage: bd show: resolving ID hq-d: operation failed: failed to resolve ID: ambiguous ID \"hq-d\" matches 3 issues: [hq-deacon hq-dog-role hq-deacon-role]\\nUse more characters to disambiguate",
    ),
    ("v0.2/substring-no-daemon", "outage: bd show: …"),
    ("v1.0/after-update", "hq-deacon stuck"),
    ("v1.0/crew-in-rig", "al-alpha-crew-max is missing"),
    ("v1.0/crew", "al-alpha-crew-max idle"),
    ("v1.0/json-envelope", "hq-deacon idle"),
    ("v1.0/mail", "hq-wisp-3mw says nothing"),
    ("v1.0/none-several", "hq-nosuch is missing, hq-nosuch2 is missing"),
    ("v1.0/none", "hq-nosuch is missing"),
    ("v1.0/one-missing-routed", "hq-deacon idle, al-nosuch-witness is missing, bt-beta-witness idle"),
    ("v1.0/one-missing", "hq-deacon idle, hq-nosuch is missing, hq-mayor idle"),
    ("v1.0/one", "hq-deacon idle"),
    ("v1.0/outside-town", "outage: bd show: …"),
    (
        "v1.0/several",
        "hq-deacon idle, hq-mayor idle, al-alpha-witness idle, bt-beta-witness idle, al-alpha-refinery idle",
    ),
    ("v1.0/substring", "hq-deac unknown"),
    ("v1.0/unknown-prefix", "zz-foo-witness is missing"),
    ("v0.2/rig-docked", "bt-rig-beta says nothing"),
    ("v0.2/rig-undocked", "bt-rig-beta says nothing"),
    (
        "v0.2/substring",
        "outage: bd show: resolving ID hq-deac: operation failed: failed to resolve ID: ambiguous ID \"hq-deac\" …",
    ),
    ("v0.2/several-same-db", "hq-deacon idle, hq-mayor idle"),
    ("v0.2/unknown-prefix", "zz-foo-witness is missing"),
    ("v0.2/witness-routed", "al-alpha-witness idle"),
    ("v0.2/env-daemon", "hq-deacon idle, al-alpha-witness idle"),
    ("v1.0/rig-docked", "bt-rig-beta says nothing"),
    ("v1.0/rig-docked-from-town-root", "bt-rig-beta is missing"),
    ("v1.0/rig-undocked", "bt-rig-beta says nothing"),
    ("v1.0/substring-crew", "al-alpha-crew-maxi is missing"),
    ("v1.0/substring-crew-in-rig", "al-alpha-crew-maxi is missing"),
    ("v1.0/several-same-db", "hq-mayor idle, hq-deacon idle"),
    ("v1.0/witness-routed", "al-alpha-witness idle"),
    ("v1.0/witness-in-rig", "al-alpha-witness is missing"),
];

#[test]
fn every_recorded_bd_show_teaches_what_it_says() {
    teach(LEARNT);
}

#[track_caller]
fn teach(table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (file, wanted) in table {
        let (folder, name) = file.split_once('/').expect("a folder");
        let name = match name.strip_prefix("v0.47-") {
            Some(name) => format!("{folder}/v0.47-bd-show-{name}.json"),
            None => format!("{folder}/bd-show-{name}.json"),
        };
        let learnt = learnt(&name);
        let as_wanted = match wanted.strip_suffix('…') {
            Some(begin) => learnt.starts_with(begin),
            None => learnt == *wanted,
        };
        if !as_wanted {
            wrong.push(format!("    (\"{file}\", {learnt:?}),"));
        }
    }
    assert!(wrong.is_empty(), "these teach something else:\n{}", wrong.join("\n"));
}

#[test]
fn an_outage_is_shown_with_the_error_and_not_with_the_hint_after_it() {
    teach(&[
        ("seed/no-db", "outage: bd show: Error: no beads database found"),
        ("v1.0/outside-town", "outage: bd show: Error: no beads database found"),
        ("seed/substring-ambiguous", "outage: bd show: Error fetching gt-crew-gamma: ambiguous ID \"gt-crew-gamma\" …"),
        ("v0.2/substring-no-daemon", "outage: bd show: Error fetching hq-deac: ambiguous ID \"hq-deac\" …"),
    ]);
}

#[test]
fn an_answer_about_another_bead_is_no_outage() {
    teach(&[("v1.0/substring", "hq-deac unknown")]);
}

#[test]
fn no_recorded_bd_show_is_left_out() {
    let listed: BTreeSet<&str> = LEARNT.iter().map(|(file, _)| *file).collect();
    let mut found = BTreeSet::new();
    for folder in ["seed", "v0.2", "v1.0"] {
        for entry in fs::read_dir(data(folder)).expect(folder) {
            let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            let Some((before @ ("" | "v0.47-"), rest)) = name.split_once("bd-show-") else { continue };
            found.insert(format!("{folder}/{before}{}", rest.trim_end_matches(".json")));
        }
    }
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed);
}

#[test]
fn each_gt_says_which_generation_it_is_and_is_remembered() {
    for generation in Generation::ALL {
        for (file, args) in [("gt-version-flag.json", "--version"), ("gt-version.json", "version")] {
            let call = Call::read(&format!("{generation}/{file}"));
            assert_eq!(call.args, [args]);
            let gt = call.dir.path().join("stdout");
            let again = |_: &Path| call.again();
            let attention = &mut Attention::nobody();
            let at = (Ask::IfNeeded, Wall::from_seconds(1_800_000_000));
            let found = gastown::generation(&Config::default(), None, Some(&gt), at, again, attention);
            let found = found.expect("nobody stops it");
            assert_eq!(found.generation, Ok(generation), "{file}");
            assert_eq!(call.asked(), "--version");
            let answer = found.answer.expect("to be remembered");
            assert_eq!((answer.generation, answer.program.as_str()), (Some(generation), gt.to_str().expect("text")));
            let said = text(&format!("{generation}/{file}"));
            let version = answer.said.strip_prefix("gt --version says ").expect("what it said");
            assert!(said.contains(&format!("gt version {version}")), "{said}");

            // The same file is not asked again; where it is gone, the answer stands.
            let never = |_: &Path| -> Command { panic!("it was asked again") };
            let ask = |known: &KnownGastown, gt| {
                let attention = &mut Attention::nobody();
                gastown::generation(&Config::default(), Some(known), gt, at, never, attention)
            };
            for gt in [Some(gt.as_path()), None] {
                assert_eq!(ask(&answer, gt).expect("nobody stops it").generation, Ok(generation));
            }
        }
    }
}

#[test]
fn the_version_of_bd_is_no_version_of_gt() {
    assert_eq!(Generation::of_gt_version("bd version 0.40.0 (dev)\n"), None);
}

#[test]
fn rigs_are_read_as_each_gt_writes_them() {
    for (file, wanted) in [
        ("seed/fresh-mayor_rigs.json", ""),
        ("seed/mayor_rigs.json", "alpha(gt) beta(be) gamma(gt)"),
        ("v0.2/mayor_rigs.json", "alpha(al) beta(bt)"),
        ("v1.0/mayor_rigs.json", "alpha(al) beta(bt)"),
    ] {
        let rigs = Rigs::parse(text(file).as_bytes()).expect(file);
        let served: Vec<String> = rigs.served.iter().map(|rig| format!("{}({})", rig.name, rig.prefix)).collect();
        assert_eq!((served.join(" ").as_str(), rigs.refused.len()), (wanted, 0), "{file}");
    }
}

/// A town with some recorded files in it.
fn town(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (file, place) in files {
        let place = dir.path().join(place);
        fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        fs::write(place, text(file)).expect("written");
    }
    dir
}

#[test]
fn activity_is_read_as_gt_and_bd_write_it() {
    for (file, wanted) in [
        ("fresh-daemon_activity", "2026-11-23T09:33:37.684891419Z"),
        ("activity-after-gt-version", "2026-11-23T11:05:46.59031818Z"),
        ("activity-after-gt-mail-inbox", "2026-11-23T11:05:46.603363426Z"),
        ("activity-after-bd-show-in-rig", "2026-11-23T11:21:01Z"),
        ("activity-after-bd-show-with-GT_ROOT", "2026-11-23T11:21:01Z"),
    ] {
        let town = town(&[(&format!("seed/{file}.json"), "daemon/activity.json")]);
        let read = town_files::read_activity(town.path()).map(|at| at.rfc3339(0));
        assert_eq!(read.as_deref(), Some(wanted), "{file}");
    }
}

#[test]
fn the_state_of_each_gas_towns_own_daemon_is_read_and_its_count_goes_on() {
    for (file, running, pid, beats) in [
        ("seed/daemon_state-running", true, 3336, 1),
        ("seed/daemon_state-stopped", false, 19598, 1),
        ("v0.2/daemon_state-starting", true, 12879, 0),
        ("v0.2/daemon_state-running", true, 12879, 3),
        ("v0.2/daemon_state-stopped", false, 12879, 3),
        ("v1.0/daemon_state-starting", true, 10630, 0),
        ("v1.0/daemon_state-running", true, 10630, 2),
        ("v1.0/daemon_state-stopped", false, 10630, 2),
    ] {
        let file = format!("{file}.json");
        let town = town(&[(&file, "state.json")]);
        let state = state::read(town.path()).expect(&file).expect("a state");
        assert_eq!((state.running, state.pid, state.heartbeat_count), (running, pid, beats), "{file}");
        assert!(state.gtd.is_none());
        let recorded = json(&file);
        let stamps = (recorded["started_at"].as_str(), recorded["last_heartbeat"].as_str());
        assert_eq!((Some(state.started_at.as_str()), Some(state.last_heartbeat.as_str())), stamps, "{file}");
        let history = state::peek(town.path()).expect("a history");
        assert_eq!((history.heartbeats, history.last_heartbeat), (beats, None), "{file}");
    }
}

#[test]
fn a_town_is_known_by_its_town_json() {
    for file in ["seed/fresh-mayor_town.json", "v0.2/mayor_town.json", "v1.0/mayor_town.json"] {
        let town = town(&[(file, "mayor/town.json")]);
        assert_eq!(town_files::check(town.path()), Ok(town.path().to_owned()), "{file}");
        assert!(town_files::check(&town.path().join("mayor")).is_err());
    }
}

#[test]
fn the_daemon_json_that_gt_writes_is_understood_without_a_warning() {
    let town = town(&[("v1.0/mayor_daemon.json", "mayor/daemon.json")]);
    let (config, warnings) =
        Config::of(town_files::read_config(town.path()).expect("a file")).expect("a configuration");
    assert_eq!(warnings, [""; 0]);
    assert_eq!((config.heartbeat_enabled, config.heartbeat_interval), (true, Some(Duration::from_secs(180))));
    for role in [Role::Deacon, Role::Witness, Role::Refinery] {
        assert!(config.patrols(role), "{role:?}");
    }
    assert!(config.patrols_rig(Role::Witness, "alpha") && !config.patrols_rig(Role::Witness, "gamma"));
}

#[test]
fn an_estop_is_read_as_gt_writes_it() {
    let town = town(&[("v1.0/ESTOP", "ESTOP"), ("v1.0/ESTOP.alpha", "ESTOP.alpha")]);
    let rigs = Rigs::parse(text("v1.0/mayor_rigs.json").as_bytes()).expect("rigs").served;
    let holds = holds::read(town.path(), None, &rigs, &[], &SavedHolds::default(), &mut Vec::new());
    assert_eq!(holds.estop.as_deref(), Some("closing laptop"));
    assert_eq!(holds.stopped_rigs.iter().map(Name::as_str).collect::<Vec<_>>(), ["alpha"]);
}

/// An agent of the town that was recorded.
fn agent(generation: Generation, id: &str) -> Agent {
    let folder = generation.word();
    let rigs = Rigs::parse(text(&format!("{folder}/mayor_rigs.json")).as_bytes()).expect("rigs").served;
    let id: AgentId = id.parse().expect(id);
    let rig: Option<&Rig> = rigs.iter().find(|rig| Some(&rig.name) == id.rig());
    generation.table().agent(Path::new("@TOWN@"), id, rig)
}

#[test]
fn agents_beads_have_the_names_under_which_bd_showed_them() {
    for (file, generation, agents) in [
        ("seed/bd-show-several.json", Generation::Seed, "deacon mayor gamma/witness gamma/refinery"),
        ("seed/bd-show-agent-stuck.json", Generation::Seed, "gamma/crew/sstuck"),
        ("v0.2/bd-show-several.json", Generation::V02, "deacon mayor alpha/witness beta/witness alpha/refinery"),
        ("v0.2/bd-show-crew-missing.json", Generation::V02, "alpha/crew/maxine"),
        ("v1.0/bd-show-several.json", Generation::V10, "deacon mayor alpha/witness beta/witness alpha/refinery"),
        ("v1.0/bd-show-crew.json", Generation::V10, "alpha/crew/max"),
    ] {
        let call = json(file);
        let shown = beads::parse_show(call["stdout"].as_str().expect("stdout")).expect(file);
        let ours: BTreeSet<String> = agents.split(' ').map(|id| agent(generation, id).bead).collect();
        assert_eq!(shown.keys().cloned().collect::<BTreeSet<_>>(), ours, "{file}");
    }
}

#[test]
fn agents_have_the_sessions_and_directories_that_tmux_showed() {
    for generation in [Generation::V02, Generation::V10] {
        let call = json(&format!("{generation}/tmux-list-panes.json"));
        // A start command may have line ends in it.
        let lines = call["stdout"].as_str().expect("stdout").lines().map(|line| line.split('|').collect::<Vec<_>>());
        let shown: BTreeMap<String, PathBuf> = lines
            .filter(|fields| fields.get(1).is_some_and(|id| id.starts_with('$')))
            .map(|fields| (fields[0].to_owned(), PathBuf::from(fields[10])))
            .collect();
        let ids = ["deacon", "mayor", "alpha/witness", "alpha/refinery", "alpha/crew/maxine"];
        let ours = ids.map(|id| agent(generation, id)).map(|agent| (agent.session, agent.dir));
        assert_eq!(shown, BTreeMap::from(ours), "{generation}");
    }
}
