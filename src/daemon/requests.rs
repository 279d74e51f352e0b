//! What is asked of gtd, done exactly once: check, claim (saved), be rid of the mail, act, done (saved). And, by the same
//! mail, the workers that wait for their first word, and the agents that are to be marked dead.

use super::Daemon;
use crate::decide::record_outcome;
use crate::decide::requests::{Deed, agent_of, deed, forget_spent, note_failure, settle, starts_of, take_on};
use crate::decide::spawns::{Tending, is_ready, next_tending, note_spent, notices, tend, waits_at_prompt};
use crate::decide::stale::stale;
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::files::Durability;
use crate::town::names::Agent;
use crate::town::outcome::{Delivery, Done, Outcome};
use crate::town::plan::{Addressee, PaneRef, Plan, Trigger};
use crate::town::request::{Claim, Source, Spent};
use crate::town::snapshot::{Inbox, Snapshot};
use crate::town::sorted::SortedMap;
use crate::town::spawn::Spawn;
use crate::town::time::Moment;
use crate::world::clear::{Cleared, Clearing};
use crate::world::spawns::FIRST_WORD;
use crate::world::spool;
use std::fmt;
use std::time::Duration;

/// When the rest of a large inbox is dealt with.
const MORE_MAIL: Duration = Duration::from_secs(2);

impl Daemon {
    /// Everything that others ask for. Says when to look again for its sake. The spool comes first: a `gt` that hangs delays
    /// only mail.
    pub(super) fn attend(
        &mut self,
        snapshot: &mut Snapshot,
        read_mail: bool,
        starts_soon: bool,
    ) -> Result<Option<Moment>, Stopped> {
        snapshot.spool = spool::read(&self.world.root);
        let asked = self.attend_to(snapshot)?;
        let mut written = None;
        if read_mail {
            let inbox = match starts_soon {
                true => None,
                false => self.ask_until_called(|world| world.ask_inbox(snapshot))?,
            };
            // What was put off is read at the next look.
            let put_off = inbox.is_none();
            snapshot.inbox = inbox.unwrap_or_default();
            self.inbox_fails = matches!(snapshot.inbox, Inbox::Unknown(_));
            written = self.attend_to(snapshot)?;
            self.more_mail |= put_off;
        }
        self.tend_spawns()?;
        let tending = next_tending(&self.history, clock::now());
        let mut first: Option<Moment> = None;
        for at in [asked, written, tending].into_iter().flatten() {
            first = Some(first.filter(|first| first.tick <= at.tick).unwrap_or(at));
        }
        Ok(first)
    }

    /// What stands in the spool, and in the inbox, if that was read. Says when to look again, if that was too much for one pass
    /// or has changed anything.
    fn attend_to(&mut self, snapshot: &mut Snapshot) -> Result<Option<Moment>, Stopped> {
        let mail = matches!(&snapshot.inbox, Inbox::Read(mails) if !mails.is_empty());
        if mail || !snapshot.spool.is_empty() || !self.history.requests.is_empty() {
            self.world.complete(snapshot);
        }
        self.take_on_spawns(snapshot);
        let taken = take_on(&mut self.history, snapshot);
        for line in &taken.lines {
            self.log.say(format_args!("{line}"));
        }
        for label in &taken.resets {
            self.log.say(format_args!("reset of {label} is done"));
        }
        // What is not saved is not begun: killed now, gtd would do it twice, or not at all.
        let unsaved = !taken.lines.is_empty() || self.not_saved.is_some();
        if unsaved && !self.save(true, Durability::Synced) {
            return Ok(None);
        }
        self.be_rid_of_spent(snapshot)?;
        forget_spent(&mut self.history, snapshot);
        let open = self.history.requests.len();
        self.do_requests(snapshot)?;
        self.more_mail = taken.more;
        // What they changed is seen, and said, at once.
        let changed = !taken.lines.is_empty() || self.history.requests.len() < open;
        Ok(match taken.more {
            true => Some(clock::now().plus(MORE_MAIL)),
            false => changed.then(clock::now),
        })
    }

    /// Spawn notices go to the file before their mail is spent.
    fn take_on_spawns(&mut self, snapshot: &Snapshot) {
        let found = notices(&self.history, snapshot);
        if found.is_empty() {
            return;
        }
        let added = self.world.change_pending(&mut |spawns| {
            for new in found.iter().filter_map(|notice| notice.spawn.as_ref().ok()) {
                // One first word for a worker, however often it is announced.
                if !spawns.iter().any(|old| old.session == new.session) {
                    spawns.push(new.clone());
                }
            }
        });
        if let Err(why) = added {
            // The mails stay, and are read again at the next heartbeat.
            self.log.error(format_args!("Error noting spawned workers: {why}"));
            return;
        }
        for notice in &found {
            match &notice.spawn {
                Ok(spawn) => self.log.say(format_args!("Found pending spawn: {}/{}", spawn.rig, spawn.polecat)),
                Err(why) => self.log.say(format_args!("Discarding {}: {why}", notice.source)),
            }
            note_spent(&mut self.history, notice, snapshot.now);
        }
        self.save(true, Durability::Synced);
    }

    /// Mails and files that were dealt with go. What cannot be deleted is tried again at the next heartbeat, and is never
    /// looked at again.
    fn be_rid_of_spent(&mut self, snapshot: &Snapshot) -> Result<(), Stopped> {
        let Inbox::Read(mails) = &snapshot.inbox else {
            self.be_rid_of_files();
            return Ok(());
        };
        let mut ids: Vec<String> = Vec::new();
        for spent in self.history.spent.iter().filter(|spent| !spent.gone) {
            if let Source::Mail(id) = &spent.source
                && mails.iter().any(|mail| mail.id == *id)
            {
                ids.push(id.clone());
            }
        }
        if !ids.is_empty() {
            let at_once = snapshot.generation.as_ref().is_ok_and(|generation| generation.table().deletes_many);
            let gone = self.ask(|world| world.delete_mails(&ids, at_once))?;
            for (id, gone) in ids.iter().zip(gone) {
                let is_it = |spent: &&mut Spent| matches!(&spent.source, Source::Mail(mail) if mail == id);
                let Some(spent) = self.history.spent.iter_mut().find(is_it) else {
                    continue;
                };
                let said = std::mem::replace(&mut spent.stays, !gone);
                spent.gone = gone;
                if gone {
                    self.log.say(format_args!("Deleted lifecycle message: {id}"));
                } else if !said {
                    let source = &spent.source;
                    self.log.say(format_args!(
                        "{source} could not be deleted; it is not carried out again, and tried again to delete"
                    ));
                }
            }
        }
        self.be_rid_of_files();
        Ok(())
    }

    fn be_rid_of_files(&mut self) {
        for spent in self.history.spent.iter_mut().filter(|spent| !spent.gone) {
            if let Source::Spool(name) = &spent.source {
                spent.gone = spool::remove(&self.world.root, name);
            }
        }
    }

    /// Does what is claimed, after one more look: the last one may be seconds old.
    fn do_requests(&mut self, earlier: &Snapshot) -> Result<(), Stopped> {
        if self.history.requests.is_empty() {
            self.waiting.clear();
            return Ok(());
        }
        let mut snapshot = self.look(Trigger::Look)?;
        snapshot.crew.clone_from(&earlier.crew);
        snapshot.holds.no_directory.clone_from(&earlier.holds.no_directory);
        let mut deeds = self.deeds(&snapshot);
        let (newest, rigs) = starts_of(&deeds, &self.history);
        if self.ask(|world| world.ask_before(&mut snapshot, newest, &rigs))? {
            deeds = self.deeds(&snapshot);
        }
        let cleared = self.clear_for(&deeds)?;
        for ((claim, agent, deed), cleared) in deeds.iter().zip(cleared) {
            self.do_request(claim, agent, deed, cleared, &snapshot)?;
            self.save(true, Durability::Synced);
        }
        Ok(())
    }

    fn deeds(&self, snapshot: &Snapshot) -> Vec<(Claim, Agent, Deed)> {
        let mut deeds = Vec::new();
        for claim in &self.history.requests {
            if let Some(agent) = agent_of(&claim.agent, snapshot, &self.world.root) {
                let deed = deed(claim, &agent, snapshot, &self.history);
                deeds.push((claim.clone(), agent, deed));
            }
        }
        deeds
    }

    /// Saves the screens and ends the trees of all that are to be ended, together.
    fn clear_for(&mut self, deeds: &[(Claim, Agent, Deed)]) -> Result<Vec<Cleared>, Stopped> {
        let mut jobs = Vec::new();
        for (_, agent, deed) in deeds {
            let (pane, leftover) = match deed {
                Deed::Restart { old, leftover, .. } => (old.clone(), *leftover),
                Deed::End { pane, .. } => (Some(pane.clone()), None),
                Deed::Done(_) | Deed::GiveUp(_) | Deed::Wait(_) => (None, None),
            };
            jobs.push(Clearing { agent: agent.id.clone(), pane, leftover, save: true });
        }
        self.world.clear(&jobs)
    }

    fn do_request(
        &mut self,
        claim: &Claim,
        agent: &Agent,
        deed: &Deed,
        mut cleared: Cleared,
        snapshot: &Snapshot,
    ) -> Result<(), Stopped> {
        let (action, label) = (claim.action, agent.id.label());
        for result in cleared.told() {
            let outcome = Outcome { agent: agent.id.clone(), result };
            self.log.say(format_args!("{outcome}"));
        }
        if let Err(why) = cleared.ended {
            self.finish_request(claim, format_args!("{action} of {label} is refused: {why}"), false);
            return Ok(());
        }
        match deed {
            Deed::Done(how) => self.finish_request(claim, format_args!("{action} of {label} is done: {how}"), true),
            Deed::GiveUp(why) => {
                self.finish_request(claim, format_args!("{action} of {label} is given up: {why}"), false);
            }
            Deed::Wait(why) => {
                if self.waiting.insert(claim.source.clone(), why.clone()).as_ref() != Some(why) {
                    self.log.say(format_args!("{action} of {label} waits: {why}"));
                }
            }
            Deed::Restart { place, .. } => {
                let done = self.world.start(agent, place, false)?;
                let outcome = Outcome { agent: agent.id.clone(), result: done };
                let started = matches!(outcome.result, Done::Started { .. });
                self.log.say_as(outcome.level(), format_args!("{outcome}"));
                self.metrics.requested(&outcome);
                if started {
                    record_outcome(&mut self.history, &outcome, &snapshot.config, clock::now());
                    self.finish_request(claim, format_args!("{action} of {label} is done"), true);
                } else {
                    note_failure(&mut self.history, claim);
                }
            }
            Deed::End { pane, alone } => match self.world.end_session(pane, *alone)? {
                Ok(()) => {
                    self.world.unaccompany(&agent.session);
                    self.world.note_end(agent);
                    self.finish_request(claim, format_args!("{action} of {label} is done"), true);
                }
                Err(why) => {
                    self.log.error(format_args!("Error ending {label}: {why}"));
                    note_failure(&mut self.history, claim);
                }
            },
        }
        Ok(())
    }

    fn finish_request(&mut self, claim: &Claim, line: fmt::Arguments<'_>, done: bool) {
        self.world.grant_wishes(&claim.agent);
        self.waiting.remove(&claim.source);
        settle(&mut self.history, claim, done);
        self.log.say(line);
    }

    /// Looks at the workers that wait; whoever shows a prompt gets its first word.
    fn tend_spawns(&mut self) -> Result<(), Stopped> {
        let spawns = match self.world.read_pending() {
            Ok(spawns) => {
                self.pending_unread = None;
                spawns
            }
            Err(why) => {
                if self.pending_unread.as_ref() != Some(&why) {
                    self.log.error(format_args!("{why}"));
                    self.pending_unread = Some(why);
                }
                return Ok(());
            }
        };
        let known: Vec<&str> = spawns.iter().map(|spawn| spawn.session.as_str()).collect();
        self.history.spawns.retain(|session, _| known.contains(&session.as_str()));
        if spawns.is_empty() {
            return Ok(());
        }
        let snapshot = self.look(Trigger::Look)?;
        let mut over: Vec<&Spawn> = Vec::new();
        let mut watched: Vec<(&Spawn, Addressee, bool)> = Vec::new();
        for spawn in &spawns {
            match tend(spawn, &snapshot, &mut self.history) {
                Tending::Forget(why) => {
                    self.log.say(format_args!("Forgetting spawned worker {}/{}: {why}", spawn.rig, spawn.polecat));
                    over.push(spawn);
                }
                Tending::Wait => {}
                Tending::Look { to, begun } => watched.push((spawn, to, begun)),
            }
        }
        let panes: Vec<&PaneRef> = watched.iter().map(|(_, to, _)| &to.pane).collect();
        let screens = if panes.is_empty() { Vec::new() } else { self.world.screens(&panes)? };
        let mut ready: SortedMap<&str, (&Spawn, &Addressee)> = SortedMap::new();
        for ((spawn, to, begun), screen) in watched.iter().zip(&screens) {
            let Some(screen) = screen else { continue };
            if *begun && screen.contains(FIRST_WORD) && !waits_at_prompt(screen, FIRST_WORD) {
                over.push(spawn);
            } else if is_ready(screen) {
                ready.insert(&spawn.session, (spawn, to));
            }
        }
        self.begin(&ready, &mut over)?;
        self.forget_spawns(&over);
        Ok(())
    }

    /// Types the first word; adds who has got it to those whose waiting is `over`. That it is being typed is saved before.
    fn begin<'s>(
        &mut self,
        ready: &SortedMap<&str, (&'s Spawn, &Addressee)>,
        over: &mut Vec<&'s Spawn>,
    ) -> Result<(), Stopped> {
        if ready.is_empty() {
            return Ok(());
        }
        let mut sessions = Vec::new();
        let mut panes = Vec::new();
        for (session, (_, to)) in ready {
            sessions.push(*session);
            panes.push((*to).clone());
        }
        if !self.note_begun(&sessions, true) {
            // Killed now, gtd would type it twice. It is tried again at the next look.
            self.note_begun(&sessions, false);
            return Ok(());
        }
        let results = self.world.begin(&panes)?;
        sessions.clear();
        for ((session, (spawn, _)), result) in ready.iter().zip(&results) {
            if *result == Delivery::Taken {
                self.log.say(format_args!("Triggered polecat: {}/{}", spawn.rig, spawn.polecat));
                over.push(spawn);
            } else {
                self.log.error(format_args!("Error triggering {session}: {FIRST_WORD} was not taken"));
                sessions.push(session);
            }
        }
        self.note_begun(&sessions, false);
        Ok(())
    }

    /// Notes whose first word is being typed; says whether that is saved.
    fn note_begun(&mut self, sessions: &[&str], begun: bool) -> bool {
        for session in sessions {
            if let Some(entry) = self.history.spawns.get_mut(*session) {
                entry.begun = begun;
            }
        }
        self.save(true, Durability::Synced)
    }

    fn forget_spawns(&mut self, over: &[&Spawn]) {
        if over.is_empty() {
            return;
        }
        let is_over = |spawn: &Spawn| over.iter().any(|gone| gone.is(spawn));
        match self.world.change_pending(&mut |spawns| spawns.retain(|spawn| !is_over(spawn))) {
            Ok(()) => self.history.spawns.retain(|session, _| !over.iter().any(|gone| gone.session == *session)),
            Err(why) => self.log.error(format_args!("Error forgetting spawned workers: {why}")),
        }
    }

    /// Marks agents dead that say they run and do not.
    pub(super) fn mark_stale(&mut self, snapshot: &Snapshot, plan: &Plan) -> Result<(), Stopped> {
        for stale in stale(snapshot, &self.history, plan) {
            let label = stale.agent.label();
            match self.world.mark_dead(&stale)? {
                Ok(true) => self.log.say(format_args!("Marked {label} dead: {}", stale.reason)),
                Ok(false) => {}
                Err(why) => self.log.error(format_args!("Error marking {label} dead: {why}")),
            }
        }
        Ok(())
    }
}
