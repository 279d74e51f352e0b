//! A town as it really is: its clocks, files, sessions, mail and troubles. What gtd gets to see of it is a snapshot, which is made
//! here and nowhere else.

use crate::chance::Chance;
use crate::tmux::{Holds, Owner, Pane, Tmux};
use gtd::town::agent::{AgentId, Name, Role};
use gtd::town::answers::KnownGastown;
use gtd::town::config::Config;
use gtd::town::history::History;
use gtd::town::mail::Mail;
use gtd::town::names::{Agent, Generation};
use gtd::town::outage::Outage;
use gtd::town::plan::Trigger;
use gtd::town::process::Server;
use gtd::town::request::SpoolFile;
use gtd::town::rigs::{Rig, SavedRig};
use gtd::town::snapshot::{self as seen, Elsewhere, Inbox, PaneState, Report, Reports, Session, Snapshot};
use gtd::town::sorted::{SortedMap, SortedSet};
use gtd::town::spawn::Spawn;
use gtd::town::time::{Moment, Tick, Wall};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub const ROOT: &str = "/t";
pub const SECOND: u64 = 1_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const HOUR: u64 = 60 * MINUTE;
pub const DAY: u64 = 24 * HOUR;
pub const WEEK: u64 = 7 * DAY;
const BEGINNING: i64 = 1_800_000_000_000;

/// What can be wrong for a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// tmux does not answer.
    Tmux,
    /// What tmux says of this session cannot be read.
    Line(String),
    /// `rigs.json` is torn.
    Rigs,
    /// `bd` fails, or answers rubbish.
    Bd,
    /// `gt` fails.
    Gt,
    Estop,
    RigEstop(Name),
    /// `shutdown.lock` is held.
    Lock,
    /// The agent's directory is not there.
    Directory(AgentId),
    /// The Witnesses' patrol is switched off.
    Patrol,
    /// No start succeeds.
    Starts,
    /// Every start of this session's agent ends at once.
    Loop(String),
    /// The agent of this session hangs, and does so again when it is started.
    Hang(String),
    /// The state cannot be saved.
    Disk,
    /// Another town has a session of this name.
    Foreign(String),
    /// Mails cannot be deleted.
    Deletion,
}

/// What happens at a time of its own.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something comes to pass, and the next such thing is ordered.
    Incident,
    /// Everything that was wrong is over, until the storm begins again.
    Calm,
    /// The end of a calm: all must be well.
    Storm,
    Over(Fault),
    /// A program ends by itself.
    Dies(gtd::town::process::Process),
    /// Somebody starts what he has ended.
    StartByHand(String),
    /// Somebody starts the agent anew in the shell that was left.
    BackInShell(String),
    PersonLeaves(String),
    PersonsPaneCloses(String, u32),
    PromptShows(String),
    SessionEnds(String),
    StartGtd,
    /// The patrol's new configuration is told to gtd.
    Reload,
}

#[derive(Debug)]
pub struct Town {
    pub chance: Chance,
    /// Milliseconds since the beginning, by no clock of the town.
    pub t: u64,
    pub boot: u64,
    pub booted_at: u64,
    pub clock_off: i64,
    pub generation: Generation,
    pub rigs: Vec<Rig>,
    pub crew: Vec<(Name, Name)>,
    agents: (Vec<Rig>, bool, Vec<Agent>),
    pub tmux: Tmux,
    pub faults: BTreeMap<Fault, u64>,
    /// What an agent says of itself.
    pub words: BTreeMap<AgentId, &'static str>,
    pub wishes: BTreeMap<AgentId, Vec<(String, bool)>>,
    pub inbox: Vec<Mail>,
    pub spool: Vec<SpoolFile>,
    /// `spawn/pending.json`.
    pub pending: Vec<Spawn>,
    pub active_until: u64,
    pub activity: Option<Wall>,
    pub settings: &'static str,
    pub queue: BTreeMap<(u64, u64), Event>,
    number: u64,
}

impl Town {
    pub fn new(mut chance: Chance, generation: Generation, rigs: Vec<Rig>, settings: &'static str) -> Town {
        let clock_off = chance.between(0, 999) as i64;
        let crew = rigs.iter().take(1).map(|rig| (rig.name.clone(), name("max"))).collect();
        Town {
            chance,
            t: 0,
            boot: 0,
            booted_at: 0,
            clock_off,
            generation,
            rigs,
            crew,
            agents: (Vec::new(), false, Vec::new()),
            tmux: Tmux::default(),
            faults: BTreeMap::new(),
            words: BTreeMap::new(),
            wishes: BTreeMap::new(),
            inbox: Vec::new(),
            spool: Vec::new(),
            pending: Vec::new(),
            active_until: 0,
            activity: None,
            settings,
            queue: BTreeMap::new(),
            number: 0,
        }
    }

    /// Milliseconds since the boot.
    pub const fn tick(&self) -> u64 {
        // The first ones go to the machine itself.
        self.t - self.booted_at + 20_000
    }

    pub fn wall(&self) -> Wall {
        let ms = (BEGINNING + self.clock_off).saturating_add_unsigned(self.t);
        Wall::from_nanos(ms.saturating_mul(1_000_000))
    }

    pub fn seconds(&self) -> i64 {
        self.wall().seconds()
    }

    pub fn now(&self) -> Moment {
        Moment { wall: self.wall(), tick: Tick::from_millis(self.tick()) }
    }

    pub fn has(&self, fault: &Fault) -> bool {
        self.faults.contains_key(fault)
    }

    /// Orders an event.
    pub fn after(&mut self, ms: u64, event: Event) {
        self.number += 1;
        self.queue.insert((self.t + ms, self.number), event);
    }

    /// A number that nothing else has.
    pub fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// The configuration's file as it stands.
    pub fn config_file(&self) -> serde_json::Value {
        let mut file: serde_json::Value = serde_json::from_str(self.settings).expect("settings are JSON");
        if self.has(&Fault::Patrol) {
            file["patrols"]["witness"] = serde_json::json!({ "enabled": false });
        }
        file
    }

    pub fn agent(&self, id: AgentId) -> Agent {
        let rig = id.rig().and_then(|name| self.rigs.iter().find(|rig| rig.name == *name));
        self.generation.table().agent(Path::new(ROOT), id, rig)
    }

    /// The agents that gtd may supervise, the Deacon first.
    pub fn supervised(&mut self, rigs: &[Rig], refineries: bool) -> Vec<Agent> {
        if self.agents.2.is_empty() || self.agents.0 != rigs || self.agents.1 != refineries {
            let table = self.generation.table();
            let agent = |id, rig| table.agent(Path::new(ROOT), id, rig);
            let mut agents = vec![agent(AgentId::Deacon, None)];
            agents.extend(rigs.iter().map(|rig| agent(AgentId::Witness(rig.name.clone()), Some(rig))));
            if refineries {
                agents.extend(rigs.iter().map(|rig| agent(AgentId::Refinery(rig.name.clone()), Some(rig))));
            }
            self.agents = (rigs.to_vec(), refineries, agents);
        }
        self.agents.2.clone()
    }

    /// The agents that there are now, whatever gtd knows of it.
    pub fn residents(&mut self, config: &Config) -> Vec<Agent> {
        let rigs = self.rigs.clone();
        self.supervised(&rigs, config.patrols(Role::Refinery))
    }

    /// What a look shows. Whatever is not asked for in a look is not in it.
    pub fn snapshot(&mut self, trigger: Trigger, history: &History, config: &Config) -> Snapshot {
        let last_good = || history.rigs.as_deref().unwrap_or_default().iter().filter_map(SavedRig::rig).collect();
        let rigs = if self.has(&Fault::Rigs) { last_good() } else { self.rigs.clone() };
        let asked = trigger == Trigger::Heartbeat && history.gastown.is_none() && !self.has(&Fault::Gt);
        let known = KnownGastown {
            generation: Some(self.generation),
            program: "/bin/gt".to_owned(),
            changed: None,
            said: String::new(),
            asked: None,
        };
        let is_known = asked || history.gastown.is_some();
        let agents = self.supervised(&rigs, config.patrols(Role::Refinery));
        if self.t < self.active_until && self.chance.percent(50) {
            let ago = self.chance.span(SECOND, 10 * MINUTE);
            self.activity = Some(self.wall().minus(std::time::Duration::from_millis(ago)));
        }
        let sessions = match self.has(&Fault::Tmux) {
            true => Err(Outage::new("no answer within 5s")),
            false => Ok(self.sessions()),
        };
        let server = self.tmux.server.filter(|_| sessions.is_ok());
        Snapshot {
            now: self.now(),
            root: PathBuf::from(ROOT),
            config: config.clone(),
            generation: if is_known { Ok(self.generation) } else { Err(Outage::new("gt does not answer")) },
            generation_why: String::new(),
            gastown: asked.then_some(known),
            elsewhere: Elsewhere::Nobody,
            docks: SortedMap::new(),
            left_out: SortedMap::new(),
            holds: self.holds(&rigs),
            rigs,
            agents,
            socket: String::new(),
            server: server.map(|process| Server { process, socket: String::new() }),
            sessions,
            reports: Reports::NotAsked,
            reported_at: SortedMap::new(),
            inbox: Inbox::NotAsked,
            spool: Vec::new(),
            crew: Vec::new(),
            wishes: SortedMap::new(),
            activity: self.activity,
            troubles: Vec::new(),
        }
    }

    fn holds(&self, rigs: &[Rig]) -> seen::Holds {
        let mut stopped_rigs = SortedMap::new();
        let mut no_directory = SortedSet::new();
        for fault in self.faults.keys() {
            match fault {
                Fault::RigEstop(name) if rigs.iter().any(|rig| rig.name == *name) => {
                    stopped_rigs.insert(name.clone(), String::new());
                }
                Fault::Directory(id) => {
                    no_directory.insert(id.clone());
                }
                _ => {}
            }
        }
        seen::Holds {
            estop: self.has(&Fault::Estop).then(|| "fire".to_owned()),
            stopped_rigs,
            shutting_down: self.has(&Fault::Lock),
            no_directory,
            ..seen::Holds::default()
        }
    }

    fn sessions(&mut self) -> Vec<Session> {
        let now = self.seconds();
        let mut shown = Vec::with_capacity(self.tmux.sessions.len());
        for (name, session) in &mut self.tmux.sessions {
            if session.typing {
                session.last_input = now - self.chance.below(40) as i64;
            }
            let chance = &mut self.chance;
            let pane = |pane: &mut Pane| {
                if pane.busy && pane.holds == Holds::Program {
                    pane.output = now - chance.below(20) as i64;
                }
                pane_as_seen(pane)
            };
            let panes: Vec<seen::Pane> = session.panes.iter_mut().map(pane).collect();
            shown.push(Session {
                name: name.clone(),
                town: session.town.clone(),
                path: PathBuf::from(session.path),
                attached: session.attached,
                last_input: Wall::from_seconds(session.last_input),
                panes: if session.unreadable { Err(Outage::new("a line that cannot be read")) } else { Ok(panes) },
            });
        }
        shown
    }

    /// What the agents' beads say.
    pub fn ask_reports(&mut self, snapshot: &mut Snapshot) {
        if self.has(&Fault::Bd) {
            snapshot.reports = Reports::Unknown(Outage::new("bd show: exit status 1"));
            return;
        }
        let mut reports = SortedMap::new();
        for agent in &snapshot.agents {
            let report = match self.words.get(&agent.id).copied() {
                None => Report::Says("idle".to_owned()),
                Some("missing") => Report::Missing,
                Some("unknown") => Report::Unknown,
                Some(word) => Report::Says(word.to_owned()),
            };
            reports.insert(agent.bead.clone(), report);
            snapshot.reported_at.insert(agent.bead.clone(), Wall::from_nanos(0));
        }
        snapshot.reports = Reports::Asked(reports);
    }
}

fn pane_as_seen(pane: &Pane) -> seen::Pane {
    let (state, process) = match pane.holds {
        Holds::Program => (PaneState::Running, pane.process),
        Holds::Shell => (PaneState::BareShell, pane.process),
        Holds::Nothing(how) => (PaneState::Dead(how), gtd::town::process::Process { start: 0, ..pane.process }),
    };
    let command = if pane.owner == Owner::Other { "vim" } else { "node" };
    seen::Pane {
        id: pane.id,
        process,
        state,
        command: command.to_owned(),
        in_mode: pane.in_mode,
        synchronized: pane.synchronized,
        elsewhere: None,
        unread: Some(pane.unread),
        foreground: None,
        agent: pane.mark.clone(),
        output: Wall::from_seconds(pane.output),
    }
}

pub fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}
