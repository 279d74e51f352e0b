//! The rules as tables: a town goes in, line by line, and the plan comes out as the text that `--dry-run` prints.
//!
//! A case is a transcript. It begins with the town, then come looks, each at its time. The indented lines before the
//! answer say what has changed in the town since the look before; the lines that begin with `|` are what gtd answered:
//! events with `!`, then the plan. What a plan starts or pokes does start and does answer, unless the case says
//! otherwise. [`language`] has the words.

mod awake;
mod crowds;
mod gt_holds;
mod holds;
mod invariants;
mod language;
mod loops;
mod memory;
mod pokes;
mod properties;
mod requests;
mod rhythm;
mod silence;
mod starts;
mod unknown;
