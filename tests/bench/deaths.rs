//! From an agent's death to its line in the log, and to its restart; and the death of a thousand.

use super::RUNS;
use super::kernel::{Watched, kill};
use super::table::Table;
use super::town::{GTD, Rhythm, Town, spin_until, which};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Deaths that are measured.
const TRIES: usize = 20;
/// What the log says of deaths.
const DEATHS: [&str; 3] = [" is gone (PID ", "tmux lost ", " ended; tmux is asked how"];
/// What the log says of each start.
const STARTED: &str = "started successfully";

/// One agent at a time. Nothing but the death itself makes the daemon look.
pub fn deaths(table: &mut Table) {
    let town = Town::new(3, Rhythm::default());
    let daemon = town.daemon(GTD);
    let (mut said, mut back) = (Vec::new(), Vec::new());
    for n in 1..=TRIES {
        // So that no back-off is measured.
        town.run(&["--request", "reset", "deacon"]);
        spin_until(|| town.said("reset of Deacon is done") == n);
        std::thread::sleep(Duration::from_millis(1200));
        let (gone, started) = (town.said("Deacon is gone"), town.said("Deacon session started"));
        let pid = pid_of(&town);
        let start = Instant::now();
        kill(pid, libc::SIGKILL);
        spin_until(|| town.said("Deacon is gone") > gone);
        said.push(start.elapsed().as_secs_f64() * 1e3);
        spin_until(|| town.said("Deacon session started") > started);
        // In a pane that gtd has started, settling takes one second; in the first, somebody else's, five.
        let settling = if n == 1 { 5.0 } else { 1.0 };
        back.push((start.elapsed().as_secs_f64() - settling) * 1e3);
    }
    town.stop(daemon);
    let (told, restarted): (Vec<f64>, Vec<f64>) = (0..TRIES).map(|_| alone(&town)).unzip();
    table.add("from an agent's death to the log", "ms", said).budget(50.0).floor(told);
    table.add("from an agent's death to its restart, beyond settling", "ms", back).budget(50.0).floor(restarted);
}

/// What the kernel takes to tell of an end, and tmux to show it and to start the program again.
fn alone(town: &Town) -> (f64, f64) {
    std::thread::sleep(Duration::from_millis(100));
    let pid = pid_of(town);
    let watched = Watched::new(pid);
    let start = Instant::now();
    kill(pid, libc::SIGKILL);
    watched.wait();
    let told = start.elapsed().as_secs_f64() * 1e3;
    let respawn = Instant::now();
    town.tmux(&["respawn-pane", "-k", "-t", "=gt-deacon:"]);
    (told, respawn.elapsed().as_secs_f64() * 1e3)
}

fn pid_of(town: &Town) -> u32 {
    let pid = town.tmux(&["list-panes", "-t", "=gt-deacon:", "-F", "#{pane_pid}"]);
    pid.trim().parse().expect("a PID")
}

/// All agents of this town die at once: their programs, in panes that stay. It is tmux that takes long then: it was seen to answer
/// nobody for nine seconds.
pub fn mass_death(table: &mut Table, town: &Town) {
    town.keep(Rhythm { pokes: false, ..Rhythm::default() });
    let (mut said, mut told) = (Vec::new(), Vec::new());
    for n in 1..=RUNS {
        let daemon = town.daemon(GTD);
        let pids = town.tmux(&["list-panes", "-a", "-F", "#{pane_pid}"]);
        let pids: Vec<u32> = pids.lines().map(|pid| pid.parse().expect("a PID")).collect();
        let first = Watched::new(pids[0]);
        let deaths = || DEATHS.iter().map(|words| town.said(words)).sum::<usize>();
        let before = deaths();
        let start = Instant::now();
        kill(pids[0], libc::SIGKILL);
        first.wait();
        told.push(start.elapsed().as_secs_f64() * 1e3);
        // They take a tenth of a second to be killed.
        std::thread::scope(|scope| {
            scope.spawn(|| pids[1..].iter().for_each(|pid| kill(*pid, libc::SIGKILL)));
            spin_until(|| deaths() > before);
            said.push(start.elapsed().as_secs_f64() * 1e3);
        });
        if n < RUNS {
            town.stop(daemon);
            town.start_again();
            continue;
        }
        let what = format!("from {} deaths to the first line in the log", pids.len());
        table.add(what, "ms", said.clone()).budget(50.0).floor(told.clone());
        returns(table, town, start);
        town.stop(daemon);
    }
}

/// How they come back, five at a time.
fn returns(table: &mut Table, town: &Town, death: Instant) {
    let before = town.said(STARTED);
    spin_until(|| town.said(STARTED) >= before + 5);
    let first = death.elapsed().as_secs_f64();
    // tmux shows what it has heard of: the rest of the deaths comes in the looks that follow, one a second.
    let five_more = |n: usize| spin_until(|| town.said(STARTED) >= before + 5 * n);
    five_more(2);
    let began = Instant::now();
    five_more(5);
    let pace = began.elapsed().as_secs_f64() / 3.0;
    table.add("  to the first five restarts, with 5 s of settling", "s", vec![first]);
    table.add("  from five to the next five, 2 s apart and a look", "s", vec![pace]);
    let mut list = town.command(which("tmux"));
    let dead = list.args(["list-panes", "-a", "-F", "#{pane_dead}"]).stdout(Stdio::piped()).output().expect("tmux");
    assert!(dead.stdout.starts_with(b"0"), "the Deacon is not the first that is back");
}
