//! The recipes for requests: a screen is saved before its program ends, and a session goes only if nobody else is in it.

use super::World;
use super::tmux::script::{guarded, said, say, tag};
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::files;
use crate::town::agent::AgentId;
use crate::town::plan::PaneRef;
use std::fs;
use std::path::PathBuf;

/// Screens that are kept of each agent.
const SCREENS_KEPT: usize = 20;
/// Lines of the scrollback that are saved with a screen.
const SCROLLBACK: u32 = 500;

impl World {
    /// Saves what a pane shows to `daemon/screens/`; says where.
    ///
    /// # Errors
    /// [`Stopped`]; within, why it is not saved. That keeps nobody from being restarted.
    pub fn save_screen(&mut self, id: &AgentId, pane: &PaneRef) -> Result<Result<PathBuf, String>, Stopped> {
        let Some(tmux) = &self.tmux else {
            return Ok(Err("there is no tmux".to_owned()));
        };
        let tag = tag();
        let steps = [say(pane, &tag, 0, ""), format!("capture-pane -p -S -{SCROLLBACK} -t %{}", pane.id)];
        let text = match tmux.script(&[guarded(pane, None, &steps)], &mut self.attention)? {
            Ok(text) => text,
            Err(outage) => return Ok(Err(outage.to_string())),
        };
        let Some(screen) = said(&text, &tag).get(&0).map(|said| said.after) else {
            return Ok(Err("the pane has changed".to_owned()));
        };
        let dir = self.root.join("daemon/screens");
        let name = id.to_string().replace('/', "-");
        let stamp: String = clock::now().wall.rfc3339(0).chars().filter(char::is_ascii_alphanumeric).collect();
        let path = dir.join(format!("{name}.{stamp}.txt"));
        let saved = files::make_private_dir(&dir).and_then(|()| files::write_private(&path, screen.as_bytes()));
        self.forget_old_screens(&name);
        Ok(saved.map(|()| path).map_err(|error| error.to_string()))
    }

    fn forget_old_screens(&self, name: &str) {
        let dir = self.root.join("daemon/screens");
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        let own = |file: &String| file.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        let mut files: Vec<String> = entries.filter_map(|e| e.file_name().into_string().ok()).filter(own).collect();
        files.sort();
        let surplus = files.len().saturating_sub(SCREENS_KEPT);
        for file in &files[..surplus] {
            let _ = fs::remove_file(dir.join(file));
        }
    }

    /// Ends an agent: its tree, then its session, or only its pane, where somebody else has others in it.
    ///
    /// # Errors
    /// [`Stopped`]; within, why it is not ended.
    pub fn end_agent(&mut self, pane: &PaneRef, alone: bool) -> Result<Result<(), String>, Stopped> {
        let Some(tmux) = self.tmux.clone() else {
            return Ok(Err("there is no tmux".to_owned()));
        };
        self.keep_pane(&tmux, pane)?;
        if let Err(why) = self.end(&[pane.process])? {
            return Ok(Err(why));
        }
        let rest = match alone {
            true => format!("kill-session -t '={}'", pane.session),
            false => format!("kill-pane -t %{}", pane.id),
        };
        Ok(match tmux.script(&[guarded(pane, None, &[rest])], &mut self.attention)? {
            Ok(_) => Ok(()),
            Err(outage) => Err(outage.to_string()),
        })
    }
}
