//! How agents are called: in slash form (`alpha/witness`), in dash form (`alpha-witness`), by their session
//! (`gt-alpha-witness`). Whatever is not exactly one agent of this town is none.

use super::agent::{AgentId, Name};
use super::names::Table;
use super::rigs::Rig;
use super::sorted::sort;
use std::path::Path;

/// Who there is to be called.
#[derive(Clone, Copy, Debug)]
pub struct Roll<'a> {
    /// The town's names for things.
    pub table: &'a Table,
    /// Its rigs.
    pub rigs: &'a [Rig],
    /// Its crew: rig and name.
    pub crew: &'a [(Name, Name)],
}

impl Roll<'_> {
    /// Everyone who can be asked for.
    pub fn agents(&self) -> Vec<AgentId> {
        let mut agents = vec![AgentId::Deacon, AgentId::Mayor];
        for rig in self.rigs {
            agents.push(AgentId::Witness(rig.name.clone()));
            agents.push(AgentId::Refinery(rig.name.clone()));
        }
        for (rig, name) in self.crew {
            agents.push(AgentId::Crew(rig.clone(), name.clone()));
        }
        agents
    }

    /// The rig of an agent.
    pub fn rig(&self, id: &AgentId) -> Option<&Rig> {
        let name = id.rig()?;
        self.rigs.iter().find(|rig| rig.name == *name)
    }

    /// All that this agent is called.
    fn names(&self, id: &AgentId) -> Vec<String> {
        let slash = id.to_string();
        let mut names =
            vec![slash.replace('/', "-"), self.table.agent(Path::new(""), id.clone(), self.rig(id)).session];
        if let AgentId::Crew(rig, name) = id {
            // Mail is signed in this way by crew and polecats alike.
            names.push(format!("{rig}/{name}"));
        }
        names.push(slash);
        names
    }

    /// The agent of this name.
    ///
    /// # Errors
    /// A clause: there is none, or there are several.
    pub fn find(&self, text: &str) -> Result<AgentId, String> {
        let text = text.trim().trim_end_matches('/');
        let called = |id: &AgentId| self.names(id).iter().any(|name| name == text);
        let mut found = self.agents();
        found.retain(called);
        match (found.pop(), found.is_empty()) {
            (Some(id), true) => Ok(id),
            (Some(_), false) => Err("it could be more than one agent".to_owned()),
            (None, _) if self.is_polecat(text) => {
                Err("gtd looks after no polecats, and there is no crew member of this name".to_owned())
            }
            (None, _) => Err("there is no such agent in this town".to_owned()),
        }
    }

    /// Whether a name can be a polecat's: `RIG/NAME`, `RIG/polecats/NAME`, or its session.
    pub fn is_polecat(&self, text: &str) -> bool {
        let starts = |rig: &Rig, text: &str| {
            let name = text.strip_prefix(rig.name.as_str()).and_then(|rest| rest.strip_prefix(['/', '-']));
            let name = name.map(|name| name.trim_start_matches("polecats/").trim_start_matches("polecat/"));
            name.is_some_and(|name| Name::parse(name).is_ok())
        };
        let of_session = |rig: &Rig| {
            let name = text.rsplit('-').next().and_then(|name| Name::parse(name).ok());
            let id = name.map(|name| AgentId::Polecat(rig.name.clone(), name));
            id.is_some_and(|id| self.table.agent(Path::new(""), id, Some(rig)).session == text)
        };
        self.rigs.iter().any(|rig| starts(rig, text.trim_end_matches('/')) || of_session(rig))
    }

    /// The agents whose names come nearest, for somebody who has mistyped one.
    pub fn nearest(&self, text: &str) -> Vec<String> {
        let mut near = Vec::new();
        for id in self.agents() {
            let mut nearest = usize::MAX;
            for name in self.names(&id) {
                nearest = nearest.min(distance(&name, text));
            }
            near.push((nearest, id.to_string()));
        }
        sort(&mut near);
        let mut names = Vec::new();
        for (_, name) in near.into_iter().take(3) {
            names.push(name);
        }
        names
    }

    /// Whether a sender may speak for an agent. `mayor/` and `overseer` are what the old `gt` stamps on everyone's mail:
    /// they prove nothing, so that the subject decides. Everybody else speaks for himself alone.
    pub fn may_speak(&self, from: &str, id: &AgentId) -> bool {
        let from = from.trim().trim_end_matches('/');
        matches!(from, "mayor" | "overseer") || self.names(id).iter().any(|name| name == from)
    }
}

/// How many letters have to be changed, put in or left out to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(100).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::names::Generation;
    use proptest::prelude::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect(text)
    }

    fn with_roll<T>(generation: Generation, then: impl FnOnce(Roll) -> T) -> T {
        let rigs = ["alpha", "my-rig"].map(|text| Rig { name: name(text), prefix: name(&text[..2]) });
        let crew = [(name("alpha"), name("max"))];
        then(Roll { table: generation.table(), rigs: &rigs, crew: &crew })
    }

    #[test]
    fn agents_are_found_in_every_form() {
        with_roll(Generation::Seed, |roll| {
            for (text, id) in [
                ("deacon/", "deacon"),
                ("mayor", "mayor"),
                ("alpha/witness", "alpha/witness"),
                ("alpha-witness", "alpha/witness"),
                ("gt-alpha-refinery", "alpha/refinery"),
                ("my-rig-witness", "my-rig/witness"),
                ("alpha/crew/max", "alpha/crew/max"),
                ("alpha/max", "alpha/crew/max"),
                ("alpha-crew-max", "alpha/crew/max"),
                ("gt-deacon", "deacon"),
            ] {
                assert_eq!(roll.find(text).map(|id| id.to_string()), Ok(id.to_owned()), "{text}");
            }
            for text in ["alpha/nux", "alpha-nux", "alpha/polecats/nux", "gt-alpha-nux"] {
                assert!(roll.find(text).is_err_and(|why| why.contains("no polecats")), "{text}");
            }
            for text in ["alpha/", "alpha/a/b", "beta/nux", "gt-beta-nux", "alphanux"] {
                assert!(roll.find(text).is_err_and(|why| why.contains("no such agent")), "{text}");
            }
            for text in ["", "x", "alpha", "alpha/nux", "../witness", "beta/witness", "alpha/crew/maxine", "al-witness"]
            {
                assert!(roll.find(text).is_err(), "{text}");
            }
        });
        with_roll(Generation::V10, |roll| {
            assert_eq!(roll.find("al-witness").map(|id| id.to_string()), Ok("alpha/witness".to_owned()));
            assert_eq!(roll.find("hq-deacon"), Ok(AgentId::Deacon));
        });
    }

    #[test]
    fn nobody_speaks_for_another_and_the_old_stamps_prove_nothing() {
        with_roll(Generation::Seed, |roll| {
            let witness = roll.find("alpha/witness").expect("an agent");
            for from in ["mayor/", "overseer", "alpha/witness", "alpha-witness"] {
                assert!(roll.may_speak(from, &witness), "{from}");
            }
            for from in ["", "alpha/max", "alpha/refinery", "deacon/", "my-rig/witness"] {
                assert!(!roll.may_speak(from, &witness), "{from}");
            }
        });
    }

    #[test]
    fn the_nearest_names_are_offered() {
        with_roll(Generation::Seed, |roll| {
            assert_eq!(roll.nearest("alpha/witnes").first().map(String::as_str), Some("alpha/witness"));
            assert_eq!(roll.nearest("decon").first().map(String::as_str), Some("deacon"));
        });
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            with_roll(Generation::V02, |roll| {
                let _ = roll.find(&text);
                let _ = roll.nearest(&text);
                let _ = roll.may_speak(&text, &AgentId::Deacon);
            });
        }
    }
}
