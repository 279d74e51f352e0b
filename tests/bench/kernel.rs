//! What the kernel says: of a process in `/proc`, of what it calls through strace, and of its end by a descriptor.

use super::town::{GTD, Town, find};
use std::fs;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Child;
use std::time::{Duration, Instant};

/// A number of `/proc/PID/status`: kilobytes, or a count.
pub fn status(pid: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with(&format!("{name}:"))).expect("a field");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

/// What its threads have done.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Processor time of its own, in seconds.
    pub own: f64,
    /// That of its children.
    pub children: f64,
    /// How often one of its threads waited for something, and was woken.
    pub wakes: f64,
    /// Bytes that it wrote, to files and pipes.
    pub written: f64,
}

/// What a process has done so far.
pub fn work(pid: u32) -> Work {
    let read = |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).expect("a process");
    let stat = read("stat");
    let fields: Vec<f64> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().map(number).collect();
    // SAFETY: it takes no pointer and changes nothing.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) } as f64;
    let io = read("io");
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: ")).map(number).expect("a field");
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("threads").flatten();
    let threads = threads.filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok());
    let wakes = threads
        .filter_map(|status| status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:").map(number)));
    let wakes = wakes.sum();
    // Fields 14 to 17 of proc(5), counted from the third.
    Work { own: (fields[11] + fields[12]) / ticks, children: (fields[13] + fields[14]) / ticks, wakes, written }
}

fn number(text: &str) -> f64 {
    text.trim().parse().unwrap_or(0.0)
}

/// Sends a signal.
pub fn kill(pid: u32, signal: i32) {
    // SAFETY: it takes no pointer; the PID is that of a process which this program, or its tmux, has started.
    assert_eq!(unsafe { libc::kill(pid as i32, signal) }, 0, "no process {pid}");
}

/// A process that is waited for, though it is another one's child.
pub struct Watched(OwnedFd);

impl Watched {
    /// Watches it from now on.
    pub fn new(pid: u32) -> Watched {
        // SAFETY: it takes no pointer.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        assert!(fd >= 0, "no process {pid}");
        // SAFETY: the descriptor was just opened, and nobody else knows of it.
        Watched(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    }

    /// Waits until it has ended.
    pub fn wait(&self) {
        use std::os::fd::AsRawFd;
        let mut poll = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: the pointer is to one initialised element that outlives the call.
        assert_eq!(unsafe { libc::poll(&raw mut poll, 1, 60_000) }, 1, "waited for a minute");
    }
}

/// How long it takes from a SIGTERM to a child's end, in milliseconds.
pub fn time_to_end(mut child: Child) -> f64 {
    let start = Instant::now();
    kill(child.id(), libc::SIGTERM);
    let _ = child.wait();
    start.elapsed().as_secs_f64() * 1e3
}

/// Runs gtd beneath strace, which notes these calls. `None` where there is none.
pub fn trace(town: &Town, calls: &str, args: &[&str]) -> Option<Child> {
    let mut command = town.command(find("strace")?);
    command.args(["-f", "-qq", "-ttt", "-e", &format!("trace={calls}"), "-e", "signal=none", "-s", "300", "-o"]);
    command.arg(town.path("trace")).arg(GTD).arg("--town").arg(town.path("town")).args(args);
    Some(command.spawn().expect("strace"))
}

/// A call that strace has noted.
#[derive(Clone, Debug)]
pub struct Call {
    /// When.
    pub at: Duration,
    /// What, as strace writes it.
    pub text: String,
}

/// The calls so far, in their order.
pub fn calls(town: &Town) -> Vec<Call> {
    let trace = fs::read_to_string(town.path("trace")).unwrap_or_default();
    let call = |line: &str| {
        let (_, rest) = line.split_once(' ')?;
        let (at, text) = rest.trim_start().split_once(' ')?;
        Some(Call { at: Duration::from_secs_f64(at.parse().ok()?), text: text.to_owned() })
    };
    trace.lines().filter_map(call).collect()
}

/// The programs that gtd has run: each exec that did not fail, but its own.
pub fn programs(town: &Town) -> Vec<Call> {
    // One that another thread's call comes between has no answer on its line.
    let ran = |call: &Call| call.text.starts_with("execve(") && !call.text.contains(") = -1 ");
    calls(town).into_iter().filter(ran).skip(1).collect()
}
