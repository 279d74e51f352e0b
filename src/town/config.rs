//! The configuration: what `mayor/daemon.json` may say, key by key.
//!
//! Gas Town owns the file; gtd honours its `heartbeat`, `patrols` and `env`, and has a section of its own under
//! `gtd`. A bad or unknown key costs that key alone: it is named in a warning and its default stands. Keys that begin with
//! `//` are comments.

pub mod keys;
mod prompts;
mod section;

use super::agent::Role;
use super::names::Generation;
use crate::town::sorted::{SortedMap, SortedSet};
use prompts::Prompts;
use section::Section;
pub use section::is_comment;
use serde_json::Value;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// What gtd was told, or its defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Gas Town's generation, where it was named; else `gt --version` tells.
    pub gastown: Option<Generation>,
    /// The shell line that runs an agent, by role; [`Config::agent_command`] knows the default.
    commands: SortedMap<Role, String>,
    prompts: Prompts,
    /// The tmux server: a name (`tmux -L`) or an absolute path (`tmux -S`); else the generation's own.
    pub tmux_socket: Option<String>,
    /// How often the town is looked at.
    pub look_interval: Duration,
    /// How long after a poke that brought no output the agent is poked once more, if no heartbeat comes before.
    pub silent_after: Duration,
    /// How long an agent must be gone before gtd starts it: somebody may be restarting it by hand, and `gt`'s own
    /// restarts take up to 3 s.
    pub settle: Duration,
    /// The delay of the second restart within 15 min; doubled for each further one.
    pub first_delay: Duration,
    /// How long an agent is left alone after a start.
    pub grace: Duration,
    /// How long a child of gtd may take; tmux has its own, shorter limit.
    pub command_timeout: Duration,
    /// The log is rotated at this size, in bytes.
    pub log_max_size: u64,
    /// How many log files are kept, the current one included.
    pub log_keep: u32,
    /// The shell line that is run when something needs a person, and when that is over.
    pub notify: Option<String>,
    /// The file for measurements; absolute, or below the town's root.
    pub metrics_file: Option<PathBuf>,
    /// The shortest interval between heartbeats, where one was set.
    pub heartbeat_interval: Option<Duration>,
    /// Whether pokes are sent at all.
    pub heartbeat_enabled: bool,
    patrols: SortedMap<Role, Patrol>,
    /// Environment for agents and for `bd` and `gt`.
    pub env: SortedMap<String, String>,
}

/// Whether a kind of agent is supervised, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Patrol {
    enabled: bool,
    /// The rigs it is limited to; empty means all.
    rigs: SortedSet<String>,
}

/// The program that Gas Town runs unless told otherwise.
pub const DEFAULT_AGENT_COMMAND: &str = "claude --dangerously-skip-permissions";

impl Default for Config {
    fn default() -> Config {
        Config {
            gastown: None,
            commands: SortedMap::new(),
            prompts: Prompts::default(),
            tmux_socket: None,
            look_interval: Duration::from_mins(1),
            silent_after: Duration::from_mins(1),
            settle: Duration::from_secs(5),
            first_delay: Duration::from_secs(30),
            grace: Duration::from_mins(5),
            command_timeout: Duration::from_secs(30),
            log_max_size: 10_000_000,
            log_keep: 3,
            notify: None,
            metrics_file: None,
            heartbeat_interval: None,
            heartbeat_enabled: true,
            patrols: SortedMap::new(),
            env: SortedMap::new(),
        }
    }
}

impl Config {
    /// The shell line that runs an agent of this role.
    pub fn agent_command(&self, role: Role) -> &str {
        self.commands.get(&role).map_or(DEFAULT_AGENT_COMMAND, String::as_str)
    }

    /// What agents of this role are told when they start, where that was set; empty for nothing.
    pub fn first_prompt(&self, role: Role) -> Option<&str> {
        self.prompts.get(role)
    }

    /// Whether agents of this role are supervised at all. As in the seed: Deacon and Witness unless switched off,
    /// the Refinery only where switched on.
    pub fn patrols(&self, role: Role) -> bool {
        let default = matches!(role, Role::Deacon | Role::Witness);
        self.patrols.get(&role).map_or(default, |p| p.enabled)
    }

    /// The rigs that the patrol of this role is limited to, if it is; none where it is switched off.
    pub fn patrolled_rigs(&self, role: Role) -> impl Iterator<Item = &str> {
        let patrol = self.patrols.get(&role).filter(|patrol| patrol.enabled);
        patrol.into_iter().flat_map(|patrol| patrol.rigs.iter().map(String::as_str))
    }

    /// Whether the patrol of this role covers a rig.
    pub fn patrols_rig(&self, role: Role, rig: &str) -> bool {
        self.patrols.get(&role).is_none_or(|p| p.rigs.is_empty() || p.rigs.contains(rig))
    }

    /// Reads the file. Whatever cannot be used is left at its default, with a warning that names it.
    ///
    /// # Errors
    /// Why the whole file cannot be used; the caller keeps the last good configuration.
    pub fn parse(bytes: &[u8]) -> Result<(Config, Vec<String>), String> {
        let file: Value = serde_json::from_slice(bytes).map_err(|e| format!("not JSON: {e}"))?;
        Config::of(file)
    }

    /// As [`Config::parse`], for a file that was read before.
    ///
    /// # Errors
    /// As for [`Config::parse`].
    pub fn of(file: Value) -> Result<(Config, Vec<String>), String> {
        let Value::Object(file) = file else {
            return Err("not a JSON object".to_owned());
        };
        let mut config = Config::default();
        let mut file = Section::new(file);
        file.section("heartbeat", &mut |s| config.read_heartbeat(s));
        file.section("patrols", &mut |s| config.read_patrols(s));
        file.section("env", &mut |s| config.read_env(s));
        file.section("gtd", &mut |s| config.read_own(s));
        Ok((config, file.warnings()))
    }

    fn read_heartbeat(&mut self, s: &mut Section) {
        s.boolean("enabled", &mut self.heartbeat_enabled);
        let mut interval = Duration::ZERO;
        s.duration("interval", ms(100), hours(24), &mut interval);
        if !interval.is_zero() {
            self.heartbeat_interval = Some(interval);
        }
    }

    fn read_patrols(&mut self, s: &mut Section) {
        for role in [Role::Deacon, Role::Witness, Role::Refinery] {
            let mut patrol = Patrol { enabled: self.patrols(role), rigs: SortedSet::new() };
            s.section(role.word(), &mut |s| {
                s.boolean("enabled", &mut patrol.enabled);
                s.names("rigs", &mut patrol.rigs);
            });
            self.patrols.insert(role, patrol);
        }
    }

    fn read_env(&mut self, s: &mut Section) {
        for key in s.keys() {
            let name_ok = !key.is_empty() && !key.contains(['=', '\0']);
            s.read(&key, "a variable's name with a string", &mut |value| {
                let value = value.as_str().filter(|value| name_ok && !value.contains('\0'))?;
                self.env.insert(key.clone(), value.to_owned());
                Some(())
            });
        }
    }

    fn read_own(&mut self, s: &mut Section) {
        s.read("gastown", "seed, v0.2, v1.0 or auto", &mut |value| {
            let word = value.as_str()?;
            let known = Generation::ALL.into_iter().find(|g| g.word() == word);
            (known.is_some() || word == "auto").then(|| self.gastown = known)
        });
        self.read_commands(s);
        self.prompts.read(s);
        s.read("tmux_socket", "a socket's name, or an absolute path", &mut |value| {
            let text = value.as_str()?;
            let usable = text.starts_with('/') || super::agent::Name::parse(text).is_ok();
            (usable && !text.contains(char::is_control)).then(|| self.tmux_socket = Some(text.to_owned()))
        });
        s.duration("look_interval", ms(100), hours(1), &mut self.look_interval);
        s.duration("silent_after", ms(100), hours(24), &mut self.silent_after);
        s.duration("command_timeout", ms(100), hours(1), &mut self.command_timeout);
        s.section("restart", &mut |s| {
            s.duration("settle", ms(0), hours(1), &mut self.settle);
            s.duration("first_delay", ms(0), hours(1), &mut self.first_delay);
            s.duration("grace", ms(0), hours(24), &mut self.grace);
            s.refuse_the_rest();
        });
        s.section("log", &mut |s| {
            s.read("max_size", "a size from 4KiB, as bytes or 64KiB, 10MB", &mut |value| {
                let bytes = parse_size(value)?;
                (bytes >= 4096).then(|| self.log_max_size = bytes)
            });
            s.read("keep", "a number from 1 to 100", &mut |value| {
                let keep = u32::try_from(value.as_u64()?).ok()?;
                (1..=100).contains(&keep).then(|| self.log_keep = keep)
            });
            s.refuse_the_rest();
        });
        s.read("notify", "a shell line", &mut |value| shell_line(value).map(|line| self.notify = Some(line)));
        s.read(
            "metrics_file",
            "a file's absolute path, or one below the town's root (in daemon or mayor only NAME.prom),",
            &mut |value| parse_file(value).map(|file| self.metrics_file = Some(file)),
        );
        s.refuse_the_rest();
    }

    /// `agent_command`: one string for all, or an object with a string for each role.
    fn read_commands(&mut self, s: &mut Section) {
        const ROLES: [Role; 5] = [Role::Deacon, Role::Witness, Role::Refinery, Role::Crew, Role::Mayor];
        let commands = &mut self.commands;
        if s.is_object("agent_command") {
            s.section("agent_command", &mut |s| {
                for role in ROLES {
                    s.read(role.word(), "a shell line", &mut |value| {
                        shell_line(value).map(|line| {
                            commands.insert(role, line);
                        })
                    });
                }
                s.refuse_the_rest();
            });
        } else {
            s.read("agent_command", "a shell line, or an object with one for each role", &mut |value| {
                let line = shell_line(value)?;
                commands.extend(ROLES.map(|role| (role, line.clone())));
                Some(())
            });
        }
    }
}

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

const fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

fn shell_line(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    (!text.trim().is_empty() && !text.contains('\0')).then(|| text.to_owned())
}

/// A file's path that leads nowhere but down.
fn parse_file(value: &Value) -> Option<PathBuf> {
    let text = value.as_str().filter(|text| !text.contains(char::is_control) && !text.ends_with('/'))?;
    let path = Path::new(text);
    let names = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    // The town's own files are not to be written over: below these, only what is plainly for whoever counts.
    let is_plain = path.extension().is_some_and(|end| end == "prom" || end == "txt");
    let in_town = path.starts_with("mayor") || path.starts_with("daemon");
    let named_so = ["daemon", "mayor"].iter().any(|dir| path.parent().is_some_and(|parent| parent.ends_with(dir)));
    let is_free = is_plain || !(in_town || named_so);
    (names && path.file_name().is_some() && is_free).then(|| path.to_owned())
}

/// A size: a number of bytes, or text such as `64KiB`, `10MB`, `512`.
fn parse_size(value: &Value) -> Option<u64> {
    if let Some(bytes) = value.as_u64() {
        return Some(bytes);
    }
    let text = value.as_str()?.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(json: &str) -> (Config, Vec<String>) {
        Config::parse(json.as_bytes()).expect(json)
    }

    #[test]
    fn gas_towns_own_file_is_honoured() {
        let (config, warnings) = parse(
            r#"{"type":"daemon-patrol-config","version":1,"heartbeat":{"enabled":true,"interval":"3m"},
                "patrols":{"deacon":{"enabled":true,"interval":"5m","agent":"deacon"},
                "witness":{"enabled":true,"rigs":["alpha"]},"refinery":{"enabled":true}},"env":{"A":"b"},"more":[]}"#,
        );
        assert_eq!(warnings, [""; 0]);
        assert_eq!(config.heartbeat_interval, Some(Duration::from_mins(3)));
        assert!(config.patrols(Role::Refinery) && config.patrols_rig(Role::Refinery, "beta"));
        assert!(config.patrols_rig(Role::Witness, "alpha") && !config.patrols_rig(Role::Witness, "beta"));
        assert_eq!(config.env.get("A").map(String::as_str), Some("b"));
    }

    #[test]
    fn an_empty_file_is_the_default() {
        let (config, warnings) = parse("{}");
        assert_eq!((config, warnings.len()), (Config::default(), 0));
        assert!(Config::default().patrols(Role::Witness) && !Config::default().patrols(Role::Refinery));
    }

    #[test]
    fn a_bad_or_unknown_key_costs_that_key_alone() {
        let (config, warnings) = parse(
            r#"{"heartbeat":{"interval":"soon"},"env":7,"gtd":{"look_interval":"1ms","colour":1,"gastown":"v9",
                "restart":{"settle":"2s","grace":5},"log":{"max_size":"64KiB","keep":0},"agent_command":{"boss":"x"}}}"#,
        );
        assert_eq!(
            (config.look_interval, config.settle, config.log_max_size),
            (Duration::from_mins(1), Duration::from_secs(2), 65_536)
        );
        assert_eq!(
            warnings,
            [
                "heartbeat.interval: \"soon\" will not do, a duration such as 90s or 1h30m, from 100ms to 1d, is wanted; its default stands",
                "env: 7 will not do, an object is wanted; its default stands",
                "gtd.gastown: \"v9\" will not do, seed, v0.2, v1.0 or auto is wanted; its default stands",
                "gtd.agent_command.boss: not a key that gtd knows; ignored",
                "gtd.look_interval: \"1ms\" will not do, a duration such as 90s or 1h30m, from 100ms to 1h, is wanted; its default stands",
                "gtd.restart.grace: 5 will not do, a duration such as 90s or 1h30m, from 0s to 1d, is wanted; its default stands",
                "gtd.log.keep: 0 will not do, a number from 1 to 100 is wanted; its default stands",
                "gtd.colour: not a key that gtd knows; ignored",
            ]
        );
    }

    #[test]
    fn commands_can_be_set_for_all_or_by_role() {
        let (one, _) = parse(r#"{"gtd":{"agent_command":"./agent"}}"#);
        assert_eq!(one.agent_command(Role::Witness), "./agent");
        let (some, _) = parse(r#"{"gtd":{"agent_command":{"deacon":"d"}}}"#);
        assert_eq!(some.agent_command(Role::Deacon), "d");
        assert_eq!(some.agent_command(Role::Witness), DEFAULT_AGENT_COMMAND);
    }

    #[test]
    fn what_is_told_to_people_and_machines_is_read() {
        let (config, warnings) = parse(r#"{"gtd":{"notify":"mail -s gtd me","metrics_file":"daemon/gtd.prom"}}"#);
        assert_eq!(warnings, [""; 0]);
        assert_eq!(config.notify.as_deref(), Some("mail -s gtd me"));
        assert_eq!(config.metrics_file.as_deref(), Some(Path::new("daemon/gtd.prom")));
        for file in ["", "/", "../up", "a/../b", "./a", "dir/", "a\\nb"] {
            let (config, warnings) = parse(&format!(r#"{{"gtd":{{"notify":" ","metrics_file":"{file}"}}}}"#));
            assert_eq!(config, Config::default(), "{file}");
            assert!(warnings[0].starts_with("gtd.notify: ") && warnings[1].starts_with("gtd.metrics_file: "), "{file}");
        }
    }

    #[test]
    fn keys_with_two_slashes_are_comments_everywhere() {
        let (config, warnings) = parse(
            r#"{"//":"a","heartbeat":{"//enabled":1},"env":{"//A":7,"A":"b"},"gtd":{"//look_interval":"why","restart":{"//":[]},
                "log":{"//x":{}},"agent_command":{"//deacon":"d"}}}"#,
        );
        assert_eq!(warnings, [""; 0]);
        assert_eq!(config, Config { env: SortedMap::from([("A".to_owned(), "b".to_owned())]), ..Config::default() });
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, text: String) {
            let _ = Config::parse(&bytes);
            let _ = parse_size(&Value::String(text));
        }
    }
}
