//! gt 0.2: agents' sessions have a status line, and know more than their programs do.
//!
//! The colours of rigs differ in Gas Town from rig to rig; what was recorded is one of them, and all rigs get that one here.

use super::{Docked, Generation, HoldFiles, Names, Noted, Pairs, Prompt, Table};
use crate::town::agent::Role;

pub(super) static TABLE: Table = Table {
    generation: Generation::V02,
    names: Names {
        town_session: "hq-{role}",
        town_bead: "hq-{role}",
        patrol_session: "gt-{rig}-{role}",
        patrol_bead: "{prefix}-{rig}-{role}",
        same_prefix_bead: "{prefix}-{rig}-{role}",
        crew_session: "gt-{rig}-crew-{name}",
        crew_bead: "{prefix}-{rig}-crew-{name}",
        polecat_session: "gt-{rig}-{name}",
        polecat_bead: "{prefix}-{rig}-polecat-{name}",
    },
    mayor_dir: "{town}/mayor",
    common_env: &[],
    env: |role| match role {
        Role::Deacon | Role::Mayor => &[("GT_ROLE", "{role}"), ("BD_ACTOR", "{role}"), ("GIT_AUTHOR_NAME", "{role}")],
        Role::Witness => &[("GT_ROLE", "witness"), ("BD_ACTOR", "{rig}/witness"), ("GIT_AUTHOR_NAME", "{rig}/witness")],
        Role::Refinery => &[
            ("GT_ROLE", "refinery"),
            ("BD_ACTOR", "{rig}/refinery"),
            ("GIT_AUTHOR_NAME", "{rig}/refinery"),
            ("GT_ROOT", "{town}"),
        ],
        Role::Crew => &[
            ("GT_ROLE", "crew"),
            ("GT_RIG", "{rig}"),
            ("GT_CREW", "{name}"),
            ("BD_ACTOR", "{rig}/crew/{name}"),
            ("BEADS_AGENT_NAME", "{rig}/{name}"),
            ("GIT_AUTHOR_NAME", "{name}"),
        ],
        Role::Polecat => &[
            ("GT_ROLE", "polecat"),
            ("GT_RIG", "{rig}"),
            ("GT_POLECAT", "{name}"),
            ("BD_ACTOR", "{rig}/polecats/{name}"),
            ("GIT_AUTHOR_NAME", "{name}"),
        ],
    },
    not_in_session: |_| &[],
    session_env: |role| match role {
        Role::Deacon | Role::Mayor => &[("BEADS_DIR", "{town}/.beads"), ("GT_ROOT", "{town}")],
        Role::Witness => &[("BEADS_DIR", RIG_BEADS), ("GT_RIG", "{rig}"), ("GT_ROOT", "{town}")],
        Role::Refinery => {
            &[("BEADS_DIR", RIG_BEADS), ("BEADS_NO_DAEMON", "1"), ("GT_REFINERY", "1"), ("GT_RIG", "{rig}")]
        }
        Role::Crew => &[("BEADS_DIR", RIG_BEADS), ("BEADS_NO_DAEMON", "1"), ("GT_ROOT", "{town}")],
        Role::Polecat => &[],
    },
    common_options: &[
        ("mouse", "on"),
        ("status-interval", "5"),
        ("status-left-length", "25"),
        ("status-right", "#(gt status-line --session={session} 2>/dev/null) %H:%M"),
        ("status-right-length", "80"),
    ],
    options: |role| -> Pairs {
        match role {
            Role::Deacon => &[("status-left", "🐺 Deacon "), ("status-style", "bg=#2d1f3d,fg=#c0b0d0")],
            Role::Mayor => &[("status-left", "🎩 Mayor "), ("status-style", "bg=#3d3200,fg=#ffd700")],
            Role::Witness => &[("status-left", "🦉 {agent} "), ("status-style", RIG_STYLE)],
            Role::Refinery => &[("status-left", "🏭 {agent} "), ("status-style", RIG_STYLE)],
            Role::Crew => &[("status-left", "👷 {agent} "), ("status-style", RIG_STYLE)],
            Role::Polecat => &[],
        }
    },
    settings: |_| None,
    prompt: |role| match role {
        // The others are started without one, and told by mail and heartbeats.
        Role::Crew => Some(Prompt {
            header: "[GAS TOWN] {agent} <- human • {time} • restart",
            body: "Run `gt prime` to learn where you are, then look at your hook and your mail.",
        }),
        _ => None,
    },
    whole_path: false,
    polled: &[],
    asks_beads: false,
    deletes_many: false,
    noted: Some((Noted::State, &[Role::Witness, Role::Refinery])),
    own_socket: false,
    holds: HoldFiles { rig_config: true, paused_deacon: true, shutting_down: false, docked: Docked::FromTown },
};

const RIG_BEADS: &str = "{town}/{rig}/.beads";
/// As its rig has them (`theme`).
const RIG_STYLE: &str = "{colours}";
