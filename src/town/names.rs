//! What Gas Town calls things, and how it starts agents: one table a generation.
//!
//! Sessions, beads, directories, environments and much else have changed between the releases of `gt`. Each generation is
//! a value of [`Table`], in a file of its own; the rest of gtd asks the table and never the generation.
//!
//! The tables' templates use `{town}` (the town's root), `{rig}`, `{name}`, `{role}`, `{agent}` (`alpha/crew/max`),
//! `{prefix}` (the rig's bead prefix) and `{session}`; those of a start besides `{program}` and `{processes}` (what runs
//! the agent), `{port}` (of the town's database), `{run}` (a number of this start alone), `{time}`, and `{pane}`, which is for
//! the tmux environment only. A variable with a value that is not known is left out.

mod seed;
mod v02;
mod v10;

use super::agent::{AgentId, Role};
use super::json::words;
use super::rigs::Rig;
use crate::town::sorted::SortedMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A generation of Gas Town, named after the release that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// The original, gt 0.1.
    Seed,
    /// gt 0.2.
    V02,
    /// gt 1.0.
    V10,
}
words!(Generation);

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
            Generation::Seed => &seed::TABLE,
            Generation::V02 => &v02::TABLE,
            Generation::V10 => &v10::TABLE,
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Names of variables or options, each with a template.
pub(super) type Pairs = &'static [(&'static str, &'static str)];

/// What differs between generations.
#[derive(Debug)]
pub struct Table {
    generation: Generation,
    /// Sessions and beads of the town's agents and of a rig's.
    names: Names,
    /// The Mayor's directory; all others have stayed where they were.
    mayor_dir: &'static str,
    /// Environment that every agent's program gets, unless the configuration says otherwise.
    pub(super) common_env: Pairs,
    /// Who the agent is, for its program.
    pub(super) env: fn(Role) -> Pairs,
    /// What of both its tmux session does not get.
    pub(super) not_in_session: fn(Role) -> &'static [&'static str],
    /// What only its tmux session gets.
    pub(super) session_env: fn(Role) -> Pairs,
    /// Options of every session.
    pub(super) common_options: Pairs,
    /// Options by role.
    pub(super) options: fn(Role) -> Pairs,
    /// The file with Claude's settings for a role, used where it exists.
    pub(super) settings: fn(Role) -> Option<&'static str>,
    /// What an agent is told when it starts.
    pub(super) prompt: fn(Role) -> Option<Prompt>,
    /// Whether Claude is started by its whole path, found by `PATH`, and not by its name.
    pub(super) whole_path: bool,
    /// Whose sessions have a `gt nudge-poller` beside them.
    pub polled: &'static [Role],
    /// Whether agents' beads say if they run. Later ones "discover, don't track".
    pub asks_beads: bool,
    /// Whether `gt mail delete` takes several ids in one call.
    pub deletes_many: bool,
    /// What is noted beside the sessions of these roles.
    pub noted: Option<(Noted, &'static [Role])>,
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

/// What `gt` notes beside a session that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// `RIG/.runtime/ROLE.json`: that it runs, and since when.
    State,
    /// `.runtime/pids/SESSION.pid`: the PID, and when it was started.
    Pid,
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

/// The first prompt of an agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prompt {
    /// Its first line, by which `gt` knows the conversation again.
    pub header: &'static str,
    /// What to do.
    pub body: &'static str,
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

/// One agent as Gas Town's generation has it: everything that is needed to find it.
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
    /// Whose table it is by.
    pub generation: Generation,
}

impl Table {
    /// The sessions of the agents that gtd starts of itself, and whose they are.
    pub fn patrol_sessions(&self, root: &Path, rigs: &[Rig]) -> SortedMap<String, AgentId> {
        let mut sessions: SortedMap<String, AgentId> = SortedMap::new();
        let mut add = |id: AgentId, rig: Option<&Rig>| {
            let agent = self.agent(root, id, rig);
            sessions.insert(agent.session, agent.id);
        };
        for rig in rigs {
            add(AgentId::Witness(rig.name.clone()), Some(rig));
            add(AgentId::Refinery(rig.name.clone()), Some(rig));
        }
        add(AgentId::Deacon, None);
        sessions
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
        let values = [
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
        Agent { id, session, bead, dir, generation: self.generation }
    }
}

/// The template with each `{key}` replaced; one that is not known becomes nothing.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let find = |key: &str| values.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone());
    replace(template, &mut |key| find(key).or(Some(String::new())))
}

/// The template with each `{key}` replaced that `value` knows, in one pass, so that a value is never searched for keys. What
/// it does not know stays as it was written.
pub(super) fn replace(template: &str, value: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, inner) = (&rest[..open], &rest[open + 1..]);
        text.push_str(before);
        match inner.find('}').and_then(|close| Some((close, value(&inner[..close])?))) {
            Some((close, value)) => {
                text.push_str(&value);
                rest = &inner[close + 1..];
            }
            None => {
                text.push('{');
                rest = inner;
            }
        }
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
    fn the_mayor_has_moved() {
        assert_eq!(agent(Generation::Seed, "alpha/witness", "gt").dir, Path::new("/t/alpha/witness"));
        assert_eq!(agent(Generation::Seed, "mayor", "").dir, Path::new("/t"));
        assert_eq!(agent(Generation::V02, "mayor", "").dir, Path::new("/t/mayor"));
    }

    #[test]
    fn templates_are_filled_in_one_pass_and_keep_what_they_do_not_know() {
        let mut value = |key: &str| (key == "a").then(|| "{a}b".to_owned());
        for (template, filled) in
            [("{a}", "{a}b"), ("{", "{"), ("}{", "}{"), ("{b} {{a}", "{b} {{a}b"), ("{\n{a}", "{\n{a}b")]
        {
            assert_eq!(replace(template, &mut value), filled, "{template:?}");
        }
        assert_eq!(fill("x{b}y", &[]), "xy");
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
