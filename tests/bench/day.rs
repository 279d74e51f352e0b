//! What a day of an idle town costs: a Deacon and ten Witnesses to whom nothing happens.
//!
//! gtd looks once a minute, and sends heartbeats the more seldom the longer the town has been idle. How many that makes in 24
//! hours is counted by letting the rules decide through a whole day. Then a daemon runs for which a minute is a tenth of a
//! second, through a third of the looks and of the heartbeats of that day; what this costs is tripled.

use super::idle::{A_DAY, heartbeats};
use super::kernel::{programs, trace, work};
use super::table::Table;
use super::town::{GTD, Rhythm, Town, poll};
use std::fs;
use std::time::Duration;

/// Looks in 24 hours.
const LOOKS: usize = A_DAY as usize;
/// So much of the day is run.
const PART: usize = 3;
/// From look to look, where the real one is a minute.
const MINUTE: Duration = Duration::from_millis(100);
/// What a look takes itself.
const A_LOOK: Duration = Duration::from_millis(5);

/// See above.
pub fn day(table: &mut Table) {
    let heartbeats = heartbeats();
    let interval = (MINUTE + A_LOOK) * u32::try_from(LOOKS / heartbeats).expect("a small number");
    let town =
        Town::of_rigs(10, Rhythm { look: "100ms", heartbeat: &format!("{}ms", interval.as_millis()), pokes: true });
    let processes = trace(&town, "execve", &["--once"]).map(|mut traced| {
        assert!(traced.wait().expect("strace").success());
        programs(&town).len()
    });
    let logged = || fs::metadata(town.path("town/daemon/daemon.log")).map_or(0, |meta| meta.len()) as f64;
    let daemon = town.daemon(GTD);
    let (before, log, said) = (work(daemon.id()), logged(), town.said("Heartbeat complete"));
    // A pass is saved once, whether it is a look or a heartbeat.
    let mut looked = town.state("looked_at");
    for _ in 0..LOOKS / PART {
        poll(Duration::from_millis(5), || town.state("looked_at") != looked);
        looked = town.state("looked_at");
    }
    let (after, log) = (work(daemon.id()), logged() - log);
    let sent = town.said("Heartbeat complete") - said;
    town.stop(daemon);
    // Where the machine is busy, looks come later and heartbeats do not: then it is a little more than a day's.
    assert!((heartbeats / PART..=heartbeats / PART + 3).contains(&sent), "{sent} heartbeats");

    let whole = |before: f64, after: f64| vec![(after - before) * PART as f64];
    table.count("24 h of an idle town of 10 rigs: looks", LOOKS);
    table.count("  heartbeats among them", heartbeats);
    table.add("  processor time of gtd", "s", whole(before.own, after.own));
    table.add("  processor time of its children", "s", whole(before.children, after.children));
    match processes {
        Some(each) => drop(table.count("  processes", LOOKS + heartbeats * (each - 1))),
        None => table.missing("  processes", "there is no strace"),
    }
    table.add("  times that a thread of gtd was woken", "", whole(before.wakes, after.wakes));
    table.add("  written, to files and pipes", "MB", whole(before.written / 1e6, after.written / 1e6));
    table.add("  of that to the log", "kB", whole(0.0, log / 1e3));
}
