//! A start in tmux's words: what is run in the pane, and what the session is told besides.

use super::World;
use super::environment::removed_for;
use super::tmux::script::{in_words, not_a_format, quote_exactly};
use crate::sys::files::{self, Whose};
use crate::sys::{clock, random, user};
use crate::town::names::Agent;
use crate::town::start::{Facts, PANE, Start};
use serde_json::Value;
use std::path::Path;

/// See the module.
pub struct Launch {
    /// What it is made from.
    pub start: Start,
    /// What tmux has to run, in the form of its own options and words:
    /// `-c DIR -e K=V … -- env -u … K=V … SHELL -l -i -c LINE`.
    pub words: Vec<String>,
}

impl Launch {
    /// The start of an agent, as it is to be made now.
    pub fn new(world: &World, agent: &Agent) -> Launch {
        let now = clock::now().wall;
        let shell = user::login_shell();
        let facts = Facts {
            root: &world.root,
            port: read_port(&world.root),
            run: random::uuid(),
            time: now.minute_stamp(clock::local_offset(now)),
            shell: shell.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
            is_file: &Path::is_file,
            find: &super::tools::find,
        };
        let start = Start::of(agent, &world.config, &facts);
        let mut words = Vec::new();
        let mut add = |word: &str| words.push(word.to_owned());
        add("-c");
        add(&not_a_format(&agent.dir.to_string_lossy()));
        // With `-e` the session has it too. What `env` sets is the program's alone.
        for (key, value) in &world.config.env {
            if start.env.iter().all(|(own, _)| own != key) {
                add("-e");
                add(&format!("{key}={value}"));
            }
        }
        add("--");
        add("env");
        for name in removed_for(&start, &world.config) {
            add("-u");
            add(name);
        }
        for (key, value) in &start.env {
            add(&format!("{key}={value}"));
        }
        add(&shell.to_string_lossy());
        for flag in user::login_flags(&shell) {
            add(flag);
        }
        add(&start.line);
        Launch { start, words }
    }

    /// What is run, as the end of a line in a script.
    pub fn quoted(&self) -> String {
        in_words(&self.words, quote_exactly)
    }

    /// The commands that set the session's environment, once the pane is there; `target` leads to it.
    pub fn environment(&self, target: &str) -> Vec<Vec<String>> {
        let mut commands = Vec::new();
        for (name, value) in &self.start.session_env {
            let form: &[&str] = if value == PANE { &["set-environment", "-F"] } else { &["set-environment"] };
            commands.push(setting(form, target, name, value));
        }
        commands
    }

    /// The same, and those that set the session's options.
    pub fn settings(&self, target: &str) -> Vec<Vec<String>> {
        let mut commands = self.environment(target);
        for (name, value) in &self.start.options {
            commands.push(setting(&["set-option"], target, name, value));
        }
        commands
    }
}

/// A command that sets something at `target`.
fn setting(form: &[&str], target: &str, name: &str, value: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in form.iter().chain(&["-t", target, name, value]) {
        words.push((*word).to_owned());
    }
    words
}

/// The port of the town's database: where its server runs or last ran, else where `bd` looks for it.
fn read_port(root: &Path) -> Option<u16> {
    const MOST: u64 = 64 << 10;
    let find = |(file, key): (&str, &str)| {
        let bytes = files::read_at_most(&root.join(file), Whose::Towns, MOST).ok()??;
        parse_port(&bytes, key)
    };
    [("daemon/dolt-state.json", "port"), (".beads/metadata.json", "dolt_server_port")].into_iter().find_map(find)
}

fn parse_port(bytes: &[u8], key: &str) -> Option<u16> {
    let file: Value = serde_json::from_slice(bytes).ok()?;
    u16::try_from(file.get(key)?.as_u64()?).ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_port_is_read_as_gt_and_bd_write_it() {
        let running = include_bytes!("../../tests/data/v1.0/dolt-state.json");
        let metadata = include_bytes!("../../tests/data/v1.0/beads_metadata.json");
        assert_eq!((parse_port(running, "port"), parse_port(metadata, "dolt_server_port")), (Some(3307), Some(3307)));
        for none in ["{\"port\":0}", "{\"port\":99999}", "{}", "[]", "{\"po"] {
            assert_eq!(parse_port(none.as_bytes(), "port"), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse_port(&bytes, "port");
        }
    }
}
