//! `--status`: what the daemon last saw, as it wrote it. tmux is never asked.

use super::{Exit, Refusal, print};
use crate::service::instance::{Holder, daemon_dir, holder};
use crate::service::state::{self, AgentStatus, Own, State};
use crate::sys::clock;
use crate::town::duration::brief;
use crate::town::history::AgentHistory;
use crate::town::plan::timed;
use crate::town::text::clean;
use crate::town::time::{Moment, Wall};
use std::fmt::Write;
use std::path::Path;

/// Shows the daemon and every agent.
pub fn show(town: &Path) -> Result<Exit, Refusal> {
    let dir = daemon_dir(town);
    let unknown = |why: String| Refusal::new(Exit::Unknown, why);
    let holder = holder(&dir).map_err(|error| unknown(error.to_string()))?;
    let state = state::read(&dir).map_err(unknown)?;
    let exit = if holder == Holder::Nobody { Exit::NotRunning } else { Exit::Done };
    print(&table(town, holder, state.as_ref(), clock::now()))?;
    Ok(exit)
}

fn table(town: &Path, holder: Holder, state: Option<&State>, now: Moment) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = describe(&mut text, town, holder, state, now);
    text
}

fn describe(out: &mut String, town: &Path, holder: Holder, state: Option<&State>, now: Moment) -> std::fmt::Result {
    let town = clean(&town.display().to_string(), 300);
    let ago = |at: Wall| format!("{} ago", brief(std::time::Duration::from_secs(now.wall.since(at).as_secs())));
    let started = state.and_then(|s| Wall::parse(&s.started_at));
    match (holder, started) {
        (Holder::Nobody, _) => writeln!(out, "not running  {town}")?,
        (Holder::Gtd(pid), Some(at)) => writeln!(out, "running      {town}, PID {pid}, started {}", ago(at))?,
        (holder, _) => writeln!(out, "running      {town}, {holder}")?,
    }
    let Some(state) = state else {
        return writeln!(out, "no gtd has served this town yet");
    };
    let last = Wall::parse(&state.last_heartbeat);
    let last = last.map_or_else(|| "none yet".to_owned(), ago);
    write!(out, "heartbeats   {}, the last {last}", state.heartbeat_count)?;
    let Some(own) = &state.gtd else {
        return writeln!(out);
    };
    match own.next_heartbeat {
        Some(next) if holder != Holder::Nobody => {
            let left = next.wall.since(now.wall).as_secs();
            writeln!(out, ", the next in {} ({})", brief(std::time::Duration::from_secs(left)), own.rhythm)?;
        }
        _ => writeln!(out)?,
    }
    if let Some(at) = own.looked_at {
        writeln!(out, "seen         {}", ago(at.wall))?;
    }
    for condition in &own.conditions {
        writeln!(out, "trouble      {} (since {})", condition.text, brief(now.wall.since(condition.since.wall)))?;
    }
    for claim in &own.history.requests {
        let age = brief(now.wall.since(claim.at));
        writeln!(out, "request      {} of {}, by {}, in hand for {age}", claim.action, claim.agent, claim.source)?;
    }
    for session in own.history.spawns.keys() {
        writeln!(out, "spawned      {session} waits for its first word")?;
    }
    agents(out, own, now)
}

fn agents(out: &mut String, own: &Own, now: Moment) -> std::fmt::Result {
    if own.agents.is_empty() {
        return Ok(());
    }
    let header = ["AGENT", "STATE", "SINCE", "RESTARTS", "LAST POKE", "WHY"].map(str::to_owned);
    let row = |status: &AgentStatus| {
        let history = own.history.agent(&status.agent);
        [
            status.agent.to_string(),
            status.state.clone(),
            since(history, now),
            history.restarts.len().to_string(),
            history.last_poke.map_or_else(|| "-".to_owned(), |at| age(at, now)),
            clean(&why(status, now), 200),
        ]
    };
    let rows: Vec<[String; 6]> = std::iter::once(header).chain(own.agents.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    writeln!(out)?;
    for row in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            write!(out, "{cell:width$}  ")?;
        }
        writeln!(out, "{}", row[5])?;
    }
    Ok(())
}

/// The reason, with the time for which it stands as it is now, and not as it was when it was written.
fn why(status: &AgentStatus, now: Moment) -> String {
    match status.until {
        Some(until) if until.wall > now.wall => {
            timed(&status.reason, std::time::Duration::from_secs(until.wall.since(now.wall).as_secs() + 1))
        }
        Some(_) => format!("{}: due", status.reason),
        None => status.reason.clone(),
    }
}

fn since(history: &AgentHistory, now: Moment) -> String {
    let at = history.gone.map(|gone| gone.since).or(history.up_since);
    at.map_or_else(|| "-".to_owned(), |at| age(at, now))
}

fn age(at: Moment, now: Moment) -> String {
    brief(std::time::Duration::from_secs(now.wall.since(at.wall).as_secs())).to_string()
}
