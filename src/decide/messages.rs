//! What a heartbeat says. The lists are data: the counter of an agent chooses the next line, so that it never reads the
//! same twice in a row.

use crate::town::agent::Role;

/// The Deacon's lines.
pub const DEACON_MESSAGES: [&str; 12] = [
    "Thanks for keeping the town running!",
    "You are Gas Town's most critical role.",
    "You are the heart of Gas Town! Be watchful!",
    "Tip: Polecats are transient - spawn freely, let go freely.",
    "Tip: Witnesses watch the polecats; you watch the witnesses.",
    "Tip: Wisps are transient molecules for patrol cycles.",
    "The town sleeps soundly because you never do.",
    "Tip: The Mayor coordinates across rigs; you look after health.",
    "Your vigilance keeps the agents honest.",
    "Tip: 'gt deacon heartbeat' tells the town that you are alive.",
    "Every round you make keeps Gas Town beating.",
    "Tip: Stale agents need a nudge; very stale ones need a restart.",
];

/// A Witness's lines.
pub const WITNESS_MESSAGES: [&str; 6] = [
    "Time to patrol! Check your polecats.",
    "Tip: Agent beads show how your polecats are doing.",
    "Tip: Look at a polecat's git state before you end it.",
    "Your vigilance keeps the polecats honest.",
    "Tip: Escalate stuck workers to the Mayor.",
    "Tip: Send MERGE_READY when work is done.",
];

const REFINERY_MESSAGES: [&str; 2] = ["Time for a round: look at your merge queue.", "Check what waits to be merged."];

/// The message after `count` others.
pub fn message(role: Role, count: u64) -> &'static str {
    let lines: &[&'static str] = match role {
        Role::Witness => &WITNESS_MESSAGES,
        Role::Refinery => &REFINERY_MESSAGES,
        Role::Deacon | Role::Mayor | Role::Crew | Role::Polecat => &DEACON_MESSAGES,
    };
    let at = count % lines.len() as u64;
    lines[usize::try_from(at).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_comes_twice_in_a_row_and_all_of_them_come() {
        for role in [Role::Deacon, Role::Witness, Role::Refinery] {
            let mut seen = crate::town::sorted::SortedSet::new();
            for count in 0..24 {
                assert_ne!(message(role, count), message(role, count + 1), "{role:?}");
                seen.insert(message(role, count));
            }
            let lines = match role {
                Role::Deacon => 12,
                Role::Witness => 6,
                _ => 2,
            };
            assert_eq!(seen.len(), lines);
        }
    }

    #[test]
    fn every_line_is_plain_text_that_a_terminal_shows_as_it_is() {
        for line in DEACON_MESSAGES.iter().chain(&WITNESS_MESSAGES).chain(&REFINERY_MESSAGES) {
            assert!(line.bytes().all(|b| b.is_ascii_graphic() || b == b' '), "{line}");
        }
    }
}
