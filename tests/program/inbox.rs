//! The Deacon's inbox as gtd reads it: what is a request and what is not, what is discarded and why, mails that will not go,
//! and a `gt` that is of no use. What a request leads to is a matter of `requests.rs`.

use crate::support::{Letter, Mode, Town, process, wait_until};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// A town with an inbox, its agents up.
fn town(rigs: &[&str]) -> Town {
    let town = Town::new(rigs);
    town.open_inbox();
    town
}

#[test]
fn mail_that_is_no_request_is_never_touched() {
    let town = town(&[]);
    let ordinary = [
        ("Question about the queue", "cycle"),
        ("LIFECYCLE:Shutdown nux", "shutdown"),
        ("LIFECYCLE: nux is done", "Action: restart"),
        ("Re: LIFECYCLE: deacon requesting cycle", "cycle"),
        ("POLECAT_STARTED", "Session: gt-deacon"),
        ("POLECAT_DONE alpha/nux", "Issue: gt-abc"),
        ("", ""),
    ];
    let ids: Vec<String> =
        ordinary.iter().map(|(subject, body)| town.deliver(&Letter::new("mayor/", subject, body))).collect();
    let request = town.deliver(&Letter::request("deacon", "cycle"));
    let gtd = town.start();
    town.wait_for_log("cycle of Deacon is done");
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.deletions(), [request]);
    assert_eq!(town.inbox().len(), ids.len(), "all others are there");
    assert!(
        town.calls("gt").iter().all(|call| call == "mail inbox --identity deacon/ --json" || call.contains("delete"))
    );
}

#[test]
fn a_request_that_is_none_is_discarded_with_its_reason_and_deleted() {
    let town = town(&["alpha", "alpha2"]);
    let gtd = town.up();
    let agents = ["deacon", "alpha-witness", "alpha2-witness"];
    let before = agents.map(|agent| town.wait_for_agent(agent, None));
    let old = Duration::from_secs(6 * 3600 + 60);
    let long = "x".repeat(10_000);
    let hostile = [
        Letter::request("../x", "cycle"),
        Letter::request("$(touch pwned)", "cycle"),
        Letter::request("alpha/../alpha/witness", "shutdown"),
        Letter::request("gt-alpha-witness3", "shutdown"),
        Letter::request("alpha", "shutdown"),
        Letter::request("", "shutdown"),
        Letter::request("\u{1b}]0;pwned\u{7}\u{1b}[2Jdeacon", "cycle"),
        Letter::request(&long, "cycle"),
        Letter::request("alpha/witness", "cycle").body("recycle the life\u{1b}[31m"),
        Letter::request("alpha/witness", "cycle").body(""),
        Letter::request("alpha/witness", "cycle").body("{\"action\":"),
        Letter::request("alpha/witness", "shutdown").from("alpha2/witness"),
        Letter::request("alpha/witness", "shutdown").from("deacon/"),
        Letter::request("alpha/witness", "shutdown").from("alpha/nux"),
        Letter::request("alpha/witness", "shutdown").from(""),
        Letter::request("alpha/witness", "shutdown").ago(old),
        Letter::request("alpha/nux", "shutdown"),
    ];
    let ids: Vec<String> = hostile.iter().map(|letter| town.deliver(letter)).collect();
    wait_until("all are gone", || town.inbox().is_empty());
    town.wait_for_heartbeats(1);
    gtd.stop();
    let log = town.log();
    for id in &ids {
        let said: Vec<&str> = log.lines().filter(|line| line.contains(&format!("Discarding mail {id}: "))).collect();
        assert_eq!(said.len(), 1, "{id}: {said:?}");
        assert!(said[0].len() < 600, "{}", said[0].len());
    }
    for why in ["older than 6h", "may not speak for alpha/witness", "names no action", "no such agent"] {
        assert!(log.contains(why), "{why}");
    }
    assert!(!log.bytes().any(|byte| byte < 0x20 && byte != b'\n'), "no control character is in the log");
    for (agent, pid) in agents.iter().zip(before) {
        assert_eq!(town.pids(agent), [pid], "{agent}");
        assert!(process::is_alive(pid), "{agent}");
    }
    for dir in ["", "deacon", "alpha/witness", "daemon"] {
        assert!(!town.root.join(dir).join("pwned").exists());
    }
}

#[test]
fn a_neighbour_whose_name_begins_alike_is_left_alone() {
    let town = town(&["a", "a2"]);
    let gtd = town.up();
    let neighbour = town.wait_for_agent("a2-witness", None);
    let first = town.wait_for_agent("a-witness", None);
    town.deliver(&Letter::request("gt-a-witness", "cycle"));
    let second = town.wait_for_agent("a-witness", Some(first));
    town.deliver(&Letter::request("a-witness", "shutdown"));
    wait_until("it is down", || !town.has_session("gt-a-witness"));
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.pids("a2-witness"), [neighbour]);
    assert!(process::is_alive(neighbour));
    assert_eq!(town.pids("a-witness"), [first, second]);
}

const STATE: &str = "{\n\t\"role\" : \"witness\",\n  \"requesting_cycle\": true, \"requesting_time\": \"2026-11-23\",\n \
                     \"nested\": {\"requesting_cycle\": true, \"x\": [1.50, \"\\u00e9\", \"},{\"]}  \n}\n\n";
const GRANTED: &str = "{\n\t\"role\" : \"witness\",\n \"nested\": {\"requesting_cycle\": true, \"x\": [1.50, \"\\u00e9\", \"},{\"]}  \n}\n\n";

#[test]
fn an_agents_own_file_has_a_word_in_it_and_keeps_every_other_byte() {
    let town = town(&["alpha", "beta"]);
    town.write("alpha/witness/state.json", STATE);
    let refused =
        STATE.replace("\"requesting_cycle\": true, \"requesting_time\"", "\"requesting_cycle\": false, \"x\"");
    town.write("beta/witness/state.json", &refused);
    let gtd = town.up();
    let [alpha, beta] = ["alpha-witness", "beta-witness"].map(|agent| town.wait_for_agent(agent, None));
    town.deliver(&Letter::request("beta/witness", "cycle"));
    town.deliver(&Letter::request("alpha/witness", "cycle"));
    town.wait_for_agent("alpha-witness", Some(alpha));
    town.wait_for_log("cycle of witness for alpha is done");
    town.wait_for_log("does not ask for it: requesting_cycle is not true");
    wait_until("both mails are gone", || town.inbox().is_empty());
    gtd.stop();
    assert_eq!(town.read("alpha/witness/state.json"), GRANTED);
    assert_eq!(town.read("beta/witness/state.json"), refused);
    assert_eq!(town.pids("beta-witness"), [beta]);
}

#[test]
fn an_agents_own_file_keeps_its_mode() {
    let town = town(&["alpha"]);
    town.write("alpha/witness/state.json", STATE);
    let path = town.root.join("alpha/witness/state.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    let gtd = town.up();
    town.deliver(&Letter::request("alpha/witness", "cycle"));
    town.wait_for_log("cycle of witness for alpha is done");
    gtd.stop();
    assert_eq!(town.read("alpha/witness/state.json"), GRANTED);
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o7777, 0o600);
}

#[test]
fn a_mail_that_cannot_be_deleted_is_carried_out_once_only() {
    let town = town(&[]);
    town.set_deletion("refuse");
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    let id = town.deliver(&Letter::request("deacon", "cycle"));
    let second = town.wait_for_agent("deacon", Some(first));
    town.wait_for_heartbeats(4);
    gtd.kill();
    let gtd = town.up();
    town.wait_for_heartbeats(3);
    gtd.stop();
    let gtd = town.up();
    town.wait_for_heartbeats(1);
    assert_eq!(town.pids("deacon"), [first, second]);
    assert_eq!(town.inbox(), [id.as_str()]);
    assert!(town.deletions().len() >= 6, "it is tried again at each heartbeat: {:?}", town.deletions());
    town.set_deletion("do");
    wait_until("it goes as soon as it can", || town.inbox().is_empty());
    town.wait_for_heartbeats(1);
    let tried = town.deletions().len();
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.deletions().len(), tried, "what is gone is not deleted again");
    assert_eq!(town.pids("deacon"), [first, second]);
}

#[test]
fn that_a_mail_cannot_be_deleted_is_said_once() {
    let town = town(&[]);
    town.set_deletion("refuse");
    let gtd = town.up();
    let id = town.deliver(&Letter::request("deacon", "cycle"));
    town.wait_for_log("could not be deleted");
    town.wait_for_heartbeats(3);
    gtd.stop();
    assert_eq!(town.logged(&format!("mail {id} could not be deleted")), 1);
}

#[test]
fn mails_that_went_by_another_hand_are_gone_too() {
    let town = town(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    town.set_deletion("refuse");
    town.deliver(&Letter::request("deacon", "cycle"));
    town.wait_for_agent("deacon", Some(first));
    fs::remove_dir_all(town.notes.join("inbox")).expect("emptied");
    town.wait_for_heartbeats(1);
    let tried = town.deletions().len();
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.deletions().len(), tried);
}

#[test]
fn without_gt_the_spool_is_served() {
    let town = town(&["alpha"]);
    fs::remove_file(town.bin.join("gt")).expect("removed");
    let gtd = town.up();
    let first = town.wait_for_agent("alpha-witness", None);
    town.request("restart", "alpha/witness").exits(0);
    let second = town.wait_for_agent("alpha-witness", Some(first));
    town.wait_for_heartbeats(1);
    gtd.stop();
    assert_eq!(town.pids("alpha-witness"), [first, second]);
    assert_eq!(town.logged("mail cannot be read"), 0, "that gt is missing is said already");
}

#[test]
fn while_gt_hangs_sigterm_is_obeyed_at_once() {
    let town = town(&["alpha"]);
    let mut gtd = town.up();
    town.set_mode("gt", Mode::Hang);
    wait_until("gt hangs", || !town.processes("sleep 1000").is_empty());
    gtd.signal(libc::SIGTERM);
    let (status, after) = gtd.wait();
    assert_eq!(status.code(), Some(0));
    assert!(after < Duration::from_secs(2), "{after:?}");
    town.wait_for_end_of("sleep 1000");
    assert_eq!(town.state()["running"], false);
}

#[test]
fn while_gt_hangs_a_death_is_noticed() {
    let town = town(&["alpha"]);
    let gtd = town.up();
    let first = town.wait_for_agent("alpha-witness", None);
    town.set_mode("gt", Mode::Hang);
    wait_until("gt hangs", || !town.processes("sleep 1000").is_empty());
    process::signal(first, libc::SIGKILL);
    let noticed = || town.logged(&format!("(PID {first})")) > 0;
    assert!(crate::support::limit::holds_within(Duration::from_secs(5), noticed));
    gtd.stop();
}

#[test]
fn a_gt_whose_deletions_hang_does_not_keep_gtd_from_ending_or_from_its_request() {
    let town = town(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    town.set_deletion("hang");
    town.deliver(&Letter::request("deacon", "cycle"));
    wait_until("gt hangs", || !town.processes("sleep 1000").is_empty());
    let mut gtd = gtd;
    gtd.signal(libc::SIGTERM);
    assert!(gtd.wait().1 < Duration::from_secs(2));
    town.set_deletion("do");
    let gtd = town.up();
    let second = town.wait_for_agent("deacon", Some(first));
    wait_until("the mail is gone", || town.inbox().is_empty());
    gtd.stop();
    assert_eq!(town.pids("deacon"), [first, second]);
}

#[test]
fn an_inbox_that_cannot_be_read_is_said_once_and_its_end_once() {
    for mode in [Mode::Rubbish, Mode::Fail] {
        let town = town(&[]);
        let gtd = town.up();
        let first = town.wait_for_agent("deacon", None);
        town.set_mode("gt", mode);
        town.wait_for_log("The Deacon's mail cannot be read");
        town.wait_for_heartbeats(3);
        town.request("restart", "deacon").exits(0);
        town.wait_for_agent("deacon", Some(first));
        town.set_mode("gt", Mode::Answer);
        town.wait_for_log("The Deacon's mail can be read again");
        town.wait_for_heartbeats(2);
        gtd.stop();
        let said = ["The Deacon's mail cannot be read", "The Deacon's mail can be read again"];
        assert_eq!(said.map(|text| town.logged(text)), [1, 1], "{mode:?}");
        assert!(!town.log().contains('\u{1b}'), "{mode:?}");
    }
}

#[test]
fn a_gt_of_the_third_generation_deletes_many_mails_in_one_call() {
    let mut town = town(&["alpha=al", "beta=be"]);
    town.configure(serde_json::json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    fs::write(town.notes.join("gt.many"), "").expect("written");
    let ids: Vec<String> = ["nobody", "hq-deacon", "al-witness", "beta-witness"]
        .map(|name| town.deliver(&Letter::request(name, "cycle")))
        .to_vec();
    let gtd = town.up();
    wait_until("all are gone", || town.inbox().is_empty());
    town.wait_for_heartbeats(1);
    gtd.stop();
    let calls: Vec<String> = town.calls("gt").into_iter().filter(|call| call.starts_with("mail delete")).collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let mut deleted = town.deletions();
    deleted.sort();
    assert_eq!(deleted, ids.iter().cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
    assert_eq!(town.logged("Processing lifecycle request"), 3);
}

/// One heartbeat of a town with this inbox: how long it took, by gtd's own clock of life.
fn time_of_a_heartbeat(town: &Town) -> Duration {
    let begin = Instant::now();
    town.run(&["--once"]).exits(0);
    begin.elapsed()
}

#[test]
fn ten_thousand_ordinary_mails_cost_little() {
    let town = Town::new(&[]);
    town.run(&["--once"]).exits(0);
    let without = time_of_a_heartbeat(&town);
    town.open_inbox();
    fs::create_dir_all(town.notes.join("inbox")).expect("made");
    let letter = Letter::new("mayor/", "Question about the queue", &"Is the merge queue stuck? ".repeat(10)).json();
    fs::write(town.notes.join("inbox/1.gm-many"), format!(",{letter}\n").repeat(10_000)).expect("written");
    let mut gt = town.command(town.bin.join("gt"));
    gt.args(["mail", "inbox", "--identity", "deacon/", "--json"]);
    let begin = Instant::now();
    let printed = crate::support::Ran::of(gt).exits(0).stdout.len();
    let printing = begin.elapsed();
    let with = time_of_a_heartbeat(&town);
    let cost = with.saturating_sub(without).saturating_sub(printing);
    println!("{printed} bytes: {with:?} with, {without:?} without, gt alone {printing:?}: {cost:?} beyond it");
    assert_eq!(town.logged("cannot be read"), 0);
    assert!(town.deletions().is_empty());
    assert!(cost < Duration::from_secs(1), "{cost:?}");
}

#[test]
fn requests_cost_few_processes() {
    let rigs: Vec<String> = (0..10).map(|number| format!("r{number}=p{number}")).collect();
    let mut town = town(&rigs.iter().map(String::as_str).collect::<Vec<_>>());
    town.configure(serde_json::json!({"gtd": {"gastown": "v1.0", "tmux_socket": "default"}}));
    fs::write(town.notes.join("gt.many"), "").expect("written");
    let gtd = town.up();
    let up = |number: &usize| town.pid(&format!("r{number}-witness")).is_some();
    wait_until("all are up", || (0..10).filter(up).count() == 10);
    gtd.stop();
    // Ten are carried out, ten are overtaken by these, and the rest is left for the next pass.
    for action in ["restart", "cycle"] {
        for number in 0..10 {
            town.deliver(&Letter::request(&format!("r{number}/witness"), action));
        }
    }
    for _ in 0..80 {
        town.deliver(&Letter::request("nobody", "cycle"));
    }
    let passes = town.calls("gt").len();
    let (mut gtd, trace) = match std::path::Path::new("/usr/bin/strace").exists() {
        true => {
            let file = town.notes.join("strace");
            let mut strace = town.command("/usr/bin/strace");
            strace.args(["-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o"]).arg(&file);
            strace.arg(crate::support::program::GTD).arg("--once");
            (crate::support::Gtd::start(strace), Some(file))
        }
        false => (crate::support::Gtd::start(town.gtd(&["--once"])), None),
    };
    gtd.wait();
    let calls = town.calls("gt").len() - passes;
    assert_eq!(calls, 2, "one reading, one deletion: {:?}", town.calls("gt"));
    assert_eq!(town.inbox().len(), 80, "twenty are consumed in a pass");
    let Some(trace) = trace else { return };
    // Only gtd's own children: the first child of each line's PID is told by its program.
    let text = fs::read_to_string(trace).expect("a trace");
    let runs = |line: &&str| line.contains("execve(") && line.ends_with("= 0");
    let tools = ["/tmux\"", "/bin/gt\"", "/bin/bd\""];
    let ran = text.lines().filter(runs).filter(|line| {
        let program = line.split("execve(").nth(1).unwrap_or_default().split(',').next().unwrap_or_default();
        tools.iter().any(|tool| program.ends_with(tool))
    });
    let count = ran.count();
    let is_done = |line: &&str| line.contains("cycle of witness for ") && line.ends_with(" is done");
    let done = town.log().lines().filter(is_done).count();
    println!("{count} processes, {done} requests carried out");
    assert_eq!(done, 10);
    assert!(count <= 12 + 3 * done, "{count} processes, {done} carried out");
}

#[test]
fn what_is_more_than_twenty_mails_is_consumed_at_the_next_looks() {
    let mut town = town(&[]);
    town.configure(serde_json::json!({"heartbeat": {"interval": "1h"}}));
    for _ in 0..50 {
        town.deliver(&Letter::request("nobody", "cycle"));
    }
    let gtd = town.up();
    let gone = crate::support::limit::holds_within(Duration::from_secs(5), || town.inbox().is_empty());
    gtd.stop();
    assert!(gone, "{} are left", town.inbox().len());
}
