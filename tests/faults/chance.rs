//! Numbers that look like chance: another row in each run, shown where a test fails, and taken again from `GTD_SEED`.

use std::time::{SystemTime, UNIX_EPOCH};

/// A row of numbers (xorshift).
pub struct Chance {
    seed: u64,
    now: u64,
}

impl Chance {
    /// The row that `GTD_SEED` names, or a new one.
    pub fn new() -> Chance {
        let given = std::env::var("GTD_SEED").ok().and_then(|text| text.parse().ok());
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| u64::from(time.subsec_nanos()));
        let seed = given.unwrap_or_else(clock);
        // Of a seed of 0 nothing else would come, and of a small one little for a while.
        let mut chance = Chance { seed, now: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 };
        for _ in 0..8 {
            chance.below(2);
        }
        chance
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.now ^= self.now << 13;
        self.now ^= self.now >> 7;
        self.now ^= self.now << 17;
        self.now % limit
    }
}

impl Drop for Chance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("=== failed with GTD_SEED={}", self.seed);
        }
    }
}
