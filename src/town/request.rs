//! What is asked of gtd: an action for an agent, by mail or through the spool.

use super::agent::AgentId;
use super::json::{FromJson, ToJson, choice, record, unknown, words, write_choice};
use super::process::Program;
use super::time::Wall;
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// End it and start it again: the agent has handed over to its successor.
    Cycle,
    /// End it and start it again.
    Restart,
    /// End it, and do not start it again.
    Shutdown,
    /// Start it, and supervise it again.
    Start,
    /// Forget its restarts: back-off and quarantine end.
    Reset,
}
words!(Action);

impl Action {
    /// All that `--request` takes.
    pub const ALL: [Action; 5] = [Action::Cycle, Action::Restart, Action::Shutdown, Action::Start, Action::Reset];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Action::Cycle => "cycle",
            Action::Restart => "restart",
            Action::Shutdown => "shutdown",
            Action::Start => "start",
            Action::Reset => "reset",
        }
    }

    /// What agents may ask for by mail, in any case of letters.
    pub fn from_mail(text: &str) -> Option<Action> {
        let action = text.trim().to_ascii_lowercase().parse().ok()?;
        matches!(action, Action::Cycle | Action::Restart | Action::Shutdown).then_some(action)
    }

    /// The key of an agent's `state.json` by which it says that it wants this.
    pub fn state_key(self) -> String {
        format!("requesting_{}", self.word())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Action {
    type Err = String;

    /// One of the words; `stop` is `shutdown`.
    fn from_str(text: &str) -> Result<Action, String> {
        let words = Action::ALL.map(Action::word).join(", ");
        let word = if text == "stop" { "shutdown" } else { text };
        Action::ALL.into_iter().find(|a| a.word() == word).ok_or_else(|| format!("{text:?} is none of {words}"))
    }
}

/// Where a request came from, and by what it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A mail, by its id.
    Mail(String),
    /// A file of the spool, by its name.
    Spool(String),
}

impl ToJson for Source {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Source::Mail(id) => write_choice("mail", id, out),
            Source::Spool(file) => write_choice("spool", file, out),
        }
    }
}

impl FromJson for Source {
    fn blank() -> Source {
        Source::Mail(String::new())
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        let (word, what) = choice(value)?;
        let name = String::read(what)?;
        *self = match word {
            "mail" => Source::Mail(name),
            "spool" => Source::Spool(name),
            _ => return Err(unknown(word)),
        };
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Mail(id) => write!(f, "mail {id}"),
            Source::Spool(file) => write!(f, "spool file {file}"),
        }
    }
}

/// A file of the spool, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolFile {
    /// Its name.
    pub name: String,
    /// What it asks for, or why it cannot be read.
    pub order: Result<Order, String>,
}

/// What `gtd --request` writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What to do.
    pub action: Action,
    /// For whom.
    pub agent: AgentId,
    /// When it was asked for.
    pub at: Wall,
}
record!(Order { action, agent, at });

/// A request that gtd has taken on. It stays until it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Where it came from.
    pub source: Source,
    /// What to do.
    pub action: Action,
    /// For whom.
    pub agent: AgentId,
    /// The program to be ended; none where there was none. Another one that lives shows that it was done.
    pub program: Option<Program>,
    /// When it was claimed.
    pub at: Wall,
    /// How often it was tried in vain.
    pub tries: u32,
}
record!(Claim { source, action, agent, program, at } or_default { tries });

/// A mail or a file that was dealt with and has to go. It is never looked at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Which.
    pub source: Source,
    /// When it was dealt with.
    pub at: Wall,
    /// Whether it is gone.
    pub gone: bool,
    /// Whether it was said that it cannot be deleted.
    pub stays: bool,
}
record!(Spent { source, at, gone } or_default { stays });

/// That an agent is held down because somebody asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutDown {
    /// Since when.
    pub since: Wall,
    /// By which request.
    pub by: Source,
    /// Whether it has been seen to be down since: if it comes up after that, somebody started it.
    pub seen_down: bool,
}
record!(ShutDown { since, by, seen_down });

#[cfg(test)]
mod tests {
    use super::super::json::{line, parse};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_claim_survives_writing_and_reading() {
        let claim = Claim {
            source: Source::Mail("gm-8vi".to_owned()),
            action: Action::Cycle,
            agent: "alpha/witness".parse().expect("an agent"),
            program: None,
            at: Wall::from_seconds(5),
            tries: 1,
        };
        assert_eq!(parse(&line(&claim)), Ok(claim));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, text: String) {
            let _ = parse::<Order>(&bytes);
            let order = serde_json::json!({"action": text, "agent": text, "at": text});
            prop_assert!(Order::read(&order).is_err());
        }
    }
}
