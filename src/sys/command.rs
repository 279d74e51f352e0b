//! Running other programs, each with a deadline.
//!
//! A command is a value that prints itself, so that every error can say what was run. This is quite unhappy code: the
//! standard library can wait for a child or read its pipes, but not both with a deadline and an ear for signals. Threads
//! that read would have to be joined, and a grandchild that holds the pipe would never let them; so one poll(2) waits for
//! the pipes, the child's end and the bell together. When the child has ended, what is in the pipes is taken and nobody waits
//! for more. Every child leads a process group of its own, and whatever is left of that group goes with it.

use super::attention::{Attention, Stopped};
use super::raw::{self, Wait};
use crate::town::text::clean;
use crate::town::time::brief;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The most that a child may say: a flood is cut here, and counts as a failure.
pub const MOST_OUTPUT: usize = 8 << 20;

/// How often a child's end is looked for where the system cannot tell it through a descriptor.
const TICK: Duration = Duration::from_millis(10);

/// How long a killed child is waited for. One that the kernel cannot end (its disk hangs) is left behind.
const REAP: Duration = Duration::from_millis(100);

/// A program to be run, with all that it gets.
#[derive(Clone, Debug)]
pub struct Command {
    program: PathBuf,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
    without: &'static [&'static str],
    input: Vec<u8>,
    deadline: Duration,
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
    Timeout(Duration),
    Flood,
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
            FailureKind::NotStarted(error) => write!(f, "{what}: cannot be run: {error}"),
            FailureKind::Timeout(after) => write!(f, "{what}: no answer within {}", brief(*after)),
            FailureKind::Flood => write!(f, "{what}: more than 8 MiB of output"),
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
        Command {
            program: program.into(),
            args: Vec::new(),
            dir: None,
            env: Vec::new(),
            without: &[],
            input: Vec::new(),
            deadline,
        }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Command {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Command {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Its working directory.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Command {
        self.dir = Some(dir.into());
        self
    }

    /// A variable of its environment.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Command {
        self.env.push((key.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Variables that are not handed on.
    pub const fn without(mut self, names: &'static [&'static str]) -> Command {
        self.without = names;
        self
    }

    /// What it reads.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Command {
        self.input = input.into();
        self
    }

    /// Runs it to its end. An exit status other than 0 is an answer too.
    ///
    /// # Errors
    /// [`Stopped`] if gtd was told to end meanwhile; within, a [`Failure`]: not started, no answer in time, or a flood.
    pub fn run(&self, attention: &mut Attention) -> Result<Result<Output, Failure>, Stopped> {
        attention.check()?;
        if let Some(dir) = self.dir.as_deref().filter(|dir| !dir.is_dir()) {
            return Ok(Err(self.failure(FailureKind::NoDirectory(dir.to_owned()))));
        }
        let mut running = match self.start() {
            Ok(running) => running,
            Err(error) => return Ok(Err(self.failure(FailureKind::NotStarted(error)))),
        };
        let end = running.wait(self.deadline, attention);
        // Ended or not, nothing of the group may live on; the leader is not reaped yet, so the number is still its.
        let _ = raw::kill_group(running.child.id(), libc::SIGKILL);
        let status = running.reap();
        Ok(match end? {
            End::Ended => Ok(running.output(status)),
            End::TooLate => Err(self.failure(FailureKind::Timeout(self.deadline))),
            End::Flood => Err(self.failure(FailureKind::Flood)),
        })
    }

    fn failure(&self, kind: FailureKind) -> Failure {
        Failure { what: self.to_string(), kind }
    }

    fn start(&self) -> io::Result<Running> {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).process_group(0);
        command.stdin(if self.input.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in self.without {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        let mut child = command.spawn()?;
        let ended = raw::pidfd_open(child.id()).ok();
        let mut running = Running {
            stdin: child.stdin.take().map(|pipe| Feed { pipe, left: self.input.clone() }),
            stdout: Drain::new(child.stdout.take().map(OwnedFd::from)),
            stderr: Drain::new(child.stderr.take().map(OwnedFd::from)),
            ended,
            child,
        };
        if let Err(error) = running.set_nonblocking() {
            let _ = raw::kill_group(running.child.id(), libc::SIGKILL);
            running.reap();
            return Err(error);
        }
        Ok(running)
    }
}

/// The command as a person would type it: its name and what it was asked, cut where it grows long.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.program.file_name().unwrap_or(self.program.as_os_str());
        let mut text = name.to_string_lossy().into_owned();
        for arg in &self.args {
            text.push(' ');
            text.push_str(&arg.to_string_lossy());
        }
        f.write_str(&clean(&text, 80))
    }
}

enum End {
    Ended,
    TooLate,
    Flood,
}

struct Running {
    child: Child,
    /// Readable when the child has ended; `None` where the system has no such thing.
    ended: Option<OwnedFd>,
    stdin: Option<Feed>,
    stdout: Drain,
    stderr: Drain,
}

impl Running {
    fn set_nonblocking(&self) -> io::Result<()> {
        let pipes = [self.stdout.pipe.as_ref(), self.stderr.pipe.as_ref()];
        for pipe in pipes.into_iter().flatten() {
            raw::set_nonblocking(pipe.as_fd())?;
        }
        match &self.stdin {
            Some(feed) => raw::set_nonblocking(feed.pipe.as_fd()),
            None => Ok(()),
        }
    }

    fn wait(&mut self, deadline: Duration, attention: &mut Attention) -> Result<End, Stopped> {
        let end = Instant::now() + deadline;
        loop {
            if self.stdout.taken.len() + self.stderr.taken.len() > MOST_OUTPUT {
                return Ok(End::Flood);
            }
            let mut left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(End::TooLate);
            }
            let mut waits: Vec<Wait> = Vec::with_capacity(4);
            waits.extend(self.ended.as_ref().map(|fd| Wait::readable(fd.as_fd())));
            waits.extend(self.stdin.as_ref().map(|feed| Wait::writable(feed.pipe.as_fd())));
            let pipes = [self.stdout.pipe.as_ref(), self.stderr.pipe.as_ref()];
            waits.extend(pipes.into_iter().flatten().map(|fd| Wait::readable(fd.as_fd())));
            if self.ended.is_none() {
                left = left.min(TICK);
            }
            attention.listen(Some(left), &mut waits)?;
            if self.stdin.as_mut().is_some_and(Feed::push) {
                self.stdin = None;
            }
            // Whether it has ended is asked before the pipes are read: what it said is in them by then.
            let ended = raw::child_has_ended(self.child.id()).unwrap_or(true);
            self.stdout.pull();
            self.stderr.pull();
            if ended {
                return Ok(End::Ended);
            }
        }
    }

    /// Takes the child's status. One that cannot die is not waited for.
    fn reap(&mut self) -> Option<ExitStatus> {
        let end = Instant::now() + REAP;
        while Instant::now() < end {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Err(_) => return None,
            }
        }
        None
    }

    fn output(&mut self, status: Option<ExitStatus>) -> Output {
        let code = status.and_then(|s| s.code().or_else(|| s.signal().map(|signal| 128 + signal)));
        let text = |taken: &mut Vec<u8>| match String::from_utf8(std::mem::take(taken)) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        Output {
            stdout: text(&mut self.stdout.taken),
            stderr: text(&mut self.stderr.taken),
            success: code == Some(0),
            status: code.unwrap_or(-1),
        }
    }
}

/// What a child still has to read.
struct Feed {
    pipe: std::process::ChildStdin,
    left: Vec<u8>,
}

impl Feed {
    /// Writes what the pipe takes; says whether that was all, or nobody reads any more.
    fn push(&mut self) -> bool {
        match self.pipe.write(&self.left) {
            Ok(n) => {
                self.left.drain(..n);
                self.left.is_empty()
            }
            Err(error) => !is_for_later(&error),
        }
    }
}

/// What a child has said.
struct Drain {
    pipe: Option<OwnedFd>,
    taken: Vec<u8>,
}

impl Drain {
    const fn new(pipe: Option<OwnedFd>) -> Drain {
        Drain { pipe, taken: Vec::new() }
    }

    /// Reads what is there, to the limit, and closes the pipe at its end.
    fn pull(&mut self) {
        let Some(pipe) = self.pipe.take() else { return };
        let mut file = std::fs::File::from(pipe);
        let mut chunk = [0; 16 << 10];
        while self.taken.len() <= MOST_OUTPUT {
            match file.read(&mut chunk) {
                Ok(0) => return,
                Ok(n) => self.taken.extend_from_slice(&chunk[..n]),
                Err(error) if is_for_later(&error) => break,
                Err(_) => return,
            }
        }
        self.pipe = Some(OwnedFd::from(file));
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::bell::bell;

    fn sh(script: &str, deadline: Duration) -> Command {
        Command::new("/bin/sh", deadline).args(["-c", script])
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
