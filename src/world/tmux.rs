//! tmux: one process for each thing that is asked of it, whatever the number of agents.
//!
//! The facts that this rests on (targets, exit codes, the limits of scripts) were measured on tmux 3.3a; the tests pin them.

use super::environment::SCRUBBED;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::command::{Command, Output};
use crate::town::outage::Outage;
use crate::town::plan::PaneRef;
use crate::town::text::clean;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A tmux server that has not answered by then is in trouble: it takes milliseconds.
pub const TMUX_TIMEOUT: Duration = Duration::from_secs(5);

/// The oldest tmux that can be used: it has `new-session -e`.
pub const OLDEST: (u32, u32) = (3, 2);

/// Commands in one script; above this tmux's cost grows worse than linearly.
const COMMANDS_PER_SCRIPT: usize = 1000;

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
            .args(self.socket.options())
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
        for part in lines.chunks(COMMANDS_PER_SCRIPT) {
            let mut script = part.join("\n");
            script.push('\n');
            let command = self.command().args(["source-file", "-"]).input(script);
            match command.run(attention)? {
                Ok(output) => answers.push_str(&output.stdout),
                Err(failure) => return Ok(Err(Outage::new(failure.to_string()))),
            }
        }
        Ok(Ok(answers))
    }

    /// Every pane of the server, a line each; see [`parse_panes`].
    ///
    /// # Errors
    /// [`Stopped`]; within, an outage: no server is an empty list, everything else that is no answer is not.
    pub fn panes(&self, attention: &mut Attention) -> Result<Result<Vec<PaneLine>, Outage>, Stopped> {
        let tag = tag();
        let format = format!("{tag}\t{}", FIELDS.join("\t"));
        let command = self.command().args(["list-panes", "-a", "-F", &format]);
        Ok(match command.run(attention)? {
            Ok(output) if output.success => Ok(parse_panes(&output.stdout, &tag)),
            Ok(output) if means_no_server(&output) => Ok(Vec::new()),
            Ok(output) => Err(Outage::new(format!("tmux list-panes: {}", output.complaint()))),
            Err(failure) => Err(Outage::new(failure.to_string())),
        })
    }
}

/// A word that no program in a pane can know: it marks tmux's own lines among what panes show.
pub fn tag() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let boot = crate::sys::raw::since_boot().as_nanos();
    format!("gtd{:x}-{boot:x}-{count:x}", std::process::id())
}

fn means_no_server(output: &Output) -> bool {
    let error = output.stderr.trim();
    // The last: a server that was told to stay, and has no session.
    error.starts_with("no server running on")
        || error == "no current target"
        || (error.starts_with("error connecting to")
            && (error.contains("No such file") || error.contains("Connection refused")))
}

/// What is asked of each pane. The last four hold what other people chose: they come last, and their number is checked.
const FIELDS: [&str; 16] = [
    "#{session_name}",
    "#{session_attached}",
    "#{session_activity}",
    "#{window_activity}",
    "#{pane_id}",
    "#{pane_pid}",
    "#{pane_dead}",
    "#{pane_dead_status}",
    "#{pane_dead_signal}",
    "#{pane_in_mode}",
    "#{pid}",
    "#{version}",
    "#{@gtd_agent}",
    "#{@gtd_town}",
    "#{pane_current_command}",
    "#{session_path}",
];

/// A line of `list-panes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaneLine {
    /// The session's name.
    pub session: String,
    /// The rest, or why it could not be read.
    pub pane: Result<PaneFields, Outage>,
}

/// What `list-panes` says of a pane, as it says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaneFields {
    /// How many clients are attached to the session.
    pub attached: u32,
    /// When a person last typed there, in seconds since the epoch.
    pub last_input: i64,
    /// When the window last had output, in seconds since the epoch.
    pub output: i64,
    /// The number of `%7`.
    pub id: u32,
    /// The PID of its process.
    pub pid: u32,
    /// Whether that has ended.
    pub dead: bool,
    /// Its exit status, where it had one.
    pub status: Option<i32>,
    /// The signal that ended it, where one did.
    pub signal: Option<i32>,
    /// Whether it shows a mode (the scrollback, a menu) instead of its program.
    pub in_mode: bool,
    /// The PID of the tmux server.
    pub server: u32,
    /// The version of the tmux server.
    pub version: String,
    /// The pane's option `@gtd_agent`.
    pub agent: Option<String>,
    /// The session's option `@gtd_town`.
    pub town: Option<String>,
    /// The foreground program's name.
    pub command: String,
    /// The directory that the session was made in.
    pub path: String,
}

/// Reads the lines that begin with `tag`. A line that cannot be understood costs its own session alone; text that a
/// directory's name has put on a line of its own bears no tag, and is passed over.
pub fn parse_panes(text: &str, tag: &str) -> Vec<PaneLine> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(tag)?.strip_prefix('\t'));
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            PaneLine {
                session: fields.first().copied().unwrap_or_default().to_owned(),
                pane: parse_fields(&fields)
                    .ok_or_else(|| Outage::new(format!("tmux list-panes: cannot read {:?}", clean(line, 120)))),
            }
        })
        .collect()
}

fn parse_fields(fields: &[&str]) -> Option<PaneFields> {
    let [
        _session,
        attached,
        last_input,
        output,
        id,
        pid,
        dead,
        status,
        signal,
        in_mode,
        server,
        version,
        agent,
        town,
        command,
        path,
    ] = fields
    else {
        return None;
    };
    let set = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    Some(PaneFields {
        attached: attached.parse().ok()?,
        last_input: last_input.parse().ok()?,
        output: output.parse().ok()?,
        id: id.strip_prefix('%')?.parse().ok()?,
        pid: pid.parse().ok()?,
        dead: match *dead {
            "1" => true,
            "0" | "" => false,
            _ => return None,
        },
        status: status.parse().ok(),
        signal: signal.parse().ok(),
        in_mode: !matches!(*in_mode, "" | "0"),
        server: server.parse().ok()?,
        version: (*version).to_owned(),
        agent: set(agent),
        town: set(town),
        command: (*command).to_owned(),
        path: (*path).to_owned(),
    })
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

/// `text` as one word of a script. Single quotes keep every byte; only a backslash before a line's end would be lost,
/// and control characters are never typed.
pub fn quote(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", plain.replace('\'', "'\\''"))
}

/// `text` as one argument of a tmux command line, where a `;` at the end would begin another command.
pub fn argument(text: &str) -> String {
    match text.strip_suffix(';') {
        Some(rest) => format!("{rest}\\;"),
        None => text.to_owned(),
    }
}

/// `text` where tmux takes a format: `#(…)` in a directory's name would be run.
pub fn not_a_format(text: &str) -> String {
    text.replace('#', "##")
}

/// What a guard asks of a pane, and what it must answer: an id alone could be somebody else's by now.
fn identity(pane: &PaneRef) -> (&'static str, String) {
    ("#{session_name}/#{pane_pid}", format!("{}/{}", pane.session, pane.process.pid))
}

/// A line of a script that does `then` if the pane is still the one that was looked at and `besides` (a format, and what it
/// must give) still holds; else nothing.
pub fn guarded(pane: &PaneRef, besides: Option<(&str, &str)>, then: &[String]) -> String {
    let (mut asked, mut wanted) = identity(pane);
    let joined;
    if let Some((format, value)) = besides {
        joined = format!("{asked}/{format}");
        asked = &joined;
        wanted = format!("{wanted}/{value}");
    }
    let condition = quote(&format!("#{{==:{asked},{wanted}}}"));
    format!("if-shell -F -t %{} {condition} {{ {} }}", pane.id, then.join(" ; "))
}

/// A command that says `TAG NUMBER FORMAT`. With a target, since without one tmux looks through all sessions for it.
pub fn say(pane: &PaneRef, tag: &str, number: usize, format: &str) -> String {
    format!("display-message -p -t %{} {}", pane.id, quote(&format!("{tag} {number} {format}")))
}

/// What [`say`] commands with `tag` have said, by number: the words, and whatever was printed from there to the next.
pub fn said<'a>(text: &'a str, tag: &str) -> BTreeMap<usize, Said<'a>> {
    let own = |line: &'a str| line.strip_prefix(tag)?.strip_prefix(' ')?.split_once(' ');
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some(start) = find_line(rest, tag) {
        let (line, after) = rest[start..].split_once('\n').unwrap_or((&rest[start..], ""));
        let end = find_line(after, tag).unwrap_or(after.len());
        if let Some((number, words)) = own(line)
            && let Ok(number) = number.parse()
        {
            found.insert(number, Said { words, after: &after[..end] });
        }
        rest = &after[end..];
    }
    found
}

/// See [`said`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// What the format gave.
    pub words: &'a str,
    /// What the commands after it printed.
    pub after: &'a str,
}

/// Where the first line that begins with `start` begins.
fn find_line(text: &str, start: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(start)?;
        if at == 0 || text.as_bytes()[at - 1] == b'\n' {
            return Some(at);
        }
        from = at + start.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_read_field_by_field() {
        let line = "T\tgt-deacon\t1\t100\t200\t%7\t4711\t1\t\t9\t0\t99\t3.3a\tgt-deacon\t/town\tbash\t/town/deacon\n";
        let panes = parse_panes(line, "T");
        let pane = panes[0].pane.as_ref().expect("readable");
        assert_eq!((panes[0].session.as_str(), pane.id, pane.pid, pane.dead), ("gt-deacon", 7, 4711, true));
        assert_eq!((pane.status, pane.signal, pane.agent.as_deref()), (None, Some(9), Some("gt-deacon")));
        assert_eq!((pane.command.as_str(), pane.path.as_str()), ("bash", "/town/deacon"));
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_its_session_alone() {
        let good = "T\ta\t0\t1\t2\t%0\t5\t0\t\t\t0\t9\t3.3a\t\t\tsh\t/x";
        let text = format!("{good}\nT\tb\t0\t1\t2\t%1\t6\t0\t\t\t0\t9\t3.3a\t\t\tsh\t/tab\there\nforged\tc\n{good}");
        let panes = parse_panes(&text, "T");
        let read: Vec<(&str, bool)> = panes.iter().map(|p| (p.session.as_str(), p.pane.is_ok())).collect();
        assert_eq!(read, [("a", true), ("b", false), ("a", true)]);
    }

    #[test]
    fn what_was_said_is_told_apart_from_what_panes_show() {
        let text = "T 1 a b\nscreen T 9 x\nline\nT 2 \nT x y\nT 3 c";
        let said = said(text, "T");
        let said: Vec<(usize, &str, &str)> = said.iter().map(|(n, s)| (*n, s.words, s.after)).collect();
        assert_eq!(said, [(1, "a b", "screen T 9 x\nline\n"), (2, "", ""), (3, "c", "")]);
    }

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
            let _ = parse_panes(&text, "");
            let _ = is_usable_version(&text);
            let _ = said(&text, "a");
        }
    }
}
