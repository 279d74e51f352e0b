//! Starting spawned workers off: the file of those that wait, and their first word.

use super::World;
use super::poke::Poke;
use super::tmux::script::{IDENTITY, identity, said, say, tag};
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::files::{self, Access, Durability, Whose};
use crate::town::outcome::Delivery;
use crate::town::plan::{Addressee, PaneRef};
use crate::town::spawn::{Spawn, encode_pending, parse_pending};
use std::fs;
use std::path::PathBuf;

/// A worker's first word.
pub const FIRST_WORD: &str = "Begin.";

impl World {
    fn pending_path(&self) -> PathBuf {
        self.root.join("spawn/pending.json")
    }

    /// The workers that wait. A file that cannot be read is set aside, and said.
    ///
    /// # Errors
    /// What is to be said.
    pub fn read_pending(&self) -> Result<Vec<Spawn>, String> {
        let path = self.pending_path();
        let bytes = match files::read(&path, Whose::Towns) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Vec::new()),
            Err(error) => return Err(error.to_string()),
        };
        parse_pending(&bytes).map_err(|why| match files::set_aside(&path, clock::now().wall) {
            Ok(aside) => format!("{}: {why}; set aside as {}", path.display(), aside.display()),
            Err(error) => format!("{}: {why}; {error}", path.display()),
        })
    }

    /// Changes the file: it is read just before, since `gt` writes it too.
    ///
    /// # Errors
    /// Why it is not changed, in one line.
    pub fn change_pending(&self, change: &mut dyn FnMut(&mut Vec<Spawn>)) -> Result<(), String> {
        let before = self.read_pending()?;
        let mut spawns = before.clone();
        change(&mut spawns);
        if spawns == before {
            return Ok(());
        }
        let path = self.pending_path();
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(|error| format!("cannot make {}: {error}", dir.display()))?;
        }
        match files::write(&path, &encode_pending(&spawns), Durability::Synced, Access::Everybody) {
            // Where only the directory could not be synced, the new version stands. Whoever takes the old one to stand
            // starts a worker off twice; that is worse than a power cut just now.
            Err(error) if self.read_pending().ok().as_ref() != Some(&spawns) => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    /// What these panes show, all in one process; `None` for one that cannot be seen.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn screens(&mut self, panes: &[&PaneRef]) -> Result<Vec<Option<String>>, Stopped> {
        let Some(tmux) = &self.tmux else {
            return Ok(vec![None; panes.len()]);
        };
        let tag = tag();
        let mut lines = Vec::new();
        for (number, pane) in panes.iter().enumerate() {
            let whose = say(pane, &tag, number, IDENTITY);
            lines.push(format!("{whose} ; capture-pane -p -t %{}", pane.id));
        }
        let text = tmux.script(&lines, &mut self.attention)?.unwrap_or_default();
        let said = said(&text, &tag);
        let mut screens = Vec::new();
        for (number, pane) in panes.iter().enumerate() {
            let said = said.get(&number).filter(|said| said.words == identity(pane));
            screens.push(said.map(|said| said.after.to_owned()));
        }
        Ok(screens)
    }

    /// Types the first word into these panes, as carefully as a heartbeat.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn begin(&mut self, panes: &[Addressee]) -> Result<Vec<Delivery>, Stopped> {
        let pokes: Vec<Poke> = panes.iter().map(|to| Poke { to, text: FIRST_WORD.to_owned() }).collect();
        self.poke(&pokes)
    }
}
