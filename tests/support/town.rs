//! A town in a directory of its own, with a tmux server that nobody else uses. All that a test starts ends with it.

use super::fakes::{self, Mode};
use super::limit::{Watchdog, wait_until};
use super::process;
use super::program::{GTD, Gtd, Ran, bare};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;
use tempfile::TempDir;

/// A town.
#[derive(Debug)]
pub struct Town {
    dir: TempDir,
    /// The town's root.
    pub root: PathBuf,
    /// The first directory of `PATH`: the fakes.
    pub bin: PathBuf,
    /// What the fakes are told, and what they note.
    pub notes: PathBuf,
    /// The home directory.
    pub home: PathBuf,
    /// Where tmux has its sockets.
    pub sockets: PathBuf,
    env: BTreeMap<String, String>,
    config: Value,
    _watchdog: Watchdog,
}

impl Town {
    /// A town of the seed's time with these rigs, quick in everything. `bd` answers as it does in a fresh town.
    pub fn new(rigs: &[&str]) -> Town {
        Town::build("t", rigs, None)
    }

    /// The same on the tmux server of another town.
    pub fn beside(other: &Town, rigs: &[&str]) -> Town {
        Town::build("t", rigs, Some(other.sockets.clone()))
    }

    /// A town whose root has this name.
    pub fn named(name: &str, rigs: &[&str]) -> Town {
        Town::build(name, rigs, None)
    }

    fn build(name: &str, rigs: &[&str], sockets: Option<PathBuf>) -> Town {
        // The name is short, since the path of a socket ends at 108 bytes.
        let dir = tempfile::Builder::new().prefix("g").rand_bytes(6).tempdir_in("/tmp").expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let (root, bin, notes, home) = (at(name), at("bin"), at("notes"), at("home"));
        let sockets = sockets.unwrap_or_else(|| at("x"));
        for made in [&root.join("mayor"), &root.join("deacon"), &bin, &notes, &home, &sockets] {
            fs::create_dir_all(made).expect("a directory");
        }
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
        let text = |path: &Path| path.to_str().expect("a plain path").to_owned();
        let env = [
            ("PATH", path),
            ("HOME", text(&home)),
            ("SHELL", "/bin/sh".to_owned()),
            ("TMUX_TMPDIR", text(&sockets)),
            ("LC_ALL", "C.UTF-8".to_owned()),
            // What marks everything that this test has started, whatever else is in its environment.
            ("GTD_TEST", text(dir.path())),
        ];
        let mut town = Town {
            _watchdog: Watchdog::start(dir.path()),
            env: env.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
            config: json!({
                "heartbeat": {"interval": "1s"},
                "gtd": {
                    "gastown": "seed",
                    "agent_command": text(&bin.join("agent")),
                    "look_interval": "200ms",
                    "restart": {"settle": "300ms", "first_delay": "500ms", "grace": "0s"},
                },
            }),
            dir,
            root,
            bin,
            notes,
            home,
            sockets,
        };
        fakes::install(&town.bin, &town.notes);
        town.answer_as_recorded("bd", "bd-show-deacon-after-prime");
        fs::copy(recorded_file("fresh-mayor_town.json"), town.root.join("mayor/town.json")).expect("a town");
        town.set_rigs(rigs);
        town.configure(json!({}));
        town
    }

    /// Writes `mayor/rigs.json`, and makes the directories of the Witnesses. `name=prefix` names a prefix.
    pub fn set_rigs(&self, rigs: &[&str]) {
        let entry = |rig: &&str| {
            let (name, prefix) = rig.split_once('=').unwrap_or((rig, "gt"));
            fs::create_dir_all(self.root.join(name).join("witness")).expect("a directory");
            (name.to_owned(), json!({"git_url": "x", "beads": {"repo": "", "prefix": prefix}}))
        };
        let rigs: serde_json::Map<String, Value> = rigs.iter().map(entry).collect();
        self.write("mayor/rigs.json", &json!({"version": 1, "rigs": rigs}).to_string());
    }

    /// Changes the configuration: what `change` does not name stays, `null` takes a key out. A gtd that runs reads it
    /// on SIGHUP.
    pub fn configure(&mut self, change: Value) {
        merge(&mut self.config, change);
        self.write("mayor/daemon.json", &self.config.to_string());
    }

    /// Writes a file of the town in one step.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        fakes::replace(&path, text);
    }

    /// Removes a file of the town.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.root.join(name)).expect("removed");
    }

    /// Reads a file of the town; empty where there is none.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root.join(name)).unwrap_or_default()
    }

    /// Sets a variable for all that is started from now on.
    pub fn set_env(&mut self, key: &str, value: &str) {
        self.env.insert(key.to_owned(), value.to_owned());
    }

    /// A command with the environment of this town, in its root.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = bare(program);
        command.envs(&self.env).current_dir(&self.root);
        command
    }

    /// A gtd with the environment of this town, in its root.
    pub fn gtd(&self, args: &[&str]) -> Command {
        let mut command = self.command(GTD);
        command.args(args);
        command
    }

    /// Runs gtd to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.gtd(args))
    }

    /// Starts gtd in the foreground.
    pub fn start(&self) -> Gtd {
        Gtd::start(self.gtd(&[]))
    }

    /// Starts gtd in the foreground, and waits until it has done its first heartbeat.
    pub fn up(&self) -> Gtd {
        let done = self.heartbeats_done();
        let gtd = self.start();
        self.wait_for_heartbeats_after(done, 1);
        gtd
    }

    /// The log.
    pub fn log(&self) -> String {
        self.read("daemon/daemon.log")
    }

    /// How many lines of the log hold `text`.
    pub fn logged(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Waits until the log holds `text`.
    pub fn wait_for_log(&self, text: &str) {
        wait_until(&format!("the log says: {text}"), || self.logged(text) > 0);
    }

    /// How many heartbeats the log tells of.
    pub fn heartbeats_done(&self) -> usize {
        self.logged("Heartbeat complete")
    }

    /// Waits until `more` heartbeats are complete.
    pub fn wait_for_heartbeats(&self, more: usize) {
        self.wait_for_heartbeats_after(self.heartbeats_done(), more);
    }

    fn wait_for_heartbeats_after(&self, done: usize, more: usize) {
        wait_until(&format!("{more} more heartbeats"), || self.heartbeats_done() >= done + more);
    }

    /// `daemon/state.json`; `null` where there is none.
    pub fn state(&self) -> Value {
        serde_json::from_str(&self.read("daemon/state.json")).unwrap_or(Value::Null)
    }

    /// The word that the state has for an agent.
    pub fn word_for(&self, agent: &str) -> String {
        let agents = || self.state()["gtd"]["agents"].as_array().cloned().unwrap_or_default();
        // A daemon that has just started has judged nobody; what it makes of its first look is saved after it is said.
        wait_until("somebody was judged", || !agents().is_empty());
        let agents = agents();
        let found = agents.iter().find(|entry| entry["agent"] == agent);
        found.and_then(|entry| entry["state"].as_str()).unwrap_or("not there").to_owned()
    }

    /// Waits until the state has this word for an agent: it is saved after what happens is done, and said.
    pub fn wait_for_word(&self, agent: &str, word: &str) {
        wait_until(&format!("{agent} is {word}"), || self.word_for(agent) == word);
    }

    /// tmux, talking to the town's server whatever gtd is made to believe.
    pub fn tmux_command(&self) -> Command {
        let mut command = self.command("/usr/bin/env");
        command.env_remove("TMUX").args(["tmux", "-u"]);
        command
    }

    /// Runs a script on the town's tmux server, as gtd does: many commands in one process, read from stdin.
    pub fn tmux_script(&self, script: &str) -> Ran {
        let file = self.notes.join("script");
        fs::write(&file, script).expect("written");
        let mut command = self.command("/bin/sh");
        command.env_remove("TMUX").args(["-c", "exec tmux -u source-file - <\"$0\""]).arg(&file);
        Ran::of(command)
    }

    /// Runs tmux on the town's server; `None` if it fails.
    pub fn try_tmux(&self, args: &[&str]) -> Option<String> {
        let mut command = self.tmux_command();
        command.args(args);
        let ran = Ran::of(command);
        (ran.status == 0).then(|| ran.stdout.trim_end_matches('\n').to_owned())
    }

    /// Runs tmux on the town's server.
    pub fn tmux(&self, args: &[&str]) -> String {
        self.try_tmux(args).unwrap_or_else(|| panic!("tmux {args:?} failed"))
    }

    /// Whether there is a session of this name.
    pub fn has_session(&self, name: &str) -> bool {
        self.try_tmux(&["has-session", "-t", &format!("={name}")]).is_some()
    }

    /// What a format gives for the agent's pane of a session, or for its only one.
    pub fn pane(&self, session: &str, format: &str) -> Option<String> {
        let format = format!("#{{@gtd_agent}}\t{format}");
        let panes = self.try_tmux(&["list-panes", "-s", "-t", &format!("={session}"), "-F", &format])?;
        let marked = panes.lines().find_map(|line| line.strip_prefix(&format!("{session}\t")));
        marked.or_else(|| panes.lines().next()?.split_once('\t').map(|(_, value)| value)).map(str::to_owned)
    }

    /// The PIDs of all programs that an agent has had, the last one last.
    pub fn pids(&self, agent: &str) -> Vec<u32> {
        let text = fs::read_to_string(self.notes.join(format!("{agent}.pids"))).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// The PID of an agent's living program.
    pub fn pid(&self, agent: &str) -> Option<u32> {
        self.pids(agent).last().copied().filter(|pid| process::is_alive(*pid))
    }

    /// Waits until an agent has a living program other than `than`, and returns its PID.
    pub fn wait_for_agent(&self, agent: &str, than: Option<u32>) -> u32 {
        let mut found = 0;
        wait_until(&format!("{agent} lives (and is not {than:?})"), || {
            found = self.pid(agent).filter(|pid| Some(*pid) != than).unwrap_or(0);
            found != 0
        });
        found
    }

    /// The lines that an agent's program has heard, or all of its programs.
    pub fn heard(&self, agent: &str, pid: Option<u32>) -> Vec<String> {
        let text = fs::read_to_string(self.notes.join(format!("{agent}.heard"))).unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let wanted = lines.filter(|(from, _)| pid.is_none_or(|pid| *from == pid.to_string()));
        wanted.map(|(_, line)| line.to_owned()).collect()
    }

    /// The environment of an agent's last program, and where it stands.
    pub fn environment(&self, agent: &str) -> BTreeMap<String, String> {
        let read = |what: &str| fs::read_to_string(self.notes.join(format!("{agent}.{what}"))).unwrap_or_default();
        let env = read("env");
        let mut pairs: BTreeMap<String, String> =
            env.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        pairs.insert("(cwd)".to_owned(), read("cwd").trim_end().to_owned());
        pairs
    }

    /// The arguments of an agent's last program, itself first.
    pub fn arguments(&self, agent: &str) -> Vec<String> {
        let text = fs::read_to_string(self.notes.join(format!("{agent}.argv"))).unwrap_or_default();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    /// Tells an agent how to behave from its next start on: `echo`, `exit N`, `stubborn`, `family` (stubborn, with
    /// children that are so, one of them in a session of its own), `menu`, `deaf` (reads nothing and says nothing), `dozing`
    /// (the same until its window is resized).
    pub fn set_agent(&self, agent: &str, mode: &str) {
        fakes::replace(&self.notes.join(format!("{agent}.mode")), &format!("{mode}\n"));
    }

    /// Tells `bd` or `gt` how to behave.
    pub fn set_mode(&self, tool: &str, mode: Mode) {
        fakes::set_mode(&self.notes, tool, mode, 0);
    }

    /// Tells `bd` or `gt` what to answer.
    pub fn answer(&self, tool: &str, stdout: &str, stderr: &str, status: i32) {
        fakes::answer(&self.notes, tool, stdout, stderr, status);
    }

    /// Tells `bd` or `gt` to answer as one of their calls was recorded.
    pub fn answer_as_recorded(&self, tool: &str, recorded: &str) {
        fakes::answer_as_recorded(&self.notes, tool, recorded);
    }

    /// The calls of `bd` or `gt` so far: the arguments of each.
    pub fn calls(&self, tool: &str) -> Vec<String> {
        let text = fs::read_to_string(self.notes.join(format!("{tool}.calls"))).unwrap_or_default();
        text.lines().filter_map(|line| Some(line.split_once(' ')?.1.to_owned())).collect()
    }

    /// The town's processes whose command line holds `text`.
    pub fn processes(&self, text: &str) -> Vec<process::Process> {
        let all = process::all_of(self.dir.path());
        all.into_iter().filter(|process| process.line.contains(text)).collect()
    }

    /// Waits until no process of the town's has `text` in its command line: what was killed is seen until the kernel has
    /// taken it down.
    pub fn wait_for_end_of(&self, text: &str) {
        wait_until(&format!("nothing of {text:?} is left"), || self.processes(text).is_empty());
    }

    /// All that helps to understand why a test failed.
    pub fn story(&self) -> String {
        let panes = "#{session_name} #{pane_id} pid=#{pane_pid} dead=#{pane_dead} #{pane_current_command} \
                     agent=#{@gtd_agent} town=#{@gtd_town} #{session_path}";
        let ask = |command: Command| Ran::of(command).to_string();
        let mut tmux = self.tmux_command();
        tmux.args(["list-panes", "-a", "-F", panes]);
        let processes = self.processes("").iter().map(|p| format!("{} {}\n", p.pid, p.line)).collect::<String>();
        format!(
            "=== {}\n{}\n=== gtd --status: {}\n=== tmux list-panes: {}\n=== processes\n{processes}",
            self.root.display(),
            self.log(),
            ask(self.gtd(&["--status"])),
            ask(tmux),
        )
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.story());
        }
        process::kill_all_of(self.dir.path());
    }
}

/// A file as Gas Town left it.
pub fn recorded_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/seed").join(name)
}

/// A merge patch: objects are merged, `null` removes, everything else replaces.
fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert_with(|| json!({})), value);
                }
            }
        }
        (into, change) => *into = change,
    }
}

/// Every file below a directory, with its size and time.
pub fn listing(dir: &Path) -> Vec<(String, u64, SystemTime)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let meta = dir.symlink_metadata().expect("metadata");
        found.push((dir.display().to_string(), meta.len(), meta.modified().expect("a time")));
        if meta.is_dir() {
            open.extend(fs::read_dir(&dir).expect("a listing").map(|entry| entry.expect("an entry").path()));
        }
    }
    found.sort();
    found
}
