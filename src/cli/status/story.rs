//! One agent's story: what it is, why, what comes next, and what happened before, as the log tells it.

use super::super::screen::Screen;
use super::super::{Exit, Refusal};
use super::facts::{Facts, answered, since, state};
use super::table::{entry, joined, strip};
use crate::service::instance::{GIVE_WAY, Holder, daemon_dir};
use crate::service::log::tail;
use crate::service::state::AgentStatus;
use crate::sys::files;
use crate::town::agent::AgentId;
use crate::town::duration::brief;
use crate::town::identity::Roll;
use crate::town::names::Generation;
use crate::town::rigs::{Rig, SavedRig};
use crate::town::text::{clean, shown};
use crate::world::spool::crew;
use std::fmt::Arguments;
use std::path::PathBuf;

/// Events that are shown.
const EVENTS: usize = 20;
/// Screens that are shown.
const SCREENS: usize = 5;

/// An agent, and what the files tell of it.
pub struct Story {
    /// As it was last judged.
    pub status: AgentStatus,
    /// The last events, the oldest first: when, and what.
    pub events: Vec<(String, String)>,
    /// Its saved screens, the newest first.
    pub screens: Vec<PathBuf>,
}

impl Story {
    /// Finds the agent that somebody calls by its name, its session or its label.
    pub fn of(facts: &Facts, name: &str) -> Result<Story, Refusal> {
        if facts.own().is_none() && !facts.is_gtds() {
            let how = if facts.is_running() { GIVE_WAY } else { "gtd --background starts one" };
            let town = facts.town.display();
            return Err(Refusal::new(Exit::NotRunning, format_args!("no gtd has served {town} yet; {how}")));
        }
        let agents = facts.own().map(|own| own.agents.as_slice()).unwrap_or_default();
        let wanted = name.trim_end_matches('/');
        let is_it = |status: &&AgentStatus| {
            let names = [status.agent.to_string(), status.session.clone(), status.agent.label()];
            names.iter().any(|known| known.eq_ignore_ascii_case(wanted))
        };
        let status = agents.iter().find(is_it).cloned().ok_or("gtd has seen no such agent".to_owned());
        let status = status.or_else(|why| unsupervised(facts, wanted).unwrap_or(Err(why)));
        let status = status.map_err(|why| {
            let known: Vec<String> = agents.iter().take(10).map(|status| status.agent.to_string()).collect();
            let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
            Refusal::new(Exit::Usage, format_args!("{}: {why}; it has seen {known}", shown(name, 80)))
        })?;
        Ok(Story { events: events(facts, &status), screens: screens(facts, &status.agent), status })
    }

    /// As a person reads it.
    pub fn show(&self, facts: &Facts, screen: Screen) -> String {
        let status = &self.status;
        let mut lines = Vec::new();
        let mut say = |what: &str, text: Arguments<'_>| lines.push(entry(screen, what, text));
        let rule = if status.rule == 0 { String::new() } else { format!(" (rule {})", status.rule) };
        say("agent", format_args!("{}", status.agent));
        let history = facts.history(status);
        let for_how_long = history.and_then(since).map(|at| format!(" for {}", facts.ago(at))).unwrap_or_default();
        say("state", format_args!("{}{for_how_long}", state(status, history)));
        if let Some(at) = facts.looked_at() {
            let ago = facts.ago(at);
            match facts.holder {
                Holder::Gtd(_) => say("seen", format_args!("{ago} ago")),
                Holder::Nobody => say("seen", format_args!("{ago} ago; no daemon runs")),
                other => say("seen", format_args!("{ago} ago; {other} serves the town now")),
            }
        }
        say("why", format_args!("{}{rule}", facts.reason(status)));
        say("next", format_args!("{}", next(facts, status)));
        if let Some(history) = history {
            if let Some(program) = history.program.filter(|_| history.gone.is_none()) {
                say("program", format_args!("PID {}", program.process.pid));
            }
            let counted = match history.restarts.len() {
                0 => String::new(),
                1 => "; 1 restart counts for back-off".to_owned(),
                n => format!("; {n} restarts count for back-off"),
            };
            let last = history.starts.last().map(|at| format!(", the last {} ago", facts.ago(*at))).unwrap_or_default();
            say("starts", format_args!("{} by gtd in 24h{last}{counted}", facts.starts(history)));
            if let Some(at) = history.last_poke {
                let how = match (answered(history), history.last_poke_delivered) {
                    (Some(false), _) => "not answered",
                    (_, true) => "answered",
                    (_, false) => "not taken, but its screen changed",
                };
                say("heartbeat", format_args!("{} ago, {how}", facts.ago(at.wall)));
            }
        }
        let own = facts.own();
        for (claim, how) in facts.requests().into_iter().filter(|(claim, _)| claim.agent == status.agent) {
            say("request", format_args!("{}, by {}, {how} for {}", claim.action, claim.source, facts.ago(claim.at)));
        }
        let socket = own.and_then(|own| own.history.server.as_ref()).map_or("", |server| server.socket.as_str());
        let socket = if socket.is_empty() { String::new() } else { format!("{socket} ") };
        // What is to be copied is not folded. A session that was never made cannot be looked at.
        if history.is_some_and(|history| history.program.is_some()) {
            let line = format!("tmux {socket}attach -t '={}'", status.session);
            lines.push(format!("{:13}{}", "attach", clean(&line, 500)));
        }
        for path in &self.screens {
            let path = path.strip_prefix(&facts.town).unwrap_or(path);
            lines.push(format!("{:13}{}", "screen", clean(&path.display().to_string(), 500)));
        }
        let looks = strip(facts, status, screen, screen.width - 13);
        if !looks.is_empty() {
            lines.push(format!("{:13}{looks}", "looks"));
        }
        lines.push(String::new());
        if self.events.is_empty() {
            lines.push(screen.fold("the log tells of no event", 0, 0));
        }
        for (at, what) in &self.events {
            lines.push(format!("{at} {}", screen.fold(what, at.len() + 1, 4)));
        }
        joined(&lines)
    }
}

/// Somebody whom gtd does not look after, but starts and ends when it is asked to; `None` where the name is nobody's.
fn unsupervised(facts: &Facts, name: &str) -> Option<Result<AgentStatus, String>> {
    let history = &facts.own()?.history;
    let table = history.names.as_ref().map_or(Generation::Seed, |names| names.generation).table();
    let rigs: Vec<Rig> = history.rigs.iter().flatten().filter_map(SavedRig::rig).collect();
    let crew = crew(&facts.town, &rigs);
    let roll = Roll { table, rigs: &rigs, crew: &crew };
    let agent = match roll.find(name) {
        Ok(agent) => agent,
        Err(why) => return roll.is_polecat(name).then_some(Err(why)),
    };
    let session = table.agent(&facts.town, agent.clone(), roll.rig(&agent)).session;
    let held = history.agent(&agent).shut_down.is_some();
    Some(Ok(AgentStatus {
        agent,
        session,
        state: "unsupervised".to_owned(),
        reason: if held {
            "shut down on request"
        } else {
            "gtd does not look after it, and does only what it is asked for"
        }
        .to_owned(),
        until: None,
        rule: 0,
        otherwise: Some("nothing, until somebody asks: gtd --request start".to_owned()),
    }))
}

/// What comes next, and when.
pub fn next(facts: &Facts, status: &AgentStatus) -> String {
    match facts.holder {
        Holder::Gtd(_) => {}
        Holder::Nobody => return "nothing, until a daemon runs: gtd --background".to_owned(),
        other => return format!("nothing by gtd while {other} serves the town: {GIVE_WAY}"),
    }
    let Some(otherwise) = &status.otherwise else {
        return match facts.own().and_then(|own| own.next_heartbeat).map(|at| facts.left(at.wall)) {
            Some(Some(left)) => format!("the next heartbeat comes in {}", brief(left)),
            Some(None) => "a heartbeat is due".to_owned(),
            None => "the next look".to_owned(),
        };
    };
    // Whom to name is known here.
    let mut text = otherwise.clone();
    for action in ["reset", "restart", "start"] {
        let bare = format!("gtd --request {action}");
        if let Some((before, after)) = text.split_once(&bare)
            && (after.is_empty() || after.starts_with([' ', ',', ';']))
        {
            text = format!("{before}{bare} {}{after}", status.agent);
        }
    }
    text
}

/// What the log tells of an agent. Heartbeats that went well are one event, however many there were.
fn events(facts: &Facts, status: &AgentStatus) -> Vec<(String, String)> {
    let poked = format!("Poked {}", status.agent.label());
    let mut events: Vec<(String, String)> = Vec::new();
    let mut pokes = 0;
    for line in tail(&daemon_dir(&facts.town)) {
        let Some((at, what)) = line.get(..19).zip(line.get(20..)) else { continue };
        if !mentions(what, status) {
            continue;
        }
        let event = (clean(at, 30), clean(what, 500));
        if what == poked {
            pokes += 1;
            if pokes > 1 {
                events.pop();
                events.push((event.0, format!("{poked}, the last of {pokes} heartbeats in a row")));
                continue;
            }
        } else {
            pokes = 0;
        }
        events.push(event);
    }
    let surplus = events.len().saturating_sub(EVENTS);
    events.split_off(surplus)
}

/// Whether a line of the log tells of this agent, under any of its names.
fn mentions(line: &str, status: &AgentStatus) -> bool {
    let label = status.agent.label();
    let session = label.split_once(" for ").map(|(role, rig)| format!("{role} session for {rig}"));
    // Only the roles are written with a great letter at times, and their words are ASCII: the rules of all scripts are 8 kB.
    let line = line.to_ascii_lowercase();
    let mut names = vec![label, status.agent.to_string(), status.session.clone()];
    names.extend(session);
    names.iter().any(|name| has_word(&line, &name.to_ascii_lowercase()))
}

fn has_word(line: &str, name: &str) -> bool {
    let part_of_name = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + name.len()..];
        let ends = !after.starts_with(part_of_name) && !after.starts_with("'s ");
        !before.is_some_and(part_of_name) && ends
    })
}

/// The newest of an agent's saved screens.
fn screens(facts: &Facts, agent: &AgentId) -> Vec<PathBuf> {
    let dir = daemon_dir(&facts.town).join("screens");
    let start = format!("{}.", agent.to_string().replace('/', "-"));
    let mut names = files::names(&dir);
    names.retain(|name| name.starts_with(&start));
    names.iter().rev().take(SCREENS).map(|name| dir.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_of_an_agent_only_under_its_whole_name() {
        let status = AgentStatus {
            agent: "alpha/witness".parse().expect("an agent"),
            session: "gt-alpha-witness".to_owned(),
            state: "alive".to_owned(),
            reason: String::new(),
            until: None,
            rule: 0,
            otherwise: None,
        };
        for line in [
            "Poked witness for alpha",
            "Witness session for alpha started successfully",
            "tmux lost 3 agents at once: Deacon, witness for alpha, witness for beta",
            "Error triggering gt-alpha-witness: no",
        ] {
            assert!(mentions(line, &status), "{line}");
        }
        for line in ["Poked witness for alpha2", "Poked witness for x-alpha", "Poked Deacon", "gt-alpha-witness-2", ""]
        {
            assert!(!mentions(line, &status), "{line}");
        }
        let deacon = AgentStatus { agent: AgentId::Deacon, session: "gt-deacon".to_owned(), ..status };
        assert!(mentions("Poked Deacon", &deacon) && mentions("Deacon is gone (PID 1): no session", &deacon));
        assert!(!mentions("The Deacon's mail cannot be read (x)", &deacon));
    }
}
