//! The machine: its clock, the disk, and what the system grants.

use super::Check;
use crate::sys::clock;
use crate::sys::process::Table;
use crate::sys::raw::{self, FileSystem};
use crate::town::duration::brief;
use crate::town::time::Wall;
use crate::world::town_files;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// 2024 began: a clock before that was never set.
const NEVER_SET: i64 = 1_704_067_200;

/// Clocks of two machines that share a disk differ by less.
const SLACK: Duration = Duration::from_mins(2);

/// Below this nothing that must be saved can be relied upon to be.
const TOO_LITTLE: u64 = 10_000_000;
const LITTLE: u64 = 100_000_000;
const FEW_INODES: u64 = 100;

impl Check {
    pub fn host(&self) {
        self.clock();
        self.disk(&self.world.root);
        // It may be a link to another disk, or one itself.
        let device = |path: &Path| path.metadata().map(|meta| meta.dev()).ok();
        if device(&self.dir).is_some_and(|dev| Some(dev) != device(&self.world.root)) {
            self.disk(&self.dir);
        }
        self.limits();
    }

    fn clock(&self) {
        let now = clock::now();
        let seconds = Wall::from_seconds(now.wall.seconds());
        if now.wall.seconds() < NEVER_SET {
            self.findings.fault(
                "clock",
                format_args!("it is {} by this machine's clock", now.wall.rfc3339(clock::local_offset(now.wall))),
                format_args!("set it, for example with timedatectl set-ntp true"),
            );
        } else if now.tick.millis() == 0 {
            self.findings.fault(
                "clock",
                format_args!("the system does not count the time since its start; pauses cannot be measured"),
                format_args!("run gtd on a system whose clock_gettime works"),
            );
        } else if let Some((whose, at)) = self.newest_stamp().filter(|(_, at)| *at > now.wall.plus(SLACK)) {
            self.findings.note(
                "clock",
                format_args!("{whose} is stamped {} in the future; the clock was set back", brief(at.since(now.wall))),
                format_args!("set the clock if it is wrong; else this mends itself"),
            );
        } else {
            self.findings.good("clock", format_args!("{}", seconds.rfc3339(clock::local_offset(seconds))));
        }
    }

    /// The latest time that stands in the town's files or on them.
    fn newest_stamp(&self) -> Option<(&'static str, Wall)> {
        let on_file = |name: &str| self.world.root.join(name).metadata().and_then(|meta| meta.modified()).ok();
        let mut newest = None;
        let mut stamp = |whose, at: Option<Wall>| {
            // Of two that are the same the later one counts.
            if let Some(at) = at.filter(|at| newest.is_none_or(|(_, newest)| *at >= newest)) {
                newest = Some((whose, at));
            }
        };
        stamp("the last look in daemon/state.json", self.history.last_look.map(|at| at.wall));
        stamp("daemon/activity.json", town_files::read_activity(&self.world.root));
        for name in ["daemon/state.json", "daemon/daemon.log", "mayor/rigs.json", "mayor/daemon.json"] {
            stamp(name, on_file(name).map(clock::wall_of));
        }
        newest
    }

    fn disk(&self, place: &Path) {
        let shown = place.display();
        let found = match raw::file_system(place) {
            Ok(found) => found,
            Err(error) => {
                self.findings.fault(
                    "disk",
                    format_args!("{shown}: cannot be asked: {error}"),
                    format_args!("see what df {shown} says"),
                );
                return;
            }
        };
        let make_room = format_args!("make room on the file system of {shown}");
        match judge_disk(found) {
            Disk::Enough => self.findings.good("disk", format_args!("{} free", size(found.free))),
            Disk::Little => self.findings.note("disk", format_args!("only {} free", size(found.free)), make_room),
            Disk::Bad(why) if found.read_only => self.findings.fault(
                "disk",
                format_args!("{why}"),
                format_args!("mount -o remount,rw $(stat -c %m {shown})"),
            ),
            Disk::Bad(why) => self.findings.fault("disk", format_args!("{why}"), make_room),
        }
    }

    fn limits(&self) {
        if raw::pidfd_open(std::process::id()).is_err() {
            self.findings.note(
                "system",
                format_args!("there are no descriptors for processes; an agent's end is seen at the next look only"),
                format_args!("Linux 5.3 or newer has them"),
            );
        }
        if Table::read().is_err() {
            self.findings.note(
                "system",
                format_args!("/proc cannot be read; a bare shell is not told from an agent, and trees cannot be ended"),
                format_args!("mount -t proc proc /proc"),
            );
        }
        if !Path::new("/dev/null").exists() {
            self.findings.fault(
                "system",
                format_args!("there is no /dev/null; no program can be run"),
                format_args!("mknod -m 666 /dev/null c 1 3"),
            );
        }
        let rigs = town_files::read_rigs(&self.world.root, None, &mut Vec::new()).len();
        // A Deacon, and for each rig a Witness and perhaps a Refinery: the pane's process and the foreground's of each.
        let wanted = u64::try_from(2 * (1 + 2 * rigs)).unwrap_or(u64::MAX).saturating_add(64);
        let (_, hard) = raw::descriptor_limits();
        if hard < wanted {
            self.findings.note(
                "system",
                format_args!("{hard} open files are allowed, up to {wanted} may be wanted; some ends are seen late"),
                format_args!("ulimit -Hn {wanted} (LimitNOFILE= in a systemd unit)"),
            );
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Disk {
    Enough,
    Little,
    Bad(String),
}

fn judge_disk(found: FileSystem) -> Disk {
    match found.free_inodes {
        _ if found.read_only => Disk::Bad("the file system is mounted read-only".to_owned()),
        _ if found.free < TOO_LITTLE => Disk::Bad(format!("only {} free; nothing can be saved", size(found.free))),
        Some(inodes) if inodes < FEW_INODES => {
            Disk::Bad(format!("only {inodes} inodes free; no files can be made, whatever room there is"))
        }
        _ if found.free < LITTLE => Disk::Little,
        _ => Disk::Enough,
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    format!("{} {name}", bytes / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_judged_by_bytes_inodes_and_whether_it_can_be_written() {
        let good = FileSystem { free: 5 * LITTLE, free_inodes: Some(1_000), read_only: false };
        assert_eq!(judge_disk(good), Disk::Enough);
        assert_eq!(judge_disk(FileSystem { free_inodes: None, ..good }), Disk::Enough);
        assert_eq!(judge_disk(FileSystem { free: LITTLE - 1, ..good }), Disk::Little);
        for (bad, word) in [
            (FileSystem { free: TOO_LITTLE - 1, ..good }, "only 9 MB free"),
            (FileSystem { free: 0, ..good }, "only 0 kB free"),
            (FileSystem { free_inodes: Some(99), ..good }, "99 inodes"),
            (FileSystem { read_only: true, ..good }, "read-only"),
        ] {
            assert!(matches!(judge_disk(bad), Disk::Bad(why) if why.contains(word)), "{word}");
        }
    }

    #[test]
    fn the_file_system_of_a_directory_is_found() {
        let dir = tempfile::tempdir().expect("a directory");
        let found = raw::file_system(dir.path()).expect("known");
        assert!(!found.read_only && found.free > 0);
        assert!(raw::file_system(Path::new("/no/such/place")).is_err());
    }
}
