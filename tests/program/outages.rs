//! The daemon when things fail: `bd` and `gt` in all their moods, torn files, and what holds agents.

use crate::support::{Mode, Ran, Town, fakes, process, wait_until};
use fs2::FileExt;
use serde_json::json;
use std::fs::{self, File};
use std::time::Duration;

/// Lets `bd` be in this mood for a while: nobody is started or ended for it, and it is said once when it begins and once
/// when it ends.
fn bd_outage(set: impl FnOnce(&Town)) {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"command_timeout": "2s"}}));
    let gtd = town.up();
    let before = [town.wait_for_agent("deacon", None), town.wait_for_agent("alpha-witness", None)];
    let heard = town.heard("deacon", None).len();
    set(&town);
    town.wait_for_log("bd gives no usable answer (bd show");
    town.wait_for_heartbeats(2);
    assert!(town.heard("deacon", None).len() > heard, "tmux alone tells: pokes go on");
    town.answer_as_recorded("bd", "bd-show-deacon-after-prime");
    town.wait_for_log("bd answers again after");
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!((town.logged("bd gives no usable answer"), town.logged("bd answers again")), (1, 1));
    assert_eq!([town.pids("deacon"), town.pids("alpha-witness")].concat(), before);
    assert!(process::is_alive(before[0]) && process::is_alive(before[1]));
    for program in ["sleep 1000", "yes", "bin/bd"] {
        town.wait_for_end_of(program);
    }
}

#[test]
fn a_bd_that_fails_costs_no_agent_anything() {
    bd_outage(|town| town.set_mode("bd", Mode::Fail));
}

#[test]
fn a_bd_that_hangs_costs_no_agent_anything() {
    bd_outage(|town| town.set_mode("bd", Mode::Hang));
}

#[test]
fn a_bd_that_floods_costs_no_agent_anything() {
    bd_outage(|town| town.set_mode("bd", Mode::Flood));
}

#[test]
fn a_bd_that_answers_rubbish_costs_no_agent_anything() {
    bd_outage(|town| town.set_mode("bd", Mode::Rubbish));
}

#[test]
fn a_bd_with_a_broken_or_locked_database_costs_no_agent_anything() {
    bd_outage(|town| town.answer_as_recorded("bd", "bd-show-corrupt-town-db"));
    bd_outage(|town| town.answer_as_recorded("bd", "bd-show-locked-rig-db"));
}

#[test]
fn a_grandchild_that_holds_bds_pipes_is_not_waited_for() {
    for (mode, left) in [(Mode::Fork, 0), (Mode::Detach, 1)] {
        let town = Town::new(&[]);
        town.set_mode("bd", mode);
        let gtd = town.up();
        town.wait_for_heartbeats(2);
        gtd.stop();
        assert_eq!(town.logged("bd gives no usable answer"), 0, "{mode:?}: it has answered");
        // What has left bd's process group is nobody's to end.
        assert!(town.processes("sleep 1000").len() >= left, "{mode:?}");
        if left == 0 {
            town.wait_for_end_of("sleep 1000");
        }
    }
}

#[test]
fn a_bead_that_asks_for_a_person_stops_pokes_and_nothing_else() {
    let town = Town::new(&["alpha"]);
    let bead = json!([{"id": "gt-deacon", "description": "Deacon\n\nrole_type: deacon\nagent_state: stuck\n"}]);
    town.answer("bd", &bead.to_string(), "", 0);
    let gtd = town.up();
    let pid = town.wait_for_agent("deacon", None);
    wait_until("the witness is poked", || town.heard("alpha-witness", None).len() >= 2);
    gtd.stop();
    assert_eq!(town.heard("deacon", None), [""; 0]);
    assert!(town.logged("No poke for Deacon: reports stuck, but its program lives (rule 8)") > 0);
    assert_eq!(town.pids("deacon"), [pid]);
    assert!(
        town.calls("bd").iter().all(|call| call == "show gt-deacon gt-witness-alpha gt-refinery-alpha gt-mayor --json"),
        "one call for all"
    );
}

#[test]
fn sigterm_in_the_middle_of_a_hung_bd_is_obeyed_at_once() {
    let town = Town::new(&["alpha"]);
    town.set_mode("bd", Mode::Hang);
    let mut gtd = town.start();
    wait_until("bd hangs", || !town.processes("sleep 1000").is_empty());
    gtd.signal(libc::SIGTERM);
    let (status, after) = gtd.wait();
    assert_eq!(status.code(), Some(0));
    assert!(after < Duration::from_secs(3), "{after:?}");
    town.wait_for_end_of("sleep 1000");
    town.wait_for_end_of("bin/bd");
    assert_eq!(town.state()["running"], false);
    assert!(town.pid("deacon").is_some(), "agents live on");
    assert_eq!(town.logged("Daemon stopped"), 1);
}

const NOT_KNOWN: &str = "Holding all agents: Gas Town's generation is not known: gt --version";

#[test]
fn agents_are_held_with_the_remedy_while_gt_is_of_no_use() {
    for (mode, answer, why) in [
        (Mode::Hang, "", "gt --version: no answer within 2s"),
        (Mode::Fail, "", "gt --version: Error: gt is out of order"),
        (Mode::Answer, "gt version v9.9.9\n", "gt --version says \"gt version v9.9.9\""),
    ] {
        let mut town = Town::new(&["alpha"]);
        town.configure(json!({"gtd": {"gastown": null, "command_timeout": "2s"}}));
        town.answer("gt", answer, "", 0);
        town.set_mode("gt", mode);
        let gtd = town.up();
        town.wait_for_heartbeats(1);
        gtd.stop();
        assert_eq!(town.word_for("deacon"), "held", "{mode:?}");
        assert_eq!((town.logged(NOT_KNOWN), town.logged(why)), (1, 1), "{mode:?}");
        assert_eq!(town.logged("set gtd.gastown in mayor/daemon.json"), 1, "{mode:?}: with the remedy");
        assert_eq!(town.try_tmux(&["list-sessions"]), None, "{mode:?}");
    }
}

#[test]
fn agents_are_served_as_soon_as_gt_answers() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"gastown": null}}));
    town.answer("gt", "gt version v9.9.9\n", "", 0);
    let gtd = town.up();
    assert_eq!(town.logged(NOT_KNOWN), 1);
    town.answer_as_recorded("gt", "gt-version");
    town.wait_for_agent("deacon", None);
    town.wait_for_agent("alpha-witness", None);
    town.wait_for_log("No longer holding all agents (generation unknown)");
    gtd.stop();
    assert!(town.has_session("gt-deacon"));
    assert_eq!(town.logged(NOT_KNOWN), 1, "said once");
}

#[test]
fn what_gt_has_said_is_remembered_even_where_gt_has_gone() {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"gastown": "auto"}}));
    town.answer_as_recorded("gt", "gt-version");
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    town.wait_for_heartbeats(2);
    gtd.stop();
    let asked = town.calls("gt").into_iter().filter(|call| call == "--version").count();
    assert_eq!(asked, 1, "it is asked once");
    fs::remove_file(town.bin.join("gt")).expect("removed");
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    town.wait_for_word("deacon", "alive");
    gtd.stop();
}

#[test]
fn the_names_of_the_second_generation_are_used() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "auto"}}));
    town.answer("gt", "gt version v0.2.6\n", "", 0);
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    town.wait_for_agent("alpha-witness", None);
    gtd.stop();
    assert!(town.has_session("hq-deacon") && town.has_session("gt-alpha-witness"));
    assert_eq!(town.environment("alpha-witness")["GT_ROLE"], "witness");
    assert_eq!(town.calls("bd"), ["show al-rig-alpha --json"], "its agents' beads tell nothing, and are not asked");
}

/// Whether the sessions of the third generation are on the server of this name, and on no other.
fn assert_third_generation(town: &Town, socket: &str) {
    let mut listed = town.try_tmux(&["-L", socket, "list-sessions", "-F", "#{session_name}"]).unwrap_or_default();
    listed.push('\n');
    assert_eq!(listed, "al-witness\nhq-deacon\n");
    assert_eq!(town.try_tmux(&["list-sessions"]), None, "nothing is on the user's own server");
    let env = town.environment("alpha-witness");
    assert_eq!((env["GT_ROLE"].as_str(), env["GT_SESSION"].as_str()), ("alpha/witness", "al-witness"));
    assert_eq!(env["GT_ROOT"], town.root.to_str().expect("a path"));
}

#[test]
fn the_third_generation_has_a_tmux_server_of_its_own() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": null}}));
    town.answer("gt", "gt version v1.0.1\n", "", 0);
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    gtd.stop();
    // As gt names it: the last part of the root, and the beginning of the root's SHA-256.
    let mut digest = town.command("/bin/sh");
    digest.args(["-c", "printf %s \"$0\" | sha256sum"]).arg(&town.root);
    let digest = Ran::of(digest).exits(0).stdout;
    assert_third_generation(&town, &format!("t-{}", &digest[..6]));
}

#[test]
fn the_third_generations_tmux_server_can_be_named() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v1.0"}}));
    town.set_env("GT_TMUX_SOCKET", "mine");
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    gtd.stop();
    assert_third_generation(&town, "mine");
}

#[test]
fn an_estop_holds_everybody_until_it_is_lifted() {
    let town = Town::new(&["alpha"]);
    town.write("ESTOP", "manual\t2026-11-23T09:40:04Z\tcosts\n");
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    assert_eq!(town.logged("Holding all agents: ESTOP: costs"), 1);
    assert_eq!(town.try_tmux(&["list-sessions"]), None);
    town.remove("ESTOP");
    town.wait_for_agent("deacon", None);
    town.wait_for_log("No longer holding all agents (ESTOP) after");
    // One that comes while agents run leaves them as they are, unpoked.
    town.write("ESTOP", "manual\t2026-11-23T09:40:04Z\t\n");
    wait_until("they are held", || town.word_for("deacon") == "held");
    town.wait_for_heartbeats(1);
    let heard = town.heard("deacon", None).len();
    town.wait_for_heartbeats(2);
    assert_eq!(town.heard("deacon", None).len(), heard);
    gtd.stop();
    assert!(town.pid("deacon").is_some());
}

#[test]
fn a_shutdown_lock_holds_everybody_while_it_is_held() {
    let town = Town::new(&["alpha"]);
    town.write("daemon/shutdown.lock", "");
    let lock = File::open(town.root.join("daemon/shutdown.lock")).expect("open");
    FileExt::lock_exclusive(&lock).expect("locked");
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    assert_eq!(town.logged("Holding all agents: the town is being shut down"), 1);
    assert_eq!(town.try_tmux(&["list-sessions"]), None);
    FileExt::unlock(&lock).expect("unlocked");
    town.wait_for_agent("deacon", None);
    town.wait_for_log("No longer holding all agents (shutdown)");
    gtd.stop();
}

#[test]
fn a_hold_on_one_agent_leaves_the_others_alone_and_ends_with_its_reason() {
    let mut town = Town::new(&["alpha", "beta", "gamma", "delta"]);
    town.write("ESTOP.alpha", "");
    fs::remove_dir(town.root.join("beta/witness")).expect("removed");
    town.configure(json!({"patrols": {"witness": {"rigs": ["alpha", "beta", "delta"]}}}));
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    town.wait_for_agent("delta-witness", None);
    town.wait_for_heartbeats(1);
    for (rig, said) in [
        ("alpha", "Holding the agents of alpha: the rig has an ESTOP of its own"),
        ("beta", "Holding witness for beta: its directory"),
        ("gamma", "Holding witness for gamma: not in patrols.witness.rigs of mayor/daemon.json"),
    ] {
        assert_eq!((town.logged(said), town.word_for(&format!("{rig}/witness"))), (1, "held".to_owned()), "{rig}");
        assert!(town.pids(&format!("{rig}-witness")).is_empty(), "{rig}");
    }
    town.remove("ESTOP.alpha");
    fs::create_dir(town.root.join("beta/witness")).expect("made");
    town.configure(json!({"patrols": null}));
    gtd.signal(libc::SIGHUP);
    for (rig, said) in [
        ("alpha", "No longer holding the agents of alpha (ESTOP of the rig)"),
        ("beta", "No longer holding witness for beta (no directory)"),
        ("gamma", "No longer holding witness for gamma (patrol off)"),
    ] {
        town.wait_for_agent(&format!("{rig}-witness"), None);
        town.wait_for_log(said);
    }
    gtd.stop();
}

#[test]
fn a_torn_rigs_file_keeps_the_last_good_list() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    let first = town.wait_for_agent("alpha-witness", None);
    town.write("mayor/rigs.json", "{\"version\":1,\"rigs\":{\"alpha\":{\"git_");
    town.wait_for_log("the last good list stands (1 rig)");
    process::signal(first, libc::SIGKILL);
    town.wait_for_agent("alpha-witness", Some(first));
    gtd.stop();
    // It outlives gtd, too.
    let gtd = town.up();
    town.wait_for_word("alpha/witness", "alive");
    assert_eq!(town.logged("the last good list stands (1 rig)"), 2, "once a daemon");
    town.set_rigs(&["alpha", "beta"]);
    town.wait_for_agent("beta-witness", None);
    town.wait_for_log("mayor/rigs.json can be read again");
    gtd.stop();
}

#[test]
fn hostile_rig_names_are_refused_and_named_once_while_the_others_are_served() {
    let town = Town::new(&[]);
    let rigs = json!({"rigs": {
        "$(touch pwned)": {}, "../evil": {}, "a.b": {}, "-x": {}, "": {}, "a b": {}, "good": {},
        "prefix": {"beads": {"prefix": "a;b"}},
    }});
    town.write("mayor/rigs.json", &rigs.to_string());
    fs::create_dir_all(town.root.join("good/witness")).expect("made");
    let gtd = town.up();
    town.wait_for_agent("good-witness", None);
    town.wait_for_heartbeats(2);
    gtd.stop();
    for name in ["\"$(touch pwned)\"", "\"../evil\"", "\"a.b\"", "\"-x\"", "\"\"", "\"a b\"", "\"prefix\": its bead"] {
        assert_eq!(town.logged(&format!("Refusing a rig in mayor/rigs.json: {name}")), 1, "{name}");
    }
    let sessions = town.tmux(&["list-sessions", "-F", "#{session_name}"]);
    assert_eq!(sessions, "gt-deacon\ngt-good-witness");
    assert!(!town.root.join("pwned").exists() && !town.root.join("deacon/pwned").exists());
}

#[test]
fn a_torn_state_is_set_aside_and_the_town_served() {
    let town = Town::new(&[]);
    town.write("daemon/state.json", "{\"running\": tr");
    let gtd = town.up();
    gtd.stop();
    town.wait_for_agent("deacon", None);
    let listing = fs::read_dir(town.root.join("daemon")).expect("a listing");
    let names: Vec<String> = listing.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    let aside = names.iter().find(|name| name.starts_with("state.json.corrupt-")).expect("the old one");
    assert_eq!(town.read(&format!("daemon/{aside}")), "{\"running\": tr");
    assert_eq!(town.logged(aside), 1, "and said");
    assert_eq!(town.state()["heartbeat_count"], 1);
}

#[test]
fn with_a_torn_configuration_the_default_serves_through_the_users_login_shell() {
    let town = Town::new(&[]);
    town.write("mayor/daemon.json", "{\"heartbeat\": {\"inter");
    town.answer_as_recorded("gt", "gt-version");
    // The default is a program called claude, which only the login files know.
    fakes::copy_program(&town.bin.join("agent"), &town.bin.join("claude"));
    let profile = format!("PATH={}:$PATH; export PATH\n", town.bin.display());
    fs::write(town.home.join(".profile"), profile).expect("written");
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    gtd.stop();
    assert_eq!(town.logged("mayor/daemon.json: not JSON"), 1);
    assert!(town.processes("bin/claude --dangerously-skip-permissions").len() == 1);
}

#[test]
fn a_bad_key_of_the_configuration_is_named_and_costs_only_itself() {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"colour": "red", "log": {"keep": 0}}}));
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.logged("gtd.colour: not a key that gtd knows"), 1);
    assert_eq!(town.logged("gtd.log.keep: 0 will not do"), 1);
    town.wait_for_agent("deacon", None);
}

#[test]
fn a_town_without_bd_is_served_and_bd_is_used_when_it_appears() {
    let town = Town::new(&[]);
    let bd = town.bin.join("bd");
    fs::rename(&bd, town.bin.join("bd.away")).expect("moved");
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    assert_eq!(town.logged("bd was not found in PATH or the usual places"), 1);
    town.wait_for_log("bd was not found in PATH or the usual places");
    fs::rename(town.bin.join("bd.away"), &bd).expect("moved");
    wait_until("bd is asked", || !town.calls("bd").is_empty());
    gtd.stop();
}
