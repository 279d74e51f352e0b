//! Processes that are told apart for as long as they live: an agent's program, the tmux server.

use super::json::{Fields, FromJson, Object, ToJson, record};
use serde_json::Value;

/// A process for as long as it lives: PIDs are used again, PIDs with a start time are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its PID.
    pub pid: u32,
    /// When it started, in the kernel's own unit since boot; 0 where that is not known.
    pub start: u64,
}
record!(Process { pid, start });

/// A tmux server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its process.
    pub process: Process,
    /// The options by which it is reached.
    pub socket: String,
}
record!(Server { process, socket });

/// The program of an agent, from the start to the end of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// The number of its pane; not a target, only a part of its identity.
    pub pane: u32,
    /// Its process.
    pub process: Process,
    /// Whether gtd started it.
    pub by_gtd: bool,
}

/// On one level with its process.
impl ToJson for Program {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        object.put("pane", &self.pane);
        object.put("pid", &self.process.pid);
        object.put("start", &self.process.start);
        object.put("by_gtd", &self.by_gtd);
        object.end();
    }
}

impl FromJson for Program {
    fn blank() -> Program {
        Program { pane: 0, process: Process::blank(), by_gtd: false }
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        let mut fields = Fields::of(value)?;
        fields.fill("pane", &mut self.pane);
        fields.fill("pid", &mut self.process.pid);
        fields.fill("start", &mut self.process.start);
        fields.fill("by_gtd", &mut self.by_gtd);
        fields.end()
    }
}
