//! A disk that is full for a while: agents are kept up, what cannot be noted is not begun, and nothing is lost.

use crate::health::{assert_healthy, spool};
use crate::support::{Gtd, Letter, Town, wait_until};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A small file system of its own for a directory, taken away at the end.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts one; says past the test harness where that is not allowed.
    fn mount(at: &Path) -> Option<SmallDisk> {
        fs::create_dir_all(at).expect("made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k,mode=755", "gtd-test"]).arg(at);
        let mounted = mount.stdin(Stdio::null()).stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(SmallDisk { at: at.to_owned() });
        }
        let text = "\n*** SKIPPED full: only who may mount a tmpfs can fill a disk; the limit of a file's size stands for it\n";
        let _ = std::io::stderr().write_all(text.as_bytes());
        None
    }

    /// Writes a file until there is no room for another byte. The log has room for half a line.
    fn fill(&self) -> PathBuf {
        let log = self.at.join("daemon.log");
        let half = 4096 - (fs::metadata(&log).expect("a log").len() % 4096);
        if half > 40 {
            let year = &fs::read_to_string(&log).expect("a log")[..5];
            let line = format!("{year}{}\n", "x".repeat(usize::try_from(half).expect("a length") - 46));
            OpenOptions::new()
                .append(true)
                .open(&log)
                .and_then(|mut log| log.write_all(line.as_bytes()))
                .expect("said");
        }
        let path = self.at.join("filler");
        let mut file = File::create(&path).expect("made");
        while file.write_all(&[b'x'; 512]).is_ok() {}
        while file.write_all(b"x").is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since whoever has a file open there is ended only afterwards.
        let _ = Command::new("umount").arg("-l").arg(&self.at).stdin(Stdio::null()).status();
    }
}

/// The most that files of gtd's may hold, from now on.
fn limit_files_of(gtd: &Gtd, bytes: libc::rlim_t) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    let pid = libc::pid_t::try_from(gtd.pid()).expect("a PID");
    // SAFETY: prlimit(2) reads one struct, and is given nothing to write to.
    let done = unsafe { libc::prlimit(pid, libc::RLIMIT_FSIZE, &raw const limit, std::ptr::null_mut()) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// A town that is served while `fill` lets nothing be written, and `free` lets it again.
fn serve_through(town: &Town, fill: impl FnOnce(&Gtd), free: impl FnOnce(&Gtd)) {
    town.open_inbox();
    let gtd = town.up();
    let [deacon, alpha, _] = ["deacon", "alpha-witness", "beta-witness"].map(|agent| town.wait_for_agent(agent, None));
    // The log tells of the heartbeat before the state does.
    wait_until("the first pass is saved", || town.word_for("deacon") == "alive");
    fill(&gtd);
    let stamp = town.state()["last_heartbeat"].clone();
    // An agent that dies is back, whatever can be noted of it.
    crate::support::process::signal(deacon, libc::SIGKILL);
    let second = town.wait_for_agent("deacon", Some(deacon));
    // What would have to be noted first waits: who is killed now would do it twice.
    town.deliver(&Letter::request("alpha/witness", "restart"));
    gtd.signal(libc::SIGUSR1);
    let heard = town.heard("deacon", Some(second)).len();
    wait_until("heartbeats go on", || town.heard("deacon", Some(second)).len() >= heard + 2);
    assert_eq!(town.pids("alpha-witness"), [alpha]);
    assert!(town.inbox().len() == 1, "the mail stays");
    assert_eq!(town.state()["last_heartbeat"], stamp, "nothing can be saved");
    free(&gtd);
    wait_until("the state is saved", || town.state()["last_heartbeat"] != stamp);
    // That it could not be is in the log as soon as that can be written.
    town.wait_for_log("The state can be saved again after ");
    let year = town.log()[..5].to_owned();
    for line in town.log().lines() {
        assert_eq!(line.matches(&year).count(), 1, "a line does not begin where half a one ends: {line}");
    }
    town.wait_for_agent("alpha-witness", Some(alpha));
    assert_healthy(town, &gtd, &[("deacon", 2), ("alpha-witness", 2), ("beta-witness", 1)]);
    gtd.stop();
}

#[test]
fn on_a_full_disk_agents_are_kept_up_and_nothing_is_lost() {
    let town = Town::new(&["alpha", "beta"]);
    let Some(disk) = SmallDisk::mount(&town.root.join("daemon")) else { return };
    serve_through(
        &town,
        |_| {
            let filler = disk.fill();
            assert!(filler.exists());
            let said = town.request("restart", "beta/witness").refused(1);
            assert!(said.contains("No space left on device"), "{said}");
            assert_eq!(spool(&town).len(), 0);
        },
        |_| fs::remove_file(town.root.join("daemon/filler")).expect("removed"),
    );
}

#[test]
fn at_the_limit_of_a_files_size_agents_are_kept_up_and_nothing_is_lost() {
    let town = Town::new(&["alpha", "beta"]);
    serve_through(&town, |gtd| limit_files_of(gtd, 0), |gtd| limit_files_of(gtd, libc::RLIM_INFINITY));
}

#[test]
fn a_gtd_that_starts_on_a_full_disk_keeps_its_agents_up() {
    let town = Town::new(&["alpha"]);
    let Some(disk) = SmallDisk::mount(&town.root.join("daemon")) else { return };
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    gtd.kill();
    let filler = disk.fill();
    crate::support::process::signal(first, libc::SIGKILL);
    let gtd = town.start();
    town.wait_for_agent("deacon", Some(first));
    fs::remove_file(filler).expect("removed");
    wait_until("its PID is noted", || town.read("daemon/daemon.pid") == gtd.pid().to_string());
    assert_healthy(&town, &gtd, &[("deacon", 2), ("alpha-witness", 1)]);
    gtd.stop();
}
