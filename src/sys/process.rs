//! The process table: who descends from whom; [`ending`] ends a whole tree.

pub mod ending;

use super::raw;
use crate::town::process::Process;
use crate::town::snapshot::Ended;
use crate::town::sorted::SortedSet;
use crate::town::time::Wall;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// One process as a scan found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// It.
    pub process: Process,
    /// Who started it.
    pub parent: u32,
    /// The session it belongs to: of a pane's processes, the PID of the pane's first.
    pub session: u32,
    /// The leader of the foreground group of its terminal, if it has a terminal.
    pub foreground: Option<u32>,
    /// It has ended and only waits to be reaped.
    pub ended: bool,
}

/// All processes at one time.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<Entry>);

impl Table {
    /// Reads `/proc`.
    ///
    /// # Errors
    /// Where there is no such thing; then trees are not known.
    pub fn read() -> io::Result<Table> {
        let mut entries = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            // One that has gone since the listing is no error.
            entries.extend(read_stat(pid));
        }
        if entries.is_empty() {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        Ok(Table(entries))
    }

    /// The processes that belong to `root`: itself, all that descend from it, and all of its session, with what descends from
    /// those. Ended ones are left out. Where the PID has found a new owner, there are none: a PID is not given away
    /// while its session has members.
    pub fn tree(&self, root: Process) -> Vec<Process> {
        let owner = self.0.iter().find(|e| e.process.pid == root.pid && !e.ended);
        if owner.is_some_and(|e| e.process != root) {
            return Vec::new();
        }
        let root = root.pid;
        let members = self.0.iter().filter(|e| e.process.pid == root || e.session == root);
        let mut members: SortedSet<u32> = members.map(|e| e.process.pid).collect();
        loop {
            let before = members.len();
            let children = self.0.iter().filter(|e| members.contains(&e.parent));
            let children: Vec<u32> = children.map(|e| e.process.pid).collect();
            members.extend(children);
            if members.len() == before {
                break;
            }
        }
        let living = self.0.iter().filter(|e| !e.ended);
        living.map(|e| e.process).filter(|p| members.contains(&p.pid)).collect()
    }

    /// gtd itself and those it descends from: never to be ended by it.
    fn ancestors_of_gtd(&self) -> SortedSet<u32> {
        let mut chain = SortedSet::new();
        let mut next = Some(std::process::id());
        while let Some(pid) = next.filter(|pid| chain.insert(*pid)) {
            next = self.0.iter().find(|e| e.process.pid == pid).map(|e| e.parent);
        }
        chain
    }
}

/// `/proc/PID/stat`. The name in brackets may hold anything, so what follows is counted from the last bracket.
fn read_stat(pid: u32) -> Option<Entry> {
    parse_stat(pid, &stat_line(pid)?)
}

/// The line in one read: such files have no size, and would be read in small steps for each of a thousand agents.
fn stat_line(pid: u32) -> Option<String> {
    // Longer than 52 numbers and a name can be.
    let mut line = [0; 2048];
    let length = fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut line).ok()?;
    Some(String::from_utf8_lossy(&line[..length]).into_owned())
}

fn parse_stat(pid: u32, stat: &str) -> Option<Entry> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Fields 3, 4, 6, 8 and 22 of proc(5): state, parent, session, foreground group, start time in clock ticks since boot.
    Some(Entry {
        process: Process { pid, start: fields.get(19)?.parse().ok()? },
        parent: fields.get(1)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        // -1 where there is no terminal.
        foreground: fields.get(5)?.parse().ok(),
        ended: matches!(fields.first(), Some(&"Z" | &"X")),
    })
}

/// The process that has this PID now, with its start time where the system tells.
pub fn identify(pid: u32) -> Process {
    read_stat(pid).map_or(Process { pid, start: 0 }, |e| e.process)
}

/// When a process was started, to the second; `None` where the system does not tell, or it is gone.
pub fn started(pid: u32) -> Option<Wall> {
    // What programs are told is in hundredths, whatever the kernel itself counts in.
    let after = read_stat(pid)?.process.start / 100;
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let boot: i64 = stat.lines().find_map(|line| line.strip_prefix("btime "))?.parse().ok()?;
    Some(Wall::from_seconds(boot.saturating_add_unsigned(after)))
}

/// Whether the system tells of processes in `/proc`, as [`started`] and the like read it.
pub fn are_told() -> bool {
    Path::new("/proc/self/stat").exists()
}

/// The process that has this PID now, and the leader of its terminal's foreground group, where that is another process.
pub fn with_foreground(pid: u32) -> (Process, Option<u32>) {
    let Some(entry) = read_stat(pid) else {
        return (Process { pid, start: 0 }, None);
    };
    (entry.process, entry.foreground.filter(|leader| *leader != pid && *leader > 1))
}

/// How a child of `parent` has ended that waits to be reaped; `None` where there is no such child.
pub fn end_of(pid: u32, parent: u32) -> Option<Ended> {
    parse_end(&stat_line(pid)?, parent)
}

fn parse_end(stat: &str, parent: u32) -> Option<Ended> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    if fields.first() != Some(&"Z") || fields.get(1)?.parse() != Ok(parent) {
        return None;
    }
    // Field 52 of proc(5): the status as wait(2) would give it.
    let status: i32 = fields.get(49)?.parse().ok()?;
    Some(match status & 0x7f {
        0 => Ended::Status((status >> 8) & 0xff),
        signal => Ended::Signal(signal),
    })
}

/// Whether exactly this process lives.
pub fn lives(process: Process) -> bool {
    read_stat(process.pid).is_some_and(|e| e.process == process && !e.ended)
}

/// The arguments that a process was started with; empty if it is gone or hides them.
pub fn arguments(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut args: Vec<String> = bytes.split(|b| *b == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
    args.pop();
    args
}

/// The processes of this user that `wanted` wants by their PIDs and arguments.
///
/// # Errors
/// Where processes cannot be listed.
pub fn find(wanted: &mut dyn FnMut(u32, &[String]) -> bool) -> io::Result<Vec<Process>> {
    if !are_told() {
        return Err(io::Error::from(io::ErrorKind::Unsupported));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let is_ours = entry.metadata().is_ok_and(|meta| meta.uid() == raw::user_id());
        if is_ours && wanted(pid, &arguments(pid)) {
            found.push(identify(pid));
        }
    }
    Ok(found)
}

/// What a program of this name was given, by the arguments of its process. Where it is a script, its interpreter stands before
/// it, and what that one was given. Of other programs a script's name is an argument like any other.
pub fn given<'a>(args: &'a [String], name: &str) -> Option<&'a [String]> {
    let base = |arg: &'a String| Path::new(arg.trim_start_matches('-')).file_name().and_then(|name| name.to_str());
    let (first, rest) = args.split_first()?;
    let first = base(first)?;
    if first == name {
        return Some(rest);
    }
    // As in python3.13.
    let plain = first.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let lines: &[char] = match (SHELLS.contains(&first), INTERPRETERS.contains(&plain)) {
        (true, _) => &['c'],
        (_, true) => &['c', 'e'],
        _ => return None,
    };
    let script = rest.iter().position(|arg| !arg.starts_with(['-', '+']))?;
    // With these, alone or among others, it runs a line that it is given, and no script.
    let runs_line = |arg: &String| !arg.starts_with("--") && !arg.contains(' ') && arg.contains(lines);
    (!rest[..script].iter().any(runs_line) && base(&rest[script]) == Some(name)).then(|| &rest[script + 1..])
}

/// Programs that run scripts, besides shells.
const INTERPRETERS: [&str; 5] = ["python", "perl", "ruby", "node", "bun"];

/// The working directory of a process, without symbolic links; `None` where the system does not tell, or not to us.
pub fn directory(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// Whether a process has this file open; `None` where the system does not tell, or not to us.
pub fn has_open(pid: u32, path: &Path) -> Option<bool> {
    if !Path::new("/proc/self/fd").exists() {
        return None;
    }
    let wanted = fs::metadata(path).ok()?;
    let descriptors = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(descriptors) => descriptors,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(false),
        Err(_) => return None,
    };
    let is_it = |entry: fs::DirEntry| {
        let found = fs::metadata(entry.path());
        found.is_ok_and(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()))
    };
    Some(descriptors.flatten().any(is_it))
}

/// Whether these arguments are those of a shell that waits for a person: no script, no command.
pub fn is_interactive_shell(args: &[String]) -> bool {
    let Some((program, operands)) = args.split_first() else {
        return false;
    };
    let name = Path::new(program.trim_start_matches('-')).file_name();
    let is_shell = name.is_some_and(|name| SHELLS.iter().any(|shell| name == *shell));
    // `-c`, alone or among others as in `-lc`, runs a command and ends; a word without a dash is a script.
    let runs_something = |arg: &String| {
        let short = arg.starts_with('-') && !arg.starts_with("--");
        !arg.starts_with(['-', '+']) || (short && arg.contains('c'))
    };
    is_shell && !operands.iter().any(runs_something)
}

/// Programs that are shells: a pane that shows one of these, with nothing below it, has lost its agent.
const SHELLS: [&str; 15] = [
    "sh", "bash", "zsh", "fish", "dash", "ash", "ksh", "mksh", "tcsh", "csh", "nu", "elvish", "xonsh", "pwsh",
    "busybox",
];

/// Whether a program of this name, as tmux shows it, may be a shell.
pub fn is_shell_name(name: &str) -> bool {
    SHELLS.contains(&name.trim_start_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn args(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_bare_shell_is_told_from_one_that_runs_something() {
        for line in ["-bash", "/bin/zsh -l", "bash -l -i", "sh", "fish --login"] {
            assert!(is_interactive_shell(&args(line)), "{line}");
        }
        for line in ["sh ./agent", "bash -l -i -c claude", "bash -lic claude", "node x", "claude", "2.1.7"] {
            assert!(!is_interactive_shell(&args(line)), "{line}");
        }
        assert!(!is_interactive_shell(&[]));
    }

    #[test]
    fn what_a_program_was_given_is_known_through_its_interpreter_and_nothing_else() {
        for line in [
            "gt daemon run",
            "/usr/local/bin/gt daemon run",
            "/bin/sh /x/gt daemon run",
            "/bin/sh -e /x/gt daemon run",
            "bash -eu -x ./gt daemon run",
            "/usr/bin/python3.13 -I /x/gt daemon run",
        ] {
            assert_eq!(given(&args(line), "gt"), Some(&args("daemon run")[..]), "{line}");
        }
        assert_eq!(given(&["/bin/sh", "-o pipefail", "/x/gt"].map(str::to_owned), "gt"), Some(&[][..]));
        for line in [
            "vim gt daemon run",
            "vim /x/gt daemon run",
            "grep -r gt daemon run",
            "tail -f gt daemon run",
            "sh -c gt daemon run",
            "bash -lc gt daemon run",
            "perl -we gt daemon run",
            "sh other gt daemon run",
            "gtd daemon run",
            "gt2 daemon run",
            "sh",
        ] {
            assert_eq!(given(&args(line), "gt"), None, "{line}");
        }
        assert_eq!(given(&[], "gt"), None);
    }

    #[test]
    fn a_name_in_the_table_cannot_forge_fields() {
        let stat = "7 (a) S 1 1 1) R 5 6 7 0 -1 4194304 1 0 0 0 1 2 3 4 20 0 1 0 9988 1 1";
        let entry = parse_stat(7, stat).expect("an entry");
        assert_eq!((entry.parent, entry.session, entry.process.start), (5, 7, 9988));
        assert_eq!(entry.foreground, None);
    }

    #[test]
    fn how_a_child_has_ended_is_told_until_it_is_reaped() {
        for (script, wanted) in [("exit 3", Ended::Status(3)), ("kill -9 $$", Ended::Signal(9))] {
            let mut child = std::process::Command::new("/bin/sh").args(["-c", script]).spawn().expect("sh");
            let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
            let told = loop {
                match end_of(child.id(), std::process::id()) {
                    Some(told) => break told,
                    None => assert!(std::time::Instant::now() < end, "it does not end"),
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            };
            assert_eq!(told, wanted);
            assert_eq!(end_of(child.id(), 1), None, "it is another one's child");
            child.wait().expect("reaped");
            assert_eq!(end_of(child.id(), std::process::id()), None);
        }
    }

    #[test]
    fn a_pid_with_a_new_owner_has_no_tree() {
        let owner = identify(std::process::id());
        let table = Table::read().expect("a table");
        assert!(table.tree(owner).contains(&owner));
        let former = Process { start: owner.start - 1, ..owner };
        assert_eq!(table.tree(former), []);
        assert_eq!(table.tree(Process { start: 0, ..owner }), []);
    }

    proptest! {
        #[test]
        fn any_stat_line_is_read_without_a_panic(line: String) {
            let _ = (parse_stat(1, &line), parse_end(&line, 1));
        }
    }
}
