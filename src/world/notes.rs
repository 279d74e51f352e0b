//! What `gt` notes beside a session that it has started, for its other commands; so does gtd.
//!
//! gt 0.2 keeps `RIG/.runtime/witness.json` and `refinery.json`, by which `gt witness status` answers. gt 1.0 keeps
//! `.runtime/pids/SESSION.pid` with `PID|START`, by which `gt down` ends a program whose session has gone. An agent works
//! without them, so that nothing here keeps it from its start.

use super::World;
use super::tools;
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::command::Command;
use crate::sys::files::{self, Access, Durability, Whose};
use crate::sys::process;
use crate::town::json_edit::with_members;
use crate::town::names::{Agent, Noted};
use crate::town::snapshot::Trouble;
use crate::town::sorted::SortedMap;
use crate::town::time::Wall;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `ps` reads a few processes.
const PS_TIMEOUT: Duration = Duration::from_secs(2);
/// Such a file has a dozen lines.
const LARGEST: u64 = 64 << 10;

/// What is still to be noted, and what cannot be.
#[derive(Debug, Default)]
pub struct Notes {
    /// Processes that only `ps` can tell of, and where that goes.
    to_ask: SortedMap<u32, PathBuf>,
    /// Files that are left as they are, and why.
    left: SortedMap<PathBuf, Trouble>,
}

impl Notes {
    /// What a person should know of.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble> + '_ {
        self.left.values().cloned()
    }

    /// Changes a file that is `gt`'s as much as gtd's: what else stands in it stays, byte by byte. `first` is what it begins as
    /// where there is none. One that cannot be understood may be torn, or somebody else's: it is left.
    fn change(&mut self, path: PathBuf, first: Option<&str>, members: &[(&str, Option<&str>)]) {
        match change(&path, first, members) {
            Ok(()) => drop(self.left.remove(&path)),
            Err(why) => {
                let name = path.display();
                let trouble = Trouble {
                    about: format!("note {name}"),
                    text: format!("{why}; gt may tell of its agent what is not so, until it is mended or moved away"),
                    over: format!("{name} is kept again"),
                    need: None,
                };
                self.left.insert(path, trouble);
            }
        }
    }
}

impl World {
    /// Notes that an agent was started, with this process in its pane.
    pub fn note_start(&mut self, agent: &Agent, pid: u32) {
        match self.note(agent) {
            Some((Noted::State, path)) => {
                let now = clock::now().wall;
                let first = agent.id.rig().map(|rig| format!("{{\n  \"rig_name\": \"{rig}\"\n}}"));
                let started = format!("\"{}\"", now.rfc3339(clock::local_offset(now)));
                let members = [("state", Some("\"running\"")), ("started_at", Some(started.as_str()))];
                self.notes.change(path, first.as_deref(), &members);
            }
            Some((Noted::Pid, path)) => match process::started(pid) {
                Some(start) => write(&path, &pid_note(pid, start)),
                // Without the time of its start the PID may be a stranger's by the time that `gt down` reads it.
                None => {
                    let _ = fs::remove_file(&path);
                    if !process::are_told() {
                        self.notes.to_ask.insert(pid, path);
                    }
                }
            },
            None => {}
        }
    }

    /// Notes what the system itself does not tell: one `ps` for all that were started since the last look.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn note_the_rest(&mut self) -> Result<(), Stopped> {
        let wanted = std::mem::take(&mut self.notes.to_ask);
        if wanted.is_empty() {
            return Ok(());
        }
        let mut pids = Vec::new();
        for pid in wanted.keys() {
            pids.push(pid.to_string());
        }
        let Some(ps) = tools::find("ps") else { return Ok(()) };
        let command = Command::new(ps, PS_TIMEOUT).args(&["-o", "pid=,lstart=", "-p", &pids.join(",")]);
        if let Ok(output) = command.env("LC_ALL", "C").run(&mut self.attention)? {
            for (pid, start) in output.stdout.lines().filter_map(parse_ps) {
                if let Some(path) = wanted.get(&pid) {
                    write(path, &format!("{pid}|{start}\n"));
                }
            }
        }
        Ok(())
    }

    /// Notes that an agent was ended, and is not to come back.
    pub fn note_end(&mut self, agent: &Agent) {
        match self.note(agent) {
            Some((Noted::State, path)) => {
                self.notes.change(path, None, &[("state", Some("\"stopped\"")), ("started_at", None)]);
            }
            Some((Noted::Pid, path)) => drop(fs::remove_file(path)),
            None => {}
        }
    }

    fn note(&self, agent: &Agent) -> Option<(Noted, PathBuf)> {
        let role = agent.id.role();
        let (noted, roles) = agent.generation.table().noted?;
        // Nobody else reads them.
        if self.tools.gt.is_none() || !roles.contains(&role) {
            return None;
        }
        let path = match noted {
            Noted::Pid => self.root.join(".runtime/pids").join(format!("{}.pid", agent.session)),
            Noted::State => {
                self.root.join(agent.id.rig()?.as_str()).join(".runtime").join(format!("{}.json", role.word()))
            }
        };
        Some((noted, path))
    }
}

/// `PID|START`, the start in the words of `ps`, which `gt` compares.
fn pid_note(pid: u32, start: Wall) -> String {
    format!("{pid}|{}\n", start.ctime(clock::local_offset(start)))
}

/// A line of `ps`: a PID, and when that was started. What does not look like a time is none.
fn parse_ps(line: &str) -> Option<(u32, &str)> {
    let (pid, start) = line.trim().split_once(' ')?;
    let start = start.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" :".contains(&b);
    let is_time = start.split_ascii_whitespace().count() == 5 && start.len() < 40 && start.bytes().all(plain);
    Some((pid.parse().ok()?, start)).filter(|_| is_time)
}

fn change(path: &Path, first: Option<&str>, members: &[(&str, Option<&str>)]) -> Result<(), String> {
    let bytes = files::read_at_most(path, Whose::Towns, LARGEST).map_err(|error| error.to_string())?;
    let no_object = || format!("Not writing {}: it is no JSON object", path.display());
    let done = match (bytes, first) {
        (None, None) => return Ok(()),
        (None, Some(first)) => {
            let _ = path.parent().map(fs::create_dir_all);
            let text = with_members(first, members).ok_or_else(no_object)?;
            files::write(path, text.as_bytes(), Durability::Lazy, Access::Everybody)
        }
        (Some(bytes), _) => {
            let text = std::str::from_utf8(&bytes).ok().and_then(|text| with_members(text, members));
            files::rewrite(path, text.ok_or_else(no_object)?.as_bytes(), Durability::Lazy)
        }
    };
    done.map_err(|error| error.to_string())
}

/// Writes a file for `gt`, in a directory that may be missing.
pub(super) fn write(path: &Path, text: &str) {
    let _ = path.parent().map(fs::create_dir_all);
    let _ = files::write(path, text.as_bytes(), Durability::Lazy, Access::Everybody);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::attention::Attention;
    use crate::town::history::History;
    use proptest::prelude::*;

    #[test]
    fn what_ps_tells_is_what_the_system_tells() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut world = World::new(dir.path(), Attention::nobody(), &History::default());
        let pid = std::process::id();
        let (own, gone) = (dir.path().join("own/pid"), dir.path().join("gone"));
        world.notes.to_ask = [(pid, own.clone()), (4_194_305, gone.clone())].into();
        world.note_the_rest().expect("nobody stops it");
        let told = process::started(pid).expect("the system tells");
        assert_eq!(fs::read_to_string(own).expect("noted"), pid_note(pid, told));
        assert!(!gone.exists() && world.notes.to_ask.is_empty());
    }

    #[test]
    fn an_answer_of_ps_that_is_no_time_is_none() {
        let line = "  417 Mon Nov  2 22:11:48 2026 ";
        assert_eq!(parse_ps(line), Some((417, "Mon Nov  2 22:11:48 2026")));
        for line in [
            "",
            "417",
            "417 ",
            "x Mon Nov 23 22:11:48 2026",
            "417 \u{1b}[31mMon Nov 23 22:11:48 2026",
            "417 Mon Nov 23 22:11:48 2026|1",
            "417 Mon Nov 23 22:11:48\u{7}2026 x",
            "417 never",
        ] {
            assert_eq!(parse_ps(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_file_of_gts_that_cannot_be_understood_is_left_and_told_of_until_it_is_mended() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("witness.json");
        let mut notes = Notes::default();
        let mut note = |text: &[u8]| {
            fs::write(&path, text).expect("written");
            notes.change(path.clone(), Some("{}"), &[("state", Some("1"))]);
            (fs::read(&path).expect("read"), notes.troubles().map(|trouble| trouble.text).collect::<Vec<String>>())
        };
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(LARGEST as usize));
        for (text, why) in [
            (&b"{\"state\": \"runn"[..], "no JSON object"),
            (b"", "no JSON object"),
            (b"[]", "no JSON object"),
            (b"{\"a\": \"\xff\"}", "no JSON object"),
            (large.as_bytes(), "larger than 64 KiB"),
        ] {
            let (after, said) = note(text);
            assert_eq!(after, text);
            assert!(said.len() == 1 && said[0].contains(why), "{said:?}");
        }
        assert_eq!(note(b"{\"b\":0}"), (b"{\"b\":0,\"state\": 1}".to_vec(), Vec::new()));
    }

    proptest! {
        #[test]
        fn any_answer_of_ps_is_read_without_a_panic(line: String) {
            let _ = parse_ps(&line);
        }
    }
}
