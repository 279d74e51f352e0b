//! What a daemon does between heartbeats: looks, and nothing else.

use super::kernel::{calls, programs, trace, work};
use super::table::Table;
use super::town::{GTD, Rhythm, Town, wait_until};
use std::time::Duration;

/// Looks that are counted.
const LOOKS: usize = 12;
/// What lies closer together than this is one time awake.
const ASLEEP: Duration = Duration::from_millis(200);

/// What the kernel sees of looks.
pub fn look(table: &mut Table) {
    let town = Town::new(3, Rhythm { look: "600ms", ..Rhythm::default() });
    let Some(mut daemon) = trace(&town, "execve,poll,ppoll,clock_nanosleep", &[]) else {
        table.missing("processes in a look", "there is no strace");
        return;
    };
    // The first heartbeat ends with the mail; what follows are looks.
    let looks = || {
        let all = programs(&town);
        let first = all.iter().rposition(|call| call.text.contains("\"inbox\"")).map_or(all.len(), |at| at + 1);
        all[first..].to_vec()
    };
    // The first may belong to the heartbeat: whether the pokes were answered.
    wait_until(|| looks().len() > LOOKS + 1);
    let programs = looks().split_off(1);
    town.run(&["--stop"]);
    let _ = daemon.wait();
    let count = programs.iter().filter(|call| call.text.contains("list-panes")).count();
    table.count("processes in a look", programs.len().div_ceil(count)).budget(1.0).floor(vec![1.0]);

    let (first, last) = (programs[0].at, programs[programs.len() - 1].at);
    let calls: Vec<Duration> = calls(&town).iter().map(|call| call.at).filter(|at| *at <= last).collect();
    let awake = calls.windows(2).filter(|pair| pair[1] > first && pair[1] - pair[0] > ASLEEP).count();
    table
        .add("times woken for a look", "", vec![awake as f64 / (programs.len() - 1) as f64])
        .budget(1.0)
        .floor(vec![1.0]);
}

/// What a look costs in a small town and in this one: the difference is what an agent costs.
pub fn cost(table: &mut Table, large: &Town) {
    let often = Rhythm { look: "250ms", pokes: false, ..Rhythm::default() };
    for town in [&Town::new(10, often), large] {
        town.keep(often);
        let daemon = town.daemon(GTD);
        let looked = || town.state("looked_at");
        let wait = |n: usize| {
            for _ in 0..n {
                let before = looked();
                wait_until(|| looked() != before);
            }
        };
        wait(1);
        let before = work(daemon.id());
        wait(LOOKS);
        let after = work(daemon.id());
        town.stop(daemon);
        let of_each = |before: f64, after: f64| vec![(after - before) * 1e3 / LOOKS as f64];
        let what = format!("processor time of a look, {} agents", town.size());
        table.add(what, "ms", of_each(before.own, after.own));
        table.add("  of its tmux client", "ms", of_each(before.children, after.children));
    }
}
