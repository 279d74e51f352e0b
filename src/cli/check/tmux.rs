//! The town's tmux server, the way to it, and other servers on which the same town lives.

use super::Check;
use crate::sys::attention::Stopped;
use crate::sys::command::Command;
use crate::sys::{files, raw};
use crate::town::agent::{AgentId, Role};
use crate::town::names::Generation;
use crate::town::snapshot::{Elsewhere, Snapshot};
use crate::town::sorted::SortedSet;
use crate::town::text::count;
use crate::world::environment::SCRUBBED;
use crate::world::tmux::Socket;
use std::env;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A server that is not the town's gets no more.
const OTHER: Duration = Duration::from_secs(1);

/// More sockets are not looked at.
const MOST: usize = 24;

const FORMAT: &str = "#{pid}\t#{version}\t#{session_name}\t#{@gtd_town}\t#{session_path}";

/// What tmux says where there is no server.
const NOBODY: [&str; 3] = ["no server running", "No such file", "Connection refused"];

/// A tmux server.
#[derive(Debug)]
struct Server {
    socket: PathBuf,
    pid: String,
    version: String,
    /// The sessions of this town.
    ours: Vec<String>,
    /// How many others there are.
    others: usize,
}

impl Server {
    fn shown(&self) -> String {
        format!("PID {} on {} ({})", self.pid, self.socket.display(), self.ours.join(", "))
    }

    /// How to end what is of this town there, and nothing else.
    fn end(&self) -> String {
        let socket = self.socket.display();
        if self.others == 0 {
            return format!("tmux -S {socket} kill-server");
        }
        let mut each = String::new();
        for (n, name) in self.ours.iter().enumerate() {
            let before = if n == 0 { "" } else { "; " };
            let _ = write!(each, "{before}tmux -S {socket} kill-session -t '={name}'");
        }
        each
    }
}

impl Check {
    pub fn server(&mut self, snapshot: &Snapshot) -> Result<(), Stopped> {
        let Some(socket) = self.world.socket().cloned() else { return Ok(()) };
        let default = directory();
        let file = |socket: &Socket| match socket {
            Socket::Default => default.join("default"),
            Socket::Name(name) => default.join(name),
            Socket::Path(path) => PathBuf::from(path),
        };
        let own = file(&socket);
        if let (Socket::Default | Socket::Name(_), Some(dir)) = (&socket, own.parent()) {
            self.directory(dir);
        }
        let names = agent_names(snapshot);
        let served = self.ask(&own, &names)?;
        match &served {
            Ok(Some(server)) => {
                let all = count((server.ours.len() + server.others) as u64, "session");
                let found = format_args!("{}: PID {}, tmux {}, {all}", own.display(), server.pid, server.version);
                self.findings.good("tmux server", found);
                self.compare_versions(server);
            }
            Ok(None) => self.findings.good("tmux server", format_args!("{}: none runs", own.display())),
            // What is wrong with it is among the complaints.
            Err(why) if why.contains("protocol version") => {
                self.findings.fault(
                    "tmux server",
                    format_args!("{}: {why}", own.display()),
                    format_args!("put the tmux that started the server first in PATH of gtd"),
                );
            }
            Err(_) => {}
        }
        let mut known = vec![real(&own)];
        // Whoever lives where this or another Gas Town would have the town has been told of: gtd starts nobody beside him.
        if let Elsewhere::Somebody { .. } = snapshot.elsewhere {
            for (socket, _) in self.world.places(true) {
                known.push(real(&file(&socket)));
            }
        }
        self.other_servers((&own, &known), served.ok().flatten().as_ref(), &names)
    }

    /// tmux makes it where it is missing, and refuses one that others may use.
    fn directory(&self, dir: &Path) {
        let shown = dir.display();
        if let Some(set) = env::var_os("TMUX_TMPDIR").filter(|set| !set.is_empty() && !Path::new(set).is_dir()) {
            let found = format_args!("TMUX_TMPDIR is {}, which is no directory; tmux uses {shown}", set.display());
            self.findings.note(
                "tmux server",
                found,
                format_args!("make it, or take TMUX_TMPDIR out of gtd's environment"),
            );
        }
        let Ok(meta) = fs::symlink_metadata(dir) else { return };
        let (user, mode) = (raw::user_id(), meta.mode() & 0o777);
        if !meta.is_dir() {
            self.findings.fault("tmux server", format_args!("{shown} is no directory"), format_args!("rm {shown}"));
        } else if meta.uid() != user {
            let found = format_args!("{shown} belongs to another user (UID {}); tmux refuses it", meta.uid());
            self.findings.fault("tmux server", found, format_args!("chown {user} {shown}"));
        } else if mode & 0o007 != 0 {
            let found = format_args!("{shown} is open to other users (mode {mode:o}); tmux refuses it");
            self.findings.fault("tmux server", found, format_args!("chmod 700 {shown}"));
        }
    }

    fn compare_versions(&self, server: &Server) {
        let client = self.tmux_version.as_deref().unwrap_or_default();
        let client = client.trim_start_matches("tmux ");
        if !client.is_empty() && client != server.version {
            let found = format_args!(
                "the server is {}, gtd's tmux is {client}; they may not understand each other",
                server.version
            );
            self.findings.note("tmux server", found, format_args!("restart the server when its agents may be ended"));
        }
    }

    /// The user's other servers: where the town lives there too, its agents are there twice.
    fn other_servers(
        &mut self,
        (own, known): (&Path, &[PathBuf]),
        served: Option<&Server>,
        names: &SortedSet<String>,
    ) -> Result<(), Stopped> {
        for socket in sockets().into_iter().filter(|socket| !known.contains(socket)).take(MOST) {
            let other = match self.ask(&socket, names)? {
                Ok(Some(server)) if !server.ours.is_empty() => server,
                Err(why) => {
                    self.findings.note(
                        "tmux server",
                        format_args!("another of this user does not answer: {}: {why}", socket.display()),
                        format_args!("if nobody needs it, end it and remove its socket"),
                    );
                    continue;
                }
                Ok(_) => continue,
            };
            let (shown, end) = (other.shown(), other.end());
            match served.filter(|server| !server.ours.is_empty()) {
                Some(server) => self.findings.fault(
                    "tmux server",
                    format_args!("this town lives on two: {}, and {shown}; gtd looks after the first", server.shown()),
                    format_args!("end the second: {end}"),
                ),
                None => self.findings.fault(
                    "tmux server",
                    format_args!(
                        "this town lives on another one: {shown}; gtd uses {}, and would start it again there",
                        own.display()
                    ),
                    format_args!("start gtd with the same TMUX_TMPDIR, set gtd.tmux_socket, or end it: {end}"),
                ),
            }
        }
        Ok(())
    }

    /// What a server has; `None` if there is none behind the socket. A session that is not marked is the town's if it has an
    /// agent's name: a person may have others below the town's root.
    fn ask(&mut self, socket: &Path, names: &SortedSet<String>) -> Result<Result<Option<Server>, String>, Stopped> {
        let Some(tmux) = self.world.tools.tmux.clone().filter(|_| self.answering.contains(&"tmux")) else {
            return Ok(Ok(None));
        };
        let command = Command::new(tmux, self.time(OTHER))
            .args(&["-u", "-S"])
            .arg(socket)
            .args(&["list-sessions", "-F", FORMAT])
            .called("tmux list-sessions")
            .without(&SCRUBBED);
        let output = match command.run(&mut self.world.attention)? {
            Ok(output) if output.success => output,
            Ok(output) if NOBODY.iter().any(|words| output.stderr.contains(words)) => return Ok(Ok(None)),
            Ok(output) => return Ok(Err(output.complaint())),
            Err(failure) => return Ok(Err(failure.to_string())),
        };
        let mut server = None;
        for line in output.stdout.lines() {
            let &[pid, version, name, mark, path] = line.splitn(5, '\t').collect::<Vec<_>>().as_slice() else {
                continue;
            };
            let server = server.get_or_insert_with(|| Server {
                socket: socket.to_owned(),
                pid: pid.to_owned(),
                version: version.to_owned(),
                ours: Vec::new(),
                others: 0,
            });
            let root = &self.world.real_root;
            let is_below = || fs::canonicalize(path).is_ok_and(|real| real.starts_with(root));
            let is_ours = match mark {
                "" => names.contains(name) && is_below(),
                mark => Path::new(mark) == root,
            };
            match is_ours {
                true => server.ours.push(name.to_owned()),
                false => server.others += 1,
            }
        }
        Ok(Ok(server))
    }
}

/// Where tmux has the sockets of this user.
fn directory() -> PathBuf {
    let set = env::var_os("TMUX_TMPDIR").filter(|set| !set.is_empty());
    let base = set.and_then(|set| fs::canonicalize(set).ok()).unwrap_or_else(|| PathBuf::from("/tmp"));
    base.join(format!("tmux-{}", raw::user_id()))
}

/// A path without symbolic links, as far as these can be followed.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// All sockets of this user, without symbolic links. Somebody else's could make gtd wait.
fn sockets() -> SortedSet<PathBuf> {
    let user = raw::user_id();
    let mut sockets = SortedSet::new();
    for dir in [directory(), Path::new("/tmp").join(format!("tmux-{user}"))] {
        let Ok(dir) = fs::canonicalize(dir) else { continue };
        for name in files::names(&dir) {
            let path = dir.join(name);
            if fs::metadata(&path).is_ok_and(|meta| meta.file_type().is_socket() && meta.uid() == user) {
                sockets.insert(path);
            }
        }
    }
    sockets
}

/// What the town's agents' sessions are called, by whichever generation.
fn agent_names(snapshot: &Snapshot) -> SortedSet<String> {
    let mut names = SortedSet::new();
    for table in Generation::ALL.map(Generation::table) {
        names.insert(table.agent(&snapshot.root, AgentId::Deacon, None).session);
        for rig in &snapshot.rigs {
            for id in [AgentId::Witness(rig.name.clone()), AgentId::Refinery(rig.name.clone())] {
                names.insert(table.agent(&snapshot.root, id, Some(rig)).session);
            }
        }
    }
    debug_assert!(snapshot.agents.iter().all(|a| a.id.role() == Role::Mayor || names.contains(&a.session)));
    names
}
