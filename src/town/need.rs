//! What needs a person, and what a person has been told of it.

use super::agent::AgentId;
use super::time::Moment;
use crate::town::sorted::SortedSet;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// That a condition needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// How long it has to last before it does.
    pub after: Duration,
    /// What it is.
    pub what: Matter,
}

/// The kinds of what needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// An agent is in a restart loop.
    Loop(AgentId),
    /// An agent does not answer, and restarts were in vain.
    Silent(AgentId),
    /// An agent's session is another town's.
    Foreign(AgentId),
    /// Many agents have died at once.
    Deaths,
    /// Something that gtd relies on is of no use.
    Outage(Supply),
}

/// What gtd relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supply {
    /// The multiplexer.
    Tmux,
    /// The tracker.
    Bd,
    /// Gas Town's own program.
    Gt,
    /// The file that outlives gtd.
    State,
}

impl Supply {
    /// All of them.
    pub const ALL: [Supply; 4] = [Supply::Tmux, Supply::Bd, Supply::Gt, Supply::State];

    /// Its name.
    pub const fn word(self) -> &'static str {
        match self {
            Supply::Tmux => "tmux",
            Supply::Bd => "bd",
            Supply::Gt => "gt",
            Supply::State => "state",
        }
    }
}

impl Need {
    /// An outage needs a person when it lasts.
    pub const fn outage(of: Supply) -> Need {
        Need { after: Duration::from_mins(10), what: Matter::Outage(of) }
    }

    /// Something that needs a person at once.
    pub const fn at_once(what: Matter) -> Need {
        Need { after: Duration::ZERO, what }
    }
}

impl Matter {
    /// The kind in one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Matter::Loop(_) => "loop",
            Matter::Silent(_) => "silent",
            Matter::Foreign(_) => "foreign",
            Matter::Deaths => "deaths",
            Matter::Outage(_) => "outage",
        }
    }

    /// The agent, where it is about one.
    pub const fn agent(&self) -> Option<&AgentId> {
        match self {
            Matter::Loop(agent) | Matter::Silent(agent) | Matter::Foreign(agent) => Some(agent),
            Matter::Deaths | Matter::Outage(_) => None,
        }
    }
}

/// A condition that needs a person, or will if it lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is.
    pub what: Matter,
    /// Since when.
    pub since: Moment,
    /// What is wrong.
    pub text: String,
    /// What is said when it is over.
    pub over: String,
    /// Whether a person has been told, who then is told of the end too.
    pub told: bool,
}

/// Agents that have died at once, until all of them are back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deaths {
    /// All of them, in the order of the town.
    pub agents: Vec<AgentId>,
    /// Those that are not back.
    pub missing: SortedSet<AgentId>,
}
