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
    let ids = roll.agents().into_iter().filter(|id| id.role() != Role::Crew);
    ids.filter_map(|id| {
        let other = || roll.table.agent(&snapshot.root, id.clone(), roll.rig(&id));
        let agent = known.get(&id).map_or_else(other, |agent| (*agent).clone());
        let Some(Report::Says(word)) = reports.get(&agent.bead) else {
            return None;
        };
        let written = *snapshot.reported_at.get(&agent.bead)?;
        let says_it_runs = matches!(word.as_str(), "running" | "working");
        let is_old = snapshot.now.wall.since(written) >= STALE_AFTER;
        let verdict = verdicts.get(&id).copied();
        let (missing, left_alone) = match verdict {
            Some(Verdict::Leave(leave @ Leave::NoAnswer)) => {
                (Verdict::Leave(leave.clone()).reason_without_time(), true)
            }
            verdict => {
                let (_, missing) = sighting(&agent, snapshot).absence()?;
                let held =
                    |verdict: &Verdict| matches!(verdict, Verdict::Hold(hold) if !matches!(hold, Hold::Asked(_)));
                (missing.to_string(), verdict.is_none_or(held))
            }
        };
        let started_since = history.agent(&id).up_since.is_some_and(|at| at.wall >= written);
        (says_it_runs && is_old && left_alone && !started_since).then(|| Stale {
            reason: format!("{missing}, and its bead said {word} since {}", written.rfc3339(0)),
            bead: agent.bead,
            agent: id,
            written,
        })
    })
    .collect()
}

/// The description with `agent_state: dead`, why, and when; every other line stays. `None` if it says no state.
pub fn dead_description(description: &str, reason: &str, now: Wall) -> Option<String> {
    let mut found = false;
    let lines =
        description.split('\n').filter(|line| !line.starts_with("dead_reason:") && !line.starts_with("dead_at:"));
    let lines = lines.map(|line| {
        if found || !line.trim_start().starts_with("agent_state:") {
            return line.to_owned();
        }
        found = true;
        format!("agent_state: dead\ndead_reason: {reason}\ndead_at: {}", now.rfc3339(0))
    });
    let text = lines.collect::<Vec<_>>().join("\n");
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
