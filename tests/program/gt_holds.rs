//! What people tell `gt` keeps gtd from agents: the files that the real `gt` wrote, and the beads that the real `bd` showed.

use crate::support::{Checked, Mode, Ran, Town, fakes, process, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// A town of the given generation on the user's tmux server, whatever the generation.
fn town(generation: &str, rigs: &[&str]) -> Town {
    let mut town = Town::new(rigs);
    let socket = town.sockets.join("own");
    town.configure(json!({"gtd": {"gastown": generation, "tmux_socket": socket}}));
    town
}

fn recorded(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[track_caller]
fn held(town: &Town, agent: &str, why: &str) {
    wait_until(&format!("{agent} is held: {why}"), || {
        let state = town.state();
        let agents = state["gtd"]["agents"].as_array().cloned().unwrap_or_default();
        let is_it = |entry: &&Value| entry["agent"] == agent && entry["state"] == "held";
        agents.iter().find(is_it).is_some_and(|entry| entry["reason"].as_str().unwrap_or_default().contains(why))
    });
}

#[test]
fn a_parked_rig_is_left_alone_until_it_is_unparked_and_a_torn_file_changes_nothing() {
    for generation in ["v0.2", "v1.0"] {
        let town = town(generation, &["alpha=al", "beta=bt"]);
        let config = ".beads-wisp/config/alpha.json";
        town.write(config, &recorded(&format!("{generation}/beads-wisp-config-alpha-parked.json")));
        let gtd = town.up();
        town.wait_for_agent("beta-witness", None);
        held(&town, "alpha/witness", "its rig is parked");
        assert_eq!(town.logged("Holding the agents of alpha: its rig is parked"), 1);
        town.write(config, "{\"rig\": \"alpha\", \"val");
        town.wait_for_log(".beads-wisp/config/alpha.json is not JSON");
        town.wait_for_heartbeats(2);
        assert_eq!(town.pids("alpha-witness"), [0; 0], "{generation}: still parked");
        assert_eq!(town.logged("is not JSON"), 1, "said once");
        // What somebody asks for waits too.
        town.run(&["--request", "start", "alpha/witness"]).exits(0);
        town.wait_for_log("start of witness for alpha waits: its rig is parked");
        town.write(config, &recorded(&format!("{generation}/beads-wisp-config-alpha-unparked.json")));
        town.wait_for_agent("alpha-witness", None);
        town.wait_for_log("No longer holding the agents of alpha (parked)");
        gtd.stop();
    }
}

#[test]
fn parked_is_remembered_over_a_restart_of_gtd_where_the_file_is_torn() {
    let town = town("v0.2", &["alpha=al"]);
    let config = ".beads-wisp/config/alpha.json";
    town.write(config, &recorded("v0.2/beads-wisp-config-alpha-parked.json"));
    town.up().stop();
    town.write(config, "{");
    town.up().stop();
    town.wait_for_word("alpha/witness", "held");
}

#[test]
fn where_auto_restart_is_off_only_people_start_agents() {
    let town = town("v1.0", &["beta=bt"]);
    let config = ".beads-wisp/config/beta.json";
    let gtd = town.up();
    let first = town.wait_for_agent("beta-witness", None);
    town.write(config, &recorded("v1.0/beads-wisp-config-beta-auto_restart.json"));
    wait_until("who lives is poked", || !town.heard("beta-witness", Some(first)).is_empty());
    process::signal(first, libc::SIGKILL);
    held(&town, "beta/witness", "auto_restart is off for its rig");
    town.run(&["--request", "start", "beta/witness"]).exits(0);
    let second = town.wait_for_agent("beta-witness", Some(first));
    town.remove(config);
    process::signal(second, libc::SIGKILL);
    town.wait_for_agent("beta-witness", Some(second));
    gtd.stop();
}

#[test]
fn the_seed_knows_no_such_files() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"gastown": "seed"}}));
    town.write(".beads-wisp/config/alpha.json", &recorded("v0.2/beads-wisp-config-alpha-parked.json"));
    town.write(".runtime/deacon/paused.json", &recorded("v0.2/runtime-deacon-paused.json"));
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    town.wait_for_agent("deacon", None);
    gtd.stop();
}

#[test]
fn a_paused_deacon_is_left_alone_until_it_is_resumed() {
    let town = town("v1.0", &["alpha=al"]);
    let paused = ".runtime/deacon/paused.json";
    town.write(paused, &recorded("v1.0/runtime-deacon-paused.json"));
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    held(&town, "deacon", "the Deacon is paused: maintenance");
    town.remove(paused);
    town.wait_for_agent("deacon", None);
    gtd.stop();
}

#[test]
fn a_gt_down_holds_everybody_while_it_lives_and_a_stranger_with_its_pid_does_not() {
    let town = town("v1.0", &[]);
    let gt = town.notes.join("real-gt/gt");
    fs::create_dir_all(gt.parent().expect("a parent")).expect("made");
    fakes::program(&gt, "#!/bin/sh\nwhile :; do sleep 0.05; done\n");
    let mut command = town.command(&gt);
    command.arg("down");
    let down = crate::support::Gtd::start(command);
    town.write("daemon/shutting-down", &down.pid().to_string());
    wait_until("it is that gt", || process::command_line(down.pid()).contains("real-gt/gt"));
    let gtd = town.up();
    held(&town, "deacon", &format!("daemon/shutting-down names PID {}", down.pid()));
    // A process of this PID that is no gt means nothing.
    town.write("daemon/shutting-down", &gtd.pid().to_string());
    let first = town.wait_for_agent("deacon", None);
    town.write("daemon/shutting-down", &down.pid().to_string());
    held(&town, "deacon", "daemon/shutting-down");
    town.run(&["--request", "shutdown", "deacon"]).exits(0);
    town.wait_for_log("shutdown of Deacon waits: the town is being shut down");
    assert!(process::is_alive(first), "nothing is ended meanwhile");
    down.kill();
    wait_until("then it is carried out", || !process::is_alive(first));
    gtd.stop();
}

/// A `bd` that says where it was asked and what, and answers for one rig's bead as the real one did.
const BD: &str = r#"#!/bin/sh
dir='@DIR@'
printf '%s %s: %s\n' "$$" "${PWD##*/}" "$*" >>"$dir/bd.calls"
case $(cat "$dir/bd.dock") in
    docked) file=docked status=0 ;;
    undocked) file=undocked status=0 ;;
    none) echo '{"error": "no issues found matching the provided IDs"}'; echo "Error fetching $2: no issue found matching \"$2\"" >&2; exit 1 ;;
    out) echo 'Error: failed to connect to dolt' >&2; exit 1 ;;
    out-for-alpha) case $2 in al-*) echo 'Error: no such database' >&2; exit 1 ;; *) file=undocked status=0 ;; esac ;;
esac
cat "$dir/bd.$file"
exit $status
"#;

fn install_bd(town: &Town) {
    let bd = town.bin.join("bd");
    fakes::program(&bd, &BD.replace("@DIR@", town.notes.to_str().expect("a path")));
    for state in ["docked", "undocked"] {
        let call: Value = serde_json::from_str(&recorded(&format!("v1.0/bd-show-rig-{state}.json"))).expect("a call");
        fs::write(town.notes.join(format!("bd.{state}")), call["stdout"].as_str().expect("stdout")).expect("written");
    }
}

fn set_dock(town: &Town, state: &str) {
    fakes::replace(&town.notes.join("bd.dock"), state);
}

#[test]
fn a_docked_rig_is_asked_for_once_and_again_when_somebody_wakes_gtd() {
    for (generation, from) in [("v1.0", "beta"), ("v0.2", "t")] {
        let town = town(generation, &["beta=bt"]);
        install_bd(&town);
        set_dock(&town, "docked");
        let gtd = town.up();
        held(&town, "beta/witness", "its rig is docked (status:docked on bt-rig-beta)");
        town.wait_for_heartbeats(2);
        assert_eq!(town.calls("bd"), [format!("{from}: show bt-rig-beta --json")], "{generation}: once an hour");
        set_dock(&town, "undocked");
        town.run(&["--wake"]).exits(0);
        let first = town.wait_for_agent("beta-witness", None);
        // Docked while it lives: known when it is missed.
        set_dock(&town, "docked");
        town.wait_for_heartbeats(2);
        process::signal(first, libc::SIGKILL);
        held(&town, "beta/witness", "its rig is docked");
        gtd.stop();
        assert_eq!(town.pids("beta-witness"), [first], "{generation}");
    }
}

#[test]
fn a_rig_without_a_bead_of_its_own_is_not_docked() {
    let town = town("v1.0", &["beta=bt"]);
    install_bd(&town);
    set_dock(&town, "none");
    let gtd = town.up();
    town.wait_for_agent("beta-witness", None);
    gtd.stop();
}

#[test]
fn a_bd_that_is_out_holds_who_was_never_started_and_delays_no_restart() {
    let town = town("v1.0", &["beta=bt"]);
    install_bd(&town);
    set_dock(&town, "out");
    let gtd = town.up();
    held(
        &town,
        "beta/witness",
        "whether its rig is docked is not known: bd show bt-rig-beta: Error: failed to connect",
    );
    town.wait_for_agent("deacon", None);
    set_dock(&town, "undocked");
    let first = town.wait_for_agent("beta-witness", None);
    town.wait_for_heartbeats(1);
    set_dock(&town, "out");
    process::signal(first, libc::SIGKILL);
    town.wait_for_agent("beta-witness", Some(first));
    gtd.stop();
}

#[test]
fn a_rig_whose_database_is_out_keeps_down_no_other() {
    let town = town("v1.0", &["alpha=al", "beta=bt"]);
    install_bd(&town);
    set_dock(&town, "out-for-alpha");
    let gtd = town.up();
    town.wait_for_agent("beta-witness", None);
    held(
        &town,
        "alpha/witness",
        "whether its rig is docked is not known: bd show al-rig-alpha: Error: no such database",
    );
    gtd.stop();
}

#[test]
fn a_bd_that_hangs_costs_a_restart_its_deadline_once_and_not_for_every_rig() {
    let mut town = town("v1.0", &["alpha=al", "beta=bt", "gamma=ga"]);
    town.configure(json!({"gtd": {"command_timeout": "2s"}, "heartbeat": {"interval": "1m"}}));
    let gtd = town.up();
    let rigs = ["alpha-witness", "beta-witness", "gamma-witness"];
    let first = rigs.map(|rig| town.wait_for_agent(rig, None));
    let asked = town.calls("bd").len();
    town.set_mode("bd", Mode::Hang);
    first.iter().for_each(|pid| process::signal(*pid, libc::SIGKILL));
    for (rig, first) in rigs.iter().zip(first) {
        town.wait_for_agent(rig, Some(first));
    }
    assert_eq!(town.calls("bd").len(), asked + 1, "{:?}", town.calls("bd"));
    gtd.stop();
}

#[test]
fn a_dry_run_shows_the_hold_and_check_calls_it_no_fault() {
    let town = town("v1.0", &["beta=bt"]);
    install_bd(&town);
    set_dock(&town, "docked");
    let plan = town.run(&["--dry-run"]).exits(0).stdout;
    let plan: String = plan.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plan.contains("beta/witness hold its rig is docked (status:docked on bt-rig-beta) (rule 1)"), "{plan}");
    town.write(".beads-wisp/config/beta.json", &recorded("v1.0/beads-wisp-config-alpha-parked.json"));
    let checked: Ran = town.run(&["--check"]);
    assert!(
        checked.stdout.contains("note   agents         Holding the agents of beta: its rig is parked"),
        "{checked}"
    );
    assert!(checked.stdout.contains("→ until gt rig unpark"), "{checked}");
}

#[test]
fn check_names_rigs_of_which_bd_does_not_say_whether_they_are_docked_with_and_without_a_daemon() {
    let town = town("v1.0", &["alpha=al"]);
    install_bd(&town);
    set_dock(&town, "out-for-alpha");
    let why = "Holding the agents of alpha: whether its rig is docked is not known: bd show al-rig-alpha: ";
    Checked::of(&town).note("agents", why, "until bd answers").faults(0);
    let gtd = town.up();
    held(&town, "alpha/witness", "whether its rig is docked is not known");
    wait_until("the condition is saved", || !town.state()["gtd"]["conditions"][0].is_null());
    let asked = town.calls("bd").len();
    let checked = Checked::of(&town);
    checked.note("agents", &format!("the daemon says: {why}"), "until bd answers").faults(0);
    let of_check = town.calls("bd").iter().skip(asked).filter(|call| call.starts_with("alpha: show")).count();
    assert!(of_check <= 1, "only the daemon asks: {:?}", town.calls("bd"));
    gtd.stop();
}
