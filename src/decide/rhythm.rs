//! How often heartbeats come: the busier the town, the more often.

use super::agents::is_patrolled;
use super::sighting::is_ours;
use crate::town::history::History;
use crate::town::plan::Rhythm;
use crate::town::snapshot::Snapshot;
use crate::town::sorted::SortedSet;
use crate::town::time::Wall;
use std::time::Duration;

/// Idle for less than the first, a heartbeat comes every second. The last step has no end.
const STEPS: [(Duration, Duration); 4] = [
    (Duration::from_mins(5), Duration::from_mins(5)),
    (Duration::from_mins(15), Duration::from_mins(10)),
    (Duration::from_mins(45), Duration::from_mins(30)),
    (Duration::MAX, Duration::from_hours(1)),
];

/// An activity file older than this was left behind by a `gt` that no longer writes it.
const FORGOTTEN: Duration = Duration::from_hours(24);

/// The interval for the town as this snapshot and the last known activity show it.
pub fn rhythm(snapshot: &Snapshot, history: &History) -> Rhythm {
    let now = snapshot.now.wall;
    let idle = last_activity(snapshot, history).map(|at| now.since(at));
    let shortest = snapshot.config.heartbeat_interval.unwrap_or(STEPS[0].1);
    let step = match idle {
        None => STEPS[0],
        Some(idle) => STEPS.into_iter().find(|(below, _)| idle < *below).unwrap_or(STEPS[3]),
    };
    let interval = if step == STEPS[0] { shortest } else { step.1.max(shortest) };
    Rhythm { interval, idle }
}

/// When something last happened in the town that was not gtd's doing: a command, or output in a session that gtd does
/// not poke.
fn last_activity(snapshot: &Snapshot, history: &History) -> Option<Wall> {
    let now = snapshot.now.wall;
    let past = |at: &Wall| *at <= now;
    let command = history.activity.filter(past).filter(|at| now.since(*at) <= FORGOTTEN);
    let sessions = snapshot.sessions.as_deref().unwrap_or_default();
    let mut poked: SortedSet<&str> = SortedSet::new();
    for agent in &snapshot.agents {
        if is_patrolled(agent, &snapshot.config) {
            poked.insert(&agent.session);
        }
    }
    let mut last = command;
    for session in sessions {
        if is_ours(session, &snapshot.root) && !poked.contains(session.name.as_str()) {
            for pane in session.panes.as_deref().unwrap_or_default() {
                last = last.max(Some(pane.output).filter(past));
            }
        }
    }
    last
}
