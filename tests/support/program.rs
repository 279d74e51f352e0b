//! The gtd that a test runs: in the foreground with a handle, or as a command that ends by itself.

use super::limit::holds_within;
use super::process;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The program under test.
pub const GTD: &str = env!("CARGO_BIN_EXE_gtd");

/// No command that a test waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gtd in the foreground, ended with the test.
#[derive(Debug)]
pub struct Gtd {
    child: Child,
}

impl Gtd {
    /// Starts this command, which is a gtd's.
    pub fn start(mut command: Command) -> Gtd {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Gtd { child: command.spawn().expect("gtd starts") }
    }

    /// Its PID, which is its own as long as nobody has waited for it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        process::signal(self.pid(), signal);
    }

    /// Its status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its status")
    }

    /// Waits until it has ended, and says how and after how long.
    pub fn wait(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        let mut status = None;
        holds_within(PATIENCE, || {
            status = self.ended();
            status.is_some()
        });
        (status.expect("gtd ends"), start.elapsed())
    }

    /// Ends it with SIGTERM, which it has to obey.
    pub fn stop(mut self) {
        self.signal(libc::SIGTERM);
        let (status, _) = self.wait();
        assert_eq!(status.code(), Some(0), "gtd ends well: {status}");
    }

    /// Ends it without a chance to say a word.
    pub fn kill(mut self) {
        self.signal(libc::SIGKILL);
        self.wait();
    }
}

impl Drop for Gtd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came of a command.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit status; -1 if a signal ended it.
    pub status: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit status {}\n--- stdout\n{}--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

impl Ran {
    /// Runs a command to its end, and until nobody holds its pipes any more.
    pub fn of(mut command: Command) -> Ran {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = read_all(child.stdout.take().expect("a pipe"));
        let stderr = read_all(child.stderr.take().expect("a pipe"));
        let mut status = None;
        let ended = holds_within(PATIENCE, || {
            status = child.try_wait().expect("its status");
            status.is_some() && stdout.is_finished() && stderr.is_finished()
        });
        if !ended {
            let _ = child.kill();
            panic!("{command:?} has not ended, or something holds its pipes, after {PATIENCE:?} (ended: {status:?})");
        }
        Ran {
            status: status.and_then(|status| status.code()).unwrap_or(-1),
            stdout: stdout.join().expect("read"),
            stderr: stderr.join().expect("read"),
        }
    }

    /// Asserts its exit status, and shows everything where it is another.
    pub fn exits(self, status: i32) -> Ran {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Asserts that it was refused: this exit status, nothing on stdout, one line on stderr. Returns that line.
    pub fn refused(self, status: i32) -> String {
        let one_line = self.stderr.starts_with("gtd: ") && self.stderr.lines().count() == 1;
        assert!(self.status == status && self.stdout.is_empty() && one_line, "not refused with {status}: {self}");
        self.stderr.trim_end().to_owned()
    }
}

fn read_all(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A command that has nothing of this process's environment.
pub fn bare(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env_clear();
    command
}
