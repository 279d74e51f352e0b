//! Many deaths at once: one event, and a condition until all who died are back.

use super::event::Event;
use crate::town::agent::AgentId;
use crate::town::history::History;
use crate::town::need::Deaths;
use crate::town::snapshot::Snapshot;
use crate::town::sorted::SortedSet;

/// Takes in who has died, and who of those before is back. Whoever has left the town, or was shut down, is not waited for.
pub(super) fn note_deaths(history: &mut History, snapshot: &Snapshot, events: &[Event]) {
    let here: SortedSet<&AgentId> = snapshot.agents.iter().map(|agent| &agent.id).collect();
    let is_missed = |history: &History, id: &AgentId| {
        let entry = history.agent(id);
        entry.gone.is_some() && entry.shut_down.is_none() && here.contains(id)
    };
    if let Some(mut deaths) = history.deaths.take() {
        deaths.missing.retain(|id| is_missed(history, id));
        history.deaths = Some(deaths).filter(|deaths| !deaths.missing.is_empty());
    }
    // Whoever shuts a town down means it.
    let holds = &snapshot.holds;
    if holds.shutting_down || holds.going_down.is_some() || holds.estop.is_some() {
        return;
    }
    for event in events {
        let Event::MassDeath(agents) = event else { continue };
        let deaths = history.deaths.get_or_insert_with(|| Deaths { agents: Vec::new(), missing: SortedSet::new() });
        for agent in agents {
            if !deaths.agents.contains(agent) {
                deaths.agents.push(agent.clone());
            }
            deaths.missing.insert(agent.clone());
        }
    }
}
