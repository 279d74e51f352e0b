//! `bd` and `gt`: how they are run, and what counts as an answer.

use super::environment::SCRUBBED_FOR_TOOLS;
use crate::sys::command::{Command, Failure, Output};
use crate::town::config::Config;
use crate::town::outage::Outage;
use std::path::Path;

/// The name under which gtd uses the tracker.
const ACTOR: &str = "daemon";

/// A call of `program` in the town: found by its working directory, under gtd's own name.
pub fn command(program: &Path, town: &Path, config: &Config) -> Command {
    config
        .env
        .iter()
        .fold(Command::new(program, config.command_timeout), |c, (k, v)| c.env(k, v))
        .dir(town)
        .without(&SCRUBBED_FOR_TOOLS)
        .env("BD_ACTOR", ACTOR)
}

/// What a tool said, or why that is no answer. With `must_succeed` another exit status than 0 is none.
///
/// # Errors
/// An outage that names the call.
pub fn answer(call: &str, result: Result<Output, Failure>, must_succeed: bool) -> Result<Output, Outage> {
    match result {
        Ok(output) if output.success || !must_succeed => Ok(output),
        Ok(output) => Err(Outage::new(format!("{call}: {}", output.complaint()))),
        Err(failure) => Err(Outage::new(failure.to_string())),
    }
}
