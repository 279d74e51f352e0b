//! What must have come right after a calm: everybody lives and answers, and nothing that was asked for is left over.

use crate::letters::Fate;
use crate::life::Life;
use crate::tmux::{Holds, Owner};
use crate::town::DAY;
use gtd::town::agent::{AgentId, Role};
use gtd::town::names::Agent;

impl Life {
    /// Nothing has been wrong for some hours: everything has to be well.
    pub fn check_calm(&mut self) {
        self.tally.calms += 1;
        self.hold("gtd is up after a calm", self.gtd.up, String::new);
        self.check_alive("everybody lives after a calm");
        let agents = self.agents();
        let is_twin = |id: &AgentId| {
            let own = agents.iter().find(|agent| agent.id == *id);
            own.is_some_and(|own| agents.iter().any(|other| other.session == own.session && other.id != own.id))
        };
        for (source, letter) in &self.letters {
            let fate = self.book.fates.get(source);
            // Two agents with one session name are held for as long as they have it.
            let waits = fate == Some(&Fate::Taken) && is_twin(&letter.agent);
            let is_closed = fate.is_some_and(|fate| *fate != Fate::Taken);
            self.hold("every request ends", is_closed || waits, || format!("{source}: {letter:?}: {fate:?}"));
        }
        let stays = self.gtd.history.requests.iter().find(|claim| !is_twin(&claim.agent));
        self.hold("no request stays", stays.is_none(), || format!("{stays:?}"));
        let town = &self.town;
        self.hold("mails that were dealt with are deleted", town.inbox.is_empty(), || format!("{:?}", town.inbox));
        self.hold("the spool is empty", town.spool.is_empty(), || format!("{:?}", town.spool));
        self.hold("no worker waits for ever", town.pending.is_empty(), || format!("{:?}", town.pending));
        let history = &self.gtd.history;
        let recent = self.letters.values().filter(|letter| letter.made + 3 * DAY > self.town.t).count();
        let bounded = history.spent.len() <= recent + 20;
        self.hold("what was dealt with is forgotten", bounded, || format!("{:?}", history.spent));
        self.check_answers();
        // What is over need not be looked through again.
        let old = self.town.t.saturating_sub(3 * DAY);
        self.letters.retain(|_, letter| letter.made > old);
        let letters = &self.letters;
        self.book.fates.retain(|source, _| letters.contains_key(source));
        self.behalf.clear();
    }

    /// Who hangs was restarted, unless nobody is poked, or that was in vain before: then a person sees to it now.
    fn check_answers(&mut self) {
        for agent in self.agents() {
            let hung = self.is_hung(&agent.session);
            let in_vain = self.book.pages.get(&agent.id).is_some_and(|page| page.in_vain >= 2);
            let held = self.gtd.history.requests.iter().any(|claim| claim.agent == agent.id)
                || self.gtd.history.agent(&agent.id).shut_down.is_some()
                || self.is_twin(&agent);
            let excused = in_vain || held || !self.gtd.config.heartbeat_enabled;
            self.hold("who does not answer is restarted", !hung || excused, || {
                format!("{}: {:?}", agent.id, self.gtd.history.agent(&agent.id))
            });
        }
        for pane in self.town.tmux.sessions.values_mut().flat_map(|session| &mut session.panes) {
            (pane.hung, pane.unread) = (false, 0);
        }
    }

    fn is_twin(&mut self, own: &Agent) -> bool {
        self.agents().iter().any(|other| other.session == own.session && other.id != own.id)
    }

    /// Everybody lives who is not held.
    pub fn check_alive(&mut self, promise: &str) {
        let agents = self.agents();
        for agent in &agents {
            let twin = agents.iter().any(|other| other.session == agent.session && other.id != agent.id);
            let held = twin || self.gtd.history.agent(&agent.id).shut_down.is_some();
            let of_agent = |pane: &crate::tmux::Pane| {
                pane.holds == Holds::Program && pane.owner == Owner::Agent(agent.session.clone())
            };
            let lives = self.town.tmux.programs().any(of_agent);
            let off = agent.id.role() == Role::Refinery;
            self.hold(promise, held || lives || off, || {
                format!(
                    "{}: {:?}; {:?}",
                    agent.id,
                    self.book.pages.get(&agent.id),
                    self.town.tmux.sessions.get(&agent.session)
                )
            });
        }
    }
}
