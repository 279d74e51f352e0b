//! What gtd notes beside a session for `gt`: in whose words, and what becomes of files that are `gt`'s as much as gtd's.

use crate::support::{Ran, Town, fakes, process, wait_until};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

/// One that hangs would cost every start its patience.
const HUNG_PS: &str = "#!/bin/sh\necho asked >>'@DIR@/ps.calls'\nexec sleep 1000\n";

#[test]
fn a_program_is_noted_with_its_start_as_ps_tells_it_and_no_ps_is_asked() {
    let mut town = Town::new(&["alpha=al", "beta=bt"]);
    town.configure(json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    town.set_env("TZ", "XYZ-5:30");
    fakes::program(&town.bin.join("ps"), &HUNG_PS.replace("@DIR@", town.notes.to_str().expect("a plain path")));
    let gtd = town.up();
    for (actor, session) in [("alpha-witness", "al-witness"), ("beta-witness", "bt-witness")] {
        let first = town.wait_for_agent(actor, None);
        let pid = town.pane(session, "#{pane_pid}").expect("a pane");
        let mut ps = town.command("/usr/bin/ps");
        ps.args(["-o", "lstart=", "-p", &pid]).env("LC_ALL", "C");
        let start = Ran::of(ps).exits(0).stdout;
        let file = format!(".runtime/pids/{session}.pid");
        assert_eq!(town.read(&file), format!("{pid}|{}\n", start.trim()));
        process::signal(first, libc::SIGKILL);
        town.wait_for_agent(actor, Some(first));
        wait_until("the new one is noted", || !town.read(&file).starts_with(&format!("{pid}|")));
    }
    gtd.stop();
    assert!(!town.notes.join("ps.calls").exists(), "the system tells by itself");
}

const WITNESS: &str = "alpha/.runtime/witness.json";

#[test]
fn a_note_of_0_2_that_is_torn_is_left_and_said_once() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v0.2"}}));
    let torn = "{\"rig_name\": \"alpha\", \"mine\": [1, 2";
    town.write(WITNESS, torn);
    let gtd = town.up();
    let first = town.wait_for_agent("alpha-witness", None);
    town.wait_for_log("it is no JSON object");
    process::signal(first, libc::SIGKILL);
    let second = town.wait_for_agent("alpha-witness", Some(first));
    town.wait_for_heartbeats(2);
    assert_eq!(town.read(WITNESS), torn);
    assert_eq!(town.logged("it is no JSON object"), 1, "{}", town.log());
    town.write(WITNESS, "{}");
    process::signal(second, libc::SIGKILL);
    town.wait_for_log("witness.json is kept again");
    gtd.stop();
    let state: Value = serde_json::from_str(&town.read(WITNESS)).expect("JSON");
    assert_eq!(state["state"], "running");
}

#[test]
fn a_note_of_0_2_keeps_its_permissions_and_what_else_stands_in_it() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v0.2"}}));
    let before =
        "{\n\t\"zeta\": {\"number\": 12345678901234567890123},\n\t\"state\": \"stopped\",\n\t\"alpha\": [ ]\n}\n";
    town.write(WITNESS, before);
    let file = town.root.join(WITNESS);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    wait_until("it is noted", || town.read(WITNESS).contains("running"));
    gtd.stop();
    let after = town.read(WITNESS);
    let (rest, started) = after.split_once(",\n\t\"started_at\": \"").expect(&after);
    assert_eq!(format!("{rest}\n}}\n"), before.replace("stopped", "running"));
    assert!(started.ends_with("\"\n}\n"), "{after}");
    assert_eq!(fs::metadata(&file).expect("metadata").mode() & 0o777, 0o600);
}

#[test]
fn what_a_killed_gtd_has_left_half_written_goes_wherever_it_writes() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default", "metrics_file": "counted/gtd.prom"}}));
    let places = [
        ".runtime/pids/al-witness.pid",
        ".runtime/nudge_poller/al-witness.pid",
        "alpha/.runtime/witness.json",
        "alpha/witness/state.json",
        "alpha/refinery/state.json",
        "alpha/crew/max/state.json",
        "mayor/state.json",
        "counted/gtd.prom",
        "daemon/state.json",
        "daemon/screens/deacon.txt",
        "spawn/pending.json",
    ];
    let old = SystemTime::now() - Duration::from_secs(3600);
    for place in places {
        for name in [format!("{place}.gtd-tmp-4194305-1"), format!("{place}.gtd-tmp-mine")] {
            town.write(&name, "{");
            File::options()
                .write(true)
                .open(town.root.join(name))
                .and_then(|file| file.set_modified(old))
                .expect("dated");
        }
    }
    let gtd = town.up();
    gtd.stop();
    for place in places {
        assert!(!town.root.join(format!("{place}.gtd-tmp-4194305-1")).exists(), "{place}");
        assert!(town.root.join(format!("{place}.gtd-tmp-mine")).exists(), "{place}: that is somebody else's");
    }
}
