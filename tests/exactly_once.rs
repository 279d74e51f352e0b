//! gtd is killed at any instant, again and again, while it is asked for things: what is asked for is neither lost nor done
//! twice. Agents count their own starts.

mod support;

use std::thread;
use std::time::{Duration, Instant};
use support::{Gtd, Letter, Town, process, wait_until};

/// Rounds of each test: enough to hit every step of a request, which takes some 100 ms.
const ROUNDS: u32 = 20;

/// Numbers that look like chance and are the same each time (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Starts gtd, and waits until it holds its lock and has written its log: from here on it is at work.
fn start(town: &Town) -> Gtd {
    let before = town.logged("Daemon starting");
    let gtd = town.start();
    wait_until("gtd is at work", || town.logged("Daemon starting") > before);
    gtd
}

/// Kills gtd some time from now, and starts the next one.
fn kill_and_go_on(town: &Town, gtd: Gtd, after: Duration) -> Gtd {
    thread::sleep(after);
    gtd.kill();
    let state = town.read("daemon/state.json");
    assert!(state.is_empty() || town.state().is_object(), "the state is whole: {state}");
    start(town)
}

/// Whether nothing is left to be done.
fn is_settled(town: &Town) -> bool {
    let state = town.state();
    let requests = &state["gtd"]["history"]["requests"];
    requests.as_array().is_none_or(Vec::is_empty) && state["gtd"].is_object()
}

/// Restarts the Deacon `ROUNDS` times through `ask`, which returns whether its request has been consumed; gtd is killed in
/// the midst of each.
fn restarts_are_done_once(seed: u64, ask: impl Fn(&Town), consumed: impl Fn(&Town) -> bool) {
    let town = Town::new(&[]);
    town.open_inbox();
    town.set_deletion("slow");
    let mut chance = Chance(seed);
    let mut gtd = town.up();
    let mut pid = town.wait_for_agent("deacon", None);
    let begin = Instant::now();
    for round in 0..ROUNDS {
        let starts = town.pids("deacon").len();
        ask(&town);
        gtd.signal(libc::SIGUSR1);
        gtd = kill_and_go_on(&town, gtd, Duration::from_millis(chance.below(260)));
        if chance.below(2) == 0 {
            gtd = kill_and_go_on(&town, gtd, Duration::from_millis(chance.below(200)));
        }
        let next = town.wait_for_agent("deacon", Some(pid));
        wait_until("the request is consumed and settled", || consumed(&town) && is_settled(&town));
        // A start that was cut off before it was known may be seen and replaced; never is there more than one that lives.
        let pids = town.pids("deacon");
        let alive: Vec<u32> = pids.iter().copied().filter(|pid| process::is_alive(*pid)).collect();
        assert_eq!(alive.len(), 1, "round {round}: one lives");
        assert_eq!(pids.len(), starts + 1, "round {round}: done once, {next} after {pid}");
        pid = alive[0];
    }
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.pids("deacon").last(), Some(&pid), "nothing comes afterwards");
    assert!(town.pids("deacon").len() == 1 + ROUNDS as usize);
    assert!(begin.elapsed() < Duration::from_secs(55), "{:?}", begin.elapsed());
}

#[test]
fn a_restart_by_mail_is_done_once_however_gtd_is_killed() {
    let ask = |town: &Town| drop(town.deliver(&Letter::request("deacon", "restart")));
    restarts_are_done_once(0x9e37_79b9_7f4a_7c15, ask, |town| town.inbox().is_empty());
}

#[test]
fn a_restart_through_the_spool_is_done_once_however_gtd_is_killed() {
    let ask = |town: &Town| drop(town.request("restart", "deacon").exits(0));
    let left = |town: &Town| {
        let entries = std::fs::read_dir(town.root.join("daemon/requests")).into_iter().flatten().flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "json")).count()
    };
    restarts_are_done_once(0x2545_f491_4f6c_dd1d, ask, move |town| left(town) == 0);
}

#[test]
fn a_shutdown_and_a_start_are_done_once_however_gtd_is_killed() {
    let town = Town::new(&[]);
    town.open_inbox();
    let mut chance = Chance(0xda94_2042_e4dd_58b5);
    let mut gtd = town.up();
    town.wait_for_agent("deacon", None);
    for round in 0..ROUNDS / 2 {
        let starts = town.pids("deacon").len();
        town.deliver(&Letter::request("deacon", "shutdown"));
        gtd.signal(libc::SIGUSR1);
        gtd = kill_and_go_on(&town, gtd, Duration::from_millis(chance.below(250)));
        wait_until("it is down", || !town.has_session("gt-deacon"));
        wait_until("it is settled", || town.inbox().is_empty() && is_settled(&town));
        assert_eq!(town.pids("deacon").len(), starts, "round {round}: it is not started again");
        assert_eq!(town.pid("deacon"), None, "round {round}");
        town.request("start", "deacon").exits(0);
        gtd = kill_and_go_on(&town, gtd, Duration::from_millis(chance.below(200)));
        wait_until("it is up", || town.pid("deacon").is_some());
        wait_until("it is settled", || is_settled(&town));
        assert_eq!(town.pids("deacon").len(), starts + 1, "round {round}: started once");
    }
    gtd.stop();
}

#[test]
fn a_spawned_worker_is_neither_lost_nor_started_off_twice_however_gtd_is_killed() {
    let town = Town::new(&["alpha"]);
    town.open_inbox();
    town.set_deletion("slow");
    let mut chance = Chance(0x1234_5678_9abc_def1);
    let mut gtd = town.up();
    let agent = format!("BD_ACTOR=worker {}", town.bin.join("agent").display());
    for round in 0..ROUNDS / 2 {
        let name = format!("w{round}");
        let session = format!("gt-alpha-{name}");
        let root = town.root.to_str().expect("a path");
        town.tmux(&["new-session", "-d", "-s", &session, "-c", root, &agent]);
        let heard = town.heard("worker", None).len();
        let subject = format!("POLECAT_STARTED alpha/{name}");
        town.deliver(&Letter::new("mayor/", &subject, &format!("Issue: gt-1\nSession: {session}")));
        gtd.signal(libc::SIGUSR1);
        gtd = kill_and_go_on(&town, gtd, Duration::from_millis(chance.below(250)));
        wait_until("it has its first word", || town.heard("worker", None).len() > heard);
        wait_until("nobody waits", || town.inbox().is_empty() && !town.read("spawn/pending.json").contains(&session));
        assert_eq!(town.heard("worker", None).len(), heard + 1, "round {round}: {:?}", town.heard("worker", None));
        town.tmux(&["kill-session", "-t", &format!("={session}")]);
    }
    gtd.stop();
    assert!(town.heard("worker", None).iter().all(|line| line == "Begin."));
}
