//! What is counted, as `OpenMetrics` 1.0 text. The counters run from the daemon's start.
//!
//! Everything here is kept by the main thread as it goes along: counting costs no process and no look of its own. A plain
//! gauge says which version runs, since the collector that reads such files for a machine knows no type `info`.

use super::state::AgentStatus;
use crate::decide::Event;
use crate::sys::tally::{Tallies, Tally};
use crate::town::need::Supply;
use crate::town::outcome::{Delivery, Done, Outcome};
use crate::town::sorted::{SortedMap, SortedSet};
use crate::town::time::{Moment, Wall};
use std::fmt::{Display, Write};
use std::time::Duration;

/// Why an agent was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It was not there.
    First,
    /// It had ended.
    Restart,
    /// Somebody asked for it.
    Request,
    /// It did not answer.
    Silent,
}

const REASONS: [(Reason, &str); 4] =
    [(Reason::First, "first"), (Reason::Restart, "restart"), (Reason::Request, "request"), (Reason::Silent, "silent")];

/// What can become of a poke.
const POKES: [&str; 6] = ["taken", "not_taken", "not_shown", "stale", "failed", "skipped"];

/// The states that agents are in, so that one which nobody is in is 0 and not missing.
const STATES: [&str; 11] = [
    "alive",
    "started",
    "starting",
    "waiting",
    "quarantine",
    "silent",
    "reports",
    "held",
    "moved",
    "foreign",
    "unknown",
];

/// The programs that gtd runs, and the names of their files.
const PROGRAMS: [(&str, &str); 4] = [("tmux", "tmux"), ("bd", "bd"), ("gt", "gt"), ("notify", "sh")];

/// The counters of one daemon.
#[derive(Clone, Debug)]
pub struct Metrics {
    town: String,
    started: Wall,
    heartbeats: u64,
    looks: Tally,
    starts: SortedMap<Reason, u64>,
    start_failures: u64,
    deaths: u64,
    quarantines: u64,
    pokes: SortedMap<&'static str, u64>,
    outages: SortedMap<Supply, u64>,
    out: SortedSet<Supply>,
}

/// What is shown as it is now.
#[derive(Debug)]
pub struct Now<'a> {
    /// Each agent, and whether its program lives.
    pub agents: Vec<(&'a AgentStatus, bool)>,
    /// When the next heartbeat is due.
    pub next_heartbeat: Option<Moment>,
}

impl Metrics {
    /// Nothing is counted yet.
    pub fn new(town: String, started: Wall) -> Metrics {
        Metrics {
            town,
            started,
            heartbeats: 0,
            looks: Tally::default(),
            starts: SortedMap::new(),
            start_failures: 0,
            deaths: 0,
            quarantines: 0,
            pokes: SortedMap::new(),
            outages: SortedMap::new(),
            out: SortedSet::new(),
        }
    }

    /// Counts a heartbeat.
    pub const fn heartbeat(&mut self) {
        self.heartbeats += 1;
    }

    /// Counts a look.
    pub fn look(&mut self, time: Duration) {
        self.looks.add(time, false);
    }

    /// Counts what a look has shown.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Gone { .. } => self.deaths += 1,
            Event::MassDeath(agents) => self.deaths += agents.len() as u64,
            Event::Quarantined(_) => self.quarantines += 1,
            Event::CameUp { .. } | Event::Forgiven(_) => {}
        }
    }

    /// Counts what came of an action. `silent`: it was ended for not answering.
    pub fn outcome(&mut self, outcome: &Outcome, silent: bool) {
        match &outcome.result {
            Done::Started { restart, .. } => self.start(match (silent, restart) {
                (true, _) => Reason::Silent,
                (false, true) => Reason::Restart,
                (false, false) => Reason::First,
            }),
            Done::StartFailed { .. } => self.start_failures += 1,
            Done::Poked(delivery) => self.poke(match delivery {
                Delivery::Taken => "taken",
                Delivery::NotTaken => "not_taken",
                Delivery::NotShown => "not_shown",
                Delivery::Stale => "stale",
                Delivery::Failed(_) => "failed",
            }),
            Done::SavedScreen(_) | Done::Marked(_) | Done::EndedLeftover(_) => {}
        }
    }

    /// Counts a start or a failure that somebody has asked for.
    pub fn requested(&mut self, outcome: &Outcome) {
        match &outcome.result {
            Done::Started { .. } => self.start(Reason::Request),
            _ => self.outcome(outcome, false),
        }
    }

    /// Counts a poke that was due and not sent.
    pub fn skipped_poke(&mut self) {
        self.poke("skipped");
    }

    /// Counts the outages that have begun since the last time.
    pub fn outages(&mut self, out: SortedSet<Supply>) {
        for began in out.iter().filter(|supply| !self.out.contains(*supply)) {
            *self.outages.get_or_default(*began) += 1;
        }
        self.out = out;
    }

    fn start(&mut self, reason: Reason) {
        *self.starts.get_or_default(reason) += 1;
    }

    fn poke(&mut self, result: &'static str) {
        *self.pokes.get_or_default(result) += 1;
    }

    /// The whole file. Without a `now` gtd has ended: how things stand is not known any more, and not said.
    pub fn text(&self, now: Option<&Now<'_>>, tallies: &Tallies) -> String {
        let mut text = Text { out: String::new(), town: escaped(&self.town) };
        text.gauge("gtd_up", "Whether gtd serves the town.", None, &u8::from(now.is_some()));
        text.family("gtd_build_info", "gauge", None, "The version of gtd.");
        text.sample("gtd_build_info", Some(("version", env!("CARGO_PKG_VERSION"))), &1);
        let started = seconds(self.started);
        text.gauge("gtd_start_time_seconds", "When gtd started.", Some("seconds"), &started);
        text.counter("gtd_heartbeats", "Heartbeats that were completed.", self.heartbeats);
        text.counter("gtd_looks", "Looks at the town.", self.looks.count);
        text.family("gtd_starts", "counter", None, "Agents that were started.");
        for (reason, word) in REASONS {
            text.sample("gtd_starts_total", Some(("reason", word)), self.starts.get(&reason).unwrap_or(&0));
        }
        text.counter("gtd_start_failures", "Agents that could not be started.", self.start_failures);
        text.counter("gtd_deaths", "Agents that were alive and are gone.", self.deaths);
        text.counter("gtd_quarantines", "Restart loops.", self.quarantines);
        text.family("gtd_outages", "counter", None, "Outages that began.");
        for supply in Supply::ALL {
            text.sample("gtd_outages_total", Some(("what", supply.word())), self.outages.get(&supply).unwrap_or(&0));
        }
        text.family("gtd_pokes", "counter", None, "Pokes, and what became of them.");
        for result in POKES {
            text.sample("gtd_pokes_total", Some(("result", result)), self.pokes.get(result).unwrap_or(&0));
        }
        if let Some(now) = now {
            self.show_now(&mut text, now);
        }
        text.family("gtd_look_seconds", "summary", Some("seconds"), "How long looks take.");
        text.summary("gtd_look_seconds", None, self.looks);
        let ran = PROGRAMS.map(|(name, file)| (name, tallies.get(file).copied().unwrap_or_default()));
        text.family("gtd_command_seconds", "summary", Some("seconds"), "How long other programs take.");
        for (name, tally) in ran {
            text.summary("gtd_command_seconds", Some(("program", name)), tally);
        }
        let help = "Runs of other programs that gave no answer, or failed.";
        text.family("gtd_command_failures", "counter", None, help);
        for (name, tally) in ran {
            text.sample("gtd_command_failures_total", Some(("program", name)), &tally.failures);
        }
        text.out.push_str("# EOF\n");
        text.out
    }

    fn show_now(&self, text: &mut Text, now: &Now<'_>) {
        text.family("gtd_outage", "gauge", None, "Whether something that gtd relies on is of no use.");
        for supply in Supply::ALL {
            text.sample("gtd_outage", Some(("what", supply.word())), &u8::from(self.out.contains(&supply)));
        }
        text.family("gtd_agents", "gauge", None, "Agents in each state.");
        let mut states: SortedMap<&str, usize> = STATES.into_iter().map(|state| (state, 0)).collect();
        for (agent, _) in &now.agents {
            *states.get_or_default(&agent.state) += 1;
        }
        for (state, count) in states {
            text.sample("gtd_agents", Some(("state", state)), &count);
        }
        text.family("gtd_agent_up", "gauge", None, "Whether an agent's program was alive when it was last seen.");
        for (agent, up) in &now.agents {
            text.sample("gtd_agent_up", Some(("agent", &agent.agent.to_string())), &u8::from(*up));
        }
        if let Some(next) = now.next_heartbeat {
            let name = "gtd_next_heartbeat_timestamp_seconds";
            text.gauge(name, "When the next heartbeat is due.", Some("seconds"), &seconds(next.wall));
        }
    }
}

/// Seconds since the epoch.
fn seconds(at: Wall) -> String {
    decimal(at.since(Wall::from_seconds(0)))
}

/// Seconds as a decimal number. No float: nothing else in gtd writes one, and what does takes 13 kB of program.
fn decimal(time: Duration) -> String {
    let text = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The text of a label.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out
}

/// What tells samples of one name from each other, besides the town.
type Label<'a> = Option<(&'a str, &'a str)>;

struct Text {
    out: String,
    town: String,
}

impl Text {
    fn family(&mut self, name: &str, kind: &str, unit: Option<&str>, help: &str) {
        self.write(format_args!("# TYPE {name} {kind}\n"));
        if let Some(unit) = unit {
            self.write(format_args!("# UNIT {name} {unit}\n"));
        }
        self.write(format_args!("# HELP {name} {help}\n"));
    }

    fn sample(&mut self, name: &str, label: Label, value: &dyn Display) {
        let label = label.map(|(label, text)| format!(",{label}=\"{}\"", escaped(text))).unwrap_or_default();
        let line = format!("{name}{{town=\"{}\"{label}}} {value}\n", self.town);
        self.out.push_str(&line);
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&str>, value: &dyn Display) {
        self.family(name, "gauge", unit, help);
        self.sample(name, None, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.family(name, "counter", None, help);
        self.sample(&format!("{name}_total"), None, &value);
    }

    fn summary(&mut self, name: &str, label: Label, tally: Tally) {
        self.sample(&format!("{name}_count"), label, &tally.count);
        self.sample(&format!("{name}_sum"), label, &decimal(tally.time));
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.out.write_fmt(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::agent::AgentId;

    fn value(text: &str, sample: &str) -> String {
        let found = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        found.unwrap_or_else(|| panic!("{sample} is not in\n{text}")).to_owned()
    }

    #[test]
    fn what_happens_is_counted_by_its_kind() {
        let mut metrics = Metrics::new("/t".to_owned(), Wall::from_nanos(1_795_426_804_250_000_000));
        let agent: AgentId = "alpha/witness".parse().expect("an agent");
        let outcome = |result| Outcome { agent: agent.clone(), result };
        metrics.outcome(&outcome(Done::StartFailed { why: String::new(), restart: true }), true);
        metrics.outcome(&outcome(Done::Poked(Delivery::NotShown)), false);
        metrics.skipped_poke();
        metrics.event(&Event::MassDeath(vec![agent.clone(); 3]));
        metrics.event(&Event::Quarantined(agent));
        metrics.look(Duration::from_millis(250));
        metrics.look(Duration::from_millis(500));
        let out = || SortedSet::from([Supply::Bd]);
        for out in [out(), out(), SortedSet::new(), out()] {
            metrics.outages(out);
        }
        let text = metrics.text(None, &Tallies::new());
        for (sample, wanted) in [
            ("gtd_up{town=\"/t\"}", "0"),
            ("gtd_start_time_seconds{town=\"/t\"}", "1795426804.25"),
            ("gtd_starts_total{town=\"/t\",reason=\"silent\"}", "0"),
            ("gtd_start_failures_total{town=\"/t\"}", "1"),
            ("gtd_pokes_total{town=\"/t\",result=\"not_shown\"}", "1"),
            ("gtd_pokes_total{town=\"/t\",result=\"skipped\"}", "1"),
            ("gtd_deaths_total{town=\"/t\"}", "3"),
            ("gtd_quarantines_total{town=\"/t\"}", "1"),
            ("gtd_outages_total{town=\"/t\",what=\"bd\"}", "2"),
            ("gtd_look_seconds_count{town=\"/t\"}", "2"),
            ("gtd_look_seconds_sum{town=\"/t\"}", "0.75"),
        ] {
            assert_eq!(value(&text, sample), wanted, "{sample}");
        }
        assert!(!text.contains("gtd_agent") && text.ends_with("\n# EOF\n"), "{text}");
    }

    #[test]
    fn labels_are_escaped() {
        let text = Metrics::new("/a\"b\\c\nd".to_owned(), Wall::from_seconds(0)).text(None, &Tallies::new());
        assert_eq!(value(&text, "gtd_up{town=\"/a\\\"b\\\\c\\nd\"}"), "0");
    }
}
