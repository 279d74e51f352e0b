//! Changing members of a JSON object without touching a byte of the rest: the file is somebody else's.

use crate::town::json::{parse, parse_value};
use serde_json::Value;

/// The keys by which an agent asks for something.
pub const REQUESTING: &str = "requesting_";

/// The object's keys that begin with [`REQUESTING`], with whether each is `true`. `None` if it is no object.
pub fn requesting_keys(text: &str) -> Option<Vec<(String, bool)>> {
    let Value::Object(object) = parse_value(text).ok()? else {
        return None;
    };
    let own = object.into_iter().filter(|(key, _)| key.starts_with(REQUESTING));
    Some(own.map(|(key, value)| (key, value == Value::Bool(true))).collect())
}

/// `text` without the top-level members whose key begins with [`REQUESTING`]. `None` if it is no JSON object, or has none.
pub fn without_requesting(text: &str) -> Option<String> {
    requesting_keys(text).filter(|keys| !keys.is_empty())?;
    edit(text, &mut |key| key.starts_with(REQUESTING).then_some(None), &mut Vec::new())
}

/// `text` with each of these top-level members: a value, as JSON, that takes the place of the old one or is put at the end, or
/// `None` for one that goes. `None` if it is no JSON object.
pub fn with_members(text: &str, wanted: &[(&str, Option<&str>)]) -> Option<String> {
    let Value::Object(object) = parse_value(text).ok()? else {
        return None;
    };
    let mut new: Vec<String> = Vec::new();
    for (key, value) in wanted {
        if let Some(value) = value.filter(|_| !object.contains_key(*key)) {
            new.push(format!("\"{key}\": {value}"));
        }
    }
    let change = &mut |key: &str| wanted.iter().find(|(wanted, _)| *wanted == key).map(|(_, value)| *value);
    edit(text, change, &mut new)
}

/// What becomes of a member: `None`, it stays; else its value, or none where it goes.
type Change<'a> = Option<Option<&'a str>>;

/// `text`, which is known to be a JSON object, so that only its shape has to be followed; `new` is put at its end.
fn edit<'a>(text: &str, change: &mut dyn FnMut(&str) -> Change<'a>, new: &mut Vec<String>) -> Option<String> {
    let open = text.find('{')?;
    let mut members = members(&text[open + 1..])?;
    let end = members.pop()?;
    let first = members.first()?;
    let blanks = &first[..first.len() - first.trim_start().len()];
    let mut kept = Vec::new();
    // An empty object has one member, which is empty.
    for member in members.iter().filter(|member| !member.trim().is_empty()) {
        let start = member.len() - member.trim_start().len();
        let key = start + string_end(&member[start..])?;
        match change(&parse::<String>(&member.as_bytes()[start..key]).ok()?) {
            None => kept.push((*member).to_owned()),
            Some(None) => {}
            Some(Some(value)) => {
                let colon = key + member[key..].find(':')? + 1;
                let after = &member[colon..];
                let value_at = colon + after.len() - after.trim_start().len();
                kept.push(format!("{}{value}", &member[..value_at]));
            }
        }
    }
    kept.extend(new.drain(..).map(|member| format!("{blanks}{member}")));
    Some(format!("{}{}{end}", &text[..=open], kept.join(",")))
}

/// The text of each member of an object, and last what follows them, from the blanks before the closing brace on. `text`
/// begins after the opening brace.
fn members(text: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let (mut start, mut depth, mut at) = (0, 0usize, 0);
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += string_end(&text[at..])?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b']' => depth = depth.checked_sub(1)?,
            b'}' if depth > 0 => depth -= 1,
            b'}' => {
                let last = &text[start..at];
                let blanks = last.len() - last.trim_end().len();
                found.push(&last[..last.len() - blanks]);
                found.push(&text[at - blanks..]);
                return Some(found);
            }
            b',' if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
}

/// The length of the JSON string that `text` begins with.
fn string_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_keys_that_ask_go() {
        for (before, after) in [
            (
                "{\n  \"role\": \"witness\",\n  \"requesting_cycle\": true,\n  \"requesting_time\": \"now\",\n  \"x\": {\"requesting_cycle\": 1}\n}\n",
                "{\n  \"role\": \"witness\",\n  \"x\": {\"requesting_cycle\": 1}\n}\n",
            ),
            ("{\"requesting_restart\":true}", "{}"),
            (
                "{ \"requesting_restart\" : false , \"a\" : [1, {\"b\":\"},\\\"\"}] }",
                "{ \"a\" : [1, {\"b\":\"},\\\"\"}] }",
            ),
            ("{\"a\":1,\"requesting_stop\":true }", "{\"a\":1 }"),
        ] {
            assert_eq!(without_requesting(before).as_deref(), Some(after), "{before}");
        }
        for text in ["{\"role\":\"witness\"}", "[]", "{", "", "null", "{\"a\":\"requesting_cycle\"}"] {
            assert_eq!(without_requesting(text), None, "{text}");
        }
    }

    #[test]
    fn the_keys_are_told_with_what_they_say() {
        let keys = requesting_keys("{\"requesting_cycle\":true,\"requesting_time\":\"x\",\"y\":true}");
        let keys: Vec<(String, bool)> = keys.expect("an object");
        assert_eq!(keys, [("requesting_cycle".to_owned(), true), ("requesting_time".to_owned(), false)]);
    }

    #[test]
    fn members_are_set_and_taken_out_and_the_rest_stays_byte_by_byte() {
        let wanted = [("state", Some("\"on\"")), ("at", None), ("new", Some("7"))];
        for (before, after) in [
            (
                "{\n  \"state\" :  \"off\",\n  \"at\": [1,\n 2],\n  \"n\": 12345678901234567890123,\n  \"x\": {\"state\": 1}\n}\n",
                "{\n  \"state\" :  \"on\",\n  \"n\": 12345678901234567890123,\n  \"x\": {\"state\": 1},\n  \"new\": 7\n}\n",
            ),
            ("{}", "{\"state\": \"on\",\"new\": 7}"),
            (" { } ", " {\"state\": \"on\",\"new\": 7 } "),
            ("{\"at\":0}", "{\"state\": \"on\",\"new\": 7}"),
        ] {
            assert_eq!(with_members(before, &wanted).as_deref(), Some(after), "{before}");
        }
        for text in ["", "[]", "null", "{", "{\"state\":", "{} {}"] {
            assert_eq!(with_members(text, &wanted), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = (without_requesting(&text), with_members(&text, &[("a", Some("1"))]));
            let _ = members(&text);
        }

        #[test]
        fn what_is_left_is_the_same_object_without_those_keys(
            keys in proptest::collection::btree_map("[a-z\"\\\\ ]{0,6}|requesting_[a-z]{1,4}", "\\PC{0,8}", 0..6)
        ) {
            let before = serde_json::to_string_pretty(&keys).expect("JSON");
            let wanted: std::collections::BTreeMap<_, _> =
                keys.iter().filter(|(key, _)| !key.starts_with(REQUESTING)).map(|(k, v)| (k.clone(), v.clone())).collect();
            match without_requesting(&before) {
                Some(after) => {
                    let read: std::collections::BTreeMap<String, String> = serde_json::from_str(&after).expect("JSON");
                    prop_assert_eq!(read, wanted);
                }
                None => prop_assert_eq!(keys, wanted),
            }
        }
    }
}
