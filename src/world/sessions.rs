//! From tmux's lines to sessions: what only the machine can add is added here, the rest is copied.

use super::tmux::panes::{PaneFields, PaneLine};
use crate::sys::files;
use crate::sys::process::{self, Table};
use crate::town::outage::Outage;
use crate::town::process::Process;
use crate::town::snapshot::{Ended, Pane, PaneState, Session};
use crate::town::sorted::{SortedMap, SortedSet};
use crate::town::time::Wall;
use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

/// The sessions that these lines describe. A session with a line that could not be read has unknown panes. Of those in
/// `silent` it is asked whether what was typed has been read.
pub fn sessions(lines: Vec<PaneLine>, silent: &SortedSet<&str>) -> Vec<Session> {
    let table = OnceCell::new();
    let mut real_paths = SortedMap::new();
    let mut sessions: SortedMap<String, Session> = SortedMap::new();
    for line in lines {
        let is_silent = silent.contains(line.session.as_str());
        let name = line.session;
        let session = sessions.get_or_insert_with(name.clone(), || Session {
            name,
            town: None,
            path: PathBuf::new(),
            attached: 0,
            last_input: Wall::from_seconds(0),
            panes: Ok(Vec::new()),
        });
        match line.pane {
            Ok(fields) => {
                session.town.clone_from(&fields.town);
                // Where gtd's mark is, the directory tells nothing more.
                if session.town.is_none() {
                    session.path = real_path(&fields.path, &mut real_paths);
                }
                session.attached = fields.attached;
                session.last_input = Wall::from_seconds(fields.last_input);
                if let Ok(panes) = &mut session.panes {
                    panes.push(pane(fields, is_silent, &table));
                }
            }
            Err(outage) => session.panes = Err(outage),
        }
    }
    let mut sessions: Vec<Session> = sessions.into_values().collect();
    note_elsewhere(&mut sessions);
    sessions
}

/// A pane may be shown by several sessions, grouped or linked: who types in one of them types to the same agent.
fn note_elsewhere(sessions: &mut [Session]) {
    let mut shown: Vec<(u32, String, Wall)> = Vec::new();
    for session in sessions.iter().filter(|session| session.attached > 0) {
        for pane in session.panes.as_deref().unwrap_or_default() {
            shown.push((pane.id, session.name.clone(), session.last_input));
        }
    }
    for session in sessions {
        let Ok(panes) = &mut session.panes else { continue };
        for pane in panes {
            for (id, name, typed) in &shown {
                if *id == pane.id && *name != session.name {
                    pane.elsewhere = pane.elsewhere.max(Some(*typed));
                }
            }
        }
    }
}

/// A directory without symbolic links, or as it was said where it is gone by now.
fn real_path(path: &str, known: &mut SortedMap<String, PathBuf>) -> PathBuf {
    let find = || fs::canonicalize(path).unwrap_or_else(|_| Path::new(path).to_owned());
    known.get_or_insert_with(path.to_owned(), find).clone()
}

fn pane(fields: PaneFields, is_silent: bool, table: &OnceCell<Option<Table>>) -> Pane {
    let pid = fields.pid;
    let (state, (process, foreground)) = if fields.dead {
        let ended = match (fields.status, fields.signal) {
            (_, Some(signal)) => Ended::Signal(signal),
            (Some(status), None) => Ended::Status(status),
            // tmux 3.3a sees a pane close before it reaps the program, and sometimes never reaps it.
            (None, None) => process::end_of(pid, fields.server).unwrap_or(Ended::Unknown),
        };
        // Whoever has this PID now is somebody else.
        (PaneState::Dead(ended), (Process { pid, start: 0 }, None))
    } else if is_bare_shell(&fields, table) {
        (PaneState::BareShell, (process::identify(pid), None))
    } else {
        (PaneState::Running, process::with_foreground(pid))
    };
    Pane {
        id: fields.id,
        process,
        state,
        command: fields.command,
        in_mode: fields.in_mode,
        synchronized: fields.synchronized,
        unread: if is_silent { files::unread_bytes(Path::new(&fields.tty)).ok() } else { None },
        foreground,
        elsewhere: None,
        agent: fields.agent,
        output: Wall::from_seconds(fields.output),
    }
}

/// An interactive shell with nothing below it. What a shell is called is not enough: an agent may be a script, and one
/// that waits for its model may have a shell in the foreground. Where processes cannot be listed, nothing is bare.
fn is_bare_shell(fields: &PaneFields, table: &OnceCell<Option<Table>>) -> bool {
    if !process::is_shell_name(&fields.command) || !process::is_interactive_shell(&process::arguments(fields.pid)) {
        return false;
    }
    let table = table.get_or_init(|| Table::read().ok());
    let tree = table.as_ref().map(|table| table.tree(process::identify(fields.pid)));
    tree.is_some_and(|tree| tree.iter().all(|p| p.pid == fields.pid))
}

/// The tmux server behind these lines, and its version, where there is one.
pub fn server(lines: &[PaneLine]) -> Option<(u32, String)> {
    let fields = lines.iter().find_map(|line| line.pane.as_ref().ok())?;
    Some((fields.server, fields.version.clone()))
}

/// The panes that bear the name of their session as their mark.
pub fn marked(lines: &[PaneLine]) -> Vec<u32> {
    let fields = lines.iter().filter_map(|line| Some((&line.session, line.pane.as_ref().ok()?)));
    fields.filter(|(session, pane)| pane.agent.as_ref() == Some(session)).map(|(_, pane)| pane.id).collect()
}

/// Looks whether tmux's server can be used.
///
/// # Errors
/// Its version, and which is needed.
pub fn refuse_old(lines: &[PaneLine]) -> Result<(), Outage> {
    match server(lines) {
        Some((_, version)) if !super::tmux::is_usable_version(&version) => {
            Err(Outage::new(format!("the tmux server is {version}, 3.2 or newer is needed")))
        }
        _ => Ok(()),
    }
}
