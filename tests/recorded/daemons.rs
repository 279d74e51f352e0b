//! What `gt` makes of the files of a daemon: of its own as they were recorded, and of gtd's.

use super::{family, generation_of, json, stderr, stdout, text};
use crate::support::{Town, wait_until};
use gtd::town::names::Generation;
use gtd::town::time::Wall;
use serde_json::Value;

/// The PID that each generation's `gt` reads in `daemon.pid` of a daemon that holds its lock. The seed and 0.2 trim nothing.
fn pid_read_by(generation: Generation, file: &str) -> Option<u32> {
    match generation {
        Generation::Seed | Generation::V02 => file.parse().ok(),
        Generation::V10 => file.lines().next()?.trim().parse().ok(),
    }
}

/// What `gt daemon status` prints of a daemon's files, but for the town and the binary, which newer ones name besides.
fn status(generation: Generation, pid_file: &str, state: &Value) -> String {
    let Some(pid) = pid_read_by(generation, pid_file) else {
        return "○ Daemon is not running\n\nStart with: gt daemon start\n".to_owned();
    };
    let time = |key: &str| {
        let stamp = state[key].as_str().expect(key);
        let has_been = !stamp.starts_with("0001-01-01T00:00:00");
        assert_eq!(Wall::parse(stamp).is_some(), has_been, "{key}: {stamp}");
        (stamp[..10].to_owned(), stamp[11..19].to_owned(), has_been)
    };
    let (day, hour, _) = time("started_at");
    let mut said = format!("● Daemon is running (PID {pid})\n  Started: {day} {hour}\n");
    let (_, hour, has_been) = time("last_heartbeat");
    if has_been {
        said.push_str(&format!("  Last heartbeat: {hour} (#{})\n", state["heartbeat_count"]));
    }
    said
}

/// Without the lines that do not come from the files.
fn of_files(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.starts_with("  Town:") && !line.starts_with("  Binary:"));
    lines.map(|line| format!("{line}\n")).collect()
}

fn state(file: &str) -> Value {
    serde_json::from_str(&text(file)).expect("JSON")
}

#[test]
fn gt_daemon_status_prints_what_stands_in_the_files() {
    for (file, pid, state_file) in [
        ("seed/gt-daemon-status-running.json", "seed/daemon.pid", "seed/daemon_state-running.json"),
        ("seed/gt-daemon-status-stopped.json", "", "seed/daemon_state-stopped.json"),
        ("v0.2/gt-daemon-status-never.json", "", "v0.2/daemon_state-stopped.json"),
        ("v0.2/gt-daemon-status-starting.json", "v0.2/daemon.pid", "v0.2/daemon_state-starting.json"),
        ("v0.2/gt-daemon-status.json", "v0.2/daemon.pid", "v0.2/daemon_state-running.json"),
        ("v1.0/gt-daemon-status-never.json", "", "v1.0/daemon_state-stopped.json"),
        ("v1.0/gt-daemon-status-starting.json", "v1.0/daemon.pid", "v1.0/daemon_state-starting.json"),
        ("v1.0/gt-daemon-status.json", "v1.0/daemon.pid", "v1.0/daemon_state-running.json"),
    ] {
        let pid = if pid.is_empty() { String::new() } else { text(pid) };
        assert_eq!(status(generation_of(file), &pid, &state(state_file)), of_files(&stdout(file)), "{file}");
    }
    for generation in Generation::ALL {
        let started = stdout(&format!("{generation}/gt-daemon-start.json"));
        let pid = pid_read_by(generation, &text(&format!("{generation}/daemon.pid"))).expect("a PID");
        assert_eq!(started, format!("✓ Daemon started (PID {pid})\n"));
        let again = stderr(&format!("{generation}/gt-daemon-start-again.json"));
        assert!(again.starts_with(&format!("Error: daemon already running (PID {pid})\n")), "{again}");
        assert!(stdout(&format!("{generation}/gt-daemon-stop.json")).starts_with("✓ Daemon stopped (was PID "));
        let idle = stderr(&format!("{generation}/gt-daemon-stop-not-running.json"));
        assert!(idle.starts_with("Error: daemon is not running\n"), "{idle}");
    }
}

/// In which form a foreign daemon had written its PID: `plain` digits, a line `nl`, a `nonce` behind it, or `nopid` at all.
fn form(file: &str) -> &str {
    file.split_once("foreign-").and_then(|(_, rest)| rest.split_once('-')).expect("a form").0
}

/// Whether `gt` had found the daemon and its PID.
fn finds(said: &str) -> bool {
    let words: Vec<&str> = said.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    words.windows(2).any(|pair| pair[0] == "PID" && pair[1].parse::<u32>().is_ok_and(|pid| pid > 1))
}

#[test]
fn every_gt_finds_a_foreign_daemon_by_bare_digits_and_by_nothing_else() {
    let about_the_daemon = ["daemon-status", "daemon-start", "daemon-stop", "doctor", "down", "up"];
    let mut seen = 0;
    for file in family(&["foreign-"]) {
        let Some(what) = about_the_daemon.into_iter().find(|what| file.ends_with(&format!("-gt-{what}.json"))) else {
            continue;
        };
        let said = stdout(&file) + &stderr(&file);
        // 1.0 reads the first line only.
        let wanted = matches!((form(&file), generation_of(&file)), ("plain", _) | ("nl" | "nonce", Generation::V10));
        assert_eq!(finds(&said), wanted, "{file} ({what}): {said}");
        seen += 1;
    }
    assert_eq!(seen, 32, "all that is about the daemon");
    for file in [
        "v0.2/gt-up-daemon-status.json",
        "v1.0/gt-up-daemon-status.json",
        "v0.2/gt-doctor-daemon.json",
        "seed/gt-doctor-fix.json",
    ] {
        assert!(finds(&stdout(file)), "{file}");
    }
}

#[test]
fn other_commands_of_gt_work_beside_a_foreign_daemon() {
    for (file, said) in [
        ("v0.2/foreign-plain-gt-nudge.json", "✓ Nudged alpha/witness\n"),
        ("v0.2/foreign-plain-gt-start.json", "Starting Gas Town from @TOWN@\n"),
    ] {
        assert!(stdout(file).starts_with(said), "{file}");
    }
}

#[test]
fn gt_of_every_generation_finds_gtd_by_its_files_and_no_longer_when_it_has_ended() {
    let town = Town::new(&[]);
    let gtd = town.up();
    // It is saved after it is said.
    wait_until("the state has the heartbeat", || town.state()["heartbeat_count"].as_u64() > Some(0));
    let (pid, state) = (town.read("daemon/daemon.pid"), town.state());
    for generation in Generation::ALL {
        let said = status(generation, &pid, &state);
        assert!(
            said.starts_with(&format!("● Daemon is running (PID {})\n  Started: ", gtd.pid())),
            "{generation}: {said}"
        );
        assert!(said.contains(&format!("(#{})", state["heartbeat_count"])), "{generation}: {said}");
    }
    gtd.stop();
    for generation in Generation::ALL {
        let said = status(generation, &town.read("daemon/daemon.pid"), &town.state());
        assert!(said.starts_with("○ Daemon is not running"), "{generation}: {said}");
    }
}

/// `2006/01/02 15:04:05 ` and something.
fn is_log_line(line: &str) -> bool {
    let shape: String = line.chars().take(20).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000/00/00 00:00:00 " && line.len() > 20
}

/// The lines that every daemon of Gas Town writes, without their numbers.
fn frame(log: &str) -> Vec<String> {
    let said = log.lines().filter(|line| is_log_line(line)).map(|line| &line[20..]);
    let frame = ["Daemon starting (PID ", "Heartbeat complete (#", "Daemon shutting down", "Daemon stopped"];
    let plain = |line: &str| line.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
    let mut lines: Vec<String> =
        said.filter(|line| frame.iter().any(|start| line.starts_with(start))).map(plain).collect();
    lines.dedup();
    lines
}

#[test]
fn gt_daemon_logs_shows_gtds_log_as_its_own() {
    let town = Town::new(&[]);
    town.up().stop();
    let log = town.log();
    assert!(log.lines().all(is_log_line), "{log}");
    for file in ["v0.2/daemon.log", "v1.0/daemon.log"] {
        let recorded = text(file);
        assert!(recorded.lines().all(is_log_line), "{file}");
        assert_eq!(frame(&log), frame(&recorded), "{file}");
    }
    for file in ["seed/daemon.log", "seed/daemon-lifecycle.log"] {
        // A mail's lines, which are not in a line of the log.
        assert!(text(file).lines().filter(|line| is_log_line(line)).count() > 30, "{file}");
        assert_eq!(frame(&log)[..2], frame(&text(file))[..2], "{file}");
    }
    for generation in [Generation::V02, Generation::V10] {
        let shown = stdout(&format!("{generation}/gt-daemon-logs.json"));
        assert!(text(&format!("{generation}/daemon.log")).contains(&shown), "{generation}: the end of the file");
        let none = stderr(&format!("{generation}/gt-daemon-logs-none.json"));
        assert!(none.starts_with("Error: no log file found at @TOWN@/daemon/daemon.log\n"), "{none}");
    }
    assert!(town.root.join("daemon/daemon.log").is_file());
}

#[test]
fn the_readme_tells_truly_how_many_programs_gt_daemon_starts() {
    let counted = json("v1.0/heartbeat-processes.json")["programs_started"].to_string();
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("| {counted} programs in a quiet heartbeat of two rigs")), "{counted}");
}
