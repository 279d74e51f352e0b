//! How fast an agent is started again: settling, back-off, quarantine.

use crate::town::config::Config;
use crate::town::history::{Absence, AgentHistory, Gone};
use crate::town::plan::Delay;
use crate::town::time::Moment;
use std::time::Duration;

/// Restarts further apart than this have nothing to do with each other.
const LOOP_WINDOW: Duration = Duration::from_mins(15);
/// The restart within the window that is not made: it would be a loop.
const LOOP: usize = 5;
/// The back-off is doubled up to this.
const LONGEST_DELAY: Duration = Duration::from_mins(10);
/// How often an agent in quarantine is tried.
const QUARANTINE_RETRY: Duration = Duration::from_hours(1);
/// Running for so long ends quarantine and clears the count.
pub const FORGIVEN_AFTER: Duration = Duration::from_mins(30);
/// Settling of a program that ended in a pane which gtd started: nobody restarts by hand there, but a `gt` that does
/// shows within a second.
const OWN_PANE_SETTLE: Duration = Duration::from_secs(1);

/// The earliest moment at which an agent that is gone may be started, and what it waits for until then.
pub fn earliest_start(agent: &AgentHistory, gone: &Gone, config: &Config) -> (Moment, Delay) {
    let settled = gone.since.plus(settling(agent, gone, config));
    paced(agent, gone.since, settled, config)
}

/// The same for one that lives and has not answered `since` then: there is nothing to settle.
pub fn earliest_restart(agent: &AgentHistory, since: Moment, config: &Config) -> (Moment, Delay) {
    paced(agent, since, since, config)
}

/// Back-off and quarantine after `settled`, for an agent that was missed at `since`.
fn paced(agent: &AgentHistory, since: Moment, settled: Moment, config: &Config) -> (Moment, Delay) {
    if let Some(begun) = agent.quarantined {
        let last_try = agent.restarts.last().map_or(begun, |last| last.max(begun));
        let retry = last_try.plus(QUARANTINE_RETRY);
        return (settled.max(retry), Delay::Quarantine);
    }
    let number = recent_restarts(agent, since) + 1;
    let delay = back_off(number, config.first_delay);
    if delay.is_zero() { (settled, Delay::Settling) } else { (settled.plus(delay), Delay::BackOff(number)) }
}

/// Whether the agent has never been started, as far as is remembered: such a start is not a restart.
pub fn is_first_start(agent: &AgentHistory) -> bool {
    let failed = agent.gone.is_some_and(|gone| gone.how == Absence::StartFailed);
    agent.program.is_none() && agent.restarts.is_empty() && !failed
}

/// Whether an agent that went at `gone` is caught in a loop.
pub fn is_loop(agent: &AgentHistory, gone: Moment) -> bool {
    recent_restarts(agent, gone) + 1 >= LOOP
}

fn recent_restarts(agent: &AgentHistory, gone: Moment) -> usize {
    let recent = |at: &&Moment| gone.since(**at) < LOOP_WINDOW;
    agent.restarts.iter().filter(recent).count()
}

fn settling(agent: &AgentHistory, gone: &Gone, config: &Config) -> Duration {
    match gone.how {
        // It was not there when gtd began to look: nobody was seen in the middle of anything.
        Absence::NoSession if !agent.watched => Duration::ZERO,
        Absence::StartFailed => Duration::ZERO,
        Absence::Dead(pid) if agent.program.is_some_and(|p| p.by_gtd && p.process.pid == pid) => {
            config.settle.min(OWN_PANE_SETTLE)
        }
        Absence::NoSession | Absence::NoPane | Absence::Dead(_) | Absence::BareShell(_) => config.settle,
    }
}

/// The delay of restart `number` within the window: 0, then `first`, doubled each time.
fn back_off(number: usize, first: Duration) -> Duration {
    match number {
        0 | 1 => Duration::ZERO,
        n => {
            let doublings = u32::try_from(n - 2).unwrap_or(u32::MAX).min(20);
            first.saturating_mul(1 << doublings).min(LONGEST_DELAY.max(first))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_up_to_ten_minutes() {
        let delays: Vec<u64> = (1..9).map(|n| back_off(n, Duration::from_secs(30)).as_secs()).collect();
        assert_eq!(delays, [0, 30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(back_off(usize::MAX, Duration::from_hours(1)), Duration::from_hours(1));
    }
}
