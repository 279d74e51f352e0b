//! The last step of a shutdown: the session goes only if nobody else is in it.

use super::World;
use super::tmux::script::guarded;
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
        let answer = tmux.script(&[guarded(pane, None, &[rest])], &mut self.attention)?;
        Ok(answer.map(drop).map_err(|outage| outage.to_string()))
    }
}
