//! Two things that the standard ways do with several times the program: gtd is one small file, and its lists are short.

use serde::de::DeserializeOwned;

/// The entries as a map or a set.
///
/// `collect` sorts them before it builds the tree, which is quicker for very many. But every type of entry brings a sort of
/// its own, 4 kB of program, and here are twenty.
pub fn gather<C: Default + Extend<T>, T>(entries: impl IntoIterator<Item = T>) -> C {
    let mut all = C::default();
    all.extend(entries);
    all
}

/// Reads JSON, as `serde_json::from_str` does, with the decoder that reads files: each of the two is a program of its own.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read_json<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_slice(text.as_bytes())
}
