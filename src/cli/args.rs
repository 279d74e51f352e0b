//! What was typed, as a value.

use super::options;
use super::print::what::What;
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
    /// Show the daemon and the agents, or one agent's story.
    Status(Option<String>),
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
    /// Print something that goes with gtd.
    Print(What),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

impl Action {
    /// The flag that asks for it.
    const fn flag(&self) -> Option<&'static str> {
        Some(match self {
            Action::Run | Action::Detached => return None,
            Action::Background => "background",
            Action::Stop => "stop",
            Action::Status(_) => "status",
            Action::Once => "once",
            Action::DryRun => "dry-run",
            Action::Wake => "wake",
            Action::Request(..) => "request",
            Action::Check => "check",
            Action::Print(_) => "print",
            Action::Help => "help",
            Action::Version => "version",
        })
    }
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
    /// Whether machines read the answer.
    pub json: bool,
    /// Where the program that `--print` prints for will be.
    pub program: Option<PathBuf>,
}

/// What `--stop` grants unless told otherwise.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

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
    let mut program = None;
    while let Some(arg) = parser.next().map_err(|e| e.to_string())? {
        let named = match arg {
            Long("background") => Action::Background,
            Long("detached") => Action::Detached,
            Long("stop") => Action::Stop,
            Long("status") => Action::Status(None),
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
            Long("print") => Action::Print(What::parse(&value(&mut parser)?.to_string_lossy())?),
            Value(agent) if action == Some(Action::Status(None)) => {
                action = Some(Action::Status(Some(agent.to_string_lossy().into_owned())));
                continue;
            }
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
            Long("program") => {
                let named = PathBuf::from(value(&mut parser)?);
                if !named.is_absolute() {
                    return Err(format!("--program {}: an absolute path is wanted", named.display()));
                }
                program = Some(named);
                continue;
            }
            Long("json") => {
                json = true;
                continue;
            }
            other => {
                let dashed = match &other {
                    Value(word) => word.to_str().and_then(options::find),
                    _ => None,
                };
                let meant = dashed.map(|flag| format!("; did you mean --{}?", flag.name)).unwrap_or_default();
                return Err(format!("{}{meant}", other.unexpected()));
            }
        };
        match &action {
            Some(before) if *before != named => return Err("two things at once are asked for".to_owned()),
            _ => action = Some(named),
        }
    }
    let action = action.unwrap_or(Action::Run);
    for (name, given) in [("timeout", timeout.is_some()), ("json", json), ("program", program.is_some())] {
        if let Some(flag) = options::find(name).filter(|flag| given && !flag.goes_with(action.flag())) {
            return Err(flag.misplaced());
        }
    }
    // On another machine, or from another directory, it would be another one.
    if let Some(named) = town.as_ref().filter(|town| program.is_some() && !town.is_absolute()) {
        return Err(format!("--town {}: with --program an absolute path is wanted", named.display()));
    }
    Ok(Args { action, town, timeout: timeout.unwrap_or(STOP_TIMEOUT), json, program })
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
        for line in ["--status --json web/witness", "--status web/witness --json", "--json --status web/witness"] {
            let status = words(line).expect(line);
            assert_eq!((status.action, status.json), (Action::Status(Some("web/witness".to_owned())), true), "{line}");
        }
        assert_eq!(words("--check --json").map(|a| (a.action, a.json)), Ok((Action::Check, true)));
        let ended = Ok(Action::Request(Wanted::Shutdown, "deacon".to_owned()));
        assert_eq!(words("--request stop deacon").map(|a| a.action), ended, "as in a mail");
        assert_eq!(words("--print agents").map(|a| a.action), Ok(Action::Print(What::Agents)));
        assert_eq!(words("--print cron --program /g").map(|a| a.program), Ok(Some(PathBuf::from("/g"))));
        assert_eq!(words("--town=/t --dry-run").map(|a| a.action), Ok(Action::DryRun));
    }

    #[test]
    fn wrong_usage_is_refused_in_one_line() {
        for (line, why) in [
            ("--nonsense", "invalid option '--nonsense'"),
            ("--stop --status", "two things at once are asked for"),
            ("--status --timeout 3s", "--timeout goes with --stop"),
            ("--json", "--json goes with --status and --check"),
            ("--program /bin/gtd", "--program goes with --print"),
            ("--print cron --program bin/gtd", "--program bin/gtd: an absolute path is wanted"),
            ("--print cron --program /g --town t", "--town t: with --program an absolute path is wanted"),
            ("--town ./t --print systemd --program /g", "--town ./t: with --program an absolute path is wanted"),
            ("--stop --json", "--json goes with --status and --check"),
            ("--stop --timeout soon", "--timeout soon: a duration such as 10s is wanted"),
            ("--town", "missing argument for option '--town'"),
            ("start", "unexpected argument \"start\""),
            ("status", "unexpected argument \"status\"; did you mean --status?"),
            ("--town /t stop", "unexpected argument \"stop\"; did you mean --stop?"),
            ("--request dance deacon", "--request: \"dance\" is none of cycle, restart, shutdown, start, reset"),
            ("--request cycle", "--request: an action and an agent are wanted"),
            ("--dry-run --json", "--json goes with --status and --check"),
            ("--json", "--json goes with --status and --check"),
            ("deacon --status", "unexpected argument \"deacon\""),
            ("--status deacon mayor", "unexpected argument \"mayor\""),
            ("--check deacon", "unexpected argument \"deacon\""),
        ] {
            assert_eq!(words(line), Err(why.to_owned()), "{line}");
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
