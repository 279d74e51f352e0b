//! Clearing the way for starts and ends: panes are kept, screens are saved, and whole trees are ended, all agents of a pass
//! together, so that a hundred of them take as long as one.

use super::World;
use super::tmux::script::{guarded, said, say, tag};
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::files::{self, Access, Durability, FileError};
use crate::sys::process::ending::{end_trees, would_end_gtd};
use crate::sys::process::{self, Table};
use crate::town::agent::AgentId;
use crate::town::outcome::Done;
use crate::town::plan::PaneRef;
use crate::town::process::Process;
use std::fs;
use std::path::PathBuf;

/// Screens that are kept of each agent.
const SCREENS_KEPT: usize = 20;
/// Lines of the scrollback that are saved with a screen.
const SCROLLBACK: u32 = 500;

/// What is to be cleared away for one agent.
#[derive(Clone, Debug)]
pub struct Clearing {
    /// Whose.
    pub agent: AgentId,
    /// Its pane, if it has one: kept, whatever becomes of its program.
    pub pane: Option<PaneRef>,
    /// Its last program, which may live on elsewhere.
    pub leftover: Option<Process>,
    /// Whether its screen is saved first.
    pub save: bool,
}

impl Clearing {
    /// What is ended. Even where the first of its processes is gone, others of its session may live on.
    fn roots(&self) -> Vec<Process> {
        let mut roots = Vec::new();
        if let Some(pane) = &self.pane {
            roots.push(pane.process);
        }
        if let Some(leftover) = self.leftover {
            roots.push(leftover);
        }
        roots
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// Where the screen is, or why it is not saved; `None` where that was not asked for.
    pub screen: Option<Result<PathBuf, String>>,
    /// The leftover that lived on and was ended.
    pub leftover: Option<u32>,
    /// Whether the way is clear, or why it is not.
    pub ended: Result<(), String>,
}

impl Cleared {
    /// What is to be told of it besides.
    pub fn told(&mut self) -> Vec<Done> {
        let mut told = Vec::new();
        if let Some(screen) = self.screen.take() {
            told.push(Done::SavedScreen(screen));
        }
        if let Some(leftover) = self.leftover.take() {
            told.push(Done::EndedLeftover(leftover));
        }
        told
    }
}

impl World {
    /// Clears the way for all of these: one tmux process for panes and screens, then at most 3 s for all trees. gtd itself, its
    /// ancestors and the tmux server are never ended: whoever has gtd below it is left as it is.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn clear(&mut self, jobs: &[Clearing]) -> Result<Vec<Cleared>, Stopped> {
        let any = jobs.iter().any(|job| job.pane.is_some() || job.leftover.is_some());
        // One scan for all of them, and none where nothing has to be ended.
        let table = if any { Table::read().ok() } else { None };
        let mut refused = Vec::new();
        for job in jobs {
            refused.push(table.as_ref().is_some_and(|table| would_end_gtd(&job.roots(), table)));
        }
        let screens = self.keep_panes(jobs, &refused)?;
        let (mut leftovers, mut roots) = (Vec::new(), Vec::new());
        for (job, refused) in jobs.iter().zip(&refused) {
            let leftover = job.leftover.filter(|process| !refused && process::lives(*process));
            leftovers.push(leftover.map(|process| process.pid));
            if !refused {
                roots.append(&mut job.roots());
            }
        }
        if !roots.is_empty() {
            let spared: Vec<u32> = self.server.into_iter().collect();
            // Where processes cannot be listed, tmux's own hang-up has to do.
            let _ = end_trees(&roots, &spared, &mut self.attention)?;
        }
        let mut cleared = Vec::new();
        for (number, screen) in screens.into_iter().enumerate() {
            let ended = match refused[number] {
                true => Err("gtd itself runs below it, and would be ended with it".to_owned()),
                false => Ok(()),
            };
            cleared.push(Cleared { screen, leftover: leftovers[number], ended });
        }
        Ok(cleared)
    }

    /// In two steps with the end of the programs: were a pane to end with its program, its session could end with it.
    fn keep_panes(
        &mut self,
        jobs: &[Clearing],
        refused: &[bool],
    ) -> Result<Vec<Option<Result<PathBuf, String>>>, Stopped> {
        let tag = tag();
        let mut lines = Vec::new();
        for (number, job) in jobs.iter().enumerate() {
            let Some(pane) = job.pane.as_ref().filter(|_| !refused[number]) else { continue };
            let mut steps = vec![format!("set-option -p -t %{} remain-on-exit on", pane.id)];
            if job.save {
                steps.push(say(pane, &tag, number, ""));
                steps.push(format!("capture-pane -p -S -{SCROLLBACK} -t %{}", pane.id));
            }
            lines.push(guarded(pane, None, &steps));
        }
        let text = match &self.tmux {
            Some(tmux) if !lines.is_empty() => tmux.script(&lines, &mut self.attention)?.unwrap_or_default(),
            _ => String::new(),
        };
        let said = said(&text, &tag);
        let mut screens = Vec::new();
        for (number, job) in jobs.iter().enumerate() {
            let wanted = job.save && job.pane.is_some() && !refused[number];
            screens.push(match said.get(&number) {
                _ if !wanted => None,
                Some(said) => Some(self.save_screen(&job.agent, said.after).map_err(|error| error.to_string())),
                None => Some(Err("tmux does not show it".to_owned())),
            });
        }
        Ok(screens)
    }

    fn save_screen(&self, id: &AgentId, screen: &str) -> Result<PathBuf, FileError> {
        let dir = self.root.join("daemon/screens");
        files::make_private_dir(&dir)?;
        let name = id.to_string().replace('/', "-");
        let path = dir.join(format!("{name}.{}.txt", clock::now().wall.file_stamp()));
        files::write(&path, screen.as_bytes(), Durability::Synced, Access::User)?;
        let mut saved = files::names(&dir);
        saved.retain(|file| file.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.')));
        for old in &saved[..saved.len().saturating_sub(SCREENS_KEPT)] {
            let _ = fs::remove_file(dir.join(old));
        }
        Ok(path)
    }
}
