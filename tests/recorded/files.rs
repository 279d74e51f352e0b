//! Which Gas Town it is, and the files that it leaves for a daemon to read.

use super::{Call, json, stdout, text, town};
use gtd::service::state;
use gtd::sys::attention::Attention;
use gtd::sys::command::Command;
use gtd::town::agent::Role;
use gtd::town::answers::KnownGastown;
use gtd::town::config::Config;
use gtd::town::json_edit::{requesting_keys, without_requesting};
use gtd::town::names::Generation;
use gtd::town::rigs::Rigs;
use gtd::town::time::Wall;
use gtd::world::gastown::{self, Ask};
use gtd::world::{signs, town_files};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

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
fn agents_that_ask_for_nothing_have_nothing_taken_out_of_their_state() {
    for file in [
        "seed/alpha_refinery_state.json",
        "seed/alpha_witness_state.json",
        "seed/fresh-mayor_state.json",
        "v0.2/alpha_crew_maxine_state.json",
    ] {
        let state = text(file);
        assert_eq!(requesting_keys(&state), Some(Vec::new()), "{file}");
        assert_eq!(without_requesting(&state), None, "{file}");
        // One that asks is given back as it was before it asked.
        let asking = state.replacen('{', "{\n  \"requesting_cycle\": true,", 1);
        assert_eq!(requesting_keys(&asking), Some(vec![("requesting_cycle".to_owned(), true)]), "{file}");
        assert_eq!(without_requesting(&asking), Some(state), "{file}");
    }
}

#[test]
fn the_files_of_each_generation_fit_it() {
    let seed = town(&[("seed/fresh-mayor_town.json", "mayor/town.json"), ("seed/mayor_rigs.json", "mayor/rigs.json")]);
    assert_eq!(signs::of_files(seed.path()), []);
    for (generation, decides) in [(Generation::V02, None), (Generation::V10, Some(Generation::V10))] {
        let file = |name: &str| format!("{generation}/{name}");
        let mut files = vec![
            (file("mayor_town.json"), "mayor/town.json"),
            (file("mayor_rigs.json"), "mayor/rigs.json"),
            (file("settings_escalation.json"), "settings/escalation.json"),
            (file("beads-wisp-config-alpha-unparked.json"), ".beads-wisp/config/alpha.json"),
        ];
        if generation == Generation::V10 {
            files.push((file("dolt-state.json"), "daemon/dolt-state.json"));
        }
        let files: Vec<(&str, &str)> = files.iter().map(|(file, place)| (file.as_str(), *place)).collect();
        let town = town(&files);
        let signs = signs::of_files(town.path());
        assert!(
            signs.len() >= 3 && signs.iter().all(|sign| sign.fits.contains(&generation)),
            "{generation}: {signs:?}"
        );
        let weighed = signs::weigh(&signs).expect("no contradiction");
        assert_eq!(weighed.map(|(generation, _)| generation), decides, "{generation}");
        // Whoever makes them makes them there.
        let listing = stdout(&format!("{generation}/town-files-running.json"));
        for place in ["settings/escalation.json", ".beads-wisp/config/alpha.json", "mayor/rigs.json"] {
            assert!(listing.lines().any(|line| line == format!("./{place}")), "{generation}: {place}");
        }
    }
}

#[test]
fn gt_of_0_2_says_of_a_patrol_what_the_note_beside_its_session_says() {
    for (status, note) in [
        ("v0.2/gt-witness-status.json", "v0.2/alpha_runtime_witness.json"),
        ("v0.2/gt-refinery-status.json", "v0.2/alpha_runtime_refinery.json"),
    ] {
        let (shown, note): (Value, Value) = (serde_json::from_str(&stdout(status)).expect("JSON"), json(note));
        let names = |of: &Value| of.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!((names(&shown), &shown["state"]), (names(&note), &note["state"]), "{status}");
    }
    let stopped: Value = serde_json::from_str(&stdout("v0.2/gt-witness-status-stopped.json")).expect("JSON");
    assert_eq!((&stopped["state"], stopped.get("started_at")), (&Value::from("stopped"), None));
}
