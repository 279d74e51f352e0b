//! What Gas Town calls things: one table a generation, and nothing but tables.
//!
//! Sessions, beads, directories and environments have changed between the releases of `gt`. Each generation is a
//! value of [`Table`]; the rest of gtd asks the table and never the generation. The templates use `{town}` (the
//! town's root), `{rig}`, `{name}`, `{role}`, `{prefix}` (the rig's bead prefix) and `{session}`.

use super::agent::{AgentId, Role};
use super::rigs::Rig;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// A generation of Gas Town, named after the release that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Generation {
    /// The original, gt 0.1.
    #[serde(rename = "seed")]
    Seed,
    /// gt 0.2.
    #[serde(rename = "v0.2")]
    V02,
    /// gt 1.0.
    #[serde(rename = "v1.0")]
    V10,
}

impl Generation {
    /// All of them, oldest first.
    pub const ALL: [Generation; 3] = [Generation::Seed, Generation::V02, Generation::V10];

    /// The word for it in the configuration and in the state.
    pub const fn word(self) -> &'static str {
        match self {
            Generation::Seed => "seed",
            Generation::V02 => "v0.2",
            Generation::V10 => "v1.0",
        }
    }

    /// Reads what `gt --version` prints: `gt version v0.2.6`, with or without the `v`, perhaps followed by a
    /// build in brackets. `None` where it is no version, or one whose names are not known: a wrong guess would
    /// start a second set of agents under other names.
    pub fn of_gt_version(text: &str) -> Option<Generation> {
        let version = text.trim().strip_prefix("gt version ")?;
        let version = version.split_whitespace().next()?;
        let mut numbers = version.strip_prefix('v').unwrap_or(version).split('.');
        let mut next = || numbers.next()?.parse::<u32>().ok();
        match (next()?, next()?) {
            (0, 1) => Some(Generation::Seed),
            (0, 2) => Some(Generation::V02),
            (1, _) => Some(Generation::V10),
            _ => None,
        }
    }

    /// Its table.
    pub const fn table(self) -> &'static Table {
        match self {
            Generation::Seed => &SEED,
            Generation::V02 => &V02,
            Generation::V10 => &V10,
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What differs between generations.
#[derive(Debug)]
pub struct Table {
    /// Sessions and beads of the town's agents and of a rig's.
    names: Names,
    /// The Mayor's directory; all others have stayed where they were.
    mayor_dir: &'static str,
    /// Environment that every agent gets.
    common_env: &'static [(&'static str, &'static str)],
    /// Environment by role, after the common part.
    env: fn(Role) -> &'static [(&'static str, &'static str)],
    /// Whether agents' beads say if they run. Later ones "discover, don't track".
    pub asks_beads: bool,
    /// Whether `gt mail delete` takes several ids in one call.
    pub deletes_many: bool,
    /// Whether the town has a tmux server of its own, or lives on the user's.
    pub own_socket: bool,
    /// What its `gt` leaves in files to keep a daemon from agents.
    pub holds: HoldFiles,
}

/// The holds of a generation. `ESTOP` and `daemon/shutdown.lock` are not among them: they count in every town, since a person
/// can make them by hand, and no `gt` means anything else by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldFiles {
    /// `.beads-wisp/config/RIG.json`: parked rigs, and those that are not started of themselves.
    pub rig_config: bool,
    /// `.runtime/deacon/paused.json`.
    pub paused_deacon: bool,
    /// `daemon/shutting-down`: the PID of the `gt down` that runs.
    pub shutting_down: bool,
    /// The label `status:docked` on a rig's bead.
    pub docked: Docked,
}

/// Where a rig's own bead is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Docked {
    /// There is no such thing.
    Never,
    /// From the town's root.
    FromTown,
    /// From the rig's directory: the bead lies in the rig's own database, and the town's does not know it.
    FromRig,
}

#[derive(Debug)]
struct Names {
    town_session: &'static str,
    town_bead: &'static str,
    patrol_session: &'static str,
    patrol_bead: &'static str,
    /// The bead of a patrol agent where the prefix is the rig's name.
    same_prefix_bead: &'static str,
    crew_session: &'static str,
    crew_bead: &'static str,
    polecat_session: &'static str,
    polecat_bead: &'static str,
}

static SEED: Table = Table {
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
    asks_beads: true,
    deletes_many: false,
    own_socket: false,
    holds: HoldFiles { rig_config: false, paused_deacon: false, shutting_down: false, docked: Docked::Never },
};

static V02: Table = Table {
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
    asks_beads: false,
    deletes_many: false,
    own_socket: false,
    holds: HoldFiles { rig_config: true, paused_deacon: true, shutting_down: false, docked: Docked::FromTown },
};

static V10: Table = Table {
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
        ("CLAUDE_CODE_EFFORT_LEVEL", "high"),
        ("GIT_CEILING_DIRECTORIES", "{town}"),
        ("GT_AGENT", "claude"),
        ("GT_PROCESS_NAMES", "node,claude"),
        ("GT_ROOT", "{town}"),
        ("GT_SESSION_ID_ENV", "CLAUDE_SESSION_ID"),
    ],
    env: |role| match role {
        Role::Mayor => V02_TOWN_ENV,
        Role::Deacon => {
            &[("GT_ROLE", "deacon"), ("BD_ACTOR", "deacon"), ("GIT_AUTHOR_NAME", "deacon"), ("GT_SESSION", "{session}")]
        }
        Role::Witness => &[
            ("GT_ROLE", "{rig}/witness"),
            ("GT_RIG", "{rig}"),
            ("BD_ACTOR", "{rig}/witness"),
            ("GIT_AUTHOR_NAME", "{rig}/witness"),
            ("GT_SESSION", "{session}"),
        ],
        Role::Refinery => &[
            ("GT_ROLE", "{rig}/refinery"),
            ("GT_RIG", "{rig}"),
            ("BD_ACTOR", "{rig}/refinery"),
            ("GIT_AUTHOR_NAME", "{rig}/refinery"),
            ("GT_SESSION", "{session}"),
        ],
        Role::Crew => &[
            ("GT_ROLE", "{rig}/crew/{name}"),
            ("GT_RIG", "{rig}"),
            ("GT_CREW", "{name}"),
            ("BD_ACTOR", "{rig}/crew/{name}"),
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
    asks_beads: false,
    deletes_many: true,
    own_socket: true,
    holds: HoldFiles { rig_config: true, paused_deacon: true, shutting_down: true, docked: Docked::FromRig },
};

const V02_TOWN_ENV: &[(&str, &str)] = &[("GT_ROLE", "{role}"), ("BD_ACTOR", "{role}"), ("GIT_AUTHOR_NAME", "{role}")];

/// One agent as Gas Town's generation has it: everything that is needed to find it and to start it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Who it is.
    pub id: AgentId,
    /// Its tmux session.
    pub session: String,
    /// Its agent bead.
    pub bead: String,
    /// Its working directory.
    pub dir: PathBuf,
    /// What identifies it to `gt` and `bd`.
    pub env: Vec<(&'static str, String)>,
}

impl Table {
    /// The sessions of the agents that gtd starts of itself.
    pub fn patrol_sessions(&self, root: &Path, rigs: &[Rig]) -> Vec<String> {
        let of_rig = |rig: &Rig| {
            [AgentId::Witness(rig.name.clone()), AgentId::Refinery(rig.name.clone())]
                .map(|id| self.agent(root, id, Some(rig)).session)
        };
        let deacon = self.agent(root, AgentId::Deacon, None).session;
        std::iter::once(deacon).chain(rigs.iter().flat_map(of_rig)).collect()
    }

    /// What the bead of a rig itself is called, where there are such.
    pub fn rig_bead(rig: &Rig) -> String {
        format!("{}-rig-{}", rig.prefix, rig.name)
    }

    /// The agent `id` of the town at `root`. `rig` is its rig, from which the bead prefix is taken; a town's agent
    /// has none.
    pub fn agent(&self, root: &Path, id: AgentId, rig: Option<&Rig>) -> Agent {
        let role = id.role();
        let same_prefix = rig.is_some_and(|rig| rig.prefix == rig.name);
        let n = &self.names;
        let (session, bead) = match role {
            Role::Deacon | Role::Mayor => (n.town_session, n.town_bead),
            Role::Witness | Role::Refinery if same_prefix => (n.patrol_session, n.same_prefix_bead),
            Role::Witness | Role::Refinery => (n.patrol_session, n.patrol_bead),
            Role::Crew => (n.crew_session, n.crew_bead),
            Role::Polecat => (n.polecat_session, n.polecat_bead),
        };
        let dir = match role {
            Role::Deacon => "{town}/deacon",
            Role::Mayor => self.mayor_dir,
            Role::Witness => "{town}/{rig}/witness",
            Role::Refinery => "{town}/{rig}/refinery/rig",
            Role::Crew => "{town}/{rig}/crew/{name}",
            Role::Polecat => "{town}/{rig}/polecats/{name}",
        };
        let town = root.to_string_lossy();
        let part = |name: Option<&super::agent::Name>| name.map_or("", |n| n.as_str()).to_owned();
        let mut values = vec![
            ("town", town.clone().into_owned()),
            ("rig", part(id.rig())),
            ("name", part(id.own_name())),
            ("role", role.word().to_owned()),
            ("prefix", part(rig.map(|rig| &rig.prefix))),
        ];
        let session = fill(session, &values);
        let bead = fill(bead, &values);
        // The root may hold bytes that are no text: the directory keeps them.
        let dir = match fill(dir, &values).strip_prefix(town.as_ref()) {
            Some("") | None => root.to_owned(),
            Some(below) => root.join(below.trim_start_matches('/')),
        };
        values.push(("session", session.clone()));
        let env = self
            .common_env
            .iter()
            .chain((self.env)(role))
            .map(|(key, template)| (*key, fill(template, &values)))
            .collect();
        Agent { id, session, bead, dir, env }
    }
}

/// The template with each `{key}` replaced, in one pass, so that a value is never searched for keys.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        rest = &rest[open + 1..];
        let Some(close) = rest.find('}') else { break };
        let value = values.iter().find(|(key, _)| *key == &rest[..close]);
        text.push_str(value.map_or("", |(_, value)| value));
        rest = &rest[close + 1..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::agent::Name;

    fn agent(generation: Generation, id: &str, prefix: &str) -> Agent {
        let id: AgentId = id.parse().expect(id);
        let rig = id.rig().map(|name| Rig { name: name.clone(), prefix: Name::parse(prefix).expect(prefix) });
        generation.table().agent(Path::new("/t"), id, rig.as_ref())
    }

    #[test]
    fn sessions_and_beads_are_those_of_each_generation() {
        use Generation::{Seed, V02, V10};
        for (generation, id, prefix, session, bead) in [
            (Seed, "deacon", "", "gt-deacon", "gt-deacon"),
            (Seed, "alpha/witness", "al", "gt-alpha-witness", "gt-witness-alpha"),
            (Seed, "alpha/refinery", "al", "gt-alpha-refinery", "gt-refinery-alpha"),
            (Seed, "alpha/crew/max", "al", "gt-alpha-crew-max", "gt-crew-alpha-max"),
            (Seed, "alpha/polecat/nux", "al", "gt-alpha-nux", "gt-polecat-alpha-nux"),
            (V02, "deacon", "", "hq-deacon", "hq-deacon"),
            (V02, "alpha/witness", "al", "gt-alpha-witness", "al-alpha-witness"),
            (V02, "alpha/crew/max", "al", "gt-alpha-crew-max", "al-alpha-crew-max"),
            (V10, "mayor", "", "hq-mayor", "hq-mayor"),
            (V10, "alpha/witness", "al", "al-witness", "al-alpha-witness"),
            (V10, "alpha/refinery", "alpha", "alpha-refinery", "alpha-refinery"),
            (V10, "alpha/polecat/nux", "al", "al-nux", "al-alpha-polecat-nux"),
        ] {
            let agent = agent(generation, id, prefix);
            assert_eq!((agent.session.as_str(), agent.bead.as_str()), (session, bead), "{generation} {id}");
        }
    }

    #[test]
    fn the_seed_starts_a_witness_in_its_directory_and_environment() {
        let witness = agent(Generation::Seed, "alpha/witness", "gt");
        assert_eq!(witness.dir, Path::new("/t/alpha/witness"));
        let env: Vec<String> = witness.env.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(env, ["GT_ROLE=witness", "GT_RIG=alpha", "BD_ACTOR=alpha-witness"]);
        assert_eq!(agent(Generation::Seed, "mayor", "").dir, Path::new("/t"));
        assert_eq!(agent(Generation::V02, "mayor", "").dir, Path::new("/t/mayor"));
    }

    #[test]
    fn the_generation_is_told_by_gt_version() {
        for (text, generation) in [
            ("gt version 0.1.0 (dev)\n", Some(Generation::Seed)),
            ("gt version v0.2.6\n", Some(Generation::V02)),
            ("gt version v1.0.1 (dev: 0000000)\n", Some(Generation::V10)),
            ("gt version v0.7.0\n", None),
            ("gt version dev\n", None),
            ("Error: no such command\n", None),
            ("", None),
        ] {
            assert_eq!(Generation::of_gt_version(text), generation, "{text:?}");
        }
    }
}
