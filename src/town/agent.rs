//! Who is who: the agents of a town and the names that are allowed to them.

use super::json::{FromJson, ToJson};
use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// A name that is safe as a part of a tmux target, a path and a bead's id: 1 to 100 letters, digits, `_` and
/// `-`, not beginning with `-`. In tmux `.` and `:` silently become `_`, and `$1` resolves as an id, so nothing
/// else is let in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Longer names are refused: they are joined with others to a file name, which ends at 255 bytes.
    pub const MAX: usize = 100;

    /// Checks a name.
    ///
    /// # Errors
    /// What is wrong with it, as a clause: `it is empty`.
    pub fn parse(text: &str) -> Result<Name, &'static str> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if text.is_empty() {
            Err("it is empty")
        } else if text.len() > Name::MAX {
            Err("it is longer than 100 bytes")
        } else if text.starts_with('-') {
            Err("it begins with a dash")
        } else if !text.bytes().all(allowed) {
            Err("only letters, digits, - and _ may stand in it")
        } else {
            Ok(Name(text.to_owned()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an agent is to its town. The order is the order in which they are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The town's patrol agent.
    Deacon,
    /// The person's own agent.
    Mayor,
    /// One a rig; watches its workers.
    Witness,
    /// One a rig; merges.
    Refinery,
    /// A person's named workspace in a rig.
    Crew,
    /// A short-lived worker.
    Polecat,
}

impl Role {
    /// The word that Gas Town uses for it.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Deacon => "deacon",
            Role::Mayor => "mayor",
            Role::Witness => "witness",
            Role::Refinery => "refinery",
            Role::Crew => "crew",
            Role::Polecat => "polecat",
        }
    }
}

/// One agent of a town. Written as in mail: `deacon`, `RIG/witness`, `RIG/crew/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgentId {
    /// The Deacon.
    Deacon,
    /// The Mayor.
    Mayor,
    /// The Witness of a rig.
    Witness(Name),
    /// The Refinery of a rig.
    Refinery(Name),
    /// A crew member of a rig.
    Crew(Name, Name),
    /// A polecat of a rig.
    Polecat(Name, Name),
}

impl AgentId {
    /// Its role.
    pub const fn role(&self) -> Role {
        match self {
            AgentId::Deacon => Role::Deacon,
            AgentId::Mayor => Role::Mayor,
            AgentId::Witness(_) => Role::Witness,
            AgentId::Refinery(_) => Role::Refinery,
            AgentId::Crew(..) => Role::Crew,
            AgentId::Polecat(..) => Role::Polecat,
        }
    }

    /// The rig it belongs to; the Deacon and the Mayor belong to the town.
    pub const fn rig(&self) -> Option<&Name> {
        match self {
            AgentId::Deacon | AgentId::Mayor => None,
            AgentId::Witness(rig) | AgentId::Refinery(rig) | AgentId::Crew(rig, _) | AgentId::Polecat(rig, _) => {
                Some(rig)
            }
        }
    }

    /// Its own name within the rig, where several have the same role.
    pub const fn own_name(&self) -> Option<&Name> {
        match self {
            AgentId::Crew(_, name) | AgentId::Polecat(_, name) => Some(name),
            _ => None,
        }
    }

    /// How log lines call it: `Deacon`, `witness for alpha`. These are the seed's words.
    pub fn label(&self) -> String {
        match self {
            AgentId::Deacon => "Deacon".to_owned(),
            AgentId::Mayor => "Mayor".to_owned(),
            AgentId::Witness(rig) | AgentId::Refinery(rig) => format!("{} for {rig}", self.role().word()),
            AgentId::Crew(rig, name) | AgentId::Polecat(rig, name) => {
                format!("{} {name} for {rig}", self.role().word())
            }
        }
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            AgentId::Deacon | AgentId::Mayor => self.role().word().to_owned(),
            AgentId::Witness(rig) | AgentId::Refinery(rig) => format!("{rig}/{}", self.role().word()),
            AgentId::Crew(rig, name) | AgentId::Polecat(rig, name) => format!("{rig}/{}/{name}", self.role().word()),
        };
        f.pad(&text)
    }
}

impl FromStr for AgentId {
    type Err = String;

    fn from_str(text: &str) -> Result<AgentId, String> {
        let name = |part: &str| Name::parse(part).map_err(|why| format!("{part:?} is no name: {why}"));
        let parts: Vec<&str> = text.trim_end_matches('/').split('/').collect();
        match parts[..] {
            ["deacon"] => Ok(AgentId::Deacon),
            ["mayor"] => Ok(AgentId::Mayor),
            [rig, "witness"] => Ok(AgentId::Witness(name(rig)?)),
            [rig, "refinery"] => Ok(AgentId::Refinery(name(rig)?)),
            [rig, "crew", own] => Ok(AgentId::Crew(name(rig)?, name(own)?)),
            [rig, "polecat", own] => Ok(AgentId::Polecat(name(rig)?, name(own)?)),
            _ => Err(format!("{text:?} is no agent; agents are written deacon, RIG/witness, RIG/refinery")),
        }
    }
}

impl ToJson for AgentId {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_string().write(out);
    }
}

impl FromJson for AgentId {
    fn blank() -> AgentId {
        AgentId::Deacon
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        *self = value.as_str().unwrap_or_default().parse()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_could_mean_something_else_are_refused() {
        let long = "a".repeat(300);
        for text in ["", "a.b", "a:b", "$1", "../x", "a b", "-x", "a\nb", "$(reboot)", "ä", &long] {
            assert!(Name::parse(text).is_err(), "{text:?}");
        }
        for text in ["alpha", "a", "my_rig-2", "0"] {
            assert_eq!(Name::parse(text).map(|n| n.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn agents_are_read_as_they_are_written() {
        for text in ["deacon", "mayor", "alpha/witness", "alpha/refinery", "a/crew/max", "a/polecat/nux"] {
            let id: AgentId = text.parse().expect(text);
            assert_eq!(id.to_string(), text);
        }
        assert!("alpha/boss".parse::<AgentId>().is_err());
        assert!("../witness".parse::<AgentId>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = Name::parse(&text);
            let _ = text.parse::<AgentId>();
        }
    }
}
