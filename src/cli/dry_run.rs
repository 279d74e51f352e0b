//! `--dry-run`: what a heartbeat would do, and why. Takes no lock and writes nothing; may run beside a daemon.

use super::screen::Screen;
use super::{Exit, Refusal, print};
use crate::decide::requests::{Deed, agent_of, deed, take_on};
use crate::decide::spawns::notices;
use crate::decide::{decide, observe, troubles};
use crate::service::instance::{Holder, daemon_dir, holder};
use crate::service::state;
use crate::sys::attention::{Attention, Stopped};
use crate::town::history::History;
use crate::town::plan::{Plan, Trigger};
use crate::town::snapshot::Snapshot;
use crate::town::text::{clean, with_command};
use crate::world::{World, spool};
use std::path::Path;

/// The longest name that a column is made for; longer ones stand on a line of their own.
const LONGEST_NAME: usize = 24;

/// Shows the plan.
pub fn show(town: &Path) -> Result<Exit, Refusal> {
    let Found { plan, notes, requests } = plan(town).map_err(|why| Refusal { exit: Exit::Failed, why })?;
    let screen = Screen::of_stdout();
    let folded = |lines: Vec<String>, start: &str| -> String {
        let folded = |line: &String| {
            let (text, command) = with_command(line);
            // What is to be copied is not folded.
            let command = command.map(|command| format!("  or end them: {command}\n"));
            format!("{}\n{}", screen.fold(&format!("{start}{text}"), 0, 2), command.unwrap_or_default())
        };
        lines.iter().map(folded).collect()
    };
    let (notes, requests) = (folded(notes, "note: "), folded(requests, ""));
    print(format_args!("{notes}{}{requests}", verdicts(&plan, screen)))
}

/// A line an agent: what would be done, why, and by which rule; below it what would have to be different.
fn verdicts(plan: &Plan, screen: Screen) -> String {
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let fits = |name: &String| name.len() <= LONGEST_NAME;
    let names = plan.verdicts.iter().map(|(id, _)| id.to_string());
    let names = width(&mut names.filter(fits).map(|name| name.len()));
    let actions = width(&mut plan.verdicts.iter().map(|(_, verdict)| verdict.action().len()));
    // Where there is no room beside the name and the action, the reason is below.
    let beside = names + actions + 4;
    let narrow = beside + 20 > screen.width;
    let indent = if narrow { 2 } else { beside };
    let mut text = String::new();
    for (id, verdict) in &plan.verdicts {
        let rule = match verdict.rule() {
            0 => String::new(),
            rule => format!(" (rule {rule})"),
        };
        let mut name = id.to_string();
        if !fits(&name) {
            text.push_str(&format!("{}\n", screen.fold(&name, 0, 2)));
            name.clear();
        }
        let reason = format!("{}{rule}", verdict.reason(plan.now));
        let reason = screen.fold(&clean(&reason, 500), indent, indent);
        let action = verdict.action();
        text.push_str(&match narrow {
            true => format!("{}\n  {reason}\n", screen.fold(&format!("{name}  {action}"), 0, 2)),
            false => format!("{name:names$}  {action:actions$}  {reason}\n"),
        });
        if let Some(otherwise) = verdict.otherwise() {
            text.push_str(&format!("{:indent$}{}\n", "", screen.fold(&otherwise, indent, indent)));
        }
    }
    text + &screen.fold(&format!("heartbeat {}", plan.rhythm), 0, 2) + "\n"
}

struct Found {
    plan: Plan,
    notes: Vec<String>,
    /// What becomes of each request, and of each worker.
    requests: Vec<String>,
}

fn plan(town: &Path) -> Result<Found, String> {
    let dir = daemon_dir(town);
    let mut history = state::peek(&dir)?;
    // A daemon that runs has seen what it remembers; one that is started now has seen nothing.
    let runs = holder(&dir).is_ok_and(|holder| holder != Holder::Nobody);
    for agent in history.agents.values_mut() {
        agent.watched = runs && agent.program.is_some();
    }
    // Nobody rings: there is nothing that could stop it.
    let never = |Stopped| "stopped".to_owned();
    let mut world = World::new(town, Attention::nobody(), &history);
    let mut snapshot = world.look(Trigger::Heartbeat, &history).map_err(never)?;
    world.ask_reports(&mut snapshot).map_err(never)?;
    observe(&mut history, &snapshot);
    let mut plan = decide(Trigger::Heartbeat, &snapshot, &history);
    while world.ask_before_starts(&mut snapshot, &plan).map_err(never)? {
        plan = decide(Trigger::Heartbeat, &snapshot, &history);
    }
    let notes = troubles(&snapshot, &history, &plan).now.into_iter().map(|trouble| trouble.text).collect();
    snapshot.spool = spool::read(&world.root);
    snapshot.inbox = world.ask_inbox(&snapshot).map_err(never)?;
    world.complete(&mut snapshot);
    let requests = requests(&mut history, &snapshot, &world);
    Ok(Found { plan, notes, requests })
}

/// On a copy of the memory, as the daemon would do it.
fn requests(history: &mut History, snapshot: &Snapshot, world: &World) -> Vec<String> {
    let mut lines = take_on(history, snapshot).lines;
    for claim in history.requests.clone() {
        let what = match agent_of(&claim.agent, snapshot, &world.root) {
            Some(agent) => match deed(&claim, &agent, snapshot, history) {
                Deed::Done(how) => format!("nothing more to do: {how}"),
                Deed::GiveUp(why) => format!("given up: {why}"),
                Deed::Wait(why) => format!("waits: {why}"),
                Deed::Restart { .. } => "ended, if it lives, and started again".to_owned(),
                Deed::End { alone: true, .. } => "ended, with its session".to_owned(),
                Deed::End { alone: false, .. } => "ended, with its pane; others use the session".to_owned(),
            },
            None => "waits: Gas Town's generation is not known".to_owned(),
        };
        lines.push(format!("{} of {} ({}): {what}", claim.action, claim.agent, claim.source));
    }
    for notice in notices(history, snapshot) {
        lines.push(match notice.spawn {
            Ok(spawn) => format!("spawned worker {}/{} is taken on", spawn.rig, spawn.polecat),
            Err(why) => format!("Discarding {}: {why}", notice.source),
        });
    }
    lines
}
