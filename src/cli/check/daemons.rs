//! Who serves the town now.

use super::Check;
use crate::service::instance::{Holder, holder, noted_pid};
use crate::service::state;
use crate::sys::process;
use crate::town::text::clean;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

impl Check {
    pub fn daemons(&mut self) {
        match holder(&self.dir) {
            Ok(Holder::Nobody) => self.nobody(),
            Ok(Holder::Gtd(pid)) => {
                self.daemon = Some(pid);
                self.gtd(pid);
            }
            Ok(other @ Holder::Other(pid)) => {
                let found = format_args!("{other} holds daemon/daemon.lock; gtd would refuse to start");
                match pid {
                    Some(pid) => self.findings.fault(
                        "daemon",
                        found,
                        format_args!("gt daemon stop, or kill {pid}; then gtd --background"),
                    ),
                    None => self.findings.fault(
                        "daemon",
                        found,
                        format_args!("gt daemon stop; fuser daemon/daemon.lock tells who holds it"),
                    ),
                }
            }
            Ok(other @ Holder::GtDaemon(pid)) => self.findings.fault(
                "daemon",
                format_args!("{other} serves this town; gtd would refuse to start"),
                format_args!("gt daemon stop, or kill {pid}; then gtd --background"),
            ),
            Err(error) => self.findings.fault(
                "daemon",
                format_args!("{error}"),
                format_args!("move away what is no file of this user there"),
            ),
        }
    }

    fn nobody(&self) {
        let Some(pid) = noted_pid(&self.dir) else {
            self.findings.note(
                "daemon",
                format_args!("nobody serves this town"),
                format_args!("gtd --background starts one"),
            );
            return;
        };
        let words = process::arguments(pid);
        let whose = match words.is_empty() {
            true => "which has ended without a word".to_owned(),
            false => format!("which is a stranger's now ({})", clean(&words.join(" "), 60)),
        };
        self.findings.note(
            "daemon",
            format_args!("nobody serves this town; daemon/daemon.pid names PID {pid}, {whose}"),
            format_args!("gtd --background starts one, and puts the file in order"),
        );
    }

    fn gtd(&self, pid: u32) {
        let state = state::read(&self.dir).ok().flatten().filter(|state| state.pid == pid);
        let version = state.and_then(|state| state.gtd).map(|own| own.version);
        let own = env!("CARGO_PKG_VERSION");
        let shown = version.as_deref().map_or(String::new(), |version| format!(" {version}"));
        let found = format!("gtd{shown} (PID {pid}) serves this town");
        let remedy = format_args!("gtd --stop && gtd --background; agents live on");
        if binary_was_replaced(pid) {
            let found = format_args!("{found}; its binary on the disk was replaced since it started");
            self.findings.note("daemon", found, remedy);
        } else if version.is_some_and(|version| version != own) {
            self.findings.note("daemon", format_args!("{found}; this is gtd {own}"), remedy);
        } else {
            self.findings.good("daemon", format_args!("{found}"));
        }
    }
}

/// Whether another file stands where the running program was started from, or none does.
fn binary_was_replaced(pid: u32) -> bool {
    let link = Path::new("/proc").join(pid.to_string()).join("exe");
    let (Ok(running), Ok(path)) = (fs::metadata(&link), fs::read_link(&link)) else {
        // The system does not tell, or not to us.
        return false;
    };
    let path = path.to_string_lossy();
    let path = path.strip_suffix(" (deleted)").unwrap_or(&path);
    fs::metadata(path).map_or(true, |there| (there.dev(), there.ino()) != (running.dev(), running.ino()))
}
