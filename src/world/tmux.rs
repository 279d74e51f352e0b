//! tmux: one process for each thing that is asked of it, whatever the number of agents. [`panes`] reads what it shows,
//! [`script`] writes what it is to do.
//!
//! The facts that this rests on (targets, exit codes, the limits of scripts) were measured on tmux 3.3a; the tests pin them.

pub mod panes;
pub mod script;

use super::environment::SCRUBBED;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::command::{Command, Output};
use crate::town::outage::Outage;
use panes::PaneLine;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A tmux server that has not answered by then is in trouble: it takes milliseconds.
pub const TMUX_TIMEOUT: Duration = Duration::from_secs(5);

/// The oldest tmux that can be used: it has `new-session -e`.
pub const OLDEST: (u32, u32) = (3, 2);

/// Lines in one script; more of them are several scripts.
pub const LINES_PER_SCRIPT: usize = 1000;

/// What a line of a script may take besides [`TMUX_TIMEOUT`]: for each command tmux goes through all of its sessions, and a
/// thousand lines on a thousand sessions take seconds where the machine is busy.
const TIME_FOR_A_LINE: Duration = Duration::from_millis(20);

/// Which of the user's tmux servers is the town's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// The one that `tmux` without options talks to.
    Default,
    /// `tmux -L NAME`.
    Name(String),
    /// `tmux -S PATH`.
    Path(String),
}

impl Socket {
    /// The options that select it.
    pub fn options(&self) -> Vec<&str> {
        match self {
            Socket::Default => vec![],
            Socket::Name(name) => vec!["-L", name],
            Socket::Path(path) => vec!["-S", path],
        }
    }

    /// The one that these options select, as they are remembered.
    pub fn of_options(options: &str) -> Option<Socket> {
        match options.split_once(' ') {
            None => options.is_empty().then_some(Socket::Default),
            Some(("-L", name)) => Some(Socket::Name(name.to_owned())),
            Some(("-S", path)) => Some(Socket::Path(path.to_owned())),
            Some(_) => None,
        }
    }
}

/// The town's tmux server.
#[derive(Clone, Debug)]
pub struct Tmux {
    program: PathBuf,
    socket: Socket,
    town: PathBuf,
}

impl Tmux {
    /// The server on `socket` of the town whose root, without symbolic links, is `town`.
    pub fn new(program: &Path, socket: Socket, town: &Path) -> Tmux {
        Tmux { program: program.to_owned(), socket, town: town.to_owned() }
    }

    /// Which server this is.
    pub const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What the option `@gtd_town` says of this town: its root without symbolic links.
    pub fn town_mark(&self) -> String {
        self.town.to_string_lossy().into_owned()
    }

    /// A tmux command. A server that it happens to start inherits its environment and directory for as long as it lives:
    /// so these are clean. `-u`, since without it names are mangled where no locale is set, as under cron.
    pub fn command(&self) -> Command {
        Command::new(&self.program, TMUX_TIMEOUT)
            .arg("-u")
            .args(&self.socket.options())
            .dir(&self.town)
            .without(&SCRUBBED)
    }

    /// Runs one script: many commands in one process. An error in one line does not stop the others; whoever wants to know
    /// has the line acknowledge itself.
    ///
    /// # Errors
    /// [`Stopped`]; within, an outage where tmux gave no answer.
    pub fn script(&self, lines: &[String], attention: &mut Attention) -> Result<Result<String, Outage>, Stopped> {
        let mut answers = String::new();
        for part in lines.chunks(LINES_PER_SCRIPT) {
            match self.run(script::in_braces(part), part.len(), attention)? {
                Ok(answer) => answers.push_str(&answer),
                Err(outage) => return Ok(Err(outage)),
            }
        }
        Ok(Ok(answers))
    }

    /// Runs one script of about so many lines in one process, whatever their number.
    ///
    /// # Errors
    /// As for [`Tmux::script`].
    pub fn run(
        &self,
        script: String,
        lines: usize,
        attention: &mut Attention,
    ) -> Result<Result<String, Outage>, Stopped> {
        let deadline = TMUX_TIMEOUT + TIME_FOR_A_LINE * u32::try_from(lines).unwrap_or(u32::MAX);
        let command = self.command().args(&["source-file", "-"]).input(script).deadline(deadline);
        let output = command.run(attention)?;
        Ok(output.map(|output| output.stdout).map_err(|failure| Outage::new(failure.to_string())))
    }

    /// Every pane of the server, a line each.
    ///
    /// # Errors
    /// [`Stopped`]; within, an outage: no server is an empty list, everything else that is no answer is not.
    pub fn panes(&self, attention: &mut Attention) -> Result<Result<Vec<PaneLine>, Outage>, Stopped> {
        let tag = script::tag();
        let command = self.command().called("tmux list-panes").args(&["list-panes", "-a", "-F", &panes::format(&tag)]);
        Ok(match command.run(attention)? {
            Ok(output) if output.success => Ok(panes::parse(&output.stdout, &tag)),
            Ok(output) if means_no_server(&output) => Ok(Vec::new()),
            Ok(output) => Err(Outage::new(format!("tmux list-panes: {}", output.complaint()))),
            Err(failure) => Err(Outage::new(failure.to_string())),
        })
    }
}

fn means_no_server(output: &Output) -> bool {
    let error = output.stderr.trim();
    // The last: a server that was told to stay, and has no session.
    error.starts_with("no server running on")
        || error == "no current target"
        || (error.starts_with("error connecting to")
            && (error.contains("No such file") || error.contains("Connection refused")))
}

/// Whether this is a version that can be used. What is no number (`master`, `openbsd-7.0`) is new enough.
pub fn is_usable_version(version: &str) -> bool {
    let version = version.trim().trim_start_matches("tmux ").trim_start_matches("next-");
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let (major, minor) = version.split_once('.').unwrap_or((version, ""));
    match (digits(major).parse::<u32>(), digits(minor).parse::<u32>()) {
        (Ok(major), minor) => (major, minor.unwrap_or(0)) >= OLDEST,
        (Err(_), _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for version in ["3.2", "3.3a", "tmux 3.10", "next-3.4", "master", "tmux openbsd-7.0", "4"] {
            assert!(is_usable_version(version), "{version}");
        }
        for version in ["3.1c", "tmux 2.9a", "1.8", "3"] {
            assert!(!is_usable_version(version), "{version}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = is_usable_version(&text);
        }
    }
}
