//! Running other programs, each with a deadline. A command is a value that prints itself, so that every error can say
//! what was run; `running` is what becomes of it.

pub mod running;

use super::attention::{Attention, Stopped};
use super::limits;
use super::raw;
use crate::town::duration::brief;
use crate::town::text::clean;
use running::{End, Running};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// What a child reads that is given nothing.
const NOTHING: &str = "/dev/null";

/// A program to be run, with all that it gets. It is in a box, since it is handed on with each thing that is added.
#[derive(Clone, Debug)]
pub struct Command(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    program: PathBuf,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
    without: &'static [&'static str],
    input: Vec<u8>,
    deadline: Duration,
    label: Option<&'static str>,
    own_session: bool,
}

/// Children that were left alone. Those that have ended must be noticed by whoever started them: until then they stay in the
/// process table.
#[derive(Debug, Default)]
pub struct LeftAlone(Vec<Child>);

impl LeftAlone {
    /// Lets go of those that have ended.
    pub fn let_go(&mut self) {
        self.0.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
    }
}

/// What a child said that ended well.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
    /// Whether its exit status was 0.
    pub success: bool,
    /// Its exit status, or 128 and the signal that ended it.
    pub status: i32,
}

/// Why a child gave no answer.
#[derive(Debug)]
pub struct Failure {
    what: String,
    kind: FailureKind,
}

#[derive(Debug)]
enum FailureKind {
    NoDirectory(PathBuf),
    NotStarted(io::Error),
    NoNothing,
    Timeout(Duration),
    Flood,
    CalledBack,
}

impl Failure {
    /// Whether it ran out of its time: what it had begun may still come to be.
    pub const fn is_timeout(&self) -> bool {
        matches!(self.kind, FailureKind::Timeout(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match &self.kind {
            FailureKind::NoDirectory(dir) => write!(f, "{what}: cannot be run in {}: no such directory", dir.display()),
            FailureKind::NoNothing => write!(f, "{what}: cannot be run: there is no {NOTHING}"),
            FailureKind::NotStarted(error) => write!(f, "{what}: cannot be run: {error}"),
            FailureKind::Timeout(after) => write!(f, "{what}: no answer within {}", brief(*after)),
            FailureKind::Flood => write!(f, "{what}: more than 8 MiB of output"),
            FailureKind::CalledBack => write!(f, "{what}: broken off, since an agent has ended"),
        }
    }
}

impl Output {
    /// The line of complaint that calls itself an error, else the last one, else how it ended: the reason in one line.
    /// Hints and the usage often follow the error.
    pub fn complaint(&self) -> String {
        let mut lines = self.stderr.lines().filter(|line| !line.trim().is_empty());
        let is_error =
            |line: &&str| line.trim_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
        match lines.clone().find(is_error).or_else(|| lines.next_back()) {
            Some(line) => clean(line.trim(), 200),
            None => format!("exit status {}", self.status),
        }
    }
}

impl Command {
    /// A command that may take `deadline`.
    pub fn new(program: impl Into<PathBuf>, deadline: Duration) -> Command {
        Command(Box::new(Parts {
            program: program.into(),
            args: Vec::new(),
            dir: None,
            env: Vec::new(),
            without: &[],
            input: Vec::new(),
            deadline,
            label: None,
            own_session: false,
        }))
    }

    /// What errors call it, where its arguments would say little to a person.
    pub fn called(mut self, label: &'static str) -> Command {
        self.0.label = Some(label);
        self
    }

    /// Has it begin a session of its own: an interactive shell that found gtd's terminal, and itself in the background
    /// there, would stop and wait for ever.
    pub fn without_terminal(mut self) -> Command {
        self.0.own_session = true;
        self
    }

    /// Another deadline.
    pub fn deadline(mut self, deadline: Duration) -> Command {
        self.0.deadline = deadline;
        self
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Command {
        self.0.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: &[S]) -> Command {
        self.0.args.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Its working directory.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Command {
        self.0.dir = Some(dir.into());
        self
    }

    /// A variable of its environment.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Command {
        self.0.env.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Variables that are not handed on.
    pub fn without(mut self, names: &'static [&'static str]) -> Command {
        self.0.without = names;
        self
    }

    /// What it reads.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Command {
        self.0.input = input.into();
        self
    }

    /// Runs it to its end. An exit status other than 0 is an answer too.
    ///
    /// # Errors
    /// [`Stopped`] if gtd was told to end meanwhile; within, a [`Failure`]: not started, no answer in time, or a flood.
    pub fn run(&self, attention: &mut Attention) -> Result<Result<Output, Failure>, Stopped> {
        attention.check()?;
        if let Some(dir) = self.0.dir.as_deref().filter(|dir| !dir.is_dir()) {
            return Ok(Err(self.failure(FailureKind::NoDirectory(dir.to_owned()))));
        }
        let began = Instant::now();
        let answer = match self.start() {
            Ok(mut running) => {
                let end = running.wait(self.0.deadline, attention);
                let status = running.end();
                match end? {
                    End::Ended => Ok(running.output(status)),
                    End::TooLate => Err(self.failure(FailureKind::Timeout(self.0.deadline))),
                    End::Flood => Err(self.failure(FailureKind::Flood)),
                    End::CalledBack => Err(self.failure(FailureKind::CalledBack)),
                }
            }
            Err(error) => Err(self.not_started(error)),
        };
        let failed = !answer.as_ref().is_ok_and(|output| output.success);
        let name = self.0.program.file_name().unwrap_or_default().to_string_lossy();
        attention.note_run(&name, began.elapsed(), failed);
        Ok(answer)
    }

    /// Starts it and leaves it alone: it outlives gtd, hears nothing and says nothing.
    ///
    /// # Errors
    /// A [`Failure`]: not started.
    pub fn leave(&self, others: &mut LeftAlone) -> Result<u32, Failure> {
        let mut command = self.prepare();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| self.not_started(error))?;
        let pid = child.id();
        others.0.push(child);
        Ok(pid)
    }

    /// The system says only that something is not there. Where the program is, it was what it was to read.
    fn not_started(&self, error: io::Error) -> Failure {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        self.failure(match is_missing && self.0.program.exists() && !Path::new(NOTHING).exists() {
            true => FailureKind::NoNothing,
            false => FailureKind::NotStarted(error),
        })
    }

    fn failure(&self, kind: FailureKind) -> Failure {
        Failure { what: self.to_string(), kind }
    }

    fn start(&self) -> io::Result<Running> {
        Running::start(self.prepare(), &self.0.input)
    }

    fn prepare(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.0.program);
        command.args(&self.0.args);
        // A session of its own is a process group of its own too.
        match self.0.own_session {
            true => raw::begin_session_in(&mut command),
            false => {
                command.process_group(0);
            }
        }
        for name in self.0.without {
            command.env_remove(name);
        }
        command.envs(self.0.env.iter().map(|(k, v)| (k, v)));
        if let Some(dir) = &self.0.dir {
            command.current_dir(dir);
        }
        limits::restore_for(&mut command);
        command
    }
}

/// The command as a person would type it: its name and what it was asked, cut where it grows long.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = self.0.label {
            return f.write_str(label);
        }
        let name = self.0.program.file_name().unwrap_or(self.0.program.as_os_str());
        let mut text = name.to_string_lossy().into_owned();
        for arg in &self.0.args {
            text.push(' ');
            text.push_str(&arg.to_string_lossy());
        }
        f.write_str(&clean(&text, 80))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::bell::bell;

    fn sh(script: &str, deadline: Duration) -> Command {
        Command::new("/bin/sh", deadline).args(&["-c", script])
    }

    fn run(command: &Command) -> Result<Output, Failure> {
        command.run(&mut Attention::nobody()).expect("nobody stops it")
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_command_gets_its_input_and_gives_its_output_and_status() {
        let output = run(&sh("cat; echo oops >&2; exit 3", LONG).input("in")).expect("an answer");
        assert_eq!((output.stdout.as_str(), output.status), ("in", 3));
        assert_eq!(output.complaint(), "oops");
        assert!(!output.success);
    }

    #[test]
    fn input_beyond_what_a_pipe_holds_arrives_whole_while_output_is_read() {
        let input = "x".repeat(1 << 20);
        let output = run(&Command::new("/bin/cat", LONG).input(input.clone())).expect("an answer");
        assert_eq!(output.stdout, input);
    }

    #[test]
    fn a_hung_command_ends_at_its_deadline_with_its_group() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("pid");
        let script = format!("trap '' TERM; sleep 1000 & echo $! >{}; wait", file.display());
        let failure = run(&sh(&script, Duration::from_millis(500))).expect_err("too late");
        assert!(failure.is_timeout(), "{failure}");
        let pid = std::fs::read_to_string(file).expect("the PID");
        let gone = || !std::path::Path::new("/proc").join(pid.trim()).join("fd").exists();
        let end = Instant::now() + LONG;
        while !gone() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(gone(), "the sleeper lives on");
    }

    #[test]
    fn a_grandchild_that_holds_the_pipe_is_not_waited_for() {
        let start = Instant::now();
        let output = run(&sh("sleep 1000 & echo said", LONG)).expect("an answer");
        assert_eq!(output.stdout, "said\n");
        assert!(start.elapsed() < LONG / 2);
    }

    #[test]
    fn a_flood_is_cut_and_is_a_failure() {
        let failure = run(&sh("yes", LONG)).expect_err("a flood");
        assert!(failure.to_string().ends_with("more than 8 MiB of output"), "{failure}");
    }

    #[test]
    fn what_was_not_found_is_told_apart() {
        let failure = run(&Command::new("/nonexistent/program", LONG)).expect_err("no program");
        assert!(failure.to_string().starts_with("program: cannot be run: "), "{failure}");
        let failure = run(&sh("", LONG).dir("/nonexistent")).expect_err("no directory");
        assert!(failure.to_string().ends_with("/nonexistent: no such directory"), "{failure}");
    }

    #[test]
    fn a_stop_breaks_into_a_wait() {
        let (ringer, bell) = bell().expect("a bell");
        let mut attention = Attention::new(bell, || true);
        let start = Instant::now();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            ringer.ring();
        });
        assert_eq!(sh("sleep 1000", LONG).run(&mut attention).err(), Some(Stopped));
        assert!(start.elapsed() < LONG / 2);
        assert_eq!(sh("true", LONG).run(&mut attention).err(), Some(Stopped));
    }
}
