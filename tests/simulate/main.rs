//! Simulated towns: seeded random weeks of deaths, outages, requests, sleeps and reboots go through the real observe, decide,
//! record and the rest of the brain. No clock, no file, no process: [`town`] plays the world, [`daemon`] and [`attend`] play the loop,
//! and [`invariants`] and [`pacing`] say what must hold at every step.
//!
//! A town that breaks a promise is printed with its last lines and the command that replays it:
//! `GTD_SEED=123 cargo test --locked --test simulate -- --nocapture` runs that town alone and prints all of its log.

mod attend;
mod calm;
mod chance;
mod daemon;
mod hands;
mod invariants;
mod letters;
mod life;
mod pacing;
mod tally;
mod tmux;
mod town;
mod weather;

use chance::Chance;
use gtd::town::names::Generation;
use life::{Journal, Life};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tally::Tally;
use town::{DAY, Event, SECOND, Town, WEEK};

/// Lines of a town's log that are shown when it breaks a promise.
const SHOWN: usize = 40;
/// So many town-weeks are lived through, at least.
const WEEKS: u64 = 1_000;
const TOWNS: u64 = 390;

/// How a town is set up, how often that is, and for how long such a town lives: one that is looked at often for a shorter time.
const SETTINGS: [(u64, u64, &str); 7] = [
    (
        68,
        4 * WEEK,
        r#"{"heartbeat":{"interval":"1h"},"gtd":{"look_interval":"1h"},"patrols":{"refinery":{"enabled":false}}}"#,
    ),
    (10, 3 * WEEK, r#"{"heartbeat":{"interval":"50m"},"gtd":{"look_interval":"30m"}}"#),
    (4, WEEK, r#"{"gtd":{"look_interval":"20m"},"heartbeat":{"enabled":false}}"#),
    (4, WEEK, r#"{"gtd":{"look_interval":"10m"},"patrols":{"refinery":{"enabled":true}}}"#),
    (5, WEEK, r#"{"gtd":{"look_interval":"1h","restart":{"settle":"0s","first_delay":"10s","grace":"0s"}}}"#),
    (5, WEEK, r#"{"gtd":{"look_interval":"30m","restart":{"settle":"40s","first_delay":"5m","grace":"1h"}}}"#),
    (4, 2 * DAY, "{}"),
];

/// Incidents a day, and how often towns are like that.
const TEMPERS: [(u64, u64); 5] = [(15, 0), (30, 3), (35, 10), (14, 40), (6, 150)];

/// The town of this seed, and how long it lives.
fn town(seed: u64, keep: usize) -> (Life, u64) {
    let mut chance = Chance::new(seed);
    let (_, lives, settings) = SETTINGS[chance.weighted(&SETTINGS.map(|(weight, ..)| weight))];
    let (_, temper) = TEMPERS[chance.weighted(&TEMPERS.map(|(weight, _)| weight))];
    let generation = *chance.pick(&Generation::ALL);
    let count = if chance.percent(4) { chance.between(8, 12) } else { chance.below(5) };
    let first = chance.below(12);
    let mut rigs: Vec<_> = (first..first + count).map(weather::rig).collect();
    rigs.sort_by(|a, b| a.name.cmp(&b.name));
    let has_pidfd = chance.percent(70);
    let mut life = Life {
        town: Town::new(chance, generation, rigs, settings),
        gtd: Default::default(),
        disk: Default::default(),
        book: Default::default(),
        letters: BTreeMap::new(),
        behalf: BTreeMap::new(),
        first_words: BTreeMap::new(),
        truths: Vec::new(),
        temper,
        is_calm: false,
        has_pidfd,
        tally: Tally::default(),
        journal: Rc::new(RefCell::new(Journal { keep, ..Journal::default() })),
    };
    life.town.after(SECOND, Event::StartGtd);
    if temper > 0 {
        life.town.after(town::HOUR, Event::Storm);
    }
    // Where much happens, less time will do.
    let lives = if temper > 20 { lives.min(WEEK) } else { lives };
    (life, lives)
}

/// Lives through the town of this seed. Where it breaks a promise, it is printed.
fn live(seed: u64, keep: usize) -> Result<(Tally, u64, String), String> {
    let (mut life, lives) = town(seed, keep);
    let journal = Rc::clone(&life.journal);
    let lived = catch_unwind(AssertUnwindSafe(|| life.live(lives)));
    let lines = Vec::from_iter(journal.borrow_mut().lines.drain(..)).join("\n");
    match lived {
        Ok(()) => Ok((life.tally, lives, lines)),
        Err(panic) => {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or(panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
            Err(format!("{lines}\n\n{why}\n\nGTD_SEED={seed} cargo test --locked --test simulate -- --nocapture\n"))
        }
    }
}

fn chosen_seed() -> Option<u64> {
    std::env::var("GTD_SEED").ok()?.parse().ok()
}

#[test]
fn no_town_makes_gtd_break_a_promise() {
    if let Some(seed) = chosen_seed() {
        match live(seed, usize::MAX) {
            Ok((tally, _, lines)) => println!("{lines}\n{tally:#?}"),
            Err(story) => panic!("{story}"),
        }
        return;
    }
    let next = AtomicU64::new(0);
    let work = || {
        let (mut tally, mut lived) = (Tally::default(), 0);
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= TOWNS {
                return Ok((tally, lived));
            }
            let (one, lives, _) = live(seed, SHOWN)?;
            tally.add(&one);
            lived += lives;
        }
    };
    let results: Vec<Result<(Tally, u64), String>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    let (mut tally, mut lived) = (Tally::default(), 0);
    for result in results {
        let (one, lives) = result.unwrap_or_else(|story| panic!("{story}"));
        tally.add(&one);
        lived += lives;
    }
    println!("{} town-weeks in {TOWNS} towns: {tally:?}", lived / WEEK);
    assert!(lived / WEEK >= WEEKS, "{} town-weeks", lived / WEEK);
    for (what, count) in tally.counts() {
        assert!(count > 0, "nothing of this has happened: {what}");
    }
}

#[test]
fn the_same_seed_writes_the_same_log() {
    for seed in [1, 7, 23, 40] {
        let log = |seed| live(seed, usize::MAX).map_or_else(|story| panic!("{story}"), |(_, _, lines)| lines);
        let (first, second) = (log(seed), log(seed));
        assert!(first == second, "seed {seed}");
    }
}
