//! Taking keys out of a JSON object without touching a byte of the rest: the file is somebody else's.

use crate::town::lean::read_json;
use serde_json::Value;

/// The keys by which an agent asks for something.
pub const REQUESTING: &str = "requesting_";

/// The object's keys that begin with [`REQUESTING`], with whether each is `true`. `None` if it is no object.
pub fn requesting_keys(text: &str) -> Option<Vec<(String, bool)>> {
    let Value::Object(object) = read_json(text).ok()? else {
        return None;
    };
    let own = object.into_iter().filter(|(key, _)| key.starts_with(REQUESTING));
    Some(own.map(|(key, value)| (key, value == Value::Bool(true))).collect())
}

/// `text` without the top-level members whose key begins with [`REQUESTING`]. `None` if it is no JSON object, or has none.
pub fn without_requesting(text: &str) -> Option<String> {
    requesting_keys(text).filter(|keys| !keys.is_empty())?;
    // It is known to be JSON from here on, so that only its shape has to be followed.
    let open = text.find('{')?;
    let mut kept = text[..=open].to_owned();
    let mut members = members(&text[open + 1..])?;
    let end = members.pop()?;
    let mut first = true;
    for member in members {
        let key: String = read_json(&member.trim_start()[..string_end(member.trim_start())?]).ok()?;
        if key.starts_with(REQUESTING) {
            continue;
        }
        if !first {
            kept.push(',');
        }
        first = false;
        kept.push_str(member);
    }
    kept.push_str(end);
    Some(kept)
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

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = without_requesting(&text);
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
