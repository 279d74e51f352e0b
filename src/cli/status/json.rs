//! The same facts for machines: one object, documented in the README, with a version of its own.

use super::facts::{Facts, answered, lives, since};
use super::story::{Story, next};
use crate::service::instance::Holder;
use crate::service::state::AgentStatus;
use crate::town::json::pretty;
use crate::town::time::Wall;
use serde_json::{Value, json};

/// The version of the object. It grows when a key goes or changes its meaning, not when one is added.
const FORMAT: u32 = 1;

/// The daemon and every agent.
pub fn all(facts: &Facts) -> String {
    let mut object = head(facts);
    let own = facts.own();
    object["conditions"] = own.map_or_else(
        || json!([]),
        |own| own.conditions.iter().map(|c| json!({"text": c.text, "since": stamp(c.since.wall)})).collect(),
    );
    object["requests"] = own.map_or_else(
        || json!([]),
        |own| {
            let claims = own.history.requests.iter();
            let claims = claims.map(|claim| {
                json!({
                    "action": claim.action.to_string(), "agent": claim.agent.to_string(), "source": claim.source.to_string(),
                    "since": stamp(claim.at),
                })
            });
            claims.collect()
        },
    );
    object["spawned"] = own.map_or_else(|| json!([]), |own| own.history.spawns.keys().cloned().collect());
    object["agents"] =
        own.map_or_else(|| json!([]), |own| own.agents.iter().map(|status| agent(facts, status)).collect());
    text(&object)
}

/// One agent's story.
pub fn one(facts: &Facts, story: &Story) -> String {
    let mut object = head(facts);
    object["agent"] = agent(facts, &story.status);
    object["agent"]["next"] = json!(next(facts, &story.status));
    object["events"] = story.events.iter().map(|(at, what)| json!({"at": at, "text": what})).collect();
    object["screens"] = story.screens.iter().map(|path| json!(path)).collect();
    text(&object)
}

fn head(facts: &Facts) -> Value {
    let (holder, pid) = match facts.holder {
        Holder::Nobody => ("nobody", None),
        Holder::Gtd(pid) => ("gtd", Some(pid)),
        Holder::Other(pid) => ("other", pid),
        Holder::GtDaemon(pid) => ("gt daemon", Some(pid)),
    };
    let own = facts.own();
    let state = facts.state.as_ref();
    json!({
        "format": FORMAT,
        "gtd": env!("CARGO_PKG_VERSION"),
        "town": facts.town,
        "daemon": {
            "running": facts.is_running(),
            "holder": holder,
            "pid": pid,
            "version": own.map(|own| &own.version),
            "started_at": facts.started_at().map(stamp),
            "replaced_on_disk": own.and_then(|own| own.program.as_ref()?.is_replaced()),
        },
        "heartbeats": {
            "count": state.map_or(0, |state| state.heartbeat_count),
            "last_at": facts.last_heartbeat().map(stamp),
            "next_at": own.and_then(|own| own.next_heartbeat).filter(|_| facts.is_gtds()).map(|at| stamp(at.wall)),
            "rhythm": own.map(|own| &own.rhythm),
        },
        "gastown": own.and_then(|own| match (&own.no_generation, &own.history.names) {
            (Some(why), _) => Some(json!({"generation": null, "why": why})),
            (None, names) => names.as_ref().map(|names| json!({"generation": names.generation.word(), "why": names.why})),
        }),
        "looked_at": own.and_then(|own| own.looked_at).map(|at| stamp(at.wall)),
    })
}

fn agent(facts: &Facts, status: &AgentStatus) -> Value {
    let history = facts.history(status);
    json!({
        "agent": status.agent.to_string(),
        "session": status.session,
        "state": status.state,
        "alive": history.and_then(lives),
        "reason": status.reason,
        "rule": status.rule,
        "until": status.until.map(|at| stamp(at.wall)),
        "otherwise": status.otherwise,
        "since": history.and_then(since).map(stamp),
        "pid": history.filter(|h| h.gone.is_none()).and_then(|h| h.program).map(|program| program.process.pid),
        "starts_in_24h": history.map_or(0, |history| facts.starts(history)),
        "restarts_counted": history.map_or(0, |history| history.restarts.len()),
        "quarantined_since": history.and_then(|history| history.quarantined).map(|at| stamp(at.wall)),
        "last_heartbeat_at": history.and_then(|history| history.last_poke).map(|at| stamp(at.wall)),
        "answered": history.and_then(answered),
        "looks": history.map_or("", |history| history.strip.as_str()),
    })
}

/// Machines get the time of Greenwich.
fn stamp(at: Wall) -> String {
    at.rfc3339(0)
}

fn text(object: &Value) -> String {
    pretty(object) + "\n"
}
