//! Being a daemon: one a town, signals, files that others move away, and its end.

use crate::support::{Town, process, wait_until};
use serde_json::json;
use std::fs;
use std::time::Duration;

#[test]
fn a_second_one_is_refused_and_told_who_was_first() {
    let town = Town::new(&[]);
    let gtd = town.up();
    for args in [&[][..], &["--once"], &["--background"]] {
        let said = town.run(args).refused(5);
        assert!(said.contains(&format!("gtd (PID {}) already serves", gtd.pid())), "{said}");
    }
    gtd.stop();
}

#[test]
fn a_lock_and_a_pid_that_were_unlinked_are_made_anew() {
    let town = Town::new(&[]);
    let gtd = town.up();
    town.remove("daemon/daemon.pid");
    town.remove("daemon/daemon.lock");
    wait_until("they are there again", || {
        town.read("daemon/daemon.pid") == gtd.pid().to_string() && town.root.join("daemon/daemon.lock").exists()
    });
    town.run(&["--once"]).refused(5);
    town.run(&["--stop"]).exits(0);
}

#[test]
fn one_whose_lock_was_removed_is_known_by_its_pid_file_until_it_makes_it_anew() {
    let town = Town::new(&[]);
    let mut gtd = town.up();
    // It makes nothing anew while it stands still.
    gtd.signal(libc::SIGSTOP);
    wait_until("it is stopped", || process::is_stopped(gtd.pid()));
    town.remove("daemon/daemon.lock");
    let said = town.run(&["--status"]).exits(0).stdout;
    assert!(said.starts_with("running") && said.contains(&format!("PID {}", gtd.pid())), "{said}");
    let said = town.run(&["--stop"]).exits(0).stdout;
    assert!(said.contains(&format!("PID {}", gtd.pid())), "{said}");
    gtd.wait();
}

#[test]
fn stop_with_nothing_running_says_so_and_makes_nothing() {
    let town = Town::new(&[]);
    let said = town.run(&["--stop"]).exits(0).stdout;
    assert!(said.starts_with("gtd: no daemon runs"), "{said}");
    assert!(!town.root.join("daemon").exists());
}

#[test]
fn stop_says_what_it_did_and_leaves_a_clean_house() {
    let town = Town::new(&["alpha"]);
    let mut gtd = town.up();
    let said = town.run(&["--stop"]).exits(0).stdout;
    assert!(said.starts_with(&format!("gtd: stopped (PID {}", gtd.pid())), "{said}");
    assert_eq!(gtd.wait().0.code(), Some(0));
    assert!(!town.root.join("daemon/daemon.pid").exists() && town.root.join("daemon/daemon.lock").exists());
    assert_eq!(town.state()["running"], false);
    assert!(town.pid("deacon").is_some() && town.pid("alpha-witness").is_some(), "agents live on");
    let log = town.log();
    let last: Vec<&str> = log.lines().rev().take(3).map(|line| &line[20..]).collect();
    assert_eq!(last, ["Daemon stopped", "Daemon shutting down", "Received signal terminated, shutting down"]);
}

#[test]
fn a_stopped_daemon_is_continued_and_ends_well() {
    let town = Town::new(&[]);
    let mut gtd = town.up();
    gtd.signal(libc::SIGSTOP);
    wait_until("it is stopped", || process::is_stopped(gtd.pid()));
    let said = town.run(&["--stop"]).exits(0).stdout;
    assert!(said.starts_with("gtd: stopped"), "{said}");
    assert_eq!(gtd.wait().0.code(), Some(0));
    assert_eq!(town.state()["running"], false);
}

#[test]
fn a_daemon_that_does_not_end_in_time_is_killed_and_its_state_put_right() {
    let town = Town::new(&[]);
    // It is continued and killed in one breath; only a scheduler that puts `--stop` aside just
    // there lets it end by itself, and that does not happen many times in a row.
    let killed = (0..20).any(|_| {
        let mut gtd = town.up();
        let agent = town.wait_for_agent("deacon", None);
        gtd.signal(libc::SIGSTOP);
        wait_until("it is stopped", || process::is_stopped(gtd.pid()));
        let said = town.run(&["--stop", "--timeout", "0s"]).exits(0).stdout;
        let killed = said.starts_with(&format!("gtd: killed (PID {})", gtd.pid()));
        assert!(killed || said.starts_with("gtd: stopped"), "{said}");
        assert_eq!(gtd.wait().0.code().is_none(), killed, "by a signal: {said}");
        assert_eq!(town.state()["running"], false);
        assert!(!town.root.join("daemon/daemon.pid").exists());
        assert!(process::is_alive(agent), "agents live on");
        town.run(&["--status"]).exits(3);
        killed
    });
    assert!(killed, "it ended by itself twenty times in a row");
}

#[test]
fn sighup_reads_the_configuration_and_opens_a_moved_log_anew() {
    let mut town = Town::new(&["alpha"]);
    let gtd = town.up();
    let heard = || town.heard("deacon", None).len();
    wait_until("heartbeats are heard", || heard() >= 1);
    fs::rename(town.root.join("daemon/daemon.log"), town.root.join("daemon/moved.log")).expect("moved");
    town.configure(json!({"heartbeat": {"enabled": false}}));
    gtd.signal(libc::SIGHUP);
    town.wait_for_log("Received SIGHUP: log opened anew, configuration read");
    let (moved, heard) = (town.read("daemon/moved.log"), town.heard("deacon", None).len());
    town.wait_for_heartbeats(3);
    assert_eq!(town.read("daemon/moved.log"), moved, "nothing more goes into the old one");
    assert_eq!(town.heard("deacon", None).len(), heard, "heartbeats are switched off");
    // A bad file keeps the old one.
    town.write("mayor/daemon.json", "{\"heartbeat\"");
    gtd.signal(libc::SIGHUP);
    town.wait_for_log("mayor/daemon.json: not JSON");
    town.wait_for_heartbeats(2);
    assert_eq!(town.heard("deacon", None).len(), heard);
    gtd.stop();
}

#[test]
fn the_log_is_rotated_at_its_size() {
    let mut town = Town::new(&[]);
    town.configure(json!({"heartbeat": {"interval": "100ms"}, "gtd": {"log": {"max_size": "4KiB", "keep": 2}}}));
    let gtd = town.start();
    wait_until("it is rotated", || town.root.join("daemon/daemon.log.1").exists());
    gtd.stop();
    assert!(town.log().len() <= 4096 && town.read("daemon/daemon.log.1").len() <= 4096);
}

#[test]
fn a_thousand_wakes_are_no_reason_not_to_end() {
    let town = Town::new(&["alpha"]);
    let mut gtd = town.up();
    for _ in 0..1000 {
        gtd.signal(libc::SIGUSR1);
    }
    gtd.signal(libc::SIGTERM);
    let (status, after) = gtd.wait();
    assert_eq!(status.code(), Some(0));
    assert!(after < Duration::from_secs(3), "{after:?}");
    assert_eq!(town.logged("Daemon stopped"), 1);
    assert_eq!(town.state()["running"], false);
}

#[test]
fn sigint_ends_it_as_sigterm_does() {
    let town = Town::new(&[]);
    let mut gtd = town.up();
    gtd.signal(libc::SIGINT);
    assert_eq!(gtd.wait().0.code(), Some(0));
    assert_eq!(town.logged("Received signal interrupt, shutting down"), 1);
}

#[test]
fn in_the_background_it_outlives_whoever_started_it() {
    let town = Town::new(&["alpha"]);
    let ran = town.run(&["--background"]).exits(0);
    assert!(ran.stderr.contains("in the background (PID "), "{ran}");
    let pid: u32 = town.read("daemon/daemon.pid").parse().expect("it is up when --background returns");
    assert!(process::is_alive(pid));
    assert_eq!(process::session(pid), Some(pid), "a session of its own");
    assert_ne!(process::parent(pid), Some(std::process::id()));
    for stream in 0..=2 {
        let target = fs::read_link(format!("/proc/{pid}/fd/{stream}")).expect("a stream");
        assert_eq!(target.to_str(), Some("/dev/null"));
    }
    process::signal(pid, libc::SIGHUP);
    town.wait_for_log("Received SIGHUP");
    town.wait_for_agent("alpha-witness", None);
    town.run(&["--background"]).refused(5);
    assert!(process::is_alive(pid), "a closed terminal does not end it");
    town.run(&["--stop"]).exits(0);
    assert!(!process::is_alive(pid));
}

#[test]
fn the_environment_of_cron_is_enough() {
    let mut town = Town::new(&["alpha"]);
    // Without TMUX_TMPDIR the user's own server would be meant.
    let socket = town.sockets.join("cron");
    town.configure(json!({"gtd": {"tmux_socket": socket}}));
    // What cron's PATH does not name is in a usual place.
    fs::create_dir_all(town.home.join(".local/bin")).expect("made");
    fs::rename(town.bin.join("bd"), town.home.join(".local/bin/bd")).expect("moved");
    std::os::unix::fs::symlink(&town.root, town.home.join("gt")).expect("linked");
    let mut command = crate::support::program::bare(crate::support::program::GTD);
    command.env("HOME", &town.home).env("SHELL", "/bin/sh").env("PATH", "/usr/bin:/bin");
    command.current_dir(&town.home).arg("--background");
    crate::support::Ran::of(command).exits(0);
    town.wait_for_agent("alpha-witness", None);
    wait_until("a heartbeat is heard", || !town.heard("deacon", None).is_empty());
    assert!(town.log().contains(".local/bin/bd"));
    let socket = socket.to_str().expect("a path");
    let sessions = town.tmux(&["-S", socket, "list-sessions", "-F", "#{session_name}"]);
    assert_eq!(sessions, "gt-alpha-witness\ngt-deacon");
    town.run(&["--stop"]).exits(0);
}

#[test]
fn the_tmux_server_that_it_starts_inherits_nothing_of_it() {
    let mut town = Town::new(&[]);
    town.set_env("GT_ROLE", "mayor");
    town.set_env("CLAUDECODE", "1");
    let gtd = town.up();
    let server: u32 = town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID");
    gtd.stop();
    let held = fs::read_dir(format!("/proc/{server}/fd")).expect("its descriptors");
    let held: Vec<String> = held
        .filter_map(|entry| Some(fs::read_link(entry.ok()?.path()).ok()?.display().to_string()))
        .filter(|target| target.contains("/daemon/"))
        .collect();
    assert_eq!(held, [""; 0], "no lock and no log is kept open");
    assert_eq!(town.tmux(&["show-environment", "-g"]).lines().filter(|l| l.starts_with("CLAUDECODE=")).count(), 0);
    assert_eq!(fs::read_link(format!("/proc/{server}/cwd")).expect("a directory"), town.root);
    let status = fs::read_to_string(format!("/proc/{server}/status")).expect("a status");
    assert!(status.contains("Umask:\t0022"), "{status}");
}
