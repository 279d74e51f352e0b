//! Stale agents: who says of itself that it runs, and is dead by two signs.

use super::requests::roll;
use super::sighting::sighting;
use crate::town::agent::{AgentId, Role};
use crate::town::history::History;
use crate::town::names::Agent;
use crate::town::plan::{Hold, Leave, Plan, Verdict};
use crate::town::snapshot::{Report, Reports, Snapshot};
use crate::town::sorted::SortedMap;
use crate::town::time::Wall;
use std::time::Duration;

/// A bead that was written within this time is believed.
const STALE_AFTER: Duration = Duration::from_mins(15);

/// An agent whose bead is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Who.
    pub agent: AgentId,
    /// Its bead.
    pub bead: String,
    /// When the bead was last written, as it was read.
    pub written: Wall,
    /// What the bead is to say.
    pub reason: String,
}

/// The agents to be marked dead: the bead says `running` or `working` and is old, and tmux shows that it is not so. Whoever
/// gtd starts, or is about to start, will soon speak for itself.
pub fn stale(snapshot: &Snapshot, history: &History, plan: &Plan) -> Vec<Stale> {
    let (Reports::Asked(reports), Some(roll)) = (&snapshot.reports, roll(snapshot)) else {
        return Vec::new();
    };
    let known: SortedMap<&AgentId, &Agent> = snapshot.agents.iter().map(|agent| (&agent.id, agent)).collect();
    let verdicts: SortedMap<&AgentId, &Verdict> = plan.verdicts.iter().map(|(id, verdict)| (id, verdict)).collect();
    let mut found = Vec::new();
    for id in roll.agents() {
        if id.role() == Role::Crew {
            continue;
        }
        let agent = match known.get(&id) {
            Some(agent) => (*agent).clone(),
            None => roll.table.agent(&snapshot.root, id.clone(), roll.rig(&id)),
        };
        let (Some(Report::Says(word)), Some(written)) =
            (reports.get(&agent.bead), snapshot.reported_at.get(&agent.bead))
        else {
            continue;
        };
        let says_it_runs = matches!(word.as_str(), "running" | "working");
        let is_old = snapshot.now.wall.since(*written) >= STALE_AFTER;
        let started_since = history.agent(&id).up_since.is_some_and(|at| at.wall >= *written);
        if !says_it_runs || !is_old || started_since {
            continue;
        }
        let missing = match verdicts.get(&id) {
            Some(verdict @ Verdict::Leave(Leave::NoAnswer)) => Some(verdict.reason_without_time()),
            Some(Verdict::Hold(Hold::Asked(_))) => None,
            None | Some(Verdict::Hold(_)) => {
                sighting(&agent, snapshot).absence().map(|(_, missing)| missing.to_string())
            }
            Some(_) => None,
        };
        let Some(missing) = missing else { continue };
        let reason = format!("{missing}, and its bead said {word} since {}", written.rfc3339(0));
        found.push(Stale { agent: id, bead: agent.bead, written: *written, reason });
    }
    found
}

/// The description with `agent_state: dead`, why, and when; every other line stays. `None` if it says no state.
pub fn dead_description(description: &str, reason: &str, now: Wall) -> Option<String> {
    let mut found = false;
    let mut text = String::new();
    for line in description.split('\n') {
        if line.starts_with("dead_reason:") || line.starts_with("dead_at:") {
            continue;
        }
        if found || !line.trim_start().starts_with("agent_state:") {
            text.push_str(line);
        } else {
            found = true;
            text.push_str(&format!("agent_state: dead\ndead_reason: {reason}\ndead_at: {}", now.rfc3339(0)));
        }
        text.push('\n');
    }
    // The last line had no end.
    text.pop();
    found.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_state_changes() {
        let before = "Witness for a\n\nrole_type: witness\nagent_state: running\nhook_bead: null";
        let now = Wall::from_seconds(1_795_426_804);
        let after = dead_description(before, "no session", now).expect("a state");
        assert_eq!(
            after,
            "Witness for a\n\nrole_type: witness\nagent_state: dead\ndead_reason: no session\ndead_at: 2026-11-23T09:40:04Z\nhook_bead: null"
        );
        assert_eq!(dead_description(&after, "no session", now), Some(after));
        assert_eq!(dead_description("nothing", "x", now), None);
    }
}
