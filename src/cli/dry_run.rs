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
use std::fmt::Write;
use std::path::Path;

/// The longest name that a column is made for; longer ones stand on a line of their own.
const LONGEST_NAME: usize = 24;

/// Shows the plan.
pub fn show(town: &Path) -> Result<Exit, Refusal> {
    let Found { plan, notes, requests } = plan(town).map_err(|why| Refusal { exit: Exit::Failed, why })?;
    let screen = Screen::of_stdout();
    let mut text = String::new();
    for note in notes {
        push_folded(&mut text, screen, &format!("note: {note}"));
    }
    text.push_str(&verdicts(&plan, screen));
    for request in requests {
        push_folded(&mut text, screen, &request);
    }
    print(format_args!("{text}"))
}

fn push_folded(text: &mut String, screen: Screen, line: &str) {
    let (line, command) = with_command(line);
    let _ = writeln!(text, "{}", screen.fold(line, 0, 2));
    // What is to be copied is not folded.
    if let Some(command) = command {
        let _ = writeln!(text, "  or end them: {command}");
    }
}

/// A line an agent: what would be done, why, and by which rule; below it what would have to be different.
fn verdicts(plan: &Plan, screen: Screen) -> String {
    let fits = |name: &str| name.len() <= LONGEST_NAME;
    let (mut names, mut actions) = (0, 0);
    for (id, verdict) in &plan.verdicts {
        let name = id.to_string();
        if fits(&name) {
            names = name.len().max(names);
        }
        actions = verdict.action().len().max(actions);
    }
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
            let _ = writeln!(text, "{}", screen.fold(&name, 0, 2));
            name.clear();
        }
        let reason = format!("{}{rule}", verdict.reason(plan.now));
        let reason = screen.fold(&clean(&reason, 500), indent, indent);
        let action = verdict.action();
        let _ = match narrow {
            true => writeln!(text, "{}\n  {reason}", screen.fold(&format!("{name}  {action}"), 0, 2)),
            false => writeln!(text, "{name:names$}  {action:actions$}  {reason}"),
        };
        if let Some(otherwise) = verdict.otherwise() {
            let _ = writeln!(text, "{:indent$}{}", "", screen.fold(&otherwise, indent, indent));
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
    let mut history = state::peek(&dir).map_err(|why| why.with_remedy())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::readme;
    use crate::town::plan::{Awake, Delay, Missing, Rhythm, Verdict};
    use crate::town::snapshot::Ended;
    use crate::town::time::{Moment, Tick, Wall};
    use std::time::Duration;

    #[test]
    fn the_readme_shows_verdicts_as_they_are() {
        let now = Moment { wall: Wall::from_seconds(0), tick: Tick::from_millis(0) };
        let absence = Missing::Ended(Ended::Status(1));
        let waits = Verdict::Wait { absence, why: Delay::BackOff(3), until: now.plus(Duration::from_secs(47)) };
        let verdicts = [("deacon", Verdict::Skip(Awake::Working)), ("web/witness", waits)];
        let plan = Plan {
            now,
            verdicts: verdicts.map(|(id, verdict)| (id.parse().expect(id), verdict)).to_vec(),
            marks: Vec::new(),
            rhythm: Rhythm { interval: Duration::from_mins(5), idle: None },
            next_heartbeat: now,
            next_look: now,
        };
        let text = super::verdicts(&plan, Screen { width: 80, colour: false, unicode: true });
        // What it says of all of them comes last.
        assert_eq!(text.split_once("heartbeat ").expect("its end").0, readme::shown("deacon "));
    }
}
