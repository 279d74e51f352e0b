//! What gtd means to do, and why: a verdict for each agent. The text of a plan is what `--dry-run` prints and what
//! the tables in the tests compare; `words` has it.

mod words;

pub use words::timed;

use super::agent::{AgentId, Role};
use super::outage::Outage;
use super::process::Process;
use super::request::{Action, Source};
use super::snapshot::Ended;
use super::time::Moment;
use std::time::Duration;

/// Why the town is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// It was time to, or somebody asked.
    Look,
    /// A heartbeat: agents are poked.
    Heartbeat,
}

/// What is to be done after one look.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// When the look was taken.
    pub now: Moment,
    /// One verdict for each agent, the Deacon first.
    pub verdicts: Vec<(AgentId, Verdict)>,
    /// Sessions that are seen for the first time: they get gtd's marks.
    pub marks: Vec<Mark>,
    /// How long from one heartbeat to the next, and why.
    pub rhythm: Rhythm,
    /// When the next heartbeat is due.
    pub next_heartbeat: Moment,
    /// When to look again: the earliest moment at which time alone could change a verdict.
    pub next_look: Moment,
}

/// A session that gets the options by which gtd knows it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose it is.
    pub agent: AgentId,
    /// The agent's pane.
    pub pane: PaneRef,
}

/// A pane as a guard has to find it again: its id alone could be somebody else's by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneRef {
    /// The number of `%7`.
    pub id: u32,
    /// The session it must be in.
    pub session: String,
    /// The process that it must have: the PID for the guard, the start time for whoever ends it. The start is 0 for one
    /// that has ended.
    pub process: Process,
    /// Its option `@gtd_agent`, empty where that is not set: it stays with the pane, whichever session shows it.
    pub mark: String,
}

/// How often heartbeats come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// The interval.
    pub interval: Duration,
    /// How long the town has been idle; `None` if nothing tells.
    pub idle: Option<Duration>,
}

/// What is to be done for one agent: the first rule that matches.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Rule 1: nothing, because somebody wants it so.
    Hold(Hold),
    /// Nothing, because nothing is needed or nothing is known.
    Leave(Leave),
    /// Rules 4 and 5: start it, but not yet.
    Wait {
        /// What is missing.
        absence: Missing,
        /// What it waits for.
        why: Delay,
        /// When it is tried.
        until: Moment,
    },
    /// Rules 4 and 5: start it.
    Start {
        /// What is missing.
        absence: Missing,
        /// Where it is started.
        place: Place,
        /// Whether this is a restart, which is counted, or a first start.
        restart: bool,
        /// Its last program: if that still lives, without its session or beside its pane, it is ended first.
        leftover: Option<Process>,
    },
    /// Rule 9: a heartbeat is due, and it is awake.
    Skip(Awake),
    /// Rule 10: a heartbeat is due.
    Poke {
        /// Where it is typed.
        to: Addressee,
        /// What is typed.
        message: &'static str,
    },
}

/// A pane that something is to be typed into, and how it was when that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// The pane.
    pub pane: PaneRef,
    /// When a person last typed there, in wall-clock seconds: if that changes, the pane is not touched.
    pub last_input: i64,
    /// Whether it shows a mode, which is left first.
    pub in_mode: bool,
    /// Whether its window is resized by one column and back before: some agents ignore their keyboard until then.
    pub resize: bool,
}

/// Why an agent is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The town's emergency stop.
    Estop(String),
    /// The rig's emergency stop.
    RigEstop(String),
    /// `gt down` or `gt shutdown` is at work.
    ShuttingDown,
    /// Its patrol is switched off.
    PatrolOff,
    /// The rigs that its patrol is limited to do not have its own among them: the role.
    NotListed(Role),
    /// Its working directory is not there.
    NoDirectory(String),
    /// Another agent has the same session name.
    SameSession(AgentId),
    /// It was shut down on request.
    ShutDown(Source),
    /// Somebody has asked for something that is not done yet.
    Asked(Action),
    /// Nobody knows what sessions are called in this town.
    NoGeneration(Outage),
    /// The `gt down` with this PID is at work.
    GoingDown(u32),
    /// Its rig is parked.
    Parked,
    /// Its rig is docked: the label that says so, and on which bead.
    Docked(String),
    /// Nobody knows whether its rig is docked, and it was never started.
    DockUnknown(Outage),
    /// Its rig's agents are not started of themselves.
    NoAutoRestart,
    /// The Deacon is paused: the reason.
    Paused(String),
    /// The town's agents live under other names, or on another tmux server.
    Elsewhere(String),
    /// Nobody knows whether they do.
    ElsewhereUnknown(Outage),
}

/// Why an agent is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Rule 2: tmux does not tell.
    Unknown(Outage),
    /// Rule 3: the session belongs to another town.
    Foreign(String),
    /// It lives, but in a pane of this other session: somebody has renamed its session, or moved its pane.
    Moved(String),
    /// Rule 6: it was started a moment ago.
    Grace {
        /// The end of the grace period.
        until: Moment,
        /// Whether a poke waits for it.
        poke_waits: bool,
    },
    /// Rule 7: its last poke has brought no output, or, `twice`, its last two.
    Silent {
        /// See above.
        twice: bool,
        /// When it is poked again, or judged; `None` where further heartbeats tell.
        until: Option<Moment>,
    },
    /// Rule 7: it does not answer, and was restarted for that in vain.
    NoAnswer,
    /// Rule 8: its report asks for a person, and its program lives.
    Reports(String),
    /// It lives, and nothing is due.
    Alive,
}

/// What is not there, as the reason for a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No session.
    Session,
    /// A session without the agent's pane.
    Pane,
    /// The program: it has ended in its pane.
    Ended(Ended),
    /// The program: only its shell is left.
    OnlyShell,
    /// Any sign that the program takes notice of what is typed to it.
    Answer {
        /// The bytes that were typed and that nobody has read; 0 where only its long silence tells.
        unread: u32,
    },
}

/// What a start waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// That it is still so at a second look: somebody may be restarting it by hand.
    Settling,
    /// The back-off before restart `n` within 15 min.
    BackOff(usize),
    /// Quarantine after a loop; tried once an hour.
    Quarantine,
    /// That the person who types there stops.
    Person,
    /// Its turn: only a few are started at a time.
    Turn,
}

/// Where an agent is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A new session.
    NewSession,
    /// A new window of the session that is there.
    NewWindow,
    /// The pane it ended in.
    InPlace(PaneRef),
}

/// The newest of those who are to be started: what is asked before depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newest {
    /// One who never was: nobody of this town may live elsewhere.
    First,
    /// One who was before: he himself may not.
    Again,
}

/// The newest of these, of each of whom is told whether it is for the first time.
pub fn newest(mut first: impl Iterator<Item = bool>) -> Option<Newest> {
    let one = first.next()?;
    Some(if one || first.any(|first| first) { Newest::First } else { Newest::Again })
}

/// How an agent shows that it needs no poke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awake {
    /// A person is typing to it.
    Person,
    /// It is at work.
    Working,
    /// It may sleep, but what is typed to it would reach other panes too.
    Synchronized,
}

impl Plan {
    /// Whether this agent is to be started because it does not answer.
    pub fn ends_for_silence(&self, agent: &AgentId) -> bool {
        let silent = |verdict: &Verdict| matches!(verdict, Verdict::Start { absence: Missing::Answer { .. }, .. });
        self.verdicts.iter().any(|(id, verdict)| id == agent && silent(verdict))
    }

    /// When the first of those who wait is to be started.
    pub fn next_start(&self) -> Option<Moment> {
        let waits = self.verdicts.iter().filter_map(|(_, verdict)| match verdict {
            Verdict::Wait { until, .. } => Some(*until),
            _ => None,
        });
        waits.min_by_key(|until| until.tick)
    }

    /// Those who are to be started, with whether it is for the first time.
    pub fn starts(&self) -> impl Iterator<Item = (&AgentId, bool)> {
        self.verdicts.iter().filter_map(|(id, verdict)| match verdict {
            Verdict::Start { restart, .. } => Some((id, !restart)),
            _ => None,
        })
    }

    /// Leaves the pokes to a later plan of the same pass; says whether there were any.
    pub fn drop_pokes(&mut self) -> bool {
        let mut any = false;
        for (_, verdict) in &mut self.verdicts {
            if matches!(verdict, Verdict::Poke { .. } | Verdict::Skip(_)) {
                any |= matches!(verdict, Verdict::Poke { .. });
                *verdict = Verdict::Leave(Leave::Alive);
            }
        }
        any
    }
}

impl Verdict {
    /// The rule of the design that it comes from; 0 where none is needed.
    pub const fn rule(&self) -> u8 {
        match self {
            Verdict::Hold(_) => 1,
            Verdict::Leave(Leave::Unknown(_)) => 2,
            Verdict::Leave(Leave::Foreign(_)) => 3,
            Verdict::Wait { absence, .. } | Verdict::Start { absence, .. } => match absence {
                Missing::Session => 4,
                Missing::Pane | Missing::Ended(_) | Missing::OnlyShell => 5,
                Missing::Answer { .. } => 7,
            },
            Verdict::Leave(Leave::Silent { .. } | Leave::NoAnswer) => 7,
            Verdict::Leave(Leave::Grace { .. }) => 6,
            Verdict::Leave(Leave::Reports(_)) => 8,
            Verdict::Skip(_) => 9,
            Verdict::Poke { .. } => 10,
            Verdict::Leave(Leave::Alive | Leave::Moved(_)) => 0,
        }
    }

    /// Until when its reason stands, where that is known.
    pub const fn until(&self) -> Option<Moment> {
        match self {
            Verdict::Wait { until, .. } | Verdict::Leave(Leave::Grace { until, .. }) => Some(*until),
            Verdict::Leave(Leave::Silent { until, .. }) => *until,
            _ => None,
        }
    }

    /// When this verdict could change by time alone.
    pub const fn changes_at(&self) -> Option<Moment> {
        match self {
            Verdict::Wait { until, .. } => Some(*until),
            Verdict::Leave(Leave::Grace { until, poke_waits: true }) => Some(*until),
            Verdict::Leave(Leave::Silent { until, .. }) => *until,
            _ => None,
        }
    }

    /// The state of the agent in one word, for a table.
    pub const fn word(&self) -> &'static str {
        match self {
            Verdict::Hold(_) => "held",
            Verdict::Leave(Leave::Unknown(_)) => "unknown",
            Verdict::Leave(Leave::Foreign(_)) => "foreign",
            Verdict::Leave(Leave::Moved(_)) => "moved",
            Verdict::Wait { why: Delay::Quarantine, .. } => "quarantine",
            Verdict::Wait { absence: Missing::Answer { .. }, .. } => "silent",
            Verdict::Wait { .. } => "waiting",
            Verdict::Start { .. } => "starting",
            Verdict::Leave(Leave::Grace { .. }) => "started",
            Verdict::Leave(Leave::Silent { .. } | Leave::NoAnswer) => "silent",
            Verdict::Leave(Leave::Reports(_)) => "reports",
            Verdict::Leave(Leave::Alive) | Verdict::Skip(_) | Verdict::Poke { .. } => "alive",
        }
    }
}
