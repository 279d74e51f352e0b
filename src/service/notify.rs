//! What a person is told by: one JSON object, as the README describes it.

use crate::decide::Telling;
use crate::sys::{clock, raw};
use crate::town::duration::brief;
use crate::town::json::Object;
use crate::town::time::Moment;
use std::path::Path;

/// The version of the object.
const FORMAT: u32 = 1;

/// The object, with a newline behind it.
pub fn object(town: &Path, telling: &Telling, now: Moment) -> Vec<u8> {
    let notice = &telling.notice;
    let since = notice.since.wall.rfc3339(clock::local_offset(notice.since.wall));
    let text = match telling.begins {
        true => notice.text.clone(),
        false => format!("{} after {}", notice.over, brief(now.wall.since(notice.since.wall))),
    };
    let mut bytes = Vec::new();
    let mut object = Object::new(&mut bytes);
    object.put("format", &FORMAT);
    object.put("town", &town.to_string_lossy().as_ref());
    object.put("host", &raw::host_name());
    object.put("what", &notice.what.word());
    object.put("state", &if telling.begins { "begins" } else { "ends" });
    object.put("agent", &notice.what.agent());
    object.put("since", &since);
    object.put("text", &text);
    object.put("gtd", &env!("CARGO_PKG_VERSION"));
    object.end();
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
