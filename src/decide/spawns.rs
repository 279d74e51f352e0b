//! Spawned workers: who is to be started off, and who is forgotten.

use super::requests::{roll, spent};
use super::sighting::{Sighting, addressee, sighting};
use crate::town::agent::{AgentId, Name};
use crate::town::history::{History, SpawnHistory};
use crate::town::mail::Kind;
use crate::town::names::Agent;
use crate::town::plan::Addressee;
use crate::town::request::{Source, Spent};
use crate::town::snapshot::{Inbox, Snapshot};
use crate::town::spawn::Spawn;
use crate::town::text::{clean, shown};
use crate::town::time::Moment;
use std::time::Duration;

/// A worker whose prompt has not come by then is its Witness's business.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(5);
/// Notices that are dealt with in one pass.
const AT_A_TIME: usize = 20;
/// In the first minute a worker is looked at often.
const OFTEN_FOR: Duration = Duration::from_mins(1);
/// How often that is.
const OFTEN: Duration = Duration::from_secs(2);

/// What a spawn notice is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its mail.
    pub source: Source,
    /// The worker, or why it is refused.
    pub spawn: Result<Spawn, String>,
}

/// The spawn notices of the inbox that nobody has dealt with yet.
pub fn notices(history: &History, snapshot: &Snapshot) -> Vec<Notice> {
    let Inbox::Read(mails) = &snapshot.inbox else {
        return Vec::new();
    };
    let spent = spent(history);
    let mut found = Vec::new();
    for mail in mails {
        let source = Source::Mail(mail.id.clone());
        if found.len() < AT_A_TIME
            && let Kind::Spawned { worker, session, issue } = mail.kind()
            && !spent.contains(&source)
        {
            let spawn = worker_agent(worker, snapshot).and_then(|agent| match session {
                // An empty or a strange name would type into whatever session it happens to mean.
                Some(session) if session != agent.session => {
                    Err(format!("{} is not the session of {worker}", shown(session, 80)))
                }
                _ => Ok(Spawn::new(&agent, &clean(issue, 100), mail.sent.unwrap_or(snapshot.now.wall), &mail.id)),
            });
            found.push(Notice { source, spawn });
        }
    }
    found
}

/// The polecat that `RIG/NAME` means.
fn worker_agent(worker: &str, snapshot: &Snapshot) -> Result<Agent, String> {
    let (rig, name) = worker.split_once('/').ok_or_else(|| format!("{} is no RIG/POLECAT", shown(worker, 80)))?;
    let name = Name::parse(name).map_err(|why| format!("{}: {why}", shown(name, 80)))?;
    let roll = roll(snapshot).ok_or("Gas Town's generation is not known")?;
    let rig = roll.rigs.iter().find(|known| known.name.as_str() == rig);
    let rig = rig.ok_or_else(|| format!("{} is in no rig of this town", shown(worker, 80)))?;
    let crew = name.as_str().starts_with("crew-");
    let agent = roll.table.agent(&snapshot.root, AgentId::Polecat(rig.name.clone(), name), Some(rig));
    // A worker called `witness` would have the Witness's session.
    if crew || roll.find(&agent.session).is_ok() {
        return Err(format!("{} is the session of another agent", shown(&agent.session, 80)));
    }
    Ok(agent)
}

/// Notes that a notice was dealt with.
pub fn note_spent(history: &mut History, notice: &Notice, now: Moment) {
    history.spent.push(Spent { source: notice.source.clone(), at: now.wall, gone: false, stays: false });
}

/// What is to be done for a worker that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tending {
    /// Forget it.
    Forget(&'static str),
    /// Look at its screen: where the prompt shows and it is not busy, it gets its first word.
    Look {
        /// Its pane.
        to: Addressee,
        /// Whether its first word was being typed when gtd ended: then it may have got it.
        begun: bool,
    },
    /// Nothing, since nothing can be seen.
    Wait,
}

/// What is to be done for a worker, as this snapshot shows it.
pub fn tend(spawn: &Spawn, snapshot: &Snapshot, history: &mut History) -> Tending {
    let now = snapshot.now;
    let Ok(agent) = worker_agent(&format!("{}/{}", spawn.rig, spawn.polecat), snapshot) else {
        return if snapshot.generation.is_err() {
            Tending::Wait
        } else {
            Tending::Forget("it is in no rig of this town")
        };
    };
    if agent.session != spawn.session {
        return Tending::Forget("its session is another one's");
    }
    let entry = history.spawns.get_or_insert_with(spawn.session.clone(), || SpawnHistory { since: now, begun: false });
    if now.since(entry.since) >= FORGOTTEN_AFTER {
        return Tending::Forget("its prompt has not come within 5m");
    }
    match sighting(&agent, snapshot) {
        Sighting::Unknown(_) => Tending::Wait,
        Sighting::Foreign(_) => Tending::Forget("its session belongs to another town"),
        Sighting::NoSession | Sighting::NoPane | Sighting::Exited(..) => Tending::Forget("session no longer exists"),
        Sighting::Alive(session, pane) => Tending::Look { to: addressee(session, pane), begun: entry.begun },
    }
}

/// When the workers are to be looked at again, if that is before the next look.
pub fn next_tending(history: &History, now: Moment) -> Option<Moment> {
    let young = |spawn: &SpawnHistory| now.since(spawn.since) < OFTEN_FOR;
    history.spawns.values().any(young).then(|| now.plus(OFTEN))
}

/// Whether a screen shows a prompt that waits: a line that begins with `>` or `❯`, perhaps within a box, and no sign of work.
pub fn is_ready(screen: &str) -> bool {
    screen.lines().any(is_prompt) && !screen.contains("esc to interrupt")
}

/// Whether `word` stands in the last prompt of a screen: typed, and not entered.
pub fn waits_at_prompt(screen: &str, word: &str) -> bool {
    let last = screen.lines().rev().find(|line| is_prompt(line));
    last.is_some_and(|line| line.contains(word))
}

fn is_prompt(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| c == '|' || ('\u{2500}'..='\u{257f}').contains(&c) || c == ' ');
    let rest = line.strip_prefix('>').map(|rest| rest.is_empty() || rest.starts_with(' '));
    let other = line.strip_prefix('❯').map(|rest| rest.is_empty() || rest.starts_with([' ', '\u{a0}']));
    rest.or(other) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_told_from_text_and_from_work() {
        for screen in ["> ", "hello\n>", "❯ ", "❯\u{a0}", "│ > Try \"edit\"  │", "╭──╮\n│ ❯ │"] {
            assert!(is_ready(screen), "{screen:?}");
        }
        assert!(waits_at_prompt("> Begin.\n\n", "Begin."));
        assert!(!waits_at_prompt("> Begin.\nheard: Begin.\n> \n", "Begin."));
        for screen in ["", "$ ", "a > b", ">>> ", "> \n* Working (esc to interrupt)", "❯x"] {
            assert!(!is_ready(screen), "{screen:?}");
        }
    }
}
