//! Not knowing, as a value.

use std::fmt;

/// Why something about the town could not be found out. An outage starts nothing, ends nothing and forgets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    why: String,
}

impl Outage {
    /// An outage for this reason, a clause: `bd show: no answer within 30s`.
    pub fn new(why: impl Into<String>) -> Outage {
        Outage { why: why.into() }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}
