//! One `bd show` a heartbeat for all agents of the seed, whatever their rigs' prefixes; and the id that makes a whole call fail.

use crate::support::{Town, fakes, wait_until};
use gtd::sys::attention::Attention;
use gtd::sys::command::Command;
use gtd::town::answers::LeftOut;
use gtd::town::snapshot::{Report, Reports};
use gtd::town::sorted::SortedMap;
use gtd::town::time::Wall;
use gtd::world::beads;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A `bd` with its own daemon running: it knows the ids in `bd.known`, and fails for all where it does not know one, in the
/// words of the real one (`bd-show-one-missing-in-rig`); past that daemon it does not (`bd-show-one-missing-in-rig-no-daemon`).
const BD: &str = r#"#!/bin/sh
dir='@DIR@'
printf '%s %s\n' "$$" "$*" >>"$dir/bd.calls"
list=
for id; do
    case $id in show|--json|--no-daemon) continue ;; esac
    state=$(sed -n "s/^$id //p" "$dir/bd.known")
    if [ -z "$state" ] && [ "$1" = --no-daemon ]; then
        printf 'Error fetching %s: no issue found matching "%s"\n' "$id" "$id" >&2
        continue
    fi
    if [ -z "$state" ]; then
        printf '{"error":"resolving ID %s: operation failed: failed to resolve ID: no issue found matching \\"%s\\""}\n' "$id" "$id"
        exit 1
    fi
    list="{\"id\":\"$id\",\"description\":\"agent_state: $state\"}${list:+,$list}"
done
printf '[%s]\n' "$list"
"#;

fn install(bin: &Path, notes: &Path, known: &str) {
    let bd = bin.join("bd");
    fakes::program(&bd, &BD.replace("@DIR@", notes.to_str().expect("a path")));
    fakes::replace(&notes.join("bd.known"), known);
}

#[test]
fn what_makes_a_whole_call_fail_is_left_out_for_a_day() {
    let dir = tempfile::tempdir().expect("a directory");
    install(dir.path(), dir.path(), "a running\nc stuck\n");
    let ids = ["a", "b", "c", "d"];
    let begin = Wall::from_seconds(1_800_000_000);
    let hours = |n: u64| begin.plus(Duration::from_secs(n * 3600));
    let mut left_out: SortedMap<String, LeftOut> = SortedMap::new();
    let mut calls = 0;
    let mut ask = |now: Wall| {
        let bd = Command::new(dir.path().join("bd"), Duration::from_secs(20));
        let answer =
            beads::ask_again(&bd, &ids, &mut left_out, now, &mut Attention::nobody()).expect("nobody stops it");
        let text = fs::read_to_string(dir.path().join("bd.calls")).expect("calls");
        let asked: Vec<String> =
            text.lines().skip(calls).filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect();
        calls += asked.len();
        (answer.reports, asked)
    };
    let known = |a: &str, c: &str| {
        let says = |word: &str| Report::Says(word.to_owned());
        let pairs = [("a", says(a)), ("b", Report::Missing), ("c", says(c)), ("d", Report::Missing)];
        Reports::Asked(pairs.map(|(id, report)| (id.to_owned(), report)).into())
    };
    // Two of them spoil it, of which only the first is named: one call more, and all that there is to know is known.
    let calls = |calls: &[&str]| calls.iter().map(|call| (*call).to_owned()).collect::<Vec<_>>();
    let both = |calls: Vec<String>| (known("running", "stuck"), calls);
    assert_eq!(ask(begin), both(calls(&["show a b c d --json", "--no-daemon show a c d --json"])));
    assert_eq!(ask(hours(1)), both(calls(&["show a c d --json", "--no-daemon show a c --json"])));
    assert_eq!(ask(hours(2)), both(calls(&["show a c --json"])));
    assert_eq!(ask(hours(23)).1, ["show a c --json"]);
    // A day later they are asked for again; one of them has come to be.
    fakes::replace(&dir.path().join("bd.known"), "a idle\nb idle\nc idle\n");
    let (reports, asked) = ask(hours(25));
    assert_eq!(asked, ["show a b c d --json", "--no-daemon show a b c --json"]);
    let Reports::Asked(reports) = reports else { panic!("{reports:?}") };
    assert_eq!((reports.get("b"), reports.get("d")), (Some(&Report::Says("idle".to_owned())), Some(&Report::Missing)));
    // The clock was set back: what lies in the future is forgotten.
    assert_eq!(ask(begin).1[0], "show a b c d --json");
}

#[test]
fn an_id_that_could_be_several_is_left_out_too_and_is_not_taken_for_missing() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/v0.2/bd-show-substring.json");
    let call: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).expect("recorded")).expect("JSON");
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("said"), call["stdout"].as_str().expect("stdout")).expect("written");
    let script = "case \"$*\" in *hq-deac\\ *) cat said; exit 1 ;; esac; echo '[{\"id\":\"hq-mayor\"}]'";
    let bd = Command::new("/bin/sh", Duration::from_secs(20)).dir(dir.path()).args(&["-c", script, "bd"]);
    let mut left_out = SortedMap::new();
    let now = Wall::from_seconds(1_800_000_000);
    let ids = ["hq-deac", "hq-mayor"];
    let answer = beads::ask_again(&bd, &ids, &mut left_out, now, &mut Attention::nobody()).expect("nobody stops it");
    let Reports::Asked(reports) = answer.reports else { panic!("{:?}", answer.reports) };
    assert_eq!(reports.get("hq-deac"), Some(&Report::Unknown));
    assert_eq!(reports.get("hq-mayor"), Some(&Report::Says(String::new())));
}

#[test]
fn one_call_a_heartbeat_asks_for_the_agents_of_all_rigs_and_remembers_who_spoils_it() {
    let town = Town::new(&["alpha", "beta=be", "gamma=ga"]);
    install(&town.bin, &town.notes, "gt-deacon stuck\ngt-mayor idle\ngt-witness-alpha idle\ngt-witness-gamma idle\n");
    let gtd = town.up();
    // Beta's Witness and three Refineries have no bead: the others' reports are known at once, and each heartbeat finds one more
    // that is not to be asked for.
    town.wait_for_log("No poke for Deacon: reports stuck, but its program lives (rule 8)");
    wait_until("all are found", || {
        town.calls("bd")
            .last()
            .is_some_and(|call| call == "show gt-deacon gt-witness-alpha gt-witness-gamma gt-mayor --json")
    });
    gtd.stop();
    let before = town.calls("bd").len();
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    gtd.stop();
    let calls = town.calls("bd").split_off(before);
    let wanted = "show gt-deacon gt-witness-alpha gt-witness-gamma gt-mayor --json";
    assert!(calls.len() >= 2 && calls.iter().all(|call| call == wanted), "over a restart too: {calls:?}");
}
