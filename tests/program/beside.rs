//! Beside Gas Town's own daemon: one of the two serves a town, and each is known to the other. The stand-in for `gt daemon` does
//! with the files what the real ones were recorded to do: a lock for life and a PID file in 0.2 and 1.0, a PID file alone at
//! the seed.

use crate::support::{Gtd, Mode, Ran, Town, process, wait_until};
use serde_json::Value;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// `gt daemon run` as each generation runs it: what it locks, and what it writes.
const GT_DAEMON: &str = r#"#!/bin/sh
mkdir -p daemon
if [ "$3" != seed ]; then
    exec 9>>daemon/daemon.lock
    flock -n -x 9 || { echo 'daemon already running (lock held by another process)' >&2; exit 1; }
fi
case $3 in
    v1.0) printf '%s\n%s' "$$" 2023c8bb37dec02e >daemon/daemon.pid ;;
    nopid) : ;;
    *) printf %s "$$" >daemon/daemon.pid ;;
esac
trap 'exit 0' TERM
echo up >daemon/fake-is-up
while :; do sleep 0.05; done
"#;

/// Starts the stand-in; ended with the town.
fn gt_daemon(town: &Town, generation: &str) -> Gtd {
    start_daemon(town, GT_DAEMON, generation)
}

fn start_daemon(town: &Town, script: &str, generation: &str) -> Gtd {
    let dir = town.notes.join("real");
    fs::create_dir_all(&dir).expect("a directory");
    let gt = dir.join("gt");
    crate::support::fakes::program(&gt, script);
    let mut command = town.command(&gt);
    command.args(["daemon", "run", generation]);
    let daemon = Gtd::start(command);
    wait_until("the other daemon is up", || town.root.join("daemon/fake-is-up").exists());
    daemon
}

#[test]
fn gtd_refuses_beside_a_gt_daemon_of_any_generation_and_names_it() {
    for generation in ["seed", "v0.2", "v1.0"] {
        let town = Town::new(&[]);
        let other = gt_daemon(&town, generation);
        let before = town.read("daemon/daemon.pid");
        for args in [&[][..], &["--once"], &["--background"]] {
            let said = town.run(args).refused(5);
            assert!(said.contains(&format!("gt daemon (PID {}) already serves", other.pid())), "{generation}: {said}");
            assert!(said.contains("gt daemon stop"), "{said}");
        }
        assert_eq!(town.read("daemon/daemon.pid"), before, "{generation}: its note stays");
        let status = town.run(&["--status", "--json"]).exits(0).stdout;
        let status: Value = serde_json::from_str(&status).expect("JSON");
        assert_eq!(status["daemon"]["holder"], "gt daemon", "{generation}");
        assert_eq!(status["daemon"]["pid"], other.pid());
        let said = town.run(&["--stop"]).refused(1);
        assert!(said.contains("is no gtd"), "{said}");
        assert!(process::is_alive(other.pid()), "{generation}: it is left alone");
        assert_eq!(town.try_tmux(&["list-sessions"]), None, "{generation}: nobody is started");
        other.stop();
        let gtd = town.up();
        gtd.stop();
    }
}

/// At the seed only its PID and its command line tell of it.
#[test]
fn a_gt_daemon_is_known_whatever_its_interpreter_was_told() {
    for line in ["#!/bin/sh -e", "#!/usr/bin/env -S sh -e -u"] {
        let town = Town::new(&[]);
        let other = start_daemon(&town, &GT_DAEMON.replace("#!/bin/sh", line), "seed");
        let said = town.run(&["--once"]).refused(5);
        assert!(said.contains(&format!("gt daemon (PID {}) already serves", other.pid())), "{line}: {said}");
        other.stop();
    }
}

#[test]
fn a_stranger_whose_arguments_name_a_gt_is_no_daemon() {
    let town = Town::new(&[]);
    let mut editor = town.command("/usr/bin/tail");
    fs::write(town.root.join("gt"), "").expect("written");
    editor.args(["gt", "-f", "daemon", "run"]);
    let editor = Gtd::start(editor);
    town.write("daemon/daemon.pid", &editor.pid().to_string());
    town.run(&["--once"]).exits(0);
    assert!(process::is_alive(editor.pid()));
}

#[test]
fn what_gtd_saw_is_said_to_be_old_while_a_gt_daemon_serves_and_requests_are_kept() {
    let town = Town::new(&[]);
    town.up().stop();
    let other = gt_daemon(&town, "v1.0");
    let serves = format!("gt daemon (PID {}) serves", other.pid());
    let words = |ran: Ran| ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let status = words(town.run(&["--status"]).exits(0));
    assert!(status.contains(&format!("{serves} it, not gtd")), "{status}");
    assert!(status.contains("old what follows is what gtd saw ") && !status.contains("the next "), "{status}");
    let story = words(town.run(&["--status", "deacon"]).exits(0));
    assert!(story.contains(&format!("{serves} the town now")), "{story}");
    assert!(story.contains("gt daemon stop, then gtd --background"), "{story}");
    let said = town.run(&["--request", "restart", "deacon"]).refused(3);
    assert!(said.contains(&serves) && said.contains("is kept, and carried out when a gtd starts"), "{said}");
    assert!(!said.contains("no daemon runs"), "{said}");
    other.stop();
}

#[test]
fn one_that_leaves_no_pid_is_refused_for_its_lock() {
    let town = Town::new(&[]);
    let other = gt_daemon(&town, "nopid");
    let said = town.run(&[]).refused(5);
    assert!(said.contains("another daemon already serves"), "{said}");
    other.stop();
}

#[test]
fn a_gt_daemon_is_refused_while_gtd_runs() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let lock = File::open(town.root.join("daemon/daemon.lock")).expect("a lock");
    // SAFETY: flock(2) reads a descriptor, which is open, and a number.
    let locked = unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    assert_eq!(locked, -1, "the lock that gt takes is held");
    gtd.stop();
}

/// The whole file is the number: the seed's reader trims nothing, and 0.2 cannot stop what has a newline behind it.
#[test]
fn gt_reads_the_pid_and_the_state_of_gtd_as_its_own() {
    let town = Town::new(&[]);
    let gtd = town.up();
    assert_eq!(town.read("daemon/daemon.pid"), gtd.pid().to_string());
    wait_until("a heartbeat is in the state", || town.state()["heartbeat_count"] != 0);
    let recorded = fs::read_to_string(crate::support::recorded_file("daemon_state-running.json")).expect("recorded");
    let recorded: Value = serde_json::from_str(&recorded).expect("JSON");
    let state = town.state();
    for (key, value) in recorded.as_object().expect("an object") {
        let own = &state[key];
        assert_eq!(std::mem::discriminant(own), std::mem::discriminant(value), "{key}: {own} as {value}");
        if let (Some(own), Some(value)) = (own.as_str(), value.as_str()) {
            let shape =
                |text: &str| text.split(|c: char| c.is_ascii_digit()).filter(|s| !s.is_empty()).collect::<String>();
            // RFC 3339 with the local offset, which is UTC in both.
            assert_eq!(shape(own).replace("+:", "Z"), shape(value), "{key}: {own} as {value}");
        }
    }
    assert_eq!(state["running"], true);
    assert_eq!(state["pid"], gtd.pid());
    gtd.stop();
    assert_eq!(town.state()["running"], false);
    assert!(!town.root.join("daemon/daemon.pid").exists());
}

/// `gt daemon stop` sends SIGTERM, and SIGKILL half a second later.
const GT_IS_PATIENT: Duration = Duration::from_millis(500);

#[test]
fn gtd_ends_well_before_gt_daemon_stop_kills_it_whatever_it_does() {
    for doing in ["nothing", "bd", "gt", "starts"] {
        let town = Town::new(&["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]);
        let gtd = match doing {
            "nothing" => town.up(),
            "starts" => {
                let gtd = town.start();
                town.wait_for_log("Starting Deacon");
                gtd
            }
            tool => {
                town.set_mode(tool, Mode::Hang);
                let gtd = town.start();
                wait_until("the tool hangs", || !town.calls(tool).is_empty());
                gtd
            }
        };
        let mut gtd = gtd;
        let pid: u32 = town.read("daemon/daemon.pid").parse().expect("bare digits");
        let began = Instant::now();
        process::signal(pid, libc::SIGTERM);
        let (status, _) = gtd.wait();
        assert!(began.elapsed() < GT_IS_PATIENT, "{doing}: {:?}", began.elapsed());
        assert_eq!(status.code(), Some(0), "{doing}");
        assert_eq!(town.state()["running"], false, "{doing}");
        assert_eq!(town.logged("Daemon stopped"), 1, "{doing}");
        assert!(!town.root.join("daemon/daemon.pid").exists(), "{doing}");
    }
}

/// What `gt daemon stop` of 1.0 does where it finds no PID.
#[test]
fn a_second_gtd_beside_an_unlinked_lock_is_refused_and_the_first_goes_on() {
    let town = Town::new(&[]);
    let first = town.up();
    for _ in 0..3 {
        town.remove("daemon/daemon.lock");
        let said = Ran::of(town.gtd(&["--once"])).refused(5);
        assert!(said.contains(&format!("gtd (PID {})", first.pid())), "{said}");
        assert!(process::is_alive(first.pid()));
        wait_until("the lock is made anew", || {
            let status: Value = serde_json::from_str(&town.run(&["--status", "--json"]).stdout).unwrap_or_default();
            status["daemon"]["holder"] == "gtd" && status["daemon"]["pid"] == first.pid()
        });
    }
    town.wait_for_heartbeats(2);
    first.stop();
    assert_eq!(town.logged("Daemon starting"), 1, "one and no other");
}

#[test]
fn where_another_has_taken_all_the_files_the_first_yields() {
    let mut town = Town::new(&[]);
    // The first looks rarely, so that it does not make them anew before the second has them.
    let rare =
        serde_json::json!({"heartbeat": {"interval": "1h"}, "gtd": {"look_interval": "1h", "silent_after": "1h"}});
    town.configure(rare);
    let mut first = town.up();
    wait_until("its first pass is over", || town.word_for("deacon") == "alive");
    town.remove("daemon/daemon.lock");
    town.remove("daemon/daemon.pid");
    let second = gt_daemon(&town, "v1.0");
    first.signal(libc::SIGUSR1);
    let (status, after) = first.wait();
    assert_eq!(status.code(), Some(0));
    assert!(after < Duration::from_secs(20), "{after:?}");
    assert_eq!(town.logged("Another daemon has taken this one's place"), 1);
    assert_eq!(town.read("daemon/daemon.pid").lines().next(), Some(second.pid().to_string().as_str()));
    second.stop();
}
