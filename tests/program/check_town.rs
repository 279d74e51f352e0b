//! `gtd --check`: what it finds of the town's files, its tmux servers, its daemons, and of what starts them.

use crate::support::{Checked, Gtd, Ran, Town, fakes, program::GTD, wait_until};
use fs2::FileExt;
use serde_json::json;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

fn mkfifo(path: &std::path::Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
}

/// Where tmux has the town's sockets, made as tmux makes it.
fn tmux_dir(town: &Town) -> std::path::PathBuf {
    if town.try_tmux(&["list-sessions"]).is_none() {
        town.tmux(&["new-session", "-d", "-s", "first", "sleep 1000"]);
    }
    let mut entries = fs::read_dir(&town.sockets).expect("a listing");
    entries.next().expect("a directory").expect("an entry").path()
}

#[test]
fn what_stands_in_the_place_of_gtds_own_files_is_a_fault() {
    let town = Town::new(&[]);
    let daemon = town.root.join("daemon");
    fs::create_dir(&daemon).expect("made");
    mkfifo(&daemon.join("state.json"));
    symlink("/dev/null", daemon.join("daemon.log")).expect("linked");
    fs::create_dir(daemon.join("daemon.pid")).expect("made");
    fs::write(daemon.join("screens"), "").expect("written");
    Checked::of(&town)
        .fault("files", "state.json is a fifo", "state.json.old")
        .fault("files", "daemon.log is a symbolic link", "daemon.log.old")
        .fault("files", "daemon.pid is a directory", "daemon.pid.old")
        .fault("files", "screens is a file", "screens.old");
}

#[test]
fn a_file_in_the_place_of_the_daemons_directory_is_a_fault() {
    let town = Town::new(&[]);
    town.write("daemon", "");
    Checked::of(&town).fault("files", "daemon is no directory", "move it away: mv ");
}

#[test]
fn files_that_cannot_be_understood_are_told_each_with_its_remedy() {
    let town = Town::new(&["alpha"]);
    town.write("mayor/town.json", "{");
    town.write("mayor/rigs.json", "{\"rigs\"");
    town.write("daemon/state.json", "{\"running\": tr");
    town.write("spawn/pending.json", "[{}]");
    town.write("daemon/state.json.corrupt-20261123T094004Z", "{");
    Checked::of(&town)
        .note("town", "mayor/town.json cannot be understood", "put it back")
        .fault("town", "rigs.json: not JSON", "mend mayor/rigs.json")
        .fault("state", "state.json: not a state", "sets it aside when it starts")
        .fault("files", "pending.json: an entry without", "move it away")
        .note("files", "1 file set aside in", "rm ")
        .faults(3);
}

#[test]
fn a_state_of_a_newer_gtd_is_a_fault() {
    let town = Town::new(&[]);
    town.up().stop();
    let mut state = town.state();
    state["gtd"]["format"] = json!(99);
    town.write("daemon/state.json", &state.to_string());
    Checked::of(&town).fault("state", "its format 99 is newer", "install the newer gtd");
}

#[test]
fn directories_that_others_may_look_into_are_told() {
    let town = Town::new(&[]);
    for name in ["requests", "screens"] {
        let dir = town.root.join("daemon").join(name);
        fs::create_dir_all(&dir).expect("made");
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("opened");
    }
    Checked::of(&town)
        .note("files", "daemon/requests is open to other users (mode 755)", "chmod 700")
        .note("files", "daemon/screens is open to other users (mode 755)", "chmod 700")
        .faults(0);
}

#[test]
fn directories_of_other_users_are_told() {
    let town = Town::new(&[]);
    let sockets = tmux_dir(&town);
    let at = |name: &str| town.root.join("daemon").join(name);
    let dirs = [at("requests"), at("screens"), sockets];
    for dir in &dirs {
        fs::create_dir_all(dir).expect("made");
        if chown(dir, Some(12_345), None).is_err() {
            eprintln!("SKIPPED: only root can make another user's directory");
            return;
        }
    }
    Checked::of(&town)
        .fault("town", "daemon/requests: it is no directory of this user", "move daemon/requests away")
        .note("files", "daemon/screens belongs to another user (UID 12345)", "chown ")
        .fault("tmux server", "belongs to another user (UID 12345); tmux refuses it", "chown ");
    chown(&dirs[2], Some(0), None).expect("given back");
}

#[test]
fn an_agent_in_quarantine_is_a_fault_and_so_is_another_towns_session() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"restart": {"settle": "0s", "first_delay": "0s"}}}));
    town.set_agent("alpha-witness", "exit 1");
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "sleep 1000", ";", "set-option", "@gtd_town", "/elsewhere"]);
    let gtd = town.start();
    wait_until("it is quarantined", || town.word_for("alpha/witness") == "quarantine");
    gtd.stop();
    Checked::of(&town)
        .fault("town", "in quarantine after a restart loop", "then gtd --request reset alpha/witness")
        .fault("town", "belongs to another town (/elsewhere)", "gtd.tmux_socket in mayor/daemon.json")
        .faults(2);
}

#[test]
fn rigs_that_cannot_be_served_are_faults() {
    let town = Town::new(&["alpha", "beta"]);
    fs::remove_dir_all(town.root.join("beta")).expect("removed");
    town.write("mayor/rigs.json", &json!({"rigs": {"alpha": {}, "beta": {}, "a.b": {}}}).to_string());
    Checked::of(&town)
        .fault("town", "Refusing a rig in mayor/rigs.json: \"a.b\"", "mend its entry")
        .fault("town", "beta/witness is not there", "mkdir -p ")
        .faults(2);
}

#[test]
fn a_missing_directory_of_the_deacon_is_told_with_a_remedy_that_can_be_pasted() {
    let town = Town::named("it's a town", &[]);
    let dir = town.root.join("deacon");
    fs::remove_dir_all(&dir).expect("removed");
    let remedy = format!("mkdir -p '{}'", dir.display().to_string().replace('\'', "'\\''"));
    let found = Checked::of(&town);
    found.fault("town", "Holding Deacon: its directory", &remedy).faults(1);
    assert!(!found.to_string().contains("take its rig out"), "it has none: {found}");
    let mut plan = town.gtd(&["--dry-run"]);
    plan.env("COLUMNS", "1000");
    let said = Ran::of(plan).exits(0).stdout;
    assert!(said.contains(&format!("until that directory is there: {remedy}\n")), "{said}");
}

#[test]
fn a_list_of_rigs_that_is_not_there_is_a_fault() {
    let town = Town::new(&[]);
    town.remove("mayor/rigs.json");
    let remedy = format!("echo '{{\"rigs\": {{}}}}' > {}/mayor/rigs.json", town.root.display());
    Checked::of(&town).fault("town", "mayor/rigs.json is not there; no rigs are served", &remedy).faults(1);
}

#[test]
fn a_patrol_that_is_limited_to_a_rig_which_is_not_there_is_told() {
    let mut town = Town::new(&["alpha", "beta"]);
    town.configure(json!({"patrols": {"witness": {"rigs": ["alpha", "bta"]}}}));
    Checked::of(&town)
        .note("agents", "patrols.witness.rigs of mayor/daemon.json names \"bta\", which is no rig", "mend it in mayor/")
        .note("agents", "Holding witness for beta: not in patrols.witness.rigs of mayor/daemon.json", "")
        .faults(0);
}

#[test]
fn two_agents_with_one_session_are_a_fault() {
    let mut town = Town::new(&["alpha=ab", "beta=ab"]);
    town.configure(json!({"gtd": {"gastown": "v1.0"}}));
    Checked::of(&town).fault("town", "has the same session name", "another bead prefix");
}

#[test]
fn each_key_of_the_configuration_is_told() {
    let mut town = Town::new(&[]);
    town.configure(json!({
        "heartbeat": {"interval": "soon"},
        "patrols": {"deacon": {"enabled": true, "agent": "x"}, "dolt_server": {"enabled": true}},
        "env": {"SECRET": "word"},
        "gtd": {"colour": 1, "restart": {"settle": "2s"}},
    }));
    let found = Checked::of(&town);
    found
        .fault("configuration", "heartbeat.interval: \"soon\" will not do", "mend it in mayor/daemon.json")
        .fault("configuration", "gtd.colour: not a key that gtd knows; ignored", "mend it in mayor/daemon.json")
        .good("configuration", "env.SECRET, gtd.agent_command ")
        .good("configuration", "gtd.restart.settle 2s")
        .good("configuration", "patrols.deacon.enabled true")
        .note("configuration", "Gas Town's own: patrols.deacon.agent, patrols.dolt_server.enabled", "")
        .faults(2);
    assert!(!found.to_string().contains("word"), "what is handed on to agents is not shown: {found}");
    town.write("mayor/daemon.json", "{\"gtd\"");
    let found = Checked::of(&town);
    found.fault("configuration", "not JSON", "mend it in mayor/daemon.json");
    assert!(!found.to_string().contains("kill -HUP"), "nobody is there to be told: {found}");
    town.write(
        "mayor/daemon.json",
        "{\"gtd\": {\"gastown\": \"seed\", \"colour\": 1}, \"patrols\": {\"witness\": {\"rigs\": [\"x\"]}}}",
    );
    let gtd = town.up();
    let command = format!("mend it in mayor/daemon.json, then kill -HUP {}", gtd.pid());
    Checked::of(&town).fault("configuration", "gtd.colour: not a key that gtd knows; ignored", &command).note(
        "agents",
        "names \"x\", which is no rig",
        &command,
    );
    gtd.stop();
}

#[test]
fn the_comments_of_the_sample_are_no_keys() {
    let town = Town::new(&[]);
    let sample = town.run(&["--print", "config"]).exits(0).stdout;
    assert!(sample.contains("\"//"), "{sample}");
    town.write("mayor/daemon.json", &sample);
    let said = Ran::of(town.gtd(&["--check"])).stdout;
    assert!(said.contains("configuration") && !said.contains("//"), "{said}");
}

#[test]
fn a_generation_that_is_not_known_is_a_fault() {
    let mut town = Town::new(&[]);
    town.configure(json!({"gtd": {"gastown": "auto"}}));
    town.answer("gt", "gt version v9.9.9\n", "", 0);
    Checked::of(&town).fault("generation", "which gtd does not know", "set gtd.gastown").faults(1);
    let gtd = town.up();
    let remedy = format!("set gtd.gastown to seed, v0.2 or v1.0 in mayor/daemon.json, then kill -HUP {}", gtd.pid());
    Checked::of(&town).fault("generation", "which gtd does not know", &remedy);
    // A wrapper may run another gt without being changed itself: what is said of both is what it says now.
    town.answer("gt", "gt version v0.2.6\n", "", 0);
    town.run(&["--wake"]).exits(0);
    wait_until("it is v0.2", || town.state()["gtd"]["history"]["names"]["generation"] == "v0.2");
    town.answer("gt", "gt version v1.0.1\n", "", 0);
    Checked::of(&town).good("gt", "gt version v1.0.1").good("generation", "v1.0: gt --version says v1.0.1").note(
        "generation",
        "the daemon that runs uses v0.2",
        "gtd --wake",
    );
    gtd.stop();
}

#[test]
fn a_directory_of_sockets_that_tmux_refuses_is_a_fault() {
    let town = Town::new(&[]);
    let dir = tmux_dir(&town);
    Checked::of(&town).good("tmux server", "default: PID ").faults(0);
    fs::set_permissions(&dir, Permissions::from_mode(0o777)).expect("opened");
    Checked::of(&town).fault("tmux server", "open to other users (mode 777)", "chmod 700 ");
    fs::set_permissions(&dir, Permissions::from_mode(0o700)).expect("closed");
}

#[test]
fn a_town_on_two_servers_is_a_fault_that_names_both() {
    let town = Town::new(&[]);
    let dir = tmux_dir(&town);
    town.up().stop();
    let root = town.root.display().to_string();
    let second = ["-L", "second", "new-session", "-d", "-s"];
    town.tmux(&[&second[..], &["gt-deacon", "-c", &root, "sleep 1000"]].concat());
    let found = Checked::of(&town);
    let (first, other) = (format!("on {}/default (gt-deacon)", dir.display()), format!("{}/second", dir.display()));
    found
        .fault("tmux server", &first, &format!("end the second: tmux -S {other} kill-server"))
        .fault("tmux server", &format!("on {other} (gt-deacon)"), "kill-server")
        .faults(1);
    // A person's own session there is none of the town's, and must not be ended with it.
    town.tmux(&[&second[..], &["mine", "-c", &root, "sleep 1000"]].concat());
    Checked::of(&town).fault("tmux server", "(gt-deacon)", "kill-session -t '=gt-deacon'").faults(1);
    town.tmux(&["-L", "second", "kill-session", "-t", "=gt-deacon"]);
    Checked::of(&town).faults(0);
    town.tmux(&["-L", "second", "kill-server"]);
}

#[test]
fn a_town_on_another_server_than_gtds_is_a_fault() {
    let mut town = Town::new(&[]);
    let dir = tmux_dir(&town);
    town.up().stop();
    town.configure(json!({"gtd": {"tmux_socket": "elsewhere"}}));
    let found = "gt-deacon lives on the user's tmux server, and gtd uses another; gtd begins no second population";
    let remedy = "Set gtd.gastown or gtd.tmux_socket; or end them: tmux kill-session -t '=gt-deacon'";
    Checked::of(&town).fault("generation", found, remedy).faults(1);
    // Where no Gas Town would have them gtd does not look.
    town.tmux(&["kill-server"]);
    let root = town.root.display().to_string();
    town.tmux(&["-L", "second", "new-session", "-d", "-s", "gt-deacon", "-c", &root, "sleep 1000"]);
    let place = format!("{}/second (gt-deacon); gtd uses {}/elsewhere", dir.display(), dir.display());
    Checked::of(&town).fault("tmux server", &place, "start gtd with the same TMUX_TMPDIR").faults(1);
    town.tmux(&["-L", "second", "kill-server"]);
}

#[test]
fn a_server_that_does_not_answer_is_told_and_not_waited_for() {
    let town = Town::new(&[]);
    let _silent = UnixListener::bind(tmux_dir(&town).join("silent")).expect("bound");
    Checked::of(&town).note("tmux server", "silent: tmux list-sessions: no answer", "remove its socket").faults(0);
}

#[test]
fn a_server_that_has_lost_its_socket_is_a_fault() {
    let town = Town::new(&[]);
    town.up().stop();
    let pid = town.tmux(&["display-message", "-p", "#{pid}"]);
    fs::remove_file(tmux_dir(&town).join("default")).expect("removed");
    Checked::of(&town).fault(
        "town",
        "lives, but cannot be reached",
        &format!("kill -USR1 {pid} makes the socket anew"),
    );
}

#[test]
fn the_daemon_that_serves_the_town_is_told_and_whether_it_is_an_old_one() {
    let town = Town::new(&[]);
    let copy = town.bin.join("gtd");
    fakes::copy_program(GTD.as_ref(), &copy);
    let gtd = Gtd::start(town.command(&copy));
    wait_until("it serves the town", || town.state()["pid"] == gtd.pid());
    let version = env!("CARGO_PKG_VERSION");
    let found = format!("gtd {version} (PID {}) serves this town", gtd.pid());
    Checked::of(&town).good("daemon", &found).faults(0);
    fakes::copy_program(GTD.as_ref(), &copy);
    Checked::of(&town).note("daemon", "was replaced since it started", "gtd --stop && gtd --background").faults(0);
    gtd.stop();
}

#[test]
fn daemons_that_are_no_gtd_are_faults_and_strangers_are_not() {
    let town = Town::new(&[]);
    town.write("daemon/daemon.lock", "");
    let pid = std::process::id().to_string();
    town.write("daemon/daemon.pid", &pid);
    Checked::of(&town).note("daemon", &format!("PID {pid}, which is a stranger's now"), "gtd --background").faults(0);
    let lock = File::open(town.root.join("daemon/daemon.lock")).expect("open");
    lock.lock_exclusive().expect("locked");
    Checked::of(&town).fault("daemon", "holds daemon/daemon.lock", "gt daemon stop").faults(1);
    drop(lock);
    let mut seed = town.command("/bin/sh");
    let mut seed = seed.arg0("gt").args(["-c", "read x", "daemon", "run"]).stdin(Stdio::piped()).spawn().expect("sh");
    town.write("daemon/daemon.pid", &seed.id().to_string());
    let remedy = format!("kill {}", seed.id());
    wait_until("it is what it is called", || {
        fs::read(format!("/proc/{}/cmdline", seed.id())).is_ok_and(|line| line.starts_with(b"gt\0"))
    });
    Checked::of(&town).fault("daemon", "serves this town; gtd would refuse to start", &remedy).faults(1);
    seed.kill().expect("killed");
    seed.wait().expect("its status");
}

#[test]
fn a_unit_that_ends_agents_is_a_fault() {
    let mut town = Town::new(&[]);
    let units = town.home.join(".config/systemd/user");
    fs::create_dir_all(&units).expect("made");
    let unit = units.join("gtd.service");
    let write = |text: &str| fs::write(&unit, format!("[Service]\nExecStart={GTD}\n{text}")).expect("written");
    write("");
    // Where nothing of systemd runs, its files mean nothing.
    if !std::path::Path::new("/run/systemd/system").exists() {
        Checked::of(&town).faults(0);
    }
    fs::create_dir_all(town.home.join("run/systemd")).expect("made");
    let run = town.home.join("run").display().to_string();
    town.set_env("XDG_RUNTIME_DIR", &run);
    Checked::of(&town)
        .fault(
            "service",
            "gtd.service: KillMode is control-group",
            "set KillMode=process, then systemctl --user daemon-reload",
        )
        .note("service", "Type is simple", "Type=notify")
        .note("service", "not started again where it fails", "Restart=on-failure")
        .faults(1);
    write("KillMode=process\nType=notify\nRestart=on-failure\n");
    Checked::of(&town).good("service", "gtd.service").faults(0);
}

#[test]
fn stamps_in_the_future_are_told() {
    let town = Town::new(&[]);
    town.write("daemon/activity.json", "{\"timestamp\": \"2100-01-01T00:00:00Z\"}");
    Checked::of(&town).note("clock", "daemon/activity.json is stamped", "set the clock").faults(0);
}

/// Checks a town while something else is mounted somewhere; `None` where that is not allowed.
fn with_mount(town: &Town, mount: &str) -> Option<String> {
    let mut command = town.command("/bin/sh");
    let script = format!("{mount} 2>/dev/null || exit 99; exec {GTD} --check");
    command.args(["-c", "exec unshare -m sh -c \"$0\" 2>/dev/null || exit 98", &script]);
    let ran = Ran::of(command);
    if ran.status != 1 || !ran.stdout.starts_with("ok ") {
        eprintln!("SKIPPED: nothing can be mounted here: {ran}");
        return None;
    }
    // One line for each finding.
    Some(ran.stdout.replace(&format!("\n{}", " ".repeat(22)), " "))
}

#[test]
fn a_disk_that_is_full_or_cannot_be_written_is_a_fault() {
    let town = Town::new(&[]);
    fs::create_dir(town.root.join("daemon")).expect("made");
    for (mount, found, remedy) in [
        ("mount -t tmpfs -o size=4m none daemon", "FAULT  disk           only 4 MB free", "→ make room"),
        ("mount -t tmpfs -o nr_inodes=50 none daemon", "inodes free; no files can be made", "→ make room"),
        ("mount -t tmpfs -o ro none daemon", "is mounted read-only", "→ mount -o remount,rw"),
    ] {
        let Some(said) = with_mount(&town, mount) else { return };
        assert!(said.lines().any(|line| line.contains(found) && line.contains(remedy)), "{mount}: {said}");
    }
}

#[test]
fn what_somebody_wants_so_is_no_fault() {
    let mut town = Town::new(&["alpha"]);
    town.write("ESTOP", "manual\t2026-11-23T09:40:04Z\tcosts\n");
    town.configure(json!({"patrols": {"witness": {"enabled": false}}}));
    Checked::of(&town).note("agents", "Holding all agents: ESTOP: costs", "remove the ESTOP file").faults(0);
}
