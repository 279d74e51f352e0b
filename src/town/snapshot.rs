//! What one look at the town has shown. Every part that has to be asked for is a `Result`: unknown is not absent.

use super::agent::{AgentId, Name};
use super::answers::{KnownGastown, LeftOut};
use super::config::Config;
use super::mail::Mail;
use super::names::{Agent, Generation};
use super::need::{Matter, Need};
use super::outage::Outage;
use super::process::{Process, Server};
use super::request::SpoolFile;
use super::rigs::Rig;
use super::time::{Moment, Wall};
use crate::town::sorted::{SortedMap, SortedSet};
use std::path::PathBuf;

/// The town at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// When it was taken.
    pub now: Moment,
    /// The town's root, without symbolic links: what sessions' directories are compared with.
    pub root: PathBuf,
    /// The configuration in force.
    pub config: Config,
    /// Which Gas Town this is.
    pub generation: Result<Generation, Outage>,
    /// Why it is taken to be that one, as a clause: `gt --version says v1.0.1`.
    pub generation_why: String,
    /// What `gt --version` has said, or the town has shown, if that was asked for this look.
    pub gastown: Option<KnownGastown>,
    /// This town's patrol agents under other names, or on other tmux servers; asked before one is started.
    pub elsewhere: Elsewhere,
    /// The rigs of which it was asked whether they are docked, which is before a start.
    pub docks: SortedMap<Name, Dock>,
    /// Beads that are not asked for, since they make the whole call fail.
    pub left_out: SortedMap<String, LeftOut>,
    /// The town's projects, by name.
    pub rigs: Vec<Rig>,
    /// The agents that gtd may supervise, the Deacon first.
    pub agents: Vec<Agent>,
    /// The options by which the town's tmux server is reached.
    pub socket: String,
    /// The tmux server that answered.
    pub server: Option<Server>,
    /// The sessions on the town's tmux server, by name.
    pub sessions: Result<Vec<Session>, Outage>,
    /// What the agents say of themselves.
    pub reports: Reports,
    /// When each bead was last written, where that is known.
    pub reported_at: SortedMap<String, Wall>,
    /// The Deacon's mail.
    pub inbox: Inbox,
    /// What was asked for through the spool.
    pub spool: Vec<SpoolFile>,
    /// The crew of each rig; only read where somebody asks for something.
    pub crew: Vec<(Name, Name)>,
    /// What agents ask for in their own `state.json`: the keys, and whether they are true. Only of those that mails name.
    pub wishes: SortedMap<AgentId, Vec<(String, bool)>>,
    /// What stands in the way of starting and poking.
    pub holds: Holds,
    /// When somebody last used `gt` or `bd`, if that is known and not gtd's own doing.
    pub activity: Option<Wall>,
    /// What is wrong with the town's files, each said when it begins and when it ends.
    pub troubles: Vec<Trouble>,
}

/// What stops gtd from acting, as found in the town's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// `ESTOP` exists: the reason in it.
    pub estop: Option<String>,
    /// Rigs with an `ESTOP.RIG`: the reason in it.
    pub stopped_rigs: SortedMap<Name, String>,
    /// Somebody holds `daemon/shutdown.lock`.
    pub shutting_down: bool,
    /// Agents whose working directory is not there.
    pub no_directory: SortedSet<AgentId>,
    /// The living process that `daemon/shutting-down` names.
    pub going_down: Option<u32>,
    /// Parked rigs.
    pub parked: SortedSet<Name>,
    /// Rigs with `auto_restart` switched off: nobody is started there of itself.
    pub no_restart: SortedSet<Name>,
    /// Why the Deacon is paused, if it is.
    pub paused: Option<String>,
}

/// Whether a second population would be started beside one that lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Elsewhere {
    /// Nobody has asked.
    #[default]
    NotAsked,
    /// There is none.
    Nobody,
    /// There is one.
    Somebody {
        /// Where, and how it is ended, in a sentence.
        text: String,
        /// Who lives there.
        agents: SortedSet<AgentId>,
    },
    /// A tmux server did not answer.
    Unknown {
        /// Which, and how.
        outage: Outage,
        /// Whether it is the one that the town was on before.
        former: bool,
    },
}

/// Whether a rig is docked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dock {
    /// Its bead says so: `status:docked on al-rig-alpha`.
    Docked(String),
    /// It does not, or there is no such bead.
    Free,
    /// `bd` gave no answer that can be used.
    Unknown(Outage),
}

/// A condition that a person should know of: said when it begins and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is about; stays the same while it lasts.
    pub about: String,
    /// What is wrong and what gtd does meanwhile.
    pub text: String,
    /// What is said when it is over: `bd answers again`.
    pub over: String,
    /// Whether it needs a person, and when.
    pub need: Option<Need>,
}

impl Trouble {
    /// Whether the log says its beginning as something that has happened, and not as a condition once more.
    pub fn begins_as_event(&self) -> bool {
        self.need.as_ref().is_some_and(|need| need.what == Matter::Deaths)
    }
}

/// A tmux session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub name: String,
    /// The option `@gtd_town`, if it is set.
    pub town: Option<String>,
    /// The directory it was made in, without symbolic links.
    pub path: PathBuf,
    /// How many clients are attached.
    pub attached: u32,
    /// When a person last typed into it or attached to it.
    pub last_input: Wall,
    /// Its panes, or why they could not be understood.
    pub panes: Result<Vec<Pane>, Outage>,
}

/// A pane of a session. Its id is good only for the look it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    /// The number of `%7`.
    pub id: u32,
    /// Its process, and when that started.
    pub process: Process,
    /// Whether it still runs.
    pub state: PaneState,
    /// The foreground program's name.
    pub command: String,
    /// Whether it shows a mode (the scrollback, a menu of tmux's) instead of its program.
    pub in_mode: bool,
    /// Whether what is typed into it reaches other panes of its window too.
    pub synchronized: bool,
    /// How many bytes were typed into it that nobody has read; asked only of those that have not answered, and `None` where
    /// the terminal does not tell.
    pub unread: Option<u32>,
    /// The program in the foreground of its terminal, where that is another one than its first.
    pub foreground: Option<u32>,
    /// When a person last typed in another session that shows it, if somebody is attached there.
    pub elsewhere: Option<Wall>,
    /// The option `@gtd_agent`, if it is set.
    pub agent: Option<String>,
    /// When its window last showed new output.
    pub output: Wall,
}

/// What a pane holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaneState {
    /// A program.
    Running,
    /// An interactive shell and nothing below it: the program has gone and left its shell.
    BareShell,
    /// Nothing: the program ended in place.
    Dead(Ended),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// tmux does not tell.
    Unknown,
}

/// The Deacon's inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Inbox {
    /// Nobody has asked.
    #[default]
    NotAsked,
    /// The mails.
    Read(Vec<Mail>),
    /// `gt` gave no answer that can be used.
    Unknown(Outage),
}

/// What the agents' beads say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reports {
    /// Nobody has asked: this is a look, or this generation's beads do not tell.
    #[default]
    NotAsked,
    /// The answers, by bead.
    Asked(SortedMap<String, Report>),
    /// There is no `bd`: tmux alone tells, as it does for newer Gas Towns.
    NoTool,
    /// `bd` gave no answer that can be used.
    Unknown(Outage),
}

/// One agent's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It says this word of itself.
    Says(String),
    /// It has no bead.
    Missing,
    /// Its bead could not be read.
    Unknown,
}

/// Whether a person uses a pane: is attached to its session, or to another one that shows it, and typed within `within` of
/// `now`. A stamp from the future is one from before the clock was set back.
pub fn in_use(session: &Session, pane: &Pane, now: Wall, within: std::time::Duration) -> bool {
    let recent = |at: Wall| at <= now && now.since(at) < within;
    let here = session.attached > 0 && recent(session.last_input);
    here || pane.elsewhere.is_some_and(recent)
}
