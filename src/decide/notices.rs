//! Whom a condition needs, and when: a person is told once that it began, and once that it is over.

use super::Troubles;
use crate::town::history::History;
use crate::town::need::Notice;
use crate::town::time::Moment;

/// Something that a person is to be told now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telling {
    /// The name of the condition.
    pub about: String,
    /// Whether it begins, or is over.
    pub begins: bool,
    /// The condition.
    pub notice: Notice,
}

/// Takes in what holds now, and says what a person is to be told. What is over before anybody was told is forgotten.
pub fn tellings(history: &mut History, troubles: &Troubles, now: Moment) -> Vec<Telling> {
    for trouble in &troubles.now {
        let Some(need) = &trouble.need else { continue };
        history.notices.get_or_insert_with(trouble.about.clone(), || Notice {
            what: need.what.clone(),
            since: now,
            text: trouble.text.clone(),
            over: trouble.over.clone(),
            told: false,
        });
    }
    let holding = |about: &str| troubles.now.iter().find(|trouble| trouble.about == about);
    let unseen = |about: &str| troubles.not_examined.iter().any(|start| about.starts_with(start));
    history.notices.retain(|about, notice| notice.told || unseen(about) || holding(about).is_some());
    let mut due = Vec::new();
    for (about, notice) in &history.notices {
        let need = holding(about).and_then(|trouble| trouble.need.as_ref());
        let is_due = match need {
            Some(need) => !notice.told && now.since(notice.since) >= need.after,
            None => notice.told && !unseen(about),
        };
        if is_due {
            due.push(Telling { about: about.clone(), begins: need.is_some(), notice: notice.clone() });
        }
    }
    due
}

/// Notes that a person was told.
pub fn note_told(history: &mut History, telling: &Telling) {
    if !telling.begins {
        history.notices.remove(&telling.about);
    } else if let Some(notice) = history.notices.get_mut(&telling.about) {
        notice.told = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::json::{line, parse};
    use crate::town::need::{Need, Supply};
    use crate::town::snapshot::Trouble;
    use crate::town::time::{Tick, Wall};

    const NONE: [bool; 0] = [];

    fn at(seconds: u64) -> Moment {
        Moment { wall: Wall::from_seconds(seconds as i64), tick: Tick::from_millis(seconds * 1000) }
    }

    fn outage(holds: bool, not_examined: &[&'static str]) -> Troubles {
        let trouble = Trouble {
            about: "bd".to_owned(),
            text: "bd fails".to_owned(),
            over: "bd answers again".to_owned(),
            need: Some(Need::outage(Supply::Bd)),
        };
        Troubles { now: holds.then_some(trouble).into_iter().collect(), not_examined: not_examined.to_vec() }
    }

    /// Tells everything that is due, and says whether each was a beginning.
    fn told(history: &mut History, troubles: &Troubles, now: u64) -> Vec<bool> {
        let due = tellings(history, troubles, at(now));
        due.iter().for_each(|telling| note_told(history, telling));
        due.iter().map(|telling| telling.begins).collect()
    }

    #[test]
    fn an_outage_is_told_when_it_lasts_and_when_it_is_over_once_each() {
        let mut history = History::default();
        assert_eq!(told(&mut history, &outage(true, &[]), 0), NONE);
        // Between heartbeats nobody asks.
        assert_eq!(told(&mut history, &outage(false, &["bd"]), 300), NONE);
        assert_eq!(told(&mut history, &outage(true, &[]), 599), NONE);
        assert_eq!(told(&mut history, &outage(true, &[]), 600), [true]);
        assert_eq!(told(&mut history, &outage(true, &[]), 900), NONE);
        assert_eq!(told(&mut history, &outage(false, &["bd"]), 960), NONE);
        assert_eq!(told(&mut history, &outage(false, &[]), 1200), [false]);
        assert_eq!(history, History::default());
    }

    #[test]
    fn what_is_over_before_it_was_told_is_forgotten() {
        let mut history = History::default();
        assert_eq!(told(&mut history, &outage(true, &[]), 0), NONE);
        assert_eq!(told(&mut history, &outage(false, &[]), 300), NONE);
        assert_eq!(told(&mut history, &outage(true, &[]), 700), NONE, "its time begins anew");
    }

    #[test]
    fn what_was_not_told_for_somebody_was_in_the_way_is_due_again() {
        let mut history = History::default();
        tellings(&mut history, &outage(true, &[]), at(0));
        assert_eq!(tellings(&mut history, &outage(true, &[]), at(600)).len(), 1);
        assert_eq!(told(&mut history, &outage(true, &[]), 601), [true]);
    }

    #[test]
    fn a_restart_of_gtd_tells_nothing_again_and_a_reboot_ends_what_was_told() {
        let mut history = History::default();
        told(&mut history, &outage(true, &[]), 0);
        told(&mut history, &outage(true, &[]), 600);
        let saved = line(&history);
        let mut after: History = parse(&saved).expect("a history");
        assert_eq!(told(&mut after, &outage(true, &[]), 660), NONE);
        after.after_reboot();
        assert_eq!(told(&mut after, &outage(false, &[]), 5), [false]);
    }
}
