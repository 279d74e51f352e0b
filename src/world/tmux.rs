//! tmux: one process for each thing that is asked of it, whatever the number of agents. [`panes`] reads what it shows,
//! [`script`] writes what it is to do.
//!
//! The facts that this rests on (targets, exit codes, the limits of scripts) were measured on tmux 3.3a; the tests pin them.

pub mod panes;
pub mod script;

use super::environment::SCRUBBED;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::command::seat;
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

/// From so many panes on the scripts of pokes come from one of them, as tmux sees it. For each command of a client that is attached
/// to nothing, tmux asks twice whether that runs inside a pane: it compares the client's terminal with those of all panes, from the
/// lowest number on. With a thousand panes that is a third of a command's time, and a client that has the first pane's terminal is
/// known at once. It costs a pipe with a path for the script, so that fewer panes do without.
const MANY_PANES: usize = 150;

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
    /// The terminal that pokes come from, where there are [`MANY_PANES`].
    seat: Option<PathBuf>,
}

impl Tmux {
    /// The server on `socket` of the town whose root, without symbolic links, is `town`.
    pub fn new(program: &Path, socket: Socket, town: &Path) -> Tmux {
        Tmux { program: program.to_owned(), socket, town: town.to_owned(), seat: None }
    }

    /// Notes which panes there are.
    pub fn note_panes(&mut self, lines: &[PaneLine]) {
        let mut first: Option<&panes::PaneFields> = None;
        for pane in lines.iter().filter_map(|line| line.pane.as_ref().ok()) {
            // A dead pane has no terminal any more.
            if !pane.dead && first.is_none_or(|first| pane.id < first.id) {
                first = Some(pane);
            }
        }
        self.seat = first.filter(|_| lines.len() >= MANY_PANES).map(|pane| PathBuf::from(&pane.tty));
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
            match self.source(script::in_braces(part), part.len()).run(attention)? {
                Ok(output) => answers.push_str(&output.stdout),
                Err(failure) => return Ok(Err(Outage::new(failure.to_string()))),
            }
        }
        Ok(Ok(answers))
    }

    /// Runs one script of about so many lines, which type and take screens, in one process, whatever their number. Where there
    /// are many panes it comes from the first of them.
    ///
    /// # Errors
    /// As for [`Tmux::script`].
    pub fn run(
        &self,
        script: String,
        lines: usize,
        attention: &mut Attention,
    ) -> Result<Result<String, Outage>, Stopped> {
        let command = self.source(script, lines);
        let mut answer = match &self.seat {
            // A client that finds a terminal looks up what kind it is, and gives up where it does not know it.
            Some(terminal) => command.clone().env("TERM", "").seated_at(terminal).run(attention)?,
            None => command.run(attention)?,
        };
        if self.seat.is_some() && answer.as_ref().is_ok_and(has_not_found_script) {
            answer = command.run(attention)?;
        }
        Ok(answer.map(|output| output.stdout).map_err(|failure| Outage::new(failure.to_string())))
    }

    fn source(&self, script: String, lines: usize) -> Command {
        let deadline = TMUX_TIMEOUT + TIME_FOR_A_LINE * u32::try_from(lines).unwrap_or(u32::MAX);
        self.command().args(&["source-file", "-"]).input(script).deadline(deadline)
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

/// Whether tmux has done nothing, since it does not see gtd's pipes: it may live in a container of its own. An error in a line of
/// a script names that line after the path.
fn has_not_found_script(output: &Output) -> bool {
    let pipes = seat::pipes();
    let after_path =
        |line: &str| Some(line.strip_prefix(&pipes)?.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned());
    output.stderr.lines().any(|line| after_path(line).is_some_and(|rest| rest.starts_with(": ")))
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

    #[test]
    fn a_script_that_was_not_found_is_told_from_one_with_an_error() {
        let complains = |stderr: String| has_not_found_script(&Output { stderr, ..Output::default() });
        let pipe = format!("{}12", seat::pipes());
        assert!(complains(format!("odd\n{pipe}: No such file or directory\n")));
        for other in [format!("{pipe}:3: unknown command: x"), "/tmp/x: No such file".to_owned(), String::new()] {
            assert!(!complains(other.clone()), "{other}");
        }
    }

    #[test]
    fn of_many_panes_the_first_that_lives_lends_its_terminal() {
        let pane = |id: u32| {
            let tty = format!("/dev/pts/{id}");
            let pane = panes::PaneFields { id, tty, dead: id == 1, ..panes::PaneFields::default() };
            PaneLine { session: id.to_string(), pane: Ok(pane) }
        };
        let mut tmux = Tmux::new(Path::new("tmux"), Socket::Default, Path::new("/town"));
        let mut lines: Vec<PaneLine> = (1..=MANY_PANES).rev().map(|id| pane(id.try_into().expect("small"))).collect();
        tmux.note_panes(&lines);
        assert_eq!(tmux.seat, Some(PathBuf::from("/dev/pts/2")));
        lines.pop();
        tmux.note_panes(&lines);
        assert_eq!(tmux.seat, None, "few do without");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = is_usable_version(&text);
        }
    }
}
