//! What a look teaches the memory: who is up since when, who has gone, and how.

use super::deaths::note_deaths;
use super::event::Event;
use super::pacing::{self, FORGIVEN_AFTER};
use super::sighting::{Sighting, moved_to, sighting};
use super::silence::{Answer, answer, observe_answer};
use crate::town::agent::AgentId;
use crate::town::history::{Absence, AgentHistory, Gone, History, NamesInForce, SavedHolds};
use crate::town::names::Agent;
use crate::town::plan::Missing;
use crate::town::process::Process;
use crate::town::process::Program;
use crate::town::rigs::SavedRig;
use crate::town::snapshot::{Pane, Snapshot};
use crate::town::sorted::SortedSet;
use crate::town::time::{Moment, Wall};
use std::mem::swap;
use std::time::Duration;

/// How long an agent that has left the town is remembered: a rig may be taken out and put back.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// Looks closer to each other than this belong to one pass.
const SAME_PASS: Duration = Duration::from_secs(1);

/// From this number on, deaths in one look are one event: the server died, not the agents.
const MASS_DEATH: usize = 3;

/// Brings the memory up to date with a snapshot, and says what has happened since the last one.
pub fn observe(history: &mut History, snapshot: &Snapshot) -> Vec<Event> {
    let now = snapshot.now;
    let mut events = Vec::new();
    // A second look within one pass shows nothing new of who is at work.
    let again = history.last_look.is_some_and(|last| now.since(last) < SAME_PASS);
    history.last_look = Some(now);
    // The clock may have been set back since: what lies in the future tells nothing.
    let past = |at: &Wall| *at <= now.wall;
    history.activity = history.activity.filter(past).max(snapshot.activity.filter(past));
    if snapshot.gastown.is_some() {
        history.gastown.clone_from(&snapshot.gastown);
    }
    let moved =
        snapshot.generation.is_ok() && history.server.as_ref().is_some_and(|before| before.socket != snapshot.socket);
    if moved {
        history.former_server = history.server.take();
    }
    if snapshot.server.is_some() {
        history.server.clone_from(&snapshot.server);
    }
    if snapshot.generation.is_ok() {
        history.holds = SavedHolds::from(&snapshot.holds);
    }
    note_names(history, snapshot, moved);
    history.rigs = Some(snapshot.rigs.iter().map(SavedRig::from).collect());
    // Under the last known names agents are watched on; without any nobody knows what they are called.
    if snapshot.generation.is_err() && history.names.is_none() {
        return events;
    }
    for agent in &snapshot.agents {
        let entry = history.agents.get_or_default(agent.id.clone());
        entry.seen = Some(now);
        let sighting = sighting(agent, snapshot);
        end_shut_down(agent, entry, sighting, &mut events);
        match sighting {
            // Unknown is not absent: nothing is learnt. But who was not seen may have answered meanwhile.
            Sighting::Unknown(_) | Sighting::Foreign(_) => entry.silence = None,
            Sighting::Alive(_, pane) => {
                observe_alive(agent, entry, pane, snapshot, &mut events);
                if !again {
                    observe_output(entry, pane);
                }
                observe_answer(entry, pane, now);
                if let Answer::None { since, .. } = answer(entry, pane, snapshot) {
                    quarantine_loop(agent, entry, since, &mut events);
                }
            }
            sighting if moved_to(sighting, entry.program, snapshot).is_some() => {}
            sighting => {
                if let Some((how, absence)) = sighting.absence() {
                    observe_gone(agent, entry, Gone { since: now, how }, absence, &mut events);
                }
            }
        }
    }
    forget_those_who_left(history, snapshot);
    merge_mass_death(&mut events);
    note_deaths(history, snapshot, &events);
    events
}

/// The machine slept, or gtd was frozen: on waking everything looks stale. Every agent gets a grace period.
pub fn after_sleep(history: &mut History, grace: Duration, now: Moment) {
    for entry in history.agents.values_mut().filter(|entry| entry.gone.is_none()) {
        entry.grace_until = Some(now.plus(grace));
        entry.silence = None;
    }
}

fn observe_alive(agent: &Agent, entry: &mut AgentHistory, pane: &Pane, snapshot: &Snapshot, events: &mut Vec<Event>) {
    let now = snapshot.now;
    let known = entry.program.is_some_and(|p| is_same(p.process, pane.process));
    if !known {
        let saw_the_start = entry.program.is_some() || entry.gone.is_some();
        if saw_the_start {
            entry.grace_until = Some(now.plus(snapshot.config.grace));
            events.push(Event::CameUp { agent: agent.id.clone(), pid: pane.process.pid });
        }
        entry.up_since = Some(now);
        entry.output = None;
        entry.output_between = None;
        entry.silence = None;
        entry.program = Some(Program { pane: pane.id, process: pane.process, by_gtd: false });
    } else if entry.gone.is_some() {
        // The same process is back, an agent within the shell that had been left bare: a start by hand.
        entry.silence = None;
        entry.grace_until = Some(now.plus(snapshot.config.grace));
        entry.up_since = Some(now);
    }
    entry.gone = None;
    entry.watched = true;
    let up = entry.up_since.map(|since| now.since(since));
    let counts = entry.quarantined.is_some() || !entry.restarts.is_empty();
    if counts && up.is_some_and(|up| up >= FORGIVEN_AFTER) {
        entry.restarts.clear();
        if entry.quarantined.take().is_some() {
            events.push(Event::Forgiven(agent.id.clone()));
        }
    }
}

/// Who was shut down, was down, and comes up, was started by somebody: that ends the hold.
fn end_shut_down(agent: &Agent, entry: &mut AgentHistory, sighting: Sighting, events: &mut Vec<Event>) {
    let Some(shut_down) = &mut entry.shut_down else { return };
    if sighting.absence().is_some() {
        shut_down.seen_down = true;
    } else if let (true, Sighting::Alive(_, pane)) = (shut_down.seen_down, sighting) {
        entry.shut_down = None;
        // It is said here, since its start is not a restart of anything that is remembered.
        if entry.program.is_none() && entry.gone.is_none() {
            events.push(Event::CameUp { agent: agent.id.clone(), pid: pane.process.pid });
        }
    }
}

fn observe_output(entry: &mut AgentHistory, pane: &Pane) {
    let is_new = entry.output.is_some_and(|before| before < pane.output);
    entry.output_between = is_new.then_some(pane.output);
    entry.output = Some(pane.output);
}

/// Start times are compared where both are known.
fn is_same(a: Process, b: Process) -> bool {
    a.pid == b.pid && (a.start == b.start || a.start == 0 || b.start == 0)
}

fn observe_gone(agent: &Agent, entry: &mut AgentHistory, gone: Gone, absence: Missing, events: &mut Vec<Event>) {
    let before = entry.gone.map(|before| before.how);
    let failed = before == Some(Absence::StartFailed);
    if before != Some(gone.how) && !failed {
        entry.gone = Some(gone);
    }
    let died = before.is_none() && entry.program.is_some() && entry.shut_down.is_none();
    if let (true, Some(program)) = (died, entry.program) {
        events.push(Event::Gone { agent: agent.id.clone(), absence, pid: program.process.pid });
    }
    if died || failed {
        quarantine_loop(agent, entry, gone.since, events);
    }
}

/// Puts an agent that is missed again at `since` into quarantine, if that is once too often.
fn quarantine_loop(agent: &Agent, entry: &mut AgentHistory, since: Moment, events: &mut Vec<Event>) {
    if entry.quarantined.is_none() && pacing::is_loop(entry, since) {
        entry.quarantined = Some(since);
        events.push(Event::Quarantined(agent.id.clone()));
    }
}

/// Another generation's agents are others, whatever they are for, and so are those on another socket: what was known of those
/// before is not about them. They are not ended for it, and who takes their place is started for the first time.
fn note_names(history: &mut History, snapshot: &Snapshot, moved: bool) {
    let Ok(generation) = snapshot.generation else { return };
    if moved || history.names.as_ref().is_some_and(|names| names.generation != generation) {
        for entry in history.agents.values_mut() {
            let mut before = std::mem::take(entry);
            swap(&mut entry.starts, &mut before.starts);
            swap(&mut entry.strip, &mut before.strip);
            swap(&mut entry.shut_down, &mut before.shut_down);
            entry.messages = before.messages;
            entry.last_word = before.last_word;
            entry.seen = before.seen;
        }
    }
    history.names = Some(NamesInForce { generation, why: snapshot.generation_why.clone() });
}

fn forget_those_who_left(history: &mut History, snapshot: &Snapshot) {
    let now: Moment = snapshot.now;
    let here: SortedSet<&AgentId> = snapshot.agents.iter().map(|a| &a.id).collect();
    history.agents.retain(|id, entry| {
        let gone_for = now.since(*entry.seen.get_or_insert(now));
        here.contains(id) || gone_for < FORGOTTEN_AFTER
    });
}

fn merge_mass_death(events: &mut Vec<Event>) {
    let mut dead = Vec::new();
    for event in &*events {
        if let Event::Gone { agent, .. } = event {
            dead.push(agent.clone());
        }
    }
    if dead.len() >= MASS_DEATH {
        events.retain(|event| !matches!(event, Event::Gone { .. }));
        events.insert(0, Event::MassDeath(dead));
    }
}
