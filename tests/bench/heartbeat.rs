//! Heartbeats in which every agent is poked. Times are of the whole program, `gtd --once`, from its start to its end,
//! without what `bd` and `gt` take: a heartbeat of a daemon that runs already is a little shorter.

use super::floor::Recorded;
use super::kernel::{programs, trace};
use super::runs;
use super::table::Table;
use super::town::{Rhythm, Town};
use std::time::Instant;

/// Heartbeats in towns of all sizes.
pub fn heartbeat(table: &mut Table) {
    for (agents, budget) in [(1, 0.33), (50, 0.35), (200, 0.45), (1000, 1.1)] {
        let town = Town::new(agents, Rhythm::default());
        let recorded = Recorded::new(&town);
        let times = runs(|| one(&town));
        let what = format!("heartbeat, {agents} agent{} poked", if agents == 1 { "" } else { "s" });
        let traced = trace(&town, "execve", &["--once"]).map(|mut traced| {
            assert!(traced.wait().expect("strace").success());
            programs(&town).len()
        });
        // After all of gtd's, which finds agents at work and does not poke them where somebody else has just done so.
        table.add(what, "s", times).budget(budget).floor(runs(|| recorded.heartbeat(&town)));
        match traced {
            Some(count) => {
                table.count("  processes in it", count).budget(8.0).floor(vec![8.0]);
            }
            None => table.missing("  processes in it", "there is no strace"),
        }
    }
}

/// One heartbeat, in which everybody was poked.
fn one(town: &Town) -> f64 {
    let start = Instant::now();
    town.run(&["--once"]);
    let time = start.elapsed().saturating_sub(town.time_of_tools()).as_secs_f64();
    let log = town.log();
    let last = log.rsplit("Heartbeat starting").next().unwrap_or_default();
    let poked = last.lines().filter(|line| line.contains(" Poked ")).count();
    assert_eq!(poked, town.size(), "not every agent was poked:\n{last}");
    time
}
