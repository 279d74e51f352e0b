//! An object of the configuration, while it is read: each key that is read is taken out, and what is left is not known.
//! Keys that begin with `//` are comments, and are never there.

use crate::town::duration::{brief, parse_duration};
use crate::town::json::line;
use crate::town::sorted::{SortedMap, SortedSet};
use crate::town::text::clean;
use serde_json::{Map, Value};
use std::time::Duration;

/// See the module.
pub struct Section {
    /// The keys that lead here, each with a dot behind it.
    path: String,
    fields: SortedMap<String, Value>,
    warnings: Vec<String>,
}

/// Whether this key of `daemon.json` is a comment, of which JSON has none.
pub fn is_comment(key: &str) -> bool {
    key.starts_with("//")
}

impl Section {
    /// The whole file.
    pub fn new(fields: Map<String, Value>) -> Section {
        Section::at(String::new(), fields)
    }

    fn at(path: String, fields: Map<String, Value>) -> Section {
        let fields = fields.into_iter().filter(|(key, _)| !is_comment(key)).collect();
        Section { path, fields, warnings: Vec::new() }
    }

    /// What was wrong with it.
    pub fn warnings(self) -> Vec<String> {
        self.warnings
    }

    /// The keys that nobody has read yet.
    pub fn keys(&self) -> Vec<String> {
        self.fields.keys().cloned().collect()
    }

    /// Whether the value of `key` is an object.
    pub fn is_object(&self, key: &str) -> bool {
        matches!(self.fields.get(key), Some(Value::Object(_)))
    }

    /// Takes `key`, if it is there; `take` says `None` where its value will not do, and `wanted` what would.
    pub fn read(&mut self, key: &str, wanted: &str, take: &mut dyn FnMut(&Value) -> Option<()>) {
        match self.fields.remove(key) {
            None | Some(Value::Null) => {}
            Some(value) => {
                if take(&value).is_none() {
                    self.warn(key, &value, wanted);
                }
            }
        }
    }

    fn warn(&mut self, key: &str, value: &Value, wanted: &str) {
        let (path, key, value) = (&self.path, clean(key, 60), clean(&String::from_utf8_lossy(&line(value)), 40));
        self.warnings.push(format!("{path}{key}: {value} will not do, {wanted} is wanted; its default stands"));
    }

    /// Takes a yes or no.
    pub fn boolean(&mut self, key: &str, into: &mut bool) {
        self.read(key, "true or false", &mut |value| {
            *into = value.as_bool()?;
            Some(())
        });
    }

    /// Takes a duration from `least` to `most`.
    pub fn duration(&mut self, key: &str, least: Duration, most: Duration, into: &mut Duration) {
        let wanted = format!("a duration such as 90s or 1h30m, from {} to {},", brief(least), brief(most));
        self.read(key, &wanted, &mut |value| {
            let duration = parse_duration(value.as_str()?)?;
            (least..=most).contains(&duration).then(|| *into = duration)
        });
    }

    /// Takes a list of names.
    pub fn names(&mut self, key: &str, into: &mut SortedSet<String>) {
        self.read(key, "a list of names", &mut |value| {
            let mut names = SortedSet::new();
            for name in value.as_array()? {
                names.insert(name.as_str()?.to_owned());
            }
            *into = names;
            Some(())
        });
    }

    /// Takes an object within this one.
    pub fn section(&mut self, key: &str, read: &mut dyn FnMut(&mut Section)) {
        match self.fields.remove(key) {
            None | Some(Value::Null) => {}
            Some(Value::Object(fields)) => {
                let mut inner = Section::at(format!("{}{key}.", self.path), fields);
                read(&mut inner);
                self.warnings.append(&mut inner.warnings);
            }
            Some(other) => self.warn(key, &other, "an object"),
        }
    }

    /// Whatever was not read is not known. Only for gtd's own section: the rest of the file is Gas Town's.
    pub fn refuse_the_rest(&mut self) {
        for key in std::mem::take(&mut self.fields).keys() {
            self.warnings.push(format!("{}{}: not a key that gtd knows; ignored", self.path, clean(key, 60)));
        }
    }
}
