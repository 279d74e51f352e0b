//! What comes to pass in a town: storms of incidents, each with its end, and calms in which everything has to come right.

use crate::life::{Broken, Life};
use crate::tmux::{Holds, Owner, Session};
use crate::town::{DAY, Event, Fault, HOUR, MINUTE, ROOT, SECOND};
use gtd::town::agent::{AgentId, Name};
use gtd::town::mail::Mail;
use gtd::town::process::Process;
use gtd::town::rigs::Rig;
use gtd::town::snapshot::Ended;

/// How long a calm is: everything has to be well by its end. An hour for the slowest heartbeat, another for a try out of
/// quarantine, and some more.
pub const CALM: u64 = 4 * HOUR;
const STORM: (u64, u64) = (10 * HOUR, 2 * DAY);

type Incident = fn(&mut Life);

/// How often each incident comes about, against the others.
const INCIDENTS: [(u64, Incident); 29] = [
    (60, Life::someone_dies),
    (8, Life::server_dies),
    (10, Life::begins_to_loop),
    (15, Life::restarted_by_hand),
    (6, Life::respawned_by_hand),
    (5, Life::renamed),
    (8, |life| life.fault(Fault::Starts, 20 * MINUTE)),
    (12, |life| life.fault(Fault::Tmux, 4 * HOUR)),
    (6, Life::line_is_garbled),
    (6, |life| life.fault(Fault::Rigs, 6 * HOUR)),
    (5, Life::rig_comes_or_goes),
    (8, |life| life.fault(Fault::Bd, 5 * HOUR)),
    (8, |life| life.fault(Fault::Gt, 5 * HOUR)),
    (8, |life| life.fault(Fault::Estop, 8 * HOUR)),
    (6, Life::rig_is_stopped),
    (6, |life| life.fault(Fault::Lock, 20 * MINUTE)),
    (5, Life::directory_goes),
    (4, Life::patrol_is_switched),
    (25, Life::person_comes),
    (8, Life::sleeps),
    (4, Life::reboots),
    (25, Life::gtd_is_killed),
    (6, Life::gtd_is_frozen),
    (8, Life::clock_is_set),
    (60, Life::write_mail),
    (40, Life::leave_order),
    (8, |life| life.fault(Fault::Deletion, 5 * HOUR)),
    (12, Life::worker_is_spawned),
    (12, Life::something_small),
];

impl Life {
    /// Something happens at its time.
    pub fn happen(&mut self, event: Event) {
        match event {
            Event::Incident => self.incident(),
            Event::Calm => self.grow_calm(),
            Event::Storm => self.grow_stormy(),
            Event::Over(fault) => self.is_over(&fault),
            Event::Dies(process) => self.dies(process, 1),
            Event::StartByHand(session) => {
                if !self.town.tmux.sessions.contains_key(&session) {
                    self.say(|| format!("town: somebody starts {session}"));
                    self.new_program(&session, None, false);
                }
            }
            Event::BackInShell(session) => self.back_in_shell(&session),
            Event::PersonLeaves(session) => {
                if let Some(session) = self.town.tmux.sessions.get_mut(&session) {
                    (session.attached, session.typing) = (0, false);
                }
            }
            Event::PersonsPaneCloses(session, id) => {
                let persons = |session: &Session| session.panes.iter().any(|p| p.id == id && p.owner == Owner::Other);
                if self.town.tmux.sessions.get(&session).is_some_and(persons) {
                    self.town.tmux.kill_pane(&session, id);
                }
            }
            Event::PromptShows(session) => {
                if let Some(session) = self.town.tmux.sessions.get_mut(&session) {
                    session.panes[0].screen = "> ".to_owned();
                }
            }
            Event::SessionEnds(session) => self.session_ends(&session),
            Event::StartGtd => self.start_gtd(),
            Event::Reload => self.gtd.told_reload = self.gtd.up,
        }
    }

    fn incident(&mut self) {
        if self.is_calm || self.temper == 0 {
            return;
        }
        let weights = INCIDENTS.map(|(weight, _)| weight);
        let which = self.town.chance.weighted(&weights);
        INCIDENTS[which].1(self);
        let pause = 2 * DAY / self.temper;
        let pause = if self.town.chance.percent(10) {
            self.town.chance.below(3 * SECOND)
        } else {
            self.town.chance.below(pause)
        };
        self.town.after(pause, Event::Incident);
    }

    /// Begins a storm, after whatever was before.
    pub fn grow_stormy(&mut self) {
        if self.is_calm {
            self.check_calm();
        }
        self.is_calm = false;
        self.say(|| "town: a storm begins".to_owned());
        let lasts = self.town.chance.between(STORM.0, STORM.1);
        self.town.after(lasts, Event::Calm);
        self.town.after(1, Event::Incident);
    }

    fn grow_calm(&mut self) {
        self.say(|| "town: everything is over".to_owned());
        self.is_calm = true;
        let faults: Vec<Fault> = self.town.faults.keys().cloned().collect();
        for fault in faults {
            self.is_over(&fault);
        }
        for session in self.town.tmux.sessions.values_mut() {
            (session.attached, session.typing, session.unreadable) = (0, false, false);
            for pane in &mut session.panes {
                (pane.in_mode, pane.synchronized) = (false, false);
            }
        }
        self.town.words.clear();
        self.town.wishes.clear();
        self.town.clock_off = 0;
        self.gtd.frozen_until = 0;
        self.gtd.told_reload = self.gtd.up;
        self.gtd.told_wake = self.gtd.up;
        self.town.after(1, Event::StartGtd);
        self.town.after(CALM, Event::Storm);
    }

    /// Something is wrong, for a time that is longer for this kind of thing or shorter.
    fn fault(&mut self, fault: Fault, longest: u64) {
        if self.town.has(&fault) || (fault == Fault::Disk && self.gtd.in_pass) {
            return;
        }
        match &fault {
            Fault::Tmux | Fault::Bd | Fault::Gt | Fault::Rigs | Fault::Line(_) => self.tally.outages += 1,
            Fault::Estop | Fault::RigEstop(_) | Fault::Lock | Fault::Directory(_) => self.tally.holds += 1,
            _ => {}
        }
        if fault == Fault::Disk {
            self.disk.older = Some((self.gtd.history.clone(), self.book.clone()));
        }
        let lasts = self.town.chance.span(SECOND, longest);
        self.say(|| format!("town: {fault:?} for {} s", lasts / SECOND));
        let until = self.town.t + lasts;
        self.town.faults.insert(fault.clone(), until);
        self.town.after(lasts, Event::Over(fault));
    }

    fn is_over(&mut self, fault: &Fault) {
        // One that was over and has begun again has another end.
        if self.town.faults.get(fault).is_none_or(|until| *until > self.town.t && !self.is_calm) {
            return;
        }
        self.say(|| format!("town: {fault:?} is over"));
        self.town.faults.remove(fault);
        match fault {
            Fault::Foreign(session) => self.session_ends(session),
            Fault::Line(session) => {
                if let Some(session) = self.town.tmux.sessions.get_mut(session) {
                    session.unreadable = false;
                }
            }
            Fault::Patrol => self.gtd.told_reload = self.gtd.up,
            _ => {}
        }
    }

    fn dies(&mut self, process: Process, status: i32) {
        if self.town.tmux.lives(process) {
            self.say(|| format!("town: PID {} ends", process.pid));
            if self.town.tmux.end(process, Ended::Status(status)) {
                self.note_end(process);
            } else {
                self.tally.deaths += 1;
            }
        }
    }

    fn session_ends(&mut self, name: &str) {
        for process in self.town.tmux.kill_session(name) {
            self.note_end(process);
        }
    }

    /// The session of some agent, if it has one: its name, and the agent's process in it.
    fn some_session(&mut self) -> Option<(String, Process)> {
        let agents = self.agents();
        let agent = self.town.chance.pick(&agents);
        let session = self.town.tmux.sessions.get(&agent.session)?;
        let own = session.panes.iter().find(|pane| pane.owner == Owner::Agent(agent.session.clone()))?;
        (own.holds == Holds::Program).then(|| (agent.session.clone(), own.process))
    }

    fn someone_dies(&mut self) {
        let Some((session, process)) = self.some_session() else { return };
        self.dies(process, 1);
        if self.town.chance.percent(30) {
            let pause = self.town.chance.span(SECOND, 20 * MINUTE);
            self.town.after(pause, Event::BackInShell(session));
        }
    }

    fn back_in_shell(&mut self, name: &str) {
        let pane = self.town.tmux.sessions.get_mut(name).and_then(|session| session.panes.first_mut());
        if let Some(pane) = pane.filter(|pane| pane.holds == Holds::Shell) {
            pane.holds = Holds::Program;
            self.tally.by_hand += 1;
            self.say(|| format!("town: somebody starts the agent in the shell of {name}"));
        }
    }

    fn server_dies(&mut self) {
        self.say(|| "town: the tmux server dies".to_owned());
        self.tally.server_deaths += 1;
        for process in self.town.tmux.kill_server() {
            self.note_end(process);
        }
    }

    fn begins_to_loop(&mut self) {
        if let Some((session, process)) = self.some_session() {
            self.fault(Fault::Loop(session), 12 * HOUR);
            self.dies(process, 1);
        }
    }

    fn restarted_by_hand(&mut self) {
        if let Some((session, _)) = self.some_session() {
            self.say(|| format!("town: somebody ends {session}, to start it again"));
            self.tally.by_hand += 1;
            self.session_ends(&session);
            let pause = self.town.chance.span(100, 10 * SECOND);
            self.town.after(pause, Event::StartByHand(session));
        }
    }

    fn respawned_by_hand(&mut self) {
        let Some((name, process)) = self.some_session() else { return };
        let own = self.town.tmux.sessions[&name].panes.iter().find(|pane| pane.process == process);
        let Some(id) = own.map(|pane| pane.id) else { return };
        self.say(|| format!("town: somebody respawns {name}"));
        self.tally.by_hand += 1;
        self.new_program(&name, Some(id), false);
        self.note_end(process);
    }

    fn renamed(&mut self) {
        let Some((name, _)) = self.some_session() else { return };
        let new = format!("old-{}", self.town.next_number());
        self.say(|| format!("town: somebody renames {name} to {new}"));
        if let Some(session) = self.town.tmux.sessions.remove(&name) {
            self.town.tmux.sessions.insert(new.clone(), session);
        }
        let lasts = self.town.chance.span(MINUTE, 5 * HOUR);
        self.town.after(lasts, Event::SessionEnds(new));
    }

    fn line_is_garbled(&mut self) {
        if let Some((session, _)) = self.some_session() {
            self.fault(Fault::Line(session.clone()), 2 * HOUR);
            if let Some(session) = self.town.tmux.sessions.get_mut(&session) {
                session.unreadable = true;
            }
        }
    }

    fn rig_comes_or_goes(&mut self) {
        if self.town.rigs.len() > 1 && self.town.chance.percent(50) {
            let at = self.town.chance.below(self.town.rigs.len() as u64) as usize;
            let gone = self.town.rigs.remove(at);
            self.say(|| format!("town: the rig {} goes", gone.name));
        } else {
            let number = self.town.chance.below(12);
            let rig = rig(number);
            if self.town.rigs.iter().all(|known| known.name != rig.name) {
                self.say(|| format!("town: the rig {} comes", rig.name));
                self.town.rigs.push(rig);
                self.town.rigs.sort_by(|a, b| a.name.cmp(&b.name));
            }
        }
    }

    fn rig_is_stopped(&mut self) {
        if let Some(name) = self.some_rig() {
            self.fault(Fault::RigEstop(name), 6 * HOUR);
        }
    }

    fn some_rig(&mut self) -> Option<Name> {
        let rigs = self.town.rigs.len() as u64;
        (rigs > 0).then(|| self.town.rigs[self.town.chance.below(rigs) as usize].name.clone())
    }

    fn directory_goes(&mut self) {
        let agents = self.agents();
        let id = self.town.chance.pick(&agents).id.clone();
        self.fault(Fault::Directory(id), 6 * HOUR);
    }

    fn patrol_is_switched(&mut self) {
        self.fault(Fault::Patrol, 6 * HOUR);
        self.town.after(0, Event::Reload);
    }

    /// Somebody attaches, and types, or opens a pane of his own, or leaves one in a mode.
    fn person_comes(&mut self) {
        let Some((name, _)) = self.some_session() else { return };
        let (tick, wall) = (self.town.tick(), self.town.seconds());
        let lot = self.town.chance.below(5);
        let lasts = self.town.chance.span(10 * SECOND, 3 * HOUR);
        let typing = self.town.chance.percent(60);
        let pane = self.town.tmux.pane(Owner::Other, tick, wall);
        let Some(session) = self.town.tmux.sessions.get_mut(&name) else { return };
        (session.attached, session.typing, session.last_input) = (1, typing, wall);
        let is_marked = session.town.is_some();
        match lot {
            0 => session.panes[0].in_mode = true,
            1 => session.panes[0].synchronized ^= true,
            2 if is_marked => {
                let id = pane.id;
                session.panes.push(pane);
                self.town.after(lasts, Event::PersonsPaneCloses(name.clone(), id));
            }
            _ => {}
        }
        self.town.after(lasts, Event::PersonLeaves(name));
    }

    /// The machine is suspended. Where the sleeper's wait does not count that time, it comes as much later.
    fn sleeps(&mut self) {
        let slept = self.town.chance.span(10 * SECOND, 10 * HOUR);
        self.say(|| format!("town: the machine sleeps for {} s", slept / SECOND));
        self.town.t += slept;
        self.gtd.slept = Some(self.town.tick());
        if self.has_pidfd
            && let Some(wake) = &mut self.gtd.wake
        {
            wake.fires += slept;
        }
    }

    fn reboots(&mut self) {
        if self.gtd.in_pass {
            return;
        }
        self.say(|| "town: the machine reboots".to_owned());
        self.tally.reboots += 1;
        self.town.tmux.kill_server();
        self.town.t += MINUTE;
        self.town.boot += 1;
        self.town.booted_at = self.town.t;
        if self.gtd.up {
            self.end();
        }
    }

    /// `kill -9`, or a stop: now, or in the midst of the next pass.
    fn gtd_is_killed(&mut self) {
        if !self.gtd.up || self.gtd.in_pass || self.gtd.armed.is_some() {
            return;
        }
        let how = if self.town.chance.percent(75) { Broken::Killed } else { Broken::Stopped };
        let steps = self.town.chance.below(25);
        self.gtd.armed = Some((steps, how));
        if self.town.chance.percent(60) {
            self.gtd.told_wake = true;
        }
    }

    fn gtd_is_frozen(&mut self) {
        if !self.gtd.up {
            return;
        }
        let lasts = self.town.chance.span(SECOND, 5 * HOUR);
        self.say(|| format!("town: gtd is frozen for {} s", lasts / SECOND));
        self.gtd.frozen_until = self.town.t + lasts;
        self.gtd.slept = Some(self.town.tick());
    }

    fn clock_is_set(&mut self) {
        let by = self.town.chance.span(SECOND, 2 * DAY) as i64;
        let by = if self.town.chance.percent(50) { by } else { -by };
        self.say(|| format!("town: the clock is set by {} s", by / 1000));
        self.tally.clock_sets += 1;
        self.town.clock_off = by;
    }

    fn worker_is_spawned(&mut self) {
        let Some(rig) = self.some_rig() else { return };
        let name = crate::town::name(&format!("nux{}", self.town.next_number()));
        let session = self.town.agent(AgentId::Polecat(rig.clone(), name.clone())).session;
        let (tick, wall) = (self.town.tick(), self.town.seconds());
        let worker = self.town.tmux.pane(Owner::Worker, tick, wall);
        let panes = vec![worker];
        let (town, path) = (Some(ROOT.to_owned()), "/t/x");
        let new = Session { town, path, attached: 0, last_input: wall, typing: false, unreadable: false, panes };
        let new = Session {
            panes: new.panes.into_iter().map(|p| crate::tmux::Pane { mark: Some(session.clone()), ..p }).collect(),
            ..new
        };
        self.town.tmux.sessions.insert(session.clone(), new);
        let id = format!("w{}", self.town.next_number());
        let body = format!("Session: {session}\nIssue: gt-{id}");
        let (from, subject) = ("mayor/".to_owned(), format!("POLECAT_STARTED {rig}/{name}"));
        self.say(|| format!("town: {session} is spawned"));
        self.town.inbox.push(Mail { id, from, subject, body, sent: Some(self.town.wall()) });
        let prompt = self.town.chance.span(SECOND, 10 * MINUTE);
        self.town.after(prompt, Event::PromptShows(session.clone()));
        let ends = self.town.chance.span(30 * SECOND, 5 * HOUR);
        self.town.after(ends, Event::SessionEnds(session));
        self.gtd.told_wake |= self.gtd.up && self.town.chance.percent(70);
    }

    /// What changes and harms nobody.
    fn something_small(&mut self) {
        let agents = self.agents();
        let agent = self.town.chance.pick(&agents).clone();
        match self.town.chance.below(8) {
            0 => {
                let words =
                    ["running", "idle", "stuck", "dead", "awaiting-gate", "paused", "missing", "unknown", "odd"];
                let word = *self.town.chance.pick(&words);
                self.town.words.insert(agent.id, word);
            }
            1 => {
                let key = format!("requesting_{}", self.town.chance.pick(&["cycle", "restart", "shutdown"]));
                let wanted = self.town.chance.percent(80);
                self.town.wishes.insert(agent.id, vec![(key, wanted)]);
            }
            2 => self.town.active_until = self.town.t + self.town.chance.span(MINUTE, 5 * HOUR),
            3 => self.fault(Fault::Disk, 2 * HOUR),
            4 | 5 => self.hangs(),
            _ => self.becomes_another_towns(&agent.session),
        }
    }

    /// An agent reads no keys and prints nothing any more.
    fn hangs(&mut self) {
        let Some((name, process)) = self.some_session() else { return };
        self.say(|| format!("town: {name} hangs"));
        self.tally.hung += 1;
        if let Some(session) = self.town.tmux.sessions.get_mut(&name) {
            for pane in session.panes.iter_mut().filter(|pane| pane.process == process) {
                (pane.hung, pane.busy) = (true, false);
            }
        }
        if self.town.chance.percent(40) {
            self.fault(Fault::Hang(name), 12 * HOUR);
        }
    }

    /// Another town on the same tmux server takes the name.
    fn becomes_another_towns(&mut self, name: &str) {
        self.session_ends(name);
        let (tick, wall) = (self.town.tick(), self.town.seconds());
        let pane = self.town.tmux.pane(Owner::Other, tick, wall);
        let town = self.town.chance.percent(50).then(|| "/other".to_owned());
        let panes = vec![pane];
        let new = Session {
            town,
            path: "/other/deacon",
            attached: 0,
            last_input: wall,
            typing: false,
            unreadable: false,
            panes,
        };
        self.town.tmux.sessions.insert(name.to_owned(), new);
        self.fault(Fault::Foreign(name.to_owned()), 3 * HOUR);
    }
}

/// The twelve rigs that a town may have. Some share their prefix.
pub fn rig(number: u64) -> Rig {
    const NAMES: [&str; 12] =
        ["alpha", "beta", "gamma", "delta", "my-rig", "eta", "iota", "kappa", "lambda", "mu", "nu", "xi"];
    const PREFIXES: [&str; 12] = ["gt", "be", "ga", "de", "my-rig", "et", "io", "ka", "la", "mu", "nu", "gt"];
    let at = (number % 12) as usize;
    Rig { name: crate::town::name(NAMES[at]), prefix: crate::town::name(PREFIXES[at]) }
}
