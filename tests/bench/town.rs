//! `make bench`: what a heartbeat, a look and an idle daemon cost, beside the budgets.
//!
//! Each figure is taken on a real tmux server of its own with N live agents, which are small shell programs that echo what
//! they read. `bd` and `gt` answer at once, and what they take is measured beside and taken off. Processes are counted by the kernel, through
//! strace. Times are of the whole program, `gtd --once`, from its start to its end: a heartbeat of a daemon that runs
//! already is a little shorter.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often each time is taken; the median is shown with the spread.
const RUNS: usize = 7;

fn main() {
    // `cargo test --benches` would run it too.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let mut table = Table::default();
    eprintln!("measuring; this takes about three minutes");
    for (agents, seconds) in [(1, 0.33), (50, 0.35), (200, 0.45)] {
        let town = Town::new(agents);
        town.start_agents();
        heartbeat(&town, agents, seconds, &mut table);
    }
    let town = Town::new(3);
    town.start_agents();
    look(&town, &mut table);
    first_command(&town, &mut table);
    inbox(&town, &mut table);
    deaths(&mut table);
    memory(&town, &mut table);
    stop(&town, &mut table);
    table.print();
}

fn heartbeat(town: &Town, agents: usize, budget: f64, table: &mut Table) {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            town.run(&["--once"]);
            let all = start.elapsed();
            all.saturating_sub(town.time_of_tools()).as_secs_f64()
        })
        .collect();
    table.time(&format!("heartbeat, {agents} agents poked"), &mut times, budget, "s");
    let log = town.log();
    let last = log.lines().rev().take_while(|line| !line.ends_with("Heartbeat starting"));
    let poked = last.filter(|line| line.contains(" Poked ")).count();
    assert_eq!(poked, agents, "not every agent was poked:\n{log}");
    if let Some(trace) = town.traced(&["--once"]) {
        table.count(&format!("  processes in it, {agents} agents"), trace.len(), 8);
    }
}

/// Looks of a daemon between heartbeats: everything it runs after the first one.
fn look(town: &Town, table: &mut Table) {
    let Some(mut daemon) = town.trace(&[]) else { return };
    let began = |n: usize| move |trace: &[String]| trace.iter().filter(|line| line.contains("list-panes")).count() >= n;
    wait_until(|| began(12)(&town.trace_lines()));
    town.run(&["--stop"]);
    let _ = daemon.wait();
    let trace = town.trace_lines();
    // The first heartbeat ends with the mail; what follows are looks.
    let first = trace.iter().rposition(|line| line.contains("\"inbox\"")).map_or(0, |at| at + 1);
    let looks = trace[first..].iter().filter(|line| line.contains("list-panes")).count();
    table.count("processes in a look", (trace.len() - first).div_ceil(looks.max(1)), 1);
}

/// What 10,000 ordinary mails cost beyond `gt` itself.
fn inbox(town: &Town, table: &mut Table) {
    let mail = |n: usize| {
        let body = "Nothing that gtd would have to do. ".repeat(6);
        format!(
            "{{\"id\":\"gm-{n}\",\"from\":\"overseer\",\"subject\":\"Hello\",\"body\":\"{body}\",\"timestamp\":\"2026-01-01T00:00:00Z\"}}"
        )
    };
    let mails: Vec<String> = (0..10_000).map(mail).collect();
    let inbox = town.path("inbox.json");
    fs::write(&inbox, format!("[{}]", mails.join(","))).expect("written");
    let (gt, full) = (town.path("bin/gt"), format!("#!/bin/sh\n[ \"$1\" = mail ] && cat {}\n", inbox.display()));
    let empty = fs::read_to_string(&gt).expect("a program");
    let time = |program: &str| {
        write_program(&gt, program);
        let start = Instant::now();
        town.run(&["--once"]);
        let all = start.elapsed();
        all.saturating_sub(town.time_of_tools()).as_secs_f64() * 1e3
    };
    let mut times: Vec<f64> = (0..RUNS).map(|_| (time(&full) - time(&empty)).max(0.0)).collect();
    table.time("10,000 ordinary mails, beyond gt", &mut times, 100.0, "ms");
}

fn first_command(town: &Town, table: &mut Table) {
    let stamp = town.path("first-tmux");
    let tmux = town.path("bin/tmux");
    let script =
        format!("#!/bin/sh\n[ -e '{0}' ] || date +%s%N >'{0}'\nexec {1} \"$@\"\n", stamp.display(), which("tmux"));
    write_program(&tmux, &script);
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let _ = fs::remove_file(&stamp);
            let start = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
            town.run(&["--once"]);
            let first: u128 = fs::read_to_string(&stamp).expect("tmux was run").trim().parse().expect("nanoseconds");
            (first - start.as_nanos()) as f64 / 1e6
        })
        .collect();
    fs::remove_file(&tmux).expect("removed");
    table.time("from exec to the first tmux command (with the shell that notes it)", &mut times, 10.0, "ms");
}

/// How long it takes until a killed agent is in the log, and until it runs again, beyond settling.
fn deaths(table: &mut Table) {
    const TRIES: usize = 20;
    let town = Town::new(3);
    town.start_agents();
    // Nothing but the death itself can make this one look.
    let config = fs::read_to_string(town.path("town/mayor/daemon.json")).expect("a configuration");
    town.write("mayor/daemon.json", &config.replace("300ms", "1h"));
    let gtd = PathBuf::from(env!("CARGO_BIN_EXE_gtd"));
    let before = town.log().matches("Next heartbeat").count();
    let mut daemon = town.command(&gtd, &[]).spawn().expect("gtd");
    wait_until(|| town.log().matches("Next heartbeat").count() > before);
    let (mut said, mut back) = (Vec::new(), Vec::new());
    for n in 1..=TRIES {
        // So that no back-off is measured.
        town.run(&["--request", "reset", "deacon"]);
        wait_until(|| town.log().matches("reset of Deacon").count() == n);
        std::thread::sleep(Duration::from_millis(1200));
        let count = |text: &str| town.log().matches(text).count();
        let (gone, started) = (count("Deacon is gone"), count("Deacon session started"));
        let pid = town.tmux(&["list-panes", "-t", "=gt-deacon:", "-F", "#{pane_pid}"]);
        let start = Instant::now();
        let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
        spin_until(|| count("Deacon is gone") > gone);
        said.push(start.elapsed().as_secs_f64() * 1e3);
        spin_until(|| count("Deacon session started") > started);
        // In a pane that gtd has started, settling takes one second.
        back.push((start.elapsed().as_secs_f64() - 1.0) * 1e3);
    }
    town.run(&["--stop"]);
    let _ = daemon.wait();
    table.time("from an agent's death to the log (with the kill program)", &mut said, 50.0, "ms");
    table.time("from an agent's death to its restart, beyond settling", &mut back, 50.0, "ms");
}

fn memory(town: &Town, table: &mut Table) {
    let Some(gtd) = std::env::var_os("GTD_STATIC").map(PathBuf::from) else {
        table.missing("idle memory, static build", "set GTD_STATIC to a static build");
        return;
    };
    let mut daemon = town.command(&gtd, &[]).spawn().expect("gtd");
    wait_until(|| {
        town.state("looked_at") && town.log().ends_with("idle for 0s)\n") || town.log().contains("Next heartbeat")
    });
    std::thread::sleep(Duration::from_secs(2));
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.id())).expect("a process");
    let field = |name: &str| -> f64 {
        let line = status.lines().find(|line| line.starts_with(name)).expect("a field");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("kilobytes")
    };
    let resident = field("VmRSS:") / 1024.0;
    town.run(&["--stop"]);
    let _ = daemon.wait();
    table.time("idle memory, static build", &mut [resident], 1.6, "MB");
    let size = fs::metadata(&gtd).expect("a file").len() as f64 / 1e6;
    table.time("size, static build", &mut [size], 1.5, "MB");
}

fn stop(town: &Town, table: &mut Table) {
    let gtd = PathBuf::from(env!("CARGO_BIN_EXE_gtd"));
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let before = town.log().matches("Next heartbeat").count();
            let mut daemon = town.command(&gtd, &[]).spawn().expect("gtd");
            wait_until(|| town.log().matches("Next heartbeat").count() > before);
            let start = Instant::now();
            let _ = Command::new("kill").arg(daemon.id().to_string()).status();
            let _ = daemon.wait();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    table.time("from SIGTERM to exit, idle (with the kill program)", &mut times, 20.0, "ms");
}

/// The figures, in the order in which they were taken.
#[derive(Default)]
struct Table(Vec<[String; 4]>);

impl Table {
    fn time(&mut self, what: &str, values: &mut [f64], budget: f64, unit: &str) {
        values.sort_by(f64::total_cmp);
        let median = values[values.len() / 2];
        let (low, high) = (values[0], values[values.len() - 1]);
        let measured = if values.len() > 1 {
            format!("{median:.2} {unit} ({low:.2} to {high:.2})")
        } else {
            format!("{median:.2} {unit}")
        };
        let ratio = median / budget;
        self.0.push([what.to_owned(), format!("{budget} {unit}"), measured, format!("{ratio:.2}")]);
    }

    fn count(&mut self, what: &str, value: usize, budget: usize) {
        let ratio = value as f64 / budget as f64;
        self.0.push([what.to_owned(), budget.to_string(), value.to_string(), format!("{ratio:.2}")]);
    }

    fn missing(&mut self, what: &str, why: &str) {
        self.0.push([what.to_owned(), String::new(), format!("not measured: {why}"), String::new()]);
    }

    fn print(&self) {
        let header = ["what", "budget", "measured", "ratio"].map(str::to_owned);
        let rows: Vec<&[String; 4]> = std::iter::once(&header).chain(&self.0).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..4).map(width).collect();
        for row in rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("{}", cells.join("  ").trim_end());
        }
    }
}

/// A town in a directory of its own, with a tmux server of its own.
struct Town {
    dir: tempfile::TempDir,
    env: BTreeMap<&'static str, String>,
}

impl Town {
    /// A town of a Deacon and `agents - 1` Witnesses.
    fn new(agents: usize) -> Town {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |path: &str| dir.path().join(path).display().to_string();
        for sub in ["town/mayor", "town/deacon", "bin", "tmux", "home"] {
            fs::create_dir_all(dir.path().join(sub)).expect("made");
        }
        let env = BTreeMap::from([
            ("PATH", format!("{}:{}", at("bin"), std::env::var("PATH").unwrap_or_default())),
            ("TMUX_TMPDIR", at("tmux")),
            ("HOME", at("home")),
            ("SHELL", "/bin/sh".to_owned()),
        ]);
        let town = Town { dir, env };
        let rigs: Vec<String> = (1..agents).map(|n| format!("\"rig{n}\":{{}}")).collect();
        for n in 1..agents {
            fs::create_dir_all(town.path(&format!("town/rig{n}/witness"))).expect("made");
        }
        let agent = town.path("bin/agent");
        write_program(&agent, "#!/bin/sh\nwhile printf '> ' && IFS= read -r line; do echo \"got $line\"; done\n");
        write_program(&town.path("bin/bd"), "#!/bin/sh\necho '[]'\n");
        write_program(&town.path("bin/gt"), "#!/bin/sh\n[ \"$1\" = mail ] && echo null || echo 'gt version 0.1.0'\n");
        town.write("mayor/town.json", "{}");
        town.write("mayor/rigs.json", &format!("{{\"rigs\":{{{}}}}}", rigs.join(",")));
        let config = format!(
            "{{\"heartbeat\":{{\"interval\":\"1h\"}},\"gtd\":{{\"agent_command\":\"exec {}\",\"look_interval\":\"300ms\",\"restart\":{{\"grace\":\"0s\"}}}}}}",
            agent.display()
        );
        town.write("mayor/daemon.json", &config);
        town
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.path("town").join(path), text).expect("written");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("town/daemon/daemon.log")).unwrap_or_default()
    }

    fn state(&self, word: &str) -> bool {
        fs::read_to_string(self.path("town/daemon/state.json")).is_ok_and(|state| state.contains(word))
    }

    fn command(&self, gtd: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(gtd);
        command.arg("--town").arg(self.path("town")).args(args).env_clear().envs(&self.env);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) {
        let status = self.command(Path::new(env!("CARGO_BIN_EXE_gtd")), args).status().expect("gtd");
        assert!(status.success(), "gtd {args:?}: {status}\n{}", self.log());
    }

    /// Brings all agents up: a few at a time, as gtd does, until none is missing.
    fn start_agents(&self) {
        let rigs = fs::read_dir(self.path("town")).expect("a listing").count() - 2;
        let up = || {
            let list = self.tmux(&["list-sessions"]);
            list.lines().count()
        };
        while up() < rigs {
            self.run(&["--once"]);
            std::thread::sleep(Duration::from_secs(2));
        }
        self.run(&["--once"]);
    }

    /// What one `bd` and one `gt` take, run alone.
    fn time_of_tools(&self) -> Duration {
        let start = Instant::now();
        for (tool, arg) in [("bin/bd", "show"), ("bin/gt", "mail")] {
            let mut command = Command::new(self.path(tool));
            let _ = command.arg(arg).env_clear().envs(&self.env).output();
        }
        start.elapsed()
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new(which("tmux")).args(args).env_clear().envs(&self.env).output().expect("tmux");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs gtd to its end; every program that it ran, a line each. `None` where there is no strace.
    fn traced(&self, args: &[&str]) -> Option<Vec<String>> {
        let mut child = self.trace(args)?;
        assert!(child.wait().expect("strace").success());
        Some(self.trace_lines())
    }

    fn trace(&self, args: &[&str]) -> Option<std::process::Child> {
        let strace = find("strace")?;
        let mut command = Command::new(strace);
        command.args(["-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-s", "300", "-o"]);
        command.arg(self.path("trace")).arg(env!("CARGO_BIN_EXE_gtd")).arg("--town").arg(self.path("town")).args(args);
        command.env_clear().envs(&self.env).stdout(Stdio::null()).stderr(Stdio::null());
        Some(command.spawn().expect("strace"))
    }

    /// What gtd has run: each successful exec but its own.
    fn trace_lines(&self) -> Vec<String> {
        let trace = fs::read_to_string(self.path("trace")).unwrap_or_default();
        trace.lines().filter(|line| line.ends_with("= 0")).skip(1).map(str::to_owned).collect()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        let _ = self.command(Path::new(env!("CARGO_BIN_EXE_gtd")), &["--stop"]).status();
        self.tmux(&["kill-server"]);
    }
}

/// Waits for something that takes milliseconds.
fn spin_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "waited for a minute");
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "waited for a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("made executable");
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

fn which(name: &str) -> String {
    find(name).unwrap_or_else(|| panic!("{name} is needed")).display().to_string()
}
