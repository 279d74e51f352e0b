//! What starts gtd: systemd's units, read as files, and cron.

use super::Check;
use crate::sys::files::{self, Whose};
use crate::sys::user;
use crate::town::sorted::sort;
use crate::town::sorted::{SortedMap, SortedSet};
use crate::world::tools::candidates;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// No unit is larger.
const LARGEST: u64 = 1 << 20;

/// Where systemd looks for units of the whole machine, and of all users.
const SYSTEM: [&str; 3] = ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"];
const USERS: [&str; 3] = ["/etc/systemd/user", "/run/systemd/user", "/usr/lib/systemd/user"];

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
        let runs_in = self.daemon.and_then(|pid| {
            let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
            unit_of(&text)
        });
        let mine = own_dirs(user::home().as_deref(), env::var_os("XDG_CONFIG_HOME").map(PathBuf::from));
        let of_users = mine.into_iter().chain(USERS.map(PathBuf::from)).map(|dir| (dir, true));
        let dirs: Vec<_> = of_users.chain(SYSTEM.map(PathBuf::from).map(|dir| (dir, false))).collect();
        let units = find_units(&dirs, runs_in.as_deref());
        for unit in units.iter().filter(|unit| serves(unit, &self.world.real_root)) {
            self.unit(unit);
            if unit.of_user && is_gtds(&unit.path) {
                self.lingering(Path::new(LINGER));
            }
        }
        if let Some(name) = runs_in.filter(|name| !units.iter().any(|unit| unit.path.ends_with(name))) {
            let found = format!("the daemon runs in {name}, whose file was not found");
            self.findings.note("service", &found, "KillMode=process must be set there, or its end ends every agent");
        }
    }

    fn unit(&self, unit: &Unit) {
        let shown = unit.path.display();
        let reload = match unit.of_user {
            true => "systemctl --user daemon-reload",
            false => "systemctl daemon-reload",
        };
        let (faults, mut notes) = judge(&unit.service);
        // In somebody else's unit, cron's say, it matters only what becomes of agents.
        if !is_gtds(&unit.path) {
            notes.clear();
        }
        for (found, remedy) in &faults {
            self.findings.fault("service", &format!("{shown}: {found}"), &format!("{remedy}, then {reload}"));
        }
        for (found, remedy) in &notes {
            self.findings.note("service", &format!("{shown}: {found}"), &format!("{remedy}, then {reload}"));
        }
        if faults.is_empty() && notes.is_empty() {
            self.findings.good("service", &shown.to_string());
        }
    }

    fn lingering(&self, dir: &Path) {
        let Some(name) = user::name() else { return };
        if !dir.join(&name).exists() {
            let found = "the unit is the user's, and ends when the user logs out, with every agent";
            self.findings.note("service", found, &format!("loginctl enable-linger {name}"));
        }
    }

    /// cron's table cannot be read by everybody; but what its programs would find can be told.
    pub fn cron(&self) {
        let tools = &self.world.tools;
        let missed =
            [("tmux", &tools.tmux), ("bd", &tools.bd), ("gt", &tools.gt)].into_iter().filter_map(|(name, place)| {
                let place = place.as_ref()?;
                let found = candidates(name, Some(CRON_PATH.into())).any(|found| found.is_program());
                (!found).then(|| (name, place.parent().unwrap_or(place).display().to_string()))
            });
        let (names, dirs): (Vec<&str>, SortedSet<String>) = missed.unzip();
        if !names.is_empty() {
            let found =
                format!("started by cron, gtd would not find {}: cron's PATH is {CRON_PATH}", names.join(" and "));
            let dirs: Vec<String> = dirs.into_iter().collect();
            let remedy = format!("put this line above @reboot in the crontab: PATH={}:{CRON_PATH}", dirs.join(":"));
            self.findings.note("cron", &found, &remedy);
        }
    }
}

fn is_gtds(unit: &Path) -> bool {
    unit.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("gtd"))
}

fn own_dirs(home: Option<&Path>, config: Option<PathBuf>) -> Vec<PathBuf> {
    let config = config.filter(|dir| dir.is_absolute()).or_else(|| home.map(|home| home.join(".config")));
    let data = home.map(|home| home.join(".local/share"));
    config.into_iter().chain(data).map(|dir| dir.join("systemd/user")).collect()
}

/// gtd's units, and the one that the daemon runs in; the first of a name counts, as for systemd itself.
fn find_units(dirs: &[(PathBuf, bool)], runs_in: Option<&str>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for (dir, of_user) in dirs {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let is_wanted =
            |name: &String| name.starts_with("gtd") && name.ends_with(".service") || runs_in == Some(name.as_str());
        let mut names: Vec<String> = names.filter(is_wanted).collect();
        sort(&mut names);
        for name in names {
            let same = |unit: &Unit| unit.of_user == *of_user && unit.path.ends_with(&name);
            if units.iter().any(same) {
                continue;
            }
            let Some(text) = read(&dir.join(&name)) else { continue };
            let mut service = SortedMap::new();
            read_service(&text, &mut service);
            for (dir, _) in dirs.iter().filter(|(_, other)| other == of_user) {
                let drop_ins = fs::read_dir(dir.join(format!("{name}.d"))).into_iter().flatten().flatten();
                let mut drop_ins: Vec<PathBuf> = drop_ins.map(|entry| entry.path()).collect();
                sort(&mut drop_ins);
                for text in drop_ins
                    .iter()
                    .filter(|path| path.extension().is_some_and(|e| e == "conf"))
                    .filter_map(|path| read(path))
                {
                    read_service(&text, &mut service);
                }
            }
            units.push(Unit { path: dir.join(&name), service, of_user: *of_user });
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

type Remedies = Vec<(String, &'static str)>;

/// What is wrong with a unit, and what could be better.
fn judge(service: &SortedMap<String, String>) -> (Remedies, Remedies) {
    let get = |key: &str| service.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let (mut faults, mut notes) = (Remedies::new(), Remedies::new());
    match get("KillMode") {
        Some("process" | "none") => {}
        set => {
            let set = set.unwrap_or("control-group, since it is not set");
            let found = format!("KillMode is {set}: whenever the unit is restarted, every agent is ended");
            faults.push((found, "set KillMode=process"));
        }
    }
    let kind = get("Type").unwrap_or("simple");
    let detaches = get("ExecStart").is_some_and(|line| line.contains("--background"));
    if detaches && kind != "forking" {
        let found = format!("it detaches, which Type={kind} takes for the end");
        faults.push((found, "leave --background out of ExecStart"));
    } else if kind != "notify" && kind != "notify-reload" && kind != "forking" {
        notes.push((format!("Type is {kind}: systemd is not told when gtd is up"), "set Type=notify"));
    }
    if matches!(get("Restart").unwrap_or("no"), "no" | "on-success") {
        let found = "gtd is not started again where it fails".to_owned();
        notes.push((found, "set Restart=on-failure"));
    }
    (faults, notes)
}

/// The service that a process belongs to, by its `/proc/PID/cgroup`.
fn unit_of(cgroup: &str) -> Option<String> {
    let paths = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let units = paths.filter_map(|path| path.rsplit('/').find(|part| part.ends_with(".service")));
    // The manager of a user is itself one; what runs below it without one of its own is in a scope.
    let mut units = units.filter(|unit| !unit.starts_with("user@"));
    units.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> (usize, usize) {
        let mut service = SortedMap::new();
        read_service(text, &mut service);
        let (faults, notes) = judge(&service);
        (faults.len(), notes.len())
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
        assert_eq!(unit_of(user).as_deref(), Some("gtd.service"));
        assert_eq!(unit_of("0::/user.slice/user-0.slice/user@0.service/app.slice/x.scope\n"), None);
        assert_eq!(unit_of("12:pids:/system.slice/cron.service\n0::/\n").as_deref(), Some("cron.service"));
        assert_eq!(unit_of(""), None);
    }
}
