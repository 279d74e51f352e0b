//! What `gtd --check --json` has found, to be asked by a test.

use super::program::Ran;
use super::town::Town;
use serde_json::Value;
use std::fmt;

/// The object that was printed.
#[derive(Clone, Debug)]
pub struct Checked(Value);

impl Checked {
    /// Checks a town; the exit status has to tell whether there are faults.
    pub fn of(town: &Town) -> Checked {
        Checked::said(&Ran::of(town.gtd(&["--check", "--json"])))
    }

    /// What such a check has said.
    pub fn said(ran: &Ran) -> Checked {
        let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        assert!(ran.stderr.is_empty(), "{ran}");
        let faults = found["faults"].as_u64().expect("a number");
        assert_eq!(ran.status, i32::from(faults > 0), "{ran}");
        let marked = found["checks"].as_array().expect("a list").iter().filter(|check| check["mark"] == "fault");
        assert_eq!(marked.count() as u64, faults, "{ran}");
        Checked(found)
    }

    /// The object.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Each finding: mark, what, found, remedy.
    pub fn all(&self) -> Vec<[&str; 4]> {
        let checks = self.0["checks"].as_array().expect("a list");
        let words = |check: &'_ Value| ["mark", "what", "found", "remedy"].map(|key| check[key].is_string());
        assert!(checks.iter().all(|check| words(check) == [true; 4]), "{self}");
        checks.iter().map(|c| ["mark", "what", "found", "remedy"].map(|key| c[key].as_str().unwrap_or(""))).collect()
    }

    #[track_caller]
    fn has_one(&self, mark: &str, what: &str, found: &str, remedy: &str) -> &Checked {
        let is_it = |f: &[&str; 4]| f[0] == mark && f[1] == what && f[2].contains(found) && f[3].contains(remedy);
        assert!(self.all().iter().any(is_it), "no {mark} of {what}: {found:?} with {remedy:?} in {self}");
        self
    }

    /// Asserts that there is such a fault, with such a remedy.
    #[track_caller]
    pub fn fault(&self, what: &str, found: &str, remedy: &str) -> &Checked {
        assert!(!remedy.is_empty(), "every fault has a remedy");
        self.has_one("fault", what, found, remedy)
    }

    /// Asserts that there is such a note.
    #[track_caller]
    pub fn note(&self, what: &str, found: &str, remedy: &str) -> &Checked {
        self.has_one("note", what, found, remedy)
    }

    /// Asserts that this is in order.
    #[track_caller]
    pub fn good(&self, what: &str, found: &str) -> &Checked {
        self.has_one("ok", what, found, "")
    }

    /// Asserts that there are so many faults and no more.
    #[track_caller]
    pub fn faults(&self, number: u64) -> &Checked {
        assert_eq!(self.0["faults"], number, "{self}");
        self
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}
