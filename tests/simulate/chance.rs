//! Chance that can be repeated: the same seed draws the same lots.

/// A stream of lots (splitmix64): small, fast, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub const fn new(seed: u64) -> Chance {
        Chance(seed ^ 0x6a09_e667_f3bc_c909)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next() % end }
    }

    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Whether something happens that happens so many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A time from `low` to `high`, short ones as likely as long ones of ten times their length.
    pub fn span(&mut self, low: u64, high: u64) -> u64 {
        let (mut from, mut to) = (low.max(1), high.max(1));
        while to / from >= 10 && self.percent(50) {
            from *= 10;
        }
        if to / from >= 10 {
            to = from * 10;
        }
        self.between(from, to)
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// An index, as often as its weight says.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut lot = self.below(weights.iter().sum());
        for (at, weight) in weights.iter().enumerate() {
            if lot < *weight {
                return at;
            }
            lot -= weight;
        }
        0
    }
}
