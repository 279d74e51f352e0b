//! What gtd remembers from look to look, and over its own restarts.

use super::agent::{AgentId, Name};
use super::names::Generation;
use super::need::{Deaths, Notice};
use super::request::{Claim, ShutDown, Spent};
use super::rigs::SavedRig;
use super::snapshot::{Holds, Process, Server};
use super::time::{Moment, Wall};
use crate::town::sorted::{SortedMap, SortedSet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The memory of a town.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// When the town was last looked at.
    pub last_look: Option<Moment>,
    /// When the last heartbeat began.
    pub last_heartbeat: Option<Moment>,
    /// How many heartbeats there were; goes on over restarts.
    pub heartbeats: u64,
    /// When agents were last started, as many as may be at a time; the newest last.
    pub last_starts: Vec<Moment>,
    /// The last use of `gt` or `bd` that was not gtd's own.
    pub activity: Option<Wall>,
    /// What `gt --version` last said, and of which file.
    pub gastown: Option<KnownGastown>,
    /// The generation whose names were used last, and why: when it changes, nothing that was known of agents is about theirs.
    pub names: Option<NamesInForce>,
    /// What the town's files last said that holds agents.
    pub holds: SavedHolds,
    /// Beads that made a whole call of `bd` fail, and are asked for again a day later.
    pub left_out: SortedMap<String, LeftOut>,
    /// The tmux server that the town was last seen on.
    pub server: Option<Server>,
    /// The one before that, on another socket: it may live on, and the town's agents with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_server: Option<Server>,
    /// The last good configuration, as its file was.
    pub config: Option<Value>,
    /// The last good list of rigs.
    pub rigs: Option<Vec<SavedRig>>,
    /// What was asked for and is not done yet, the oldest first.
    pub requests: Vec<Claim>,
    /// Mails and files that were dealt with.
    pub spent: Vec<Spent>,
    /// Spawned workers that wait for their first word, by session.
    pub spawns: SortedMap<String, SpawnHistory>,
    /// Agents that died at once and are not all back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deaths: Option<Deaths>,
    /// The conditions that need a person, or will, by name.
    #[serde(skip_serializing_if = "SortedMap::is_empty")]
    pub notices: SortedMap<String, Notice>,
    /// Each agent's.
    pub agents: SortedMap<AgentId, AgentHistory>,
}

/// An answer of `gt --version`, or what the town itself has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownGastown {
    /// The generation; `None` where `gt` named one that gtd does not know.
    pub generation: Option<Generation>,
    /// The program that said so; empty where it was the town.
    pub program: String,
    /// When that file was last changed; another time means another `gt`.
    pub changed: Option<Wall>,
    /// What was said, as a clause: `gt --version says v1.0.1`.
    #[serde(default)]
    pub said: String,
    /// When it was asked.
    #[serde(default)]
    pub asked: Option<Wall>,
}

/// Which generation's names are used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesInForce {
    /// The generation.
    pub generation: Generation,
    /// Why, as a clause.
    pub why: String,
}

/// What the town's files said when they could last be read: one that is torn changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedHolds {
    /// Parked rigs.
    pub parked: Vec<String>,
    /// Rigs whose agents are not started of themselves.
    pub no_restart: Vec<String>,
    /// Why the Deacon is paused, if it is.
    pub paused: Option<String>,
}

impl From<&Holds> for SavedHolds {
    fn from(holds: &Holds) -> SavedHolds {
        let words = |rigs: &SortedSet<Name>| rigs.iter().map(Name::to_string).collect();
        SavedHolds { parked: words(&holds.parked), no_restart: words(&holds.no_restart), paused: holds.paused.clone() }
    }
}

/// A bead that is not asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Since when.
    pub since: Wall,
    /// Whether `bd` said that there is none; else that it could be several.
    pub missing: bool,
}

/// The memory of a spawned worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnHistory {
    /// When gtd first saw it.
    pub since: Moment,
    /// Whether its first word is being typed: saved before, so that it is not typed twice.
    pub begun: bool,
}

/// The memory of one agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentHistory {
    /// The program that was last seen alive or started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<Program>,
    /// Since when that program runs, or, if it was there before gtd, since when gtd knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_since: Option<Moment>,
    /// Left alone until then, after a start that gtd made or saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_until: Option<Moment>,
    /// Since when it is gone in the way it is gone now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
    /// When gtd started it again after it had ended by itself; the newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub restarts: Vec<Moment>,
    /// Since when it is in quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<Moment>,
    /// When it was last poked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_poke: Option<Moment>,
    /// Whether the last poke's message was seen on the screen and taken.
    pub last_poke_delivered: bool,
    /// The pokes that have brought no output, since the last that did; goes with the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
    /// When it was started by gtd in the last 24 hours, for whatever reason, the newest last; for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<Wall>,
    /// What each of the last looks made of it, one letter a look, the newest last: see `decide::strip`.
    pub strip: String,
    /// How often it was restarted for not answering, without an answer in between.
    pub silent_restarts: u32,
    /// A poke that fell into a grace period and waits for its end.
    pub poke_owed: bool,
    /// How many messages it was sent: chooses the next one.
    pub messages: u64,
    /// The newest output at the last look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Wall>,
    /// The newest output that came between two looks: the sign of an agent at work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_between: Option<Wall>,
    /// When the last request for it was made that was taken on: an older one that comes later is overtaken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_word: Option<Wall>,
    /// Held down, because somebody asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shut_down: Option<ShutDown>,
    /// When it was last part of the town; dropped a day after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Moment>,
    /// Whether this very gtd has seen it alive. Not saved: what happened before gtd started nobody was in the
    /// middle of.
    #[serde(skip)]
    pub watched: bool,
}

/// Pokes that have brought no output yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// When the first of them was about to be sent.
    pub first: Moment,
    /// When the second was sent, if there was one.
    pub second: Option<Moment>,
    /// How many of them were heartbeats.
    pub heartbeats: u32,
}

/// The program of an agent, from the start to the end of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The number of its pane; not a target, only a part of its identity.
    pub pane: u32,
    /// Its process.
    #[serde(flatten)]
    pub process: Process,
    /// Whether gtd started it.
    pub by_gtd: bool,
}

/// That an agent has gone, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// When it was first seen to be so.
    pub since: Moment,
    /// In which way.
    pub how: Absence,
}

/// The ways in which an agent is not there. Another way is another event: it has to settle anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// It has no session.
    NoSession,
    /// Its session has no pane of its own any more.
    NoPane,
    /// Its pane's program has ended; the PID tells one end from the next.
    Dead(u32),
    /// Only this shell is left.
    BareShell(u32),
    /// gtd tried to start it, in vain.
    StartFailed,
}

/// Start times that are remembered for an agent at most: more than pacing allows in a day.
pub const STARTS_KEPT: usize = 100;

/// Looks that a strip shows.
pub const STRIP: usize = 60;

/// Restart times that are remembered for an agent. Pacing needs four; the rest is for people.
pub const RESTARTS_KEPT: usize = 32;

impl History {
    /// What is remembered of an agent; nothing, where it is new.
    pub fn agent(&self, id: &AgentId) -> &AgentHistory {
        static NEW: AgentHistory = AgentHistory {
            program: None,
            up_since: None,
            grace_until: None,
            gone: None,
            restarts: Vec::new(),
            quarantined: None,
            last_poke: None,
            last_poke_delivered: false,
            silence: None,
            starts: Vec::new(),
            strip: String::new(),
            silent_restarts: 0,
            poke_owed: false,
            messages: 0,
            output: None,
            output_between: None,
            last_word: None,
            shut_down: None,
            seen: None,
            watched: false,
        };
        self.agents.get(id).unwrap_or(&NEW)
    }

    /// Forgets what does not outlive a reboot: back-off, quarantine, pokes, and every instant, since the clock that
    /// measured them has begun anew. Holds, requests, counts and names stay.
    pub fn after_reboot(&mut self) {
        self.last_look = None;
        self.last_heartbeat = None;
        self.last_starts.clear();
        self.spawns.clear();
        self.server = None;
        self.former_server = None;
        // Of what a person was told, the end is told too.
        self.notices.retain(|_, notice| notice.told);
        for agent in self.agents.values_mut() {
            let (shut_down, last_word) = (agent.shut_down.take(), agent.last_word);
            let starts = std::mem::take(&mut agent.starts);
            *agent = AgentHistory { messages: agent.messages, shut_down, last_word, starts, ..AgentHistory::default() };
        }
    }
}
