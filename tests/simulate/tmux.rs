//! A tmux server: sessions and panes with numbers that begin anew with each server, and programs with PIDs that are used again.

use gtd::town::plan::PaneRef;
use gtd::town::process::Process;
use gtd::town::snapshot::Ended;
use std::collections::BTreeMap;

/// PIDs come round again after so many, so that a dead program's number is soon another one's.
const PIDS: u32 = 3_000;

/// Who runs in a pane, by truth and not by mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The agent of this session.
    Agent(String),
    /// A spawned worker.
    Worker,
    /// A person, or another town's agent: nothing of gtd's.
    Other,
}

/// What a pane holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Program,
    Shell,
    Nothing(Ended),
}

#[derive(Clone, Debug)]
pub struct Pane {
    pub id: u32,
    pub process: Process,
    pub holds: Holds,
    /// Whether the program was typed into a shell, which stays when it ends.
    pub in_shell: bool,
    /// Whether the pane stays when its program ends.
    pub remains: bool,
    pub mark: Option<String>,
    pub owner: Owner,
    /// In wall-clock seconds.
    pub output: i64,
    /// Whether it prints all the time.
    pub busy: bool,
    /// Whether it reads no keys and prints nothing.
    pub hung: bool,
    /// Bytes that were typed and not read.
    pub unread: u32,
    pub in_mode: bool,
    pub synchronized: bool,
    /// What a worker shows.
    pub screen: String,
}

#[derive(Clone, Debug)]
pub struct Session {
    pub town: Option<String>,
    pub path: &'static str,
    pub attached: u32,
    /// In wall-clock seconds.
    pub last_input: i64,
    /// Whether somebody types all the time.
    pub typing: bool,
    /// Whether the line that describes it cannot be read.
    pub unreadable: bool,
    pub panes: Vec<Pane>,
}

#[derive(Clone, Debug, Default)]
pub struct Tmux {
    pub sessions: BTreeMap<String, Session>,
    pub server: Option<Process>,
    next_pane: u32,
    next_pid: u32,
}

impl Tmux {
    /// A process that begins at `tick`.
    pub fn process(&mut self, tick: u64) -> Process {
        loop {
            self.next_pid = self.next_pid % PIDS + 1;
            let pid = 300 + self.next_pid;
            let taken = |pane: &Pane| pane.process.pid == pid && !matches!(pane.holds, Holds::Nothing(_));
            let used = self.sessions.values().flat_map(|session| &session.panes).any(taken);
            if !used && self.server.is_none_or(|server| server.pid != pid) {
                return Process { pid, start: tick / 10 + 1 };
            }
        }
    }

    /// A pane with a program in it, which is in no session yet. Makes the server, where there is none.
    pub fn pane(&mut self, owner: Owner, tick: u64, wall: i64) -> Pane {
        if self.server.is_none() {
            self.server = Some(self.process(tick));
            self.next_pane = 0;
        }
        let id = self.next_pane;
        self.next_pane += 1;
        Pane {
            id,
            process: self.process(tick),
            holds: Holds::Program,
            in_shell: false,
            remains: false,
            mark: None,
            owner,
            output: wall,
            busy: false,
            hung: false,
            unread: 0,
            in_mode: false,
            synchronized: false,
            screen: String::new(),
        }
    }

    /// The pane that a guarded line finds.
    pub fn guarded(&mut self, wanted: &PaneRef) -> Option<&mut Pane> {
        let session = self.sessions.get_mut(&wanted.session)?;
        let same = |pane: &&mut Pane| {
            pane.id == wanted.id
                && pane.process.pid == wanted.process.pid
                && pane.mark.as_deref().unwrap_or_default() == wanted.mark
        };
        session.panes.iter_mut().find(same)
    }

    /// Whether this very process lives.
    pub fn lives(&self, process: Process) -> bool {
        self.programs().any(|pane| pane.process == process)
    }

    /// The panes that hold something.
    pub fn programs(&self) -> impl Iterator<Item = &Pane> {
        let panes = self.sessions.values().flat_map(|session| &session.panes);
        panes.filter(|pane| !matches!(pane.holds, Holds::Nothing(_)))
    }

    /// A program ends: by itself, or, with all that is below it, by a signal. Says whether its pane's process ended.
    pub fn end(&mut self, process: Process, how: Ended) -> bool {
        let by_itself = matches!(how, Ended::Status(_));
        let mut ended = false;
        for session in self.sessions.values_mut() {
            session.panes.retain_mut(|pane| {
                if pane.process != process || matches!(pane.holds, Holds::Nothing(_)) {
                    return true;
                }
                if by_itself && pane.in_shell && pane.holds == Holds::Program {
                    pane.holds = Holds::Shell;
                    return true;
                }
                ended = true;
                pane.holds = Holds::Nothing(how);
                pane.remains
            });
        }
        self.tidy();
        ended
    }

    /// Ends a session with all that is in it; says which processes ended.
    pub fn kill_session(&mut self, name: &str) -> Vec<Process> {
        let session = self.sessions.remove(name);
        self.tidy();
        let panes = session.into_iter().flat_map(|session| session.panes);
        panes.filter(|pane| !matches!(pane.holds, Holds::Nothing(_))).map(|pane| pane.process).collect()
    }

    pub fn kill_server(&mut self) -> Vec<Process> {
        let ended = self.programs().map(|pane| pane.process).collect();
        self.sessions.clear();
        self.server = None;
        ended
    }

    pub fn kill_pane(&mut self, name: &str, id: u32) {
        if let Some(session) = self.sessions.get_mut(name) {
            session.panes.retain(|pane| pane.id != id);
        }
        self.tidy();
    }

    /// A session ends with its last pane, and the server with its last session.
    fn tidy(&mut self) {
        self.sessions.retain(|_, session| !session.panes.is_empty());
        if self.sessions.is_empty() {
            self.server = None;
        }
    }
}
