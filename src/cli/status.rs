//! `--status`: what the daemon last saw, as it wrote it. tmux is never asked. [`facts`] reads it, [`table`] shows all agents,
//! [`story`] one of them, [`json`] the same for machines.

mod facts;
mod json;
mod story;
mod table;

use super::screen::Screen;
use super::{Exit, Refusal, print};
use crate::service::instance::Holder;
use facts::Facts;
use std::path::Path;

/// Shows the daemon and every agent, or one agent's story.
pub fn show(town: &Path, agent: Option<&str>, as_json: bool) -> Result<Exit, Refusal> {
    let facts = Facts::read(town).map_err(|why| Refusal { exit: Exit::Unknown, why })?;
    let exit = if facts.holder == Holder::Nobody { Exit::NotRunning } else { Exit::Done };
    let text = match (agent, as_json) {
        (None, false) => table::show(&facts, Screen::of_stdout()),
        (None, true) => json::all(&facts),
        (Some(name), as_json) => {
            let story = story::Story::of(&facts, name)?;
            if as_json { json::one(&facts, &story) } else { story.show(&facts, Screen::of_stdout()) }
        }
    };
    print(format_args!("{text}"))?;
    Ok(exit)
}

/// What the README shows is what the program shows of such a town.
#[cfg(test)]
mod tests {
    use super::super::readme;
    use super::*;
    use crate::decide::Event;
    use crate::service::conditions::OpenCondition;
    use crate::service::state::{AgentStatus, Own, State};
    use crate::town::agent::AgentId;
    use crate::town::history::{Absence, AgentHistory, Gone, History, NamesInForce, STRIP};
    use crate::town::names::Generation;
    use crate::town::outcome::{Done, Outcome};
    use crate::town::plan::{Delay, Leave, Missing, Rhythm, Verdict};
    use crate::town::process::{Process, Program, Server};
    use crate::town::request::{Action, Claim, Source};
    use crate::town::rigs::Rig;
    use crate::town::snapshot::Ended;
    use crate::town::time::{Moment, Tick, Wall};
    use crate::world::gastown;
    use std::time::Duration;

    const SCREEN: Screen = Screen { width: 80, colour: false, unicode: true };
    const TOWN: &str = "/home/me/gt";
    const AGENTS: [&str; 3] = ["deacon", "api/witness", "web/witness"];

    fn now() -> Moment {
        Moment { wall: Wall::parse("2026-11-23T14:02:20Z").expect("a time"), tick: Tick::from_millis(100_000_000) }
    }

    fn ago(seconds: u64) -> Moment {
        let time = Duration::from_secs(seconds);
        Moment { wall: now().wall.minus(time), tick: Tick::from_millis(now().tick.millis() - seconds * 1000) }
    }

    /// What is still to come is told in whole seconds, the one that runs included.
    fn in_seconds(seconds: u64) -> Moment {
        now().plus(Duration::from_millis(seconds * 1000 - 500))
    }

    fn agent(id: &str) -> AgentId {
        id.parse().expect(id)
    }

    /// As it is waited for.
    fn waiting() -> Verdict {
        let absence = Missing::Ended(Ended::Status(1));
        Verdict::Wait { absence, why: Delay::BackOff(3), until: in_seconds(52) }
    }

    /// The strip that the README shows of an agent, which is as long as one can be.
    fn strip(id: &str) -> String {
        let mut lines = readme::shown("running ").lines().skip_while(|line| !line.starts_with(id));
        let strip = lines.find_map(|line| line.strip_prefix("  ").filter(|line| line.len() == STRIP));
        strip.expect("a strip").to_owned()
    }

    fn history(id: &str) -> AgentHistory {
        let process = Process { pid: 4711, start: 1 };
        let mut history = AgentHistory {
            program: Some(Program { pane: 1, process, by_gtd: true }),
            up_since: Some(ago(11_520)),
            starts: vec![ago(11_520).wall],
            last_poke: Some(ago(120)),
            last_poke_delivered: true,
            strip: strip(id),
            ..AgentHistory::default()
        };
        if id == "web/witness" {
            history.gone = Some(Gone { since: ago(9), how: Absence::Dead(4711) });
            history.starts.extend([ago(100).wall, ago(31).wall]);
            history.restarts = vec![ago(100), ago(31)];
            history.last_poke = Some(ago(420));
        }
        history
    }

    fn status(id: &str) -> AgentStatus {
        let verdict = if id == "web/witness" { waiting() } else { Verdict::Leave(Leave::Alive) };
        let id = agent(id);
        let rig = id.rig().map(|rig| Rig { name: rig.clone(), prefix: rig.clone() });
        AgentStatus {
            session: Generation::V10.table().agent(Path::new(TOWN), id.clone(), rig.as_ref()).session,
            agent: id,
            state: verdict.word().to_owned(),
            reason: verdict.reason_without_time(),
            until: verdict.until(),
            rule: verdict.rule(),
            otherwise: verdict.otherwise(),
        }
    }

    fn facts() -> Facts {
        let socket = gastown::socket(&Default::default(), Some(Generation::V10), None, Path::new(TOWN));
        let names = NamesInForce { generation: Generation::V10, why: "gt --version says v1.0.1".to_owned() };
        let history = History {
            names: Some(names),
            server: Some(Server { process: Process { pid: 1, start: 1 }, socket: socket.options().join(" ") }),
            agents: AGENTS.into_iter().map(|id| (agent(id), history(id))).collect(),
            ..History::default()
        };
        let rhythm = Rhythm { interval: Duration::from_mins(5), idle: Some(Duration::from_secs(72)) };
        let own = Own {
            format: 1,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: None,
            boot: String::new(),
            looked_at: Some(ago(9)),
            next_heartbeat: Some(in_seconds(180)),
            rhythm: rhythm.to_string(),
            no_generation: None,
            conditions: Vec::new(),
            agents: AGENTS.map(status).to_vec(),
            history,
        };
        let state = State {
            running: true,
            pid: 25_063,
            started_at: ago(11_520).wall.rfc3339(0),
            last_heartbeat: ago(120).wall.rfc3339(0),
            heartbeat_count: 31,
            gtd: Some(own),
        };
        Facts {
            town: TOWN.into(),
            holder: Holder::Gtd(25_063),
            state: Some(Box::new(state)),
            kept: Vec::new(),
            now: now(),
        }
    }

    /// The story of the one that waits, with the end of its log.
    fn story() -> story::Story {
        let (id, absence) = (agent("web/witness"), Missing::Ended(Ended::Status(1)));
        let process = Process { pid: 4711, start: 1 };
        let started = Outcome { agent: id.clone(), result: Done::Started { pane: 1, process, restart: true } };
        let gone = Event::Gone { agent: id.clone(), absence, pid: 4711 };
        let (label, reason) = (id.label(), waiting().reason(ago(9)));
        let events = [
            (31, format!("Starting {label}: {absence} (rule 5)")),
            (31, started.to_string()),
            (9, gone.to_string()),
            (9, format!("Not starting {label} yet: {reason} (rule 5)")),
        ];
        let events = events.map(|(seconds, what)| (ago(seconds).wall.log_stamp(0), what)).to_vec();
        story::Story { status: status("web/witness"), events, screens: Vec::new() }
    }

    #[test]
    fn the_readme_shows_the_status_as_it_is() {
        assert_eq!(table::show(&facts(), SCREEN), readme::shown("running "));
    }

    #[test]
    fn the_readme_shows_an_agents_story_as_it_is() {
        assert_eq!(story().show(&facts(), SCREEN), readme::shown("agent  "));
    }

    /// The keys of an object that is printed, at this depth.
    fn keys(json: &str, depth: usize) -> Vec<&str> {
        let start = format!("{}\"", "  ".repeat(depth));
        json.lines().filter_map(|line| line.strip_prefix(&start)?.split_once("\":").map(|(key, _)| key)).collect()
    }

    /// The code in a text, without what stands in brackets.
    fn code(text: &str) -> Vec<&str> {
        let mut depth = 0;
        let mut found = Vec::new();
        for (n, piece) in text.split('`').enumerate() {
            if n % 2 == 1 && depth == 0 {
                found.push(piece);
            } else if n % 2 == 0 {
                depth += piece.matches('(').count();
                depth -= piece.matches(')').count();
            }
        }
        found
    }

    /// What stands under a key of the first depth, and how deep its own keys are.
    fn under<'a>(json: &'a str, key: &str) -> (&'a str, usize) {
        let (_, after) = json.split_once(&format!("\n  \"{key}\": ")).expect(key);
        let (end, depth) = if after.starts_with('[') { ("\n  ]", 3) } else { ("\n  }", 2) };
        (after.split_once(end).expect(key).0, depth)
    }

    #[test]
    fn the_readme_has_every_key_of_the_status_in_its_place() {
        let mut facts = facts();
        let own = facts.state.as_mut().and_then(|state| state.gtd.as_mut()).expect("a state");
        own.agents.truncate(1);
        own.conditions.push(OpenCondition { text: String::new(), since: now() });
        own.history.requests.push(Claim {
            source: Source::Mail("1".to_owned()),
            action: Action::Start,
            agent: AgentId::Deacon,
            program: None,
            at: now().wall,
            tries: 0,
        });
        let json = json::all(&facts);
        let (_, table) = readme::TEXT.split_once("| key | what |\n|---|---|\n").expect("a table");
        let mut claimed: Vec<&str> = Vec::new();
        let mut objects = 0;
        for (first, second) in table.lines().map_while(|line| line.strip_prefix("| ")?.split_once(" | ")) {
            let (own, inner) = (code(first), code(second));
            claimed.extend(&own);
            if let ([key], false) = (own.as_slice(), inner.is_empty()) {
                let (text, depth) = under(&json, key);
                assert_eq!(inner, keys(text, depth), "{key}");
                objects += 1;
            }
        }
        assert_eq!(claimed, keys(&json, 1));
        assert_eq!(objects, 6);
    }

    #[test]
    fn the_readme_has_every_word_for_whoever_serves_the_town() {
        let (_, text) = readme::TEXT.split_once("`holder` (").expect("a row");
        let words = text.split_once(')').expect("its end").0;
        let holders = [Holder::Gtd(1), Holder::GtDaemon(1), Holder::Other(None), Holder::Nobody];
        let told = holders.map(|holder| {
            let json = json::all(&Facts { holder, ..facts() });
            let (_, after) = json.split_once("\"holder\": \"").expect("a key");
            after.split('"').next().unwrap_or_default().to_owned()
        });
        assert_eq!(code(words), told);
    }

    #[test]
    fn the_readme_has_every_key_that_a_story_adds() {
        let (all, one) = (json::all(&facts()), json::one(&facts(), &story()));
        let (_, text) = readme::TEXT.split_once("\nWith an agent's name, ").expect("a sentence");
        let sentence = text.split_once(". ").expect("its end").0;
        let (agents, _) = under(&all, "agents");
        let (agent, depth) = under(&one, "agent");
        let mut added = vec!["agent"];
        added.extend(keys(agent, depth).into_iter().filter(|key| !keys(agents, 3).contains(key)));
        added.extend(["events", "screens"]);
        assert_eq!(code(sentence), added);
        assert!(keys(&one, 1).ends_with(&["agent", "events", "screens"]), "{one}");
        let (events, depth) = under(&one, "events");
        assert_eq!(keys(events, depth)[..2], ["at", "text"]);
        assert!(sentence.contains("`events` (`at`,") && sentence.contains("and `text`)"), "{sentence}");
    }
}
