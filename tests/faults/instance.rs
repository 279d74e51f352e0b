//! One daemon a town, however many are started; and a PID file that names a stranger.

use crate::health::assert_healthy;
use crate::support::{Gtd, Town, process, wait_until};
use std::fs;
use std::process::{Child, Command, Stdio};

/// A process that has nothing to do with gtd, ended with the test.
struct Stranger(Child);

impl Stranger {
    fn start() -> Stranger {
        Stranger(Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().expect("a stranger"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn assert_untouched(&self) {
        assert!(process::is_alive(self.pid()) && !process::is_stopped(self.pid()), "the stranger lives");
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn of_fifty_that_are_started_at_once_one_serves_the_town() {
    let town = Town::new(&[]);
    let mut all: Vec<Gtd> = (0..50).map(|_| town.start()).collect();
    let mut ended = vec![None; all.len()];
    wait_until("all but one have ended", || {
        for (gtd, ended) in all.iter_mut().zip(&mut ended) {
            *ended = ended.or_else(|| gtd.ended());
        }
        ended.iter().flatten().count() == 49
    });
    assert!(ended.iter().flatten().all(|status| status.code() == Some(5)), "{ended:?}");
    let winner = ended.iter().position(Option::is_none).expect("one that runs");
    town.wait_for_log("Heartbeat complete");
    assert_eq!(town.read("daemon/daemon.pid"), all[winner].pid().to_string());
    assert_healthy(&town, &all[winner], &[("deacon", 1)]);
    town.run(&["--stop"]).exits(0);
    assert_eq!(town.logged("Daemon starting"), 1);
}

#[test]
fn a_stale_pid_of_a_stranger_is_neither_believed_nor_killed() {
    let town = Town::new(&[]);
    let stranger = Stranger::start();
    town.write("daemon/daemon.pid", &stranger.pid().to_string());
    town.write("daemon/daemon.lock", "");
    town.run(&["--status"]).exits(3);
    let said = town.run(&["--stop"]).exits(0).stdout;
    assert!(said.starts_with("gtd: no daemon runs"), "{said}");
    town.write("daemon/daemon.pid", &stranger.pid().to_string());
    town.run(&["--wake"]).refused(3);
    let gtd = town.up();
    assert_eq!(town.read("daemon/daemon.pid"), gtd.pid().to_string());
    gtd.stop();
    stranger.assert_untouched();
}

#[test]
fn a_strangers_pid_that_is_written_over_a_living_daemons_is_never_signalled() {
    let mut town = Town::new(&[]);
    // So that gtd does not put it right at once: after its first pass it looks no more for an hour.
    let rare =
        serde_json::json!({"heartbeat": {"interval": "1h"}, "gtd": {"look_interval": "1h", "silent_after": "1h"}});
    town.configure(rare);
    let stranger = Stranger::start();
    let mut gtd = town.up();
    let looks = || town.state()["gtd"]["history"]["agents"]["deacon"]["strip"].as_str().map_or(0, str::len);
    wait_until("its first pass is over", || looks() >= 1);
    fs::write(town.root.join("daemon/daemon.pid"), stranger.pid().to_string()).expect("written");
    for args in [&["--stop", "--timeout", "0s"][..], &["--wake"]] {
        let ran = town.run(args);
        assert_ne!(ran.status, 0, "{ran}");
        stranger.assert_untouched();
    }
    assert!(gtd.ended().is_none());
    gtd.signal(libc::SIGUSR1);
    wait_until("it is put right", || town.read("daemon/daemon.pid") == gtd.pid().to_string());
    town.run(&["--stop"]).exits(0);
    assert_eq!(gtd.wait().0.code(), Some(0));
    stranger.assert_untouched();
}
