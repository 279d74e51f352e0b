//! The original, gt 0.1: few variables, no prompt, no look of its own.

use super::{Docked, Generation, HoldFiles, Names, Table};
use crate::town::agent::Role;

pub(super) static TABLE: Table = Table {
    generation: Generation::Seed,
    names: Names {
        town_session: "gt-{role}",
        town_bead: "gt-{role}",
        patrol_session: "gt-{rig}-{role}",
        patrol_bead: "gt-{role}-{rig}",
        same_prefix_bead: "gt-{role}-{rig}",
        crew_session: "gt-{rig}-crew-{name}",
        crew_bead: "gt-crew-{rig}-{name}",
        polecat_session: "gt-{rig}-{name}",
        polecat_bead: "gt-polecat-{rig}-{name}",
    },
    mayor_dir: "{town}",
    common_env: &[],
    env: |role| match role {
        Role::Deacon | Role::Mayor => &[("GT_ROLE", "{role}"), ("BD_ACTOR", "{role}")],
        Role::Witness => &[("GT_ROLE", "witness"), ("GT_RIG", "{rig}"), ("BD_ACTOR", "{rig}-witness")],
        Role::Refinery => &[("GT_ROLE", "refinery"), ("GT_RIG", "{rig}"), ("BD_ACTOR", "{rig}/refinery")],
        Role::Crew => {
            &[("GT_ROLE", "crew"), ("GT_RIG", "{rig}"), ("GT_CREW", "{name}"), ("BD_ACTOR", "{rig}/crew/{name}")]
        }
        Role::Polecat => &[
            ("GT_ROLE", "polecat"),
            ("GT_RIG", "{rig}"),
            ("GT_POLECAT", "{name}"),
            ("BD_ACTOR", "{rig}/polecats/{name}"),
        ],
    },
    not_in_session: |_| &[],
    session_env: |_| &[],
    common_options: &[],
    options: |_| &[],
    settings: |_| None,
    prompt: |_| None,
    whole_path: false,
    polled: &[],
    asks_beads: true,
    deletes_many: false,
    noted: None,
    own_socket: false,
    holds: HoldFiles { rig_config: false, paused_deacon: false, shutting_down: false, docked: Docked::Never },
};
