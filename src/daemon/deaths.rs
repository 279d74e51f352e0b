//! Deaths: how they reach the main thread, how often they make it look, and who is watched.

use super::{Daemon, Pending};
use crate::service::log::Log;
use crate::service::signals::Event;
use crate::sys::attention::{Heard, Stopped};
use crate::sys::clock;
use crate::town::agent::AgentId;
use crate::town::snapshot::Snapshot;
use crate::town::sorted::{SortedMap, SortedSet};
use crossbeam_channel::Receiver;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// Looks for the sake of deaths are at least this far from each other.
const BETWEEN_DEATHS: Duration = Duration::from_secs(1);

/// Where the last look took longer, so may the next: then it is said at once who has ended, and after the look how. It takes
/// hundreds of agents, or a busy machine.
const SLOW_LOOK: Duration = Duration::from_millis(40);

/// Empties the channel into `pending`. A death that comes while something is under way that can take long is said here; else the
/// look that follows at once says it, and how.
pub(super) fn heed(
    inbox: Receiver<Event>,
    pending: Rc<RefCell<Pending>>,
    asking: Rc<Cell<Asking>>,
    watched: Rc<RefCell<SortedMap<u32, AgentId>>>,
    log: Log,
) -> impl FnMut() -> Heard {
    move || {
        let mut pending = pending.borrow_mut();
        let mut back = false;
        for event in inbox.try_iter() {
            if let Event::Ended { pid } = event {
                let who = || watched.borrow().get(&pid).map_or("A process that is watched".to_owned(), AgentId::label);
                let say = |when| log.warn(format_args!("{} has ended (PID {pid}); {when}", who()));
                match asking.get() {
                    Asking::No => pending.unsaid.push(pid),
                    Asking::Patiently => say("it is looked at as soon as what is under way has ended"),
                    Asking::UntilCalled => {
                        say("what is under way is broken off for that");
                        back = true;
                    }
                }
            }
            pending.take_in(event);
        }
        Heard { stop: pending.stop.is_some(), back }
    }
}

/// Whether something is under way that can take long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asking {
    /// Nothing is.
    #[default]
    No,
    /// Something that is to have its time.
    Patiently,
    /// Something that can be asked again, and is broken off where an agent ends.
    UntilCalled,
}

impl Daemon {
    /// Deaths are looked at at once, but not more often than once a second: a thousand at once are a few looks.
    pub(super) fn note_ended(&mut self, pending: &Pending) -> Result<(), Stopped> {
        if pending.ended.is_empty() {
            return Ok(());
        }
        self.ended.extend(pending.ended.iter().copied());
        if self.look_took > SLOW_LOOK {
            self.say_ended(&pending.unsaid);
        }
        let since = self.history.last_look.map(|last| clock::now().since(last));
        let left = since.and_then(|since| BETWEEN_DEATHS.checked_sub(since)).filter(|_| self.last_was_death);
        self.last_was_death = true;
        match left {
            Some(left) if !pending.wake && pending.due.is_none() => self.world.attention.pause(left),
            _ => Ok(()),
        }
    }

    fn say_ended(&self, pids: &[u32]) {
        let watched = self.watched.borrow();
        let mut agents: SortedSet<&AgentId> = SortedSet::new();
        // What ran within an agent's shell tells nothing of the agent by itself.
        let is_program = |id: &AgentId, pid| self.history.agent(id).program.is_some_and(|p| p.process.pid == pid);
        agents.extend(pids.iter().filter_map(|pid| watched.get(pid).filter(|id| is_program(id, *pid))));
        let Some(first) = agents.iter().next().map(|agent| agent.label()) else { return };
        match agents.len() - 1 {
            0 => self.log.warn(format_args!("{first} has ended; tmux is asked how")),
            more => self.log.warn(format_args!("{first} and {more} more have ended; tmux is asked how")),
        }
    }

    /// Has the sleeper wait for the end of every agent's processes, and of the tmux server: agents may outlive that unseen.
    pub(super) fn watch(&mut self, snapshot: &Snapshot) {
        let Some(sleeper) = &self.sleeper else { return };
        let mut pids: Vec<u32> = Vec::new();
        // One that does not answer may be about to end.
        if let Some(server) = snapshot.server.as_ref().or(self.history.server.as_ref()) {
            pids.push(server.process.pid);
        }
        let mut names: SortedMap<u32, AgentId> = SortedMap::new();
        for agent in &snapshot.agents {
            let entry = self.history.agent(&agent.id);
            if let Some(program) = entry.program.filter(|_| entry.gone.is_none() && entry.watched) {
                pids.push(program.process.pid);
                names.insert(program.process.pid, agent.id.clone());
            }
        }
        // What runs within an agent's shell may end and leave the shell.
        let mut foregrounds: Vec<(u32, AgentId)> = Vec::new();
        for session in snapshot.sessions.as_deref().unwrap_or_default() {
            for pane in session.panes.as_deref().unwrap_or_default() {
                if let (Some(foreground), Some(id)) = (pane.foreground, names.get(&pane.process.pid)) {
                    pids.push(foreground);
                    foregrounds.push((foreground, id.clone()));
                }
            }
        }
        names.extend(foregrounds);
        self.ended.retain(|pid| pids.contains(pid));
        pids.retain(|pid| !self.ended.contains(pid));
        let watched = sleeper.watch(&pids);
        self.unwatched = watched.err().map(|unwatched| unwatched.to_string());
        self.watched.replace(names);
    }
}
