//! What was typed, as a value.

use super::options;
use super::print::What;
use crate::town::duration::parse_duration;
use crate::town::request::Action as Wanted;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
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
    let mut reader = Reader {
        words: &mut args.into_iter(),
        flag: String::new(),
        attached: None,
        action: None,
        timeout: None,
        town: None,
        json: false,
        program: None,
    };
    reader.read()?;
    let Reader { action, town, timeout, json, program, .. } = reader;
    let action = action.unwrap_or(Action::Run);
    for (name, given) in [("timeout", timeout.is_some()), ("json", json), ("program", program.is_some())] {
        if let Some(flag) = options::find(name).filter(|flag| given && !flag.goes_with(action.flag())) {
            return Err(flag.misplaced());
        }
    }
    Ok(Args { action, town, timeout: timeout.unwrap_or(STOP_TIMEOUT), json, program })
}

/// A command line that is being read.
struct Reader<'a> {
    /// What is still to be read.
    words: &'a mut dyn Iterator<Item = OsString>,
    /// The flag that was read last, with its dashes.
    flag: String,
    /// Its value, where it stands in the same word behind `=`, until somebody asks for it.
    attached: Option<OsString>,
    action: Option<Action>,
    town: Option<PathBuf>,
    timeout: Option<Duration>,
    json: bool,
    program: Option<PathBuf>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), String> {
        let mut flags_are_over = false;
        while let Some(word) = self.words.next() {
            let bytes = word.as_bytes();
            if flags_are_over || !bytes.starts_with(b"-") || bytes == b"-" {
                self.bare(word.to_string_lossy())?;
                continue;
            }
            if bytes == b"--" {
                flags_are_over = true;
                continue;
            }
            let equals = (2..bytes.len()).find(|at| bytes[*at] == b'=');
            self.attached = equals.map(|at| OsStr::from_bytes(&bytes[at + 1..]).to_owned());
            let flag = String::from_utf8_lossy(&bytes[..equals.unwrap_or(bytes.len())]);
            match flag.strip_prefix("--") {
                Some(name) => self.long(name)?,
                None => flag.chars().skip(1).try_for_each(|letter| self.short(letter))?,
            }
            if let Some(value) = self.attached.take() {
                return Err(format!("unexpected argument for option '{}': {:?}", self.flag, value.to_string_lossy()));
            }
        }
        Ok(())
    }

    /// A word that is no flag's: after `--status`, an agent.
    fn bare(&mut self, word: Cow<'_, str>) -> Result<(), String> {
        match &mut self.action {
            Some(Action::Status(agent @ None)) => *agent = Some(word.into_owned()),
            _ => return Err(format!("unexpected argument {word:?}")),
        }
        Ok(())
    }

    fn short(&mut self, letter: char) -> Result<(), String> {
        self.flag = format!("-{letter}");
        match letter {
            'h' => self.act(Action::Help),
            'V' => self.act(Action::Version),
            _ => Err(self.unknown()),
        }
    }

    fn long(&mut self, name: &str) -> Result<(), String> {
        self.flag = format!("--{name}");
        let action = match name {
            "background" => Action::Background,
            "detached" => Action::Detached,
            "stop" => Action::Stop,
            "status" => Action::Status(None),
            "once" => Action::Once,
            "dry-run" => Action::DryRun,
            "wake" => Action::Wake,
            "check" => Action::Check,
            "help" => Action::Help,
            "version" => Action::Version,
            "request" => {
                let action = self.text()?.parse().map_err(|why| format!("--request: {why}"))?;
                let agent = self.text().map_err(|_| "--request: an action and an agent are wanted")?;
                Action::Request(action, agent)
            }
            "print" => Action::Print(What::parse(&self.text()?)?),
            "town" => {
                let town = self.value()?;
                if town.is_empty() {
                    return Err("--town: it is empty".to_owned());
                }
                self.town = Some(PathBuf::from(town));
                return Ok(());
            }
            "timeout" => {
                let text = self.text()?;
                self.timeout = parse_duration(&text);
                return match self.timeout {
                    Some(_) => Ok(()),
                    None => Err(format!("--timeout {text}: a duration such as 10s is wanted")),
                };
            }
            "program" => {
                let program = PathBuf::from(self.value()?);
                if !program.is_absolute() {
                    return Err(format!("--program {}: an absolute path is wanted", program.display()));
                }
                self.program = Some(program);
                return Ok(());
            }
            "json" => {
                self.json = true;
                return Ok(());
            }
            _ => return Err(self.unknown()),
        };
        self.act(action)
    }

    fn act(&mut self, action: Action) -> Result<(), String> {
        match &self.action {
            Some(before) if *before != action => Err("two things at once are asked for".to_owned()),
            _ => {
                self.action = Some(action);
                Ok(())
            }
        }
    }

    fn unknown(&self) -> String {
        format!("invalid option '{}'", self.flag)
    }

    /// The value of the flag that was read last.
    fn value(&mut self) -> Result<OsString, String> {
        let value = self.attached.take().or_else(|| self.words.next());
        value.ok_or_else(|| format!("missing argument for option '{}'", self.flag))
    }

    fn text(&mut self) -> Result<String, String> {
        Ok(self.value()?.to_string_lossy().into_owned())
    }
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
        assert_eq!(words("--print agents").map(|a| a.action), Ok(Action::Print(What::Agents)));
        assert_eq!(words("--print cron --program /g").map(|a| a.program), Ok(Some(PathBuf::from("/g"))));
        assert_eq!(words("--town=/t --dry-run").map(|a| (a.action, a.town)), Ok((Action::DryRun, Some("/t".into()))));
        assert_eq!(words("--town --once").map(|a| (a.action, a.town)), Ok((Action::Run, Some("--once".into()))));
        assert_eq!(words("--status -- --once").map(|a| a.action), Ok(Action::Status(Some("--once".to_owned()))));
        assert_eq!(
            (words("-h").map(|a| a.action), words("-VV").map(|a| a.action)),
            (Ok(Action::Help), Ok(Action::Version))
        );
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
            ("--stop --json", "--json goes with --status and --check"),
            ("--stop --timeout soon", "--timeout soon: a duration such as 10s is wanted"),
            ("--town", "missing argument for option '--town'"),
            ("-x", "invalid option '-x'"),
            ("-hV", "two things at once are asked for"),
            ("-h=x", "unexpected argument for option '-h': \"x\""),
            ("--stop=5s", "unexpected argument for option '--stop': \"5s\""),
            ("-- --stop", "unexpected argument \"--stop\""),
            ("-", "unexpected argument \"-\""),
            ("start", "unexpected argument \"start\""),
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
