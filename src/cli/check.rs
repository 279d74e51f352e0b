//! `--check`: what is found and what is wrong, each fault with its remedy. It changes nothing.
//!
//! What a file can tell comes first, then what has to be asked of programs, each with a deadline of its own: nothing waits
//! for what hangs, and the whole ends in time.

mod daemons;
mod findings;
mod host;
mod service;
mod settings;
mod shell;
mod sight;
mod tmux;
mod tools;
mod town;

use super::{Exit, Refusal};
use crate::service::instance::daemon_dir;
use crate::service::state;
use crate::sys::attention::{Attention, Stopped};
use crate::town::history::History;
use crate::town::names::Generation;
use crate::world::World;
use findings::Findings;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// No version takes longer.
const VERSION: Duration = Duration::from_secs(3);

/// When programs have taken this long together, those that are still to be asked get [`LEAST`].
const TOGETHER: Duration = Duration::from_secs(19);

/// Enough for a program that answers at all.
const LEAST: Duration = Duration::from_millis(300);

/// What has not finished by then is broken off.
const LIMIT: Duration = Duration::from_secs(28);

/// An examination.
struct Check {
    world: World,
    findings: Findings,
    /// The town's `daemon` directory.
    dir: PathBuf,
    history: History,
    /// When the programs' time together is over.
    end: Instant,
    /// The daemon that runs, if it is a gtd.
    daemon: Option<u32>,
    /// Tools that gave a version.
    answering: Vec<&'static str>,
    /// What tmux says of itself.
    tmux_version: Option<String>,
    /// Which Gas Town this is.
    generation: Option<Generation>,
}

/// Shows what is found. The exit status is 1 if anything keeps gtd from serving the town.
pub fn show(town: &Path, json: bool) -> Result<Exit, Refusal> {
    let findings = Findings::new(town, json);
    findings.end_after(LIMIT);
    findings.good("town", format_args!("{}", town.display()));
    let dir = daemon_dir(town);
    let history = state::peek(&dir).unwrap_or_default();
    let mut check = Check {
        world: World::new(town, Attention::nobody(), &history),
        findings: findings.clone(),
        dir,
        history,
        end: Instant::now() + TOGETHER,
        daemon: None,
        answering: Vec::new(),
        tmux_version: None,
        generation: None,
    };
    // Nobody rings: there is nothing that could stop it.
    let _ = check.everything();
    findings.finish()
}

impl Check {
    fn everything(&mut self) -> Result<(), Stopped> {
        self.host();
        self.files();
        self.daemons();
        self.settings();
        self.tools()?;
        self.sight()?;
        self.agent_commands()?;
        self.service();
        self.cron();
        Ok(())
    }

    /// What a program gets that should need no more than `most`.
    fn time(&self, most: Duration) -> Duration {
        self.end.saturating_duration_since(Instant::now()).clamp(LEAST, most.max(LEAST))
    }
}
