//! What others are told, against what the README says that they are: whoever counts, a person, and the journal.

use super::{between, code, owned, plain, table};
use crate::idle::quiet;
use crate::read;
use gtd::decide::{Event, Telling, Troubles};
use gtd::service::conditions::Conditions;
use gtd::service::metrics::{Metrics, Now};
use gtd::service::notify;
use gtd::sys::tally::Tallies;
use gtd::town::agent::AgentId;
use gtd::town::level::Level;
use gtd::town::need::{Matter, Notice, Supply};
use gtd::town::outcome::{Delivery, Done, Outcome};
use gtd::town::plan::Missing;
use gtd::town::process::Process;
use gtd::town::snapshot::Trouble;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn the_readme_has_every_label_of_the_metrics() {
    let metrics = Metrics::new("/t".to_owned(), quiet(0).now.wall);
    let now = Now { agents: Vec::new(), next_heartbeat: None };
    let mut labels: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let text = metrics.text(Some(&now), &Tallies::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once("{town=\"/t\"").expect(line);
        if let Some((label, rest)) = rest.strip_prefix(',').and_then(|rest| rest.split_once("=\"")) {
            let name = name.trim_end_matches("_count").trim_end_matches("_sum");
            let value = rest.split('"').next().expect("a value").to_owned();
            labels.entry(format!("{name}{{{label}}}")).or_default().insert(value);
        }
    }
    let rows = table(&read("README.md"), "As a service");
    let row = |name: &str| rows.iter().find(|row| code(&row[0]) == [name]).unwrap_or_else(|| panic!("{name}"));
    let mut compared = 0;
    for (name, values) in &labels {
        let explained = owned(code(&row(name)[1]));
        // Some rows say of which others the words are.
        if explained.len() > 1 {
            assert_eq!(&explained, values, "{name}");
            compared += 1;
        }
    }
    assert_eq!(compared, 4);
    let states = labels.get("gtd_agents{state}").expect("the states");
    assert!(row("gtd_agents{state}")[1].contains("in each state that `gtd --status` shows"));
    let source = read("src/town/plan.rs");
    let words = between(&source, "pub const fn word(&self)", "\n    }\n");
    assert!(states.iter().all(|state| words.contains(&format!("=> \"{state}\""))), "{states:?}");
}

/// What a person's command is given.
fn notice(what: Matter) -> String {
    let notice = Notice { what, since: quiet(0).now, text: "x".to_owned(), over: String::new(), told: false };
    let telling = Telling { about: String::new(), begins: true, notice };
    String::from_utf8(notify::object(Path::new("/t"), &telling, quiet(0).now)).expect("text")
}

/// The keys of an object on one line, in their order.
fn keys(object: &str) -> Vec<&str> {
    let before = |end: &'static str| object.split(end).filter_map(|piece| piece.rsplit_once('"').map(|(_, key)| key));
    let mut keys: Vec<&str> = before("\":").collect();
    keys.pop();
    keys
}

#[test]
fn the_readme_explains_every_key_and_every_word_of_a_notice() {
    let readme = read("README.md");
    let shown = readme.lines().find(|line| line.starts_with("{\"format\":1,\"town\"")).expect("an object");
    let agent = AgentId::Deacon;
    let object = notice(Matter::Loop(agent.clone()));
    assert_eq!(keys(shown), keys(&object));
    let part = between(&readme, "### When a person is needed", "\n### ");
    let rows: Vec<(&str, &str)> = part.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | ")).collect();
    let explained: Vec<&str> = rows.iter().flat_map(|(first, _)| code(first)).collect();
    assert_eq!(explained, keys(&object));
    let (_, words) = rows.iter().find(|(first, _)| code(first) == ["what"]).expect("a row");
    let words: Vec<&str> = words.split("; ").filter_map(|piece| code(piece).first().copied()).collect();
    let matters = [
        Matter::Loop(agent.clone()),
        Matter::Silent(agent.clone()),
        Matter::Deaths,
        Matter::Outage(Supply::Bd),
        Matter::Foreign(agent),
    ];
    assert_eq!(words, matters.each_ref().map(Matter::word));
    for matter in matters {
        let word = format!("\"what\":\"{}\"", matter.word());
        assert!(notice(matter).contains(&word), "{word}");
    }
}

#[test]
fn the_journal_gets_what_matters_under_the_readmes_numbers() {
    let readme = plain(&read("README.md"));
    let said = between(&readme, "with priorities: ", ". `journalctl");
    let id = AgentId::Deacon;
    let absence = Missing::Session;
    let of = |result| Outcome { agent: id.clone(), result }.level();
    let started = Done::Started { pane: 1, process: Process { pid: 1, start: 1 }, restart: true };
    let trouble = Trouble { about: String::new(), text: String::new(), over: String::new(), need: None };
    let mut conditions = Conditions::default();
    let mut level = |now| conditions.update(Troubles { now, not_examined: Vec::new() }, quiet(0).now)[0].0;
    for (words, level) in [
        ("what failed", of(Done::StartFailed { why: String::new(), restart: true })),
        ("a condition that begins", level(vec![trouble])),
        ("a death", Event::Gone { agent: id.clone(), absence, pid: 1 }.level()),
        ("a quarantine", Event::Quarantined(id.clone()).level()),
        ("a poke that was not delivered", of(Done::Poked(Delivery::NotShown))),
        ("starts", of(started)),
        ("a condition that is over", level(Vec::new())),
        ("the rest", Level::Info),
    ] {
        let before = said.split_once(words).expect(words).0;
        let number = before.chars().rev().find(char::is_ascii_digit).and_then(|digit| digit.to_digit(10));
        assert_eq!(number, Some(level as u32), "{words}");
    }
}
