//! The loop: wait, look, decide, act, record, save. Everything it does is done here one thing after another, in the main
//! thread; the signal thread and the sleeper only tell it when.

mod deaths;
mod report;
mod requests;
mod tell;

use crate::decide::{Event as Seen, after_sleep, decide, observe, record};
use crate::service::conditions::Conditions;
use crate::service::crash;
use crate::service::instance::{Instance, Refused, daemon_dir};
use crate::service::log::Log;
use crate::service::metrics::Metrics;
use crate::service::signals::{self, Event, Teller};
use crate::service::sleeper::Sleeper;
use crate::service::state::{self, Keeper, Report};
use crate::service::systemd::Init;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::bell;
use crate::sys::files::{self, Durability};
use crate::sys::{clock, raw};
use crate::town::agent::AgentId;
use crate::town::duration::brief;
use crate::town::history::History;
use crate::town::outcome::{Done, Outcome};
use crate::town::plan::{Plan, Trigger};
use crate::town::request::Source;
use crate::town::snapshot::{Reports, Snapshot};
use crate::town::sorted::{SortedMap, SortedSet};
use crate::world::{World, tools, town_files};
use crossbeam_channel::unbounded;
use deaths::{Asking, heed};
use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Who is to be started within this time does not wait for mail, which can take long to be read.
const SOON: Duration = Duration::from_secs(15);

/// So many questions in a row are broken off for deaths, and no more.
const MOST_BROKEN_OFF: u32 = 3;

/// How long the daemon lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Until it is told to end.
    UntilStopped,
    /// For one heartbeat.
    OneHeartbeat,
}

/// Why there was no daemon.
#[derive(Debug)]
pub enum NotRun {
    /// Another one runs, or its files cannot be used.
    Refused(Refused),
    /// There is no tmux.
    NoTmux,
    /// The system gave it no threads or descriptors.
    Failed(io::Error),
}

/// Events that have come and not been dealt with; many of a kind are one.
#[derive(Debug, Default)]
struct Pending {
    stop: Option<i32>,
    wake: bool,
    reload: bool,
    due: Option<Duration>,
    /// Processes of agents that have ended.
    ended: Vec<u32>,
    /// Those of them of which nothing was said yet.
    unsaid: Vec<u32>,
}

impl Pending {
    fn take_in(&mut self, event: Event) {
        match event {
            Event::Stop(signal) => self.stop = self.stop.or(Some(signal)),
            Event::Wake => self.wake = true,
            Event::Reload => self.reload = true,
            Event::Due { late } => self.due = self.due.max(Some(late)),
            Event::Ended { pid } => self.ended.push(pid),
        }
    }

    /// Whether something has happened, and not only time has passed.
    const fn is_urgent(&self) -> bool {
        self.wake || self.reload || !self.ended.is_empty()
    }

    const fn is_empty(&self) -> bool {
        self.stop.is_none() && !self.wake && !self.reload && self.due.is_none() && self.ended.is_empty()
    }
}

/// The daemon of one town.
#[derive(Debug)]
struct Daemon {
    world: World,
    instance: Instance,
    log: Log,
    keeper: Keeper,
    init: Init,
    metrics: Metrics,
    history: History,
    conditions: Conditions,
    report: Report,
    pending: Rc<RefCell<Pending>>,
    /// Whether `bd` or `gt` is being asked, which can take long: a death is said at once then, and acted upon afterwards.
    asking: Rc<Cell<Asking>>,
    /// How many questions in a row were broken off.
    broken_off: u32,
    /// Whether the last reading of the inbox was in vain.
    inbox_fails: bool,
    sleeper: Option<Sleeper>,
    /// Processes that have ended and are not watched again, whatever tmux shows.
    ended: SortedSet<u32>,
    /// Whose the processes are that are watched.
    watched: Rc<RefCell<SortedMap<u32, AgentId>>>,
    /// Why not all of them are.
    unwatched: Option<String>,
    /// What was last said of each agent that waits, so that it is said once.
    said: SortedMap<AgentId, String>,
    said_interval: Option<Duration>,
    /// Why the state could not be saved.
    not_saved: Option<String>,
    /// Why `gtd.notify` has failed.
    not_told: Option<String>,
    /// Why `gtd.metrics_file` could not be written.
    not_counted: Option<String>,
    /// Whether another daemon has taken this one's place.
    lost: bool,
    /// Whether the last look was for the sake of a death.
    last_was_death: bool,
    /// Whether the last look has shown that an agent is gone.
    has_died: bool,
    /// How long the last look took.
    look_took: Duration,
    /// How long the machine had been suspended when that was last asked.
    suspended: Duration,
    /// Whether the inbox held more than one pass deals with.
    more_mail: bool,
    /// Why the spawned workers that wait are not known, so that it is said once.
    pending_unread: Option<String>,
    /// What requests wait for, so that it is said once.
    waiting: SortedMap<Source, String>,
}

/// Serves the town at `root`. `ready` is called once it is certain that this daemon serves it, before the first heartbeat.
///
/// # Errors
/// [`NotRun`], before anything was done.
pub fn run(root: &Path, life: Life, ready: &dyn Fn()) -> Result<(), NotRun> {
    // A tmux server that is started from here keeps these for as long as it lives.
    raw::set_umask(0o022);
    let _ = std::env::set_current_dir(root);
    let (events, inbox) = unbounded();
    let (ringer, bell) = bell::bell().map_err(NotRun::Failed)?;
    let teller = Teller::new(events, ringer);
    let dir = daemon_dir(root);
    // First, so that no signal finds the default, which would leave things lying about.
    signals::listen(teller.clone()).map_err(NotRun::Failed)?;
    let instance = Instance::take(&dir).map_err(NotRun::Refused)?;
    crash::end_in_order(&dir);
    let pending = Rc::new(RefCell::new(Pending::default()));
    let loaded = match state::load(&dir) {
        Ok(loaded) => loaded,
        Err(error) => {
            instance.release();
            return Err(NotRun::Refused(Refused::Failed(error)));
        }
    };
    let log = Log::open(&dir);
    let sleeper = match life {
        Life::UntilStopped => match Sleeper::start(teller) {
            Ok(sleeper) => Some(sleeper),
            Err(error) => {
                instance.release();
                return Err(NotRun::Failed(error));
            }
        },
        Life::OneHeartbeat => None,
    };
    let asking = Rc::new(Cell::new(Asking::No));
    let watched = Rc::new(RefCell::new(SortedMap::new()));
    let heed = heed(inbox, Rc::clone(&pending), Rc::clone(&asking), Rc::clone(&watched), log.clone());
    let world = World::new(root, Attention::new(bell, heed), &loaded.history);
    log.limit(world.config.log_max_size, world.config.log_keep);
    // Init waits for a daemon, not for one heartbeat.
    let init = if sleeper.is_some() { Init::find() } else { Init::default() };
    let started = clock::now().wall;
    // It lives for as long as the process: nothing of it is taken apart at the end.
    let daemon = Box::leak(Box::new(Daemon {
        instance,
        keeper: Keeper::new(&dir, started),
        metrics: Metrics::new(root.to_string_lossy().into_owned(), started),
        init,
        history: loaded.history,
        conditions: Conditions::default(),
        report: Report::default(),
        pending,
        asking,
        sleeper,
        ended: SortedSet::new(),
        watched,
        unwatched: None,
        said: SortedMap::new(),
        said_interval: None,
        not_saved: None,
        not_told: None,
        not_counted: None,
        lost: false,
        last_was_death: false,
        has_died: false,
        look_took: Duration::ZERO,
        broken_off: 0,
        inbox_fails: false,
        suspended: raw::suspended(),
        more_mail: false,
        pending_unread: None,
        waiting: SortedMap::new(),
        world,
        log,
    }));
    if daemon.world.tools.tmux.is_none() {
        daemon.instance.release();
        return Err(NotRun::NoTmux);
    }
    daemon.log.notice(format_args!("Daemon starting (PID {})", std::process::id()));
    if let Some(trouble) = loaded.trouble {
        daemon.log.warn(format_args!("{trouble}"));
    }
    daemon.say_tools();
    daemon.save(true, Durability::Synced);
    ready();
    daemon.report_for_duty();
    // Told to stop or done with its one heartbeat, it ends in the same way.
    let _ = daemon.live(life);
    daemon.end();
    Ok(())
}

impl Daemon {
    fn live(&mut self, life: Life) -> Result<(), Stopped> {
        self.pass(Trigger::Heartbeat, true)?;
        self.clean_up();
        if life == Life::OneHeartbeat {
            return Ok(());
        }
        loop {
            while self.pending.borrow().is_empty() {
                self.world.attention.wait()?;
            }
            let pending = self.pending.take();
            if pending.reload {
                self.reload();
            }
            if pending.wake {
                self.world.forget_docks();
                self.world.ask_gt_again();
                self.log.say(format_args!("Received SIGUSR1, processing lifecycle requests immediately"));
            }
            if let Some(late) = pending.due {
                self.notice_sleep(late);
            }
            self.note_ended(&pending)?;
            self.last_was_death &= !pending.ended.is_empty();
            self.pass(Trigger::Look, pending.wake)?;
        }
    }

    /// One look and what follows from it. A heartbeat begins with an ordinary look, which is acted upon before `bd` is
    /// asked: a `bd` that hangs never delays a restart. `read_mail`: a person or an agent says that there is some.
    fn pass(&mut self, trigger: Trigger, read_mail: bool) -> Result<(), Stopped> {
        if trigger == Trigger::Heartbeat {
            self.begin_heartbeat();
        }
        let mut snapshot = self.look(trigger)?;
        let mut plan = self.plan(Trigger::Look, &mut snapshot)?;
        let due = trigger == Trigger::Heartbeat || plan.next_heartbeat.tick <= plan.now.tick;
        if due && trigger == Trigger::Look {
            self.begin_heartbeat();
            if snapshot.generation.is_err() || self.world.is_gt_due(&self.history) {
                // Only a heartbeat may ask gt which Gas Town this is.
                snapshot = self.look(Trigger::Heartbeat)?;
                plan = self.plan(Trigger::Look, &mut snapshot)?;
            }
        }
        if std::mem::take(&mut self.has_died) {
            // What follows may take its time; that somebody is gone is known at once.
            self.report_on(&snapshot, &plan);
            self.save(true, Durability::Lazy);
        }
        // Whoever is to be poked is asked first how it is, and what has to be started does not wait for that.
        let pokes = plan.drop_pokes() || due;
        let changed = self.carry_out(Trigger::Look, &plan, &snapshot)?;
        if pokes {
            if changed {
                snapshot = self.look(Trigger::Look)?;
            }
            snapshot.docks = self.world.known_docks();
            let then = if due { Trigger::Heartbeat } else { Trigger::Look };
            // So that the end of those who were just started is known, too.
            self.watch(&snapshot);
            if self.ask_until_called(|world| world.ask_reports(&mut snapshot))?.is_none() {
                snapshot.reports = Reports::NotAsked;
            }
            self.history.left_out.clone_from(&snapshot.left_out);
            plan = self.plan(then, &mut snapshot)?;
            // Those were set above.
            plan.marks.clear();
            self.carry_out(then, &plan, &snapshot)?;
        }
        let soon = plan.now.plus(SOON).tick;
        let starts_soon = self.sleeper.is_some() && plan.next_start().is_some_and(|at| at.tick < soon);
        let read_mail = due || (read_mail && !self.inbox_fails) || self.more_mail;
        let tend_at = self.attend(&mut snapshot, read_mail, starts_soon)?;
        if due {
            self.mark_stale(&snapshot, &plan)?;
            for session in self.world.accompany_again(&plan, &snapshot.agents) {
                self.log.say(format_args!("The nudge poller of {session} has ended: started anew"));
            }
            self.metrics.heartbeat();
            self.log.say(format_args!("Heartbeat complete (#{})", self.history.heartbeats));
        }
        if let Some(at) = tend_at.filter(|at| at.tick < plan.next_look.tick) {
            plan.next_look = at;
        }
        if !due && plan.next_heartbeat.tick <= plan.now.tick {
            // One that has come due in the midst of a pass is not left to the next regular look.
            plan.next_look = plan.now;
        }
        self.finish(&snapshot, &plan, due)
    }

    /// Decides. What starts depend on is asked before, which can change whose turn it is, so that it is decided anew.
    fn plan(&mut self, trigger: Trigger, snapshot: &mut Snapshot) -> Result<Plan, Stopped> {
        loop {
            let plan = decide(trigger, snapshot, &self.history);
            if !self.ask(|world| world.ask_before_starts(snapshot, &plan))? {
                return Ok(plan);
            }
        }
    }

    /// Asks `bd` or `gt`, which can take long: a death that comes meanwhile is said at once.
    fn ask<T>(&mut self, question: impl FnOnce(&mut World) -> Result<T, Stopped>) -> Result<T, Stopped> {
        self.asking.set(Asking::Patiently);
        let answer = question(&mut self.world);
        self.asking.set(Asking::No);
        answer
    }

    /// The same for what can be asked again: a death breaks it off, so that a restart does not wait for it. `None`: it did. Where
    /// agents end all the time, it has its turn nevertheless.
    fn ask_until_called<T>(
        &mut self,
        question: impl FnOnce(&mut World) -> Result<T, Stopped>,
    ) -> Result<Option<T>, Stopped> {
        let has_its_turn = self.broken_off >= MOST_BROKEN_OFF;
        self.asking.set(if has_its_turn { Asking::Patiently } else { Asking::UntilCalled });
        let answer = question(&mut self.world);
        self.asking.set(Asking::No);
        let broken_off = !has_its_turn && self.world.attention.forget_call();
        self.broken_off = if broken_off { self.broken_off + 1 } else { 0 };
        Ok((!broken_off).then_some(answer?))
    }

    /// Removes what a gtd that was killed has left half written. Nobody waits for that, as agents do for the first look.
    fn clean_up(&self) {
        town_files::remove_temporaries(&self.world.root);
        if let Some(dir) = self.metrics_file().as_deref().and_then(Path::parent) {
            files::remove_old_temporaries(dir);
        }
    }

    fn begin_heartbeat(&mut self) {
        self.log.say(format_args!("Heartbeat starting"));
        self.world.tools.find_missing();
        self.world.ask_again();
    }

    fn look(&mut self, trigger: Trigger) -> Result<Snapshot, Stopped> {
        self.history.config.clone_from(&self.world.config_file);
        let began = Instant::now();
        let snapshot = self.world.look(trigger, &self.history)?;
        self.look_took = began.elapsed();
        self.metrics.look(self.look_took);
        self.notice_suspension();
        let names = self.history.names.clone();
        for event in observe(&mut self.history, &snapshot) {
            self.has_died |= matches!(event, Seen::Gone { .. } | Seen::MassDeath(_));
            self.metrics.event(&event);
            // Quarantine is a condition, and said as such.
            if !matches!(event, Seen::Quarantined(_) | Seen::Forgiven(_)) {
                self.log.say_as(event.level(), format_args!("{event}"));
            }
        }
        if let Some(now) = self.history.names.as_ref().filter(|now| names.as_ref() != Some(*now)) {
            self.log.say(format_args!("Gas Town is {}: {}", now.generation, now.why));
        }
        Ok(snapshot)
    }

    /// Acts, and records what came of it even if it was broken off. Says whether the town has changed by it.
    fn carry_out(&mut self, trigger: Trigger, plan: &Plan, snapshot: &Snapshot) -> Result<bool, Stopped> {
        self.say_verdicts(trigger, plan);
        let mut outcomes: Vec<Outcome> = Vec::new();
        let (log, metrics) = (&self.log, &mut self.metrics);
        let result = self.world.act(plan, &snapshot.agents, &mut |outcome| {
            log.say_as(outcome.level(), format_args!("{outcome}"));
            metrics.outcome(&outcome, plan.ends_for_silence(&outcome.agent));
            outcomes.push(outcome);
        });
        let done = if result.is_ok() { trigger } else { Trigger::Look };
        record(&mut self.history, done, plan, &outcomes, &snapshot.config, clock::now());
        let is_start = |o: &Outcome| matches!(o.result, Done::Started { .. } | Done::StartFailed { .. });
        if outcomes.iter().any(is_start) {
            self.save(true, Durability::Synced);
        }
        // Marks are part of what a guard asks for.
        let changed = outcomes.iter().any(|o| is_start(o) || matches!(o.result, Done::Marked(_)));
        result.map(|()| changed)
    }

    /// Saves the state; says whether that could be done.
    fn save(&mut self, running: bool, durability: Durability) -> bool {
        let saved = self.keeper.save(running, &self.history, &self.report, durability);
        self.not_saved = saved.err().map(|error| error.to_string());
        self.not_saved.is_none()
    }

    fn reload(&mut self) {
        self.init.reloading();
        self.log.reopen();
        let counted = self.metrics_file();
        let read = self.world.read_config();
        if counted != self.metrics_file() {
            self.leave_metrics_at(counted);
        }
        self.log.limit(self.world.config.log_max_size, self.world.config.log_keep);
        let config = if read { "configuration read" } else { "the configuration cannot be read, and stays as it was" };
        self.log.say(format_args!("Received SIGHUP: log opened anew, {config}"));
        self.init.ready();
    }

    /// When the sleeper's own wait has ended far too late, the machine slept, or gtd was frozen.
    fn notice_sleep(&mut self, late: Duration) {
        if late > self.world.config.look_interval * 2 {
            let grace = self.world.config.grace;
            self.log.say(format_args!("Woke {} late: the machine slept; a grace period for every agent", brief(late)));
            after_sleep(&mut self.history, grace, clock::now());
            self.suspended = raw::suspended();
        }
    }

    /// The same where the machine was suspended in the midst of a pass, while nobody waited for a moment.
    fn notice_suspension(&mut self) {
        let asleep = raw::suspended().saturating_sub(self.suspended);
        self.suspended += asleep;
        self.notice_sleep(asleep);
    }

    fn say_tools(&self) {
        let tools = &self.world.tools;
        for (name, place) in [("tmux", &tools.tmux), ("bd", &tools.bd), ("gt", &tools.gt)] {
            match place {
                Some(path) => self.log.say(format_args!("Using {}", path.display())),
                None => self.log.warn(format_args!(
                    "{name} was not found {}; looked for again at each heartbeat",
                    tools::not_found(name)
                )),
            }
        }
    }

    fn end(&mut self) {
        self.init.stopping();
        let stop = self.pending.borrow().stop;
        if let Some(signal) = stop {
            self.log.notice(format_args!("Received signal {}, shutting down", signals::name(signal)));
        }
        self.log.notice(format_args!("Daemon shutting down"));
        // The files are the other one's, where there is one.
        if !self.lost {
            self.save(false, Durability::Synced);
            self.count(false);
            self.instance.release();
        }
        self.log.notice(format_args!("Daemon stopped"));
    }
}
