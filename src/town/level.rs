//! How much a line of the log matters.

/// See the module; the numbers are syslog's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something that gtd wanted to do failed.
    Error = 3,
    /// Something is wrong: a condition that begins, a death.
    Warning = 4,
    /// Something has changed: a start, a stop, a condition that is over.
    Notice = 5,
    /// All is as it should be.
    Info = 6,
}
