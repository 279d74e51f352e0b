//! `mayor/daemon.json`: what is set, and what of it gtd does not heed.

use super::Check;
use crate::town::config::is_comment;
use crate::town::text::clean;
use serde_json::Value;

/// Where something stands in the way of a configuration.
const MEND: &str = "mend it in mayor/daemon.json, then kill -HUP $(cat daemon/daemon.pid)";

/// What gtd reads of Gas Town's own sections: everything else there is Gas Town's business.
const HONOURED: [&str; 8] = [
    "heartbeat.enabled",
    "heartbeat.interval",
    "patrols.deacon.enabled",
    "patrols.witness.enabled",
    "patrols.witness.rigs",
    "patrols.refinery.enabled",
    "patrols.refinery.rigs",
    "env",
];

impl Check {
    pub fn settings(&self) {
        for trouble in &self.world.config_troubles {
            let found = trouble.text.strip_prefix("mayor/daemon.json: ").unwrap_or(&trouble.text);
            self.findings.fault("configuration", found, MEND);
        }
        let Some(file) = &self.world.config_file else { return };
        let mut keys = Vec::new();
        leaves(file, "", &mut keys);
        let wrong = |key: &str| {
            self.world
                .config_troubles
                .iter()
                .any(|t| t.about == format!("config {key}") || t.text.contains(&format!(": {key}: ")))
        };
        let own = |key: &str| {
            key.starts_with("gtd.")
                || HONOURED.iter().any(|known| key == *known || *known == "env" && key.starts_with("env."))
        };
        let set: Vec<String> = keys
            .iter()
            .filter(|(key, _)| own(key) && !wrong(key))
            .map(|(key, value)| match key.strip_prefix("env.") {
                // What is handed on to agents may be nobody else's business.
                Some(name) => format!("env.{name}"),
                None => format!("{key} {value}"),
            })
            .collect();
        let found = match set.is_empty() {
            true => "nothing is set, the defaults stand".to_owned(),
            false => set.join(", "),
        };
        self.findings.good("configuration", &found);
        let gas_towns = |key: &str| key.starts_with("heartbeat.") || key.starts_with("patrols.");
        let ignored: Vec<&str> =
            keys.iter().map(|(key, _)| key.as_str()).filter(|key| gas_towns(key) && !own(key)).collect();
        if !ignored.is_empty() {
            let found = format!("not heeded by gtd, since they are Gas Town's own: {}", ignored.join(", "));
            self.findings.note("configuration", &found, "");
        }
    }
}

/// The keys of an object that are no objects themselves, with their values, cut where they grow long.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| !is_comment(key)) {
                let key = clean(key, 60);
                leaves(value, &if path.is_empty() { key } else { format!("{path}.{key}") }, found);
            }
        }
        Value::Null => {}
        Value::String(text) => found.push((path.to_owned(), clean(text, 60))),
        other => found.push((path.to_owned(), clean(&other.to_string(), 60))),
    }
}
