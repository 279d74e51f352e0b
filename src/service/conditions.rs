//! What is wrong, said once when it begins and once when it ends.

use crate::decide::Troubles;
use crate::town::duration::brief;
use crate::town::json::record;
use crate::town::level::Level;
use crate::town::need::Need;
use crate::town::snapshot::Trouble;
use crate::town::sorted::{SortedMap, SortedSet};
use crate::town::time::Moment;

/// The conditions that hold.
#[derive(Debug, Default)]
pub struct Conditions(SortedMap<String, (Trouble, Moment)>);

/// A condition as the state keeps it, for the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCondition {
    /// What is wrong.
    pub text: String,
    /// Since when.
    pub since: Moment,
}
record!(OpenCondition { text, since });

impl Conditions {
    /// Takes in what holds now; returns the lines to be said, and how much they matter.
    pub fn update(&mut self, troubles: Troubles, now: Moment) -> Vec<(Level, String)> {
        let mut lines = Vec::new();
        let mut holding = SortedSet::new();
        for trouble in troubles.now {
            holding.insert(trouble.about.clone());
            match self.0.get_mut(&trouble.about) {
                Some((known, _)) => *known = trouble,
                None => {
                    if !trouble.begins_as_event() {
                        lines.push((Level::Warning, trouble.text.clone()));
                    }
                    self.0.insert(trouble.about.clone(), (trouble, now));
                }
            }
        }
        self.0.retain(|about, (trouble, since)| {
            let stays = holding.contains(about) || troubles.not_examined.iter().any(|start| about.starts_with(start));
            if !stays {
                lines.push((Level::Notice, format!("{} after {}", trouble.over, brief(now.since(*since)))));
            }
            stays
        });
        lines
    }

    /// Which of those that hold need a person, or will.
    pub fn needs(&self) -> impl Iterator<Item = &Need> {
        self.0.values().filter_map(|(trouble, _)| trouble.need.as_ref())
    }

    /// All that hold.
    pub fn open(&self) -> Vec<OpenCondition> {
        let open = |(trouble, since): &(Trouble, Moment)| OpenCondition { text: trouble.text.clone(), since: *since };
        self.0.values().map(open).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::time::{Tick, Wall};

    fn at(seconds: u64) -> Moment {
        Moment { wall: Wall::from_seconds(seconds as i64), tick: Tick::from_millis(seconds * 1000) }
    }

    fn troubles(about: &[&str], not_examined: &[&'static str]) -> Troubles {
        let trouble = |about: &&str| Trouble {
            about: (*about).to_owned(),
            text: format!("{about} fails"),
            over: format!("{about} answers again"),
            need: None,
        };
        Troubles { now: about.iter().map(trouble).collect(), not_examined: not_examined.to_vec() }
    }

    #[test]
    fn a_condition_is_said_when_it_begins_and_when_it_ends() {
        let mut conditions = Conditions::default();
        assert_eq!(conditions.update(troubles(&["bd"], &[]), at(0)), [(Level::Warning, "bd fails".to_owned())]);
        assert_eq!(conditions.update(troubles(&["bd"], &[]), at(60)), []);
        assert_eq!(conditions.update(troubles(&[], &["bd"]), at(90)), []);
        assert_eq!(conditions.open().len(), 1);
        let over = conditions.update(troubles(&[], &[]), at(120));
        assert_eq!(over, [(Level::Notice, "bd answers again after 2m".to_owned())]);
        assert_eq!(conditions.open(), []);
    }
}
