//! A town to which nothing happens, and its day.

use gtd::decide::decide;
use gtd::town::config::Config;
use gtd::town::history::History;
use gtd::town::names::Generation;
use gtd::town::plan::Trigger;
use gtd::town::snapshot::{Elsewhere, Holds, Inbox, Reports, Snapshot};
use gtd::town::time::{Moment, Tick, Wall};

/// A minute of its day. It has no agents, and nothing tells how busy it is.
pub fn quiet(minute: u32) -> Snapshot {
    let seconds = minute * 60;
    let wall = Wall::from_seconds(1_800_000_000 + i64::from(seconds));
    Snapshot {
        now: Moment { wall, tick: Tick::from_millis(u64::from(seconds) * 1000) },
        root: "/town".into(),
        config: Config::default(),
        generation: Ok(Generation::Seed),
        generation_why: String::new(),
        gastown: None,
        elsewhere: Elsewhere::NotAsked,
        docks: Default::default(),
        left_out: Default::default(),
        rigs: Vec::new(),
        agents: Vec::new(),
        socket: String::new(),
        server: None,
        sessions: Ok(Vec::new()),
        reports: Reports::NotAsked,
        reported_at: Default::default(),
        inbox: Inbox::NotAsked,
        spool: Vec::new(),
        crew: Vec::new(),
        wishes: Default::default(),
        holds: Holds::default(),
        activity: None,
        troubles: Vec::new(),
    }
}

/// Minutes in 24 hours.
pub const A_DAY: u32 = 24 * 60;

/// The heartbeats of a day that begins with the last thing that happens in the town.
pub fn heartbeats() -> usize {
    let first = quiet(0).now;
    let mut history = History { last_heartbeat: Some(first), activity: Some(first.wall), ..History::default() };
    let mut count = 1;
    for snapshot in (1..A_DAY).map(quiet) {
        if decide(Trigger::Look, &snapshot, &history).next_heartbeat.tick <= snapshot.now.tick {
            count += 1;
            history.last_heartbeat = Some(snapshot.now);
        }
    }
    count
}
