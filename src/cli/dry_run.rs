//! `--dry-run`: what a heartbeat would do, and why. Takes no lock and writes nothing; may run beside a daemon.

use super::{Exit, Refusal, print};
use crate::decide::{decide, observe, troubles};
use crate::service::instance::{Holder, daemon_dir, holder};
use crate::service::state;
use crate::sys::attention::{Attention, Stopped};
use crate::town::plan::{Plan, Trigger};
use crate::world::World;
use std::path::Path;

/// Shows the plan.
pub fn show(town: &Path) -> Result<Exit, Refusal> {
    let (plan, said) = plan(town).map_err(|why| Refusal::new(Exit::Failed, why))?;
    let said: String = said.iter().map(|line| format!("note: {line}\n")).collect();
    print(&format!("{said}{plan}"))
}

fn plan(town: &Path) -> Result<(Plan, Vec<String>), String> {
    let dir = daemon_dir(town);
    let mut history = state::peek(&dir)?;
    // A daemon that runs has seen what it remembers; one that is started now has seen nothing.
    let runs = holder(&dir).is_ok_and(|holder| holder != Holder::Nobody);
    for agent in history.agents.values_mut() {
        agent.watched = runs && agent.program.is_some();
    }
    // Nobody rings: there is nothing that could stop it.
    let never = |Stopped| "stopped".to_owned();
    let mut world = World::new(town, Attention::nobody());
    let mut snapshot = world.look(Trigger::Heartbeat, &history).map_err(never)?;
    snapshot.reports = world.ask_reports(&snapshot).map_err(never)?;
    observe(&mut history, &snapshot);
    let plan = decide(Trigger::Heartbeat, &snapshot, &history);
    let found = troubles(&snapshot, &history, &plan);
    Ok((plan, found.now.into_iter().map(|trouble| trouble.text).collect()))
}
