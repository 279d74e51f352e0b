//! The last step of a shutdown: the session goes only if nobody else is in it.

use super::World;
use super::tmux::script::{guarded, said, say, tag};
use crate::sys::attention::Stopped;
use crate::town::plan::PaneRef;

impl World {
    /// Ends what is left of agents whose trees were ended: the session, or only the agent's pane, where somebody else has
    /// others in it.
    ///
    /// # Errors
    /// [`Stopped`]; within, why it is not ended.
    pub fn end_session(&mut self, pane: &PaneRef, alone: bool) -> Result<Result<(), String>, Stopped> {
        let Some(tmux) = &self.tmux else {
            return Ok(Err("there is no tmux".to_owned()));
        };
        let rest = match alone {
            true => format!("kill-session -t '={}'", pane.session),
            false => format!("kill-pane -t %{}", pane.id),
        };
        // Whether nobody else is in the session is asked once more: ending a tree takes its time.
        let besides = alone.then_some(("#{session_windows}/#{window_panes}", "1/1"));
        let tag = tag();
        let line = guarded(pane, besides, &[say(pane, &tag, 0, "found"), rest]);
        Ok(match tmux.script(&[line], &mut self.attention)? {
            Ok(text) if said(&text, &tag).contains_key(&0) => Ok(()),
            Ok(_) => Err("its pane has changed meanwhile".to_owned()),
            Err(outage) => Err(outage.to_string()),
        })
    }
}
