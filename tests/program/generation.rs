//! Which Gas Town a town is, and that no second population is begun beside one that lives.

use crate::support::{Town, wait_until};
use gtd::sys::attention::Attention;
use gtd::sys::command::Command;
use gtd::town::answers::KnownGastown;
use gtd::town::config::Config;
use gtd::town::names::Generation;
use gtd::town::time::Wall;
use gtd::world::gastown::{self, Ask, Found};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Starts a living patrol session by hand, as `gt` would.
fn start_by_hand(town: &Town, options: &[&str], session: &str, dir: &str) {
    let dir = town.root.join(dir);
    let words = ["new-session", "-d", "-s", session, "-c", dir.to_str().expect("a path"), "exec sleep 1000"];
    town.tmux(&[options, &words].concat());
}

/// The tmux server that 1.0 gives to a town.
pub fn own_socket(town: &Town) -> String {
    let mut digest = town.command("/bin/sh");
    digest.args(["-c", "printf %s \"$0\" | sha256sum"]).arg(&town.root);
    format!("t-{}", &crate::support::Ran::of(digest).exits(0).stdout[..6])
}

/// A town of which neither the configuration nor `gt` tells anything.
fn silent_town() -> Town {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": null}}));
    fs::remove_file(town.bin.join("gt")).expect("removed");
    town
}

#[test]
fn live_sessions_tell_the_generation_and_it_is_remembered_when_they_have_gone() {
    for (own, session, generation, place) in [
        (false, "gt-deacon", "seed", "the user's tmux server"),
        (false, "hq-deacon", "v0.2", "the user's tmux server"),
        (true, "hq-deacon", "v1.0", "the tmux server -L "),
        (true, "al-witness", "v1.0", "the tmux server -L "),
    ] {
        let town = silent_town();
        let socket = own_socket(&town);
        let options: &[&str] = if own { &["-L", &socket] } else { &[] };
        start_by_hand(&town, options, session, "alpha/witness");
        let gtd = town.up();
        town.wait_for_log(&format!("Gas Town is {generation}: session {session} on {place}"));
        let status = town.run(&["--status"]).exits(0).stdout;
        let status: String = status.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(status.contains(&format!("{generation}: session {session} on")), "{status}");
        town.tmux(&[options, &["kill-session", "-t", session][..]].concat());
        town.wait_for_agent("alpha-witness", None);
        gtd.stop();
        let gtd = town.up();
        gtd.stop();
        assert_eq!(town.word_for("alpha/witness"), "alive", "{}", town.log());
        assert_eq!(town.logged("Gas Town is"), 1, "said once: {}", town.log());
    }
}

#[test]
fn sessions_that_fit_several_generations_or_are_another_towns_tell_nothing() {
    let town = silent_town();
    start_by_hand(&town, &[], "gt-alpha-witness", "alpha/witness");
    start_by_hand(&town, &["-L", "else"], "hq-deacon", "deacon");
    town.tmux(&["new-session", "-d", "-s", "hq-deacon", "-c", "/tmp", "exec sleep 1000"]);
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    gtd.stop();
    town.wait_for_word("deacon", "held");
    assert_eq!(town.logged("there is no gt to ask; the town's files and sessions do not tell; set gtd.gastown"), 1);
}

#[test]
fn contradictory_signs_hold_and_say_what_contradicts_what() {
    let town = silent_town();
    start_by_hand(&town, &[], "hq-deacon", "deacon");
    town.write("daemon/dolt-state.json", "{}");
    let gtd = town.up();
    let said = "daemon/dolt-state.json (v1.0) contradicts session hq-deacon on the user's tmux server (v0.2)";
    town.wait_for_log(said);
    town.wait_for_heartbeats(1);
    town.wait_for_word("deacon", "held");
    assert_eq!(town.logged("contradicts"), 1, "said once");
    town.tmux(&["kill-session", "-t", "hq-deacon"]);
    town.wait_for_log("Gas Town is v1.0: daemon/dolt-state.json");
    gtd.stop();
}

#[test]
fn no_second_population_is_begun_beside_one_on_another_server_or_under_other_names() {
    for (generation, own, session, command) in [
        ("v0.2", true, "hq-deacon", "or end them: tmux -L "),
        ("v1.0", false, "hq-deacon", "or end them: tmux kill-session -t '=hq-deacon'"),
        ("seed", false, "hq-deacon", "or end them: tmux kill-session -t '=hq-deacon'"),
        ("v1.0", false, "gt-alpha-witness", "or end them: tmux kill-session -t '=gt-alpha-witness'"),
    ] {
        let mut town = Town::new(&["alpha=al"]);
        town.configure(json!({"gtd": {"gastown": generation}}));
        let socket = own_socket(&town);
        let options: &[&str] = if own { &["-L", &socket] } else { &[] };
        start_by_hand(&town, options, session, "deacon");
        let gtd = town.up();
        town.wait_for_heartbeats(1);
        assert_eq!((town.word_for("deacon"), town.word_for("alpha/witness")), ("held".to_owned(), "held".to_owned()));
        assert_eq!(town.logged(&format!("{session} lives on ")), 1, "{}", town.log());
        assert_eq!((town.logged(command), town.logged("Set gtd.gastown")), (1, 1), "{}", town.log());
        let checked = town.run(&["--check"]).stdout;
        assert!(checked.contains(&format!("FAULT  generation     {session} lives on")), "{checked}");
        assert!(checked.contains(command) && !checked.contains("TMUX_TMPDIR"), "{checked}");
        town.tmux(&[options, &["kill-session", "-t", session][..]].concat());
        town.wait_for_agent("deacon", None);
        town.wait_for_agent("alpha-witness", None);
        gtd.stop();
    }
}

#[test]
fn all_who_live_under_other_names_are_named_once_with_one_command_that_ends_them() {
    let mut town = Town::new(&["alpha=al", "beta=bt", "gamma=ga"]);
    town.configure(json!({"gtd": {"gastown": "v1.0"}}));
    let others = ["hq-deacon", "gt-alpha-witness", "gt-beta-witness", "gt-gamma-witness"];
    for session in others {
        start_by_hand(&town, &[], session, "deacon");
    }
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    let said = "Holding agents that are not up: gt-alpha-witness, gt-beta-witness, gt-gamma-witness and 1 more live on the \
                user's tmux server, and gtd uses another. Set gtd.gastown";
    assert_eq!(town.logged(said), 1, "{}", town.log());
    let status = town.run(&["--status"]).exits(0).stdout;
    assert_eq!(status.matches("and 1 more").count(), 1, "{status}");
    let command = |text: &str| {
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix("or end them"));
        line.unwrap_or_else(|| panic!("{text}")).trim_start_matches(':').trim().to_owned()
    };
    for flag in ["--dry-run", "--check"] {
        assert_eq!(command(&town.run(&[flag]).stdout), command(&status), "{flag}");
    }
    let mut end = town.command("/bin/sh");
    end.args(["-c", &command(&status)]);
    crate::support::Ran::of(end).exits(0);
    town.run(&["--wake"]).exits(0);
    for agent in ["deacon", "alpha-witness", "beta-witness", "gamma-witness"] {
        town.wait_for_agent(agent, None);
    }
    gtd.stop();
}

#[test]
fn a_server_that_has_two_names_is_one() {
    let mut town = Town::new(&["alpha=al"]);
    // What tmux calls the user's own server.
    town.configure(json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    let first = town.wait_for_agent("alpha-witness", None);
    gtd.stop();
    // One that is started for the first time while the others live.
    town.set_rigs(&["alpha=al", "beta=bt"]);
    let gtd = town.up();
    town.wait_for_agent("beta-witness", None);
    gtd.stop();
    assert_eq!(town.pids("alpha-witness"), [first]);
}

#[test]
fn after_an_upgrade_those_who_live_under_the_old_names_are_not_ended() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "auto"}}));
    town.answer("gt", "gt version v0.2.6\n", "", 0);
    let gtd = town.up();
    let old = town.wait_for_agent("deacon", None);
    town.wait_for_heartbeats(1);
    town.answer("gt", "gt version v1.0.1\n", "", 0);
    // Another file is another gt.
    let gt = fs::read_to_string(town.bin.join("gt")).expect("a script") + "\n";
    crate::support::fakes::program(&town.bin.join("gt"), &gt);
    town.wait_for_log("Gas Town is v1.0: gt --version says v1.0.1");
    town.wait_for_log("gt-alpha-witness, hq-deacon live on the user's tmux server, and gtd uses another");
    town.wait_for_heartbeats(2);
    assert!(crate::support::process::is_alive(old), "it is left to a person to end it");
    assert_eq!(town.pids("deacon"), [old]);
    town.tmux(&["kill-server"]);
    town.wait_for_agent("deacon", Some(old));
    gtd.stop();
}

#[test]
fn a_gt_of_an_unknown_release_holds_whatever_is_remembered() {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"gastown": "auto"}}));
    town.answer("gt", "gt version v0.2.6\n", "", 0);
    town.up().stop();
    town.answer("gt", "gt version v0.7.0\n", "", 0);
    let gt = fs::read_to_string(town.bin.join("gt")).expect("a script") + "\n";
    crate::support::fakes::program(&town.bin.join("gt"), &gt);
    let gtd = town.up();
    wait_until("it is held", || town.word_for("deacon") == "held");
    town.wait_for_heartbeats(2);
    assert_eq!(town.word_for("deacon"), "held", "at looks between heartbeats too");
    gtd.stop();
    assert_eq!(town.logged("gt --version says \"gt version v0.7.0\", which gtd does not know"), 1);
}

#[test]
fn a_gt_that_was_replaced_is_asked_at_the_next_look_and_whoever_dies_meanwhile_is_missed() {
    let mut town = Town::new(&[]);
    town.configure(json!({"heartbeat": {"interval": "1h"}, "gtd": {"gastown": "auto", "look_interval": "1h"}}));
    town.answer("gt", "gt version v0.2.6\n", "", 0);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    town.wait_for_log("Heartbeat complete");
    let replace = |says: &str| {
        town.answer("gt", says, "", 0);
        let gt = fs::read_to_string(town.bin.join("gt")).expect("a script") + "\n";
        crate::support::fakes::program(&town.bin.join("gt"), &gt);
    };
    replace("gt version v0.7.0\n");
    crate::support::process::signal(first, libc::SIGKILL);
    town.wait_for_log("Deacon is gone (PID ");
    wait_until("it is held", || town.word_for("deacon") == "held");
    let said = "which gtd does not know; set gtd.gastown in mayor/daemon.json, then kill -HUP $(cat daemon/daemon.pid)";
    assert_eq!(town.logged(said), 1, "{}", town.log());
    let status = town.run(&["--status"]).exits(0).stdout;
    assert!(status.contains("gas town     not known: gt --version says") && !status.contains("v0.2"), "{status}");
    assert!(status.contains("gone, held"), "{status}");
    // One that was mended without another stamp is asked when somebody wakes gtd.
    town.answer("gt", "gt version v0.2.6\n", "", 0);
    town.run(&["--wake"]).exits(0);
    town.wait_for_agent("deacon", Some(first));
    gtd.stop();
    assert_eq!(town.logged("Heartbeat starting"), 1, "nothing waited for a heartbeat: {}", town.log());
}

/// What is found at `now` where `gt` would answer with `says`; an empty answer stands for a failure.
fn found(known: Option<&KnownGastown>, gt: &Path, now: Wall, says: &str) -> Found {
    let call = |_: &Path| {
        let script = if says.is_empty() { "exit 1".to_owned() } else { format!("echo '{says}'") };
        Command::new("/bin/sh", Duration::from_secs(20)).args(&["-c", &script])
    };
    let attention = &mut Attention::nobody();
    gastown::generation(&Config::default(), known, Some(gt), (Ask::IfNeeded, now), call, attention)
        .expect("not stopped")
}

#[test]
fn gt_is_asked_again_once_an_hour_and_what_it_said_stands_while_it_fails() {
    let gt = Path::new("/bin/sh");
    let hour = Duration::from_secs(3600);
    let begin = Wall::from_seconds(1_800_000_000);
    let first = found(None, gt, begin, "gt version v0.2.6").answer.expect("an answer");
    let soon = found(Some(&first), gt, begin.plus(hour / 2), "gt version v1.0.1");
    assert_eq!((soon.generation, soon.called), (Ok(Generation::V02), false));
    let later = found(Some(&first), gt, begin.plus(hour), "gt version v1.0.1");
    assert_eq!((later.generation, later.called), (Ok(Generation::V10), true));
    let failing = found(Some(&first), gt, begin.plus(hour), "");
    assert_eq!((failing.generation, failing.called), (Ok(Generation::V02), true));
    assert!(failing.why.starts_with("remembered, gt --version: "), "{}", failing.why);
    // It is not asked at every heartbeat for that.
    let after = found(failing.answer.as_ref(), gt, begin.plus(hour * 3 / 2), "");
    assert_eq!((after.generation, after.called), (Ok(Generation::V02), false));
    // The clock was set back since.
    assert!(found(Some(&first), gt, begin.minus(hour), "gt version v0.2.6").called);
}
