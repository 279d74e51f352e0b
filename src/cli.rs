//! The edge towards the person: what was typed, what is answered, and the exit status. One file a command.

mod args;
mod check;
mod dry_run;
mod help;
pub mod options;
pub mod print;
pub mod reference;
mod request;
mod run;
mod screen;
mod signal;
mod status;

use args::{Action, Args};
pub use help::help;

use crate::world::town_files;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

/// How gtd ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It could not.
    Failed = 1,
    /// It was not understood.
    Usage = 2,
    /// There is no daemon.
    NotRunning = 3,
    /// Whether there is one is not known.
    Unknown = 4,
    /// There is one already.
    AlreadyRuns = 5,
}

/// Why a command did not do what it was asked: the exit status, and one line.
#[derive(Debug)]
pub struct Refusal {
    exit: Exit,
    why: String,
}

impl Refusal {
    fn new(exit: Exit, why: fmt::Arguments<'_>) -> Refusal {
        Refusal { exit, why: why.to_string() }
    }
}

/// Does what the command line asks for; says on stderr why not, in one line.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let done = match args::parse(args) {
        Ok(args) => perform(&args),
        Err(why) => Err(Refusal::new(Exit::Usage, format_args!("{why}; gtd --help lists what can be asked"))),
    };
    match done {
        Ok(exit) => exit,
        Err(refusal) => {
            // Nobody may be left to read it.
            let _ = writeln!(io::stderr(), "gtd: {}", crate::town::text::clean(&refusal.why, 1000));
            refusal.exit
        }
    }
}

fn perform(args: &Args) -> Result<Exit, Refusal> {
    match &args.action {
        Action::Help => return print(format_args!("{}", help())),
        Action::Version => return print(format_args!(concat!("gtd ", env!("CARGO_PKG_VERSION"), "\n"))),
        Action::Print(what) => return print::show(*what, args),
        _ => {}
    }
    let town = match find_town(args) {
        Ok(town) => town,
        Err(why) if matches!(args.action, Action::Status(_)) => return Err(Refusal { exit: Exit::Unknown, why }),
        Err(why) => return Err(Refusal { exit: Exit::Failed, why }),
    };
    match &args.action {
        Action::Run => run::foreground(&town),
        Action::Background => run::background(&town),
        Action::Detached => run::detached(&town),
        Action::Once => run::once(&town),
        Action::Stop => signal::stop(&town, args.timeout),
        Action::Wake => signal::wake(&town),
        Action::Status(agent) => status::show(&town, agent.as_deref(), args.json),
        Action::Request(action, agent) => request::leave(&town, *action, agent),
        Action::DryRun => dry_run::show(&town),
        Action::Check => check::show(&town, args.json),
        Action::Help | Action::Version | Action::Print(_) => Ok(Exit::Done),
    }
}

fn find_town(args: &Args) -> Result<PathBuf, String> {
    match &args.town {
        Some(named) => town_files::check(named).map_err(|why| format!("--town: {why}")),
        None => town_files::discover(),
    }
}

/// Prints to stdout.
fn print(text: fmt::Arguments<'_>) -> Result<Exit, Refusal> {
    match write_out(&text.to_string()) {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(unwritten(&error)),
    }
}

/// The same, for whoever has more to say. A reader that has read enough is no failure.
fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn unwritten(error: &io::Error) -> Refusal {
    Refusal::new(Exit::Failed, format_args!("cannot write to stdout: {error}"))
}

#[cfg(test)]
mod readme {
    /// The README.
    pub const TEXT: &str = include_str!("../README.md");

    /// The block of output that it shows, by how that begins.
    pub fn shown(start: &str) -> &'static str {
        block("text", start)
    }

    /// A block in a language.
    pub fn block(language: &str, start: &str) -> &'static str {
        let fence = format!("```{language}\n");
        let mut blocks = TEXT.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
        blocks.find(|block| block.starts_with(start)).expect(start)
    }
}
