//! The configuration's keys as a table: the README's and the manual page's, and what `--print config` is made from.
//! Backquotes in a text set off what is code.

/// A key of `mayor/daemon.json`.
#[derive(Debug)]
pub struct Key {
    /// The keys that lead to it, with dots between.
    pub path: &'static str,
    /// What stands where it is not set, in words.
    pub default: &'static str,
    /// The same as JSON; `null` where there is no value for it.
    pub json: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Another value, as JSON.
    pub example: &'static str,
}

const fn key(
    path: &'static str,
    default: &'static str,
    json: &'static str,
    meaning: &'static str,
    example: &'static str,
) -> Key {
    Key { path, default, json, meaning, example }
}

/// All of them. The keys of a section stand together.
pub static KEYS: [Key; 22] = [
    key("heartbeat.enabled", "`true`", "true", "`false`: no pokes, all else goes on", "false"),
    key(
        "heartbeat.interval",
        "`5m`",
        "\"5m\"",
        "replaces the 5 minutes of an active town; the longer steps are at least this",
        "\"3m\"",
    ),
    key("patrols.deacon.enabled", "`true`", "true", "whether the Deacon is supervised", "false"),
    key("patrols.witness.enabled", "`true`", "true", "whether Witnesses are", "false"),
    key("patrols.witness.rigs", "all", "[]", "the rigs whose Witnesses are; an empty list is all", "[\"web\"]"),
    key("patrols.refinery.enabled", "`false`", "false", "whether Refineries are", "true"),
    key("patrols.refinery.rigs", "all", "[]", "the rigs whose Refineries are; an empty list is all", "[\"web\"]"),
    key("env", "none", "{}", "environment for agents, `bd` and `gt`: an object of strings", "{\"EDITOR\": \"ed\"}"),
    key(
        "gtd.gastown",
        "`auto`",
        "\"auto\"",
        "Gas Town's generation: `seed` (gt 0.1), `v0.2`, `v1.0`, or `auto`: what `gt --version` says, else what the \
         town shows",
        "\"v1.0\"",
    ),
    key(
        "gtd.agent_command",
        "`claude --dangerously-skip-permissions`",
        "\"claude --dangerously-skip-permissions\"",
        "the shell line that runs an agent, for all, or an object with `deacon`, `witness`, `refinery`, and, for requests, \
         `crew` and `mayor`",
        "{\"deacon\": \"claude --continue\"}",
    ),
    key(
        "gtd.first_prompt",
        "as the generation has it",
        "null",
        "what agents are told when they start: one text for all, or an object as for `gtd.agent_command`; an empty one is \
         nothing",
        "{\"witness\": \"{header} Run gt prime, and look after {rig}.\"}",
    ),
    key(
        "gtd.tmux_socket",
        "as the generation has it",
        "null",
        "a socket's name (`tmux -L`) or absolute path (`tmux -S`)",
        "\"gastown\"",
    ),
    key("gtd.look_interval", "`60s`", "\"60s\"", "how often the town is looked at", "\"30s\""),
    key(
        "gtd.silent_after",
        "`60s`",
        "\"60s\"",
        "how long after a poke without output the agent is poked again, if no heartbeat comes before",
        "\"2m\"",
    ),
    key(
        "gtd.command_timeout",
        "`30s`",
        "\"30s\"",
        "how long a call of `bd` or `gt` may take; reading the mail has at least 90 s, tmux has 5 s",
        "\"1m\"",
    ),
    key("gtd.restart.settle", "`5s`", "\"5s\"", "how long an agent must be gone before it is started", "\"10s\""),
    key("gtd.restart.first_delay", "`30s`", "\"30s\"", "the delay of the second restart within 15 minutes", "\"1m\""),
    key(
        "gtd.restart.grace",
        "`5m`",
        "\"5m\"",
        "how long an agent is left alone after a start; those started already keep theirs",
        "\"10m\"",
    ),
    key("gtd.log.max_size", "`10MB`", "\"10MB\"", "the size at which the log is rotated", "\"64KiB\""),
    key("gtd.log.keep", "`3`", "3", "how many log files are kept, the current one included", "10"),
    key(
        "gtd.notify",
        "none",
        "null",
        "a shell line that is run when something needs a person, with one JSON object on its standard input, and once more \
         when that is over",
        "\"mail -s gtd ops@example.org\"",
    ),
    key(
        "gtd.metrics_file",
        "none",
        "null",
        "a file, by an absolute path or one below the town's root, that is written after each look, in OpenMetrics text",
        "\"daemon/gtd.prom\"",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use serde_json::{Value, json};

    /// A file with this key alone.
    fn file(key: &Key, value: &str) -> Value {
        let mut file: Value = serde_json::from_str(value).expect(value);
        for part in key.path.rsplit('.') {
            file = json!({ part: file });
        }
        file
    }

    #[test]
    fn every_default_and_every_example_is_taken_without_a_warning() {
        for key in &KEYS {
            for value in [key.json, key.example] {
                assert_eq!(Config::of(file(key, value)).expect("an object").1, [""; 0], "{}", key.path);
            }
        }
    }

    #[test]
    fn every_default_is_the_one_and_every_example_is_another() {
        // Written out, these are kept apart from what was not said, and mean the same.
        let same =
            |path: &str| path == "heartbeat.interval" || path == "gtd.agent_command" || path.starts_with("patrols.");
        for key in &KEYS {
            let read = |value| Config::of(file(key, value)).expect("an object").0;
            assert_ne!(read(key.example), Config::default(), "{}", key.path);
            assert_ne!(read(key.example), read(key.json), "{}", key.path);
            assert!(same(key.path) || read(key.json) == Config::default(), "{}", key.path);
        }
    }

    #[test]
    fn the_keys_of_a_section_stand_together() {
        for section in ["heartbeat.", "patrols.", "patrols.witness.", "gtd.", "gtd.restart.", "gtd.log."] {
            let inside = KEYS.iter().map(|key| key.path.starts_with(section)).collect::<Vec<_>>();
            let entered = inside.windows(2).filter(|pair| !pair[0] && pair[1]).count() + usize::from(inside[0]);
            assert_eq!(entered, 1, "{section}");
        }
    }
}
