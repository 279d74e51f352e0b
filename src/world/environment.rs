//! What gtd hands on to the programs that it starts, and what it does not.

use crate::town::config::Config;
use crate::town::sorted::SortedSet;
use crate::town::start::Start;

/// Variables from which `bd`, `gt` and agents take who they are, or whether they are inside one another. A gtd that was
/// started in an agent's pane must not hand these on. `NODE_OPTIONS` would make a debugger of every agent, and Claude
/// refuses to start where `CLAUDECODE` is set. The last three are for gtd alone: whoever else had them could tell the system's
/// manager that gtd is ready, or well.
pub const SCRUBBED: [&str; 26] = [
    "GT_ROLE",
    "GT_RIG",
    "GT_CREW",
    "GT_POLECAT",
    "GT_DOG_NAME",
    "GT_SESSION",
    "GT_AGENT",
    "GT_PROCESS_NAMES",
    "GT_PANE_ID",
    "GT_RUN",
    "GT_SCOPE",
    "GT_REFINERY",
    "BD_ACTOR",
    "GIT_AUTHOR_NAME",
    "BEADS_AGENT_NAME",
    "BEADS_DIR",
    "BEADS_DB",
    "TMUX",
    "TMUX_PANE",
    "CLAUDECODE",
    "CLAUDE_CODE",
    "BD_AGENT_MODE",
    "NODE_OPTIONS",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
];

/// The same for `bd` and `gt`, which besides must find the town by their working directory: with `GT_ROOT` set, `bd` notes
/// each of gtd's own calls as activity of the town.
pub const SCRUBBED_FOR_TOOLS: [&str; SCRUBBED.len() + 2] = {
    let mut all = [""; SCRUBBED.len() + 2];
    let mut i = 0;
    while i < SCRUBBED.len() {
        all[i] = SCRUBBED[i];
        i += 1;
    }
    all[i] = "GT_ROOT";
    all[i + 1] = "GT_TOWN_ROOT";
    all
};

/// The variables that an agent's own command line removes: a tmux server that somebody started inside an agent hands that
/// agent's on, and the session has some that are not for the program. What gtd sets for this agent stays, and what tmux
/// sets for every pane.
pub fn removed_for<'a>(start: &'a Start, config: &Config) -> SortedSet<&'a str> {
    let mut removed = SortedSet::from(SCRUBBED);
    for (name, _) in &start.session_env {
        removed.insert(*name);
    }
    removed.retain(|name| {
        let is_set = start.env.iter().any(|(set, _)| set == name) || config.env.contains_key(*name);
        !is_set && !matches!(*name, "TMUX" | "TMUX_PANE")
    });
    removed
}
