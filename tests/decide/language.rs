//! The language of the cases: what is said of the town is parsed into a snapshot, and goes through the real observe,
//! decide and record.

use crate::invariants;
use gtd::decide::{after_sleep, decide, observe, record};
use gtd::town::agent::{AgentId, Name, Role};
use gtd::town::config::Config;
use gtd::town::duration::{brief, parse_duration};
use gtd::town::history::History;
use gtd::town::json;
use gtd::town::names::{Agent, Generation};
use gtd::town::outage::Outage;
use gtd::town::outcome::{Delivery, Done, Outcome};
use gtd::town::plan::{Place, Plan, Trigger, Verdict};
use gtd::town::process::Process;
use gtd::town::rigs::Rig;
use gtd::town::snapshot::{Dock, Elsewhere, Ended, Holds, Inbox, Pane, PaneState, Report, Reports, Session, Snapshot};
use gtd::town::sorted::SortedMap;
use gtd::town::time::{Moment, Tick, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROOT: &str = "/home/owner/gt";
const BEGINNING: Wall = Wall::from_seconds(1_800_000_000);
const LONG_AGO: Wall = Wall::from_seconds(1_799_000_000);
/// A tmux server has other panes, too.
const FIRST_PANE: u32 = 3;

/// Runs a transcript and compares it with what it says.
#[track_caller]
pub fn case(transcript: &str) {
    let at = std::panic::Location::caller();
    let wanted = lines(transcript);
    let told = run(&wanted).unwrap_or_else(|(line, why)| panic!("{at}: in {line:?}: {why}"));
    if told != wanted {
        let first = told.iter().zip(&wanted).find(|(told, wanted)| told != wanted);
        let (told_line, wanted_line) = first.map_or(("", "(the end)"), |(t, w)| (t.as_str(), w.as_str()));
        let told = told.join("\n");
        panic!("{at}: told\n{told_line}\nwanted\n{wanted_line}\nthe whole transcript as it is:\n{told}\n");
    }
}

/// Without the indentation that all of them have, and without empty lines at both ends.
fn lines(transcript: &str) -> Vec<String> {
    let lines: Vec<&str> = transcript.lines().map(str::trim_end).collect();
    let indent = lines.iter().filter(|l| !l.is_empty()).map(|l| l.len() - l.trim_start().len()).min().unwrap_or(0);
    let text: Vec<String> = lines.iter().map(|l| l.get(indent..).unwrap_or_default().to_owned()).collect();
    let end = text.iter().rposition(|l| !l.is_empty()).map_or(0, |n| n + 1);
    text[..end].iter().skip_while(|l| l.is_empty()).cloned().collect()
}

fn run(wanted: &[String]) -> Result<Vec<String>, (String, String)> {
    let mut told = Vec::new();
    let mut town = Town::new();
    let mut due: Option<Trigger> = None;
    for line in wanted.iter().filter(|line| !line.trim_start().starts_with('|')) {
        let blame = |why: String| (line.clone(), why);
        if !line.starts_with(' ') {
            told.extend(due.take().map(|trigger| town.look(trigger)).unwrap_or_default());
        }
        let text = line.split('#').next().unwrap_or_default().trim();
        if let Some(head) = text.strip_prefix("at ") {
            due = Some(town.go_to(head).map_err(blame)?);
        } else if !text.is_empty() {
            town.hear(text).map_err(blame)?;
        }
        told.push(line.clone());
    }
    told.extend(due.map(|trigger| town.look(trigger)).unwrap_or_default());
    Ok(told)
}

/// An agent that reads nothing and prints nothing.
struct Hung {
    /// What its terminal tells of it.
    unread: Option<u32>,
    /// Whether a restart changes nothing.
    for_good: bool,
}

struct Town {
    /// Since the beginning of the case.
    time: Duration,
    booted: Duration,
    wall_set: i64,
    generation: Result<Generation, Outage>,
    rigs: Vec<Rig>,
    config: Config,
    sessions: BTreeMap<String, Session>,
    tmux: Result<(), Outage>,
    reports: BTreeMap<String, Report>,
    bd: Result<(), Outage>,
    holds: Holds,
    elsewhere: Elsewhere,
    docks: BTreeMap<Name, Dock>,
    activity: Option<Wall>,
    failing: BTreeMap<AgentId, String>,
    dying: BTreeSet<AgentId>,
    hung: BTreeMap<AgentId, Hung>,
    next_pid: u32,
    next_pane: u32,
    history: History,
    shown: BTreeSet<String>,
}

impl Town {
    fn new() -> Town {
        Town {
            time: Duration::ZERO,
            booted: Duration::ZERO,
            wall_set: 0,
            generation: Ok(Generation::Seed),
            rigs: Vec::new(),
            config: Config::default(),
            sessions: BTreeMap::new(),
            tmux: Ok(()),
            reports: BTreeMap::new(),
            bd: Ok(()),
            holds: Holds::default(),
            elsewhere: Elsewhere::Nobody,
            docks: BTreeMap::new(),
            activity: None,
            failing: BTreeMap::new(),
            dying: BTreeSet::new(),
            hung: BTreeMap::new(),
            next_pid: 1000,
            next_pane: FIRST_PANE,
            history: History::default(),
            shown: BTreeSet::new(),
        }
    }

    fn now(&self) -> Moment {
        let up = self.time.saturating_sub(self.booted).as_millis();
        let wall = BEGINNING.plus(self.time).seconds() + self.wall_set;
        let below = self.time.subsec_nanos();
        Moment {
            wall: Wall::from_seconds(wall).plus(Duration::from_nanos(below.into())),
            tick: Tick::from_millis(10_000 + u64::try_from(up).expect("a short time")),
        }
    }

    /// `5s`, or `5m heartbeat`.
    fn go_to(&mut self, head: &str) -> Result<Trigger, String> {
        let (time, trigger) = match head.split_once(' ') {
            None => (head, Trigger::Look),
            Some((time, "heartbeat")) => (time, Trigger::Heartbeat),
            Some((_, other)) => return Err(format!("{other:?} is no kind of look")),
        };
        let time = parse_duration(time).ok_or("no time")?;
        if time < self.time {
            return Err("time goes forward".to_owned());
        }
        self.time = time;
        Ok(trigger)
    }

    fn agents(&self) -> Vec<Agent> {
        let table = self.generation.as_ref().copied().unwrap_or(Generation::Seed).table();
        let agent = |id, rig| table.agent(Path::new(ROOT), id, rig);
        let mut agents = vec![agent(AgentId::Deacon, None)];
        agents.extend(self.rigs.iter().map(|rig| agent(AgentId::Witness(rig.name.clone()), Some(rig))));
        if self.config.patrols(Role::Refinery) {
            agents.extend(self.rigs.iter().map(|rig| agent(AgentId::Refinery(rig.name.clone()), Some(rig))));
        }
        agents
    }

    fn agent(&self, id: &AgentId) -> Result<Agent, String> {
        self.agents().into_iter().find(|agent| agent.id == *id).ok_or_else(|| format!("{id} is not in this town"))
    }

    /// One look: what gtd answers.
    fn look(&mut self, trigger: Trigger) -> Vec<String> {
        let mut snapshot = self.snapshot(trigger);
        let now = snapshot.now;
        let events = observe(&mut self.history, &snapshot);
        let mut plan = decide(trigger, &snapshot, &self.history);
        if trigger == Trigger::Look && plan.clone().drop_pokes() {
            // As the daemon does it: whoever is to be poked is asked first.
            snapshot.reports = self.snapshot(Trigger::Heartbeat).reports;
            plan = decide(trigger, &snapshot, &self.history);
        }
        invariants::check(&snapshot, &plan);
        let mut told: Vec<String> = events.iter().map(|event| format!("! {event}")).collect();
        let text = plan.to_string();
        let (verdicts, rhythm) = text.trim_end().rsplit_once('\n').unwrap_or_default();
        if !self.shown.contains("rhythm alone") {
            told.extend(verdicts.lines().map(str::to_owned));
        }
        if self.shown.contains("resizes") {
            let resized = plan.verdicts.iter().filter(|(_, v)| matches!(v, Verdict::Poke { to, .. } if to.resize));
            told.extend(resized.map(|(id, _)| format!("its window is resized for {id}")));
        }
        if self.shown.contains("marks") {
            told.extend(plan.marks.iter().map(|mark| format!("mark %{} for {}", mark.pane.id, mark.agent)));
        }
        if self.shown.contains("rhythm") || self.shown.contains("rhythm alone") {
            told.push(rhythm.to_owned());
        }
        if self.shown.contains("next heartbeat") {
            told.push(match plan.next_heartbeat.since(now) {
                Duration::ZERO => "a heartbeat is due".to_owned(),
                left => format!("next heartbeat in {}", brief(left)),
            });
        }
        if self.shown.contains("next look") {
            told.push(format!("next look in {}", brief(plan.next_look.since(now))));
        }
        let outcomes = self.act(&plan, now);
        record(&mut self.history, trigger, &plan, &outcomes, &self.config, now);
        told.into_iter().map(|line| format!("    | {line}").trim_end().to_owned()).collect()
    }

    fn snapshot(&self, trigger: Trigger) -> Snapshot {
        let reports = match (trigger, &self.bd) {
            (Trigger::Look, _) => Reports::NotAsked,
            (Trigger::Heartbeat, Ok(())) => Reports::Asked(self.reports.clone().into_iter().collect()),
            (Trigger::Heartbeat, Err(outage)) => Reports::Unknown(outage.clone()),
        };
        Snapshot {
            now: self.now(),
            root: PathBuf::from(ROOT),
            config: self.config.clone(),
            generation: self.generation.clone(),
            generation_why: "configured".to_owned(),
            gastown: None,
            elsewhere: self.elsewhere.clone(),
            docks: self.docks.clone().into_iter().collect(),
            left_out: SortedMap::new(),
            rigs: self.rigs.clone(),
            agents: self.agents(),
            sessions: self.tmux.clone().map(|()| self.sessions.values().cloned().collect()),
            reports,
            reported_at: SortedMap::new(),
            inbox: Inbox::NotAsked,
            spool: Vec::new(),
            crew: Vec::new(),
            wishes: SortedMap::new(),
            holds: self.holds.clone(),
            activity: self.activity,
            troubles: Vec::new(),
            socket: String::new(),
            server: None,
        }
    }

    fn act(&mut self, plan: &Plan, now: Moment) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for mark in &plan.marks {
            let session = self.sessions.get_mut(&mark.pane.session).expect("a session that was there");
            session.town = Some(ROOT.to_owned());
            let panes = session.panes.as_mut().expect("its panes");
            let pane = panes.iter_mut().find(|pane| pane.id == mark.pane.id).expect("its pane");
            pane.agent = Some(session.name.clone());
            outcomes.push(Outcome { agent: mark.agent.clone(), result: Done::Marked(Ok(())) });
        }
        for (id, verdict) in &plan.verdicts {
            let result = match verdict {
                Verdict::Start { place, restart, .. } => match self.failing.get(id) {
                    Some(why) => Done::StartFailed { why: why.clone(), restart: *restart },
                    None => self.start(id, place, *restart, now),
                },
                Verdict::Poke { to, .. } => {
                    let session = self.sessions.get_mut(&to.pane.session).expect("a session that was there");
                    let panes = session.panes.as_mut().expect("its panes");
                    let pane = panes.iter_mut().find(|p| p.id == to.pane.id).expect("its pane");
                    match self.hung.get(id) {
                        Some(hung) => {
                            pane.unread = hung.unread;
                            Done::Poked(Delivery::NotShown)
                        }
                        None => {
                            pane.output = now.wall.plus(Duration::from_secs(1));
                            Done::Poked(Delivery::Taken)
                        }
                    }
                }
                _ => continue,
            };
            outcomes.push(Outcome { agent: id.clone(), result });
        }
        outcomes
    }

    fn start(&mut self, id: &AgentId, place: &Place, restart: bool, now: Moment) -> Done {
        let agent = self.agent(id).expect("an agent of the town");
        self.hung.retain(|hung, how| hung != id || how.for_good);
        let pid = self.next_pid;
        self.next_pid += 1;
        let mut pane = self.new_pane(pid, now.wall);
        pane.agent = Some(agent.session.clone());
        let process = pane.process;
        if self.dying.contains(id) {
            pane.state = PaneState::Dead(Ended::Status(1));
            pane.process.start = 0;
        }
        let session = self.sessions.entry(agent.session.clone()).or_insert_with(|| new_session(&agent));
        session.town = Some(ROOT.to_owned());
        let panes = session.panes.as_mut().expect("its panes");
        match place {
            Place::InPlace(dead) => {
                pane.id = dead.id;
                panes.retain(|p| p.id != dead.id);
            }
            Place::NewSession | Place::NewWindow => {}
        }
        let number = pane.id;
        panes.push(pane);
        Done::Started { pane: number, process, restart }
    }

    fn new_pane(&mut self, pid: u32, output: Wall) -> Pane {
        let id = self.next_pane;
        self.next_pane += 1;
        Pane {
            id,
            process: process(pid),
            state: PaneState::Running,
            command: "node".to_owned(),
            in_mode: false,
            synchronized: false,
            unread: None,
            foreground: None,
            elsewhere: None,
            agent: None,
            output,
        }
    }

    /// One line about the town.
    fn hear(&mut self, line: &str) -> Result<(), String> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        if let Ok(id) = first.trim_end_matches(',').parse::<AgentId>() {
            return rest.split(", ").try_for_each(|clause| self.hear_of(&id, clause.trim()));
        }
        match (first, rest) {
            ("town", _) => self.found(rest)?,
            ("show", what) => self.shown = what.split(", ").map(str::to_owned).collect(),
            ("config", json) => {
                let (config, warnings) = Config::parse(json.as_bytes())?;
                match &warnings[..] {
                    [] => self.config = config,
                    _ => return Err(warnings.join("; ")),
                }
            }
            ("tmux", "works") => self.tmux = Ok(()),
            ("tmux", why) => self.tmux = Err(Outage::new(why)),
            ("bd", "works") => self.bd = Ok(()),
            ("bd", why) => self.bd = Err(Outage::new(why)),
            ("gt", "is unknown") => self.generation = Err(Outage::new("there is no gt to ask")),
            ("gt", word) => self.generation = Ok(generation(word)?),
            ("ESTOP", "lifted") => self.holds.estop = None,
            ("ESTOP", reason) => self.holds.estop = Some(reason.to_owned()),
            ("shutdown.lock", "held") => self.holds.shutting_down = true,
            ("shutting-down", "gone") => self.holds.going_down = None,
            ("shutting-down", pid) => self.holds.going_down = Some(pid.parse().map_err(|_| "a PID?")?),
            ("Deacon", "resumed") => self.holds.paused = None,
            ("Deacon", text) => {
                let reason = text.strip_prefix("paused").ok_or("paused or resumed")?;
                self.holds.paused = Some(reason.trim().to_owned());
            }
            ("elsewhere", "nobody") => self.elsewhere = Elsewhere::Nobody,
            ("elsewhere", text) => {
                let unknown = |why, former| Elsewhere::Unknown { outage: Outage::new(why), former };
                self.elsewhere = match (text.strip_prefix("unknown "), text.strip_prefix("where it was unknown ")) {
                    (Some(why), _) => unknown(why, false),
                    (_, Some(why)) => unknown(why, true),
                    _ => {
                        let lives = |agent: &Agent| text.split(' ').any(|word| word == agent.session);
                        let agents = self.agents().into_iter().filter(lives).map(|agent| agent.id).collect();
                        Elsewhere::Somebody { text: text.to_owned(), agents }
                    }
                }
            }
            ("shutdown.lock", "free") => self.holds.shutting_down = false,
            ("activity", "none") => self.activity = None,
            ("activity", when) => self.activity = Some(self.when(when)?),
            ("session", other) => self.other_session(other)?,
            ("rig", text) => match text.split_once(' ') {
                Some((rig, "leaves")) => self.rigs.retain(|r| r.name.as_str() != rig),
                Some((rig, "joins")) => self.rigs.push(parse_rig(rig)?),
                Some((rig, state)) => self.hear_of_rig(Name::parse(rig)?, state)?,
                None => return Err("what of that rig?".to_owned()),
            },
            ("gtd", "restarts") => self.save_and_load(),
            ("machine", "reboots") => {
                self.save_and_load();
                self.history.after_reboot();
                self.sessions.clear();
                self.booted = self.time;
            }
            ("machine", "slept") => {
                let now = self.now();
                after_sleep(&mut self.history, self.config.grace, now);
            }
            ("clock", set) => {
                let set = set.strip_prefix("set back by ").and_then(parse_duration).ok_or("set back by what?")?;
                self.wall_set -= i64::try_from(set.as_secs()).map_err(|e| e.to_string())?;
            }
            (stop, lifted) if stop.starts_with("ESTOP.") => {
                let rig = Name::parse(&stop["ESTOP.".len()..])?;
                match lifted {
                    "lifted" => self.holds.stopped_rigs.remove(&rig),
                    why => self.holds.stopped_rigs.insert(rig, why.to_owned()),
                };
            }
            _ => return Err("these words are not known".to_owned()),
        }
        Ok(())
    }

    /// What `gt` was told of a rig, and what `bd` says of it.
    fn hear_of_rig(&mut self, rig: Name, state: &str) -> Result<(), String> {
        let holds = &mut self.holds;
        match state {
            "parked" => drop(holds.parked.insert(rig)),
            "unparked" => drop(holds.parked.remove(&rig)),
            "auto_restart off" => drop(holds.no_restart.insert(rig)),
            "auto_restart unset" => drop(holds.no_restart.remove(&rig)),
            "docked" => drop(self.docks.insert(rig.clone(), Dock::Docked(format!("status:docked on al-rig-{rig}")))),
            "undocked" => drop(self.docks.insert(rig, Dock::Free)),
            _ => match state.strip_prefix("dock unknown ") {
                Some(why) => drop(self.docks.insert(rig, Dock::Unknown(Outage::new(why)))),
                None => return Err(format!("{state:?} is nothing that a rig does")),
            },
        }
        Ok(())
    }

    /// `seed`, or `v1.0: alpha(al) beta`: a generation and the rigs with their prefixes.
    fn found(&mut self, text: &str) -> Result<(), String> {
        let (word, rigs) = text.split_once(':').unwrap_or((text, ""));
        self.generation = Ok(generation(word)?);
        self.rigs = rigs.split_whitespace().map(parse_rig).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn save_and_load(&mut self) {
        self.history = json::parse(&json::line(&self.history)).expect("what was written can be read");
    }

    /// `gt-alpha-max output 3m ago`, or `other in /elsewhere output 3m ago`: one that gtd does not supervise.
    fn other_session(&mut self, text: &str) -> Result<(), String> {
        let (place, output) = text.split_once(" output ").ok_or("its output?")?;
        let (name, path) = place.split_once(" in ").unwrap_or((place, ROOT));
        let output = self.when(output)?;
        let pane = self.new_pane(7000, output);
        let session = Session {
            name: name.to_owned(),
            town: None,
            path: PathBuf::from(path),
            attached: 0,
            last_input: LONG_AGO,
            panes: Ok(vec![pane]),
        };
        self.sessions.insert(name.to_owned(), session);
        Ok(())
    }

    /// `now`, `3m ago`, `1h ahead`.
    fn when(&self, text: &str) -> Result<Wall, String> {
        let now = self.now().wall;
        let read = |text: &str| parse_duration(text).ok_or_else(|| format!("{text:?} is no time"));
        match text.split_once(' ') {
            None if text == "now" => Ok(now),
            Some((time, "ago")) => Ok(now.minus(read(time)?)),
            Some((time, "ahead")) => Ok(now.plus(read(time)?)),
            _ => Err(format!("{text:?} is no time")),
        }
    }

    /// One clause about an agent.
    fn hear_of(&mut self, id: &AgentId, clause: &str) -> Result<(), String> {
        let agent = self.agent(id)?;
        let now = self.now().wall;
        if let Some(state) = pane_state(clause)? {
            let (state, pid) = state;
            return self.set_pane(&agent, state, pid, now);
        }
        let (word, rest) = clause.split_once(' ').unwrap_or((clause, ""));
        match (word, rest) {
            ("gone", "") => drop(self.sessions.remove(&agent.session)),
            ("reports", "nothing") => drop(self.reports.insert(agent.bead, Report::Missing)),
            ("reports", "rubbish") => drop(self.reports.insert(agent.bead, Report::Unknown)),
            ("reports", says) => drop(self.reports.insert(agent.bead, Report::Says(says.to_owned()))),
            ("fails", "no more") => drop(self.failing.remove(id)),
            ("fails", why) => drop(self.failing.insert(id.clone(), why.to_owned())),
            ("dies", "at once") => drop(self.dying.insert(id.clone())),
            ("dies", "no more") => drop(self.dying.remove(id)),
            ("hangs", how) => {
                let (unread, for_good) = match how {
                    "" => (Some(47), false),
                    "for good" => (Some(47), true),
                    "untold" => (None, false),
                    _ => return Err(format!("{how:?} is no way to hang")),
                };
                self.hung.insert(id.clone(), Hung { unread, for_good });
            }
            ("recovers", "") => {
                self.hung.remove(id);
                let pane = &mut self.session(&agent)?.panes.as_mut().map_err(|e| e.to_string())?[0];
                (pane.unread, pane.output) = (None, now);
            }
            ("directory", "gone") => drop(self.holds.no_directory.insert(id.clone())),
            ("directory", "back") => drop(self.holds.no_directory.remove(id)),
            ("output" | "typed", when) => {
                let when = self.when(when)?;
                let session = self.session(&agent)?;
                match word {
                    "typed" => session.last_input = when,
                    _ => session.panes.as_mut().map_err(|e| e.to_string())?[0].output = when,
                }
            }
            ("attached", "") => self.session(&agent)?.attached = 1,
            ("detached", "") => self.session(&agent)?.attached = 0,
            ("marked", town) => self.session(&agent)?.town = Some(town.to_owned()),
            ("in", path) => self.session(&agent)?.path = PathBuf::from(path),
            ("unreadable", why) => self.session(&agent)?.panes = Err(Outage::new(why)),
            // The PID is used again, by another program.
            ("reborn", "") => {
                let panes = self.session(&agent)?.panes.as_mut().map_err(|e| e.to_string())?;
                panes[0].process.start += 1;
            }
            ("pane", "gone") => {
                let mut persons = self.new_pane(6000, now);
                persons.command = "vim".to_owned();
                self.session(&agent)?.panes = Ok(vec![persons]);
            }
            ("joined", "") => {
                let mut persons = self.new_pane(6001, now);
                persons.command = "vim".to_owned();
                self.session(&agent)?.panes.as_mut().map_err(|e| e.to_string())?.push(persons);
            }
            _ => return Err(format!("{clause:?} is not known")),
        }
        Ok(())
    }

    fn session(&mut self, agent: &Agent) -> Result<&mut Session, String> {
        self.sessions.get_mut(&agent.session).ok_or_else(|| format!("{} has no session", agent.id))
    }

    /// Makes the agent's pane what the case says of it; makes its session, unmarked, where there is none.
    fn set_pane(&mut self, agent: &Agent, state: PaneState, pid: u32, now: Wall) -> Result<(), String> {
        let fresh = self.new_pane(pid, now);
        let session = self.sessions.entry(agent.session.clone()).or_insert_with(|| new_session(agent));
        let panes = session.panes.as_mut().map_err(|e| e.to_string())?;
        if panes.is_empty() {
            panes.push(fresh);
        }
        let pane = &mut panes[0];
        pane.state = state;
        pane.process = match state {
            PaneState::Dead(_) => Process { pid, start: 0 },
            _ => process(pid),
        };
        Ok(())
    }
}

/// `alive 100`, `bare shell 100`, `dead 100`, `killed 100`: what is in the pane, and its PID.
fn pane_state(clause: &str) -> Result<Option<(PaneState, u32)>, String> {
    let Some((words, pid)) = clause.rsplit_once(' ') else { return Ok(None) };
    let state = match words {
        "alive" => PaneState::Running,
        "bare shell" => PaneState::BareShell,
        "dead" => PaneState::Dead(Ended::Status(1)),
        "killed" => PaneState::Dead(Ended::Signal(9)),
        "ended" => PaneState::Dead(Ended::Unknown),
        _ => return Ok(None),
    };
    let pid = pid.parse().map_err(|_| format!("{pid:?} is no PID"))?;
    Ok(Some((state, pid)))
}

fn process(pid: u32) -> Process {
    Process { pid, start: u64::from(pid) * 10 }
}

fn new_session(agent: &Agent) -> Session {
    Session {
        name: agent.session.clone(),
        town: None,
        path: agent.dir.clone(),
        attached: 0,
        last_input: LONG_AGO,
        panes: Ok(Vec::new()),
    }
}

fn generation(word: &str) -> Result<Generation, String> {
    let all = Generation::ALL.into_iter();
    all.clone().find(|g| g.word() == word.trim()).ok_or_else(|| format!("{word:?} is no generation"))
}

fn parse_rig(text: &str) -> Result<Rig, String> {
    let (name, prefix) = text.strip_suffix(')').and_then(|t| t.split_once('(')).unwrap_or((text, "gt"));
    Ok(Rig { name: Name::parse(name)?, prefix: Name::parse(prefix)? })
}
