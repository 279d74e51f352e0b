//! The README's numbers against the program's.

use super::plain;
use crate::idle::{heartbeats, quiet};
use crate::read;
use gtd::decide::decide;
use gtd::town::agent::Name;
use gtd::town::config::Config;
use gtd::town::history::{History, STRIP};
use gtd::town::need::{Need, Supply};
use gtd::town::plan::Trigger;
use gtd::world::tmux::OLDEST;
use std::time::Duration;

/// What is measured or counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Time(Duration),
    Count(u64),
}
use Amount::{Count, Time};

/// Reads an amount as people write it: `15 minutes`, `a day`, `10 MB`, `five`, `twice`, `10,000`.
fn amount(words: &str) -> Option<Amount> {
    let is_unit = |word: &str| matches!(word, "minute" | "hour" | "day");
    let (number, unit) = words.rsplit_once(' ').unwrap_or(if is_unit(words) { ("", words) } else { (words, "") });
    let number = match number {
        "" | "a" | "an" | "first" => 1,
        "two" | "twice" => 2,
        "three" | "third" => 3,
        "five" | "fifth" => 5,
        "ten" => 10,
        "thousand" | "a thousand" => 1000,
        digits => digits.replace(',', "").parse().ok()?,
    };
    let time = |unit: u64| Some(Time(Duration::from_millis(number * unit)));
    match unit {
        "" => Some(Count(number)),
        "MB" => Some(Count(number * 1_000_000)),
        "ms" => time(1),
        "s" | "second" => time(1_000),
        "min" | "minute" | "minutes" => time(60_000),
        "hour" | "hours" => time(3_600_000),
        "day" => time(86_400_000),
        _ => None,
    }
}

/// The value of a constant in a source.
fn constant(source: &str, name: &str) -> Option<Amount> {
    let (_, after) = source.split_once(&format!("const {name}: "))?;
    let value = after.split_once(';')?.0.split_once(" = ")?.1;
    let number = |text: &str| text.replace('_', "").parse::<u64>().ok();
    let Some((unit, rest)) = value.strip_prefix("Duration::from_").and_then(|value| value.split_once('(')) else {
        return number(value).map(Count);
    };
    let unit = match unit {
        "millis" => 1,
        "secs" => 1_000,
        "mins" => 60_000,
        "hours" => 3_600_000,
        _ => return None,
    };
    Some(Time(Duration::from_millis(number(rest.trim_end_matches(')'))? * unit)))
}

/// Whether the README says this, and with this amount, which stands in braces.
#[track_caller]
fn says(readme: &str, phrase: &str, what: &str, is: Option<Amount>) {
    let (_, rest) = phrase.split_once('{').expect(phrase);
    let words = rest.split_once('}').expect(phrase).0;
    assert!(readme.contains(&phrase.replace(['{', '}'], "")), "README.md does not say: {phrase}");
    assert!(is.is_some(), "{what} is not there, or no plain amount");
    assert_eq!(amount(words), is, "{phrase}: {what}");
}

/// A file, a constant in it, and what the README says of it.
const CONSTANTS: [(&str, &str, &str); 55] = [
    ("src/cli/signal.rs", "AFTER_KILL", "after the timeout it kills, and waits {5 s} more"),
    ("src/cli/status/story.rs", "EVENTS", "the last {20} events of the log that name it"),
    ("src/cli/screen.rs", "USUAL_WIDTH", "to `COLUMNS`, or to {80};"),
    ("src/cli/check/host.rs", "TOO_LITTLE", "room and inodes below {10 MB} and 100"),
    ("src/cli/check/host.rs", "FEW_INODES", "room and inodes below 10 MB and {100}"),
    ("src/cli/status/json.rs", "FORMAT", "prints one object. `format` is {1};"),
    ("src/service/notify.rs", "FORMAT", "| `format` | {1}; a newer number"),
    ("src/service/signals.rs", "OBEYED_WITHIN", "end within {300 ms}, in the middle of anything"),
    ("src/service/signals.rs", "OBEYED_WITHIN", "one more, if {300 ms} were not enough"),
    ("src/world/gastown.rs", "ASKED_AGAIN_AFTER", "Once {an hour}, at the first look after the file has changed"),
    ("src/world/docks.rs", "STANDS", "`bd` is asked before a start, once {an hour} while"),
    ("src/world/docks.rs", "STANDS", "after `gt rig undock`: `bd` is asked once {an hour};"),
    ("src/world/docks.rs", "DEADLINE", "A `bd` that does not answer within {5 s} delays a restart"),
    ("src/world/tmux.rs", "TMUX_TIMEOUT", "reading the mail has at least 90 s, tmux has {5 s}"),
    ("src/world/mail.rs", "INBOX_TIMEOUT", "reading the mail has at least {90 s}, tmux has 5 s"),
    ("src/world/poke.rs", "AFTER_CLEARING", "clear the line; {50 ms} later the text"),
    ("src/world/poke.rs", "AFTER_TEXT", "the text; {100 ms} later a look at the screens"),
    ("src/world/poke.rs", "MORE_ENTERS", "Enter again, at most {twice}."),
    ("src/world/clear.rs", "SCREENS_KEPT", "(the last {20} of each agent)"),
    ("src/world/elsewhere.rs", "ENDED", "it ends all of them, {20} at a time"),
    ("src/world/nudges.rs", "PACE", "is not held, at most once in {ten minutes};"),
    ("src/sys/process/ending.rs", "PATIENCE", "SIGTERM, {3 s}, SIGKILL"),
    ("src/sys/process/ending.rs", "PATIENCE", "The {3 s} are for all agents of a pass together"),
    ("src/daemon/deaths.rs", "BETWEEN_DEATHS", "(at most once {a second}; on Linux)"),
    ("src/decide/agents.rs", "STARTS_AT_A_TIME", "is started, at most {5} at a time, the Deacon first"),
    ("src/decide/agents.rs", "IN_CONVERSATION", "and a person typed there within {a minute}, or"),
    ("src/decide/agents.rs", "IN_CONVERSATION", "left half-typed for more than {a minute} is cleared"),
    ("src/decide/agents.rs", "AT_WORK", "or it is at work (output within {10 s})"),
    ("src/decide/agents.rs", "STILL_WANTED", "or while a person typed there within {5 minutes}."),
    ("src/decide/observe.rs", "MASS_DEATH", "`deaths`: {three} or more died at once"),
    ("src/decide/pacing.rs", "LOOP_WINDOW", "The second restart within {15 minutes} waits"),
    ("src/decide/pacing.rs", "LOOP_WINDOW", "the delay of the second restart within {15 minutes}"),
    ("src/decide/pacing.rs", "LOOP_WINDOW", "a fifth restart within {15 minutes} it is quarantined"),
    ("src/decide/pacing.rs", "LOOP", "The {fifth} would be a loop"),
    ("src/decide/pacing.rs", "LOOP", "Instead of a {fifth} restart within 15 minutes"),
    ("src/decide/pacing.rs", "QUARANTINE_RETRY", "the agent is quarantined and tried once {an hour}"),
    ("src/decide/pacing.rs", "FORGIVEN_AFTER", "until it has run for {30 minutes}, or"),
    ("src/decide/pacing.rs", "OWN_PANE_SETTLE", "In a pane that gtd itself started, {1 s} is enough"),
    ("src/decide/silence.rs", "TIME_TO_ANSWER", "{10 s} later what was typed must still be unread"),
    ("src/decide/silence.rs", "SILENT_HEARTBEATS", "it takes {three} heartbeats and 30 minutes without output"),
    ("src/decide/silence.rs", "LONG_SILENCE", "it takes three heartbeats and {30 minutes} without output"),
    ("src/decide/silence.rs", "RESTARTS_IN_VAIN", "After {two} such restarts in vain"),
    ("src/decide/silence.rs", "RESTARTS_IN_VAIN", "one does not answer, and {two} restarts were in vain"),
    ("src/decide/stale.rs", "STALE_AFTER", "has not changed for {15 minutes}, and whose program"),
    ("src/decide/requests.rs", "TOO_OLD", "Older than {6 hours}, unreadable"),
    ("src/decide/requests.rs", "TOO_OLD", "or within {6 hours}, is given up"),
    ("src/decide/requests.rs", "MOST_TRIES", "What cannot be done {five} times"),
    ("src/decide/spawns.rs", "OFTEN", "It is looked at every {2 s} in the first minute"),
    ("src/decide/spawns.rs", "OFTEN_FOR", "every 2 s in the {first minute}, then at every look"),
    ("src/decide/spawns.rs", "FORGOTTEN_AFTER", "its session is gone or after {5 minutes}."),
    ("src/decide/record.rs", "A_DAY", "is left out for {a day} (for an hour,"),
    ("src/decide/record.rs", "A_DAY", "gtd's starts of the last {24 hours}"),
    ("tests/simulate/main.rs", "WEEKS", "over a {thousand} simulated weeks"),
    ("tests/bench/budgets.rs", "RUNS", "medians of {7} with the spread"),
    ("tests/bench/deaths.rs", "TRIES", "with the spread, deaths of {20}."),
];

#[test]
fn the_amounts_that_the_readme_names_are_the_programs() {
    let readme = plain(&read("README.md"));
    for (file, name, phrase) in CONSTANTS {
        says(&readme, phrase, &format!("{name} in {file}"), constant(&read(file), name));
    }
}

#[test]
fn the_amounts_that_the_readme_names_are_the_configurations() {
    let readme = plain(&read("README.md"));
    let own = Config::default();
    let Need { after, .. } = Need::outage(Supply::Tmux);
    for (phrase, is) in [
        ("is started only when it has been gone for {5 s}, in two looks", Time(own.settle)),
        ("within 15 minutes waits {30 s} more", Time(own.first_delay)),
        ("waits 30 s more, the third {1 min}, the fourth", Time(own.first_delay * 2)),
        ("the third 1 min, the fourth {2 min}.", Time(own.first_delay * 4)),
        ("it was started less than {5 minutes} ago", Time(own.grace)),
        ("The second poke comes {a minute} after a first", Time(own.silent_after)),
        ("there is a **look** every {minute}, whenever", Time(own.look_interval)),
        ("rotated at {10 MB}, three files are kept", Count(own.log_max_size)),
        ("rotated at 10 MB, {three} files are kept", Count(own.log_keep.into())),
        ("a strip of its last {60} looks", Count(STRIP as u64)),
        ("A rig's name is 1 to {100} letters", Count(Name::MAX as u64)),
        ("or the state has been of no use for {10 minutes};", Time(after)),
    ] {
        says(&readme, phrase, "it", Some(is));
    }
    let (major, minor) = OLDEST;
    assert!(readme.contains(&format!("Where tmux ({major}.{minor} or newer) is missing")), "{major}.{minor}");
}

#[test]
fn a_check_is_broken_off_before_the_time_that_the_readme_grants_it() {
    let readme = plain(&read("README.md"));
    let Some(Time(limit)) = constant(&read("src/cli/check.rs"), "LIMIT") else { panic!("there is no limit") };
    assert!(readme.contains("ends within 30 s whatever hangs"));
    assert!(limit < Duration::from_secs(30), "{limit:?}");
}

#[test]
fn heartbeats_come_as_often_as_the_readme_says() {
    let history = History { activity: Some(quiet(0).now.wall), ..History::default() };
    let interval = |minute| decide(Trigger::Look, &quiet(minute), &history).rhythm.interval.as_secs() / 60;
    // Each interval, and how long it lasts.
    let mut steps: Vec<(u64, u32)> = Vec::new();
    for minute in 0..24 * 60 {
        match steps.last_mut().filter(|(every, _)| *every == interval(minute)) {
            Some((_, end)) => *end = minute + 1,
            None => steps.push((interval(minute), minute + 1)),
        }
    }
    let [(a, b), (c, d), (e, f), (g, _)] = steps[..] else { panic!("{steps:?}") };
    let said = format!(
        "then every {a} minutes while the town was active within the last {b}, every {c} within {d}, every {e} within {f}, \
         and every {g} otherwise"
    );
    assert!(plain(&read("README.md")).contains(&said), "{said}");
}

#[test]
fn a_day_has_as_many_looks_heartbeats_and_processes_as_the_readme_says() {
    let minutes = 24 * 60 / (Config::default().look_interval.as_secs() / 60);
    let heartbeats = u64::try_from(heartbeats()).expect("a small number");
    let (looks, processes) = (thousands(minutes), thousands(minutes + heartbeats * 7));
    let readme = plain(&read("README.md"));
    for said in [
        format!("gtd looks {looks} times and sends {heartbeats} heartbeats"),
        format!("(one tmux a look, eight processes a heartbeat, {processes} in all)"),
    ] {
        assert!(readme.contains(&said), "{said}");
    }
}

fn thousands(number: u64) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}

/// The rows of the README's table of figures: what was measured, and what stands in the other columns.
fn figures(readme: &str) -> Vec<[String; 4]> {
    let (_, table) = readme.split_once("```text\nwhat  ").expect("a table");
    let table = format!("what  {}", table.split_once("```").expect("its end").0);
    let header = table.lines().next().expect("a header");
    let column = |name| header.find(name).expect(name);
    let bounds = [0, column("budget"), column("measured"), column("spread"), column("ratio"), column("floor")];
    let cell = |line: &str, n: usize| {
        let end = bounds.get(n + 1).copied().unwrap_or(line.len()).min(line.len());
        line.get(bounds[n].min(end)..end).unwrap_or_default().trim_end().to_owned()
    };
    table.lines().skip(1).map(|line| [0, 1, 2, 4].map(|n| cell(line, n))).collect()
}

#[test]
fn the_readmes_figures_stand_beside_the_budgets_of_the_bench() {
    let sources: String = crate::below("tests/bench").into_iter().map(|file| file.text).collect();
    let mut compared = 0;
    for [what, budget_text, measured_text, ratio] in figures(&read("README.md")) {
        let value = |cell: &str| cell.split(' ').next()?.parse::<f64>().ok();
        if let (Some(budget), Some(measured)) = (value(&budget_text), value(&measured_text)) {
            let (is, said) = (measured / budget, value(&ratio).expect("a ratio"));
            // What was measured is rounded, and so is what was reckoned with more digits.
            let digits = measured_text.split('.').nth(1).map_or(0, |rest| rest.split(' ').next().unwrap_or("").len());
            let half = 0.5 / 10f64.powi(digits as i32);
            assert!((is - said).abs() <= 0.0051 + half / budget, "{what}: {is} and not {said}");
        }
        let Some((_, after)) = sources.split_once(&format!("\"{what}\"")) else { continue };
        let Some((_, after)) = after.split_once(';').expect("its end").0.split_once(".budget(") else { continue };
        let set: f64 = after.split_once(')').expect("a number").0.parse().expect("a number");
        assert_eq!(Some(set), value(&budget_text), "{what}");
        compared += 1;
    }
    assert!(compared >= 10, "{compared}");
}

#[test]
fn amounts_are_read_as_people_write_them() {
    let time = |seconds| Some(Time(Duration::from_secs(seconds)));
    for (words, is) in [
        ("15 minutes", time(900)),
        ("an hour", time(3600)),
        ("minute", time(60)),
        ("300 ms", Some(Time(Duration::from_millis(300)))),
        ("10 MB", Some(Count(10_000_000))),
        ("fifth", Some(Count(5))),
        ("10,000", Some(Count(10_000))),
        ("many", None),
        ("5 yards", None),
    ] {
        assert_eq!(amount(words), is, "{words}");
    }
    let source = "const A: Duration = Duration::from_mins(15);\npub const B: usize = 10_000;\nconst C: u8 = 2 * B;\n";
    assert_eq!(["A", "B", "C", "D"].map(|name| constant(source, name)), [time(900), Some(Count(10_000)), None, None]);
}
