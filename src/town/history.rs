//! What gtd remembers from look to look, and over its own restarts.

use super::agent::{AgentId, Name};
use super::answers::{KnownGastown, LeftOut};
use super::json::{FromJson, ToJson, choice, record, unknown, write_choice};
use super::names::Generation;
use super::need::{Deaths, Notice};
use super::process::{Program, Server};
use super::request::{Claim, ShutDown, Spent};
use super::rigs::SavedRig;
use super::snapshot::Holds;
use super::time::{Moment, Wall};
use crate::town::sorted::{SortedMap, SortedSet};
use serde_json::Value;

/// The memory of a town.
#[derive(Clone, Debug, Default, PartialEq)]
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
    pub deaths: Option<Deaths>,
    /// The conditions that need a person, or will, by name.
    pub notices: SortedMap<String, Notice>,
    /// Each agent's.
    pub agents: SortedMap<AgentId, AgentHistory>,
}
record!(History {
    last_look, last_heartbeat, last_starts, activity, gastown, names, left_out, server, former_server, config, rigs, requests, spent,
    spawns, deaths, notices, agents
} or_default { heartbeats, holds });

/// Which generation's names are used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesInForce {
    /// The generation.
    pub generation: Generation,
    /// Why, as a clause.
    pub why: String,
}
record!(NamesInForce { generation, why });

/// What the town's files said when they could last be read: one that is torn changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedHolds {
    /// Parked rigs.
    pub parked: Vec<String>,
    /// Rigs whose agents are not started of themselves.
    pub no_restart: Vec<String>,
    /// Why the Deacon is paused, if it is.
    pub paused: Option<String>,
}
record!(SavedHolds { parked, no_restart, paused });

impl From<&Holds> for SavedHolds {
    fn from(holds: &Holds) -> SavedHolds {
        let words = |rigs: &SortedSet<Name>| rigs.iter().map(Name::to_string).collect();
        SavedHolds { parked: words(&holds.parked), no_restart: words(&holds.no_restart), paused: holds.paused.clone() }
    }
}

/// The memory of a spawned worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnHistory {
    /// When gtd first saw it.
    pub since: Moment,
    /// Whether its first word is being typed: saved before, so that it is not typed twice.
    pub begun: bool,
}
record!(SpawnHistory { since, begun });

/// The memory of one agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentHistory {
    /// The program that was last seen alive or started.
    pub program: Option<Program>,
    /// Since when that program runs, or, if it was there before gtd, since when gtd knows it.
    pub up_since: Option<Moment>,
    /// Left alone until then, after a start that gtd made or saw.
    pub grace_until: Option<Moment>,
    /// Since when it is gone in the way it is gone now.
    pub gone: Option<Gone>,
    /// When gtd started it again after it had ended by itself; the newest last.
    pub restarts: Vec<Moment>,
    /// Since when it is in quarantine.
    pub quarantined: Option<Moment>,
    /// When it was last poked.
    pub last_poke: Option<Moment>,
    /// Whether the last poke's message was seen on the screen and taken.
    pub last_poke_delivered: bool,
    /// The pokes that have brought no output, since the last that did; goes with the program.
    pub silence: Option<Silence>,
    /// When it was started by gtd in the last 24 hours, for whatever reason, the newest last; for people.
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
    pub output: Option<Wall>,
    /// The newest output that came between two looks: the sign of an agent at work.
    pub output_between: Option<Wall>,
    /// When the last request for it was made that was taken on: an older one that comes later is overtaken.
    pub last_word: Option<Wall>,
    /// Held down, because somebody asked for it.
    pub shut_down: Option<ShutDown>,
    /// When it was last part of the town; dropped a day after that.
    pub seen: Option<Moment>,
    /// Whether this very gtd has seen it alive. Not saved: what happened before gtd started nobody was in the
    /// middle of.
    pub watched: bool,
}
record!(AgentHistory {
    program, up_since, grace_until, gone, restarts, quarantined, last_poke, silence, starts, output, output_between, last_word,
    shut_down, seen
} or_default { last_poke_delivered, strip, silent_restarts, poke_owed, messages } unsaved { watched });

/// Pokes that have brought no output yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When the first of them was about to be sent.
    pub first: Moment,
    /// When the second was sent, if there was one.
    pub second: Option<Moment>,
    /// How many of them were heartbeats.
    pub heartbeats: u32,
}
record!(Silence { first, second, heartbeats });

/// That an agent has gone, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// When it was first seen to be so.
    pub since: Moment,
    /// In which way.
    pub how: Absence,
}
record!(Gone { since, how });

/// The ways in which an agent is not there. Another way is another event: it has to settle anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl ToJson for Absence {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Absence::NoSession => "no_session".write(out),
            Absence::NoPane => "no_pane".write(out),
            Absence::Dead(pid) => write_choice("dead", pid, out),
            Absence::BareShell(pid) => write_choice("bare_shell", pid, out),
            Absence::StartFailed => "start_failed".write(out),
        }
    }
}

impl FromJson for Absence {
    fn blank() -> Absence {
        Absence::NoSession
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        let (word, pid) = choice(value)?;
        *self = match word {
            "no_session" => Absence::NoSession,
            "no_pane" => Absence::NoPane,
            "dead" => Absence::Dead(u32::read(pid)?),
            "bare_shell" => Absence::BareShell(u32::read(pid)?),
            "start_failed" => Absence::StartFailed,
            _ => return Err(unknown(word)),
        };
        Ok(())
    }
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
