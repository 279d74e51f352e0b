//! Whether an agent answers. Silence alone tells nothing: idle agents print nothing. It takes two signs together: pokes that
//! brought not one byte of output, and keys that nobody has read; or, where the terminal does not tell, a long silence over
//! several heartbeats.

use crate::town::config::Config;
use crate::town::history::{AgentHistory, Silence};
use crate::town::outcome::Delivery;
use crate::town::snapshot::{Pane, Snapshot};
use crate::town::time::Moment;
use std::time::Duration;

/// What an agent gets to show that it has heard the second poke.
const TIME_TO_ANSWER: Duration = Duration::from_secs(10);
/// Where the terminal does not tell whether the keys were read, so many heartbeats must have brought nothing …
const SILENT_HEARTBEATS: u32 = 3;
/// … in more than this time.
const LONG_SILENCE: Duration = Duration::from_mins(30);
/// An agent that has not answered after so many restarts will not after another.
const RESTARTS_IN_VAIN: u32 = 2;
/// The stamps of output are whole seconds of the wall clock: where that was set by more than this, they tell nothing.
const CLOCK_SET: Duration = Duration::from_secs(2);

/// What an agent's silence amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: it answers, or was not asked.
    Fine,
    /// It has not answered one poke: the second is due then.
    OnePoke(Moment),
    /// It has not answered two. `until` is when enough time has passed to judge; `None` where further heartbeats tell.
    TwoPokes {
        /// See above.
        until: Option<Moment>,
    },
    /// It does not answer, since then; so many bytes that were typed are unread, 0 where only its silence tells.
    None {
        /// See above.
        since: Moment,
        /// See above.
        unread: u32,
    },
    /// The same, and restarts have not changed it.
    InVain,
}

/// Judges an agent whose program lives.
pub fn answer(history: &AgentHistory, pane: &Pane, snapshot: &Snapshot) -> Answer {
    let now = snapshot.now;
    let (Some(silence), Some(last)) = (history.silence, history.last_poke) else {
        return Answer::Fine;
    };
    let Some(second) = silence.second else {
        return Answer::OnePoke(last.plus(snapshot.config.silent_after));
    };
    let unread = pane.unread.unwrap_or(0);
    let since = match unread {
        0 if silence.heartbeats < SILENT_HEARTBEATS => return Answer::TwoPokes { until: None },
        // Its last heartbeat has its time, too.
        0 => silence.first.plus(LONG_SILENCE).max(last.plus(TIME_TO_ANSWER)),
        _ => second.plus(TIME_TO_ANSWER),
    };
    if since.tick > now.tick {
        Answer::TwoPokes { until: Some(since) }
    } else if history.silent_restarts >= RESTARTS_IN_VAIN {
        Answer::InVain
    } else {
        Answer::None { since, unread }
    }
}

/// How long after the next poke it is to be looked whether that was answered.
pub fn time_to_answer(history: &AgentHistory, config: &Config) -> Duration {
    match history.silence {
        None => config.silent_after,
        Some(_) => TIME_TO_ANSWER,
    }
}

/// Takes in what a look shows: any output since the first of the pokes is an answer.
pub fn observe_answer(history: &mut AgentHistory, pane: &Pane, now: Moment) {
    let Some(silence) = history.silence else { return };
    let passed = now.since(silence.first);
    let expected = silence.first.wall.plus(passed);
    let set = expected.since(now.wall).max(now.wall.since(expected));
    // A stamp from the future is one from before the clock was set back.
    if (silence.first.wall.seconds()..=now.wall.seconds()).contains(&pane.output.seconds()) {
        answered(history);
    } else if set > CLOCK_SET {
        history.silence = None;
    }
}

/// Notes a poke that was begun at `begun` and over at `now`.
pub fn note_poke(history: &mut AgentHistory, delivery: &Delivery, heartbeat: bool, begun: Moment, now: Moment) {
    match delivery {
        // The screen has changed, at least where it was typed.
        Delivery::Taken | Delivery::NotTaken => answered(history),
        Delivery::NotShown => {
            let heartbeats = u32::from(heartbeat);
            history.silence = Some(match history.silence {
                None => Silence { first: begun, second: None, heartbeats },
                Some(before) => Silence {
                    second: before.second.or(Some(now)),
                    heartbeats: before.heartbeats.saturating_add(heartbeats),
                    ..before
                },
            });
        }
        // Nothing was typed, or nobody knows.
        Delivery::Stale | Delivery::Failed(_) => {}
    }
}

fn answered(history: &mut AgentHistory) {
    history.silence = None;
    history.silent_restarts = 0;
}
