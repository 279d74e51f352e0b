//! What holds of every plan, whatever the town looks like.

use gtd::town::plan::{Leave, Plan, Verdict};
use gtd::town::snapshot::Snapshot;

/// Panics where a plan breaks a promise.
pub fn check(snapshot: &Snapshot, plan: &Plan) {
    let judged: Vec<_> = plan.verdicts.iter().map(|(id, _)| id).collect();
    let agents: Vec<_> = snapshot.agents.iter().map(|agent| &agent.id).collect();
    assert_eq!(judged, agents, "one verdict for each agent, in their order");

    let starts = plan.verdicts.iter().filter(|(_, v)| matches!(v, Verdict::Start { .. })).count();
    assert!(starts <= 5, "{starts} starts in one look");

    let (next, now) = (plan.next_look.tick, plan.now.tick);
    let latest = now.plus(snapshot.config.look_interval);
    assert!(next > now && next <= latest, "the next look is at {next:?}, now is {now:?}, at the latest {latest:?}");

    for (agent, (_, verdict)) in snapshot.agents.iter().zip(&plan.verdicts) {
        let unknown = match &snapshot.sessions {
            Err(_) => true,
            Ok(sessions) => sessions.iter().any(|s| s.name == agent.session && s.panes.is_err()),
        };
        if unknown {
            let nothing = matches!(verdict, Verdict::Hold(_) | Verdict::Leave(Leave::Unknown(_) | Leave::Foreign(_)));
            assert!(nothing, "{}, of which nothing is known: {verdict:?}", agent.id);
        }
    }
}
