//! Two things that the standard ways do with several times the program: gtd is one small file, and its lists are short.

use serde::de::DeserializeOwned;
use std::cmp::Ordering;

/// Sorts a short list, of a thousand at most; equals stay in their order.
///
/// `sort_by` is quicker for long ones, and 3 kB of program for every type: only texts are sorted that way.
pub fn sort_by<T>(list: &mut [T], order: impl Fn(&T, &T) -> Ordering) {
    for end in 1..list.len() {
        let mut at = end;
        while at > 0 && order(&list[at - 1], &list[at]) == Ordering::Greater {
            list.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Reads JSON, as `serde_json::from_str` does, with the decoder that reads files: each of the two is a program of its own.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read_json<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_slice(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_stay_in_their_order() {
        for list in [vec![], vec![(1, 'a')], vec![(2, 'a'), (1, 'b'), (2, 'c'), (0, 'd'), (1, 'e')]] {
            let (mut ours, mut theirs) = (list.clone(), list);
            sort_by(&mut ours, |a, b| a.0.cmp(&b.0));
            theirs.sort_by_key(|entry| entry.0);
            assert_eq!(ours, theirs);
        }
    }
}
