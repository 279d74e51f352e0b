//! Where the programs are. Looked up once, so that nothing which happens to `PATH` later matters, and again only for what
//! is missing.

use crate::sys::{raw, user};
use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The programs that gtd runs, by absolute path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tools {
    /// The terminal multiplexer.
    pub tmux: Option<PathBuf>,
    /// The tracker.
    pub bd: Option<PathBuf>,
    /// Gas Town.
    pub gt: Option<PathBuf>,
}

/// Where programs are that a person has installed, and that cron's and init's `PATH` do not name. The first three are
/// below the home directory.
const USUAL_PLACES: [&str; 5] = [".local/bin", "bin", "go/bin", "/usr/local/bin", "/opt/homebrew/bin"];

/// Where programs are looked for that have no `PATH` at all.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

impl Tools {
    /// Looks for all that are not known yet, or no longer where they were.
    pub fn find_missing(&mut self) {
        for (name, place) in [("tmux", &mut self.tmux), ("bd", &mut self.bd), ("gt", &mut self.gt)] {
            if !place.as_deref().is_some_and(is_program) {
                *place = find(name);
            }
        }
    }
}

/// What bears a program's name where programs are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where it would be.
    pub file: PathBuf,
    /// Whether `PATH` leads there, or only gtd's own list of usual places.
    pub in_path: bool,
}

impl Candidate {
    /// Whether it is a file that can be run.
    pub fn is_program(&self) -> bool {
        is_program(&self.file)
    }
}

/// Where a program is looked for: the directories of `path`, then the usual places.
pub fn candidates(name: &str, path: Option<OsString>) -> Vec<Candidate> {
    let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| DEFAULT_PATH.into());
    let mut all = Vec::new();
    for dir in env::split_paths(&path) {
        if dir.is_absolute() {
            all.push(Candidate { file: dir.join(name), in_path: true });
        }
    }
    let home = user::home();
    for place in USUAL_PLACES {
        let dir = match &home {
            _ if place.starts_with('/') => PathBuf::from(place),
            Some(home) => home.join(place),
            None => continue,
        };
        all.push(Candidate { file: dir.join(name), in_path: false });
    }
    all
}

/// Finds a program in `PATH`, then in the usual places. No shell is asked.
pub fn find(name: &str) -> Option<PathBuf> {
    candidates(name, env::var_os("PATH")).into_iter().find(Candidate::is_program).map(|found| found.file)
}

fn is_program(file: &Path) -> bool {
    file.is_file() && raw::can_run(file)
}

/// What keeps this user from a program that is not found, and what can be done about it: nothing, where it may not be there at all.
/// `None` where nothing does.
pub fn hindrance(name: &str) -> Option<(String, String)> {
    let mut closed = None;
    for Candidate { file, .. } in candidates(name, env::var_os("PATH")) {
        let shown = file.display();
        match file.metadata() {
            Ok(meta) if !meta.is_file() || raw::can_run(&file) => {}
            Ok(meta) if meta.permissions().mode() & 0o111 == 0 => {
                return Some((format!("{shown} cannot be executed"), format!("chmod +x {shown}")));
            }
            Ok(_) => {
                let remedy =
                    format!("see who may: ls -l {shown}, getfacl {shown}, and if findmnt -T {shown} says noexec");
                return Some((format!("{shown} may not be executed by this user"), remedy));
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let dir = file.parent().unwrap_or(&file).display();
                closed = closed.or_else(|| Some((format!("{dir} is closed to this user"), String::new())));
            }
            Err(_) => {}
        }
    }
    closed
}

/// Where a program is not found, as a clause.
pub fn not_found(name: &str) -> String {
    let why = hindrance(name).map(|(why, _)| format!(" ({why})")).unwrap_or_default();
    format!("in PATH or the usual places{why}")
}
