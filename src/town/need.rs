//! What needs a person, and what a person has been told of it.

use super::agent::AgentId;
use super::json::{FromJson, ToJson, choice, record, unknown, words, write_choice};
use super::time::Moment;
use crate::town::sorted::SortedSet;
use serde_json::Value;
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl ToJson for Matter {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Matter::Loop(agent) | Matter::Silent(agent) | Matter::Foreign(agent) => {
                write_choice(self.word(), agent, out);
            }
            Matter::Deaths => self.word().write(out),
            Matter::Outage(supply) => write_choice(self.word(), supply, out),
        }
    }
}

impl FromJson for Matter {
    fn blank() -> Matter {
        Matter::Deaths
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        let (word, what) = choice(value)?;
        *self = match word {
            "loop" => Matter::Loop(AgentId::read(what)?),
            "silent" => Matter::Silent(AgentId::read(what)?),
            "foreign" => Matter::Foreign(AgentId::read(what)?),
            "deaths" => Matter::Deaths,
            "outage" => Matter::Outage(Supply::read(what)?),
            _ => return Err(unknown(word)),
        };
        Ok(())
    }
}

/// What gtd relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
words!(Supply);

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
record!(Notice { what, since, text, over, told });

/// Agents that have died at once, until all of them are back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deaths {
    /// All of them, in the order of the town.
    pub agents: Vec<AgentId>,
    /// Those that are not back.
    pub missing: SortedSet<AgentId>,
}
record!(Deaths { agents, missing });
