//! How often other programs were run, and how long that took.

use crate::town::sorted::SortedMap;
use std::time::Duration;

/// What was run, by the name of the program's file.
pub type Tallies = SortedMap<String, Tally>;

/// The runs of one program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there were.
    pub count: u64,
    /// How many of them gave no answer, or ended with another exit status than 0.
    pub failures: u64,
    /// How long they took together.
    pub time: Duration,
}

impl Tally {
    /// Counts one run.
    pub fn add(&mut self, time: Duration, failed: bool) {
        self.count += 1;
        self.failures += u64::from(failed);
        self.time += time;
    }
}
