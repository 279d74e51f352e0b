//! `--request`: leaves an order for the daemon, and wakes it.

use super::{Exit, Refusal, print, signal};
use crate::decide::requests::roll;
use crate::service::instance::{GIVE_WAY, Holder, daemon_dir, holder};
use crate::service::state;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::clock;
use crate::town::agent::AgentId;
use crate::town::names::Generation;
use crate::town::plan::Trigger;
use crate::town::request::{Action, Order};
use crate::town::text::shown;
use crate::world::{World, spool};
use std::path::Path;

/// Leaves the order to do `action` for whoever is called `name`.
pub fn leave(town: &Path, action: Action, name: &str) -> Result<Exit, Refusal> {
    let agent = find(town, name)?;
    let order = Order { action, agent: agent.clone(), at: clock::now().wall };
    spool::leave(town, &order, std::process::id())
        .map_err(|error| Refusal::new(Exit::Failed, format_args!("{}", error.with_remedy())))?;
    match signal::find(&daemon_dir(town)) {
        Ok(Some((pid, daemon))) => {
            signal::send(pid, &daemon, libc::SIGUSR1)?;
            print(format_args!(
                "gtd: {action} of {agent} is left for the daemon (PID {pid}); gtd --status shows what becomes of it\n"
            ))
        }
        // Whoever else serves the town does not read it.
        other => {
            let (why, who) = match (other, holder(&daemon_dir(town))) {
                (Err(_), Ok(other)) if other != Holder::Nobody => {
                    (format!("{other} serves {}, not gtd ({GIVE_WAY})", town.display()), "a gtd")
                }
                _ => (format!("no daemon runs for {}", town.display()), "one"),
            };
            Err(Refusal::new(
                Exit::NotRunning,
                format_args!("{why}; {action} of {agent} is kept, and carried out when {who} starts"),
            ))
        }
    }
}

fn find(town: &Path, name: &str) -> Result<AgentId, Refusal> {
    let history = state::peek(&daemon_dir(town)).unwrap_or_default();
    // Nobody rings: there is nothing that could stop it.
    let stopped = |Stopped| Refusal::new(Exit::Failed, format_args!("stopped"));
    let mut world = World::new(town, Attention::nobody(), &history);
    let mut snapshot = world.look(Trigger::Heartbeat, &history).map_err(stopped)?;
    // Where nobody knows what sessions are called, agents still have their names.
    snapshot.generation = snapshot.generation.or(Ok(Generation::Seed));
    world.complete(&mut snapshot);
    let Some(roll) = roll(&snapshot) else {
        return Err(Refusal::new(Exit::Failed, format_args!("Gas Town's generation is not known")));
    };
    roll.find(name).map_err(|why| {
        let near = roll.nearest(name).join(", ");
        Refusal::new(Exit::Usage, format_args!("{}: {why}; the nearest are {near}", shown(name, 80)))
    })
}
