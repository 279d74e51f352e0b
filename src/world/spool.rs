//! `daemon/requests/`: what people ask for with `gtd --request`, a file each, and what agents ask for in their own files.

use super::World;
use crate::sys::files::{self, Durability, FileError, Whose};
use crate::town::agent::{AgentId, Name};
use crate::town::json;
use crate::town::json_edit::{requesting_keys, without_requesting};
use crate::town::mail::Kind;
use crate::town::request::{Order, SpoolFile};
use crate::town::rigs::Rig;
use crate::town::snapshot::{Inbox, Snapshot, Trouble};
use crate::town::sorted::{SortedMap, sort};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Files that are read in one look; a spool that somebody floods is worked off.
const MOST_FILES: usize = 1000;

/// No order is larger.
const LARGEST: u64 = 64 << 10;

/// Where a town's spool is.
pub fn dir(root: &Path) -> PathBuf {
    root.join("daemon/requests")
}

/// Leaves an order for the daemon.
///
/// # Errors
/// Why it cannot be written.
pub fn leave(root: &Path, order: &Order, number: u32) -> Result<(), FileError> {
    let dir = dir(root);
    let is_first = dir.parent().is_some_and(|above| !above.exists());
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
    made.map_err(|error| FileError::new("make", &dir, error))?;
    files::make_private_dir(&dir)?;
    // Root may leave one for the town's user, whose gtd obeys what is that user's, and nothing else.
    if let Some(above) = dir.parent() {
        if is_first {
            files::share_owner(above, root)?;
        }
        files::share_owner(&dir, above)?;
    }
    let name = format!("{}-{number}.json", order.at.file_stamp());
    let bytes = json::line(order);
    let path = dir.join(name);
    // Whoever is told that it failed asks again, and must not be served twice: it may stand there all the same, where only
    // the directory could not be synced.
    files::leave(&path, &bytes).inspect_err(|_| drop(fs::remove_file(&path)))
}

/// What keeps the spool from being read.
pub fn trouble(root: &Path) -> Option<Trouble> {
    let dir = dir(root);
    let why = match fs::symlink_metadata(&dir) {
        Ok(meta) if is_obeyed(&meta) => return None,
        Ok(_) => "it is no directory of this user".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => error.to_string(),
    };
    Some(Trouble {
        about: "spool".to_owned(),
        text: format!("Not reading {}: {why}; requests come by mail alone until it is moved away", dir.display()),
        over: "The spool of requests is read again".to_owned(),
        need: None,
    })
}

fn is_obeyed(meta: &fs::Metadata) -> bool {
    meta.is_dir() && files::belongs(meta, Whose::OursAlone)
}

/// The orders that wait.
pub fn read(root: &Path) -> Vec<SpoolFile> {
    let dir = dir(root);
    if !fs::symlink_metadata(&dir).is_ok_and(|meta| is_obeyed(&meta)) {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir(&dir) else {
        return Vec::new();
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    // gtd gives these names itself.
    #[allow(clippy::case_sensitive_file_extension_comparisons)]
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".json")).take(MOST_FILES).collect();
    sort(&mut names);
    let mut spool = Vec::new();
    for name in names {
        let order = match files::read_at_most(&dir.join(&name), Whose::OursAlone, LARGEST) {
            Ok(Some(bytes)) => json::parse(&bytes).map_err(|error| format!("it cannot be read: {error}")),
            Ok(None) => Err("it has gone".to_owned()),
            // It stays, and is read at the next look.
            Err(error) if error.is_the_machines() => continue,
            Err(error) => Err(error.to_string()),
        };
        spool.push(SpoolFile { name, order });
    }
    spool
}

/// Removes a file of the spool; says whether it is gone.
pub fn remove(root: &Path, name: &str) -> bool {
    let path = dir(root).join(name);
    fs::remove_file(&path).is_ok() || !path.exists()
}

/// The crew of each rig: whoever has a directory there.
pub fn crew(root: &Path, rigs: &[Rig]) -> Vec<(Name, Name)> {
    let mut found = Vec::new();
    for rig in rigs {
        let Ok(crew) = fs::read_dir(root.join(rig.name.as_str()).join("crew")) else { continue };
        for entry in crew.flatten() {
            if entry.path().is_dir()
                && let Some(name) = entry.file_name().to_str()
                && let Ok(name) = Name::parse(name)
            {
                found.push((rig.name.clone(), name));
            }
        }
    }
    found
}

impl World {
    /// Adds to a snapshot what is only needed where somebody asks for something: the crew, whose directories are there, and
    /// what agents ask for in their own files.
    pub fn complete(&self, snapshot: &mut Snapshot) {
        snapshot.crew = crew(&self.root, &snapshot.rigs);
        let Some(roll) = crate::decide::requests::roll(snapshot) else { return };
        let everyone = roll.agents();
        let mut wishes = SortedMap::new();
        if let Inbox::Read(mails) = &snapshot.inbox {
            for mail in mails {
                if let Kind::Lifecycle(identity, _) = mail.kind()
                    && let Ok(id) = roll.find(identity)
                {
                    let keys = self.read_state(&id).and_then(|text| requesting_keys(&text)).unwrap_or_default();
                    wishes.insert(id, keys);
                }
            }
        }
        let mut homeless = everyone;
        homeless.retain(|id| {
            let agent = crate::decide::requests::agent_of(id, snapshot, &self.root);
            agent.is_some_and(|agent| !agent.dir.is_dir())
        });
        for id in homeless {
            snapshot.holds.no_directory.insert(id);
        }
        snapshot.wishes = wishes;
    }

    /// Takes the keys by which an agent has asked out of its `state.json`; every other byte stays. A file that cannot be read
    /// or written stays as it is: its owner will see to it.
    pub fn grant_wishes(&self, id: &AgentId) {
        if let (Some(path), Some(text)) = (self.state_path(id), self.read_state(id))
            && let Some(rest) = without_requesting(&text)
        {
            let _ = files::rewrite(&path, rest.as_bytes(), Durability::Synced);
        }
    }

    fn read_state(&self, id: &AgentId) -> Option<String> {
        let bytes = files::read(&self.state_path(id)?, Whose::Ours).ok()??;
        String::from_utf8(bytes).ok()
    }

    fn state_path(&self, id: &AgentId) -> Option<PathBuf> {
        let below = match id {
            AgentId::Mayor => "mayor".to_owned(),
            AgentId::Witness(rig) | AgentId::Refinery(rig) => format!("{rig}/{}", id.role().word()),
            AgentId::Crew(rig, name) => format!("{rig}/crew/{name}"),
            AgentId::Deacon | AgentId::Polecat(..) => return None,
        };
        Some(self.root.join(below).join("state.json"))
    }
}
