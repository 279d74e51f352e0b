//! The town's files, and gtd's own among them.

use super::Check;
use super::findings::{Findings, Tell};
use crate::service::state::{self, Own};
use crate::sys::files::{self, Whose};
use crate::sys::raw;
use crate::town::spawn::parse_pending;
use crate::town::text::count;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// What gtd writes as files of its own.
const OWN_FILES: [&str; 4] = ["daemon.lock", "daemon.pid", "state.json", "daemon.log"];

/// What it keeps for the user alone.
const PRIVATE_DIRS: [&str; 2] = ["screens", "requests"];

impl Check {
    pub fn files(&self) {
        self.mark();
        if self.daemon_dir() {
            for name in OWN_FILES {
                self.own_file(&self.dir.join(name));
            }
            for name in PRIVATE_DIRS {
                self.private_dir(&self.dir.join(name));
            }
            self.state();
        }
        self.pending();
        self.left_over();
    }

    /// That it is there is what counts; but whoever tore it has torn other files too.
    fn mark(&self) {
        let path = self.world.root.join("mayor/town.json");
        let why = match files::read(&path, Whose::Towns) {
            Ok(Some(bytes)) => serde_json::from_slice::<serde_json::Value>(&bytes).err().map(|error| error.to_string()),
            Ok(None) => None,
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = why {
            let found =
                format_args!("mayor/town.json cannot be understood: {why}; gtd needs no more than that it is there");
            self.findings.note("town", found, format_args!("put it back from a copy; gt may need it"));
        }
    }

    /// Whether there is one.
    fn daemon_dir(&self) -> bool {
        let (dir, shown) = (&self.dir, self.dir.display());
        if fs::symlink_metadata(dir).is_ok() && !dir.is_dir() {
            let found = format_args!("{shown} is no directory; gtd wants one there");
            self.findings.fault("files", found, format_args!("move it away: mv {shown} {shown}.old"));
            return false;
        }
        // Where there is none, gtd makes it.
        let place = if dir.is_dir() { dir } else { &self.world.root };
        if !raw::can_write(place) {
            let shown = place.display();
            self.findings.fault(
                "files",
                format_args!("{shown} cannot be written by this user; gtd must be able to"),
                format_args!("run gtd as the town's owner, or chown {} {shown}", raw::user_id()),
            );
        }
        dir.is_dir()
    }

    /// gtd refuses what it did not put there.
    fn own_file(&self, path: &Path) {
        let Ok(meta) = fs::symlink_metadata(path) else { return };
        if !meta.is_file() {
            self.misplaced(path, &meta, "file of its own");
        } else if !files::belongs(&meta, Whose::Ours) {
            self.strangers(path, &meta, Findings::fault);
        }
    }

    fn private_dir(&self, path: &Path) {
        let Ok(meta) = fs::symlink_metadata(path) else { return };
        if meta.is_dir() && files::belongs(&meta, Whose::OursAlone) {
            if meta.mode() & 0o077 != 0 {
                let shown = path.display();
                self.findings.note(
                    "files",
                    format_args!("{shown} is open to other users (mode {:o})", meta.mode() & 0o777),
                    format_args!("chmod 700 {shown}"),
                );
            }
            return;
        }
        // A spool that is not obeyed is among the complaints of the look.
        if path.ends_with("requests") {
            return;
        }
        match meta.is_dir() {
            true => self.strangers(path, &meta, Findings::note),
            false => self.misplaced(path, &meta, "directory"),
        }
    }

    fn misplaced(&self, path: &Path, meta: &Metadata, wanted: &str) {
        let shown = path.display();
        self.findings.fault(
            "files",
            format_args!("{shown} is {}; gtd wants a {wanted} there", kind(meta)),
            format_args!("move it away: mv {shown} {shown}.old"),
        );
    }

    fn strangers(&self, path: &Path, meta: &Metadata, tell: Tell) {
        let shown = path.display();
        tell(
            &self.findings,
            "files",
            format_args!("{shown} belongs to another user (UID {})", meta.uid()),
            format_args!("run gtd as that user, or chown {} {shown}", raw::user_id()),
        );
    }

    fn state(&self) {
        // What is no file of gtd's own has been said.
        let path = state::path(&self.dir);
        let is_ours = |meta: &Metadata| meta.is_file() && files::belongs(meta, Whose::Ours);
        if !fs::symlink_metadata(&path).is_ok_and(|meta| is_ours(&meta)) {
            return;
        }
        match state::read(&self.dir) {
            Ok(Some(state)) => {
                let heartbeats = count(state.heartbeat_count, "heartbeat");
                match &state.gtd {
                    Some(Own { version, format, .. }) => self
                        .findings
                        .good("state", format_args!("{heartbeats}, written by gtd {version}, format {format}")),
                    None => self.findings.good("state", format_args!("{heartbeats}, written by Gas Town's own daemon")),
                }
            }
            Ok(None) => {}
            Err(why) => {
                self.findings.fault("state", format_args!("{why}"), format_args!("{}", why.remedy()));
            }
        }
    }

    fn pending(&self) {
        let path = self.world.root.join("spawn/pending.json");
        let read = files::read(&path, Whose::Towns).map_err(|error| error.to_string());
        let why = match read {
            Ok(Some(bytes)) => parse_pending(&bytes).err().map(|why| format!("{}: {why}", path.display())),
            Ok(None) => None,
            Err(why) => Some(why),
        };
        if let Some(why) = why {
            let shown = path.display();
            self.findings.fault(
                "files",
                format_args!("{why}"),
                format_args!("move it away: mv {shown} {shown}.old; spawned workers in it wait for their first word"),
            );
        }
    }

    fn left_over(&self) {
        for dir in [&self.dir, &self.world.root.join("spawn")] {
            let mut aside = files::names(dir);
            aside.retain(|name| name.contains(".corrupt-"));
            if let Some(last) = aside.last() {
                let shown = dir.display();
                self.findings.note(
                    "files",
                    format_args!("{} set aside in {shown}, the last {last}", count(aside.len() as u64, "file")),
                    format_args!("look at them, then rm {shown}/*.corrupt-*"),
                );
            }
        }
    }
}

fn kind(meta: &Metadata) -> &'static str {
    let kind = meta.file_type();
    match () {
        () if kind.is_symlink() => "a symbolic link",
        () if kind.is_dir() => "a directory",
        () if kind.is_fifo() => "a fifo",
        () if kind.is_socket() => "a socket",
        () if kind.is_file() => "a file",
        () => "a device",
    }
}
