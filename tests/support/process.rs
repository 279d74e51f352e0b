//! Processes of a town. Whatever a test starts has the directory of its town in its environment, down to the last
//! grandchild; so everything that is left can be found, and nothing of anybody else's.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// A living process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its PID.
    pub pid: u32,
    /// Its arguments, with blanks between them.
    pub line: String,
}

/// The living processes that have `dir` in their environment.
pub fn all_of(dir: &Path) -> Vec<Process> {
    let wanted = dir.as_os_str().as_bytes();
    let own = std::process::id();
    let pids = fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| *pid != own)
        .filter(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.windows(wanted.len()).any(|window| window == wanted)
        })
        .filter(|pid| is_alive(*pid))
        .map(|pid| Process { pid, line: command_line(pid) })
        .collect()
}

/// Kills the processes that have `dir` in their environment, until there is none.
pub fn kill_all_of(dir: &Path) {
    for _ in 0..100 {
        let left = all_of(dir);
        if left.is_empty() {
            return;
        }
        left.iter().for_each(|process| signal(process.pid, libc::SIGKILL));
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process lives: one that has ended and was not waited for does not.
pub fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|state| state != 'Z' && state != 'X')
}

/// Whether a process was stopped by a signal.
pub fn is_stopped(pid: u32) -> bool {
    state(pid) == Some('T')
}

/// The letter that `ps` shows for a process.
fn state(pid: u32) -> Option<char> {
    stat_field(pid, 0)?.chars().next()
}

/// The PID of a process's parent.
pub fn parent(pid: u32) -> Option<u32> {
    stat_field(pid, 1)?.parse().ok()
}

/// The PID of the leader of a process's session.
pub fn session(pid: u32) -> Option<u32> {
    stat_field(pid, 3)?.parse().ok()
}

/// A field of `/proc/PID/stat`, counted from the state: the name before it may hold anything.
fn stat_field(pid: u32, number: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(number).map(str::to_owned)
}

/// The arguments of a process, with blanks between them.
pub fn command_line(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').replace('\0', " ")
}

/// Sends a signal to one process that the test knows to be its own.
pub fn signal(pid: u32, signal: i32) {
    let pid = i32::try_from(pid).expect("a PID");
    assert!(pid > 1, "PID {pid} is no process of a test");
    // SAFETY: kill(2) reads two numbers.
    unsafe { libc::kill(pid, signal) };
}
