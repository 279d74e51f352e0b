//! A child, from its start to its end.
//!
//! This is quite unhappy code: the standard library can wait for a child or read its pipes, but not both with a deadline and
//! an ear for signals. Threads that read would have to be joined, and a grandchild that holds the pipe would never let
//! them; so one poll(2) waits for the pipes, the child's end and the bell together. When the child has ended, what is in the
//! pipes is taken and nobody waits for more. Every child leads a process group of its own, and whatever is left of that
//! group goes with it.

use super::Output;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::raw::{self, Wait};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The most that a child may say: a flood is cut here, and counts as a failure.
const MOST_OUTPUT: usize = 8 << 20;

/// What a child is granted even where gtd is called back: most need less.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// How often a child's end is looked for where the system cannot tell it through a descriptor.
const TICK: Duration = Duration::from_millis(10);

/// How long a killed child is waited for. One that the kernel cannot end (its disk hangs) is left behind.
const REAP: Duration = Duration::from_millis(100);

/// The child that runs now; 0 for none. gtd runs one at a time.
static CURRENT: AtomicU32 = AtomicU32::new(0);

/// Ends the child that runs now, with its group: for an end that cannot wait.
pub fn kill_current() {
    let _ = raw::kill_group(CURRENT.load(Ordering::SeqCst), libc::SIGKILL);
}

/// How a wait for a child has ended.
pub enum End {
    /// The child has.
    Ended,
    /// It has not, in its time.
    TooLate,
    /// It says too much.
    Flood,
    /// Something has come for which it is not waited for.
    CalledBack,
}

/// A child.
pub struct Running {
    child: Child,
    /// Readable when the child has ended; `None` where the system has no such thing.
    ended: Option<OwnedFd>,
    stdin: Option<Feed>,
    stdout: Drain,
    stderr: Drain,
}

impl Running {
    /// Starts it. It gets `input`, and nobody else's streams.
    ///
    /// # Errors
    /// The system's, where there is no such program or no process left.
    pub fn start(mut command: Command, input: &[u8]) -> io::Result<Running> {
        command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        CURRENT.store(child.id(), Ordering::SeqCst);
        let ended = raw::pidfd_open(child.id()).ok();
        let mut running = Running {
            stdin: child.stdin.take().map(|pipe| Feed { pipe, left: input.to_owned() }),
            stdout: Drain::new(child.stdout.take().map(OwnedFd::from)),
            stderr: Drain::new(child.stderr.take().map(OwnedFd::from)),
            ended,
            child,
        };
        match running.set_nonblocking() {
            Ok(()) => Ok(running),
            Err(error) => {
                running.end();
                Err(error)
            }
        }
    }

    /// Ends it, if it has not ended: nothing of its group may live on. The leader is not reaped before, so that the number is
    /// still its.
    pub fn end(&mut self) -> Option<ExitStatus> {
        let _ = raw::kill_group(self.child.id(), libc::SIGKILL);
        CURRENT.store(0, Ordering::SeqCst);
        self.reap()
    }

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

    /// Waits until it has ended, with all that it says taken in.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn wait(&mut self, deadline: Duration, attention: &mut Attention) -> Result<End, Stopped> {
        let began = Instant::now();
        let end = began + deadline;
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
            if attention.is_called_back() {
                left = left.min(LEAST_TIME.saturating_sub(began.elapsed()));
                if left.is_zero() {
                    attention.note_broken_off();
                    return Ok(End::CalledBack);
                }
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

    /// What it has said.
    pub fn output(&mut self, status: Option<ExitStatus>) -> Output {
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
