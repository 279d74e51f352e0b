//! gtd runs for long, made short: thousands of looks with deaths and requests among them, after which it holds no more memory
//! and no more descriptors than near the beginning.

use crate::children::memory;
use crate::support::{Gtd, Letter, Town, is_soak, process, wait_until};
use serde_json::json;
use std::fs;
use std::io::Write;

/// How many looks are made, and after how many gtd has all it needs.
fn looks() -> (usize, usize) {
    if is_soak() { (10_000, 1000) } else { (200, 100) }
}

/// What a process holds.
#[derive(Debug)]
struct Held {
    /// Resident memory in KiB.
    memory: u64,
    descriptors: usize,
}

/// What gtd holds between two looks: a child's pipes are not its own.
fn held(gtd: &Gtd) -> Held {
    let fds = || fs::read_dir(format!("/proc/{}/fd", gtd.pid())).map(Iterator::count).unwrap_or(0);
    let children = || {
        let text = fs::read_to_string(format!("/proc/{0}/task/{0}/children", gtd.pid())).unwrap_or_default();
        text.split_whitespace().count()
    };
    let mut descriptors = 0;
    wait_until("it rests", || {
        let before = fds();
        descriptors = before;
        (0..5).all(|_| children() == 0 && fds() == before)
    });
    Held { memory: memory(gtd.pid(), "VmRSS:"), descriptors }
}

/// Has gtd look `count` times, with something to do now and then.
fn look(town: &Town, gtd: &Gtd, from: usize, count: usize) {
    let woken = || town.logged("Received SIGUSR1");
    for number in from..from + count {
        if number % 50 == 10 {
            town.deliver(&Letter::request("alpha/witness", "restart"));
        }
        if number % 50 == 20 {
            town.request("cycle", "beta/witness").exits(0);
        }
        if number % 50 == 30 {
            process::signal(town.wait_for_agent("deacon", None), libc::SIGKILL);
            town.request("reset", "deacon").exits(0);
        }
        let before = woken();
        gtd.signal(libc::SIGUSR1);
        wait_until("it has looked", || woken() > before);
    }
    for agent in ["deacon", "alpha-witness", "beta-witness"] {
        town.wait_for_agent(agent, None);
    }
    wait_until("all is done", || crate::health::is_settled(town));
}

#[test]
fn after_thousands_of_looks_gtd_holds_what_it_held_at_the_beginning() {
    let mut town = Town::new(&["alpha", "beta"]);
    town.configure(json!({"gtd": {"look_interval": "100ms", "restart": {"first_delay": "0s"}}}));
    town.open_inbox();
    let gtd = town.up();
    let (all, first) = looks();
    look(&town, &gtd, 0, first);
    let before = held(&gtd);
    look(&town, &gtd, first, all - first);
    // What is in hand just now holds one more for a moment; what is never given back would stay.
    wait_until("it holds no more descriptors than before", || held(&gtd).descriptors <= before.descriptors);
    let after = held(&gtd);
    let figures = format!("after {first} looks {before:?}, after {all} {after:?} (memory in KiB)");
    // Past the test harness, which shows it only where the test fails.
    let _ = writeln!(std::io::stderr(), "\n{figures}");
    assert!(after.memory <= before.memory + before.memory / 10 + 256, "{figures}");
    gtd.stop();
}
