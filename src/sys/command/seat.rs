//! A terminal for a program that must be found at one, and its input at a path.

use crate::sys::files;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{self, Stdio};

/// How the paths begin under which gtd's pipes are read by other programs.
pub fn pipes() -> String {
    format!("/proc/{}/fd/", process::id())
}

/// What a program gets in the place of what it would read: a terminal, which it neither reads nor writes, and a pipe with a
/// path, which it opens.
pub struct Seat {
    terminal: File,
    reader: PipeReader,
    writer: PipeWriter,
}

impl Seat {
    /// A seat at this terminal.
    ///
    /// # Errors
    /// The system's: it cannot be opened, or pipes have no paths here.
    pub fn at(terminal: &Path) -> io::Result<Seat> {
        let terminal = files::open_terminal(terminal)?;
        let (reader, writer) = io::pipe()?;
        let seat = Seat { terminal, reader, writer };
        std::fs::metadata(seat.path())?;
        Ok(seat)
    }

    /// Where the input is read.
    pub fn path(&self) -> String {
        format!("{}{}", pipes(), self.reader.as_raw_fd())
    }

    /// What the program finds as its standard input; what its input is written to; and what must be kept open until it has ended,
    /// since it may open its input late.
    pub fn parts(self) -> (Stdio, OwnedFd, PipeReader) {
        (self.terminal.into(), self.writer.into(), self.reader)
    }
}
