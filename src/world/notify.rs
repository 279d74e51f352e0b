//! Telling a person: a shell line of the configuration's.

use super::World;
use super::environment::SCRUBBED;
use crate::sys::attention::Stopped;
use crate::sys::command::{Command, Failure, Output};
use std::time::Duration;

/// What counts and errors call it.
pub const NOTIFY: &str = "gtd.notify";

impl World {
    /// Runs `line` in the town's root, with `object` to read.
    ///
    /// # Errors
    /// [`Stopped`]; within, why there was no answer.
    pub fn notify(
        &mut self,
        line: &str,
        object: Vec<u8>,
        deadline: Duration,
    ) -> Result<Result<Output, Failure>, Stopped> {
        Command::new("/bin/sh", deadline)
            .called(NOTIFY)
            .args(&["-c", line])
            .dir(&self.root)
            .without(&SCRUBBED)
            .input(object)
            .run(&mut self.attention)
    }
}
