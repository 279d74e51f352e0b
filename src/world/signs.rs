//! What the town itself shows of its generation, where neither the configuration nor `gt` tells: its files, and its live
//! sessions.
//!
//! Each sign fits some generations. One that fits a single generation decides, if no other sign contradicts it; the others can
//! only contradict. Files outlive the `gt` that made them, so that an old one proves nothing: there is no file that shows the
//! seed, or 0.2 as against 1.0. A session lives only under the names that somebody uses.

use super::World;
use super::elsewhere::{Place, patrol_names};
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::files::{self, Whose};
use crate::town::answers::KnownGastown;
use crate::town::names::Generation;
use crate::town::outage::Outage;
use crate::town::rigs::Rig;
use crate::town::snapshot::{Elsewhere, Snapshot};
use serde_json::Value;
use std::path::Path;

/// Something that fits only these generations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// What it is, as a clause without a verb: `session hq-deacon on the user's tmux server`.
    pub what: String,
    /// The generations that it fits.
    pub fits: Vec<Generation>,
}

const NEWER: &[Generation] = &[Generation::V02, Generation::V10];

/// Paths that only some generations make.
const FILES: [(&str, &[Generation]); 3] = [
    ("daemon/dolt-state.json", &[Generation::V10]),
    (".beads-wisp/config", NEWER),
    ("settings/escalation.json", NEWER),
];

/// What the town's files show. `mayor/town.json` has been of version 2 since 0.2; version 1 says nothing, since an upgrade
/// may leave it so.
pub fn of_files(root: &Path) -> Vec<Sign> {
    let mut signs = Vec::new();
    for (path, fits) in FILES {
        if root.join(path).exists() {
            signs.push(Sign { what: path.to_owned(), fits: fits.to_vec() });
        }
    }
    let town = files::read(&root.join("mayor/town.json"), Whose::Towns).ok().flatten().unwrap_or_default();
    let version = serde_json::from_slice::<Value>(&town).ok().and_then(|town| town.get("version")?.as_u64());
    if version.is_some_and(|version| version >= 2) {
        signs.push(Sign { what: "mayor/town.json of version 2".to_owned(), fits: NEWER.to_vec() });
    }
    signs
}

/// What signs show together; `None` where none of them decides.
///
/// # Errors
/// What contradicts what.
pub fn weigh(signs: &[Sign]) -> Result<Option<(Generation, String)>, String> {
    let Some(decides) = signs.iter().find(|sign| sign.fits.len() == 1) else {
        return Ok(None);
    };
    let generation = decides.fits[0];
    if let Some(other) = signs.iter().find(|sign| !sign.fits.contains(&generation)) {
        let words = |sign: &Sign| {
            let fits: Vec<&str> = sign.fits.iter().map(|generation| generation.word()).collect();
            format!("{} ({})", sign.what, fits.join(" or "))
        };
        return Err(format!("{} contradicts {}", words(decides), words(other)));
    }
    Ok(Some((generation, decides.what.clone())))
}

impl World {
    /// Asks the town itself, and each tmux server that it could be on.
    ///
    /// # Errors
    /// [`Stopped`]; within, why it does not tell.
    pub(super) fn read_signs(&mut self, rigs: &[Rig]) -> Result<Result<KnownGastown, Outage>, Stopped> {
        let mut signs = of_files(&self.root);
        let names = patrol_names(&self.root, rigs);
        for (socket, fits) in self.places(false) {
            let sessions = match self.patrols_on(&socket, &names)? {
                Ok((_, sessions)) => sessions,
                Err(outage) => return Ok(Err(outage)),
            };
            let place = Place(&socket);
            for name in sessions.keys() {
                let mut fits = fits.clone();
                fits.retain(|g| g.table().patrol_sessions(&self.root, rigs).contains_key(name));
                // A name that is no generation's on this server is a person's doing, and shows nothing.
                if !fits.is_empty() {
                    signs.push(Sign { what: format!("session {name} on {place}"), fits });
                }
            }
        }
        Ok(match weigh(&signs) {
            Ok(Some((generation, what))) => Ok(KnownGastown {
                generation: Some(generation),
                program: String::new(),
                changed: None,
                said: what,
                asked: Some(clock::now().wall),
            }),
            Ok(None) => Err(Outage::new("the town's files and sessions do not tell")),
            Err(contradiction) => Err(Outage::new(contradiction)),
        })
    }

    /// What in the town's files does not fit the generation that is taken to be its own, a clause each. Looks at the tmux servers
    /// of the others, and notes in the snapshot who lives there.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn misfits(&mut self, snapshot: &mut Snapshot) -> Result<Vec<String>, Stopped> {
        let Ok(generation) = snapshot.generation else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for sign in of_files(&self.root) {
            if !sign.fits.contains(&generation) {
                found.push(format!("{} does not fit {generation}: a newer gt was at work here", sign.what));
            }
        }
        self.look_elsewhere(snapshot)?;
        if let Elsewhere::Unknown { outage, .. } = &snapshot.elsewhere {
            found.push(outage.to_string());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn weighed(signs: &[(&str, &[Generation])]) -> String {
        let signs: Vec<Sign> =
            signs.iter().map(|(what, fits)| Sign { what: (*what).to_owned(), fits: fits.to_vec() }).collect();
        match weigh(&signs) {
            Ok(Some((generation, what))) => format!("{generation}: {what}"),
            Ok(None) => "nothing".to_owned(),
            Err(why) => why,
        }
    }

    #[test]
    fn only_what_fits_one_generation_decides_and_all_the_rest_must_fit_it() {
        use Generation::{Seed, V02, V10};
        assert_eq!(weighed(&[]), "nothing");
        assert_eq!(weighed(&[("a", NEWER), ("b", &[Seed, V02])]), "nothing", "what is left over decides nothing");
        assert_eq!(weighed(&[("a", NEWER), ("b", &[V10])]), "v1.0: b");
        assert_eq!(weighed(&[("a", NEWER), ("b", &[Seed])]), "b (seed) contradicts a (v0.2 or v1.0)");
        assert_eq!(weighed(&[("a", &[V02]), ("b", &[V10])]), "a (v0.2) contradicts b (v1.0)");
    }

    #[test]
    fn files_show_no_more_than_how_new_a_town_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        let shown = || weigh(&of_files(root)).map(|found| found.map(|(generation, _)| generation));
        let write = |path: &str, text: &str| {
            fs::create_dir_all(root.join(path).parent().expect("a parent")).expect("made");
            fs::write(root.join(path), text).expect("written");
        };
        assert_eq!(of_files(root), []);
        write("mayor/town.json", include_str!("../../tests/data/seed/fresh-mayor_town.json"));
        assert_eq!(of_files(root), [], "an upgrade may leave version 1");
        write("mayor/town.json", "{\"version\": 2}");
        write(".beads-wisp/config/alpha.json", "{}");
        assert_eq!((of_files(root).len(), shown()), (2, Ok(None)));
        write("daemon/dolt-state.json", "{}");
        assert_eq!(shown(), Ok(Some(Generation::V10)));
    }
}
