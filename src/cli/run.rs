//! Running: in the foreground, detached, or for one heartbeat.

use super::{Exit, Refusal};
use crate::daemon::{self, Life, NotRun};
use crate::service::instance::Refused;
use crate::sys::raw;
use crate::town::text::clean;
use crate::world::tools;
use std::env;
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// The line by which a detached daemon tells that it is up.
const UP: &str = "up";

/// Runs until it is stopped.
pub fn foreground(town: &Path) -> Result<Exit, Refusal> {
    serve(town, Life::UntilStopped, &|| say_log("serving", town))
}

/// Where nobody sees the log, it is said where that is.
fn say_log(what: &str, town: &Path) {
    if !io::stderr().is_terminal() {
        let log = town.join("daemon/daemon.log");
        let _ = writeln!(io::stderr(), "gtd: {what} {}; its log is {}", town.display(), log.display());
    }
}

/// One heartbeat.
pub fn once(town: &Path) -> Result<Exit, Refusal> {
    serve(town, Life::OneHeartbeat, &|| say_log("one heartbeat for", town))
}

fn serve(town: &Path, life: Life, ready: &dyn Fn()) -> Result<Exit, Refusal> {
    raw::seal_inherited(false);
    match daemon::run(town, life, ready) {
        Ok(()) => Ok(Exit::Done),
        Err(NotRun::Refused(Refused::Running(holder))) => {
            let why = format!(
                "{holder} already serves {}; gtd --stop stops a gtd, gt daemon stop Gas Town's own",
                town.display()
            );
            Err(Refusal::new(Exit::AlreadyRuns, why))
        }
        Err(NotRun::Refused(Refused::Failed(error))) => {
            Err(Refusal::new(Exit::Failed, format!("{error}; gtd must be able to read and write there")))
        }
        Err(NotRun::NoTmux) => Err(Refusal::new(
            Exit::Failed,
            format!("no tmux {}; install it, for example with apt-get install tmux", tools::not_found("tmux")),
        )),
        Err(NotRun::Failed(error)) => Err(Refusal::new(Exit::Failed, format!("cannot start: {error}"))),
    }
}

/// Starts gtd once more, detached, and waits until that one is up or has said why not. The second one is a program of its
/// own, and no fork of this one: nothing of this terminal is left in it.
pub fn background(town: &Path) -> Result<Exit, Refusal> {
    let failed = |error: io::Error| Refusal::new(Exit::Failed, format!("cannot start in the background: {error}"));
    let program = env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .arg("--detached")
        .arg("--town")
        .arg(town)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut first = String::new();
    if let Some(stdout) = child.stdout.take() {
        let _ = BufReader::new(stdout).read_line(&mut first);
    }
    if first.trim_end() == UP {
        let _ = writeln!(io::stderr(), "gtd: serving {} in the background (PID {})", town.display(), child.id());
        return Ok(Exit::Done);
    }
    let mut why = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(4096).read_to_string(&mut why);
    }
    let status = child.wait().map_err(failed)?;
    let exit = match status.code() {
        Some(5) => Exit::AlreadyRuns,
        _ => Exit::Failed,
    };
    let why = why.lines().next().unwrap_or("it ended at once and said nothing");
    Err(Refusal::new(exit, clean(why.trim_start_matches("gtd: "), 1000)))
}

/// The detached daemon: a session of its own, and, as soon as it is up, no stream of the terminal it came from.
pub fn detached(town: &Path) -> Result<Exit, Refusal> {
    raw::seal_inherited(true);
    raw::new_session().map_err(|error| Refusal::new(Exit::Failed, format!("cannot detach: {error}")))?;
    serve(town, Life::UntilStopped, &|| {
        let _ = writeln!(io::stdout(), "{UP}");
        if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
            for stream in 0..=2 {
                let _ = raw::redirect(null.as_fd(), stream);
            }
        }
    })
}
