//! gtd's loop with the town in the place of the world: `pass`, `look`, `carry_out` and `finish` are those of `src/daemon.rs`, step
//! by step.

use crate::life::{Life, Step, Wake};
use crate::pacing::{Page, Truth, drop_old};
use gtd::decide::{Event as Seen, decide, observe, record, troubles};
use gtd::town::outcome::{Delivery, Done, Outcome};
use gtd::town::plan::{Missing, Plan, Trigger, Verdict};
use gtd::town::snapshot::Snapshot;
use std::collections::BTreeSet;

impl Life {
    pub fn pass(&mut self, trigger: Trigger, read_mail: bool) -> Step {
        self.gtd.passes += 1;
        let mut snapshot = self.look(trigger)?;
        let mut plan = self.decide(Trigger::Look, &snapshot);
        let due = trigger == Trigger::Heartbeat || plan.next_heartbeat.tick <= plan.now.tick;
        if due && trigger == Trigger::Look && snapshot.generation.is_err() {
            snapshot = self.look(Trigger::Heartbeat)?;
            plan = self.decide(Trigger::Look, &snapshot);
        }
        let pokes = plan.drop_pokes() || due;
        let changed = self.carry_out(Trigger::Look, &plan, &snapshot)?;
        if pokes {
            if changed {
                snapshot = self.look(Trigger::Look)?;
            }
            let then = if due { Trigger::Heartbeat } else { Trigger::Look };
            self.ask_reports(&mut snapshot)?;
            plan = self.decide(then, &snapshot);
            plan.marks.clear();
            self.carry_out(then, &plan, &snapshot)?;
        }
        let tend_at = self.attend(&mut snapshot, due || read_mail)?;
        if due {
            self.check_stale(&snapshot, &plan);
            self.check_heartbeat(&plan);
        }
        if let Some(at) = tend_at.filter(|at| at.tick < plan.next_look.tick) {
            plan.next_look = at;
        }
        if !due && plan.next_heartbeat.tick <= plan.now.tick {
            plan.next_look = plan.now;
        }
        let soon = plan.next_look.tick <= plan.next_heartbeat.max(plan.now).tick;
        self.hold("a heartbeat is not slept through", soon, || format!("{:?}", plan.next_heartbeat));
        self.finish(&snapshot, &plan);
        if self.temper == 0 && self.gtd.passes == 2 + snapshot.agents.len() as u64 / 5 {
            self.check_alive("a faultless town is well within 2 + N/5 looks");
        }
        Ok(())
    }

    pub fn look(&mut self, trigger: Trigger) -> Step<Snapshot> {
        let hangs = self.town.has(&crate::town::Fault::Tmux) && self.town.chance.percent(50);
        let took = if hangs { 5_000 } else { self.town.chance.between(3, 15) };
        self.spend(took)?;
        let snapshot = self.town.snapshot(trigger, &self.gtd.history, &self.gtd.config);
        let now = self.town.tick();
        self.tally.looks += 1;
        let events = observe(&mut self.gtd.history, &snapshot);
        self.truths.clear();
        for agent in &snapshot.agents {
            let page = self.book.pages.get(&agent.id);
            let truth = crate::invariants::truth(&self.town.tmux, &snapshot, agent, page);
            self.truths.push((agent.id.clone(), truth));
        }
        if snapshot.generation.is_ok() {
            for (id, truth) in &self.truths {
                let shut_down = self.gtd.history.agent(id).shut_down.is_some();
                let page = self.book.pages.entry(id.clone()).or_default();
                page.look(truth, now, shut_down, &self.gtd.config);
            }
            let truths = &self.truths;
            drop_old(&mut self.book.pages, now, |id| truths.iter().any(|(here, _)| here == id));
        }
        for event in events {
            if let Seen::Quarantined(id) = &event {
                self.tally.loops += 1;
                if matches!(self.shown(id), Some(Truth::Alive(_))) {
                    self.page(id).quarantined_for_silence(Some(now));
                }
            }
            self.say(|| format!("gtd: {event}"));
        }
        self.check_memory(&snapshot);
        Ok(snapshot)
    }

    fn decide(&mut self, trigger: Trigger, snapshot: &Snapshot) -> Plan {
        let plan = decide(trigger, snapshot, &self.gtd.history);
        self.check_plan(trigger, snapshot, &plan);
        plan
    }

    fn carry_out(&mut self, trigger: Trigger, plan: &Plan, snapshot: &Snapshot) -> Step<bool> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        let result = self.act(plan, snapshot, &mut outcomes);
        if result == Err(crate::life::Broken::Killed) {
            return Err(crate::life::Broken::Killed);
        }
        let done = if result.is_ok() { trigger } else { Trigger::Look };
        let now = self.town.now();
        let counted: Vec<bool> = outcomes.iter().map(|outcome| !self.page(&outcome.agent).is_first()).collect();
        record(&mut self.gtd.history, done, plan, &outcomes, &snapshot.config, now);
        for (outcome, counted) in outcomes.iter().zip(counted) {
            self.note_outcome(outcome, counted, plan);
        }
        let is_start = |o: &Outcome| matches!(o.result, Done::Started { .. } | Done::StartFailed { .. });
        if outcomes.iter().any(is_start) {
            self.save();
        }
        let changed = outcomes.iter().any(|o| is_start(o) || matches!(o.result, Done::Marked(_)));
        result.map(|()| changed)
    }

    pub fn page(&mut self, id: &gtd::town::agent::AgentId) -> &mut Page {
        self.book.pages.entry(id.clone()).or_default()
    }

    /// Writes into the book what came of an action.
    fn note_outcome(&mut self, outcome: &Outcome, counted: bool, plan: &Plan) {
        let now = self.town.tick();
        self.say(|| format!("gtd: {outcome}"));
        let silent = |(id, verdict): &(gtd::town::agent::AgentId, Verdict)| {
            let answer = matches!(verdict, Verdict::Start { absence: Missing::Answer { .. }, .. });
            *id == outcome.agent && answer
        };
        match &outcome.result {
            Done::Started { .. } if plan.verdicts.iter().any(silent) => {
                self.tally.silent_restarts += 1;
                self.page(&outcome.agent).in_vain += 1;
            }
            Done::Poked(Delivery::Taken) => self.page(&outcome.agent).in_vain = 0,
            _ => {}
        }
        match &outcome.result {
            Done::Started { process, .. } => self.note_start(&outcome.agent, Some(*process), counted, now),
            Done::StartFailed { .. } => self.note_start(&outcome.agent, None, counted, now),
            Done::Poked(_) => {
                let said = plan.verdicts.iter().find_map(|(id, verdict)| match verdict {
                    Verdict::Poke { message, .. } if *id == outcome.agent => Some(*message),
                    _ => None,
                });
                let before = std::mem::replace(&mut self.page(&outcome.agent).said, said);
                self.hold("never the same message twice in a row", before != said, || format!("{outcome}: {said:?}"));
                self.tally.pokes += 1;
            }
            _ => {}
        }
    }

    fn ask_reports(&mut self, snapshot: &mut Snapshot) -> Step {
        if snapshot.generation.as_ref().is_ok_and(|generation| generation.table().asks_beads) {
            let hangs = self.town.has(&crate::town::Fault::Bd) && self.town.chance.percent(30);
            let took = if hangs { 30_000 } else { self.town.chance.between(100, 400) };
            self.spend(took)?;
            self.town.ask_reports(snapshot);
        }
        Ok(())
    }

    fn finish(&mut self, snapshot: &Snapshot, plan: &Plan) {
        let _ = troubles(snapshot, &self.gtd.history, plan);
        self.save();
        let living = self.gtd.history.agents.values().filter(|agent| agent.gone.is_none() && agent.watched);
        let pids: BTreeSet<u32> = living.filter_map(|agent| Some(agent.program?.process.pid)).collect();
        self.gtd.ended.retain(|pid| pids.contains(pid));
        self.gtd.watched.clear();
        for pid in pids.difference(&self.gtd.ended).copied() {
            if self.town.tmux.programs().any(|pane| pane.process.pid == pid) {
                self.gtd.watched.insert(pid);
            } else if self.has_pidfd {
                // It ended between the look and now.
                self.gtd.told_ended.push(pid);
            }
        }
        let (given, at) = (self.town.tick(), plan.next_look.tick.millis());
        self.gtd.wake = Some(Wake { at, given, fires: self.town.t + at.saturating_sub(given) });
    }

    /// Whether an agent's program lives, as the last look showed it.
    pub fn shown(&self, id: &gtd::town::agent::AgentId) -> Option<&Truth> {
        self.truths.iter().find(|(other, _)| other == id).map(|(_, truth)| truth)
    }
}
