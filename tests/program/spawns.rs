//! Spawned workers get their first word, once, and agents that say they run and do not are marked dead: the real program,
//! a `gt` with an inbox, a `bd` whose beads can be rewritten.

use crate::support::{Letter, Mode, Town, wait_until};
use serde_json::{Value, json};
use std::fs;

/// A town with an inbox and one rig; it looks at its workers at every look, and at least every 2 s.
fn town() -> Town {
    let town = Town::new(&["alpha"]);
    town.open_inbox();
    town
}

/// A worker's session, as `gt` makes it: an agent that notes what it hears as `worker`.
fn spawn(town: &Town, session: &str) {
    let root = town.root.to_str().expect("a plain path");
    let agent = format!("BD_ACTOR=worker {}", town.bin.join("agent").display());
    town.tmux(&["new-session", "-d", "-s", session, "-c", root, &agent]);
}

fn notice(worker: &str, session: &str) -> Letter {
    Letter::new("mayor/", &format!("POLECAT_STARTED {worker}"), &format!("Issue: gt-abc\nSession: {session}"))
}

fn pending(town: &Town) -> Value {
    serde_json::from_str(&town.read("spawn/pending.json")).unwrap_or(Value::Null)
}

#[test]
fn a_worker_gets_its_first_word_once_and_is_forgotten() {
    let town = town();
    spawn(&town, "gt-alpha-nux");
    let gtd = town.up();
    let id = town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
    wait_until("it has heard", || !town.heard("worker", None).is_empty());
    wait_until("nobody waits, no mail is left", || pending(&town) == json!([]) && town.inbox().is_empty());
    town.wait_for_heartbeats(3);
    gtd.stop();
    assert_eq!(town.heard("worker", None), ["Begin."]);
    assert_eq!(town.deletions(), [id]);
    assert_eq!(town.logged("Triggered polecat: alpha/nux"), 1);
}

#[test]
fn a_notice_without_a_session_means_the_workers_own() {
    let town = town();
    spawn(&town, "gt-alpha-nux");
    town.deliver(&Letter::new("mayor/", "POLECAT_STARTED alpha/nux", "Issue: gt-abc"));
    let gtd = town.up();
    wait_until("it has heard", || !town.heard("worker", None).is_empty());
    gtd.stop();
    assert_eq!(town.heard("worker", None), ["Begin."]);
}

#[test]
fn two_notices_of_one_worker_are_one_first_word() {
    let town = town();
    spawn(&town, "gt-alpha-nux");
    town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
    town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
    let gtd = town.up();
    wait_until("it has heard", || !town.heard("worker", None).is_empty());
    wait_until("nobody waits", || pending(&town) == json!([]));
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.heard("worker", None), ["Begin."]);
}

#[test]
fn a_spawn_is_saved_before_its_mail_goes() {
    let town = town();
    town.set_deletion("hang");
    spawn(&town, "gt-alpha-nux");
    let id = town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
    let gtd = town.start();
    wait_until("gt hangs over the deletion", || !town.processes("sleep 1000").is_empty());
    assert_eq!(pending(&town)[0]["mail_id"], json!(id));
    assert_eq!(pending(&town)[0]["session"], "gt-alpha-nux");
    assert_eq!(town.heard("worker", None), [""; 0]);
    gtd.kill();
    town.set_deletion("do");
    let gtd = town.up();
    wait_until("it has heard", || !town.heard("worker", None).is_empty());
    wait_until("the mail is gone", || town.inbox().is_empty());
    gtd.stop();
    assert_eq!(town.heard("worker", None), ["Begin."]);
}

#[test]
fn a_busy_worker_is_left_alone_until_it_waits_at_its_prompt() {
    let town = town();
    let root = town.root.to_str().expect("a path").to_owned();
    // It is at work until a file appears; then it clears its screen and becomes an agent.
    let script = format!(
        "printf '> \\n* Working (esc to interrupt)\\n'; until [ -e go ]; do sleep 0.1; done; clear; \
         BD_ACTOR=worker exec {}",
        town.bin.join("agent").display()
    );
    town.tmux(&["new-session", "-d", "-s", "gt-alpha-nux", "-c", &root, &script]);
    town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
    let gtd = town.up();
    town.wait_for_log("Found pending spawn: alpha/nux");
    town.wait_for_heartbeats(3);
    assert!(!town.tmux(&["capture-pane", "-p", "-t", "=gt-alpha-nux:"]).contains("Begin."));
    assert_eq!(pending(&town)[0]["polecat"], "nux");
    town.write("go", "");
    wait_until("it has heard", || !town.heard("worker", None).is_empty());
    gtd.stop();
    assert_eq!(town.heard("worker", None), ["Begin."]);
}

#[test]
fn a_worker_is_looked_at_every_two_seconds_however_long_a_look_interval_is() {
    let mut town = town();
    town.configure(json!({"heartbeat": {"interval": "1h"}, "gtd": {"look_interval": "30m"}}));
    let root = town.root.to_str().expect("a path").to_owned();
    let script =
        format!("until [ -e go ]; do sleep 0.1; done; BD_ACTOR=worker exec {}", town.bin.join("agent").display());
    town.tmux(&["new-session", "-d", "-s", "gt-alpha-nux", "-c", &root, &script]);
    town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
    let gtd = town.up();
    town.write("go", "");
    let heard = || !town.heard("worker", None).is_empty();
    assert!(crate::support::limit::holds_within(std::time::Duration::from_secs(5), heard));
    gtd.stop();
}

#[test]
fn a_worker_whose_session_is_gone_is_forgotten() {
    let town = town();
    town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
    let gtd = town.up();
    town.wait_for_log("Forgetting spawned worker alpha/nux: session no longer exists");
    wait_until("nobody waits", || pending(&town) == json!([]) && town.inbox().is_empty());
    gtd.stop();
}

#[test]
fn notices_that_mean_another_session_are_refused() {
    let town = town();
    let other = Town::beside(&town, &[]);
    spawn(&town, "gt-alpha-nux");
    let elsewhere = other.root.to_str().expect("a path");
    town.tmux(&["new-session", "-d", "-s", "gt-alpha-far", "-c", elsewhere, "printf '> '; exec cat"]);
    let bad = [
        notice("alpha/nux", "gt-deacon"),
        notice("alpha/nux", "gt-alpha-nux2"),
        notice("beta/nux", "gt-beta-nux"),
        notice("../alpha/nux", "gt-alpha-nux"),
        notice("alpha/../nux", "gt-alpha-nux"),
        notice("alpha", "gt-alpha-nux"),
        notice("alpha/$(touch pwned)", "gt-alpha-nux"),
    ];
    let ids: Vec<String> = bad.iter().map(|letter| town.deliver(letter)).collect();
    town.deliver(&notice("alpha/far", "gt-alpha-far"));
    let gtd = town.up();
    wait_until("all mails are gone", || town.inbox().is_empty());
    town.wait_for_log("Forgetting spawned worker alpha/far: its session belongs to another town");
    town.wait_for_heartbeats(2);
    gtd.stop();
    for id in ids {
        assert_eq!(town.logged(&format!("Discarding mail {id}: ")), 1, "{id}");
    }
    assert_eq!(town.heard("worker", None), [""; 0]);
    assert!(!town.tmux(&["capture-pane", "-p", "-t", "=gt-alpha-far:"]).contains("Begin."));
    assert!(town.heard("deacon", None).iter().all(|line| line != "Begin."));
}

#[test]
fn a_worker_that_is_called_like_another_agent_is_none() {
    let town = town();
    town.deliver(&notice("alpha/witness", "gt-alpha-witness"));
    town.deliver(&Letter::new("mayor/", "POLECAT_STARTED alpha/witness", "Issue: gt-1"));
    let gtd = town.up();
    wait_until("the mails are gone", || town.inbox().is_empty());
    town.wait_for_heartbeats(3);
    gtd.stop();
    let heard = town.heard("alpha-witness", None);
    assert!(!heard.is_empty() && heard.iter().all(|line| line.starts_with("HEARTBEAT")), "{heard:?}");
}

#[test]
fn a_pending_file_that_cannot_be_read_is_set_aside() {
    for torn in ["[{\"rig\":\"alpha\",", "{}", "[1]"] {
        let town = town();
        town.write("spawn/pending.json", torn);
        spawn(&town, "gt-alpha-nux");
        let gtd = town.up();
        town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
        wait_until("it has heard", || !town.heard("worker", None).is_empty());
        gtd.stop();
        let names = fs::read_dir(town.root.join("spawn")).expect("a listing").flatten();
        let names: Vec<String> = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let aside = names.iter().find(|name| name.starts_with("pending.json.corrupt-")).expect("the old one");
        assert_eq!(town.read(&format!("spawn/{aside}")), torn);
        assert_eq!(town.logged(aside), 1, "and said");
    }
}

#[test]
fn entries_that_gt_wrote_keep_all_their_keys() {
    let town = town();
    town.write("spawn/pending.json", "null");
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    assert_eq!(town.read("spawn/pending.json"), "null", "it is not written without need");
    // One that is at work for now.
    let root = town.root.to_str().expect("a path").to_owned();
    town.tmux(&["new-session", "-d", "-s", "gt-alpha-slit", "-c", &root, "echo 'esc to interrupt'; exec sleep 1000"]);
    let entry = json!({
        "rig": "alpha", "polecat": "slit", "session": "gt-alpha-slit", "issue": "gt-1", "mail_id": "gm-0",
        "spawned_at": "2026-11-23T09:40:04.5+01:00", "mailbox": {"read": [1.5, null]}, "ünknown": "\u{1b}",
    });
    town.write("spawn/pending.json", &json!([entry]).to_string());
    spawn(&town, "gt-alpha-nux");
    town.deliver(&notice("alpha/nux", "gt-alpha-nux"));
    wait_until("it has heard", || !town.heard("worker", None).is_empty());
    wait_until("it is forgotten", || pending(&town).as_array().is_some_and(|entries| entries.len() == 1));
    gtd.stop();
    assert_eq!(pending(&town), json!([entry]));
}

const BEFORE: &str =
    "Mayor of the town\n\nrole_type: mayor\nrig: null\nagent_state: running\nhook_bead: null\nnote:  two  blanks ";

/// Beads as `bd show` prints them.
fn beads(beads: &[(&str, &str, &str)]) -> String {
    let bead = |(id, description, updated): &(&str, &str, &str)| json!({"id": id, "title": id, "description": description, "issue_type": "agent", "updated_at": updated});
    Value::Array(beads.iter().map(bead).collect()).to_string()
}

const LONG_AGO: &str = "2025-12-28T09:40:04.123456789+01:00";

/// A town whose Mayor is dead and says since long ago that it runs.
fn with_dead_mayor() -> Town {
    let town = Town::new(&["alpha"]);
    town.open_inbox();
    town.open_beads();
    fs::write(town.notes.join("bd.stdout"), beads(&[("gt-mayor", BEFORE, LONG_AGO)])).expect("written");
    town
}

fn description(town: &Town) -> String {
    fs::read_to_string(town.notes.join("bd.description")).unwrap_or_default()
}

#[test]
fn a_dead_mayor_that_says_it_runs_is_marked_dead_and_every_other_line_stays() {
    let town = with_dead_mayor();
    fs::write(town.notes.join("bd.after"), beads(&[("gt-mayor", "agent_state: dead", LONG_AGO)])).expect("written");
    let gtd = town.up();
    town.wait_for_log("Marked Mayor dead: ");
    town.wait_for_heartbeats(2);
    gtd.stop();
    let after = description(&town);
    assert!(after.contains("\nagent_state: dead\n"), "{after}");
    let old: Vec<&str> = BEFORE.split('\n').filter(|line| !line.starts_with("agent_state")).collect();
    let kept: Vec<&str> = after
        .split('\n')
        .filter(|line| !["agent_state:", "dead_reason:", "dead_at:"].iter().any(|key| line.starts_with(key)))
        .collect();
    assert_eq!(kept, old);
    assert_eq!(town.logged("Marked Mayor dead"), 1);
}

#[test]
fn a_bead_that_has_changed_meanwhile_is_left_alone() {
    let town = with_dead_mayor();
    fs::write(town.notes.join("bd.alone"), beads(&[("gt-mayor", BEFORE, "2026-11-23T09:00:00Z")])).expect("written");
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert!(town.calls("bd").iter().any(|call| call == "show gt-mayor"), "{:?}", town.calls("bd"));
    assert_eq!(description(&town), "");
}

#[test]
fn agents_that_gtd_starts_again_are_not_marked() {
    let town = with_dead_mayor();
    let running = "x\n\nagent_state: working\n";
    let all = [("gt-deacon", running, LONG_AGO), ("gt-witness-alpha", running, LONG_AGO)];
    fs::write(town.notes.join("bd.stdout"), beads(&all)).expect("written");
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert!(town.calls("bd").iter().all(|call| !call.starts_with("update")), "{:?}", town.calls("bd"));
}

#[test]
fn a_bead_that_the_town_does_not_find_is_rewritten_in_its_rig() {
    let town = with_dead_mayor();
    fs::create_dir_all(town.root.join("alpha/mayor/rig")).expect("made");
    let bead = [("gt-refinery-alpha", "Refinery\n\nagent_state: running", LONG_AGO)];
    fs::write(town.notes.join("bd.stdout"), beads(&bead)).expect("written");
    fs::write(town.notes.join("bd.after"), "[]").expect("written");
    fs::write(town.notes.join("bd.not-in"), town.root.to_str().expect("a path")).expect("written");
    let gtd = town.up();
    town.wait_for_log("Marked refinery for alpha dead");
    gtd.stop();
    let places = fs::read_to_string(town.notes.join("bd.updated-in")).expect("rewritten");
    assert_eq!(places.trim(), town.root.join("alpha/mayor/rig").to_str().expect("a path"));
    assert!(description(&town).starts_with("Refinery\n\nagent_state: dead\n"));
}

#[test]
fn while_bd_is_of_no_use_nobody_is_marked() {
    let town = Town::new(&["alpha"]);
    town.set_mode("bd", Mode::Rubbish);
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert!(town.calls("bd").iter().all(|call| call.starts_with("show")));
}
