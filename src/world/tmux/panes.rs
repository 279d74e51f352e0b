//! What `list-panes` says, as it says it.

use crate::town::outage::Outage;
use crate::town::text::clean;

/// What is asked of each pane. The last hold what other people chose; a program may call itself anything, tabs and lines'
/// ends included, so that its name is the very last.
const FIELDS: [&str; 18] = [
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
    "#{pane_synchronized}",
    "#{pid}",
    "#{version}",
    "#{pane_tty}",
    "#{@gtd_agent}",
    "#{@gtd_town}",
    "#{session_path}",
    "#{pane_current_command}",
];

/// The format that makes `list-panes` say all of it, on lines that begin with `tag`.
pub fn format(tag: &str) -> String {
    format!("{tag}\t{}", FIELDS.join("\t"))
}

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
    /// Whether what is typed into it reaches other panes too.
    pub synchronized: bool,
    /// The PID of the tmux server.
    pub server: u32,
    /// The version of the tmux server.
    pub version: String,
    /// Its terminal.
    pub tty: String,
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
pub fn parse(text: &str, tag: &str) -> Vec<PaneLine> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(tag)?.strip_prefix('\t'));
    lines
        .map(|line| {
            // The last may hold tabs of its own.
            let fields: Vec<&str> = line.splitn(FIELDS.len(), '\t').collect();
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
        synchronized,
        server,
        version,
        tty,
        agent,
        town,
        path,
        command,
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
        synchronized: *synchronized == "1",
        server: server.parse().ok()?,
        version: (*version).to_owned(),
        tty: (*tty).to_owned(),
        agent: set(agent),
        town: set(town),
        command: (*command).to_owned(),
        path: (*path).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_read_field_by_field() {
        let line = "T\tgt-deacon\t1\t100\t200\t%7\t4711\t1\t\t9\t0\t0\t99\t3.3a\t/dev/pts/3\tgt-deacon\t/town\t/town/deacon\tbash\n";
        let panes = parse(line, "T");
        let pane = panes[0].pane.as_ref().expect("readable");
        assert_eq!((panes[0].session.as_str(), pane.id, pane.pid, pane.dead), ("gt-deacon", 7, 4711, true));
        assert_eq!((pane.status, pane.signal, pane.agent.as_deref()), (None, Some(9), Some("gt-deacon")));
        assert_eq!((pane.command.as_str(), pane.path.as_str()), ("bash", "/town/deacon"));
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_its_session_alone() {
        let good = "T\ta\t0\t1\t2\t%0\t5\t0\t\t\t0\t0\t9\t3.3a\t/dev/pts/3\t\t\t/x\todd\tname";
        let text =
            format!("{good}\nT\tb\t0\t1\t2\t1%\t6\t0\t\t\t0\t0\t9\t3.3a\t/dev/pts/3\t\t\t/x\tsh\nforged\tc\n{good}");
        let panes = parse(&text, "T");
        let read: Vec<(&str, bool)> = panes.iter().map(|p| (p.session.as_str(), p.pane.is_ok())).collect();
        assert_eq!(read, [("a", true), ("b", false), ("a", true)]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = parse(&text, "");
        }
    }
}
