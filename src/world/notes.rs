//! What `gt` notes beside a session that it has started, for its other commands; so does gtd.
//!
//! gt 0.2 keeps `RIG/.runtime/witness.json` and `refinery.json`, by which `gt witness status` answers. gt 1.0 keeps
//! `.runtime/pids/SESSION.pid` with `PID|START`, by which `gt down` ends a program whose session has gone. An agent works
//! without them, so that nothing that goes wrong here is worth a word.

use super::World;
use super::tools;
use crate::sys::clock;
use crate::sys::command::Command;
use crate::sys::files::{self, Access, Durability, Whose};
use crate::town::names::{Agent, Noted};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `ps` reads one process.
const PS_TIMEOUT: Duration = Duration::from_secs(2);
/// Such a file has a dozen lines.
const LARGEST: u64 = 64 << 10;

impl World {
    /// Notes that an agent was started, with this process in its pane. If gtd is told to end meanwhile, the start is told of
    /// all the same.
    pub fn note_start(&mut self, agent: &Agent, pid: u32) {
        match self.note(agent) {
            Some((Noted::State, path)) => {
                let now = clock::now().wall;
                let started = json!(now.rfc3339(clock::local_offset(now)));
                let own = json!({"rig_name": agent.id.rig().map(ToString::to_string)});
                let mut state = read_object(&path).unwrap_or(own);
                state["state"] = json!("running");
                state["started_at"] = started;
                write(&path, &format!("{state:#}"));
            }
            Some((Noted::Pid, path)) => match self.start_time(pid) {
                Some(start) => write(&path, &format!("{pid}|{start}\n")),
                // Without the time of its start the PID may be a stranger's by the time that `gt down` reads it.
                None => drop(fs::remove_file(&path)),
            },
            None => {}
        }
    }

    /// Notes that an agent was ended, and is not to come back.
    pub fn note_end(&self, agent: &Agent) {
        match self.note(agent) {
            Some((Noted::State, path)) => {
                if let Some(mut state) = read_object(&path) {
                    state["state"] = json!("stopped");
                    state.as_object_mut().map(|state| state.remove("started_at"));
                    write(&path, &format!("{state:#}"));
                }
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

    /// When a process was started, in the words of `ps`, which `gt` compares.
    fn start_time(&mut self, pid: u32) -> Option<String> {
        let pid = pid.to_string();
        let command = Command::new(tools::find("ps")?, PS_TIMEOUT).args(["-o", "lstart=", "-p", &pid]);
        let output = command.env("LC_ALL", "C").run(&mut self.attention).ok()?.ok()?;
        let start = output.stdout.trim();
        (output.success && !start.is_empty() && !start.contains(['\n', '|'])).then(|| start.to_owned())
    }
}

fn read_object(path: &Path) -> Option<Value> {
    let bytes = files::read_at_most(path, Whose::Towns, LARGEST).ok()??;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// Writes a file for `gt`, in a directory that may be missing.
pub(super) fn write(path: &Path, text: &str) {
    let _ = path.parent().map(fs::create_dir_all);
    let _ = files::write(path, text.as_bytes(), Durability::Lazy, Access::Everybody);
}
