//! A town to which nothing happens, for what the program says of it.

use gtd::town::config::Config;
use gtd::town::names::Generation;
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
