//! gt 1.0: a tmux server of the town's own, a database server, and agents that are told what to do when they start.
//!
//! The colours are the recorded ones, by role. What else Gas Town lets a rig's colours depend on cannot be seen there.

use super::{Docked, Generation, HoldFiles, Names, Noted, Pairs, Prompt, Table};
use crate::town::agent::Role;

pub(super) static TABLE: Table = Table {
    generation: Generation::V10,
    names: Names {
        town_session: "hq-{role}",
        town_bead: "hq-{role}",
        patrol_session: "{prefix}-{role}",
        patrol_bead: "{prefix}-{rig}-{role}",
        same_prefix_bead: "{rig}-{role}",
        crew_session: "{prefix}-crew-{name}",
        crew_bead: "{prefix}-{rig}-crew-{name}",
        polecat_session: "{prefix}-{name}",
        polecat_bead: "{prefix}-{rig}-polecat-{name}",
    },
    mayor_dir: "{town}/mayor",
    common_env: &[
        ("BD_BACKUP_ENABLED", "false"),
        ("BEADS_DOLT_AUTO_START", "0"),
        ("BEADS_DOLT_PORT", "{port}"),
        // Empty rather than missing: the first keeps Claude from starting where it is set, the other makes a debugger of it.
        ("CLAUDECODE", ""),
        ("CLAUDE_CODE_EFFORT_LEVEL", "high"),
        ("GIT_CEILING_DIRECTORIES", "{town}"),
        ("GT_AGENT", "{program}"),
        ("GT_DOLT_PORT", "{port}"),
        ("GT_PROCESS_NAMES", "{processes}"),
        ("GT_ROOT", "{town}"),
        ("GT_SESSION_ID_ENV", "CLAUDE_SESSION_ID"),
        ("NODE_OPTIONS", ""),
    ],
    env: |role| match role {
        Role::Mayor => {
            &[("GT_ROLE", "mayor"), ("BD_ACTOR", "mayor"), ("GIT_AUTHOR_NAME", "mayor"), ("GT_RUN", "{run}")]
        }
        Role::Deacon => {
            &[("GT_ROLE", "deacon"), ("BD_ACTOR", "deacon"), ("GIT_AUTHOR_NAME", "deacon"), ("GT_SESSION", "{session}")]
        }
        Role::Witness | Role::Refinery => &[
            ("GT_ROLE", "{agent}"),
            ("GT_RIG", "{rig}"),
            ("BD_ACTOR", "{agent}"),
            ("GIT_AUTHOR_NAME", "{agent}"),
            ("GT_SESSION", "{session}"),
        ],
        Role::Crew => &[
            ("GT_ROLE", "{agent}"),
            ("GT_RIG", "{rig}"),
            ("GT_CREW", "{name}"),
            ("BD_ACTOR", "{agent}"),
            ("BEADS_AGENT_NAME", "{rig}/{name}"),
            ("GIT_AUTHOR_NAME", "{name}"),
            ("GT_SESSION", "{session}"),
        ],
        Role::Polecat => &[
            ("GT_ROLE", "{rig}/polecats/{name}"),
            ("GT_RIG", "{rig}"),
            ("GT_POLECAT", "{name}"),
            ("BD_ACTOR", "{rig}/polecats/{name}"),
            ("GIT_AUTHOR_NAME", "{name}"),
            ("GT_SESSION", "{session}"),
        ],
    },
    not_in_session: |role| match role {
        Role::Deacon => &["GT_SESSION", "GT_SESSION_ID_ENV", "GT_AGENT", "GT_PROCESS_NAMES"],
        Role::Crew => &["GT_SESSION", "GT_SESSION_ID_ENV"],
        _ => &["GT_SESSION_ID_ENV"],
    },
    session_env: |role| match role {
        Role::Deacon | Role::Crew => &[("GT_PANE_ID", "{pane}")],
        Role::Mayor => &[("GT_PANE_ID", "{pane}"), ("GT_SESSION", "{session}")],
        Role::Witness => &[("GT_RUN", "{run}"), ("GT_SCOPE", "rig")],
        Role::Refinery => &[("GT_REFINERY", "1"), ("GT_RUN", "{run}")],
        Role::Polecat => &[],
    },
    common_options: &[
        ("status-interval", "5"),
        ("status-left-length", "25"),
        ("status-right", "#(gt status-line --session={session} 2>/dev/null) %H:%M"),
        ("status-right-length", "80"),
    ],
    options: |role| -> Pairs {
        match role {
            Role::Deacon => &[("status-left", "🐺 Deacon "), ("status-style", "bg=#2d1f3d,fg=#c0b0d0")],
            Role::Mayor => &[("status-left", "🎩 Mayor "), ("status-style", "bg=default,fg=default")],
            Role::Witness => &[("status-left", "🦉 {session} "), ("status-style", "bg=#8b4513,fg=#f5f5dc")],
            Role::Refinery => &[("status-left", "🏭 {session} "), ("status-style", "bg=#4a3050,fg=#e0e0e0")],
            Role::Crew => &[("status-left", "👷 {session} "), ("status-style", "{colours}")],
            Role::Polecat => &[],
        }
    },
    settings: |role| match role {
        Role::Witness | Role::Refinery | Role::Crew => Some("{town}/{rig}/{role}/.claude/settings.json"),
        Role::Deacon | Role::Mayor | Role::Polecat => None,
    },
    prompt: |role| match role {
        Role::Deacon => Some(Prompt {
            header: "[GAS TOWN] deacon <- daemon • {time} • patrol",
            body: "Run `gt deacon heartbeat` first. Then run `gt prime`, and begin your patrol.",
        }),
        Role::Witness | Role::Refinery => Some(Prompt {
            header: "[GAS TOWN] {role} (rig: {rig}) <- deacon • {time} • patrol",
            body: "Run `gt prime`, then begin your patrol.",
        }),
        Role::Crew => Some(Prompt {
            header: "[GAS TOWN] crew {name} (rig: {rig}) <- human • {time} • start",
            body: "Run `gt prime`, then look at your hook and your mail.",
        }),
        Role::Mayor => Some(Prompt {
            header: "[GAS TOWN] mayor <- human • {time} • cold-start",
            body: "Run `gt prime`, then look at your hook and your mail. With nothing on the hook, wait.",
        }),
        Role::Polecat => None,
    },
    whole_path: true,
    polled: &[Role::Witness, Role::Refinery, Role::Crew],
    asks_beads: false,
    deletes_many: true,
    noted: Some((Noted::Pid, &[Role::Witness, Role::Refinery, Role::Crew])),
    own_socket: true,
    holds: HoldFiles { rig_config: true, paused_deacon: true, shutting_down: true, docked: Docked::FromRig },
};
