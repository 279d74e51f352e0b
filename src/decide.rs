//! The brain: from what was seen and what is remembered to what is to be done. Pure: no clock, no file, no process,
//! no panic. In the order of a look: [`observe`], [`decide`], and, after the hands have acted, [`record`].

mod agents;
mod deaths;
mod event;
mod messages;
mod notices;
mod observe;
mod pacing;
mod record;
pub mod requests;
mod rhythm;
mod sighting;
mod silence;
pub mod spawns;
pub mod stale;
pub mod strip;
mod troubles;

pub use event::Event;
pub use messages::{DEACON_MESSAGES, WITNESS_MESSAGES};
pub use notices::{Telling, note_told, tellings};
pub use observe::{after_sleep, observe};
pub use record::{A_DAY, record, record_outcome};
pub use sighting::is_ours;
pub use troubles::{Troubles, troubles};

use crate::town::agent::AgentId;
use crate::town::history::History;
use crate::town::plan::{Hold, Mark, Plan, Trigger, Verdict};
use crate::town::snapshot::Snapshot;
use crate::town::time::Moment;
use agents::Starts;

/// What is to be done for each agent, and when to look again. `history` has [observed](observe) this snapshot.
pub fn decide(trigger: Trigger, snapshot: &Snapshot, history: &History) -> Plan {
    let now = snapshot.now;
    let mut starts = Starts::new(now, &history.last_starts);
    let doubled = agents::doubled(&snapshot.agents);
    let mut verdicts = Vec::with_capacity(snapshot.agents.len());
    let mut marks = Vec::new();
    for agent in &snapshot.agents {
        let asked = history.requests.iter().find(|claim| claim.agent == agent.id);
        let verdict = match asked {
            Some(claim) => Verdict::Hold(Hold::Asked(claim.action)),
            None => agents::judge(agent, trigger, snapshot, history.agent(&agent.id), &doubled, &mut starts),
        };
        let held = matches!(verdict, Verdict::Hold(_));
        if let (false, Some(pane)) = (held, sighting::unmarked_pane(agent, snapshot)) {
            marks.push(Mark { agent: agent.id.clone(), pane });
        }
        verdicts.push((agent.id.clone(), verdict));
    }
    let rhythm = rhythm::rhythm(snapshot, history);
    let next_heartbeat = match (trigger, history.last_heartbeat) {
        (Trigger::Heartbeat, _) => now.plus(rhythm.interval),
        (Trigger::Look, Some(last)) => last.plus(rhythm.interval),
        (Trigger::Look, None) => now,
    };
    let next_look = next_look(snapshot, history, &verdicts, next_heartbeat);
    Plan { now, verdicts, marks, rhythm, next_heartbeat, next_look }
}

/// The earliest moment after now at which a verdict could change by time alone, at most a look interval away.
fn next_look(snapshot: &Snapshot, history: &History, verdicts: &[(AgentId, Verdict)], heartbeat: Moment) -> Moment {
    let now = snapshot.now;
    let changes = verdicts.iter().filter_map(|(id, verdict)| match verdict {
        // Whether it was answered shows then.
        Verdict::Poke { .. } => Some(now.plus(silence::time_to_answer(history.agent(id), &snapshot.config))),
        // What was started is looked at once more: a program that is not there ends at once.
        Verdict::Start { .. } => Some(now.plus(agents::BETWEEN_BATCHES)),
        verdict => verdict.changes_at(),
    });
    let regular = now.plus(snapshot.config.look_interval);
    changes
        .chain([heartbeat])
        .filter(|at| at.tick > now.tick)
        .fold(regular, |first, at| if at.tick < first.tick { at } else { first })
}
