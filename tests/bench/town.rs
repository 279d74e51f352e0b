//! A town in a directory of its own, on a tmux server of its own, with as many live agents as are wanted.
//!
//! The agents are small shell programs that echo what they read; `bd` and `gt` answer at once. All sessions are made by one
//! tmux script: gtd itself starts five every two seconds, and a thousand would take it seven minutes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The gtd that is measured, unless a static one is wanted.
pub const GTD: &str = env!("CARGO_BIN_EXE_gtd");

/// How a town differs from one of whose daemon nothing is wanted but what it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm<'a> {
    /// From look to look.
    pub look: &'a str,
    /// From heartbeat to heartbeat.
    pub heartbeat: &'a str,
    /// Whether agents are poked in one.
    pub pokes: bool,
}

impl Default for Rhythm<'_> {
    fn default() -> Self {
        Rhythm { look: "1h", heartbeat: "1h", pokes: true }
    }
}

/// See above. It ends with all that it has started.
pub struct Town {
    dir: tempfile::TempDir,
    env: BTreeMap<&'static str, String>,
    /// The agents' sessions and directories, the Deacon first.
    agents: Vec<(String, PathBuf)>,
    /// What `daemon.json` says of Refineries.
    refinery: String,
}

impl Town {
    /// A Deacon, and a Witness and a Refinery for each rig: a thousand agents live in 500 rigs.
    pub fn new(agents: usize, rhythm: Rhythm) -> Town {
        let rigs: Vec<String> = (0..agents / 2).map(|n| format!("rig{n}")).collect();
        let refineries = rigs.iter().take(agents.saturating_sub(1 + rigs.len()));
        let of_rigs = |role: &'static str| {
            move |rig: &String| {
                (format!("gt-{rig}-{role}"), format!("{rig}/{role}{}", if role == "refinery" { "/rig" } else { "" }))
            }
        };
        let patrols = rigs.iter().map(of_rigs("witness")).chain(refineries.clone().map(of_rigs("refinery")));
        let deacon = ("gt-deacon".to_owned(), "deacon".to_owned());
        let with_refinery: Vec<String> = refineries.map(|rig| format!("{rig:?}")).collect();
        let refinery = match with_refinery.as_slice() {
            [] => "{}".to_owned(),
            rigs => format!("{{\"enabled\":true,\"rigs\":[{}]}}", rigs.join(",")),
        };
        Town::with(&rigs, std::iter::once(deacon).chain(patrols).collect(), &refinery, rhythm)
    }

    /// A Deacon, and a Witness for each rig, as in a town that nobody has configured.
    pub fn of_rigs(rigs: usize, rhythm: Rhythm) -> Town {
        let rigs: Vec<String> = (0..rigs).map(|n| format!("rig{n}")).collect();
        let witness = |rig: &String| (format!("gt-{rig}-witness"), format!("{rig}/witness"));
        let agents = [("gt-deacon".to_owned(), "deacon".to_owned())].into_iter().chain(rigs.iter().map(witness));
        Town::with(&rigs, agents.collect(), "{}", rhythm)
    }

    fn with(rigs: &[String], agents: Vec<(String, String)>, refinery: &str, rhythm: Rhythm) -> Town {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |path: &str| dir.path().join(path).display().to_string();
        for sub in ["town/mayor", "bin", "tmux", "home"] {
            fs::create_dir_all(dir.path().join(sub)).expect("made");
        }
        let env = BTreeMap::from([
            ("PATH", format!("{}:{}", at("bin"), std::env::var("PATH").unwrap_or_default())),
            ("TMUX_TMPDIR", at("tmux")),
            ("HOME", at("home")),
            ("SHELL", "/bin/sh".to_owned()),
        ]);
        let agents = agents.into_iter().map(|(session, sub)| (session, dir.path().join("town").join(sub))).collect();
        let town = Town { dir, env, agents, refinery: refinery.to_owned() };
        for (_, dir) in &town.agents {
            fs::create_dir_all(dir).expect("made");
        }
        town.program("agent", "while printf '> ' && IFS= read -r line; do echo \"got $line\"; done");
        town.program("bd", "echo '[]'");
        town.program("gt", "[ \"$1\" = mail ] && echo null || echo 'gt version 0.1.0'");
        town.write("mayor/town.json", "{}");
        let rigs: Vec<String> = rigs.iter().map(|rig| format!("\"{rig}\":{{}}")).collect();
        town.write("mayor/rigs.json", &format!("{{\"rigs\":{{{}}}}}", rigs.join(",")));
        town.keep(rhythm);
        town.start_agents();
        town
    }

    /// Has every gtd that starts from now on keep this rhythm.
    pub fn keep(&self, rhythm: Rhythm) {
        let Rhythm { look, heartbeat, pokes } = rhythm;
        let (refinery, agent) = (&self.refinery, self.path("bin/agent"));
        self.write(
            "mayor/daemon.json",
            &format!(
                "{{\"heartbeat\":{{\"interval\":\"{heartbeat}\",\"enabled\":{pokes}}},\"patrols\":{{\"refinery\":{refinery}}},\
                 \"gtd\":{{\"agent_command\":\"exec {}\",\"look_interval\":\"{look}\",\"restart\":{{\"grace\":\"0s\"}}}}}}",
                agent.display(),
            ),
        );
    }

    /// Brings all agents up, and waits until each has shown its prompt and one heartbeat has marked them all.
    fn start_agents(&self) {
        let agent = self.path("bin/agent");
        let line = |(session, dir): &(String, PathBuf)| {
            format!("new-session -d -s {session} -c '{}' 'exec {}'\n", dir.display(), agent.display())
        };
        let first = "set-option -g remain-on-exit on\nset-option -g history-limit 100\n".to_owned();
        // One to begin with, since a script needs a server.
        self.tmux(&["new-session", "-d", "-s", "first"]);
        self.script(&self.agents.iter().map(line).fold(first, |script, line| script + &line));
        self.tmux(&["kill-session", "-t", "=first:"]);
        self.wait_for_agents();
        self.run(&["--once"]);
    }

    /// Starts all agents in their panes again.
    pub fn start_again(&self) {
        let line = |(session, _): &(String, PathBuf)| format!("respawn-pane -k -t '={session}:'\n");
        self.script(&self.agents.iter().map(line).collect::<String>());
        self.wait_for_agents();
    }

    /// Waits until each has shown its prompt.
    fn wait_for_agents(&self) {
        let shown = || {
            let panes = self.tmux(&["list-panes", "-a", "-F", "#{pane_dead} #{cursor_x}"]);
            panes.lines().filter(|pane| *pane == "0 2").count()
        };
        wait_until(|| shown() == self.agents.len());
    }

    /// How many agents there are.
    pub fn size(&self) -> usize {
        self.agents.len()
    }

    /// A path below the directory of everything.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file of the town.
    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.path("town").join(path), text).expect("written");
    }

    /// Puts a shell program in the way of gtd and the agents.
    pub fn program(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("made executable");
    }

    /// The daemon's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("town/daemon/daemon.log")).unwrap_or_default()
    }

    /// How often the log says something.
    pub fn said(&self, text: &str) -> usize {
        self.log().matches(text).count()
    }

    /// What the state says under a key, up to the next one.
    pub fn state(&self, key: &str) -> String {
        let state = fs::read_to_string(self.path("town/daemon/state.json")).unwrap_or_default();
        let after = state.split_once(&format!("\"{key}\":")).map_or("", |(_, after)| after);
        after.split(['}', ',']).next().unwrap_or_default().to_owned()
    }

    /// Any program, in the town's environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.env);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A gtd that serves this town.
    pub fn gtd(&self, gtd: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
        let mut command = self.command(gtd);
        command.arg("--town").arg(self.path("town")).args(args);
        command
    }

    /// Runs gtd to its end.
    pub fn run(&self, args: &[&str]) {
        let status = self.gtd(GTD, args).status().expect("gtd");
        assert!(status.success(), "gtd {args:?}: {status}\n{}", self.log());
    }

    /// A daemon that has had its first heartbeat and is idle.
    pub fn daemon(&self, gtd: impl AsRef<std::ffi::OsStr>) -> Child {
        let before = self.said("Next heartbeat");
        let child = self.gtd(gtd, &[]).spawn().expect("gtd");
        wait_until(|| self.said("Next heartbeat") > before);
        // The state is saved after that line.
        wait_until(|| self.state("pid") == child.id().to_string());
        // And after that it cleans up. It is idle when its main thread sleeps, and goes on sleeping.
        let stat = format!("/proc/{0}/task/{0}/stat", child.id());
        let sleeps = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") S "));
        wait_until(|| {
            (0..10).all(|_| {
                std::thread::sleep(Duration::from_millis(5));
                sleeps()
            })
        });
        child
    }

    /// Stops the daemon.
    pub fn stop(&self, mut daemon: Child) {
        self.run(&["--stop"]);
        let _ = daemon.wait();
    }

    /// What one `bd` and one `gt` take, run alone.
    pub fn time_of_tools(&self) -> Duration {
        let start = Instant::now();
        for (tool, arg) in [("bin/bd", "show"), ("bin/gt", "mail")] {
            let _ = self.command(self.path(tool)).arg(arg).status();
        }
        start.elapsed()
    }

    /// What a tmux command prints.
    pub fn tmux(&self, args: &[&str]) -> String {
        let output = self.command(which("tmux")).args(args).stdout(Stdio::piped()).output().expect("tmux");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn script(&self, text: &str) {
        let mut command = self.command(which("tmux"));
        let mut child = command.args(["source-file", "-"]).stdin(Stdio::piped()).spawn().expect("tmux");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
        assert!(child.wait().expect("tmux").success());
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        let _ = self.gtd(GTD, &["--stop"]).status();
        self.tmux(&["kill-server"]);
    }
}

/// Waits for something that takes a while.
#[track_caller]
pub fn wait_until(condition: impl FnMut() -> bool) {
    poll(Duration::from_millis(10), condition);
}

/// Waits for something that takes milliseconds.
#[track_caller]
pub fn spin_until(condition: impl FnMut() -> bool) {
    poll(Duration::from_micros(500), condition);
}

/// Waits for something that is looked for this often.
#[track_caller]
pub fn poll(step: Duration, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "waited for a minute");
        std::thread::sleep(step);
    }
}

/// A program of the machine's, if it is there.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| Path::is_file(file))
}

/// A program of the machine's without which nothing can be measured.
pub fn which(name: &str) -> PathBuf {
    find(name).unwrap_or_else(|| panic!("{name} is needed"))
}
