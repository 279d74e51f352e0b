//! What a person tells `gt` to hold, and what gtd reads of it: the files that the command left, against what `gt` itself then
//! says.

use super::{generation_of, json, stdout, text, town};
use gtd::town::agent::Name;
use gtd::town::history::SavedHolds;
use gtd::town::names::{Generation, Table};
use gtd::town::rigs::{Rig, Rigs};
use gtd::town::snapshot::Holds;
use gtd::town::sorted::SortedSet;
use gtd::world::holds;
use serde_json::Value;
use std::path::Path;

fn rigs(generation: Generation) -> Vec<Rig> {
    Rigs::parse(text(&format!("{generation}/mayor_rigs.json")).as_bytes()).expect("rigs").served
}

fn read(generation: Generation, root: &Path) -> Holds {
    let mut troubles = Vec::new();
    let files = Some(generation.table().holds);
    let holds = holds::read(root, files, &rigs(generation), &[], &SavedHolds::default(), &mut troubles);
    assert_eq!(troubles, [], "{generation}");
    holds
}

/// What stands behind a word on the command line of a recorded call.
fn argument(file: &str, flag: &str) -> String {
    let words = json(file)["argv"].as_array().expect("arguments").clone();
    let at = words.iter().position(|word| word == flag).expect(flag);
    words[at + 1].as_str().expect("a word").to_owned()
}

#[test]
fn an_estop_is_read_as_gt_writes_it() {
    let town = town(&[("v1.0/ESTOP", "ESTOP"), ("v1.0/ESTOP.alpha", "ESTOP.alpha")]);
    let holds = read(Generation::V10, town.path());
    let reason = argument("v1.0/gt-estop.json", "-r");
    assert_eq!(holds.estop.as_deref(), Some(reason.as_str()));
    for file in ["v1.0/gt-estop.json", "v1.0/gt-estop-again.json", "v1.0/gt-status-text-estop.json"] {
        assert!(stdout(file).contains(&reason), "{file}");
    }
    let stopped: Vec<(&str, &str)> = holds.stopped_rigs.iter().map(|(rig, why)| (rig.as_str(), why.as_str())).collect();
    let argument = |flag| argument("v1.0/gt-estop-rig.json", flag);
    assert_eq!(stopped, [(argument("--rig").as_str(), argument("-r").as_str())]);
}

#[test]
fn a_parked_rig_is_the_one_that_gt_calls_parked() {
    for generation in [Generation::V02, Generation::V10] {
        let place = ".beads-wisp/config/alpha.json";
        let parked = town(&[
            (&format!("{generation}/beads-wisp-config-alpha-parked.json"), place),
            (&format!("{generation}/beads-wisp-config-beta-auto_restart.json"), ".beads-wisp/config/beta.json"),
        ]);
        let holds = read(generation, parked.path());
        let status = format!("{generation}/gt-rig-status-parked.json");
        assert!(stdout(&status).starts_with("alpha\n  Status: PARKED"), "{status}");
        let park = format!("{generation}/gt-rig-park.json");
        assert!(stdout(&park).contains("Daemon will not auto-restart"), "{park}");
        assert_eq!(names(&holds.parked), [argument(&park, "park")]);
        let set = format!("{generation}/gt-rig-config-set-auto-restart.json");
        assert_eq!(names(&holds.no_restart), [argument(&set, "set")]);
        assert_eq!(argument(&set, "auto_restart"), "false");
        let unparked = town(&[(&format!("{generation}/beads-wisp-config-alpha-unparked.json"), place)]);
        let unpark = format!("{generation}/gt-rig-unpark.json");
        assert!(stdout(&unpark).contains("Daemon can now auto-restart agents"), "{unpark}");
        assert_eq!(read(generation, unparked.path()).parked, SortedSet::new());
    }
}

fn names(rigs: &SortedSet<Name>) -> Vec<&str> {
    rigs.iter().map(Name::as_str).collect()
}

/// The rigs that `gt rig list --json` gives this status.
fn listed(file: &str, status: &str) -> Vec<String> {
    let rigs: Vec<Value> = serde_json::from_str(&stdout(file)).expect("JSON");
    let own = rigs.iter().filter(|rig| rig["status"] == status);
    own.map(|rig| rig["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_docked_rig_is_asked_for_by_the_name_of_its_bead() {
    assert_eq!(listed("v1.0/gt-rig-list-parked.json", "parked"), ["alpha"]);
    assert_eq!(listed("v1.0/gt-rig-list-docked.json", "docked"), ["beta"]);
    for (file, name) in [
        ("v0.2/bd-show-rig-docked.json", "beta"),
        ("v1.0/bd-show-rig-docked.json", "beta"),
        ("v1.0/bd-show-rig-parked-from-town-root.json", "alpha"),
    ] {
        let rigs = rigs(generation_of(file));
        let rig = rigs.iter().find(|rig| rig.name.as_str() == name).expect("a rig");
        assert_eq!(json(file)["argv"][2], Table::rig_bead(rig), "{file}");
    }
    for generation in [Generation::V02, Generation::V10] {
        let has = |state: &str| stdout(&format!("{generation}/bd-show-rig-{state}.json")).contains("\"status:docked\"");
        assert_eq!((has("docked"), has("undocked")), (true, false), "{generation}");
        for (file, promise) in [
            ("gt-rig-dock.json", "Label added: status:docked"),
            ("gt-rig-undock.json", "Daemon can now auto-restart agents"),
        ] {
            let file = format!("{generation}/{file}");
            assert!(stdout(&file).contains(promise), "{file}");
            assert_eq!(json(&file)["argv"][3], "beta", "{file}");
        }
    }
}

#[test]
fn a_paused_deacon_gives_the_reason_that_gt_was_given() {
    for generation in [Generation::V02, Generation::V10] {
        let town = town(&[(&format!("{generation}/runtime-deacon-paused.json"), ".runtime/deacon/paused.json")]);
        let reason = argument(&format!("{generation}/gt-deacon-pause.json"), "--reason");
        let own = read(generation, town.path()).paused;
        assert_eq!(own.as_deref(), Some(reason.as_str()), "{generation}");
        let sayings = match generation {
            Generation::V02 => &[
                "v0.2/gt-deacon-status-paused.json",
                "v0.2/gt-deacon-pause-again.json",
                "v0.2/gt-deacon-heartbeat-paused.json",
            ][..],
            _ => &["v1.0/gt-deacon-status-paused.json"][..],
        };
        for file in sayings {
            let said = stdout(file);
            let said = said.lines().find_map(|line| line.trim().strip_prefix("Reason: "));
            assert_eq!(own.as_deref(), said, "{file}");
        }
    }
    let status: Value = serde_json::from_str(&stdout("v1.0/gt-deacon-status-json-paused.json")).expect("JSON");
    assert_eq!(status["paused"], true);
}
