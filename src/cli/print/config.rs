//! `--print config`: a `mayor/daemon.json` with every key at its default.
//!
//! JSON has no comments. Keys that begin with `//` are gtd's, and Gas Town passes over keys that it does not know: so what
//! is printed can be kept as it is, and edited.

use crate::town::config::keys::{KEYS, Key};
use serde_json::Value;

/// What Gas Town wants to find in the file.
const HEAD: &str =
    "  \"//\": \"Every key is at its default, and can be left out. Keys that begin with // are comments; \
     where their examples have single quotation marks, JSON has double ones.\",
  \"type\": \"daemon-patrol-config\",
  \"version\": 1,
";

/// The file.
pub fn sample() -> String {
    let keys: Vec<(&str, &Key)> = KEYS.iter().map(|key| (key.path, key)).collect();
    let mut text = format!("{{\n{HEAD}");
    section(&mut text, &keys, 1);
    text.push_str("\n}\n");
    text
}

/// The keys of a section, each by its path within it.
fn section(text: &mut String, mut keys: &[(&str, &Key)], depth: usize) {
    let indent = "  ".repeat(depth);
    while let Some((path, key)) = keys.first() {
        let rest = match path.split_once('.') {
            None => {
                text.push_str(&format!("{indent}\"//{path}\": {},\n", Value::from(comment(key))));
                text.push_str(&format!("{indent}\"{path}\": {}", key.json));
                &keys[1..]
            }
            Some((name, _)) => {
                let inner: Vec<(&str, &Key)> = keys
                    .iter()
                    .map_while(|(path, key)| Some((path.strip_prefix(name)?.strip_prefix('.')?, *key)))
                    .collect();
                text.push_str(&format!("{indent}\"{name}\": {{\n"));
                section(text, &inner, depth + 1);
                text.push_str(&format!("\n{indent}}}"));
                &keys[inner.len()..]
            }
        };
        if !rest.is_empty() {
            text.push_str(",\n");
        }
        keys = rest;
    }
}

fn comment(key: &Key) -> String {
    let default = format!("{}; default: {}", key.meaning, key.default).replace('`', "");
    // The quotation marks of an example would have to be escaped in a text of JSON, where nobody can read them.
    format!("{default}; for example: {}", key.example.replace('"', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::agent::Role;
    use crate::town::config::Config;
    use std::time::Duration;

    #[test]
    fn the_sample_is_read_without_a_warning_and_changes_nothing() {
        let (config, warnings) = Config::parse(sample().as_bytes()).expect("JSON");
        assert_eq!(warnings, [""; 0]);
        // What is written out is kept apart from what was not said, and means the same.
        assert_eq!(config.heartbeat_interval, Some(Duration::from_mins(5)));
        let said = r#"{"heartbeat": {"interval": "5m"}, "patrols": {}, "gtd": {"agent_command": "claude --dangerously-skip-permissions"}}"#;
        assert_eq!(config, Config::parse(said.as_bytes()).expect("JSON").0);
        let default = Config::default();
        for role in [Role::Deacon, Role::Witness, Role::Refinery] {
            assert_eq!(config.patrols(role), default.patrols(role));
            assert_eq!(config.patrols_rig(role, "web"), default.patrols_rig(role, "web"));
            assert_eq!(config.agent_command(role), default.agent_command(role));
        }
    }

    #[test]
    fn every_key_is_in_it_with_its_explanation_before_it() {
        let sample = sample();
        let value: Value = serde_json::from_str(&sample).expect("JSON");
        for key in &KEYS {
            let pointer = format!("/{}", key.path.replace('.', "/"));
            assert_eq!(value.pointer(&pointer), serde_json::from_str(key.json).ok().as_ref(), "{}", key.path);
            let name = key.path.rsplit('.').next().expect("a name");
            let line = format!("\"//{name}\": {}", Value::from(comment(key)));
            let at = sample.find(&line).unwrap_or_else(|| panic!("{line}\n{sample}"));
            let next = sample[at..].lines().nth(1).map(str::trim_start);
            assert!(next.is_some_and(|next| next.starts_with(&format!("\"{name}\": {}", key.json))), "{next:?}");
        }
    }
}
