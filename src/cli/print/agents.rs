//! `--print agents`: the agents that the daemon has seen, for the completions. Nothing is asked but its state, and where
//! nothing is known nothing is said: whoever presses the tabulator wants no complaints.

use crate::service::instance::daemon_dir;
use crate::service::state;
use std::path::Path;

/// One name a line.
pub fn names(town: &Path) -> String {
    let state = state::read(&daemon_dir(town)).ok().flatten();
    let agents = state.and_then(|state| state.gtd).map(|own| own.agents).unwrap_or_default();
    agents.iter().map(|status| format!("{}\n", status.agent)).collect()
}
