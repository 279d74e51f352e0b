//! The life of one town: events and gtd take turns, each at its time. Here is what surrounds gtd's loop: being woken, killed,
//! stopped, started again, and what of it all is on the disk.

use crate::letters::{Fate, Letter};
use crate::pacing::{Page, Truth};
use crate::tally::Tally;
use crate::town::{Event, Fault, HOUR, MINUTE, SECOND, Town};
use gtd::decide::after_sleep;
use gtd::town::agent::AgentId;
use gtd::town::config::Config;
use gtd::town::history::History;
use gtd::town::json;
use gtd::town::names::Agent;
use gtd::town::plan::Trigger;
use gtd::town::process::Process;
use gtd::town::request::Source;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// Why gtd does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// By `kill -9`.
    Killed,
    /// By SIGTERM.
    Stopped,
}

/// A step of gtd's, after which it may be no more.
pub type Step<T = ()> = Result<T, Broken>;

/// The town's log: its last lines, or all of them.
#[derive(Debug, Default)]
pub struct Journal {
    pub lines: VecDeque<String>,
    pub keep: usize,
}

/// What the checks know; lost and found with gtd's own memory, since what gtd had no time to save is no fault of it.
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub pages: BTreeMap<AgentId, Page>,
    pub fates: BTreeMap<Source, Fate>,
    /// The ticks of the last starts.
    pub starts: VecDeque<u64>,
}

/// What gtd's own state is, as `src/daemon.rs` has it.
#[derive(Debug, Default)]
pub struct Gtd {
    pub up: bool,
    pub in_pass: bool,
    pub history: History,
    pub config: Config,
    pub more_mail: bool,
    pub waiting: BTreeMap<Source, String>,
    pub watched: BTreeSet<u32>,
    pub ended: BTreeSet<u32>,
    pub last_was_death: bool,
    pub not_saved: bool,
    pub wake: Option<Wake>,
    pub told_ended: Vec<u32>,
    pub told_wake: bool,
    pub told_reload: bool,
    /// The end, after so many steps.
    pub armed: Option<(u64, Broken)>,
    pub frozen_until: u64,
    /// The tick of this process's last heartbeat.
    pub last_heartbeat: Option<u64>,
    /// The tick at which the machine last slept, or gtd was frozen.
    pub slept: Option<u64>,
    pub passes: u64,
}

/// When the sleeper is to wake the loop, and when it was told; and when it will.
#[derive(Clone, Copy, Debug)]
pub struct Wake {
    pub at: u64,
    pub given: u64,
    pub fires: u64,
}

/// The state's file. While nothing can break in, what is in memory at the end of a pass is what is on the disk.
#[derive(Debug, Default)]
pub struct Disk {
    pub older: Option<(History, Book)>,
    pub boot: u64,
}

#[derive(Debug)]
pub struct Life {
    pub town: Town,
    pub gtd: Gtd,
    pub disk: Disk,
    pub book: Book,
    pub letters: BTreeMap<Source, Letter>,
    /// The programs that were started because of a request.
    pub behalf: BTreeMap<Source, Vec<Process>>,
    /// How often a worker has read its first word.
    pub first_words: BTreeMap<String, u32>,
    /// What the last look showed of each agent.
    pub truths: Vec<(AgentId, Truth)>,
    /// Incidents a day.
    pub temper: u64,
    pub is_calm: bool,
    /// Whether deaths wake gtd at once.
    pub has_pidfd: bool,
    pub tally: Tally,
    pub journal: Rc<RefCell<Journal>>,
}

impl Life {
    /// Lives until so many milliseconds after the beginning.
    pub fn live(&mut self, until: u64) {
        loop {
            let event = self.town.queue.first_key_value().map_or(u64::MAX, |(key, _)| key.0);
            let wake = self.wakes_at().unwrap_or(u64::MAX);
            if event.min(wake) >= until {
                return;
            }
            if wake < event {
                self.town.t = self.town.t.max(wake);
                let turn = self.turn();
                self.after(turn);
            } else if let Some(((at, _), event)) = self.town.queue.pop_first() {
                self.town.t = self.town.t.max(at);
                self.happen(event);
            }
        }
    }

    fn wakes_at(&self) -> Option<u64> {
        let gtd = &self.gtd;
        let told = gtd.told_wake || gtd.told_reload || !gtd.told_ended.is_empty();
        let at = if told { Some(self.town.t) } else { gtd.wake.map(|wake| wake.fires) };
        at.filter(|_| gtd.up).map(|at| at.max(gtd.frozen_until).max(self.town.t))
    }

    /// What the loop does when something has come.
    fn turn(&mut self) -> Step {
        let tick = self.town.tick();
        let due = self.gtd.wake.filter(|wake| wake.at <= tick);
        if due.is_some() {
            self.gtd.wake = None;
        }
        if std::mem::take(&mut self.gtd.told_reload) {
            self.read_config();
        }
        let wake = std::mem::take(&mut self.gtd.told_wake);
        if let Some(due) = due {
            self.notice_sleep(tick - due.at.max(due.given));
        }
        let ended = std::mem::take(&mut self.gtd.told_ended);
        self.gtd.last_was_death &= !ended.is_empty();
        self.gtd.in_pass = true;
        self.keep_older();
        if !ended.is_empty() {
            let since = self.gtd.history.last_look.map(|last| self.town.now().since(last));
            let left = since.and_then(|since| Duration::from_secs(1).checked_sub(since));
            self.gtd.ended.extend(ended);
            let left = left.filter(|_| self.gtd.last_was_death && !wake && due.is_none());
            self.gtd.last_was_death = true;
            if let Some(left) = left {
                self.spend(left.as_millis() as u64 + 1)?;
            }
        }
        self.pass(Trigger::Look, wake)
    }

    fn notice_sleep(&mut self, late: u64) {
        let (interval, grace) = (self.gtd.config.look_interval, self.gtd.config.grace);
        if Duration::from_millis(late) > interval * 2 {
            self.say(|| format!("gtd: woke {} s late", late / SECOND));
            let now = self.town.now();
            after_sleep(&mut self.gtd.history, grace, now);
            for page in self.book.pages.values_mut() {
                page.slept(now.tick.millis() + grace.as_millis() as u64);
            }
            self.tally.sleeps += 1;
        }
    }

    /// What comes after a pass, or after what broke it off.
    fn after(&mut self, pass: Step) {
        self.gtd.in_pass = false;
        match pass {
            Ok(()) => {}
            Err(Broken::Killed) => {
                self.say(|| "gtd is killed".to_owned());
                self.tally.kills += 1;
                self.end();
            }
            Err(Broken::Stopped) => {
                self.say(|| "gtd is stopped".to_owned());
                self.tally.stops += 1;
                self.save();
                self.end();
            }
        }
    }

    /// gtd is no more. What it knew is what is on the disk.
    pub fn end(&mut self) {
        if let Some((history, book)) = self.disk.older.take() {
            self.gtd.history = history;
            self.book = book;
            if self.town.has(&Fault::Disk) {
                self.disk.older = Some((self.gtd.history.clone(), self.book.clone()));
            }
        }
        let history = std::mem::take(&mut self.gtd.history);
        self.gtd = Gtd { history, ..Gtd::default() };
        let pause = match self.is_calm {
            true => self.town.chance.between(1, 30) * SECOND,
            false => self.town.chance.span(SECOND, 3 * HOUR),
        };
        self.town.after(pause, Event::StartGtd);
    }

    pub fn start_gtd(&mut self) {
        if self.gtd.up {
            return;
        }
        let saved = json::line(&self.gtd.history);
        let mut history: History = json::parse(&saved).expect("what was written can be read");
        if self.disk.boot != self.town.boot {
            history.after_reboot();
            self.book.pages.values_mut().for_each(Page::after_reboot);
            self.book.starts.clear();
        }
        self.book.pages.values_mut().for_each(Page::gtd_began);
        self.gtd.history = history;
        self.gtd.up = true;
        self.say(|| "gtd begins".to_owned());
        self.read_config();
        self.gtd.in_pass = true;
        self.keep_older();
        self.save();
        let pass = self.pass(Trigger::Heartbeat, true);
        self.after(pass);
    }

    fn read_config(&mut self) {
        let file = self.town.config_file();
        self.gtd.history.config = Some(file.clone());
        (self.gtd.config, _) = Config::of(file).expect("a configuration");
    }

    /// If gtd is to end within this pass, what is on the disk has to be known at each instant.
    fn keep_older(&mut self) {
        if self.gtd.armed.is_some() && self.disk.older.is_none() {
            self.disk.older = Some((self.gtd.history.clone(), self.book.clone()));
        }
    }

    /// Saves the state; says whether that could be done.
    pub fn save(&mut self) -> bool {
        self.gtd.not_saved = self.town.has(&Fault::Disk);
        if self.gtd.not_saved {
            return false;
        }
        let armed = self.gtd.armed.is_some() && self.gtd.in_pass;
        self.disk.older = armed.then(|| (self.gtd.history.clone(), self.book.clone()));
        self.disk.boot = self.town.boot;
        true
    }

    /// Lets time pass, with all that happens in it; gtd may not live through that.
    pub fn spend(&mut self, ms: u64) -> Step {
        let until = self.town.t + ms;
        while self.town.queue.first_key_value().is_some_and(|(key, _)| key.0 <= until) {
            if let Some(((at, _), event)) = self.town.queue.pop_first() {
                self.town.t = self.town.t.max(at);
                self.happen(event);
            }
        }
        self.town.t = self.town.t.max(until);
        match &mut self.gtd.armed {
            Some((0, how)) => Err(*how),
            Some((steps, _)) => {
                *steps -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A process has ended: gtd is told, if it waits for that.
    pub fn note_end(&mut self, process: Process) {
        self.tally.deaths += 1;
        if self.gtd.up && self.has_pidfd && self.gtd.watched.remove(&process.pid) {
            self.gtd.told_ended.push(process.pid);
        }
    }

    pub fn agents(&mut self) -> Vec<Agent> {
        let config = std::mem::take(&mut self.gtd.config);
        let agents = self.town.residents(&config);
        self.gtd.config = config;
        agents
    }

    pub fn say(&self, line: impl FnOnce() -> String) {
        let mut journal = self.journal.borrow_mut();
        if journal.keep == 0 {
            return;
        }
        if journal.lines.len() == journal.keep {
            journal.lines.pop_front();
        }
        let t = self.town.t;
        let (hours, minutes) = (t / HOUR, t / MINUTE % 60);
        let line = format!("{hours:4}:{minutes:02}:{:06.3}  {}", (t % MINUTE) as f64 / 1000.0, line());
        journal.lines.push_back(line);
    }

    /// A promise: the town's log and its seed tell how it was broken.
    #[track_caller]
    pub fn hold(&self, promise: &str, kept: bool, how: impl FnOnce() -> String) {
        assert!(kept, "broken: {promise}: {}", how());
    }
}
