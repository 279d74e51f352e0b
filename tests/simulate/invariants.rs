//! What is promised of every look, plan, deed and memory, each as a check that names itself.

use crate::life::Life;
use crate::pacing::{Page, Truth, Way};
use crate::tmux::{Holds, Owner, Tmux};
use crate::town::{HOUR, MINUTE, ROOT, SECOND};
use gtd::decide::requests::Deed;
use gtd::decide::stale::stale;
use gtd::town::agent::AgentId;
use gtd::town::names::Agent;
use gtd::town::plan::{Delay, Plan, Trigger, Verdict};
use gtd::town::process::Process;
use gtd::town::request::{Action, Claim};
use gtd::town::snapshot::{PaneState, Report, Reports, Session, Snapshot};

/// An agent in the town as it really is, as far as a look can tell.
pub fn truth(tmux: &Tmux, snapshot: &Snapshot, agent: &Agent, page: Option<&Page>) -> Truth {
    if snapshot.sessions.is_err() {
        return Truth::Unknown;
    }
    let moved = || {
        let last = page.and_then(Page::last_program)?;
        let shown = tmux.sessions.values().filter(|session| !session.unreadable);
        let mut panes = shown.flat_map(|session| &session.panes);
        panes.find(|pane| pane.process == last && pane.holds == Holds::Program)
    };
    let Some(session) = tmux.sessions.get(&agent.session) else {
        return if moved().is_some() { Truth::Moved } else { Truth::Gone(Way::NoSession) };
    };
    if session.unreadable {
        return Truth::Unknown;
    }
    if session.town.as_deref().unwrap_or(session.path).split('/').nth(1) != Some(&ROOT[1..]) {
        return Truth::Foreign;
    }
    let marked = session.panes.iter().find(|pane| pane.mark.as_ref() == Some(&agent.session));
    let lowest = || session.panes.iter().min_by_key(|pane| pane.id).filter(|_| session.town.is_none());
    match marked.or_else(lowest) {
        None if moved().is_some() => Truth::Moved,
        None => Truth::Gone(Way::NoPane),
        Some(pane) => match pane.holds {
            Holds::Program => Truth::Alive(pane.process),
            Holds::Shell => Truth::Gone(Way::Shell(pane.process.pid)),
            Holds::Nothing(_) => Truth::Gone(Way::Dead(pane.process.pid)),
        },
    }
}

/// Whether an agent's session is used by somebody who typed within so many seconds.
fn is_in_use(session: Option<&Session>, snapshot: &Snapshot, seconds: i64) -> bool {
    session.is_some_and(|session| {
        let ago = snapshot.now.wall.seconds() - session.last_input.seconds();
        session.attached > 0 && (0..=seconds).contains(&ago)
    })
}

/// Rule 1, as far as it holds for requests too.
fn is_held_for_all(agent: &Agent, snapshot: &Snapshot) -> bool {
    let holds = &snapshot.holds;
    let stopped = holds.estop.is_some() || agent.id.rig().is_some_and(|rig| holds.stopped_rigs.contains_key(rig));
    let twin = snapshot.agents.iter().any(|other| other.session == agent.session && other.id != agent.id);
    let stopped = stopped && agent.id != AgentId::Mayor;
    snapshot.generation.is_err() || stopped || holds.shutting_down || twin || holds.no_directory.contains(&agent.id)
}

impl Life {
    fn is_held(&self, agent: &Agent, snapshot: &Snapshot) -> bool {
        let config = &snapshot.config;
        let off = !config.patrols(agent.id.role());
        let asked = self.gtd.history.requests.iter().any(|claim| claim.agent == agent.id);
        let shut_down = self.gtd.history.agent(&agent.id).shut_down.is_some();
        is_held_for_all(agent, snapshot) || off || asked || shut_down
    }

    pub fn check_plan(&mut self, trigger: Trigger, snapshot: &Snapshot, plan: &Plan) {
        let now = plan.now.tick;
        let (next, latest) = (plan.next_look.tick, now.plus(snapshot.config.look_interval));
        self.hold("the next look comes within the look interval", next > now && next <= latest, || {
            format!("{next:?} for {now:?}")
        });
        let longest = snapshot.config.heartbeat_interval.unwrap_or_default().as_millis().max(u128::from(HOUR));
        let beat = plan.next_heartbeat.tick;
        let in_time = u128::from(beat.millis()) <= u128::from(now.millis()) + longest;
        self.hold("the next heartbeat comes within its interval", in_time, || format!("{beat:?} for {now:?}"));
        let later = trigger == Trigger::Look || beat > now;
        self.hold("no heartbeat follows upon another", later, || format!("{beat:?} for {now:?}"));
        self.hold("one verdict for each agent", plan.verdicts.len() == snapshot.agents.len(), || plan.to_string());
        let recent = self.book.starts.iter().filter(|at| now.millis() - **at < 2 * SECOND).count();
        let mut planned = 0;
        for (n, agent) in snapshot.agents.iter().enumerate() {
            let (verdict, truth) = (&plan.verdicts[n].1, self.truths[n].1.clone());
            let held = self.is_held(agent, snapshot);
            let acts = matches!(verdict, Verdict::Start { .. } | Verdict::Poke { .. });
            let story = || format!("{} is {truth:?} at {now:?}: {verdict:?}", agent.id);
            self.hold("a hold is never broken", !(held && acts), story);
            let session = snapshot.sessions.as_deref().unwrap_or_default().iter().find(|s| s.name == agent.session);
            match truth {
                Truth::Unknown => self.hold("nothing is done on an unknown", !acts, story),
                Truth::Foreign => self.hold("another town's session is left alone", !acts, story),
                Truth::Moved => self.hold("who lives elsewhere is not started again", !acts, story),
                Truth::Alive(_) => {
                    let starts = matches!(verdict, Verdict::Start { .. } | Verdict::Wait { .. });
                    let hung = self.is_hung(&agent.session);
                    self.hold("who lives and answers is not started", !starts || hung, story);
                    if matches!(verdict, Verdict::Start { .. }) {
                        let page = &self.book.pages[&agent.id];
                        let vain = page.in_vain;
                        self.hold("two restarts of a silent agent, and no more", vain < 2, story);
                        let due = page.due_for_silence();
                        self.hold("silence is no reason to hurry", due <= now.millis(), story);
                        self.hold("at most 5 starts in 2 s", recent + planned < 5, story);
                    }
                    if matches!(verdict, Verdict::Poke { .. }) {
                        self.check_poke(agent, trigger, snapshot, session);
                    }
                }
                Truth::Gone(_) if held => {}
                Truth::Gone(_) => {
                    self.hold("who is gone is not poked", !matches!(verdict, Verdict::Poke { .. }), story);
                    self.check_start(agent, verdict, snapshot, plan, recent + planned);
                }
            }
            planned += usize::from(matches!(verdict, Verdict::Start { .. }));
        }
    }

    /// The pacing: neither sooner nor later.
    fn check_start(&self, agent: &Agent, verdict: &Verdict, snapshot: &Snapshot, plan: &Plan, started: usize) {
        let now = plan.now.tick.millis();
        let page = &self.book.pages[&agent.id];
        let due = page.due(&snapshot.config).unwrap_or(u64::MAX);
        let story = || format!("{} at {now}, due at {due}: {verdict:?}; {page:?}", agent.id);
        let starts = matches!(verdict, Verdict::Start { .. });
        self.hold("never a start inside the pacing", !starts || due <= now, story);
        self.hold("at most 5 starts in 2 s", !starts || started < 5, story);
        if let Verdict::Start { restart, .. } = verdict {
            self.hold("a restart is counted, a first start is not", *restart != page.is_first(), story);
        }
        if due > now {
            let next = plan.next_look.tick.millis();
            let seen = next <= due || matches!(verdict, Verdict::Wait { why: Delay::Person, .. });
            self.hold("who waits is looked at when its time comes", seen, story);
            return;
        }
        let session = snapshot.sessions.as_deref().unwrap_or_default().iter().find(|s| s.name == agent.session);
        let waits_well = match verdict {
            Verdict::Wait { why: Delay::Turn, .. } => started >= 5,
            Verdict::Wait { why: Delay::Person, .. } => {
                let shell = |s: &Session| {
                    s.panes.as_deref().unwrap_or_default().iter().any(|p| p.state == PaneState::BareShell)
                };
                session.is_some_and(shell) && is_in_use(session, snapshot, 300)
            }
            verdict => matches!(verdict, Verdict::Start { .. }),
        };
        self.hold("whose time has come is started", waits_well, story);
    }

    fn check_poke(&self, agent: &Agent, trigger: Trigger, snapshot: &Snapshot, session: Option<&Session>) {
        let now = snapshot.now.tick.millis();
        let grace = self.book.pages[&agent.id].grace;
        self.hold("nobody is poked within grace", grace <= now, || format!("{} at {now}: {grace}", agent.id));
        let used = is_in_use(session, snapshot, 59);
        self.hold("nobody is poked while a person types", !used, || format!("{}: {session:?}", agent.id));
        let entry = self.gtd.history.agent(&agent.id);
        // The second poke of one that has not answered the first.
        let again = self.is_hung(&agent.session) && entry.silence.is_some_and(|silence| silence.second.is_none());
        let wanted = trigger == Trigger::Heartbeat || entry.poke_owed || again;
        self.hold("pokes come with heartbeats", wanted && snapshot.config.heartbeat_enabled, || agent.id.to_string());
        if let Reports::Asked(reports) = &snapshot.reports
            && let Some(Report::Says(word)) = reports.get(&agent.bead)
        {
            let silent = matches!(word.as_str(), "stuck" | "dead" | "awaiting-gate" | "paused");
            self.hold("who asks for a person is not poked", !silent, || format!("{} says {word}", agent.id));
        }
    }

    pub fn is_hung(&self, session: &str) -> bool {
        let session = self.town.tmux.sessions.get(session);
        session.is_some_and(|session| session.panes.iter().any(|pane| pane.hung))
    }

    pub fn note_start(&mut self, id: &AgentId, process: Option<Process>, counted: bool, now: u64) {
        let config = self.gtd.config.clone();
        match process {
            Some(process) => {
                self.tally.starts += 1;
                self.page(id).started(process, counted, now, &config);
            }
            None => {
                self.tally.failed_starts += 1;
                self.page(id).failed(counted, now);
            }
        }
        self.book.starts.push_back(now);
        if self.book.starts.len() > 20 {
            self.book.starts.pop_front();
        }
    }

    pub fn check_heartbeat(&mut self, plan: &Plan) {
        let now = plan.now.tick.millis();
        self.tally.heartbeats += 1;
        let config = &self.gtd.config;
        let shortest = config.heartbeat_interval.map_or(5 * MINUTE, |interval| interval.as_millis() as u64);
        if let Some(last) = self.gtd.last_heartbeat.replace(now) {
            let gap = now - last;
            self.hold("heartbeats never come in a burst", gap >= shortest, || format!("one after {gap} ms"));
            let longest = shortest.max(HOUR) + 10 * MINUTE;
            let slept = self.gtd.slept.is_some_and(|at| at >= last);
            self.hold("heartbeats never stop", slept || gap <= longest, || format!("one after {gap} ms"));
        }
        // A second burst of pokes right after those that came late would be one heartbeat too many.
        let late = self.town.tick() - now;
        if late > 5 * MINUTE {
            self.gtd.last_heartbeat = self.gtd.history.last_heartbeat.map(|at| at.tick.millis());
        }
    }

    pub fn check_stale(&self, snapshot: &Snapshot, plan: &Plan) {
        for stale in stale(snapshot, &self.gtd.history, plan) {
            let alive = matches!(self.shown(&stale.agent), Some(Truth::Alive(_) | Truth::Unknown));
            self.hold("nobody who lives is marked dead", !alive, || format!("{stale:?}"));
        }
    }

    pub fn check_deed(&self, claim: &Claim, agent: &Agent, deed: &Deed, snapshot: &Snapshot) {
        let truth = truth(&self.town.tmux, snapshot, agent, self.book.pages.get(&agent.id));
        let story = || format!("{claim:?}, {truth:?}: {deed:?}");
        let acts = matches!(deed, Deed::Restart { .. } | Deed::End { .. });
        self.hold(
            "no request is done on an unknown",
            !(acts && matches!(truth, Truth::Unknown | Truth::Foreign)),
            story,
        );
        match deed {
            Deed::Restart { old, .. } => {
                self.hold("a hold is kept for a request too", !is_held_for_all(agent, snapshot), story);
                let earlier = self.behalf.get(&claim.source).map(Vec::as_slice).unwrap_or_default();
                let again = earlier.iter().any(|process| self.town.tmux.lives(*process));
                self.hold("a request is carried out once", !again, || {
                    format!("{claim:?} for the second time: {deed:?}")
                });
                let known = |process: Process| claim.program.is_some_and(|p| p.process.pid == process.pid);
                let other = matches!(truth, Truth::Alive(process) if old.is_some() && !known(process));
                self.hold("a request ends the program it was for", !other, story);
            }
            Deed::End { .. } => {
                let kept = claim.action == Action::Shutdown && !snapshot.holds.shutting_down;
                self.hold("nothing is ended while the town shuts down", kept && snapshot.generation.is_ok(), story);
            }
            Deed::Done(_) => {
                let is_down = matches!(truth, Truth::Gone(_) | Truth::Moved);
                let is_so = if claim.action == Action::Shutdown { is_down } else { matches!(truth, Truth::Alive(_)) };
                self.hold("what is called done is so", is_so, story);
            }
            Deed::GiveUp(_) | Deed::Wait(_) => {}
        }
    }

    /// What runs now was started for this request, whether or not gtd lives to know it.
    pub fn note_behalf(&mut self, claim: &Claim, agent: &Agent) {
        let of_agent = |pane: &&crate::tmux::Pane| pane.owner == Owner::Agent(agent.session.clone());
        let process = self.town.tmux.programs().find(of_agent).map(|pane| pane.process);
        self.behalf.entry(claim.source.clone()).or_default().extend(process);
    }

    pub fn check_memory(&self, snapshot: &Snapshot) {
        let history = &self.gtd.history;
        self.hold("few last starts are remembered", history.last_starts.len() <= 5, || format!("{history:?}"));
        if snapshot.generation.is_err() {
            return;
        }
        for (id, entry) in &history.agents {
            self.hold("few restarts are remembered", entry.restarts.len() <= 32, || format!("{id}: {entry:?}"));
            let page = self.book.pages.get(id);
            self.hold("who has left is forgotten after a day", page.is_some(), || format!("{id}: {entry:?}"));
        }
        for (id, truth) in &self.truths {
            if matches!(truth, Truth::Alive(_)) && history.agent(id).silence.is_some() {
                continue;
            }
            let (page, entry) = (&self.book.pages[id], history.agent(id));
            let same = page.is_quarantined() == entry.quarantined.is_some();
            self.hold("five restarts within 15 min are a loop, 30 min end it", same, || {
                format!("{id} is {truth:?}: {page:?}; {entry:?}")
            });
        }
    }
}
