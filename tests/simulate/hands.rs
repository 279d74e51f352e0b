//! What the recipes of `src/world` do to the town: clear, start, mark, poke, end a session. Each line is guarded as the real one is,
//! and time passes between two lines. The checks here look at what is really touched.

use crate::life::{Life, Step};
use crate::tmux::{Holds, Owner, Session};
use crate::town::{Event, Fault, ROOT};
use gtd::town::names::Agent;
use gtd::town::outcome::{Delivery, Done, Outcome};
use gtd::town::plan::{Addressee, PaneRef, Place, Plan, Verdict};
use gtd::town::process::Process;
use gtd::town::snapshot::{Ended, Snapshot};

/// What is to be cleared away for one agent.
pub struct Clearing {
    pub session: String,
    pub pane: Option<PaneRef>,
    pub leftover: Option<Process>,
}

impl Life {
    pub fn act(&mut self, plan: &Plan, snapshot: &Snapshot, outcomes: &mut Vec<Outcome>) -> Step {
        for mark in &plan.marks {
            self.spend(1)?;
            let result = self.mark(&mark.pane);
            outcomes.push(Outcome { agent: mark.agent.clone(), result: Done::Marked(result) });
        }
        let mut jobs = Vec::new();
        let mut starts: Vec<(&Agent, &Place, bool)> = Vec::new();
        for (id, verdict) in &plan.verdicts {
            let Verdict::Start { place, restart, leftover, .. } = verdict else { continue };
            let Some(agent) = snapshot.agents.iter().find(|agent| agent.id == *id) else { continue };
            let (pane, leftover) = match place {
                Place::InPlace(pane) => (Some(pane.clone()), None),
                Place::NewSession | Place::NewWindow => (None, *leftover),
            };
            jobs.push(Clearing { session: agent.session.clone(), pane, leftover });
            starts.push((agent, place, *restart));
        }
        self.clear(&jobs)?;
        for (agent, place, restart) in starts {
            let result = self.start(agent, place, restart)?;
            outcomes.push(Outcome { agent: agent.id.clone(), result });
        }
        self.poke_all(plan, snapshot, outcomes)
    }

    fn mark(&mut self, pane: &PaneRef) -> Result<(), String> {
        if self.town.has(&Fault::Tmux) {
            return Err("no answer within 5s".to_owned());
        }
        let Some(found) = self.town.tmux.guarded(pane) else {
            return Err("its pane has changed meanwhile".to_owned());
        };
        found.mark = Some(pane.session.clone());
        if let Some(session) = self.town.tmux.sessions.get_mut(&pane.session) {
            session.town = Some(ROOT.to_owned());
        }
        Ok(())
    }

    /// Ends the trees of all of these.
    pub fn clear(&mut self, jobs: &[Clearing]) -> Step {
        let roots = |job: &Clearing| job.pane.iter().map(|pane| pane.process).chain(job.leftover).collect::<Vec<_>>();
        if jobs.iter().all(|job| roots(job).is_empty()) {
            return Ok(());
        }
        self.spend(4)?;
        for pane in jobs.iter().filter_map(|job| job.pane.as_ref()) {
            if let Some(found) = self.town.tmux.guarded(pane) {
                found.remains = true;
            }
        }
        let took = self.town.chance.span(3, 3_000);
        self.spend(took)?;
        for job in jobs {
            for root in roots(job) {
                let of_agent = |pane: &crate::tmux::Pane| pane.owner == Owner::Agent(job.session.clone());
                let found = self.town.tmux.programs().find(|pane| pane.process == root);
                self.hold("only an agent's own program is ended", found.is_none_or(of_agent), || {
                    format!("{root:?} is ended for {}: {found:?}", job.session)
                });
                if found.is_some() && self.town.tmux.end(root, Ended::Signal(15)) {
                    self.say(|| format!("gtd: ended PID {} for {}", root.pid, job.session));
                    self.note_end(root);
                }
            }
        }
        self.spend(1)
    }

    /// Starts an agent, for whom the way was cleared.
    pub fn start(&mut self, agent: &Agent, place: &Place, restart: bool) -> Step<Done> {
        let took = self.town.chance.between(2, 12);
        self.spend(took)?;
        let failed = |why: &str| Ok(Done::StartFailed { why: why.to_owned(), restart });
        if self.town.has(&Fault::Tmux) || self.town.has(&Fault::Starts) {
            return failed("tmux new-session: no space for new pane");
        }
        let session = agent.session.as_str();
        let there = self.town.tmux.sessions.contains_key(session);
        let old = match place {
            Place::NewSession if there => return failed("duplicate session"),
            Place::NewWindow if !there => return failed("no such session"),
            Place::NewSession | Place::NewWindow => None,
            Place::InPlace(pane) => match self.town.tmux.guarded(pane).map(|pane| (pane.id, pane.process)) {
                Some(found) => Some(found),
                None if there => return failed("its pane has changed meanwhile"),
                None => None,
            },
        };
        let (id, process) = self.new_program(session, old.map(|(id, _)| id), true);
        if let Some((_, old)) = old {
            self.note_end(old);
        }
        let took = self.town.chance.between(1, 30);
        self.spend(took)?;
        // A process that has ended by now has no start time any more.
        let start = if self.town.tmux.lives(process) { process.start } else { 0 };
        Ok(Done::Started { pane: id, process: Process { start, ..process }, restart })
    }

    /// Runs an agent's program: in this pane, or in a new one of its session, or in a new session.
    pub fn new_program(&mut self, name: &str, pane: Option<u32>, by_gtd: bool) -> (u32, Process) {
        let (tick, wall) = (self.town.tick(), self.town.seconds());
        let mut new = self.town.tmux.pane(Owner::Agent(name.to_owned()), tick, wall);
        new.busy = self.town.chance.percent(20);
        new.hung = self.town.has(&Fault::Hang(name.to_owned()));
        new.busy &= !new.hung;
        new.in_shell = !by_gtd && self.town.chance.percent(50);
        new.remains = by_gtd;
        new.mark = by_gtd.then(|| name.to_owned());
        let process = new.process;
        let session = self.town.tmux.sessions.entry(name.to_owned()).or_insert_with(|| Session {
            town: by_gtd.then(|| ROOT.to_owned()),
            path: "/t/deacon",
            attached: 0,
            last_input: wall - 100_000,
            typing: false,
            unreadable: false,
            panes: Vec::new(),
        });
        if let Some(old) = session.panes.iter_mut().find(|old| Some(old.id) == pane) {
            (new.id, new.remains, new.mark) = (old.id, old.remains, old.mark.take().or(new.mark));
            let id = new.id;
            *old = new;
            self.life_of(name, process);
            return (id, process);
        }
        let id = new.id;
        session.panes.push(new);
        self.life_of(name, process);
        (id, process)
    }

    /// How long a new program lives.
    fn life_of(&mut self, name: &str, process: Process) {
        let looping = self.town.has(&Fault::Loop(name.to_owned()));
        let at_once = looping && self.town.chance.percent(90);
        if at_once {
            let lives = self.town.chance.span(1, 20_000);
            self.town.after(lives, Event::Dies(process));
        }
    }

    fn poke_all(&mut self, plan: &Plan, snapshot: &Snapshot, outcomes: &mut Vec<Outcome>) -> Step {
        let pokes = plan.verdicts.iter().filter_map(|(id, verdict)| match verdict {
            Verdict::Poke { to, .. } => Some((id, to)),
            _ => None,
        });
        let pokes: Vec<_> = pokes.collect();
        if pokes.is_empty() {
            return Ok(());
        }
        self.spend(50)?;
        let mut results = Vec::new();
        for (_, to) in &pokes {
            results.push(self.type_into(to, &Owner::Agent(to.pane.session.clone()), snapshot));
        }
        self.spend(400)?;
        for ((id, _), delivery) in pokes.into_iter().zip(results) {
            outcomes.push(Outcome { agent: id.clone(), result: Done::Poked(delivery) });
        }
        Ok(())
    }

    /// Types a line into a pane, if that is still as it was.
    pub fn type_into(&mut self, to: &Addressee, owner: &Owner, snapshot: &Snapshot) -> Delivery {
        let pane = &to.pane;
        if self.town.has(&Fault::Tmux) {
            return Delivery::Failed("no answer within 5s".to_owned());
        }
        let now = self.town.seconds();
        let untouched = self.town.tmux.sessions.get(&pane.session).is_some_and(|s| s.last_input == to.last_input);
        let Some(found) = self.town.tmux.guarded(pane).filter(|found| untouched && !found.synchronized) else {
            return Delivery::Stale;
        };
        if matches!(found.holds, Holds::Nothing(_)) {
            return Delivery::Stale;
        }
        let (whose, is_shell) = (found.owner.clone(), found.holds == Holds::Shell);
        if to.in_mode {
            found.in_mode = false;
        }
        let reads = !found.hung;
        if reads {
            found.output = now;
        } else {
            found.unread += 40;
        }
        // A shell that was left since the look cannot be told from the agent that was in it.
        let shown_alive =
            snapshot.sessions.as_deref().unwrap_or_default().iter().any(|session| session.name == pane.session);
        self.hold("what is typed goes to the agent's own pane", whose == *owner && shown_alive, || {
            format!("{pane:?} is {whose:?}'s, a shell: {is_shell}")
        });
        if reads { Delivery::Taken } else { Delivery::NotShown }
    }

    /// The last step of a shutdown.
    pub fn end_session(&mut self, pane: &PaneRef, alone: bool) -> Step<Result<(), String>> {
        self.spend(4)?;
        if self.town.has(&Fault::Tmux) {
            return Ok(Err("no answer within 5s".to_owned()));
        }
        let Some(found) = self.town.tmux.guarded(pane) else {
            return Ok(Ok(()));
        };
        let (id, process) = (found.id, found.process);
        if alone {
            let others = self.town.tmux.sessions.get(&pane.session).is_some_and(|session| session.panes.len() > 1);
            self.hold("nobody else's pane is ended", !others, || format!("{pane:?}"));
            for process in self.town.tmux.kill_session(&pane.session) {
                self.note_end(process);
            }
        } else {
            self.town.tmux.kill_pane(&pane.session, id);
            self.note_end(process);
        }
        self.spend(1)?;
        Ok(Ok(()))
    }
}
