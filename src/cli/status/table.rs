//! The table of the daemon and every agent.

use super::super::screen::{Colour, NARROW, Screen, columns};
use super::facts::{Facts, answered, since, state};
use crate::decide::strip::LEGEND;
use crate::service::instance::Holder;
use crate::service::state::{AgentStatus, Own, ProgramFile};
use crate::town::duration::brief;
use crate::town::history::STRIP;
use crate::town::request::Claim;
use crate::town::sorted::SortedMap;
use crate::town::text::{clean, with_command};
use std::fmt::{Arguments, Write};

/// Where the second column of the first lines begins.
const SECOND: usize = 13;
/// The longest name that a column is made for; longer ones stand on a line of their own.
const LONGEST_NAME: usize = 24;

/// The whole of it.
pub fn show(facts: &Facts, screen: Screen) -> String {
    let mut lines = head(facts, screen);
    if let Some(own) = facts.own().filter(|own| !own.agents.is_empty()) {
        lines.push(String::new());
        lines.extend(agents(facts, own, screen));
    }
    joined(&lines)
}

/// Lines, each with its end.
pub fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// A line of the head, folded.
pub fn entry(screen: Screen, what: &str, text: Arguments<'_>) -> String {
    let (column, indent) = second(screen, what);
    format!("{what:column$}{}", screen.fold(&clean(&text.to_string(), 1000), column, indent))
}

/// Where the text of a line of the head begins, and where it goes on in the next.
fn second(screen: Screen, what: &str) -> (usize, usize) {
    if screen.width < NARROW { (what.len() + 2, 2) } else { (SECOND, SECOND) }
}

fn head(facts: &Facts, screen: Screen) -> Vec<String> {
    let mut lines = Vec::new();
    let town = facts.town.display();
    let mut say = |what: &str, text: Arguments<'_>| lines.push(entry(screen, what, text));
    match (facts.holder, facts.started_at()) {
        (Holder::Nobody, _) => say("not running", format_args!("{town}; gtd --background starts one")),
        (Holder::Gtd(pid), Some(at)) => {
            let version = facts.own().map_or("", |own| own.version.as_str());
            say("running", format_args!("{town}, PID {pid}, gtd {version}, started {} ago", facts.ago(at)));
        }
        (holder, _) => say("running", format_args!("{town}, {holder} serves it, not gtd")),
    }
    let Some(state) = &facts.state else {
        say("", format_args!("no gtd has served this town yet"));
        lines.extend(asked(facts, screen));
        return lines;
    };
    if facts.is_gtds() {
        match facts.own().and_then(|own| own.program.as_ref()).map(ProgramFile::is_replaced) {
            Some(Some(true)) => {
                say("newer", format_args!("another gtd lies on the disk by now: gtd --stop, and start it, to use it"));
            }
            Some(None) => say("newer", format_args!("the file that this gtd was started from is gone")),
            _ => {}
        }
    }
    let mut heartbeats = match facts.last_heartbeat() {
        Some(at) => format!("{}, the last {} ago", state.heartbeat_count, facts.ago(at)),
        None => "none yet".to_owned(),
    };
    let Some(own) = facts.own() else {
        say("heartbeats", format_args!("{heartbeats}"));
        lines.extend(asked(facts, screen));
        return lines;
    };
    if let Some(next) = own.next_heartbeat.filter(|_| facts.is_gtds()) {
        let when = facts.left(next.wall).map_or_else(|| "due".to_owned(), |left| format!("in {}", brief(left)));
        let _ = write!(heartbeats, ", the next {when} ({})", own.rhythm);
    }
    say("heartbeats", format_args!("{heartbeats}"));
    if let Some(why) = &own.no_generation {
        say("gas town", format_args!("not known: {why}"));
    } else if let Some(names) = &own.history.names {
        say("gas town", format_args!("{}: {}", names.generation, names.why));
    }
    match facts.looked_at().map(|at| facts.ago(at)) {
        Some(ago) if facts.is_running() && !facts.is_gtds() => {
            say(
                "old",
                format_args!("what follows is what gtd saw {ago} ago, before {} took the town over", facts.holder),
            );
        }
        Some(ago) => say("seen", format_args!("{ago} ago; what follows is what gtd saw then")),
        None if facts.is_gtds() => say("seen", format_args!("nothing yet: the first look is under way")),
        None => {}
    }
    let mut states: SortedMap<&str, usize> = SortedMap::new();
    for agent in &own.agents {
        *states.get_or_default(agent.state.as_str()) += 1;
    }
    let mut counted = String::new();
    for (n, (state, count)) in states.iter().enumerate() {
        let before = if n == 0 { "" } else { ", " };
        let _ = write!(counted, "{before}{count} {state}");
    }
    if !states.is_empty() {
        say("agents", format_args!("{}: {counted}", own.agents.len()));
    }
    for condition in &own.conditions {
        let (text, command) = with_command(&condition.text);
        let text = format!("{text} (for {})", facts.ago(condition.since.wall));
        let (column, indent) = second(screen, "trouble");
        let what = screen.paint("trouble", Colour::Red) + &" ".repeat(column - "trouble".len());
        lines.push(format!("{what}{}", screen.fold(&clean(&text, 1000), column, indent)));
        // What is to be copied is not folded.
        lines.extend(command.map(|command| format!("{:SECOND$}{}", "or end them", clean(command, 4000))));
    }
    lines.extend(asked(facts, screen));
    let mut say = |what: &str, text: Arguments<'_>| lines.push(entry(screen, what, text));
    for session in own.history.spawns.keys() {
        say("spawned", format_args!("{session} waits for its first word"));
    }
    lines
}

/// What was asked for and is not done.
fn asked(facts: &Facts, screen: Screen) -> Vec<String> {
    let mut lines = Vec::new();
    for (claim, how) in facts.requests() {
        let Claim { action, agent, source, at, .. } = claim;
        let text = format_args!("{action} of {agent}, by {source}, {how} for {}", facts.ago(*at));
        lines.push(entry(screen, "request", text));
    }
    lines
}

/// The columns but the first: the state, since when, starts in 24 h, the last heartbeat.
const HEADER: [&str; 4] = ["STATE", "SINCE", "STARTS", "HEARTBEAT"];

fn agents(facts: &Facts, own: &Own, screen: Screen) -> Vec<String> {
    let fits = |name: &str| name.len() <= LONGEST_NAME;
    let mut name_width = "AGENT".len();
    let mut widths = HEADER.map(str::len);
    let mut rows = Vec::new();
    let mut strips = String::new();
    for status in &own.agents {
        let name = status.agent.to_string();
        if fits(&name) {
            name_width = name_width.max(name.len());
        }
        let row = row(facts, status);
        for (width, cell) in widths.iter_mut().zip(&row) {
            *width = columns(cell).max(*width);
        }
        strips.push_str(facts.history(status).map_or("", |history| &history.strip));
        rows.push((name, row));
    }
    let taken = name_width + widths.iter().map(|width| width + 2).sum::<usize>();
    let beside = taken + 2 + STRIP <= screen.width;
    let strip_title = if beside { format!("  LAST {STRIP} LOOKS") } else { String::new() };
    let line = |name: &str, row: [&str; 4], colour: Option<Colour>| {
        let mut line = format!("{name:name_width$}");
        for (n, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - columns(cell));
            let cell = match colour.filter(|_| n == 0) {
                Some(colour) => screen.paint(cell, colour),
                None => (*cell).to_owned(),
            };
            let _ = write!(line, "  {cell}{padding}");
        }
        line.truncate(line.trim_end().len());
        line
    };
    // Where there is no room for all columns, there are the name and the state, and the reason below.
    let narrow = taken > screen.width;
    let title = if narrow { "AGENT  STATE".to_owned() } else { line("AGENT", HEADER, None) + &strip_title };
    let mut lines = vec![title];
    for (status, (mut name, row)) in own.agents.iter().zip(rows) {
        if !fits(&name) || (narrow && name.len() + 2 + columns(&row[0]) > screen.width) {
            lines.push(screen.fold(&name, 0, 2));
            name.clear();
        }
        let cells = [&row[0], &row[1], &row[2], &row[3]].map(String::as_str);
        let colour = colour_of(&status.state);
        let mut first = match narrow {
            true => format!("{name}  {}", screen.paint(cells[0], colour)),
            false => line(&name, cells, Some(colour)),
        };
        let strip = strip(facts, status, screen, if beside { STRIP } else { screen.width - 2 });
        if beside {
            let missing = taken - columns(&line(&name, cells, None));
            let _ = write!(first, "{}  {strip}", " ".repeat(missing));
        }
        lines.push(first.trim_end().to_owned());
        if status.state != "alive" {
            let rule = if status.rule == 0 { String::new() } else { format!(" (rule {})", status.rule) };
            let why = format!("{}{rule}", facts.reason(status));
            lines.push(format!("  {}", screen.fold(&clean(&why, 500), 2, 4)));
        }
        if !beside && !strip.is_empty() {
            lines.push(format!("  {strip}"));
        }
    }
    let mut legend = String::new();
    for (letter, meaning) in LEGEND.iter().filter(|(letter, _)| strips.contains(*letter)) {
        let before = if legend.is_empty() { "each look, the newest last: " } else { "; " };
        let _ = write!(legend, "{before}{letter} {meaning}");
    }
    if !legend.is_empty() {
        lines.push(String::new());
        lines.push(screen.fold(&legend, 0, 0));
    }
    lines
}

fn row(facts: &Facts, status: &AgentStatus) -> [String; 4] {
    let dash = || "-".to_owned();
    let Some(history) = facts.history(status) else {
        return [status.state.clone(), dash(), dash(), dash()];
    };
    let heartbeat = history.last_poke.map(|at| {
        let how = if answered(history) == Some(true) { "ok" } else { "no answer" };
        format!("{} {how}", facts.ago(at.wall))
    });
    [
        state(status, Some(history)),
        since(history).map_or_else(dash, |at| facts.ago(at)),
        facts.starts(history).to_string(),
        heartbeat.unwrap_or_else(dash),
    ]
}

/// The newest looks of the strip, as many as there is `room` for, with what a person should look at in colour.
pub fn strip(facts: &Facts, status: &AgentStatus, screen: Screen, room: usize) -> String {
    let strip = facts.history(status).map_or("", |history| history.strip.as_str());
    let surplus = strip.chars().count().saturating_sub(room);
    let mut shown = String::new();
    for c in strip.chars().skip(surplus) {
        match c {
            'q' | '!' => shown.push_str(&screen.paint(&c.to_string(), Colour::Red)),
            '-' | '?' | 'r' => shown.push_str(&screen.paint(&c.to_string(), Colour::Yellow)),
            '.' | 'w' | 'p' | 's' | 'h' => shown.push(c),
            _ => {}
        }
    }
    shown
}

/// The colour of a state.
pub fn colour_of(state: &str) -> Colour {
    match state {
        "alive" | "started" | "starting" => Colour::Green,
        "waiting" | "reports" => Colour::Yellow,
        "quarantine" | "silent" => Colour::Red,
        "held" => Colour::Blue,
        _ => Colour::Magenta,
    }
}
