//! `spawn/pending.json`: the workers that wait for their first word. gtd shares the file with `gt deacon trigger-pending`.

use super::json::lines;
use super::names::Agent;
use super::time::Wall;
use serde_json::{Value, json};

/// A worker that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spawn {
    /// Its rig.
    pub rig: String,
    /// Its name.
    pub polecat: String,
    /// Its session.
    pub session: String,
    /// The mail that told of it.
    pub mail_id: String,
    /// The entry as it stands in the file, with whatever else is in it.
    entry: Value,
}

impl Spawn {
    /// A worker that a mail has told of.
    pub fn new(agent: &Agent, issue: &str, at: Wall, mail_id: &str) -> Spawn {
        let part = |name: Option<&super::agent::Name>| name.map_or("", |name| name.as_str()).to_owned();
        let (rig, polecat) = (part(agent.id.rig()), part(agent.id.own_name()));
        let entry = json!({
            "rig": rig, "polecat": polecat, "session": agent.session, "issue": issue,
            "spawned_at": at.rfc3339(0), "mail_id": mail_id,
        });
        Spawn { rig, polecat, session: agent.session.clone(), mail_id: mail_id.to_owned(), entry }
    }

    fn of(entry: &Value) -> Option<Spawn> {
        let text = |key: &str| Some(entry.get(key)?.as_str()?.to_owned());
        Some(Spawn {
            rig: text("rig")?,
            polecat: text("polecat")?,
            session: text("session")?,
            mail_id: text("mail_id").unwrap_or_default(),
            entry: entry.clone(),
        })
    }

    /// Whether both are the same worker, told of by the same mail.
    pub fn is(&self, other: &Spawn) -> bool {
        self.session == other.session && self.mail_id == other.mail_id
    }
}

/// Reads the file; `null` is an empty one.
///
/// # Errors
/// Why it cannot be read; then it is set aside.
pub fn parse_pending(bytes: &[u8]) -> Result<Vec<Spawn>, String> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Null) => Ok(Vec::new()),
        Ok(Value::Array(entries)) => {
            let spawn = |entry| Spawn::of(entry).ok_or_else(|| "an entry without rig, polecat and session".to_owned());
            entries.iter().map(spawn).collect()
        }
        Ok(_) => Err("it is no list".to_owned()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

/// The file with these workers in it.
pub fn encode_pending(spawns: &[Spawn]) -> Vec<u8> {
    lines(&spawns.iter().map(|spawn| &spawn.entry).collect::<Vec<_>>()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_gt_writes_is_read_and_keeps_all_that_is_in_it() {
        let file = include_bytes!("../../tests/data/seed/spawn_pending.json");
        let spawns = parse_pending(file).expect("pending");
        assert_eq!((spawns.len(), spawns[0].session.as_str()), (1, "gt-alpha-slit"));
        let again: Value = serde_json::from_slice(&encode_pending(&spawns)).expect("JSON");
        assert_eq!(again, serde_json::from_slice::<Value>(file).expect("JSON"));
        assert_eq!(parse_pending(include_bytes!("../../tests/data/seed/spawn_pending_empty.json")), Ok(vec![]));
        for text in ["", "{}", "[{}]", "[1]", "[{\"rig\":\"a\""] {
            assert!(parse_pending(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse_pending(&bytes);
        }
    }
}
