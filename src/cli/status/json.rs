//! The same facts for machines: one object, documented in the README, with a version of its own.

use super::facts::{Facts, answered, lives, since};
use super::story::{Story, next};
use crate::service::conditions::OpenCondition;
use crate::service::instance::Holder;
use crate::service::state::AgentStatus;
use crate::town::json::{Object, ToJson, lines};
use crate::town::request::Claim;
use crate::town::time::{Moment, Wall};

/// The version of the object. It grows when a key goes or changes its meaning, not when one is added.
const FORMAT: u32 = 1;

/// The daemon and every agent.
pub fn all(facts: &Facts) -> String {
    lines(&All(facts))
}

/// One agent's story.
pub fn one(facts: &Facts, story: &Story) -> String {
    lines(&One(facts, story))
}

struct All<'a>(&'a Facts);

impl ToJson for All<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        put_head(&mut object, self.0);
        let own = self.0.own();
        let conditions = own.map_or(&[][..], |own| &own.conditions);
        let condition = |open: &OpenCondition| Pair(["text", "since"], open.text.clone(), open.since.wall);
        object.put_always("conditions", &conditions.iter().map(condition).collect::<Vec<_>>());
        let requests = self.0.requests();
        object.put_always("requests", &requests.iter().map(|(claim, _)| Request(claim)).collect::<Vec<_>>());
        let spawned: Vec<&String> = own.iter().flat_map(|own| own.history.spawns.keys()).collect();
        object.put_always("spawned", &spawned);
        let agents = own.map_or(&[][..], |own| &own.agents);
        object.put_always("agents", &agents.iter().map(|status| Agent(self.0, status, None)).collect::<Vec<_>>());
        object.end();
    }
}

struct One<'a>(&'a Facts, &'a Story);

impl ToJson for One<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let One(facts, story) = self;
        let mut object = Object::new(out);
        put_head(&mut object, facts);
        object.put_always("agent", &Agent(facts, &story.status, Some(next(facts, &story.status))));
        object.put_always(
            "events",
            &story.events.iter().map(|(at, what)| Pair(["at", "text"], at, what)).collect::<Vec<_>>(),
        );
        object.put_always("screens", &story.screens);
        object.end();
    }
}

fn put_head(object: &mut Object, facts: &Facts) {
    let (holder, pid) = match facts.holder {
        Holder::Nobody => ("nobody", None),
        Holder::Gtd(pid) => ("gtd", Some(pid)),
        Holder::Other(pid) => ("other", pid),
        Holder::GtDaemon(pid) => ("gt daemon", Some(pid)),
    };
    let own = facts.own();
    object.put_always("format", &FORMAT);
    object.put_always("gtd", &env!("CARGO_PKG_VERSION"));
    object.put_always("town", &facts.town);
    let mut daemon = object.put_object("daemon");
    daemon.put_always("running", &facts.is_running());
    daemon.put_always("holder", &holder);
    daemon.put_always("pid", &pid);
    daemon.put_always("version", &own.map(|own| &own.version));
    daemon.put_always("started_at", &facts.started_at());
    daemon.put_always("replaced_on_disk", &own.and_then(|own| own.program.as_ref()?.is_replaced()));
    daemon.end();
    let mut heartbeats = object.put_object("heartbeats");
    heartbeats.put_always("count", &facts.state.as_ref().map_or(0, |state| state.heartbeat_count));
    heartbeats.put_always("last_at", &facts.last_heartbeat());
    heartbeats.put_always("next_at", &wall(own.and_then(|own| own.next_heartbeat).filter(|_| facts.is_gtds())));
    heartbeats.put_always("rhythm", &own.map(|own| &own.rhythm));
    heartbeats.end();
    let gastown = |generation, why| Pair(["generation", "why"], generation, why);
    let gastown = own.and_then(|own| match (&own.no_generation, &own.history.names) {
        (Some(why), _) => Some(gastown(None, why)),
        (None, names) => names.as_ref().map(|names| gastown(Some(names.generation.word()), &names.why)),
    });
    object.put_always("gastown", &gastown);
    object.put_always("looked_at", &wall(own.and_then(|own| own.looked_at)));
}

/// An object of two keys.
struct Pair<A, B>([&'static str; 2], A, B);

impl<A: ToJson, B: ToJson> ToJson for Pair<A, B> {
    fn write(&self, out: &mut Vec<u8>) {
        let Pair([first, second], one, other) = self;
        let mut object = Object::new(out);
        object.put_always(first, one);
        object.put_always(second, other);
        object.end();
    }
}

struct Request<'a>(&'a Claim);

impl ToJson for Request<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        object.put_always("action", &self.0.action);
        object.put_always("agent", &self.0.agent);
        object.put_always("source", &self.0.source.to_string());
        object.put_always("since", &self.0.at);
        object.end();
    }
}

/// An agent, and in its story what comes next.
struct Agent<'a>(&'a Facts, &'a AgentStatus, Option<String>);

impl ToJson for Agent<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let Agent(facts, status, next) = self;
        let history = facts.history(status);
        let mut object = Object::new(out);
        object.put_always("agent", &status.agent);
        object.put_always("session", &status.session);
        object.put_always("state", &status.state);
        object.put_always("alive", &history.and_then(lives));
        object.put_always("reason", &status.reason);
        object.put_always("rule", &status.rule);
        object.put_always("until", &wall(status.until));
        object.put_always("otherwise", &status.otherwise);
        object.put("next", next);
        object.put_always("since", &history.and_then(since));
        let program = history.filter(|history| history.gone.is_none()).and_then(|history| history.program);
        object.put_always("pid", &program.map(|program| program.process.pid));
        object.put_always("starts_in_24h", &(history.map_or(0, |history| facts.starts(history)) as u64));
        object.put_always("restarts_counted", &(history.map_or(0, |history| history.restarts.len()) as u64));
        object.put_always("quarantined_since", &wall(history.and_then(|history| history.quarantined)));
        object.put_always("last_heartbeat_at", &wall(history.and_then(|history| history.last_poke)));
        object.put_always("answered", &history.and_then(answered));
        object.put_always("looks", &history.map_or("", |history| history.strip.as_str()));
        object.end();
    }
}

/// Machines get the wall clock, in the time of Greenwich.
fn wall(at: Option<Moment>) -> Option<Wall> {
    at.map(|at| at.wall)
}
