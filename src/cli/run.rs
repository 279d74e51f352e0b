//! Running: in the foreground, detached, or for one heartbeat.

use super::{Exit, Refusal};
use crate::daemon::{self, Life, NotRun};
use crate::service::instance::Refused;
use crate::sys::raw;
use crate::town::text::clean;
use crate::world::tools;
use std::env;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};

/// The line by which a detached daemon tells that it is up.
const UP: &[u8; 3] = b"up\n";

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
    daemon::run(town, life, ready).map(|()| Exit::Done).map_err(|why| refusal(town, why))
}

fn refusal(town: &Path, why: NotRun) -> Refusal {
    match why {
        NotRun::Refused(Refused::Running(holder)) => Refusal::new(
            Exit::AlreadyRuns,
            format_args!(
                "{holder} already serves {}; gtd --stop stops a gtd, gt daemon stop Gas Town's own",
                town.display()
            ),
        ),
        NotRun::Refused(Refused::Failed(error)) => Refusal::new(
            Exit::Failed,
            format_args!("{}; gtd must be able to read and write there", error.with_remedy()),
        ),
        NotRun::NoTmux => Refusal::new(
            Exit::Failed,
            format_args!("no tmux {}; install it, for example with apt-get install tmux", tools::not_found("tmux")),
        ),
        NotRun::Failed(error) => Refusal::new(Exit::Failed, format_args!("cannot start: {error}")),
    }
}

/// Starts gtd once more, detached, and waits until that one is up or has said why not. The second one is a program of its
/// own, and no fork of this one: nothing of this terminal is left in it.
pub fn background(town: &Path) -> Result<Exit, Refusal> {
    start_detached(town).unwrap_or_else(|error| {
        Err(Refusal::new(Exit::Failed, format_args!("cannot start in the background: {error}")))
    })
}

fn start_detached(town: &Path) -> io::Result<Result<Exit, Refusal>> {
    let mut child = Command::new(env::current_exe()?)
        .arg("--detached")
        .arg("--town")
        .arg(town)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut first = [0; UP.len()];
    if let Some(mut stdout) = child.stdout.take()
        && stdout.read_exact(&mut first).is_ok()
        && first == *UP
    {
        let _ = writeln!(io::stderr(), "gtd: serving {} in the background (PID {})", town.display(), child.id());
        return Ok(Ok(Exit::Done));
    }
    let mut why = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(4096).read_to_string(&mut why);
    }
    let exit = match child.wait()?.code() {
        Some(5) => Exit::AlreadyRuns,
        _ => Exit::Failed,
    };
    let why = why.lines().next().unwrap_or("it ended at once and said nothing");
    Ok(Err(Refusal::new(exit, format_args!("{}", clean(why.trim_start_matches("gtd: "), 1000)))))
}

/// The detached daemon: a session of its own, and, as soon as it is up, no stream of the terminal it came from.
pub fn detached(town: &Path) -> Result<Exit, Refusal> {
    raw::seal_inherited(true);
    raw::new_session().map_err(|error| Refusal::new(Exit::Failed, format_args!("cannot detach: {error}")))?;
    serve(town, Life::UntilStopped, &|| {
        let _ = io::stdout().write_all(UP);
        if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
            for stream in 0..=2 {
                let _ = raw::redirect(null.as_fd(), stream);
            }
        }
    })
}
