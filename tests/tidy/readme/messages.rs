//! The messages that the README quotes, by which people look for what to do.

use super::section;
use crate::idle::quiet;
use crate::{read, sources};
use gtd::decide::troubles;
use gtd::service::instance::Holder;
use gtd::town::agent::AgentId;
use gtd::town::history::History;
use gtd::town::outage::Outage;
use gtd::town::plan::{Hold, Leave, Plan, Rhythm, Verdict};
use gtd::town::time::Moment;
use gtd::world::elsewhere::Place;
use gtd::world::tmux::Socket;
use std::time::Duration;

/// What a witness of this verdict is said to be, as a condition, and in its status.
fn said(now: Moment, verdict: Verdict) -> Vec<String> {
    let mut history = History::default();
    let agent: AgentId = "web/witness".parse().expect("an agent");
    history.agents.get_or_default(agent.clone()).quarantined = Some(now);
    let reason = verdict.reason(now);
    let plan = Plan {
        now,
        verdicts: vec![(agent, verdict)],
        marks: Vec::new(),
        rhythm: Rhythm { interval: Duration::from_secs(1), idle: None },
        next_heartbeat: now,
        next_look: now,
    };
    let found = troubles(&quiet(0), &history, &plan).now.into_iter().map(|trouble| trouble.text);
    found.chain([reason]).collect()
}

/// Whatever can be said without a town; pieces that differ each time stand for themselves.
fn all() -> Vec<String> {
    let outage = || Outage::new("x");
    let elsewhere = format!("hq-deacon, x, y and 2 more live on {}, and gtd uses another", Place(&Socket::Default));
    let verdicts = [
        Verdict::Hold(Hold::NoGeneration(outage())),
        Verdict::Hold(Hold::Docked("x".to_owned())),
        Verdict::Hold(Hold::DockUnknown(outage())),
        Verdict::Hold(Hold::Elsewhere(elsewhere)),
        Verdict::Leave(Leave::Foreign("x".to_owned())),
    ];
    let mut texts: Vec<String> = verdicts.into_iter().flat_map(|verdict| said(quiet(0).now, verdict)).collect();
    texts.push(format!("{} already serves x", Holder::GtDaemon(1)));
    texts
}

/// The texts of a source, and the code between them, with `…` for what is filled in.
fn templates(source: &str) -> Vec<String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code = source.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    let filled = |text: &str| {
        let mut pieces = text.split('{');
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, piece| format!("{text}…{}", piece.split_once('}').map_or("", |(_, rest)| rest)))
    };
    code.split('"').map(filled).collect()
}

/// Whether a text has these pieces one after another.
fn has(text: &str, quote: &str) -> bool {
    let mut rest = text;
    quote.split('…').map(|piece| piece.trim_matches([' ', ','])).all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn every_message_of_the_troubleshooting_is_one_that_the_program_says() {
    let readme = read("README.md");
    let section = section(&readme, "Troubleshooting");
    let quotes: Vec<&str> = section.split('"').skip(1).step_by(2).collect();
    assert!(quotes.len() > 6, "{quotes:?}");
    let texts = all();
    let templates: Vec<String> = sources().iter().flat_map(|file| templates(&file.text)).collect();
    for quote in quotes {
        let quote = super::plain(quote);
        let is_said = texts.iter().any(|text| has(text, &quote)) || templates.iter().any(|text| text.contains(&quote));
        assert!(is_said, "nobody says {quote:?}");
    }
}

#[test]
fn a_persons_notice_is_the_condition_that_begins() {
    let readme = read("README.md");
    let (_, quote) = readme.split_once("\"text\":\"").expect("an object");
    let quote = quote.split('"').next().expect("a text");
    let texts = said(quiet(0).now, Verdict::Leave(Leave::Alive));
    assert!(quote.ends_with('…') && texts.iter().any(|text| has(text, quote)), "{quote}: {texts:?}");
}

#[test]
fn quotes_are_found_with_what_differs_left_out() {
    assert!(has("a b (PID 7) c d", "b (PID …) c") && has("x, y and 2 more", "x, … and 2 more"));
    assert!(!has("a b", "b … a") && !has("a b", "a c"));
    assert_eq!(templates("f(\"{a} contradicts {}\")")[1], "… contradicts …");
}
