//! What there is to be shown, as it stands in the files.

use crate::decide::A_DAY;
use crate::service::instance::{Holder, daemon_dir, holder};
use crate::service::state::{self, AgentStatus, Own, State};
use crate::sys::clock;
use crate::town::duration::brief;
use crate::town::history::AgentHistory;
use crate::town::plan::timed;
use crate::town::request::{Claim, Order, Source, SpoolFile};
use crate::town::text::clean;
use crate::town::time::{Moment, Wall};
use crate::world::spool;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the files say of a town's daemon.
pub struct Facts {
    /// The town.
    pub town: PathBuf,
    /// Who serves it.
    pub holder: Holder,
    /// What was written last; `None` where no daemon has served this town yet.
    pub state: Option<Box<State>>,
    /// What was asked for with `--request` and waits for a gtd to start.
    pub kept: Vec<Claim>,
    /// Now.
    pub now: Moment,
}

impl Facts {
    /// Reads them.
    ///
    /// # Errors
    /// Why nobody knows, in one line.
    pub fn read(town: &Path) -> Result<Facts, String> {
        let dir = daemon_dir(town);
        let holder = holder(&dir).map_err(|error| error.with_remedy())?;
        let state = state::read(&dir).map_err(|why| why.with_remedy())?;
        // A gtd that runs takes them on at once.
        let kept = if matches!(holder, Holder::Gtd(_)) { Vec::new() } else { kept(town) };
        Ok(Facts { town: town.to_owned(), holder, state, kept, now: clock::now() })
    }

    /// What is in hand, and what is kept, each with how it stands.
    pub fn requests(&self) -> Vec<(&Claim, &'static str)> {
        let mut requests = Vec::new();
        for claim in self.own().map_or(&[][..], |own| &own.history.requests) {
            requests.push((claim, "in hand"));
        }
        for claim in &self.kept {
            requests.push((claim, "kept"));
        }
        requests
    }

    /// gtd's part of the state.
    pub fn own(&self) -> Option<&Own> {
        self.state.as_ref()?.gtd.as_ref()
    }

    /// Whether somebody serves the town.
    pub fn is_running(&self) -> bool {
        self.holder != Holder::Nobody
    }

    /// Whether a gtd serves the town, so that what is written is of now.
    pub fn is_gtds(&self) -> bool {
        matches!(self.holder, Holder::Gtd(_))
    }

    /// When the town was last looked at by the gtd that runs; without one, by the last.
    pub fn looked_at(&self) -> Option<Wall> {
        let own = self.own()?;
        // One that has just started remembers when another looked, and has judged nobody yet.
        let is_first = self.is_gtds() && own.agents.is_empty();
        own.looked_at.filter(|_| !is_first).map(|at| at.wall)
    }

    /// When the daemon that wrote the state began.
    pub fn started_at(&self) -> Option<Wall> {
        Wall::parse(&self.state.as_ref()?.started_at)
    }

    /// When the last heartbeat was.
    pub fn last_heartbeat(&self) -> Option<Wall> {
        Wall::parse(&self.state.as_ref()?.last_heartbeat)
    }

    /// How long ago something was, in whole seconds.
    pub fn age(&self, at: Wall) -> Duration {
        Duration::from_secs(self.now.wall.since(at).as_secs())
    }

    /// The same in a few letters.
    pub fn ago(&self, at: Wall) -> String {
        brief(self.age(at)).to_string()
    }

    /// How long until something comes, in whole seconds; `None` where it should have come already.
    pub fn left(&self, at: Wall) -> Option<Duration> {
        (at > self.now.wall).then(|| Duration::from_secs(at.since(self.now.wall).as_secs() + 1))
    }

    /// The reason for what an agent is, with the time for which it stands as it is now, and not as it was when it was written.
    pub fn reason(&self, status: &AgentStatus) -> String {
        match status.until {
            Some(until) => match self.left(until.wall) {
                Some(left) => timed(&status.reason, left),
                None => format!("{}: due", status.reason),
            },
            None => status.reason.clone(),
        }
    }

    /// What is remembered of an agent.
    pub fn history(&self, status: &AgentStatus) -> Option<&AgentHistory> {
        self.own().map(|own| own.history.agent(&status.agent))
    }

    /// How often an agent was started in the last 24 hours.
    pub fn starts(&self, history: &AgentHistory) -> usize {
        history.starts.iter().filter(|at| self.now.wall.since(**at) < A_DAY).count()
    }
}

fn kept(town: &Path) -> Vec<Claim> {
    let mut kept = Vec::new();
    for SpoolFile { name, order } in spool::read(town) {
        if let Ok(Order { action, agent, at }) = order {
            kept.push(Claim { source: Source::Spool(name), action, agent, program: None, at, tries: 0 });
        }
    }
    kept
}

/// Since when an agent is as it is.
pub fn since(history: &AgentHistory) -> Option<Wall> {
    history.gone.map(|gone| gone.since).or(history.up_since).map(|at| at.wall)
}

/// Whether its program lived when it was last looked at; `None` where that could not be seen.
pub fn lives(history: &AgentHistory) -> Option<bool> {
    match history.gone {
        Some(_) => Some(false),
        None => history.program.map(|_| true),
    }
}

/// The state of an agent in words: of one that is held also whether it lives.
pub fn state(status: &AgentStatus, history: Option<&AgentHistory>) -> String {
    let lives = history.and_then(lives).filter(|_| status.state == "held");
    let word = clean(&status.state, 20);
    match lives {
        Some(true) => format!("alive, {word}"),
        Some(false) => format!("gone, {word}"),
        None => word,
    }
}

/// Whether an agent has answered its last heartbeat; `None` where there was none.
pub fn answered(history: &AgentHistory) -> Option<bool> {
    history.last_poke.map(|_| history.silence.is_none())
}
