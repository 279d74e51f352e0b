//! The strip of an agent: what each look made of it, a letter a look, for people who want to see what a night was like.

use crate::town::history::{History, STRIP};
use crate::town::plan::{Delay, Leave, Missing, Plan, Verdict};

/// Notes a look.
pub fn note_look(history: &mut History, plan: &Plan) {
    for (id, verdict) in &plan.verdicts {
        let Some(entry) = history.agents.get_mut(id) else { continue };
        entry.strip.push(letter(verdict));
        let surplus = entry.strip.chars().count().saturating_sub(STRIP);
        for _ in 0..surplus {
            entry.strip.remove(0);
        }
    }
}

/// The letters, and what they mean.
pub const LEGEND: [(char, &str); 10] = [
    ('.', "alive"),
    ('w', "awake, not poked"),
    ('p', "poked"),
    ('s', "started, in its grace period"),
    ('-', "gone"),
    ('q', "quarantined"),
    ('!', "does not answer"),
    ('r', "reports that it wants a person"),
    ('h', "held"),
    ('?', "not known, or not ours"),
];

const fn letter(verdict: &Verdict) -> char {
    match verdict {
        Verdict::Leave(Leave::Alive) => '.',
        Verdict::Skip(_) => 'w',
        Verdict::Poke { .. } => 'p',
        Verdict::Start { .. } | Verdict::Leave(Leave::Grace { .. }) => 's',
        Verdict::Wait { why: Delay::Quarantine, .. } => 'q',
        Verdict::Wait { absence: Missing::Answer { .. }, .. } => '!',
        Verdict::Wait { .. } => '-',
        Verdict::Leave(Leave::Silent { .. } | Leave::NoAnswer) => '!',
        Verdict::Leave(Leave::Reports(_)) => 'r',
        Verdict::Hold(_) => 'h',
        Verdict::Leave(Leave::Unknown(_) | Leave::Foreign(_) | Leave::Moved(_)) => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::agent::AgentId;
    use crate::town::plan::Rhythm;
    use crate::town::time::{Moment, Tick, Wall};
    use std::time::Duration;

    #[test]
    fn a_strip_keeps_the_last_looks_and_every_letter_is_explained() {
        let now = Moment { wall: Wall::from_seconds(0), tick: Tick::from_millis(0) };
        let plan = |verdict: Verdict| Plan {
            now,
            verdicts: vec![(AgentId::Deacon, verdict)],
            marks: Vec::new(),
            rhythm: Rhythm { interval: Duration::ZERO, idle: None },
            next_heartbeat: now,
            next_look: now,
        };
        let mut history = History::default();
        history.agents.get_or_default(AgentId::Deacon);
        for _ in 0..STRIP {
            note_look(&mut history, &plan(Verdict::Leave(Leave::Alive)));
        }
        note_look(&mut history, &plan(Verdict::Leave(Leave::NoAnswer)));
        let strip = &history.agent(&AgentId::Deacon).strip;
        assert_eq!(strip.len(), STRIP);
        assert!(strip.starts_with("..") && strip.ends_with(".!"), "{strip}");
        assert!(strip.chars().all(|c| LEGEND.iter().any(|(letter, _)| *letter == c)));
    }
}
