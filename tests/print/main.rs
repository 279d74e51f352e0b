//! `--print`: what goes with gtd is used as people use it, by the programs that it is for, where they are installed.

mod completions;
mod man;
mod services;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use support::{Ran, Town};

/// Whether a program is here. What is skipped is said past the test harness, which keeps output for itself.
fn is_here(program: &str) -> bool {
    let mut probe = Command::new("/bin/sh");
    probe.args(["-c", "command -v \"$0\"", program]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let here = probe.status().is_ok_and(|status| status.success());
    if !here {
        skipped(&format!("there is no {program} here; tests/need {program}"));
    }
    here
}

fn skipped(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::stderr().write_all(format!("\n*** SKIPPED in part, {name}: {why}\n").as_bytes());
}

/// What gtd prints, in a file.
fn printed(town: &Town, what: &str) -> PathBuf {
    let file = town.notes.join(what);
    let ran = town.run(&["--print", what]).exits(0);
    assert_eq!(ran.stderr, "", "{what}");
    fs::write(&file, ran.stdout).expect("written");
    file
}

/// A program with the town's environment, and with this process's `PATH`.
fn tool(town: &Town, program: &str, args: &[&str]) -> Command {
    let mut command = town.command("/usr/bin/env");
    command.arg(program).args(args).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Puts gtd into the town's `PATH`.
fn install(town: &Town) {
    symlink(env!("CARGO_BIN_EXE_gtd"), town.bin.join("gtd")).expect("linked");
}

#[test]
fn what_needs_no_town_is_printed_without_one() {
    let town = Town::new(&[]);
    for what in ["man", "bash", "zsh", "fish", "config", "systemd", "launchd", "cron", "agents"] {
        let mut command = town.gtd(&["--print", what]);
        command.current_dir("/");
        let ran = Ran::of(command).exits(0);
        assert_eq!(ran.stderr, "", "{what}");
        assert_eq!(ran.stdout.is_empty(), what == "agents", "{what}");
        if ["systemd", "launchd", "cron"].contains(&what) {
            assert!(ran.stdout.contains("No town is named.") && !ran.stdout.contains("gtd\" --town"), "{}", ran.stdout);
        }
    }
    let mut command = town.gtd(&["--print", "town"]);
    command.current_dir("/");
    assert!(Ran::of(command).refused(1).contains("no town"));
    // A town that was named must be one.
    assert!(town.run(&["--town", "/", "--print", "cron"]).refused(1).contains("/ is no town"));
    let refused = town.run(&["--print", "moon"]).refused(2);
    assert!(refused.contains("is none of town, man, bash, zsh, fish, systemd, launchd, cron, config;"), "{refused}");
}

#[test]
fn the_sample_configuration_is_served_without_a_warning() {
    let town = Town::new(&["alpha"]);
    let sample = fs::read_to_string(printed(&town, "config")).expect("read");
    // No real agent is to be started here.
    let agent = town.bin.join("agent").display().to_string();
    let own = sample.replace("\"claude --dangerously-skip-permissions\"", &format!("{agent:?}"));
    let own = own.replace("\"auto\"", "\"seed\"");
    assert_eq!(own.lines().zip(sample.lines()).filter(|(a, b)| a != b).count(), 2, "{own}");
    town.write("mayor/daemon.json", &own);
    town.run(&["--once"]).exits(0);
    assert_eq!(town.heartbeats_done(), 1);
    let log = town.log();
    assert!(!log.contains("daemon.json") && !log.contains("default stands") && !log.contains("ignored"), "{log}");
}
