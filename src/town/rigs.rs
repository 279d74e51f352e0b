//! `mayor/rigs.json`: the town's projects.

use super::agent::Name;
use super::json::record;
use super::sorted::sort_by;
use super::text::shown;
use serde_json::Value;

/// A project of the town.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rig {
    /// Its name, which is also its directory.
    pub name: Name,
    /// The prefix of its beads, without the trailing dash.
    pub prefix: Name,
}

/// The rigs of a town, and those that were refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rigs {
    /// Those that can be served, by name.
    pub served: Vec<Rig>,
    /// One clause for each that cannot: `"a.b": only letters, …`.
    pub refused: Vec<String>,
}

/// The prefix of a rig that names none.
const DEFAULT_PREFIX: &str = "gt";

impl Rigs {
    /// Reads `rigs.json`. A rig with an unusable name or prefix is refused alone.
    ///
    /// # Errors
    /// Why the whole file cannot be used; the caller keeps the last good list.
    pub fn parse(bytes: &[u8]) -> Result<Rigs, String> {
        let file: Value = serde_json::from_slice(bytes).map_err(|e| format!("not JSON: {e}"))?;
        let rigs = match file.get("rigs") {
            Some(Value::Object(rigs)) => rigs,
            Some(Value::Null) => return Ok(Rigs::default()),
            _ => return Err("no object \"rigs\" in it".to_owned()),
        };
        let mut found = Rigs::default();
        for (name, entry) in rigs {
            match rig(name, entry) {
                Ok(rig) => found.served.push(rig),
                Err(why) => found.refused.push(format!("{}: {why}", shown(name, 60))),
            }
        }
        sort_by(&mut found.served, |a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

fn rig(name: &str, entry: &Value) -> Result<Rig, String> {
    let name = Name::parse(name).map_err(str::to_owned)?;
    let prefix = match entry.pointer("/beads/prefix") {
        Some(Value::String(prefix)) if !prefix.is_empty() => prefix.trim_end_matches('-'),
        _ => DEFAULT_PREFIX,
    };
    let prefix = Name::parse(prefix).map_err(|why| format!("its bead prefix {}: {why}", shown(prefix, 60)))?;
    Ok(Rig { name, prefix })
}

/// A rig as the state keeps it: the last good list outlives gtd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRig {
    name: String,
    prefix: String,
}
record!(SavedRig { name, prefix });

impl From<&Rig> for SavedRig {
    fn from(rig: &Rig) -> SavedRig {
        SavedRig { name: rig.name.to_string(), prefix: rig.prefix.to_string() }
    }
}

impl SavedRig {
    /// The rig, if its names are still allowed.
    pub fn rig(&self) -> Option<Rig> {
        Some(Rig { name: Name::parse(&self.name).ok()?, prefix: Name::parse(&self.prefix).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(json: &str) -> Vec<String> {
        let rigs = Rigs::parse(json.as_bytes()).expect(json);
        let served = rigs.served.iter().map(|r| format!("{} {}", r.name, r.prefix));
        served.chain(rigs.refused.iter().cloned()).collect()
    }

    #[test]
    fn rigs_are_read_with_their_prefixes() {
        let file = include_str!("../../tests/data/seed/mayor_rigs.json");
        assert_eq!(lines(file), ["alpha gt", "beta be", "gamma gt"]);
        assert_eq!(lines(include_str!("../../tests/data/seed/fresh-mayor_rigs.json")), [""; 0]);
        assert_eq!(lines(r#"{"rigs":null}"#), [""; 0]);
        assert_eq!(lines(r#"{"rigs":{"x":{"beads":{"prefix":"ab-"}},"y":7}}"#), ["x ab", "y gt"]);
    }

    #[test]
    fn a_rig_with_an_unusable_name_costs_that_rig_alone() {
        assert_eq!(
            lines(r#"{"rigs":{"$(id)":{},"ok":{},"p":{"beads":{"prefix":"a/b"}}}}"#),
            [
                "ok gt",
                "\"$(id)\": only letters, digits, - and _ may stand in it",
                "\"p\": its bead prefix \"a/b\": only letters, digits, - and _ may stand in it",
            ]
        );
    }

    #[test]
    fn a_torn_file_is_an_error_and_never_an_empty_list() {
        for text in ["", "{", "[]", "{}", "null", r#"{"rigs":[]}"#, r#"{"rigs":{"alpha":{"git"#] {
            assert!(Rigs::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = Rigs::parse(&bytes);
        }
    }
}
