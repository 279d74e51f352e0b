//! What `gt` and `bd` have answered that holds from one look to the next.

use super::json::record;
use super::names::Generation;
use super::time::Wall;

/// An answer of `gt --version`, or what the town itself has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGastown {
    /// The generation; `None` where `gt` named one that gtd does not know.
    pub generation: Option<Generation>,
    /// The program that said so; empty where it was the town.
    pub program: String,
    /// When that file was last changed; another time means another `gt`.
    pub changed: Option<Wall>,
    /// What was said, as a clause: `gt --version says v1.0.1`.
    pub said: String,
    /// When it was asked.
    pub asked: Option<Wall>,
}
record!(KnownGastown { generation, program, changed, asked } or_default { said });

/// A bead that is not asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Since when.
    pub since: Wall,
    /// Whether `bd` said that there is none; else that it could be several.
    pub missing: bool,
}
record!(LeftOut { since, missing });
