//! The command line as a table: `--help`, the manual page and the completions are made from it, and the reader of command
//! lines takes from it which flags go together. Backquotes in a text set off what is code.

use super::print::what::What;
use crate::town::request;
use std::fmt::Write;

/// What a value can be completed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completes {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// What `--request` can ask for.
    Action,
    /// An agent that the daemon has seen.
    Agent,
    /// What `--print` can print.
    What,
    /// A duration such as `10s`.
    Duration,
}

impl Completes {
    /// The words, where there is a fixed list of them.
    pub fn words(self) -> Vec<&'static str> {
        match self {
            Completes::Action => request::Action::ALL.map(request::Action::word).to_vec(),
            Completes::What => What::shown().map(What::word).collect(),
            Completes::Duration => vec!["10s", "1m"],
            Completes::Directory | Completes::File | Completes::Agent => Vec::new(),
        }
    }
}

/// The value of a flag.
#[derive(Debug)]
pub struct Value {
    /// What it is called.
    pub name: &'static str,
    /// What it can be completed to.
    pub completes: Completes,
    /// Whether the flag can stand without it.
    pub optional: bool,
}

impl Value {
    const fn needed(name: &'static str, completes: Completes) -> Value {
        Value { name, completes, optional: false }
    }
}

/// What a flag is to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It says what is done: there is at most one.
    Command,
    /// The same, and it tells about gtd itself.
    About,
    /// It goes with any command.
    General,
    /// It goes with these commands only.
    With(&'static [&'static str]),
}

/// A flag.
#[derive(Debug)]
pub struct Flag {
    /// Its name, without the dashes.
    pub name: &'static str,
    /// Its one letter, where it has one.
    pub short: Option<char>,
    /// Its values.
    pub values: &'static [Value],
    /// What it is to the others.
    pub kind: Kind,
    /// What it does, for `--help` and the completions.
    pub brief: &'static str,
    /// What else there is to say, for the manual page.
    pub more: &'static str,
}

/// What gtd does without a command.
pub const RUN: &str = "run in the foreground";

/// What gtd is, in half a sentence.
pub const PURPOSE: &str = "Gas Town's town-level daemon: keeps a town's patrol agents alive and sends their heartbeats";

const fn flag(name: &'static str, kind: Kind, brief: &'static str, more: &'static str) -> Flag {
    Flag { name, short: None, values: &[], kind, brief, more }
}

const AGENT: Value = Value::needed("AGENT", Completes::Agent);

/// Every flag that people use, in the order of `--help`.
pub static FLAGS: [Flag; 15] = [
    flag(
        "background",
        Kind::Command,
        "detach; returns when the daemon is up, or says why not",
        "The daemon leads a session of its own and keeps nothing of the terminal it came from.",
    ),
    flag(
        "stop",
        Kind::Command,
        "stop the daemon and wait until it has ended; agents live on",
        "Sends SIGTERM and waits for the daemon's lock, not for a clock; after the time of `--timeout` it kills, and waits 5 s \
         more. With nothing running it says so and is content.",
    ),
    Flag {
        values: &[Value { name: "AGENT", completes: Completes::Agent, optional: true }],
        ..flag(
            "status",
            Kind::Command,
            "the daemon and every agent, as the daemon last saw them; or one agent",
            "Reads what the daemon wrote and never asks tmux.",
        )
    },
    flag(
        "dry-run",
        Kind::Command,
        "what a heartbeat would do for every agent, and why; changes nothing",
        "Takes no lock and writes nothing; it may run beside a daemon.",
    ),
    flag(
        "once",
        Kind::Command,
        "one heartbeat, then exit",
        "Pokes whoever is due, even if the last heartbeat was a second ago.",
    ),
    flag(
        "wake",
        Kind::Command,
        "have the daemon look at once",
        "Sends it SIGUSR1: it looks at the town and reads the mail.",
    ),
    Flag {
        values: &[Value::needed("ACTION", Completes::Action), AGENT],
        ..flag(
            "request",
            Kind::Command,
            "cycle, restart, shutdown, start or reset an agent; done once, by the daemon or the next one",
            "The agent is named as `deacon`, `mayor`, `RIG/witness`, `RIG/refinery`, `RIG/crew/NAME`, or by its session. \
             `cycle` and `restart` save the agent's screen, end its process tree and start it again; `shutdown`, or `stop`, \
             ends it and holds it until `start`; `reset` ends its back-off and quarantine. Where no daemon runs, the request is \
             kept and carried out when one starts.",
        )
    },
    flag(
        "check",
        Kind::Command,
        "what is found and what is wrong, each with its remedy; changes nothing",
        "Each fault stands on a line of its own, with its remedy. The exit status is 1 if there is one.",
    ),
    Flag {
        values: &[Value::needed("WHAT", Completes::What)],
        ..flag(
            "print",
            Kind::Command,
            "what goes with gtd: town, man, bash, zsh, fish, systemd, launchd, cron or config",
            "All of it is made from the same tables as this page, and goes to standard output. `man`, `bash`, `zsh`, `fish` \
             and `config` need no town; `systemd`, `launchd` and `cron` name the town that is found, and where there is \
             none say how it will be.",
        )
    },
    Flag { short: Some('h'), ..flag("help", Kind::About, "the command line on one screen", "") },
    Flag { short: Some('V'), ..flag("version", Kind::About, "the version", "") },
    Flag {
        values: &[Value::needed("DIR", Completes::Directory)],
        ..flag(
            "town",
            Kind::General,
            "the town; else the outermost directory above this one that holds mayor/town.json, else $GT_TOWN_ROOT, else \
             $GT_ROOT, else ~/gt",
            "Symbolic links are kept.",
        )
    },
    Flag {
        values: &[Value::needed("TIME", Completes::Duration)],
        ..flag(
            "timeout",
            Kind::With(&["stop"]),
            "with --stop: how long to wait before the daemon is killed, such as 10s or 1m30s",
            "The default is 10s.",
        )
    },
    Flag {
        values: &[Value::needed("FILE", Completes::File)],
        ..flag(
            "program",
            Kind::With(&["print"]),
            "with --print: for a gtd that will be at FILE, on whatever machine, for whatever town",
            "What `systemd`, `launchd` and `cron` print then names neither this machine's directories nor its town, so that it can \
             be packed up with the program; a `--town` beside it is an absolute path.",
        )
    },
    flag(
        "json",
        Kind::With(&["status", "check"]),
        "with --status and --check: one JSON object for programs, in place of the table for people",
        "Its key format grows when a key goes or changes its meaning, not when one is added.",
    ),
];

/// Flags by their names, with their dashes.
pub fn dashed(names: &[&str]) -> String {
    let mut text = String::new();
    for (n, name) in names.iter().enumerate() {
        let before = if n == 0 { "--" } else { " --" };
        text.push_str(before);
        text.push_str(name);
    }
    text
}

/// The flag of this name.
pub fn find(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name == name)
}

impl Flag {
    /// Whether it says what is done.
    pub fn is_command(&self) -> bool {
        matches!(self.kind, Kind::Command | Kind::About)
    }

    /// Whether it may stand beside this command; `None` is the daemon in the foreground.
    pub fn goes_with(&self, command: Option<&str>) -> bool {
        match self.kind {
            Kind::Command | Kind::About => false,
            Kind::General => true,
            Kind::With(commands) => command.is_some_and(|command| commands.contains(&command)),
        }
    }

    /// What is said where it stands beside anything else.
    pub fn misplaced(&self) -> String {
        let Kind::With(commands) = self.kind else { return String::new() };
        format!("--{} goes with {}", self.name, dashed(commands).replace(' ', " and "))
    }

    /// With its values: `--request ACTION AGENT`.
    pub fn with_values(&self) -> String {
        let mut text = format!("--{}", self.name);
        for Value { name, optional, .. } in self.values {
            let _ = if *optional { write!(text, " [{name}]") } else { write!(text, " {name}") };
        }
        text
    }

    /// With its values and what goes with it alone: `--stop [--timeout TIME]`.
    pub fn with_options(&self) -> String {
        let mut text = self.with_values();
        for option in FLAGS.iter().filter(|o| o.kind != Kind::General && o.goes_with(Some(self.name))) {
            let _ = write!(text, " [{}]", option.with_values());
        }
        text
    }
}

/// The ways to call gtd, each with what it does.
pub fn synopsis() -> Vec<(String, &'static str)> {
    let mut run = "gtd".to_owned();
    let mut about = String::new();
    let mut ways = Vec::new();
    for flag in &FLAGS {
        match flag.kind {
            Kind::General => {
                let _ = write!(run, " [{}]", flag.with_values());
            }
            Kind::Command => ways.push((format!("gtd {}", flag.with_options()), flag.brief)),
            Kind::About => {
                let before = if about.is_empty() { "gtd " } else { ", " };
                let _ = write!(about, "{before}{}", flag.with_values());
            }
            Kind::With(_) => {}
        }
    }
    ways.insert(0, (run, RUN));
    ways.push((about, ""));
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_in_the_table_and_the_other_way_round() {
        let reader = include_str!("args.rs").split("#[cfg(test)]").next().unwrap_or_default();
        let mut read: Vec<&str> = reader.split("Long(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        // How `--background` starts the daemon is nobody else's business.
        read.retain(|name| *name != "detached");
        let mut known: Vec<&str> = FLAGS.iter().map(|flag| flag.name).collect();
        read.sort_unstable();
        known.sort_unstable();
        assert_eq!(read, known);
        for flag in &FLAGS {
            if let Kind::With(commands) = flag.kind {
                assert!(commands.iter().all(|name| find(name).is_some_and(Flag::is_command)), "{}", flag.name);
            }
        }
    }

    #[test]
    fn what_can_be_printed_is_named_in_one_line() {
        let brief = find("print").expect("a flag").brief;
        assert!(What::shown().all(|what| brief.contains(what.word())), "{brief}");
        let brief = find("request").expect("a flag").brief;
        assert!(Completes::Action.words().iter().all(|word| brief.contains(word)), "{brief}");
    }
}
