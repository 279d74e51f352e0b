//! What a person is told by: one JSON object, as the README describes it.

use crate::decide::Telling;
use crate::sys::{clock, raw};
use crate::town::agent::AgentId;
use crate::town::duration::brief;
use crate::town::time::Moment;
use serde::Serialize;
use std::path::Path;

/// The version of the object.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Object<'a> {
    format: u32,
    town: String,
    host: String,
    what: &'a str,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a AgentId>,
    since: String,
    text: String,
    gtd: &'a str,
}

/// The object, with a newline behind it.
pub fn object(town: &Path, telling: &Telling, now: Moment) -> Vec<u8> {
    let notice = &telling.notice;
    let object = Object {
        format: FORMAT,
        town: town.to_string_lossy().into_owned(),
        host: raw::host_name(),
        what: notice.what.word(),
        state: if telling.begins { "begins" } else { "ends" },
        agent: notice.what.agent(),
        since: notice.since.wall.rfc3339(clock::local_offset(notice.since.wall)),
        text: match telling.begins {
            true => notice.text.clone(),
            false => format!("{} after {}", notice.over, brief(now.wall.since(notice.since.wall))),
        },
        gtd: env!("CARGO_PKG_VERSION"),
    };
    // Plain values: nothing in it can fail to become JSON.
    let mut bytes = serde_json::to_vec(&object).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::need::{Matter, Notice, Supply};
    use crate::town::time::{Tick, Wall};
    use serde_json::Value;

    fn told(what: Matter, begins: bool) -> Value {
        let since = Moment { wall: Wall::from_seconds(1_795_426_804), tick: Tick::from_millis(5) };
        let now = since.plus(std::time::Duration::from_secs(12));
        let (text, over) = ("it \"fails\"\nbadly".to_owned(), "It is back".to_owned());
        let notice = Notice { what, since, text, over, told: !begins };
        let bytes = object(Path::new("/t"), &Telling { about: "x".to_owned(), begins, notice }, now);
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn the_object_says_what_begins_and_what_is_over() {
        let begins = told(Matter::Loop("alpha/witness".parse().expect("an agent")), true);
        assert_eq!((&begins["format"], &begins["town"], &begins["what"]), (&1.into(), &"/t".into(), &"loop".into()));
        assert_eq!((&begins["state"], &begins["agent"]), (&"begins".into(), &"alpha/witness".into()));
        assert_eq!(
            (&begins["text"], &begins["gtd"]),
            (&"it \"fails\"\nbadly".into(), &env!("CARGO_PKG_VERSION").into())
        );
        let stamp = begins["since"].as_str().and_then(Wall::parse);
        assert_eq!(stamp, Some(Wall::from_seconds(1_795_426_804)));
        let ends = told(Matter::Outage(Supply::Bd), false);
        assert_eq!((&ends["state"], &ends["what"]), (&"ends".into(), &"outage".into()));
        assert_eq!((&ends["text"], ends.get("agent")), (&"It is back after 12s".into(), None));
    }
}
