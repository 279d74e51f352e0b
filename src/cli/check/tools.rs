//! tmux, `bd` and `gt`: where they are, and whether they work.

use super::{Check, VERSION};
use crate::sys::attention::Stopped;
use crate::sys::command::Command;
use crate::town::sorted::SortedSet;
use crate::world::environment::SCRUBBED_FOR_TOOLS;
use crate::world::tmux::is_usable_version;
use crate::world::tools::{Candidate, candidates, hindrance, not_found};
use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The time for another tmux than the one that gtd uses.
const OTHER: Duration = Duration::from_secs(1);

/// More of the same name are not looked at.
const MOST: usize = 4;

impl Check {
    pub fn tools(&mut self) -> Result<(), Stopped> {
        let tools = self.world.tools.clone();
        for (name, place, flag) in
            [("tmux", tools.tmux, "-V"), ("bd", tools.bd, "--version"), ("gt", tools.gt, "--version")]
        {
            match place {
                Some(path) => self.tool(name, &path, flag)?,
                None => self.no_tool(name),
            }
        }
        self.other_tmux()
    }

    fn no_tool(&self, name: &'static str) {
        if let Some((why, remedy)) = hindrance(name).filter(|(_, remedy)| !remedy.is_empty()) {
            self.findings.fault(name, format_args!("{why}"), format_args!("{remedy}"));
            return;
        }
        let found = not_found(name);
        match name {
            "tmux" => self.findings.fault(
                name,
                format_args!("not found {found}"),
                format_args!("install it, for example with apt-get install tmux"),
            ),
            "bd" => self.findings.note(
                name,
                format_args!("not found {found}; without it tmux alone tells how agents are"),
                format_args!(""),
            ),
            _ => {
                let remedy = match self.world.config.gastown {
                    Some(_) => String::new(),
                    None => self.set_gastown(),
                };
                let found = format_args!("not found {found}; without it there is no mail");
                self.findings.note(name, found, format_args!("{remedy}"));
            }
        }
    }

    fn tool(&mut self, name: &'static str, path: &Path, flag: &str) -> Result<(), Stopped> {
        let shown = path.display();
        let version = match self.version(path, flag, VERSION)? {
            Ok(version) => version,
            Err(why) => {
                self.findings.fault(
                    name,
                    format_args!("{shown} does not work: {why}"),
                    format_args!("see what {shown} {flag} says, and install it anew"),
                );
                return Ok(());
            }
        };
        if name == "tmux" && !is_usable_version(&version) {
            self.findings.fault(
                name,
                format_args!("{shown}: {version}; 3.2 or newer is needed"),
                format_args!("install a newer tmux, or put one first in PATH"),
            );
            return Ok(());
        }
        self.answering.push(name);
        if candidates(name, env::var_os("PATH")).iter().any(|found| found.in_path && found.file == path) {
            self.findings.good(name, format_args!("{shown}: {version}"));
        } else {
            let found = format_args!("{shown}: {version}; found outside PATH, where gtd looks too");
            self.findings.note(name, found, format_args!(""));
        }
        if name == "tmux" {
            self.tmux_version = Some(version);
        }
        Ok(())
    }

    /// The first line that a tool says of itself, or what went wrong. It is run outside the town, since `gt` notes each
    /// call within as activity of the town.
    fn version(&mut self, path: &Path, flag: &str, time: Duration) -> Result<Result<String, String>, Stopped> {
        let command = Command::new(path, self.time(time)).arg(flag).dir("/").without(&SCRUBBED_FOR_TOOLS);
        Ok(match command.run(&mut self.world.attention)? {
            Ok(output) if output.success => Ok(output.stdout.lines().next().unwrap_or_default().trim().to_owned()),
            Ok(output) => Err(output.complaint()),
            Err(failure) => Err(failure.to_string()),
        })
    }

    /// Every tmux that somebody who attaches may use instead: one of another version may not understand the server.
    fn other_tmux(&mut self) -> Result<(), Stopped> {
        let Some(used) = self.world.tools.tmux.clone() else { return Ok(()) };
        let mut seen = SortedSet::new();
        seen.extend(fs::canonicalize(&used));
        for other in candidates("tmux", env::var_os("PATH")).into_iter().filter(Candidate::is_program) {
            if seen.len() > MOST || !fs::canonicalize(&other.file).is_ok_and(|real| seen.insert(real)) {
                continue;
            }
            let said = self.version(&other.file, "-V", OTHER)?;
            if said.is_err() || said.as_ref().ok() != self.tmux_version.as_ref() {
                let said = said.unwrap_or_else(|why| why);
                self.findings.note(
                    "tmux",
                    format_args!("there is another: {}: {said}", other.file.display()),
                    format_args!("whoever attaches should use {}; remove the other", used.display()),
                );
            }
        }
        Ok(())
    }
}
