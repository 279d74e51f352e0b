//! `--status`: what the daemon last saw, as it wrote it. tmux is never asked. [`facts`] reads it, [`table`] shows all agents,
//! [`story`] one of them, [`json`] the same for machines.

mod facts;
mod json;
mod story;
mod table;

use super::screen::Screen;
use super::{Exit, Refusal, print};
use crate::service::instance::Holder;
use facts::Facts;
use std::path::Path;

/// Shows the daemon and every agent, or one agent's story.
pub fn show(town: &Path, agent: Option<&str>, as_json: bool) -> Result<Exit, Refusal> {
    let facts = Facts::read(town).map_err(|why| Refusal { exit: Exit::Unknown, why })?;
    let exit = if facts.holder == Holder::Nobody { Exit::NotRunning } else { Exit::Done };
    let text = match (agent, as_json) {
        (None, false) => table::show(&facts, Screen::of_stdout()),
        (None, true) => json::all(&facts),
        (Some(name), as_json) => {
            let story = story::Story::of(&facts, name)?;
            if as_json { json::one(&facts, &story) } else { story.show(&facts, Screen::of_stdout()) }
        }
    };
    print(format_args!("{text}"))?;
    Ok(exit)
}
