//! What has happened between two looks, in words.

use crate::town::agent::AgentId;
use crate::town::level::Level;
use crate::town::plan::Missing;
use std::fmt;

/// Something that happened between two looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An agent that was alive is gone.
    Gone {
        /// Who.
        agent: AgentId,
        /// How.
        absence: Missing,
        /// The process it was.
        pid: u32,
    },
    /// Several agents went at once.
    MassDeath(Vec<AgentId>),
    /// An agent came up, or was exchanged, by somebody else's hand.
    CameUp {
        /// Who.
        agent: AgentId,
        /// The process it is now.
        pid: u32,
    },
    /// An agent has been restarted too often and is tried once an hour from now on.
    Quarantined(AgentId),
    /// An agent has run long enough: its restarts no longer count.
    Forgiven(AgentId),
}

impl Event {
    /// How much it matters.
    pub const fn level(&self) -> Level {
        match self {
            Event::Gone { .. } | Event::MassDeath(_) | Event::Quarantined(_) => Level::Warning,
            Event::CameUp { .. } | Event::Forgiven(_) => Level::Notice,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Gone { agent, absence, pid } => write!(f, "{} is gone (PID {pid}): {absence}", agent.label()),
            Event::MassDeath(agents) => f.write_str(&lost(agents)),
            Event::CameUp { agent, pid } => write!(f, "{} was started by somebody else (PID {pid})", agent.label()),
            Event::Quarantined(agent) => write!(
                f,
                "{} is in a restart loop (5 within 15m): quarantined, tried once an hour until it runs for 30m",
                agent.label()
            ),
            Event::Forgiven(agent) => write!(f, "{} has run for 30m: its restarts are forgiven", agent.label()),
        }
    }
}

/// Names who died at once.
pub(super) fn lost(agents: &[AgentId]) -> String {
    let mut text = format!("tmux lost {} agents at once: ", agents.len());
    for (n, agent) in agents.iter().enumerate() {
        text.push_str(if n == 0 { "" } else { ", " });
        text.push_str(&agent.label());
    }
    text
}
