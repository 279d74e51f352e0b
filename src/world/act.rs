//! The hands: one straight recipe for each action of a plan. They never choose.

use super::World;
use super::clear::Clearing;
use super::poke::Poke;
use crate::sys::attention::Stopped;
use crate::town::names::Agent;
use crate::town::outcome::{Done, Outcome};
use crate::town::plan::{Missing, PaneRef, Place, Plan, Verdict};

/// What every poke begins with: the agents know a heartbeat by it.
const HEARTBEAT: &str = "HEARTBEAT: ";

impl World {
    /// Does what the plan says for these agents. What came of each action is told through `tell` at once, so that it is
    /// known even if gtd is told to end before the rest is done.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn act(&mut self, plan: &Plan, agents: &[Agent], tell: &mut dyn FnMut(Outcome)) -> Result<(), Stopped> {
        self.mark_all(plan, tell)?;
        self.start_all(plan, agents, tell)?;
        self.poke_all(plan, tell)
    }

    fn start_all(&mut self, plan: &Plan, agents: &[Agent], tell: &mut dyn FnMut(Outcome)) -> Result<(), Stopped> {
        let (mut starts, mut jobs) = (Vec::new(), Vec::new());
        for (id, verdict) in &plan.verdicts {
            let Verdict::Start { absence, place, restart, leftover } = verdict else { continue };
            let Some(agent) = agents.iter().find(|agent| agent.id == *id) else { continue };
            // Where the pane is there, it holds the last program, or its remains.
            let (pane, leftover) = match place {
                Place::InPlace(pane) => (Some(pane.clone()), None),
                Place::NewSession | Place::NewWindow => (None, *leftover),
            };
            // Who ended by itself has left its screen where it was; who is ended loses it.
            let save = matches!(absence, Missing::Answer { .. });
            jobs.push(Clearing { agent: id.clone(), pane, leftover, save });
            starts.push((agent, place, *restart));
        }
        let cleared = self.clear(&jobs)?;
        for ((agent, place, restart), mut cleared) in starts.into_iter().zip(cleared) {
            for done in cleared.told() {
                tell(outcome(&agent.id, done));
            }
            let result = match cleared.ended {
                Ok(()) => self.start(agent, place, restart)?,
                Err(why) => Done::StartFailed { why, restart },
            };
            tell(outcome(&agent.id, result));
        }
        Ok(())
    }

    fn mark_all(&mut self, plan: &Plan, tell: &mut dyn FnMut(Outcome)) -> Result<(), Stopped> {
        if plan.marks.is_empty() {
            return Ok(());
        }
        let panes: Vec<&PaneRef> = plan.marks.iter().map(|mark| &mark.pane).collect();
        let results = self.mark(&panes)?;
        for (mark, result) in plan.marks.iter().zip(results) {
            tell(outcome(&mark.agent, Done::Marked(result)));
        }
        Ok(())
    }

    fn poke_all(&mut self, plan: &Plan, tell: &mut dyn FnMut(Outcome)) -> Result<(), Stopped> {
        let (mut ids, mut pokes) = (Vec::new(), Vec::new());
        for (id, verdict) in &plan.verdicts {
            if let Verdict::Poke { to, message } = verdict {
                ids.push(id);
                pokes.push(Poke { to, text: format!("{HEARTBEAT}{message}") });
            }
        }
        if pokes.is_empty() {
            return Ok(());
        }
        for (id, delivery) in ids.into_iter().zip(self.poke(&pokes)?) {
            tell(outcome(id, Done::Poked(delivery)));
        }
        Ok(())
    }
}

fn outcome(agent: &crate::town::agent::AgentId, result: Done) -> Outcome {
    Outcome { agent: agent.clone(), result }
}
