//! `bd` and `gt` hang, flood, and leave children behind, both at once: heartbeats go on, agents are started again, nothing of
//! them outlives its deadline, and gtd does not grow by what they say.

use crate::health::{assert_healthy, daemons};
use crate::support::{Gtd, Letter, Mode, Town, is_soak, limit::holds_within, process, wait_until};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// A deadline that is short, so that ten of them pass in a test.
const DEADLINE: Duration = Duration::from_secs(1);
/// How long `gt mail inbox` may take, whatever the deadline of others.
const INBOX_DEADLINE: Duration = Duration::from_secs(90);
/// gtd's memory, of the build with all its checks, in KiB. A flood is cut at 8 MiB.
const MOST_MEMORY: u64 = 64 << 10;

/// A line of `/proc/PID/status`, in KiB.
pub fn memory(pid: u32, key: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("such a line");
    let number: String = line.chars().filter(char::is_ascii_digit).collect();
    number.parse().expect("a number")
}

/// What belongs to `bd` or `gt` and lives.
fn of_tools(town: &Town) -> Vec<process::Process> {
    let words = ["sleep 1000", "yes too much", "bin/bd", "bin/gt "];
    let all = town.processes("").into_iter();
    all.filter(|process| words.iter().any(|word| process.line.contains(word))).collect()
}

/// Kills the Deacon while the tools are in these moods, and waits until it is back and heartbeats have gone on. Nothing of the
/// tools may live ten times as long as its deadline, nor gtd grow.
fn outlive(town: &Town, gtd: &Gtd, bd: Mode, gt: Mode, deadline: Duration) {
    town.set_mode("bd", bd);
    town.set_mode("gt", gt);
    let pid = town.wait_for_agent("deacon", None);
    process::signal(pid, libc::SIGKILL);
    let done = town.heartbeats_done();
    let mut seen: BTreeMap<u32, Instant> = BTreeMap::new();
    let went_on = holds_within(deadline * 30, || {
        let now = of_tools(town);
        seen.retain(|pid, _| now.iter().any(|process| process.pid == *pid));
        for process in now {
            let since = seen.entry(process.pid).or_insert_with(Instant::now).elapsed();
            assert!(since < deadline * 10, "{process:?} has lived for {since:?}");
        }
        town.pid("deacon").is_some_and(|now| now != pid) && town.heartbeats_done() >= done + 3
    });
    assert!(went_on, "bd {bd:?}, gt {gt:?}: heartbeats go on, and the Deacon is back");
    assert_eq!(daemons(town), [gtd.pid()], "bd {bd:?}, gt {gt:?}");
    let memory = memory(gtd.pid(), "VmHWM:");
    assert!(memory < MOST_MEMORY, "bd {bd:?}, gt {gt:?}: {memory} KiB");
}

#[test]
fn tools_in_any_mood_neither_hold_up_heartbeats_nor_outlive_their_deadline() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"command_timeout": "1s", "restart": {"first_delay": "0s"}}}));
    let gtd = town.up();
    town.wait_for_agent("alpha-witness", None);
    outlive(&town, &gtd, Mode::Hang, Mode::Flood, DEADLINE);
    outlive(&town, &gtd, Mode::Flood, Mode::Fork, DEADLINE);
    outlive(&town, &gtd, Mode::Fork, Mode::Rubbish, DEADLINE);
    let mut starts = 4;
    if is_soak() {
        outlive(&town, &gtd, Mode::Hang, Mode::Hang, INBOX_DEADLINE);
        starts += 1;
    }
    town.set_mode("gt", Mode::Answer);
    town.answer_as_recorded("bd", "bd-show-deacon-after-prime");
    wait_until("nothing of them is left", || of_tools(&town).is_empty());
    assert_healthy(&town, &gtd, &[("deacon", starts), ("alpha-witness", 1)]);
    gtd.stop();
}

#[test]
fn many_deletions_that_hang_hold_up_a_restart_for_one_deadline_only() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"command_timeout": "3s", "restart": {"first_delay": "0s"}}}));
    town.open_inbox();
    let gtd = town.up();
    let pid = town.wait_for_agent("deacon", None);
    town.set_deletion("hang");
    for _ in 0..20 {
        town.deliver(&Letter::request("nobody", "restart"));
    }
    gtd.signal(libc::SIGUSR1);
    wait_until("a deletion hangs", || !town.processes("sleep 1000").is_empty());
    process::signal(pid, libc::SIGKILL);
    // Twenty deadlines are twice the time that anything is waited for.
    town.wait_for_agent("deacon", Some(pid));
    town.set_deletion("do");
    assert_healthy(&town, &gtd, &[("deacon", 2), ("alpha-witness", 1)]);
    gtd.stop();
}

#[test]
fn an_agent_that_is_gone_when_a_heartbeat_begins_is_started_before_bd_is_asked() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"command_timeout": "1h"}}));
    town.set_mode("bd", Mode::Hang);
    let gtd = town.start();
    // Nobody waits for bd: it hangs for longer than the test may last.
    town.wait_for_agent("deacon", None);
    town.wait_for_agent("alpha-witness", None);
    wait_until("bd hangs", || !town.processes("sleep 1000").is_empty());
    assert_eq!(town.heartbeats_done(), 0);
    gtd.stop();
    wait_until("nothing of it is left", || of_tools(&town).is_empty());
}
