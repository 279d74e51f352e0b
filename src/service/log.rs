//! The log: a line an event, in the seed's form, bounded in size. A write that fails stops nothing.

use super::systemd;
use crate::sys::clock;
use crate::sys::files::{self, Whose};
use crate::town::level::Level;
use crate::town::text::clean;
use std::cell::RefCell;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// So much of each log file is read for people: days of an ordinary town.
const TAIL: u64 = 2 << 20;

/// No line is longer than this many characters.
const LONGEST_LINE: usize = 2000;

/// The log of a town. Clones write to the same one.
#[derive(Clone, Debug)]
pub struct Log(Rc<RefCell<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    max_size: u64,
    keep: u32,
    echo: Echo,
}

/// Where lines go besides.
#[derive(Debug)]
enum Echo {
    /// Nowhere.
    Nobody,
    /// The terminal that stderr is, opened for ourselves so that it can be told not to block: one that nobody reads must not
    /// stop gtd.
    Terminal(File),
    /// The journal, which stderr is.
    Journal,
}

impl Log {
    /// Opens `daemon.log` in `dir`. Lines go to stderr too if that is a terminal, or the journal.
    pub fn open(dir: &Path) -> Log {
        let mut inner = Inner {
            path: dir.join("daemon.log"),
            file: None,
            size: 0,
            max_size: u64::MAX,
            keep: 1,
            echo: Echo::find(),
        };
        inner.open();
        Log(Rc::new(RefCell::new(inner)))
    }

    /// From now on the file is rotated at `max_size` bytes, and `keep` files are kept.
    pub fn limit(&self, max_size: u64, keep: u32) {
        let mut inner = self.0.borrow_mut();
        inner.max_size = max_size;
        inner.keep = keep;
    }

    /// Opens the file anew: somebody may have moved it away.
    pub fn reopen(&self) {
        self.0.borrow_mut().open();
    }

    /// Opens the file anew if its path no longer leads to it: somebody has removed or moved it.
    pub fn keep(&self) {
        let mut inner = self.0.borrow_mut();
        let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
        let there = fs::metadata(&inner.path).map(identity).ok();
        let ours = inner.file.as_ref().and_then(|file| file.metadata().ok()).map(identity);
        if there.is_none() || there != ours {
            inner.open();
        }
    }

    /// Writes a line, with the time.
    pub fn say(&self, text: fmt::Arguments<'_>) {
        self.say_as(Level::Info, text);
    }

    /// Writes a line about something that has changed.
    pub fn notice(&self, text: fmt::Arguments<'_>) {
        self.say_as(Level::Notice, text);
    }

    /// Writes a line about something that is wrong.
    pub fn warn(&self, text: fmt::Arguments<'_>) {
        self.say_as(Level::Warning, text);
    }

    /// Writes a line about something that has failed.
    pub fn error(&self, text: fmt::Arguments<'_>) {
        self.say_as(Level::Error, text);
    }

    /// Writes a line that matters so much: only the journal is told.
    pub fn say_as(&self, level: Level, text: fmt::Arguments<'_>) {
        let now = clock::now().wall;
        let stamp = now.log_stamp(clock::local_offset(now));
        let text = clean(&text.to_string(), LONGEST_LINE);
        let mut inner = self.0.borrow_mut();
        let line = format!("{stamp} {text}\n");
        inner.echo.show(level, &text, &line);
        inner.write(&line);
    }
}

/// The last lines of a town's log, the oldest first: of the log and of the one before it, as much as a person would read.
pub fn tail(dir: &Path) -> Vec<String> {
    let path = dir.join("daemon.log");
    let older = files::sibling(&path, ".1");
    let mut lines = Vec::new();
    for path in [older, path] {
        let part = files::read_end(&path, TAIL).unwrap_or_default();
        for line in String::from_utf8_lossy(&part).lines() {
            lines.push(line.to_owned());
        }
    }
    lines
}

impl Echo {
    fn find() -> Echo {
        if systemd::stderr_is_journal() {
            return Echo::Journal;
        }
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        let open = || OpenOptions::new().write(true).custom_flags(flags).open("/dev/stderr").ok();
        let terminal = io::stderr().is_terminal().then(open).flatten();
        terminal.map_or(Echo::Nobody, Echo::Terminal)
    }

    /// The journal gets the text, since it knows the time itself; the terminal gets the whole line. A terminal that takes no
    /// more loses it; the file has it.
    fn show(&mut self, level: Level, text: &str, line: &str) {
        match self {
            Echo::Nobody => {}
            Echo::Terminal(terminal) => drop(terminal.write(line.as_bytes())),
            Echo::Journal => systemd::write_to_journal(level, text),
        }
    }
}

impl Inner {
    fn open(&mut self) {
        let opened = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(&self.path);
        let usable = |file: &File| {
            let meta = file.metadata()?;
            files::refuse_strange(&meta, Whose::Ours).map(|()| meta.len())
        };
        match opened.and_then(|file| usable(&file).map(|size| (file, size))) {
            Ok((file, size)) => {
                self.file = Some(file);
                self.size = size;
            }
            Err(error) => {
                self.file = None;
                let line = format!("gtd: cannot open {}: {error}", self.path.display());
                self.echo.show(Level::Error, &line, &format!("{line}\n"));
            }
        }
    }

    fn write(&mut self, line: &str) {
        if self.file.is_none() {
            self.open();
        }
        let length = line.len() as u64;
        if self.size > 0 && self.size + length > self.max_size {
            self.rotate();
        }
        if let Some(file) = &mut self.file {
            if append(file, line.as_bytes()) {
                self.size += length;
            } else {
                // A full disk: the line is lost, and the next one tries again.
                self.file = None;
            }
        }
    }

    /// `daemon.log` becomes `daemon.log.1`, that `daemon.log.2`, and so on; the oldest goes.
    fn rotate(&mut self) {
        let numbered = |n: u32| files::sibling(&self.path, &format!(".{n}"));
        for n in (1..self.keep.saturating_sub(1)).rev() {
            let _ = fs::rename(numbered(n), numbered(n + 1));
        }
        let moved = if self.keep > 1 { fs::rename(&self.path, numbered(1)) } else { fs::remove_file(&self.path) };
        if moved.is_ok() {
            self.open();
        }
    }
}

/// Appends a whole line or nothing: the next one must not go on where half a line ends.
fn append(file: &mut File, line: &[u8]) -> bool {
    let mut done = 0;
    while done < line.len() {
        match file.write(&line[done..]) {
            Ok(n) if n > 0 => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => {
                if let (true, Ok(meta)) = (done > 0, file.metadata()) {
                    let _ = file.set_len(meta.len().saturating_sub(done as u64));
                }
                return false;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_shows_no_control_characters() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = Log::open(dir.path());
        log.limit(4096, 3);
        log.say(format_args!("a\x1b[31mb\nc"));
        let text = fs::read_to_string(dir.path().join("daemon.log")).expect("a log");
        assert!(text.ends_with(" a\\u{1b}[31mb\\nc\n"), "{text}");
        for n in 0..1000 {
            log.say(format_args!("line {n}"));
        }
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .expect("a listing")
            .map(|entry| entry.expect("an entry"))
            .map(|entry| (entry.file_name(), entry.metadata().expect("metadata").len()))
            .collect();
        names.sort();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(names.iter().all(|(_, size)| *size <= 4096), "{names:?}");
        let newest = fs::read_to_string(dir.path().join("daemon.log")).expect("a log");
        assert!(newest.ends_with("line 999\n"));
    }

    #[test]
    fn a_log_that_cannot_be_written_stops_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("daemon.log")).expect("made");
        let log = Log::open(dir.path());
        log.say(format_args!("lost"));
        fs::remove_dir(dir.path().join("daemon.log")).expect("removed");
        log.say(format_args!("kept"));
        let text = fs::read_to_string(dir.path().join("daemon.log")).expect("a log");
        assert!(text.ends_with(" kept\n"));
    }
}
