//! What agents' beads say, by `bd show`; and under which names `bd list` has them.

use super::{Call, agent, data, generation_of, json, stdout};
use gtd::sys::attention::Attention;
use gtd::sys::command::Command;
use gtd::town::names::Generation;
use gtd::town::snapshot::{Report, Reports};
use gtd::town::sorted::SortedMap;
use gtd::town::time::Wall;
use gtd::world::beads;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

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
            let line = |id: &str| match reports.get(id).expect(id) {
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
pub const LEARNT: &[(&str, &str)] = &[
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
    ("v0.2/agent-state-awaiting-gate", "al-alpha-witness working"),
    ("v0.2/agent-state-idle", "al-alpha-witness idle"),
    ("v0.2/agent-state-working", "al-alpha-witness working"),
    ("v0.2/deacon-label", "hq-deacon stuck"),
    ("v0.2/deacon-stuck", "hq-deacon stuck"),
    ("v0.2/mail-deleted", "hq-6ra says nothing"),
    ("v0.2/mayor", "hq-mayor idle"),
    ("v1.0/agents-running", "hq-deacon idle, al-alpha-witness idle, al-alpha-refinery idle"),
    ("v1.0/deacon-label", "hq-deacon idle"),
    ("v1.0/mail-deleted", "hq-pvr says nothing"),
    ("v1.0/mayor", "hq-mayor idle"),
    ("v1.0/rig-parked-from-town-root", "al-rig-alpha is missing"),
    ("v1.0/rig-undocked-from-town-root", "bt-rig-beta is missing"),
    ("v1.0/witness-in-mayor-rig", "outage: bd show: …"),
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
fn bd_lists_agents_under_the_names_by_which_gtd_asks_for_them() {
    for (file, agents) in [
        (
            "seed/bd-list-agents-rig.json",
            "deacon mayor gamma/witness gamma/refinery gamma/crew/max gamma/polecat/nux gamma/crew/sdone gamma/crew/sspawning gamma/crew/sdead gamma/crew/sstopped gamma/crew/sstuck gamma/crew/sworking gamma/crew/srunning",
        ),
        ("seed/bd-list-agents-town.json", ""),
        ("seed/bd-list-ids-none.json", ""),
        ("seed/bd-list-ids-none-no-daemon.json", ""),
        ("seed/bd-list-ids-rig.json", "deacon mayor"),
        ("seed/bd-list-ids-town.json", ""),
        ("v0.2/bd-list-id.json", "deacon mayor"),
        ("v0.2/bd-list-label-agent.json", "deacon mayor"),
        ("v0.2/bd-list-label-agent-limit0.json", "deacon mayor"),
        ("v0.2/bd-list-none.json", ""),
        ("v0.2/bd-list-type-agent.json", "deacon mayor"),
        ("v0.2/bd-list-type-agent-in-rig.json", "alpha/witness alpha/refinery alpha/crew/maxine"),
        ("v1.0/bd-list-id.json", "deacon mayor alpha/witness"),
        (
            "v1.0/bd-list-label-agent.json",
            "deacon mayor alpha/witness alpha/refinery alpha/crew/max alpha/crew/maxine beta/witness beta/refinery",
        ),
        (
            "v1.0/bd-list-label-agent-limit0.json",
            "deacon mayor alpha/witness alpha/refinery alpha/crew/max alpha/crew/maxine beta/witness beta/refinery",
        ),
        ("v1.0/bd-list-label-agent-in-rig.json", ""),
        ("v1.0/bd-list-none.json", ""),
        ("v1.0/bd-list-type-agent.json", ""),
    ] {
        let listed = beads::parse_show(&stdout(file)).expect(file);
        let ids = agents.split_whitespace();
        let ours: BTreeSet<String> = ids.map(|id| agent(generation_of(file), id).bead).collect();
        assert_eq!(listed.keys().cloned().collect::<BTreeSet<_>>(), ours, "{file}");
        assert!(listed.values().all(|state| !state.is_empty()), "{file}: each says how it is: {listed:?}");
    }
}

/// 213 agents in one database, of which bd shows the first fifty unless it is told otherwise.
#[test]
fn bd_lists_no_more_than_fifty_agents_so_that_it_is_asked_for_each_by_name() {
    let listed = beads::parse_show(&stdout("seed/v0.47-bd-list-agents-rig.json")).expect("a list");
    assert_eq!(listed.len(), 50);
}

#[test]
fn where_one_id_spoils_a_call_the_others_are_learnt_past_bds_own_daemon() {
    for (spoilt, past, ids) in [
        (
            "seed/bd-show-one-missing-in-rig.json",
            "seed/bd-show-one-missing-in-rig-no-daemon.json",
            ["gt-deacon", "gt-witness-nosuch", "gt-mayor"],
        ),
        (
            "v0.2/bd-show-one-missing-daemon.json",
            "v0.2/bd-show-one-missing-no-daemon.json",
            ["hq-deacon", "hq-nosuch", "hq-mayor"],
        ),
    ] {
        let (first, second) = (Call::read(spoilt), Call::read(past));
        assert_eq!((first.exit, second.exit), (1, 0));
        let script = format!(
            "[ \"$1\" = --no-daemon ] && cd {}; cat stdout; cat stderr >&2; [ \"$1\" = --no-daemon ]",
            second.dir.path().display()
        );
        let bd = Command::new("/bin/sh", Duration::from_secs(20)).dir(first.dir.path()).args(&["-c", &script, "bd"]);
        let (mut left_out, now) = (SortedMap::new(), Wall::from_seconds(1_800_000_000));
        let answer =
            beads::ask_again(&bd, &ids, &mut left_out, now, &mut Attention::nobody()).expect("nobody stops it");
        let idle = || Report::Says("idle".to_owned());
        let wanted = ids.into_iter().map(str::to_owned).zip([idle(), Report::Missing, idle()]);
        assert_eq!(answer.reports, Reports::Asked(wanted.collect()), "{spoilt}");
        assert_eq!(left_out.keys().collect::<Vec<_>>(), [ids[1]], "{spoilt}");
    }
}
