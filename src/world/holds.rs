//! The files by which people, and `gt` for them, keep a daemon from agents. Which of them count is in the generation's table.
//!
//! A file that is torn changes nothing: it is said, and what it said before stands.

use crate::sys::files::{self, Whose};
use crate::sys::process;
use crate::town::history::SavedHolds;
use crate::town::names::{Agent, HoldFiles};
use crate::town::rigs::Rig;
use crate::town::snapshot::{Holds, Trouble};
use crate::town::sorted::SortedSet;
use crate::town::text::clean;
use fs2::FileExt;
use serde_json::Value;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Reads what stands in the way of starting and poking these agents. `of_gt`: what this generation's `gt` leaves; `None` where
/// nobody knows which it is. `last`: what was read last. What is wrong goes to `troubles`.
pub fn read(
    root: &Path,
    of_gt: Option<HoldFiles>,
    rigs: &[Rig],
    agents: &[Agent],
    last: &SavedHolds,
    troubles: &mut Vec<Trouble>,
) -> Holds {
    let mut holds = Holds { estop: read_estop(&root.join("ESTOP")), ..Holds::default() };
    for rig in rigs {
        if let Some(reason) = read_estop(&root.join(format!("ESTOP.{}", rig.name))) {
            holds.stopped_rigs.insert(rig.name.clone(), reason);
        }
    }
    holds.shutting_down = is_locked(&root.join("daemon/shutdown.lock"));
    for agent in agents {
        if !agent.dir.is_dir() {
            holds.no_directory.insert(agent.id.clone());
        }
    }
    let Some(of_gt) = of_gt else { return holds };
    if of_gt.shutting_down {
        holds.going_down = read_going_down(&root.join("daemon/shutting-down"));
    }
    if of_gt.paused_deacon {
        let read = read_json(root, ".runtime/deacon/paused.json", parse_paused, troubles);
        holds.paused = read.unwrap_or_else(|()| last.paused.clone());
    }
    if !of_gt.rig_config {
        return holds;
    }
    for rig in rigs {
        let name = rig.name.as_str();
        let before = || RigConfig {
            parked: last.parked.iter().any(|parked| parked == name),
            no_restart: last.no_restart.iter().any(|other| other == name),
        };
        let read = read_json(root, &format!(".beads-wisp/config/{name}.json"), parse_rig_config, troubles);
        let config = read.unwrap_or_else(|()| before());
        note(&mut holds.parked, rig, config.parked);
        note(&mut holds.no_restart, rig, config.no_restart);
    }
    holds
}

fn note(rigs: &mut SortedSet<crate::town::agent::Name>, rig: &Rig, is_one: bool) {
    if is_one {
        rigs.insert(rig.name.clone());
    }
}

/// What a file says; the default where it is not there. `Err` where it cannot be used, which goes to `troubles`.
fn read_json<T: Default>(
    root: &Path,
    path: &str,
    parse: fn(&Value) -> Option<T>,
    troubles: &mut Vec<Trouble>,
) -> Result<T, ()> {
    let why = match read_value(root, path) {
        Ok(None) => return Ok(T::default()),
        Ok(Some(value)) => match parse(&value) {
            Some(said) => return Ok(said),
            None => format!("{path} does not have the form that gt writes"),
        },
        Err(why) => why,
    };
    troubles.push(Trouble {
        about: format!("file {path}"),
        text: format!("{why}; what it said before stands"),
        over: format!("{path} can be read again"),
        need: None,
    });
    Err(())
}

fn read_value(root: &Path, path: &str) -> Result<Option<Value>, String> {
    match files::read(&root.join(path), Whose::Towns) {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => match serde_json::from_slice::<Value>(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(format!("{path} is not JSON: {error}")),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// `gt`'s own configuration of a rig.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RigConfig {
    parked: bool,
    no_restart: bool,
}

/// `{"rig":…,"values":{"status":"parked","auto_restart":false},"blocked":[…]}`. Gas Town's own daemon takes a blocked
/// `auto_restart` for one that is off. A docked rig is one by its bead's label; where it says so here, somebody means it.
fn parse_rig_config(file: &Value) -> Option<RigConfig> {
    let values = match file.as_object()?.get("values") {
        None | Some(Value::Null) => None,
        Some(values) => Some(values.as_object()?),
    };
    let value = |key: &str| values.and_then(|values| values.get(key));
    let blocked = file.get("blocked").and_then(Value::as_array);
    let is_blocked = blocked.is_some_and(|keys| keys.iter().any(|key| key == "auto_restart"));
    Some(RigConfig {
        parked: value("status").is_some_and(|status| status == "parked" || status == "docked"),
        no_restart: is_blocked || value("auto_restart").is_some_and(|restart| *restart == false),
    })
}

/// `{"paused":true,"reason":…}`: the reason, if it is so.
fn parse_paused(file: &Value) -> Option<Option<String>> {
    let paused = match file.as_object()?.get("paused") {
        None => false,
        Some(paused) => paused.as_bool()?,
    };
    let reason = file.get("reason").and_then(Value::as_str).unwrap_or_default();
    Some(paused.then(|| clean(reason.trim(), 200)))
}

/// The process that `daemon/shutting-down` names, while it lives and is a `gt`: a PID that was left behind may be a stranger's
/// by now, who would hold the town for ever.
fn read_going_down(path: &Path) -> Option<u32> {
    let bytes = files::read_at_most(path, Whose::Towns, 64).ok().flatten()?;
    let pid: u32 = std::str::from_utf8(&bytes).ok()?.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1)?;
    if !process::lives(process::identify(pid)) {
        return None;
    }
    let words = process::arguments(pid);
    (words.is_empty() || process::given(&words, "gt").is_some()).then_some(pid)
}

/// `ESTOP` is one line, `manual<TAB>time<TAB>reason`; that it exists is what counts.
fn read_estop(path: &Path) -> Option<String> {
    if !exists(path) {
        return None;
    }
    let bytes = files::read(path, Whose::Towns).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let reason = text.lines().next().unwrap_or_default().split('\t').next_back();
    Some(clean(reason.unwrap_or_default().trim(), 200))
}

/// Whether there is anything of this name. What cannot be looked at may well be there.
fn exists(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

/// Whether somebody holds a lock on this file. One that nobody locks means nothing, and none is made.
pub fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| match FileExt::try_lock_shared(&file) {
        Ok(()) => {
            let _ = FileExt::unlock(&file);
            false
        }
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_estop_gives_its_reason_and_a_lock_that_nobody_holds_means_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ESTOP");
        assert_eq!(read_estop(&path), None);
        fs::write(&path, "manual\t2026-11-23T09:40:04Z\tcosts\n").expect("written");
        assert_eq!(read_estop(&path).as_deref(), Some("costs"));
        assert!(!is_locked(&path));
        let holder = File::open(&path).expect("open");
        FileExt::lock_exclusive(&holder).expect("locked");
        assert!(is_locked(&path));
        assert!(!is_locked(&dir.path().join("none")));
    }

    fn rig_config(text: &str) -> Option<(bool, bool)> {
        let file: Value = serde_json::from_str(text).expect(text);
        parse_rig_config(&file).map(|config| (config.parked, config.no_restart))
    }

    #[test]
    fn a_rigs_configuration_is_read_as_gt_writes_it() {
        for (text, wanted) in [
            (include_str!("../../tests/data/v0.2/beads-wisp-config-alpha-parked.json"), Some((true, false))),
            (include_str!("../../tests/data/v1.0/beads-wisp-config-alpha-parked.json"), Some((true, false))),
            (include_str!("../../tests/data/v0.2/beads-wisp-config-alpha-unparked.json"), Some((false, false))),
            (include_str!("../../tests/data/v1.0/beads-wisp-config-beta-auto_restart.json"), Some((false, true))),
            (r#"{"values":{"auto_restart":true},"blocked":["auto_restart"]}"#, Some((false, true))),
            (r#"{"values":{"status":"operational","auto_restart":"no"}}"#, Some((false, false))),
            (r#"{"values":{"status":"docked"}}"#, Some((true, false))),
            ("{}", Some((false, false))),
            ("[]", None),
            (r#"{"values":7}"#, None),
        ] {
            assert_eq!(rig_config(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_paused_deacon_gives_the_reason() {
        for (text, wanted) in [
            (include_str!("../../tests/data/v1.0/runtime-deacon-paused.json"), Some(Some("maintenance"))),
            (r#"{"paused":true}"#, Some(Some(""))),
            (r#"{"paused":false,"reason":"x"}"#, Some(None)),
            ("{}", Some(None)),
            (r#"{"paused":"yes"}"#, None),
            ("7", None),
        ] {
            let file: Value = serde_json::from_str(text).expect(text);
            let read = parse_paused(&file);
            assert_eq!(read.as_ref().map(Option::as_deref), wanted, "{text}");
        }
    }

    #[test]
    fn the_pid_of_a_gt_down_counts_while_that_gt_lives() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("shutting-down");
        for text in ["", "x", "0", "1", "-7", "4194305"] {
            fs::write(&path, text).expect("written");
            assert_eq!(read_going_down(&path), None, "{text}");
        }
        // This process lives, and is no gt.
        fs::write(&path, std::process::id().to_string()).expect("written");
        assert_eq!(read_going_down(&path), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(text: String) {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _ = (parse_rig_config(&value), parse_paused(&value));
            }
        }
    }
}
