//! What came of a plan: what the history learns and the log says.

use super::agent::AgentId;
use super::level::Level;
use super::process::Process;
use std::fmt;
use std::path::PathBuf;

/// What came of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For whom it was done.
    pub agent: AgentId,
    /// What came of it.
    pub result: Done,
}

/// See [`Outcome`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was started and has this program now.
    Started {
        /// The number of its pane.
        pane: u32,
        /// Its process.
        process: Process,
        /// Whether it is counted as a restart.
        restart: bool,
    },
    /// It could not be started.
    StartFailed {
        /// Why, as a clause.
        why: String,
        /// Whether it is counted as a restart.
        restart: bool,
    },
    /// A message was typed to it.
    Poked(Delivery),
    /// Its screen was saved in this file, or why it was not.
    SavedScreen(Result<PathBuf, String>),
    /// Its last program had outlived its session, and was ended.
    EndedLeftover(u32),
    /// Its session bears gtd's marks now, or why it does not.
    Marked(Result<(), String>),
}

/// What became of a message. Every one of these counts as a poke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was seen on the screen, and the program took it.
    Taken,
    /// It was seen on the screen, and Enter brought no change.
    NotTaken,
    /// It was not seen on the screen, so Enter was not pressed.
    NotShown,
    /// The pane was another one, or a person had begun to type: nothing was typed.
    Stale,
    /// tmux did not do it.
    Failed(String),
}

impl Outcome {
    /// How much it matters.
    pub const fn level(&self) -> Level {
        match &self.result {
            Done::Started { .. } | Done::EndedLeftover(_) => Level::Notice,
            Done::StartFailed { .. } | Done::Poked(Delivery::Failed(_)) | Done::Marked(Err(_)) => Level::Error,
            Done::Poked(Delivery::NotTaken | Delivery::NotShown | Delivery::Stale) | Done::SavedScreen(Err(_)) => {
                Level::Warning
            }
            Done::Poked(Delivery::Taken) | Done::SavedScreen(Ok(_)) | Done::Marked(Ok(())) => Level::Info,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.agent.label();
        let session_of = match &self.agent {
            AgentId::Deacon | AgentId::Mayor => format!("{label} session"),
            agent => {
                let word = agent.role().word();
                let (first, rest) = word.split_at(1);
                let capital = format!("{}{rest}", first.to_ascii_uppercase());
                format!("{capital} session{}", &label[word.len()..])
            }
        };
        match &self.result {
            Done::Started { .. } => write!(f, "{session_of} started successfully"),
            Done::StartFailed { why, .. } => write!(f, "Error starting {label}: {why}"),
            Done::Poked(delivery) => match delivery {
                Delivery::Taken => write!(f, "Poked {label}"),
                Delivery::NotTaken => write!(f, "Poked {label}, but it did not react to Enter"),
                Delivery::NotShown => {
                    write!(f, "Poke of {label} not delivered: it did not show on the screen, Enter was not pressed")
                }
                Delivery::Stale => {
                    write!(f, "Poke of {label} not delivered: its pane changed, or a person began to type")
                }
                Delivery::Failed(why) => write!(f, "Error poking {label}: {why}"),
            },
            Done::SavedScreen(Ok(path)) => write!(f, "Saved the screen of {label} to {}", path.display()),
            Done::SavedScreen(Err(why)) => write!(f, "The screen of {label} is not saved: {why}"),
            Done::EndedLeftover(pid) => {
                write!(f, "Ended the last program of {label} (PID {pid}), which had outlived its session")
            }
            Done::Marked(Ok(())) => write!(f, "{session_of} found and marked"),
            Done::Marked(Err(why)) => write!(f, "Error marking the session of {label}: {why}"),
        }
    }
}
