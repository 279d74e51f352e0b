//! How fast a daemon comes up, answers and goes.

use super::kernel::time_to_end;
use super::table::Table;
use super::town::{GTD, Rhythm, Town, wait_until, which};
use super::{RUNS, runs};
use std::fs;
use std::process::Child;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// From exec to the first tmux command. The floor is a program that is nothing but that command's own note of the time.
pub fn start(table: &mut Table) {
    let town = Town::new(3, Rhythm::default());
    let stamp = town.path("first-tmux");
    let note = format!("[ -e '{0}' ] || date +%s%N >'{0}'\nexec {1} \"$@\"", stamp.display(), which("tmux").display());
    town.program("tmux", &note);
    let since = |run: &dyn Fn()| {
        let _ = fs::remove_file(&stamp);
        let start = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
        run();
        let first: u128 = fs::read_to_string(&stamp).expect("tmux was run").trim().parse().expect("nanoseconds");
        (first - start.as_nanos()) as f64 / 1e6
    };
    let times = runs(|| since(&|| town.run(&["--once"])));
    let floor = runs(|| since(&|| drop(town.command(town.path("bin/tmux")).arg("-V").status())));
    fs::remove_file(town.path("bin/tmux")).expect("removed");
    table.add("from exec to the first tmux command, which notes the time", "ms", times).budget(10.0).floor(floor);
}

/// From SIGTERM to the end: idle, and while a `bd` hangs.
pub fn stop(table: &mut Table) {
    let town = Town::new(3, Rhythm::default());
    let times = runs(|| time_to_end(town.daemon(GTD)));
    table.add("from SIGTERM to exit, idle", "ms", times).budget(20.0).floor(runs(|| time_to_end(sleep())));
    let hung = town.path("hung");
    town.program("bd", &format!("trap '' TERM HUP\ntouch '{}'\nsleep 1000\nsleep 1000", hung.display()));
    let times = runs(|| {
        let _ = fs::remove_file(&hung);
        let daemon = town.gtd(GTD, &[]).spawn().expect("gtd");
        wait_until(|| hung.exists());
        time_to_end(daemon)
    });
    table.add("from SIGTERM to exit, in the middle of a hung bd", "ms", times).budget(300.0);
}

/// The command line and the end of a daemon that has a thousand agents.
pub fn many(table: &mut Table, town: &Town) {
    town.keep(Rhythm { pokes: false, ..Rhythm::default() });
    let daemon = town.daemon(GTD);
    let state = town.path("town/daemon/state.json");
    let time = |run: &dyn Fn()| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3
    };
    let read = || drop(town.command(which("cat")).arg(&state).status());
    let floor = runs(|| time(&read));
    table.add("gtd --status, 1000 agents", "ms", runs(|| time(&|| town.run(&["--status"])))).floor(floor.clone());
    table
        .add("gtd --status --json, 1000 agents", "ms", runs(|| time(&|| town.run(&["--status", "--json"]))))
        .floor(floor);
    town.stop(daemon);
    let times = (0..RUNS).map(|_| time_to_end(town.daemon(GTD))).collect();
    table.add("from SIGTERM to exit, idle, 1000 agents", "ms", times).budget(20.0);
}

/// What 10,000 ordinary mails cost beyond `gt` itself.
pub fn mail(table: &mut Table) {
    let town = Town::new(3, Rhythm::default());
    let body = "Nothing that gtd would have to do. ".repeat(6);
    let mail = |n: usize| {
        format!(
            "{{\"id\":\"gm-{n}\",\"from\":\"overseer\",\"subject\":\"Hello\",\"body\":\"{body}\",\"timestamp\":\"2026-01-01T00:00:00Z\"}}"
        )
    };
    let mails: Vec<String> = (0..10_000).map(mail).collect();
    let inbox = town.path("inbox.json");
    fs::write(&inbox, format!("[{}]", mails.join(","))).expect("written");
    let time = |mails: &str| {
        town.program("gt", &format!("[ \"$1\" = mail ] && {mails} || echo 'gt version 0.1.0'"));
        let start = Instant::now();
        town.run(&["--once"]);
        start.elapsed().saturating_sub(town.time_of_tools()).as_secs_f64() * 1e3
    };
    let full = format!("cat '{}'", inbox.display());
    let times = runs(|| (time(&full) - time("echo null")).max(0.0));
    table.add("10,000 ordinary mails, beyond gt", "ms", times).budget(100.0);
}

fn sleep() -> Child {
    std::process::Command::new(which("sleep")).arg("1000").spawn().expect("sleep")
}
