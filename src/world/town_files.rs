//! The town's files, as far as gtd reads them: where the town is, its rigs, its configuration, its last use.

use crate::sys::files::{self, FileError, Whose};
use crate::sys::user;
use crate::town::rigs::{Rig, Rigs};
use crate::town::snapshot::Trouble;
use crate::town::text::{clean, count};
use crate::town::time::Wall;
use serde_json::Value;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What marks a directory as a town.
const MARK: &str = "mayor/town.json";

/// Finds the town: the outermost directory above the working directory that holds `mayor/town.json` (a clone inside a rig
/// can hold one too), else what `GT_TOWN_ROOT` names, else `GT_ROOT`, else `~/gt`. Symbolic links are kept.
///
/// # Errors
/// One line that says what was looked at.
pub fn discover() -> Result<PathBuf, String> {
    // `PWD` keeps the links by which a person came here; it counts only if it is true.
    let here = env::current_dir().unwrap_or_default();
    let same =
        |logical: &PathBuf| logical.is_absolute() && fs::canonicalize(logical).ok() == fs::canonicalize(&here).ok();
    let here = env::var_os("PWD").map(PathBuf::from).filter(same).unwrap_or(here);
    let (mut outermost, mut unseen) = (None, None);
    for dir in here.ancestors() {
        match is_town(dir) {
            Ok(true) => outermost = Some(dir),
            Ok(false) => {}
            Err(why) => unseen = Some(why),
        }
    }
    if let Some(town) = outermost {
        return check(town);
    }
    for variable in ["GT_TOWN_ROOT", "GT_ROOT"] {
        if let Some(named) = env::var_os(variable).filter(|value| !value.is_empty()) {
            return check(Path::new(&named)).map_err(|why| format!("{variable}: {why}"));
        }
    }
    match user::home().map(|home| home.join("gt")) {
        Some(town) if is_town(&town)? => Ok(town),
        _ => Err(unseen.unwrap_or_else(|| {
            format!(
                "no town: no {MARK} in {} or above, GT_TOWN_ROOT and GT_ROOT are not set, and ~/gt is none; name one with --town DIR",
                here.display()
            )
        })),
    }
}

/// Checks a directory that somebody named as a town.
///
/// # Errors
/// One line that says why it is none.
pub fn check(dir: &Path) -> Result<PathBuf, String> {
    let dir = std::path::absolute(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    if dir.to_str().is_none_or(|text| text.contains(char::is_control)) {
        return Err(format!(
            "{}: tmux cannot be told of a path with control characters or bytes that are no text",
            clean(&dir.to_string_lossy(), 400)
        ));
    }
    if is_town(&dir)? {
        Ok(dir)
    } else {
        Err(format!("{} is no town: there is no {MARK} in it; name one with --town DIR", dir.display()))
    }
}

/// Whether a directory is marked as a town. One that this user may not look into can be one: unknown is not absent.
fn is_town(dir: &Path) -> Result<bool, String> {
    let mark = dir.join(MARK);
    match fs::metadata(&mark) {
        Ok(meta) => Ok(meta.is_file()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(FileError::new("see", &mark, error).with_remedy()),
    }
}

/// Removes what a gtd that was killed has left half written, outside of `daemon` itself. Only the holder of the lock may.
pub fn remove_temporaries(root: &Path) {
    files::remove_temporaries_of_dead(&root.join("daemon/requests"));
    for dir in ["daemon/screens", "spawn"] {
        files::remove_temporaries(&root.join(dir));
    }
    for dir in [".runtime/pids", ".runtime/nudge_poller", "mayor"] {
        files::remove_old_temporaries(&root.join(dir));
    }
    for rig in read_rigs(root, None, &mut Vec::new()) {
        let rig = root.join(rig.name.as_str());
        for dir in [".runtime", "witness", "refinery"] {
            files::remove_old_temporaries(&rig.join(dir));
        }
        for worker in fs::read_dir(rig.join("crew")).into_iter().flatten().flatten() {
            files::remove_old_temporaries(&worker.path());
        }
    }
}

/// Reads the configuration's file. No file is an empty one.
///
/// # Errors
/// Why the file cannot be used as a whole.
pub fn read_config(root: &Path) -> Result<Value, String> {
    let nothing = || Value::Object(serde_json::Map::new());
    match files::read(&root.join("mayor/daemon.json"), Whose::Towns) {
        Ok(None) => Ok(nothing()),
        Ok(Some(bytes)) => match serde_json::from_slice(&bytes) {
            Ok(file @ Value::Object(_)) => Ok(file),
            Ok(_) => Err("not a JSON object".to_owned()),
            Err(error) => Err(format!("not JSON: {error}")),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// Reads the rigs. Where that fails, `last_good` stands; what is wrong goes to `troubles`.
pub fn read_rigs(root: &Path, last_good: Option<Vec<Rig>>, troubles: &mut Vec<Trouble>) -> Vec<Rig> {
    let path = root.join("mayor/rigs.json");
    let read = match files::read(&path, Whose::Towns) {
        Ok(Some(bytes)) => Rigs::parse(&bytes).map_err(|why| format!("{}: {why}", path.display())),
        Ok(None) => Err(format!("{} is not there", path.display())),
        Err(error) => Err(error.to_string()),
    };
    let over = "mayor/rigs.json can be read again".to_owned();
    match read {
        Ok(rigs) => {
            for refused in rigs.refused {
                troubles.push(Trouble {
                    over: format!("The rig {} is no longer refused", clean(&refused, 80)),
                    text: format!("Refusing a rig in mayor/rigs.json: {refused}"),
                    about: format!("rig {refused}"),
                    need: None,
                });
            }
            rigs.served
        }
        Err(why) => {
            let stands = match &last_good {
                Some(rigs) => format!("the last good list stands ({})", count(rigs.len() as u64, "rig")),
                None => "no rigs are served until it can be read".to_owned(),
            };
            troubles.push(Trouble {
                about: "rigs.json".to_owned(),
                text: format!("{why}; {stands}"),
                over,
                need: None,
            });
            last_good.unwrap_or_default()
        }
    }
}

/// When somebody last used `gt` or `bd` in this town, by `daemon/activity.json`. A file that cannot be read tells nothing.
pub fn read_activity(root: &Path) -> Option<Wall> {
    let bytes = files::read(&root.join("daemon/activity.json"), Whose::Towns).ok()??;
    parse_activity(&bytes)
}

fn parse_activity(bytes: &[u8]) -> Option<Wall> {
    let file: Value = serde_json::from_slice(bytes).ok()?;
    Wall::parse(file.get("timestamp")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn activity_is_read_as_gt_writes_it() {
        let file = include_bytes!("../../tests/data/seed/fresh-daemon_activity.json");
        let at = parse_activity(file).expect("a time");
        assert_eq!(at.rfc3339(0), "2026-11-23T09:33:37.684891419Z");
        let file = include_bytes!("../../tests/data/seed/activity-after-gt-mail-inbox.json");
        assert!(parse_activity(file).is_some());
        assert_eq!(parse_activity(b"{\"timestamp\":\"20"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse_activity(&bytes);
        }
    }
}
