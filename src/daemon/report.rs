//! What the daemon says of a pass: its verdicts, the conditions of the town, and what `--status` shows.

use super::Daemon;
use crate::decide::strip::note_look;
use crate::decide::{tellings, troubles};
use crate::service::instance::{CONTESTED_FOR, Kept};
use crate::service::state::{AgentStatus, Report};
use crate::sys::attention::Stopped;
use crate::sys::files::Durability;
use crate::town::agent::AgentId;
use crate::town::duration::go_duration;
use crate::town::need::{Need, Supply};
use crate::town::plan::{Leave, Plan, Trigger, Verdict};
use crate::town::snapshot::Snapshot;
use crate::town::sorted::SortedMap;

/// So many agents are not named one by one where the same holds for all of them.
const MANY: usize = 3;

impl Daemon {
    pub(super) fn say_verdicts(&mut self, trigger: Trigger, plan: &Plan) {
        let mut waiting: SortedMap<(String, u8), Vec<String>> = SortedMap::new();
        for (id, verdict) in &plan.verdicts {
            let (label, reason, rule) = (id.label(), verdict.reason(plan.now), verdict.rule());
            match verdict {
                Verdict::Start { .. } => self.log.notice(format_args!("Starting {label}: {reason} (rule {rule})")),
                Verdict::Wait { absence, why, .. } => {
                    let gist = format!("{absence} {why}");
                    if self.said.get(id) != Some(&gist) {
                        waiting.get_or_default((reason, rule)).push(label);
                        self.said.insert(id.clone(), gist);
                    }
                    continue;
                }
                Verdict::Skip(_) | Verdict::Leave(Leave::Grace { poke_waits: true, .. } | Leave::Reports(_))
                    if trigger == Trigger::Heartbeat =>
                {
                    self.metrics.skipped_poke();
                    self.log.say(format_args!("No poke for {label}: {reason} (rule {rule})"));
                }
                _ => {}
            }
            self.said.remove(id);
        }
        for ((reason, rule), labels) in waiting {
            // Of a server that died it is said once.
            let who = if labels.len() < MANY { labels.join(", ") } else { format!("{} agents", labels.len()) };
            self.log.say(format_args!("Not starting {who} yet: {reason} (rule {rule})"));
        }
    }

    /// What every pass ends with: conditions said, state saved, the next look ordered. It is the last one if another daemon
    /// has taken this one's place.
    pub(super) fn finish(&mut self, snapshot: &Snapshot, plan: &Plan, was_heartbeat: bool) -> Result<(), Stopped> {
        self.watch(snapshot);
        let mut found = troubles(snapshot, &self.history, plan);
        let mut contested = false;
        match self.instance.keep() {
            Kept::Kept => {}
            Kept::Contested => contested = true,
            Kept::Lost => {
                self.log.error(format_args!(
                    "Another daemon has taken this one's place: ending, so that there are not two"
                ));
                self.lost = true;
                return Err(Stopped);
            }
            Kept::Failed(error) => found.add(
                "instance",
                format!("{error}; whoever starts a second daemon now is not stopped"),
                "The lock and the PID file are in place again",
                None,
            ),
        }
        self.log.keep();
        if let Some(error) = &self.not_saved {
            found.add(
                "state",
                format!("Failed to save state: {error}; a restart of gtd would not know of what happened since"),
                "The state can be saved again",
                Some(Need::outage(Supply::State)),
            );
        }
        if let Some(why) = &self.unwatched {
            let text = format!("{why}: that they end is seen at the next look");
            found.add("watch", text, "Every agent's process is watched again", None);
        }
        self.not_telling(&mut found);
        let due = tellings(&mut self.history, &found, plan.now);
        for (level, line) in self.conditions.update(found, plan.now) {
            self.log.say_as(level, format_args!("{line}"));
        }
        self.note_outages();
        if was_heartbeat || self.said_interval != Some(plan.rhythm.interval) {
            self.said_interval = Some(plan.rhythm.interval);
            let left = plan.next_heartbeat.since(plan.now);
            self.log.say(format_args!("Next heartbeat in {} ({})", go_duration(left), plan.rhythm));
        }
        note_look(&mut self.history, plan);
        self.report_on(snapshot, plan);
        self.save(true, Durability::Lazy);
        let again = self.tell_person(&due, plan)?;
        self.count(true);
        self.tell_init();
        if let Some(sleeper) = &self.sleeper {
            let mut pending = self.pending.borrow_mut();
            // A moment that came during the pass is over: it would make gtd look twice, each time again. One that came far too
            // late tells of a sleep, and is heeded.
            pending.due = pending.due.filter(|late| *late > self.world.config.look_interval);
            let soon = plan.now.plus(CONTESTED_FOR).tick;
            let next = again.unwrap_or(plan.next_look).tick;
            sleeper.wake_at(if contested { next.min(soon) } else { next });
        }
        Ok(())
    }

    /// Takes down what `--status` shows.
    pub(super) fn report_on(&mut self, snapshot: &Snapshot, plan: &Plan) {
        let sessions: SortedMap<&AgentId, &String> =
            snapshot.agents.iter().map(|agent| (&agent.id, &agent.session)).collect();
        let mut agents = Vec::with_capacity(plan.verdicts.len());
        for (id, verdict) in &plan.verdicts {
            // What the poke was is past; what counts is whether it was answered.
            let poked = match self.history.agent(id).silence {
                Some(silence) => Verdict::Leave(Leave::Silent { twice: silence.second.is_some(), until: None }),
                None => Verdict::Leave(Leave::Alive),
            };
            let verdict = if matches!(verdict, Verdict::Poke { .. }) { &poked } else { verdict };
            agents.push(AgentStatus {
                agent: id.clone(),
                session: sessions.get(id).copied().cloned().unwrap_or_default(),
                state: verdict.word().to_owned(),
                reason: verdict.reason_without_time(),
                until: verdict.until(),
                rule: verdict.rule(),
                otherwise: verdict.otherwise(),
            });
        }
        self.report = Report {
            next_heartbeat: Some(plan.next_heartbeat),
            rhythm: plan.rhythm.to_string(),
            no_generation: snapshot.generation.as_ref().err().map(ToString::to_string),
            conditions: self.conditions.open(),
            agents,
        };
    }
}
