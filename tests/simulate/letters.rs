//! What is asked of gtd by mail and through the spool, good and bad, and what becomes of it.

use crate::life::Life;
use crate::town::{DAY, HOUR, SECOND, name};
use gtd::decide::requests::TOO_OLD;
use gtd::town::agent::AgentId;
use gtd::town::mail::Mail;
use gtd::town::names::Agent;
use gtd::town::request::{Action, Order, Source, SpoolFile};
use gtd::town::snapshot::Snapshot;
use gtd::town::time::Wall;
use std::time::Duration;

/// A request, as it was meant.
#[derive(Clone, Debug)]
pub struct Letter {
    pub agent: AgentId,
    pub action: Action,
    pub sent: Wall,
    /// When it was really sent.
    pub made: u64,
    /// Why it must not be carried out.
    pub flaw: Option<&'static str>,
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Taken,
    Overtaken,
    Done,
    GivenUp,
    Discarded,
}

const MAILED: [Action; 3] = [Action::Cycle, Action::Restart, Action::Shutdown];

impl Life {
    /// Somebody for whom something may be asked.
    fn anybody(&mut self) -> Agent {
        let agents = self.agents();
        if self.town.chance.percent(85) {
            return self.town.chance.pick(&agents).clone();
        }
        let mut ids = vec![AgentId::Mayor];
        ids.extend(self.town.rigs.iter().map(|rig| AgentId::Refinery(rig.name.clone())));
        ids.extend(self.town.crew.iter().map(|(rig, name)| AgentId::Crew(rig.clone(), name.clone())));
        let id = self.town.chance.pick(&ids).clone();
        self.town.agent(id)
    }

    /// When a letter says that it was written.
    fn a_time(&mut self) -> Wall {
        let chance = &mut self.town.chance;
        let ago = match chance.below(20) {
            0 => chance.between(6 * HOUR, 2 * DAY),
            1..3 => chance.between(0, 6 * HOUR),
            _ => chance.between(0, 20 * SECOND),
        };
        self.town.wall().minus(Duration::from_millis(ago))
    }

    pub fn write_mail(&mut self) {
        let agent = self.anybody();
        let action = *self.town.chance.pick(&MAILED);
        let sent = self.a_time();
        let mut flaw = None;
        let dashed = agent.id.to_string().replace('/', "-");
        let names = [agent.id.to_string(), dashed];
        let mut called = self.town.chance.pick(&names).clone();
        let mut from = self.town.chance.pick(&["mayor/".to_owned(), "overseer".to_owned(), called.clone()]).clone();
        let word = if action == Action::Shutdown && self.town.chance.percent(30) { "STOP" } else { action.word() };
        let mut body = match self.town.chance.below(3) {
            0 => format!("{{\"action\":\"{word}\"}}"),
            1 => word.to_owned(),
            _ => format!("Dear Deacon,\nAction: {word}\nbye"),
        };
        let mut subject = format!("LIFECYCLE: {called} requesting {}", action.word());
        let mut stamp = Some(sent);
        match self.town.chance.below(30) {
            0 => (flaw, from) = (Some("forged"), "zeta/witness".to_owned()),
            1 => {
                let strange = ["../x", "zeta/witness", "", "$(id)", "alpha", "gt-alpha-witness2"];
                called = (*self.town.chance.pick(&strange)).to_owned();
                subject = format!("LIFECYCLE: {called} requesting {}", action.word());
                flaw = Some("for nobody");
            }
            2 => (flaw, body) = (Some("without an action"), "please".to_owned()),
            3 => (flaw, stamp) = (Some("without a time"), None),
            4 => {
                let other = if action == Action::Cycle { "restart" } else { "cycle" };
                (flaw, body) = (Some("contradictory"), other.to_owned());
            }
            _ => {}
        }
        let copies = 1 + self.town.chance.percent(10) as u64;
        for _ in 0..copies {
            let id = format!("m{}", self.town.next_number());
            let (from, subject, body) = (from.clone(), subject.clone(), body.clone());
            let place = self.town.chance.below(self.town.inbox.len() as u64 + 1) as usize;
            self.town.inbox.insert(place, Mail { id: id.clone(), from, subject, body, sent: stamp });
            self.send(Source::Mail(id), agent.id.clone(), action, sent, flaw);
        }
    }

    pub fn leave_order(&mut self) {
        let agent = self.anybody();
        let action = *self.town.chance.pick(&Action::ALL);
        let at = self.a_time();
        let mut flaw = None;
        let mut order = Ok(Order { action, agent: agent.id.clone(), at });
        match self.town.chance.below(20) {
            0 => (flaw, order) = (Some("unreadable"), Err("it cannot be read".to_owned())),
            1 => {
                let agent = AgentId::Witness(name("zeta"));
                (flaw, order) = (Some("for nobody"), Ok(Order { action, agent, at }));
            }
            _ => {}
        }
        let file = format!("{}-{}.json", at.file_stamp(), self.town.next_number());
        self.town.spool.push(SpoolFile { name: file.clone(), order });
        self.town.spool.sort_by(|a, b| a.name.cmp(&b.name));
        self.send(Source::Spool(file), agent.id, action, at, flaw);
        // `gtd --request` wakes the daemon, most often.
        self.gtd.told_wake |= self.gtd.up && self.town.chance.percent(80);
    }

    fn send(&mut self, source: Source, agent: AgentId, action: Action, sent: Wall, flaw: Option<&'static str>) {
        self.tally.requests += 1;
        let well = flaw.unwrap_or("good");
        self.say(|| format!("town: {source} asks for {action} of {agent}: {well}"));
        self.letters.insert(source, Letter { agent, action, sent, made: self.town.t, flaw });
    }

    pub fn set_fate(&mut self, source: &Source, fate: Fate) {
        match fate {
            Fate::Done => self.tally.done += 1,
            Fate::GivenUp => self.tally.given_up += 1,
            Fate::Discarded => self.tally.discarded += 1,
            Fate::Taken | Fate::Overtaken => {}
        }
        let before = self.book.fates.insert(source.clone(), fate);
        let goes_on = match fate {
            Fate::Taken | Fate::Discarded => before.is_none(),
            Fate::Overtaken | Fate::Done | Fate::GivenUp => before == Some(Fate::Taken),
        };
        self.hold("a request is dealt with once", goes_on, || format!("{source}: {before:?}, then {fate:?}"));
    }

    /// Each line of `take_on` against what the letters really say.
    pub fn check_taken(&mut self, lines: &[String], snapshot: &Snapshot) {
        self.hold("a pass deals with 20 requests at most", lines.len() <= 20, || lines.join("\n"));
        let batch: Vec<(Source, &str, &str)> = lines.iter().map(|line| read_line(line)).collect();
        for (source, line, why) in &batch {
            self.say(|| format!("gtd: {line}"));
            let letter = self.letters[source].clone();
            if line.starts_with("Discarding") {
                let at_once = |other: &Source| batch.iter().any(|(source, ..)| source == other);
                self.check_discarded(source, &letter, why, snapshot, at_once);
                self.set_fate(source, Fate::Discarded);
            } else {
                self.check_good(source, &letter, snapshot);
                self.take(source, &letter);
            }
        }
    }

    fn check_good(&self, source: &Source, letter: &Letter, snapshot: &Snapshot) {
        let is_young = snapshot.now.wall.since(letter.sent) <= TOO_OLD;
        self.hold("a bad request is discarded", letter.flaw.is_none(), || format!("{source}: {letter:?}"));
        self.hold("an old request is discarded", is_young, || format!("{source}: {letter:?}"));
    }

    fn check_discarded(
        &self,
        source: &Source,
        letter: &Letter,
        why: &str,
        snapshot: &Snapshot,
        at_once: impl Fn(&Source) -> bool,
    ) {
        let now = snapshot.now.wall;
        let is_old = now.since(letter.sent) > TOO_OLD;
        // A stamp from the future was set before the clock was set back: it overtakes nothing that comes after it.
        let later = |(other, one): (&Source, &Letter)| {
            other != source
                && one.agent == letter.agent
                && one.action != Action::Reset
                && one.flaw.is_none()
                && one.sent >= letter.sent
                && (one.sent <= now || at_once(other) || !self.book.fates.contains_key(other))
        };
        let has_left = letter.agent.rig().is_some_and(|rig| snapshot.rigs.iter().all(|known| known.name != *rig));
        let no_crew = matches!(letter.agent, AgentId::Crew(..))
            && !snapshot.crew.iter().any(|(rig, _)| letter.agent.rig() == Some(rig));
        let wished = snapshot.wishes.contains_key(&letter.agent);
        let fair = letter.flaw.is_some() || is_old || has_left || no_crew || wished || self.letters.iter().any(later);
        self.hold("a good request is taken on", fair, || format!("{source}: {letter:?}: {why}; it is {now:?}"));
    }

    fn take(&mut self, source: &Source, letter: &Letter) {
        self.set_fate(source, Fate::Taken);
        let page = self.page(&letter.agent);
        if letter.action != Action::Shutdown {
            page.forgive();
            page.in_vain = 0;
        }
        if letter.action == Action::Reset {
            self.set_fate(source, Fate::Done);
            return;
        }
        let letters = &self.letters;
        let open = |(other, fate): &(&Source, &Fate)| {
            **fate == Fate::Taken && *other != source && letters[*other].agent == letter.agent
        };
        let overtaken: Vec<Source> = self.book.fates.iter().filter(open).map(|(other, _)| other.clone()).collect();
        for other in overtaken {
            self.set_fate(&other, Fate::Overtaken);
        }
    }
}

/// A line of `take_on`: whose it is, all of it, and its reason.
fn read_line(line: &str) -> (Source, &str, &str) {
    let said = line.strip_prefix("Processing lifecycle request from ").or(line.strip_prefix("Discarding "));
    let (source, why) = said.and_then(|said| said.split_once(": ")).expect("a source and a reason");
    let source = match source.strip_prefix("mail ") {
        Some(id) => Source::Mail(id.to_owned()),
        None => Source::Spool(source.trim_start_matches("spool file ").to_owned()),
    };
    (source, line, why)
}
