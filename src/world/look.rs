//! One look at the town: everything that a decision needs, read once, in one place.

use super::World;
use super::gastown::{self, Ask, Found};
use super::tmux::Socket;
use super::{beads, holds, sessions, spool, tool, town_files};
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::process;
use crate::town::agent::{AgentId, Name, Role};
use crate::town::answers::KnownGastown;
use crate::town::history::History;
use crate::town::names::{Agent, Generation};
use crate::town::outage::Outage;
use crate::town::plan::Trigger;
use crate::town::process::Server;
use crate::town::rigs::{Rig, SavedRig};
use crate::town::snapshot::{Elsewhere, Inbox, Reports, Session, Snapshot};
use crate::town::sorted::{SortedMap, SortedSet};
use std::path::Path;
use std::time::Duration;

/// How long `gt --version` may take where somebody waits for what comes after it.
const PROMPT: Duration = Duration::from_secs(3);

impl World {
    /// Takes a snapshot: one tmux process and a few files. In a heartbeat `gt` may be asked which Gas Town this is, where
    /// nobody knows; `bd` is not asked here.
    ///
    /// # Errors
    /// [`Stopped`]. Whatever could not be found out is in the snapshot as such.
    pub fn look(&mut self, trigger: Trigger, history: &History) -> Result<Snapshot, Stopped> {
        self.left_alone.let_go();
        self.note_the_rest()?;
        let mut troubles = self.config_troubles.clone();
        troubles.extend(self.notes.troubles());
        let last_good = history.rigs.as_ref().map(|rigs| rigs.iter().filter_map(SavedRig::rig).collect());
        let rigs = town_files::read_rigs(&self.root, last_good, &mut troubles);
        troubles.extend(spool::trouble(&self.root));
        let found = self.find_generation(trigger, history.gastown.as_ref(), &rigs)?;
        let (generation, gastown) = (found.generation, found.answer);
        // Who lives under the last known names is watched on, though nobody is started under them.
        let last = history.names.as_ref().map(|names| names.generation);
        let names = generation.as_ref().ok().copied().or(last);
        let agents =
            supervised(&self.root, names.unwrap_or(Generation::Seed), &rigs, self.config.patrols(Role::Refinery));
        let files = generation.as_ref().map(|generation| generation.table().holds).ok();
        let holds = holds::read(&self.root, files, &rigs, &agents, &history.holds, &mut troubles);
        self.use_socket_of(names);
        self.note_former(history);
        // Only of those is it worth asking whether they read what is typed to them.
        let mut silent = SortedSet::new();
        for agent in &agents {
            if history.agent(&agent.id).silence.is_some() {
                silent.insert(agent.session.as_str());
            }
        }
        let (server, sessions) = self.sessions(history.server.as_ref(), &silent)?;
        let activity = town_files::read_activity(&self.root).filter(|at| !self.is_own_doing(*at));
        Ok(Snapshot {
            now: clock::now(),
            root: self.real_root.clone(),
            config: self.config.clone(),
            generation,
            generation_why: found.why,
            gastown,
            elsewhere: Elsewhere::NotAsked,
            docks: self.docks.known(),
            left_out: history.left_out.clone(),
            rigs,
            agents,
            socket: self.socket().map(|socket| socket.options().join(" ")).unwrap_or_default(),
            server,
            sessions,
            reports: Reports::NotAsked,
            reported_at: SortedMap::new(),
            inbox: Inbox::NotAsked,
            spool: Vec::new(),
            crew: Vec::new(),
            wishes: SortedMap::new(),
            holds,
            activity,
            troubles,
        })
    }

    /// Asks the agents' beads, where this generation's say anything, and notes the answers in the snapshot. The Mayor's and the
    /// Refineries' are asked too, supervised or not: theirs can be stale.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn ask_reports(&mut self, snapshot: &mut Snapshot) -> Result<(), Stopped> {
        let table = match &snapshot.generation {
            Ok(generation) if generation.table().asks_beads => generation.table(),
            _ => return Ok(()),
        };
        let Some(bd) = &self.tools.bd else {
            snapshot.reports = Reports::NoTool;
            return Ok(());
        };
        let mut others = Vec::new();
        for rig in &snapshot.rigs {
            others.push(table.agent(&self.root, AgentId::Refinery(rig.name.clone()), Some(rig)));
        }
        others.push(table.agent(&self.root, AgentId::Mayor, None));
        let (mut ids, mut known) = (Vec::new(), SortedSet::new());
        for agent in &snapshot.agents {
            known.insert(agent.bead.as_str());
            ids.push(agent.bead.as_str());
        }
        for agent in &others {
            if known.insert(agent.bead.as_str()) {
                ids.push(agent.bead.as_str());
            }
        }
        let command = tool::command(bd, &self.root, &self.config);
        let now = snapshot.now.wall;
        let answer = beads::ask_again(&command, &ids, &mut snapshot.left_out, now, &mut self.attention)?;
        (snapshot.reports, snapshot.reported_at) = (answer.reports, answer.times);
        Ok(())
    }

    fn find_generation(
        &mut self,
        trigger: Trigger,
        known: Option<&KnownGastown>,
        rigs: &[Rig],
    ) -> Result<Found, Stopped> {
        let gt = self.tools.gt.as_deref();
        let file = gt.map(|gt| (gt.to_owned(), gastown::changed(gt)));
        let ask = match trigger {
            _ if self.ask_gt => Ask::Now,
            Trigger::Heartbeat => Ask::IfNeeded,
            // A gt that was replaced is asked at once, but not again at each look where it does not answer.
            Trigger::Look if self.gt_file.is_some() && self.gt_file != file => Ask::IfNeeded,
            Trigger::Look => Ask::Never,
        };
        self.ask_gt = false;
        if ask != Ask::Never {
            self.gt_file = file;
        }
        let began = clock::now().wall;
        // Nobody who is woken has to wait long for it: a heartbeat asks again.
        let most = if ask == Ask::Now { PROMPT } else { Duration::MAX };
        let deadline = self.config.command_timeout.min(most);
        let command = |gt: &Path| tool::command(gt, &self.root, &self.config).deadline(deadline);
        let mut found = gastown::generation(&self.config, known, gt, (ask, began), command, &mut self.attention)?;
        if found.called {
            self.own_calls.note(began, clock::now().wall);
        }
        let Some(outage) = found.generation.as_ref().err().filter(|_| found.open).cloned() else {
            return Ok(found);
        };
        if ask != Ask::Never {
            match self.read_signs(rigs)? {
                Ok(sign) => {
                    found.generation = sign.generation.ok_or(outage);
                    found.why.clone_from(&sign.said);
                    found.answer = Some(sign);
                    return Ok(found);
                }
                Err(no_sign) => self.no_sign = Some(Outage::new(format!("{outage}; {no_sign}"))),
            }
        }
        // Between heartbeats it is as the last one found it.
        if let Some(no_sign) = &self.no_sign {
            found.generation = Err(no_sign.clone());
        }
        Ok(found)
    }

    /// Has `gt` asked at the next look which Gas Town this is, whatever is remembered.
    pub fn ask_gt_again(&mut self) {
        self.tools.find_missing();
        self.ask_gt = true;
    }

    /// Whether `gt` would be asked at a heartbeat which Gas Town this is.
    pub fn is_gt_due(&self, history: &History) -> bool {
        let gt = self.tools.gt.as_deref();
        gastown::is_due(&self.config, history.gastown.as_ref(), gt, clock::now().wall)
    }

    fn sessions(
        &mut self,
        known: Option<&Server>,
        silent: &SortedSet<&str>,
    ) -> Result<(Option<Server>, Sessions), Stopped> {
        let Some(tmux) = &self.tmux else {
            return Ok((None, Err(Outage::new("tmux is not installed, or not where gtd looks"))));
        };
        let lines = match tmux.panes(&mut self.attention)? {
            Ok(lines) => lines,
            Err(outage) => return Ok((None, Err(outage))),
        };
        if let Err(outage) = sessions::refuse_old(&lines) {
            return Ok((None, Err(outage)));
        }
        let socket = tmux.socket().options().join(" ");
        let server = sessions::server(&lines).map(|(pid, _)| Server { process: process::identify(pid), socket });
        if let Some(outage) = lost_server(server.as_ref(), known, tmux.socket()) {
            return Ok((None, Err(outage)));
        }
        self.server = server.as_ref().map(|server| server.process.pid);
        self.marked = sessions::marked(&lines);
        Ok((server, Ok(sessions::sessions(lines, silent))))
    }

    /// Notes where the town was before, if it was elsewhere and that tmux server lives.
    fn note_former(&mut self, history: &History) {
        let here = self.socket().cloned();
        self.former.clear();
        for known in [&history.server, &history.former_server] {
            if let Some(server) = known
                && process::lives(server.process)
                && let Some(socket) = Socket::of_options(&server.socket)
                && Some(&socket) != here.as_ref()
            {
                self.former.push(socket);
            }
        }
    }

    fn is_own_doing(&self, at: crate::town::time::Wall) -> bool {
        self.own_calls.cover(at)
    }
}

type Sessions = Result<Vec<Session>, Outage>;

/// Where the server that the town was on lives, and it is not the one that answers: its socket was removed, or `TMUX_TMPDIR`
/// is another one. Its agents live on unseen; a second set of them must not be started.
fn lost_server(found: Option<&Server>, known: Option<&Server>, socket: &Socket) -> Option<Outage> {
    let known = known.filter(|known| known.socket == socket.options().join(" "))?;
    let same = found.is_some_and(|found| found.process == known.process);
    (!same && process::lives(known.process)).then(|| {
        let pid = known.process.pid;
        Outage::new(format!(
            "the town's tmux server (PID {pid}) lives, but cannot be reached: its socket is gone, or TMUX_TMPDIR is another one; \
             kill -USR1 {pid} makes the socket anew"
        ))
    })
}

/// The agents of a town that gtd supervises, the Deacon first.
fn supervised(root: &Path, generation: Generation, rigs: &[Rig], refineries: bool) -> Vec<Agent> {
    let table = generation.table();
    let kinds: [fn(Name) -> AgentId; 2] = [AgentId::Witness, AgentId::Refinery];
    let mut agents = vec![table.agent(root, AgentId::Deacon, None)];
    for make in &kinds[..if refineries { 2 } else { 1 }] {
        for rig in rigs {
            agents.push(table.agent(root, make(rig.name.clone()), Some(rig)));
        }
    }
    agents
}
