//! What starts gtd: systemd's units, read as files, and cron.

use super::Check;
use super::findings::Findings;
use crate::sys::files::{self, Whose};
use crate::sys::user;
use crate::town::sorted::{SortedMap, sort};
use crate::world::tools::{Candidate, candidates};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// No unit is larger.
const LARGEST: u64 = 1 << 20;

/// Where systemd looks for units of all users, and of the whole machine.
const USERS: [&str; 3] = ["/etc/systemd/user", "/run/systemd/user", "/usr/lib/systemd/user"];
const SYSTEM: [&str; 3] = ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"];

/// Who is allowed to have services when nobody is logged in.
const LINGER: &str = "/var/lib/systemd/linger";

/// What cron gives to programs for a `PATH`.
const CRON_PATH: &str = "/usr/bin:/bin";

/// A unit of systemd's.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unit {
    path: PathBuf,
    /// The `[Service]` section, the drop-ins included.
    service: SortedMap<String, String>,
    /// Whether it belongs to a user's manager, and not to the machine's.
    of_user: bool,
}

impl Check {
    pub fn service(&self) {
        let manager = env::var_os("XDG_RUNTIME_DIR").map(|dir| Path::new(&dir).join("systemd"));
        if !Path::new("/run/systemd/system").is_dir() && !manager.is_some_and(|dir| dir.is_dir()) {
            return;
        }
        let cgroup = self.daemon.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/cgroup")).ok());
        let runs_in = cgroup.as_deref().and_then(unit_of);
        let units = find_units(&unit_dirs(), runs_in);
        for unit in units.iter().filter(|unit| serves(unit, &self.world.real_root)) {
            self.unit(unit);
            if unit.of_user && is_gtds(&unit.path) {
                self.lingering(Path::new(LINGER));
            }
        }
        if let Some(name) = runs_in.filter(|name| !units.iter().any(|unit| unit.path.ends_with(name))) {
            self.findings.note(
                "service",
                format_args!("the daemon runs in {name}, whose file was not found"),
                format_args!("KillMode=process must be set there, or its end ends every agent"),
            );
        }
    }

    fn unit(&self, unit: &Unit) {
        let shown = unit.path.display();
        let reload = match unit.of_user {
            true => "systemctl --user daemon-reload",
            false => "systemctl daemon-reload",
        };
        let mut is_good = true;
        for Flaw { is_fault, found, remedy } in judge(&unit.service) {
            let tell = match is_fault {
                true => Findings::fault,
                // In somebody else's unit, cron's say, it matters only what becomes of agents.
                false if !is_gtds(&unit.path) => continue,
                false => Findings::note,
            };
            is_good = false;
            tell(&self.findings, "service", format_args!("{shown}: {found}"), format_args!("{remedy}, then {reload}"));
        }
        if is_good {
            self.findings.good("service", format_args!("{shown}"));
        }
    }

    fn lingering(&self, dir: &Path) {
        let Some(name) = user::name() else { return };
        if !dir.join(&name).exists() {
            self.findings.note(
                "service",
                format_args!("the unit is the user's, and ends when the user logs out, with every agent"),
                format_args!("loginctl enable-linger {name}"),
            );
        }
    }

    /// cron's table cannot be read by everybody; but what its programs would find can be told.
    pub fn cron(&self) {
        let tools = &self.world.tools;
        let mut missed: Vec<&str> = Vec::new();
        let mut dirs: Vec<String> = Vec::new();
        for (name, place) in [("tmux", &tools.tmux), ("bd", &tools.bd), ("gt", &tools.gt)] {
            let Some(place) = place else { continue };
            if !candidates(name, Some(CRON_PATH.into())).iter().any(Candidate::is_program) {
                missed.push(name);
                dirs.push(place.parent().unwrap_or(place).display().to_string());
            }
        }
        if !missed.is_empty() {
            sort(&mut dirs);
            dirs.dedup();
            self.findings.note(
                "cron",
                format_args!(
                    "started by cron, gtd would not find {}: cron's PATH is {CRON_PATH}",
                    missed.join(" and ")
                ),
                format_args!("put this line above @reboot in the crontab: PATH={}:{CRON_PATH}", dirs.join(":")),
            );
        }
    }
}

fn is_gtds(unit: &Path) -> bool {
    unit.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("gtd"))
}

/// Where systemd looks for units, and whether those there are a user's.
fn unit_dirs() -> Vec<(PathBuf, bool)> {
    let home = user::home();
    let config = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let mut dirs = Vec::new();
    if let Some(config) = config.or_else(|| Some(home.as_ref()?.join(".config"))) {
        dirs.push((config.join("systemd/user"), true));
    }
    if let Some(home) = home {
        dirs.push((home.join(".local/share/systemd/user"), true));
    }
    for (places, of_user) in [(USERS, true), (SYSTEM, false)] {
        for place in places {
            dirs.push((PathBuf::from(place), of_user));
        }
    }
    dirs
}

/// gtd's units, and the one that the daemon runs in; the first of a name counts, as for systemd itself.
fn find_units(dirs: &[(PathBuf, bool)], runs_in: Option<&str>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for (dir, of_user) in dirs {
        for name in files::names(dir) {
            let is_wanted = name.starts_with("gtd") && name.ends_with(".service") || runs_in == Some(name.as_str());
            let same = |unit: &Unit| unit.of_user == *of_user && unit.path.ends_with(&name);
            if !is_wanted || units.iter().any(same) {
                continue;
            }
            let path = dir.join(&name);
            let Some(text) = read(&path) else { continue };
            let mut service = SortedMap::new();
            read_service(&text, &mut service);
            for (dir, _) in dirs.iter().filter(|(_, other)| other == of_user) {
                let drop_ins = dir.join(format!("{name}.d"));
                for name in files::names(&drop_ins) {
                    let path = drop_ins.join(name);
                    if path.extension().is_some_and(|e| e == "conf")
                        && let Some(text) = read(&path)
                    {
                        read_service(&text, &mut service);
                    }
                }
            }
            units.push(Unit { path, service, of_user: *of_user });
        }
    }
    units
}

fn read(path: &Path) -> Option<String> {
    let bytes = files::read_at_most(path, Whose::Towns, LARGEST).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds the settings of a `[Service]` section; the last one of a name counts.
fn read_service(text: &str, into: &mut SortedMap<String, String>) {
    let mut section = "";
    let text = text.replace("\\\n", " ");
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if line.starts_with('[') {
            section = line;
        } else if let ("[Service]", Some((key, value))) = (section, line.split_once('=')) {
            into.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
}

/// Whether a unit is for this town, as far as its command line tells.
fn serves(unit: &Unit, root: &Path) -> bool {
    let line = unit.service.get("ExecStart").map_or("", String::as_str);
    let mut words = line.split([' ', '=', '\t']).skip_while(|word| *word != "--town").skip(1);
    match words.next() {
        // What systemd has still to fill in may be anything.
        Some(named) if !named.contains('%') => {
            let named = named.trim_matches(['"', '\'']);
            // What cannot be followed, a name with blanks in it perhaps, may be this town's too.
            fs::canonicalize(named).map_or(true, |real| real == root)
        }
        _ => true,
    }
}

/// What is wrong with a unit, or could be better.
struct Flaw {
    is_fault: bool,
    found: String,
    remedy: &'static str,
}

fn judge(service: &SortedMap<String, String>) -> Vec<Flaw> {
    let get = |key: &str, unset: &'static str| match service.get(key) {
        Some(value) if !value.is_empty() => value.clone(),
        _ => unset.to_owned(),
    };
    let mut flaws = Vec::new();
    let mut flaw = |is_fault, found, remedy| flaws.push(Flaw { is_fault, found, remedy });
    let kill_mode = get("KillMode", "control-group, since it is not set");
    if kill_mode != "process" && kill_mode != "none" {
        let found = format!("KillMode is {kill_mode}: whenever the unit is restarted, every agent is ended");
        flaw(true, found, "set KillMode=process");
    }
    let kind = get("Type", "simple");
    if kind != "forking" && get("ExecStart", "").contains("--background") {
        let found = format!("it detaches, which Type={kind} takes for the end");
        flaw(true, found, "leave --background out of ExecStart");
    } else if kind != "notify" && kind != "notify-reload" && kind != "forking" {
        flaw(false, format!("Type is {kind}: systemd is not told when gtd is up"), "set Type=notify");
    }
    if matches!(get("Restart", "no").as_str(), "no" | "on-success") {
        flaw(false, "gtd is not started again where it fails".to_owned(), "set Restart=on-failure");
    }
    flaws
}

/// The service that a process belongs to, by its `/proc/PID/cgroup`.
fn unit_of(cgroup: &str) -> Option<&str> {
    for line in cgroup.lines() {
        let path = line.splitn(3, ':').nth(2).unwrap_or_default();
        // The manager of a user is itself one; what runs below it without one of its own is in a scope.
        let unit = path.rsplit('/').find(|part| part.ends_with(".service"));
        if let Some(unit) = unit.filter(|unit| !unit.starts_with("user@")) {
            return Some(unit);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> (usize, usize) {
        let mut service = SortedMap::new();
        read_service(text, &mut service);
        let flaws = judge(&service);
        let faults = flaws.iter().filter(|flaw| flaw.is_fault).count();
        (faults, flaws.len() - faults)
    }

    #[test]
    fn a_unit_is_judged_by_how_it_kills_starts_and_restarts() {
        let good = "[Service]\nType=notify\nKillMode=process\nRestart=on-failure\nExecStart=/bin/gtd\n";
        assert_eq!(judged(good), (0, 0));
        assert_eq!(judged("[Service]\nExecStart=/bin/gtd\n"), (1, 2));
        assert_eq!(judged(&good.replace("process", "mixed")), (1, 0));
        assert_eq!(judged(&good.replace("KillMode=process", "#KillMode=process")), (1, 0));
        assert_eq!(judged(&good.replace("[Service]", "[Unit]")), (1, 2));
        assert_eq!(judged(&good.replace("gtd\n", "gtd \\\n --background\n")), (1, 0));
        assert_eq!(judged(&format!("{good}[Install]\nKillMode=mixed\n")), (0, 0));
    }

    #[test]
    fn drop_ins_count_and_the_first_unit_of_a_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        for (name, text) in [
            ("a/gtd.service", "[Service]\nKillMode=mixed\n"),
            ("b/gtd.service", "[Service]\nType=notify\n"),
            ("b/gtd.service.d/x.conf", "[Service]\nKillMode=process\n"),
            ("b/ssh.service", "[Service]\n"),
        ] {
            fs::create_dir_all(at(name).parent().expect("a directory")).expect("made");
            fs::write(at(name), text).expect("written");
        }
        let units = find_units(&[(at("a"), true), (at("b"), true)], None);
        assert_eq!(units.len(), 1);
        assert_eq!(units[0].path, at("a/gtd.service"));
        assert_eq!(units[0].service.get("KillMode").map(String::as_str), Some("process"));
        let with_own = find_units(&[(at("a"), true), (at("b"), false)], Some("ssh.service"));
        assert_eq!(with_own.iter().filter(|unit| !unit.of_user).count(), 2);
    }

    #[test]
    fn a_unit_for_another_town_is_left_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = fs::canonicalize(dir.path()).expect("a path");
        let unit = |line: String| Unit {
            path: PathBuf::from("gtd.service"),
            service: SortedMap::from([("ExecStart".to_owned(), line)]),
            of_user: true,
        };
        assert!(serves(&unit("/bin/gtd".to_owned()), &root));
        assert!(serves(&unit("/bin/gtd --town %h/gt".to_owned()), &root));
        assert!(serves(&unit(format!("/bin/gtd --town {}", root.display())), &root));
        assert!(serves(&unit("/bin/gtd --town '/no/such town'".to_owned()), &root));
        assert!(!serves(&unit("/bin/gtd --town=\"/usr\"".to_owned()), &root));
    }

    #[test]
    fn the_unit_of_a_process_is_the_innermost() {
        let user = "0::/user.slice/user-0.slice/user@0.service/app.slice/gtd.service\n";
        assert_eq!(unit_of(user), Some("gtd.service"));
        assert_eq!(unit_of("0::/user.slice/user-0.slice/user@0.service/app.slice/x.scope\n"), None);
        assert_eq!(unit_of("12:pids:/system.slice/cron.service\n0::/\n"), Some("cron.service"));
        assert_eq!(unit_of(""), None);
    }
}
