//! What was typed, as a value.

use crate::town::duration::parse_duration;
use crate::town::request::Action as Wanted;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What gtd is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Run in the foreground.
    Run,
    /// Detach and run.
    Background,
    /// Run, detached by a `--background` that waits for the first line of stdout.
    Detached,
    /// Stop the daemon.
    Stop,
    /// Show the daemon and the agents.
    Status,
    /// One heartbeat.
    Once,
    /// Show what a heartbeat would do.
    DryRun,
    /// Wake the daemon.
    Wake,
    /// Ask the daemon to do something for an agent.
    Request(Wanted, String),
    /// Show what is found and what is wrong.
    Check,
    /// Print the town's root.
    PrintTown,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// What to do.
    pub action: Action,
    /// The town, as it was named.
    pub town: Option<PathBuf>,
    /// How long `--stop` waits before it kills.
    pub timeout: Duration,
    /// Whether the answer is to be a JSON object.
    pub json: bool,
}

/// What `--stop` grants unless told otherwise.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What `--help` prints.
pub const HELP: &str = "\
gtd - Gas Town's town-level daemon: keeps a town's patrol agents alive and sends their heartbeats

usage: gtd [--town DIR]            run in the foreground
       gtd --background            detach; returns when the daemon is up, or says why not
       gtd --stop [--timeout 10s]  stop the daemon and wait until it has ended; agents live on
       gtd --status                the daemon and every agent, as the daemon last saw them
       gtd --dry-run               what a heartbeat would do for every agent, and why; changes nothing
       gtd --once                  one heartbeat, then exit
       gtd --wake                  have the daemon look at once
       gtd --request ACTION AGENT  cycle, restart, shutdown, start or reset an agent; done once, by the daemon or the
                                   next one; AGENT as deacon, RIG/witness, RIG/crew/NAME, or a session's name
       gtd --check [--json]        what is found and what is wrong, each with its remedy; changes nothing
       gtd --print town            the town that gtd would serve
       gtd --help, --version

options:
  --town DIR      the town; else the outermost directory above this one that holds mayor/town.json,
                  else $GT_TOWN_ROOT, else $GT_ROOT, else ~/gt
  --timeout TIME  with --stop: how long to wait before the daemon is killed, such as 10s or 1m30s
  --json          with --status and --check: as one JSON object

exit status: 0 done; 1 failed; 2 wrong usage; 3 not running; 4 status unknown; 5 a daemon already runs
";

/// Reads a command line.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Args, String> {
    let mut parser = lexopt::Parser::from_args(args);
    let mut action = None;
    let mut town = None;
    let mut timeout = None;
    let mut json = false;
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        let named = match arg {
            Long("background") => Action::Background,
            Long("detached") => Action::Detached,
            Long("stop") => Action::Stop,
            Long("status") => Action::Status,
            Long("once") => Action::Once,
            Long("dry-run") => Action::DryRun,
            Long("wake") => Action::Wake,
            Long("check") => Action::Check,
            Long("help") | Short('h') => Action::Help,
            Long("version") | Short('V') => Action::Version,
            Long("request") => {
                let action = value(&mut parser)?;
                let action = action.to_string_lossy().parse().map_err(|why| format!("--request: {why}"))?;
                let agent =
                    value(&mut parser).map_err(|_| "--request: an action and an agent are wanted".to_owned())?;
                Action::Request(action, agent.to_string_lossy().into_owned())
            }
            Long("print") => match value(&mut parser)?.to_str() {
                Some("town") => Action::PrintTown,
                other => return Err(format!("--print {}: only town can be printed", other.unwrap_or("…"))),
            },
            Long("town") => {
                let named = value(&mut parser)?;
                if named.is_empty() {
                    return Err("--town: it is empty".to_owned());
                }
                town = Some(PathBuf::from(named));
                continue;
            }
            Long("timeout") => {
                let text = value(&mut parser)?;
                let text = text.to_string_lossy();
                let wanted = parse_duration(&text)
                    .ok_or_else(|| format!("--timeout {text}: a duration such as 10s is wanted"))?;
                timeout = Some(wanted);
                continue;
            }
            Long("json") => {
                json = true;
                continue;
            }
            other => return Err(other.unexpected().to_string()),
        };
        match &action {
            Some(before) if *before != named => return Err("two things at once are asked for".to_owned()),
            _ => action = Some(named),
        }
    }
    if timeout.is_some() && action != Some(Action::Stop) {
        return Err("--timeout goes with --stop".to_owned());
    }
    if json && !matches!(action, Some(Action::Status | Action::Check)) {
        return Err("--json goes with --status and --check".to_owned());
    }
    Ok(Args { action: action.unwrap_or(Action::Run), town, timeout: timeout.unwrap_or(STOP_TIMEOUT), json })
}

fn value(parser: &mut lexopt::Parser) -> Result<OsString, String> {
    parser.value().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Result<Args, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn command_lines_are_read() {
        assert_eq!(words("").map(|a| a.action), Ok(Action::Run));
        let stop = words("--stop --timeout 3s --town /t").expect("a command line");
        assert_eq!(
            (stop.action, stop.timeout, stop.town),
            (Action::Stop, Duration::from_secs(3), Some(PathBuf::from("/t")))
        );
        assert_eq!(words("--town=/t --dry-run").map(|a| a.action), Ok(Action::DryRun));
    }

    #[test]
    fn wrong_usage_is_refused_in_one_line() {
        for (line, why) in [
            ("--nonsense", "invalid option '--nonsense'"),
            ("--stop --status", "two things at once are asked for"),
            ("--status --timeout 3s", "--timeout goes with --stop"),
            ("--json", "--json goes with --status and --check"),
            ("--stop --json", "--json goes with --status and --check"),
            ("--stop --timeout soon", "--timeout soon: a duration such as 10s is wanted"),
            ("--town", "missing argument for option '--town'"),
            ("start", "unexpected argument \"start\""),
            ("--request dance deacon", "--request: \"dance\" is none of cycle, restart, shutdown, start, reset"),
            ("--request cycle", "--request: an action and an agent are wanted"),
            ("--print moon", "--print moon: only town can be printed"),
        ] {
            assert_eq!(words(line), Err(why.to_owned()), "{line}");
        }
    }

    #[test]
    fn the_help_names_every_flag_that_people_use() {
        for flag in [
            "--background",
            "--stop",
            "--status",
            "--once",
            "--dry-run",
            "--wake",
            "--check",
            "--request ACTION AGENT",
            "--print town",
            "--help",
            "--version",
            "--town DIR",
            "--timeout",
            "--json",
        ] {
            assert!(HELP.contains(flag), "{flag}");
        }
    }

    proptest! {
        #[test]
        fn any_words_are_read_without_a_panic(words: Vec<Vec<u8>>) {
            use std::os::unix::ffi::OsStringExt;
            let _ = parse(words.into_iter().map(OsString::from_vec));
        }
    }
}
