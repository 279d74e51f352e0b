//! `mayor/daemon.json`: what is set, and what of it gtd does not heed.

use super::Check;
use crate::town::config::is_comment;
use crate::town::text::clean;
use serde_json::Value;

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
    /// What is to be done where something stands in the way of a configuration.
    pub fn mend(&self) -> String {
        format!("mend it in mayor/daemon.json{}", self.reread())
    }

    /// How a daemon that runs is told of it; where none does, the next one reads it when it starts.
    pub fn reread(&self) -> String {
        self.daemon.map_or_else(String::new, |pid| format!(", then kill -HUP {pid}"))
    }

    pub fn settings(&self) {
        let troubles = &self.world.config_troubles;
        for trouble in troubles {
            let found = trouble.text.strip_prefix("mayor/daemon.json: ").unwrap_or(&trouble.text);
            self.findings.fault("configuration", format_args!("{found}"), format_args!("{}", self.mend()));
        }
        let Some(file) = &self.world.config_file else { return };
        let mut keys = Vec::new();
        leaves(file, "", &mut keys);
        let (mut set, mut ignored) = (Vec::new(), Vec::new());
        for (key, value) in keys {
            let env = key.strip_prefix("env.");
            if key.starts_with("gtd.") || env.is_some() || HONOURED.contains(&key.as_str()) {
                let (about, within) = (format!("config {key}"), format!(": {key}: "));
                if !troubles.iter().any(|trouble| trouble.about == about || trouble.text.contains(&within)) {
                    // What is handed on to agents may be nobody else's business.
                    set.push(if env.is_some() { key } else { format!("{key} {value}") });
                }
            } else if key.starts_with("heartbeat.") || key.starts_with("patrols.") {
                ignored.push(key);
            }
        }
        match set.is_empty() {
            true => self.findings.good("configuration", format_args!("nothing is set, the defaults stand")),
            false => self.findings.good("configuration", format_args!("{}", set.join(", "))),
        }
        if !ignored.is_empty() {
            let ignored = ignored.join(", ");
            let found = format_args!("not heeded by gtd, since they are Gas Town's own: {ignored}");
            self.findings.note("configuration", found, format_args!(""));
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
