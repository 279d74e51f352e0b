//! What is asked of gtd, served as `src/daemon/requests.rs` serves it: the spool, the inbox, the claims, the spawned workers.

use crate::hands::Clearing;
use crate::letters::Fate;
use crate::life::{Life, Step};
use crate::tmux::Owner;
use crate::town::{Fault, ROOT};
use gtd::decide::record_outcome;
use gtd::decide::requests::{Deed, agent_of, deed, forget_spent, note_failure, settle, take_on};
use gtd::decide::spawns::{Tending, is_ready, next_tending, note_spent, notices, tend, waits_at_prompt};
use gtd::town::names::Agent;
use gtd::town::outage::Outage;
use gtd::town::outcome::{Delivery, Done, Outcome};
use gtd::town::plan::{Addressee, Trigger};
use gtd::town::request::{Action, Claim, Source};
use gtd::town::snapshot::{Inbox, Snapshot};
use gtd::town::spawn::{Spawn, encode_pending, parse_pending};
use gtd::town::time::Moment;
use std::path::Path;
use std::time::Duration;

const FIRST_WORD: &str = "Begin.";

impl Life {
    pub fn attend(&mut self, snapshot: &mut Snapshot, read_mail: bool) -> Step<Option<Moment>> {
        snapshot.spool.clone_from(&self.town.spool);
        let read_mail = read_mail || self.gtd.more_mail;
        let mut again = self.attend_to(snapshot)?;
        if read_mail {
            snapshot.inbox = self.ask_inbox(snapshot)?;
            again = self.attend_to(snapshot)?;
        }
        self.tend_spawns()?;
        let tending = next_tending(&self.gtd.history, self.town.now());
        Ok([again, tending].into_iter().flatten().min_by_key(|at| at.tick))
    }

    fn ask_inbox(&mut self, snapshot: &Snapshot) -> Step<Inbox> {
        if snapshot.generation.is_err() {
            return Ok(Inbox::NotAsked);
        }
        let hangs = self.town.has(&Fault::Gt) && self.town.chance.percent(30);
        let took = if hangs { 90_000 } else { self.town.chance.between(50, 300) };
        self.spend(took)?;
        Ok(match self.town.has(&Fault::Gt) {
            true => Inbox::Unknown(Outage::new("gt mail inbox: exit status 1")),
            false => Inbox::Read(self.town.inbox.clone()),
        })
    }

    fn attend_to(&mut self, snapshot: &mut Snapshot) -> Step<Option<Moment>> {
        let mail = matches!(&snapshot.inbox, Inbox::Read(mails) if !mails.is_empty());
        if mail || !snapshot.spool.is_empty() || !self.gtd.history.requests.is_empty() {
            snapshot.crew.clone_from(&self.town.crew);
            snapshot.wishes = self.town.wishes.clone().into_iter().collect();
        }
        self.take_on_spawns(snapshot);
        let taken = take_on(&mut self.gtd.history, snapshot);
        self.check_taken(&taken.lines, snapshot);
        let unsaved = !taken.lines.is_empty() || self.gtd.not_saved;
        if unsaved && !self.save() {
            return Ok(None);
        }
        self.spend(1)?;
        self.be_rid_of_spent(snapshot)?;
        forget_spent(&mut self.gtd.history, snapshot);
        self.do_requests(snapshot)?;
        self.gtd.more_mail = taken.more;
        Ok(taken.more.then(|| self.town.now().plus(Duration::from_secs(2))))
    }

    fn take_on_spawns(&mut self, snapshot: &Snapshot) {
        let found = notices(&self.gtd.history, snapshot);
        if found.is_empty() {
            return;
        }
        for new in found.iter().filter_map(|notice| notice.spawn.clone().ok()) {
            if !self.town.pending.iter().any(|old| old.session == new.session) {
                self.town.pending.push(new);
            }
        }
        // The file keeps what it is given.
        let again = parse_pending(&encode_pending(&self.town.pending));
        assert_eq!(again.as_ref(), Ok(&self.town.pending));
        for notice in &found {
            self.say(|| format!("gtd: {notice:?}"));
            note_spent(&mut self.gtd.history, notice, snapshot.now);
        }
        self.save();
    }

    fn be_rid_of_spent(&mut self, snapshot: &Snapshot) -> Step {
        if let Inbox::Read(mails) = &snapshot.inbox {
            let spent = self.gtd.history.spent.iter().filter(|spent| !spent.gone);
            let ids: Vec<String> = spent
                .filter_map(|spent| match &spent.source {
                    Source::Mail(id) if mails.iter().any(|mail| mail.id == *id) => Some(id.clone()),
                    _ => None,
                })
                .collect();
            for id in ids {
                let took = self.town.chance.between(20, 100);
                self.spend(took)?;
                let gone = !self.town.has(&Fault::Deletion) && !self.town.has(&Fault::Gt);
                if gone {
                    self.town.inbox.retain(|mail| mail.id != id);
                }
                let source = Source::Mail(id);
                if let Some(spent) = self.gtd.history.spent.iter_mut().find(|spent| spent.source == source) {
                    spent.stays = !gone;
                    spent.gone = gone;
                }
            }
        }
        for spent in self.gtd.history.spent.iter_mut().filter(|spent| !spent.gone) {
            if let Source::Spool(name) = &spent.source {
                self.town.spool.retain(|file| file.name != *name);
                spent.gone = true;
            }
        }
        Ok(())
    }

    fn do_requests(&mut self, earlier: &Snapshot) -> Step {
        if self.gtd.history.requests.is_empty() {
            self.gtd.waiting.clear();
            return Ok(());
        }
        let mut snapshot = self.look(Trigger::Look)?;
        snapshot.crew.clone_from(&earlier.crew);
        snapshot.holds.no_directory.clone_from(&earlier.holds.no_directory);
        let claims = self.gtd.history.requests.clone();
        let mut deeds: Vec<(Claim, Agent, Deed)> = Vec::new();
        for claim in claims {
            if let Some(agent) = agent_of(&claim.agent, &snapshot, Path::new(ROOT)) {
                let deed = deed(&claim, &agent, &snapshot, &self.gtd.history);
                self.check_deed(&claim, &agent, &deed, &snapshot);
                deeds.push((claim, agent, deed));
            }
        }
        let jobs = deeds.iter().map(|(_, agent, deed)| {
            let (pane, leftover) = match deed {
                Deed::Restart { old, leftover, .. } => (old.clone(), *leftover),
                Deed::End { pane, .. } => (Some(pane.clone()), None),
                Deed::Done(_) | Deed::GiveUp(_) | Deed::Wait(_) => (None, None),
            };
            Clearing { session: agent.session.clone(), pane, leftover }
        });
        let jobs: Vec<Clearing> = jobs.collect();
        self.clear(&jobs)?;
        for (claim, agent, deed) in deeds {
            self.do_request(&claim, &agent, deed, &snapshot)?;
            self.save();
            self.spend(1)?;
        }
        Ok(())
    }

    fn do_request(&mut self, claim: &Claim, agent: &Agent, deed: Deed, snapshot: &Snapshot) -> Step {
        match deed {
            Deed::Done(how) => self.finish_request(claim, &how, Fate::Done),
            Deed::GiveUp(why) => self.finish_request(claim, &why, Fate::GivenUp),
            Deed::Wait(why) => {
                if self.gtd.waiting.insert(claim.source.clone(), why.clone()).as_ref() != Some(&why) {
                    self.say(|| format!("gtd: {} of {} waits: {why}", claim.action, claim.agent));
                }
            }
            Deed::Restart { place, .. } => {
                let result = self.start(agent, &place, false);
                // Whether or not gtd lives to know of it.
                self.note_behalf(claim, agent);
                let outcome = Outcome { agent: agent.id.clone(), result: result? };
                self.say(|| format!("gtd: {outcome}"));
                if let Done::Started { process, .. } = outcome.result {
                    record_outcome(&mut self.gtd.history, &outcome, &snapshot.config, self.town.now());
                    let now = self.town.tick();
                    self.note_start(&agent.id, Some(process), false, now);
                    self.finish_request(claim, "started", Fate::Done);
                } else {
                    note_failure(&mut self.gtd.history, claim);
                }
            }
            Deed::End { pane, alone } => match self.end_session(&pane, alone)? {
                Ok(()) => self.finish_request(claim, "ended", Fate::Done),
                Err(why) => {
                    self.say(|| format!("gtd: error ending {}: {why}", agent.id));
                    note_failure(&mut self.gtd.history, claim);
                }
            },
        }
        Ok(())
    }

    fn finish_request(&mut self, claim: &Claim, line: &str, fate: Fate) {
        self.town.wishes.remove(&claim.agent);
        self.gtd.waiting.remove(&claim.source);
        settle(&mut self.gtd.history, claim, fate == Fate::Done);
        if claim.action == Action::Shutdown {
            let page = self.page(&claim.agent);
            if fate == Fate::Done {
                page.shut_down();
            }
        }
        self.say(|| format!("gtd: {} of {} from {}: {fate:?}, {line}", claim.action, claim.agent, claim.source));
        self.set_fate(&claim.source, fate);
    }

    fn tend_spawns(&mut self) -> Step {
        let spawns = self.town.pending.clone();
        let known: Vec<&str> = spawns.iter().map(|spawn| spawn.session.as_str()).collect();
        self.gtd.history.spawns.retain(|session, _| known.contains(&session.as_str()));
        if spawns.is_empty() {
            return Ok(());
        }
        let snapshot = self.look(Trigger::Look)?;
        let mut over: Vec<Spawn> = Vec::new();
        let mut ready = Vec::new();
        for spawn in spawns {
            match tend(&spawn, &snapshot, &mut self.gtd.history) {
                Tending::Forget(why) => {
                    self.say(|| format!("gtd: forgetting {}: {why}", spawn.session));
                    over.push(spawn);
                }
                Tending::Wait => {}
                Tending::Look { to, begun } => {
                    let screen = self.town.tmux.guarded(&to.pane).map(|found| found.screen.clone());
                    let Some(screen) = screen.filter(|_| !self.town.has(&Fault::Tmux)) else { continue };
                    if begun && screen.contains(FIRST_WORD) && !waits_at_prompt(&screen, FIRST_WORD) {
                        over.push(spawn);
                    } else if is_ready(&screen) {
                        ready.push((spawn, to));
                    }
                }
            }
        }
        self.spend(3)?;
        if !ready.is_empty() {
            self.note_begun(ready.iter().map(|(spawn, _)| &spawn.session), true);
            let mut not_begun = Vec::new();
            for (spawn, to) in ready {
                if self.begin(&to, &snapshot)? == Delivery::Taken {
                    over.push(spawn);
                } else {
                    not_begun.push(spawn.session);
                }
            }
            self.note_begun(not_begun.iter(), false);
        }
        self.town.pending.retain(|spawn| !over.iter().any(|gone| gone.is(spawn)));
        self.gtd.history.spawns.retain(|session, _| !over.iter().any(|gone| gone.session == *session));
        Ok(())
    }

    /// Types the first word, and, in another step, Enter.
    fn begin(&mut self, to: &Addressee, snapshot: &Snapshot) -> Step<Delivery> {
        let pane = &to.pane;
        let typed = self.type_into(to, &Owner::Worker, snapshot);
        if typed != Delivery::Taken {
            return Ok(typed);
        }
        if let Some(found) = self.town.tmux.guarded(pane) {
            found.screen = format!("> {FIRST_WORD}\n");
        }
        self.spend(100)?;
        let Some(found) = self.town.tmux.guarded(pane) else { return Ok(Delivery::Stale) };
        found.screen = format!("> {FIRST_WORD}\n* Working (esc to interrupt)\n> \n");
        let read = self.first_words.entry(pane.session.clone()).or_default();
        *read += 1;
        let read = *read;
        self.tally.begun += 1;
        self.hold("a worker reads its first word once", read == 1, || {
            format!("{} has read it {read} times", pane.session)
        });
        self.spend(60)?;
        Ok(Delivery::Taken)
    }

    fn note_begun<'a>(&mut self, sessions: impl Iterator<Item = &'a String>, begun: bool) {
        for session in sessions {
            if let Some(entry) = self.gtd.history.spawns.get_mut(session) {
                entry.begun = begun;
            }
        }
        self.save();
    }
}
