//! The pacing of starts, written down a second time, from the design's text: settling, back-off, loop, forgiveness. It is kept by
//! what the town really showed at each look, and knows nothing of gtd's memory.

use crate::town::{DAY, HOUR, MINUTE, SECOND};
use gtd::town::agent::AgentId;
use gtd::town::config::Config;
use gtd::town::process::Process;
use std::collections::BTreeMap;

/// How an agent is gone. Another way is another event, which has to settle anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    NoSession,
    NoPane,
    Dead(u32),
    Shell(u32),
    /// It could not be started.
    Failed,
}

/// An agent as a look shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// tmux does not tell.
    Unknown,
    /// Its session is another town's.
    Foreign,
    /// Its program lives under another session's name.
    Moved,
    Alive(Process),
    Gone(Way),
}

/// What is to be known of one agent. All times are ticks.
#[derive(Clone, Debug, Default)]
pub struct Page {
    program: Option<Process>,
    by_gtd: bool,
    up: u64,
    gone: Option<(Way, u64)>,
    restarts: Vec<u64>,
    quarantined: Option<u64>,
    /// Seen alive by this very gtd.
    watched: bool,
    seen: Option<u64>,
    /// Left alone until then.
    pub grace: u64,
    /// What was last said to it.
    pub said: Option<&'static str>,
    /// How often it was restarted for its silence without an answer since.
    pub in_vain: u32,
}

const LOOP_WINDOW: u64 = 15 * MINUTE;
/// The delays before restart 1, 2, … within the window, for a first delay of 30 s.
const DELAYS: [u64; 7] = [0, 30 * SECOND, MINUTE, 2 * MINUTE, 4 * MINUTE, 8 * MINUTE, 10 * MINUTE];

impl Page {
    pub fn look(&mut self, truth: &Truth, now: u64, shut_down: bool, config: &Config) {
        self.seen = Some(now);
        match truth {
            Truth::Alive(process) => self.alive(*process, now, config),
            Truth::Gone(way) => self.gone(*way, now, shut_down),
            Truth::Unknown | Truth::Foreign | Truth::Moved => {}
        }
    }

    fn alive(&mut self, process: Process, now: u64, config: &Config) {
        let grace = config.grace.as_millis() as u64;
        // A start of 0 is one that nobody knows.
        let is_same = |known: Process| {
            known.pid == process.pid && (known.start == process.start || known.start == 0 || process.start == 0)
        };
        if !self.program.is_some_and(is_same) {
            if self.program.is_some() || self.gone.is_some() {
                self.grace = now + grace;
            }
            (self.program, self.by_gtd, self.up) = (Some(process), false, now);
        } else if self.gone.is_some() {
            self.up = now;
            self.grace = now + grace;
        }
        self.gone = None;
        self.watched = true;
        if now - self.up >= 30 * MINUTE {
            self.forgive();
        }
    }

    fn gone(&mut self, way: Way, now: u64, shut_down: bool) {
        let before = self.gone;
        let failed = before.is_some_and(|(way, _)| way == Way::Failed);
        if before.is_none_or(|(before, _)| before != way) && !failed {
            self.gone = Some((way, now));
        }
        let died = before.is_none() && self.program.is_some() && !shut_down;
        if (died || failed) && self.quarantined.is_none() && self.recent(now) >= 4 {
            self.quarantined = Some(now);
        }
    }

    fn recent(&self, at: u64) -> usize {
        self.restarts.iter().filter(|restart| at.saturating_sub(**restart) < LOOP_WINDOW).count()
    }

    /// A restart after a reset begins to count anew.
    pub fn forgive(&mut self) {
        self.restarts.clear();
        self.quarantined = None;
    }

    /// Its last program, if that could be known again.
    pub fn last_program(&self) -> Option<Process> {
        self.program.filter(|program| program.start != 0)
    }

    /// Whoever is not gone gets a grace period when the machine has slept.
    pub fn slept(&mut self, until: u64) {
        if self.gone.is_none() {
            self.grace = until;
        }
    }

    pub fn is_first(&self) -> bool {
        self.program.is_none() && self.restarts.is_empty() && !matches!(self.gone, Some((Way::Failed, _)))
    }

    /// When a silent agent begins to be in quarantine is told by its pokes, which are not followed here.
    pub fn quarantined_for_silence(&mut self, since: Option<u64>) {
        self.quarantined = since;
    }

    /// The earliest restart of an agent that does not answer.
    pub fn due_for_silence(&self) -> u64 {
        let last = self.restarts.last().copied().unwrap_or(0);
        if self.is_quarantined() { last + HOUR } else { last }
    }

    pub fn is_quarantined(&self) -> bool {
        self.quarantined.is_some()
    }

    /// The earliest start of an agent that is gone; `None` for one that is not.
    pub fn due(&self, config: &Config) -> Option<u64> {
        let (way, since) = self.gone?;
        let settle = config.settle.as_millis() as u64;
        let settling = match way {
            Way::Failed => 0,
            Way::NoSession if !self.watched => 0,
            Way::Dead(pid) if self.by_gtd && self.program.is_some_and(|program| program.pid == pid) => {
                settle.min(SECOND)
            }
            _ => settle,
        };
        let settled = since + settling;
        if let Some(quarantined) = self.quarantined {
            let last = self.restarts.last().map_or(quarantined, |last| quarantined.max(*last));
            return Some(settled.max(last + HOUR));
        }
        if self.is_first() {
            return Some(settled);
        }
        let first = config.first_delay.as_millis() as u64;
        let longest = (10 * MINUTE).max(first);
        let delay = DELAYS[self.recent(since).min(DELAYS.len() - 1)] * first / (30 * SECOND);
        Some(settled + delay.min(longest))
    }

    pub fn started(&mut self, process: Process, counted: bool, now: u64, config: &Config) {
        (self.program, self.by_gtd, self.up) = (Some(process), true, now);
        self.grace = now + config.grace.as_millis() as u64;
        self.gone = None;
        self.watched = true;
        self.count(counted, now);
    }

    pub fn failed(&mut self, counted: bool, now: u64) {
        self.gone = Some((Way::Failed, now));
        self.count(counted, now);
    }

    fn count(&mut self, counted: bool, now: u64) {
        if counted {
            self.restarts.push(now);
        }
    }

    pub fn shut_down(&mut self) {
        self.program = None;
        self.grace = 0;
    }

    /// Nothing but the words survive a reboot.
    pub fn after_reboot(&mut self) {
        *self = Page { said: self.said, ..Page::default() };
    }

    pub fn gtd_began(&mut self) {
        self.watched = false;
    }
}

/// Drops the pages of agents that have been gone from the town for a day.
pub fn drop_old(pages: &mut BTreeMap<AgentId, Page>, now: u64, is_here: impl Fn(&AgentId) -> bool) {
    pages.retain(|id, page| is_here(id) || now - *page.seen.get_or_insert(now) < DAY);
}
