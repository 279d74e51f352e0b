//! `daemon/state.json`: what outlives gtd, and what `--status` reads.
//!
//! The seed's five keys come first, so that `gt daemon status` can read them; gtd's own follow under `gtd`.

use super::conditions::OpenCondition;
use crate::sys::clock;
use crate::sys::files::{self, Access, Durability, FileError, Whose};
use crate::town::agent::AgentId;
use crate::town::history::History;
use crate::town::json::{self, Fields, FromJson, Object, ToJson, record};
use crate::town::time::{Moment, Wall};
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};

/// The version of the part under `gtd`.
const FORMAT: u32 = 1;

/// Go's zero time: never.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// More is not read: a state of a hundred thousand agents is smaller.
const MOST: u64 = 64 << 20;

/// The file.
#[derive(Clone, Debug)]
pub struct State<O = Own> {
    /// Whether the daemon that wrote it has not ended cleanly. The lock is the truth.
    pub running: bool,
    /// Its PID.
    pub pid: u32,
    /// When it began.
    pub started_at: String,
    /// When the last heartbeat was.
    pub last_heartbeat: String,
    /// How many there were.
    pub heartbeat_count: u64,
    /// gtd's own part; not there in a file that Gas Town's daemon wrote.
    pub gtd: Option<O>,
}

fn never() -> String {
    NEVER.to_owned()
}

impl<O: ToJson> ToJson for State<O> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        object.put("running", &self.running);
        object.put("pid", &self.pid);
        object.put("started_at", &self.started_at);
        object.put("last_heartbeat", &self.last_heartbeat);
        object.put("heartbeat_count", &self.heartbeat_count);
        object.put("gtd", &self.gtd);
        object.end();
    }
}

impl FromJson for State {
    fn blank() -> State {
        State { running: false, pid: 0, started_at: never(), last_heartbeat: never(), heartbeat_count: 0, gtd: None }
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        let mut fields = Fields::of(value)?;
        fields.fill_if_there("running", &mut self.running);
        fields.fill_if_there("pid", &mut self.pid);
        fields.fill_if_there("started_at", &mut self.started_at);
        fields.fill_if_there("last_heartbeat", &mut self.last_heartbeat);
        fields.fill_if_there("heartbeat_count", &mut self.heartbeat_count);
        fields.fill("gtd", &mut self.gtd);
        fields.end()
    }
}

/// gtd's part of the state. What is large in it is only borrowed where it is written: a town of a thousand agents is not
/// copied for that at each look.
#[derive(Clone, Debug)]
pub struct Own<C = Vec<OpenCondition>, A = Vec<AgentStatus>, H = History> {
    /// The version of this part.
    pub format: u32,
    /// The version of the gtd that wrote it.
    pub version: String,
    /// Its file.
    pub program: Option<ProgramFile>,
    /// The boot that ticks in it belong to.
    pub boot: String,
    /// When the town was last looked at.
    pub looked_at: Option<Moment>,
    /// When the next heartbeat is due.
    pub next_heartbeat: Option<Moment>,
    /// How often heartbeats come and why, in words.
    pub rhythm: String,
    /// Why Gas Town's generation is not known, if it is not.
    pub no_generation: Option<String>,
    /// What is wrong.
    pub conditions: C,
    /// Each agent as it was last judged.
    pub agents: A,
    /// What is remembered.
    pub history: H,
}
record!(Own<C, A, H> {
    format, version, program, boot, looked_at, next_heartbeat, rhythm, no_generation, conditions, agents, history
});

/// The file that a daemon was started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramFile {
    /// Where it is.
    pub path: PathBuf,
    /// When it was last changed, as the daemon started.
    pub changed: Option<Wall>,
}
record!(ProgramFile { path, changed });

impl ProgramFile {
    /// This program's own.
    fn own() -> Option<ProgramFile> {
        let path = std::env::current_exe().ok()?;
        Some(ProgramFile { changed: changed(&path), path })
    }

    /// Whether another version lies on the disk by now; `None` where it is gone.
    pub fn is_replaced(&self) -> Option<bool> {
        Some(changed(&self.path)? != self.changed?)
    }
}

fn changed(path: &Path) -> Option<Wall> {
    path.metadata().and_then(|meta| meta.modified()).ok().map(clock::wall_of)
}

/// An agent as it was last judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentStatus {
    /// Who.
    pub agent: AgentId,
    /// Its tmux session.
    pub session: String,
    /// One word.
    pub state: String,
    /// The reason, in words.
    pub reason: String,
    /// Until when the reason stands, where that is known.
    pub until: Option<Moment>,
    /// The rule of the README; 0 where none was needed.
    pub rule: u8,
    /// What would have to be different, or what comes next.
    pub otherwise: Option<String>,
}
record!(AgentStatus { agent, session, state, reason, until, rule, otherwise });

/// A state that was read, and what has to be said about it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What is remembered; nothing where there was no file or no usable one.
    pub history: History,
    /// What was wrong with the file, and what became of it.
    pub trouble: Option<String>,
}

/// Where a town's state is.
pub fn path(dir: &Path) -> PathBuf {
    dir.join("state.json")
}

/// Why a state cannot be used.
#[derive(Debug)]
pub enum Unread {
    /// The file cannot be read.
    File(FileError),
    /// It cannot be understood: in one line.
    Torn(String),
    /// A newer gtd has written it: in one line.
    Newer(String),
}

impl Unread {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Unread::File(error) if !error.remedy().is_empty() => error.remedy(),
            Unread::File(error) if error.is_the_machines() => "gtd does not start until it can be read",
            Unread::File(_) | Unread::Torn(_) => "gtd sets it aside when it starts, and begins anew",
            Unread::Newer(_) => "install the newer gtd again, or move the file away",
        }
    }

    /// With its remedy, for whoever typed the command.
    pub fn with_remedy(&self) -> String {
        format!("{self}; {}", self.remedy())
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::File(error) => write!(f, "{error}"),
            Unread::Torn(why) | Unread::Newer(why) => f.write_str(why),
        }
    }
}

/// Reads the file; `None` if there is none.
///
/// # Errors
/// Why it cannot be read or understood.
pub fn read(dir: &Path) -> Result<Option<Box<State>>, Unread> {
    fetch(dir, Whose::Ours)
}

fn fetch(dir: &Path, whose: Whose) -> Result<Option<Box<State>>, Unread> {
    let path = path(dir);
    let Some(bytes) = files::read_at_most(&path, whose, MOST).map_err(Unread::File)? else { return Ok(None) };
    let why = |why: &dyn fmt::Display| format!("cannot read {}: {why}", path.display());
    let state = parse(&bytes).map_err(|error| Unread::Torn(why(&error)))?;
    match state.gtd.as_ref().map(|own| own.format).filter(|format| *format > FORMAT) {
        Some(format) => Err(Unread::Newer(why(&format_args!("its format {format} is newer than this gtd")))),
        None => Ok(Some(state)),
    }
}

fn parse(bytes: &[u8]) -> Result<Box<State>, String> {
    json::parse(bytes).map(Box::new).map_err(|error| format!("not a state: {error}"))
}

/// What is remembered, after a reboot without what a reboot ends.
fn history_of(state: Option<Box<State>>) -> History {
    let mut history = History::default();
    if let Some(state) = state {
        if let Some(own) = state.gtd {
            history = own.history;
            if own.boot != clock::boot_id() {
                history.after_reboot();
            }
        }
        history.heartbeats = history.heartbeats.max(state.heartbeat_count);
    }
    history
}

/// Reads what is remembered, and writes nothing: for a look from outside.
///
/// # Errors
/// As for [`read`].
pub fn peek(dir: &Path) -> Result<History, Unread> {
    read(dir).map(history_of)
}

/// Reads what is remembered. A file that cannot be understood is set aside, and gtd begins anew.
///
/// # Errors
/// The machine does not let it be read: who begins anew then forgets holds and requests that stand in a good file.
pub fn load(dir: &Path) -> Result<Loaded, FileError> {
    let (state, trouble) = match fetch(dir, Whose::OursAlone) {
        Ok(state) => (state, None),
        // A good file may stand behind it.
        Err(Unread::File(error)) if error.is_the_machines() => return Err(error),
        Err(why) => {
            let aside = match files::set_aside(&path(dir), clock::now().wall) {
                Ok(aside) => format!("set aside as {}", aside.display()),
                Err(error) => error.to_string(),
            };
            (None, Some(format!("{why}; {aside}, and begun anew")))
        }
    };
    Ok(Loaded { history: history_of(state), trouble })
}

/// Writes the state, where it differs from what was written last.
#[derive(Debug)]
pub struct Keeper {
    dir: PathBuf,
    started_at: Wall,
    boot: String,
    program: Option<ProgramFile>,
    /// The fingerprint of what was written last: the text of a thousand agents would be a megabyte.
    written: u64,
}

/// What the daemon has to say of itself, besides its history.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// When the next heartbeat is due.
    pub next_heartbeat: Option<Moment>,
    /// How often heartbeats come and why.
    pub rhythm: String,
    /// Why Gas Town's generation is not known, if it is not.
    pub no_generation: Option<String>,
    /// What is wrong.
    pub conditions: Vec<OpenCondition>,
    /// Each agent.
    pub agents: Vec<AgentStatus>,
}

impl Keeper {
    /// Keeps the state in `dir`, for a daemon that began at `started_at`.
    pub fn new(dir: &Path, started_at: Wall) -> Keeper {
        Keeper { dir: dir.to_owned(), started_at, boot: clock::boot_id(), program: ProgramFile::own(), written: 0 }
    }

    /// Writes the state.
    ///
    /// # Errors
    /// The old version stands; the next look tries again.
    pub fn save(
        &mut self,
        running: bool,
        history: &History,
        report: &Report,
        durability: Durability,
    ) -> Result<(), FileError> {
        let stamp = |at: Wall| at.rfc3339(clock::local_offset(at));
        let state = State {
            running,
            pid: std::process::id(),
            started_at: stamp(self.started_at),
            last_heartbeat: history.last_heartbeat.map_or_else(never, |at| stamp(at.wall)),
            heartbeat_count: history.heartbeats,
            gtd: Some(Own {
                format: FORMAT,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                program: self.program.clone(),
                boot: self.boot.clone(),
                looked_at: history.last_look,
                next_heartbeat: report.next_heartbeat,
                rhythm: report.rhythm.clone(),
                no_generation: report.no_generation.clone(),
                conditions: report.conditions.as_slice(),
                agents: report.agents.as_slice(),
                history,
            }),
        };
        let bytes = encode(&state);
        // What could not be read again would lose more than what is left out of it now.
        if bytes.len() as u64 > MOST {
            let why = std::io::Error::other("it would be larger than gtd reads");
            return Err(FileError::new("write", &path(&self.dir), why));
        }
        let fingerprint = fingerprint(&bytes);
        if fingerprint != self.written {
            files::write(&path(&self.dir), &bytes, durability, Access::User)?;
            self.written = fingerprint;
        }
        Ok(())
    }
}

/// FNV-1a: nobody writes a state so that it looks like another.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn encode(state: &impl ToJson) -> Vec<u8> {
    // Without blanks: the file of a thousand agents is a megabyte.
    let mut bytes = json::line(state);
    bytes.push(b'\n');
    bytes
}

/// Writes `running: false` for a daemon that could not do so itself.
///
/// # Errors
/// Why it is not written.
pub fn mark_stopped(dir: &Path) -> Result<(), String> {
    match read(dir).map_err(|why| why.to_string())? {
        Some(mut state) if state.running => {
            state.running = false;
            files::write(&path(dir), &encode(&*state), Durability::Synced, Access::User).map_err(|e| e.to_string())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_seeds_state_is_read_and_its_count_goes_on() {
        for (file, running) in [
            (include_str!("../../tests/data/seed/daemon_state-running.json"), true),
            (include_str!("../../tests/data/seed/daemon_state-stopped.json"), false),
        ] {
            let state = parse(file.as_bytes()).expect("a state");
            assert_eq!((state.running, state.heartbeat_count), (running, 1));
            assert_eq!(history_of(Some(state)).heartbeats, 1);
        }
    }

    /// Files of the first versions have `null` where newer ones leave the key out. They must be read for ever.
    #[test]
    fn a_state_with_nulls_is_read_and_written_anew_without_a_loss() {
        let state = parse(include_bytes!("../../tests/data/gtd/state-with-nulls.json")).expect("a state");
        let own = state.gtd.as_ref().expect("gtd's part");
        assert_eq!((own.conditions.len(), own.agents.len(), own.next_heartbeat), (1, 1, None));
        let history = &own.history;
        assert_eq!((history.heartbeats, history.requests.len(), history.spent.len()), (13, 1, 1));
        assert_eq!((history.left_out.len(), history.spawns.len(), history.notices.len()), (1, 1, 1));
        assert!(history.deaths.is_some() && history.gastown.is_some() && history.server.is_some());
        assert_eq!((history.holds.parked.as_slice(), history.last_heartbeat), (["beta".to_owned()].as_slice(), None));
        let deacon = history.agent(&AgentId::Deacon);
        assert_eq!((deacon.strip.as_str(), deacon.messages), ("..p", 4));
        assert!(deacon.quarantined.is_some() && deacon.shut_down.is_some() && deacon.silence.is_some());
        assert_eq!(deacon.gone.map(|gone| gone.how), Some(crate::town::history::Absence::Dead(2690)));
        assert_eq!(deacon.program.map(|program| program.process.pid), Some(2690));
        let again = parse(&encode(&*state)).expect("the same state");
        assert_eq!(again.gtd.map(|own| own.history), state.gtd.map(|own| own.history));
    }

    #[test]
    fn the_seeds_keys_come_first_and_everything_survives() {
        let dir = tempfile::tempdir().expect("a directory");
        let now = clock::now();
        let mut history = History { heartbeats: 7, last_heartbeat: Some(now), ..History::default() };
        let witness: AgentId = "alpha/witness".parse().expect("an agent");
        history.agents.get_or_default(witness.clone()).restarts.push(now);
        let mut keeper = Keeper::new(dir.path(), now.wall);
        let report = Report::default();
        keeper.save(true, &history, &report, Durability::Synced).expect("saved");
        let text = std::fs::read_to_string(path(dir.path())).expect("a file");
        let keys = ["running", "pid", "started_at", "last_heartbeat", "heartbeat_count", "gtd"];
        let places: Vec<usize> = keys.iter().map(|key| text.find(&format!("\"{key}\":")).expect(key)).collect();
        assert!(places.is_sorted(), "{text}");
        assert_eq!(load(dir.path()).expect("loaded").history, history);
        mark_stopped(dir.path()).expect("marked");
        assert!(!read(dir.path()).expect("read").expect("a state").running);
    }

    #[test]
    fn a_torn_state_is_set_aside_and_said() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(path(dir.path()), "{\"running\": tr").expect("written");
        let loaded = load(dir.path()).expect("loaded");
        assert_eq!(loaded.history, History::default());
        let said = loaded.trouble.expect("something to say");
        assert!(said.contains("state.json.corrupt-"), "{said}");
        assert!(load(dir.path()).expect("loaded").trouble.is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
