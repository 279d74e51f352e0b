//! What came of the plan, written into the memory.

use super::agents::STARTS_AT_A_TIME;
use super::silence::note_poke;
use crate::town::config::Config;
use crate::town::history::{Absence, AgentHistory, Gone, History, RESTARTS_KEPT, STARTS_KEPT};
use crate::town::outcome::{Delivery, Done, Outcome};
use crate::town::plan::{Leave, Plan, Trigger, Verdict};
use crate::town::process::Program;
use crate::town::time::Moment;
use std::time::Duration;

/// Starts are counted for a day.
pub const A_DAY: Duration = Duration::from_hours(24);
/// No plan takes so long to be carried out while the machine is awake.
const LONG: Duration = Duration::from_mins(1);

/// Records what was done by `now`. A plan that was broken off has fewer outcomes; what it did is recorded all the same.
pub fn record(
    history: &mut History,
    trigger: Trigger,
    plan: &Plan,
    outcomes: &[Outcome],
    config: &Config,
    now: Moment,
) {
    for (id, verdict) in &plan.verdicts {
        let waits = matches!(verdict, Verdict::Leave(Leave::Grace { poke_waits: true, .. }));
        // Whoever says that it wants a person was asked, and has had its turn.
        let met = matches!(verdict, Verdict::Skip(_) | Verdict::Leave(Leave::Reports(_)));
        if let Some(entry) = history.agents.get_mut(id) {
            if waits {
                entry.poke_owed = true;
            } else if met {
                entry.poke_owed = false;
            }
        }
    }
    for outcome in outcomes {
        if let Done::Poked(delivery) = &outcome.result {
            let entry = history.agents.get_or_default(outcome.agent.clone());
            let heartbeat = trigger == Trigger::Heartbeat || entry.poke_owed;
            note_poke(entry, delivery, heartbeat, plan.now, now);
        }
        record_outcome(history, outcome, config, now);
        if matches!(outcome.result, Done::Started { .. }) && plan.ends_for_silence(&outcome.agent) {
            let entry = history.agents.get_or_default(outcome.agent.clone());
            entry.silent_restarts = entry.silent_restarts.saturating_add(1);
        }
    }
    if trigger == Trigger::Heartbeat {
        history.heartbeats = history.heartbeats.saturating_add(1);
        // Where the machine slept in the midst of it, it counts from its end: else the next one would follow at once.
        let slept = now.since(plan.now) >= LONG;
        history.last_heartbeat = Some(if slept { now } else { plan.now });
    }
}

/// Records what came of one action.
pub fn record_outcome(history: &mut History, outcome: &Outcome, config: &Config, now: Moment) {
    let entry = history.agents.get_or_default(outcome.agent.clone());
    match &outcome.result {
        Done::Started { pane, process, restart } => {
            let program = Program { pane: *pane, process: *process, by_gtd: true };
            started(entry, program, *restart, config, now);
            note_start(&mut history.last_starts, now);
        }
        Done::StartFailed { restart, .. } => {
            entry.gone = Some(Gone { since: now, how: Absence::StartFailed });
            if *restart {
                count_restart(entry, now);
            }
            note_start(&mut history.last_starts, now);
        }
        Done::Poked(delivery) => {
            entry.last_poke = Some(now);
            entry.last_poke_delivered = *delivery == Delivery::Taken;
            entry.messages = entry.messages.wrapping_add(1);
            entry.poke_owed = false;
        }
        Done::Marked(_) | Done::SavedScreen(_) | Done::EndedLeftover(_) => {}
    }
}

/// A start begins a grace period and sets every clock of the agent anew.
fn started(entry: &mut AgentHistory, program: Program, restart: bool, config: &Config, now: Moment) {
    entry.program = Some(program);
    entry.up_since = Some(now);
    entry.grace_until = Some(now.plus(config.grace));
    entry.gone = None;
    entry.output = None;
    entry.output_between = None;
    entry.last_poke = None;
    entry.silence = None;
    entry.watched = true;
    entry.starts.retain(|at| *at <= now.wall && now.wall.since(*at) < A_DAY);
    entry.starts.push(now.wall);
    let surplus = entry.starts.len().saturating_sub(STARTS_KEPT);
    entry.starts.drain(..surplus);
    if restart {
        count_restart(entry, now);
    }
}

fn note_start(starts: &mut Vec<Moment>, now: Moment) {
    starts.push(now);
    let surplus = starts.len().saturating_sub(STARTS_AT_A_TIME);
    starts.drain(..surplus);
}

fn count_restart(entry: &mut AgentHistory, now: Moment) {
    entry.restarts.push(now);
    let surplus = entry.restarts.len().saturating_sub(RESTARTS_KEPT);
    entry.restarts.drain(..surplus);
}
