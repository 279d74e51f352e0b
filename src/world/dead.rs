//! Marking an agent dead in its bead.

use super::World;
use super::tool;
use crate::decide::stale::{Stale, dead_description};
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::town::json::parse_value;
use crate::town::time::Wall;
use serde_json::Value;

impl World {
    /// Rewrites the bead of a stale agent, unless it has been written meanwhile. `Ok(false)`: it has.
    ///
    /// # Errors
    /// [`Stopped`]; within, why it is not rewritten.
    pub fn mark_dead(&mut self, stale: &Stale) -> Result<Result<bool, String>, Stopped> {
        let Some(bd) = self.tools.bd.clone() else {
            return Ok(Err("there is no bd".to_owned()));
        };
        let show = tool::command(&bd, &self.root, &self.config).args(&["show", &stale.bead, "--json"]);
        let answer = tool::answer("bd show", show.run(&mut self.attention)?, true);
        let bead = match answer.map(|output| find_bead(&output.stdout, &stale.bead)) {
            Ok(Some(bead)) => bead,
            Ok(None) => return Ok(Err("bd show: the bead is not there".to_owned())),
            Err(outage) => return Ok(Err(outage.to_string())),
        };
        let text = |key: &str| bead.get(key).and_then(Value::as_str).unwrap_or_default();
        if Wall::parse(text("updated_at")) != Some(stale.written) {
            return Ok(Ok(false));
        }
        let Some(description) = dead_description(text("description"), &stale.reason, clock::now().wall) else {
            return Ok(Err("its description names no agent_state".to_owned()));
        };
        // bd of the seed's time does not route an update: where the town does not find the bead, its rig does.
        let mut last = Err("there is no directory to ask from".to_owned());
        let mut places = vec![self.root.clone()];
        if let Some(rig) = stale.agent.rig() {
            places.push(self.root.join(rig.as_str()).join("mayor/rig"));
        }
        for place in places {
            if !place.is_dir() {
                continue;
            }
            let update = tool::command(&bd, &place, &self.config);
            let update = update.args(&["update", &stale.bead, "--description", &description]);
            let answer = tool::answer("bd update", update.run(&mut self.attention)?, true);
            match answer {
                Ok(_) => return Ok(Ok(true)),
                Err(outage) => last = Err(outage.to_string()),
            }
        }
        Ok(last)
    }
}

/// The bead of exactly this id.
fn find_bead(stdout: &str, id: &str) -> Option<Value> {
    let Value::Array(beads) = parse_value(stdout.trim()).ok()? else { return None };
    beads.into_iter().find(|bead| bead.get("id").and_then(Value::as_str) == Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = find_bead(&text, "gt-deacon");
            let _ = dead_description(&text, &text, clock::now().wall);
        }
    }
}
