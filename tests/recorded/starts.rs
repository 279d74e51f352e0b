//! With what agents are started: the commands that `gt` and its daemon gave to tmux, against those that gtd would give.

use super::names::panes;
use super::{agent, generation_of, stdout};
use gtd::town::config::Config;
use gtd::town::names::Generation;
use gtd::town::start::{Facts, Start};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The files of the recorded town.
fn files(generation: Generation) -> BTreeSet<PathBuf> {
    let listing = stdout(&format!("{generation}/town-files-running.json"));
    listing.lines().map(|line| Path::new("@TOWN@").join(line.trim_start_matches("./"))).collect()
}

/// The start of an agent in the recorded town.
pub fn start(generation: Generation, id: &str) -> Start {
    let files = files(generation);
    let facts = Facts {
        root: Path::new("@TOWN@"),
        port: Some(3307),
        run: Some("RUN".to_owned()),
        time: "TIME".to_owned(),
        shell: "bash",
        is_file: &|file| files.contains(file),
        find: &|name| Some(format!("@BIN@/{name}").into()),
    };
    Start::of(&agent(generation, id), &Config::default(), &facts)
}

/// A start command: the environment that it sets, then its words up to the first prompt, then that prompt's first line.
#[derive(Debug, PartialEq, Eq)]
struct Command {
    env: BTreeMap<String, String>,
    words: Vec<String>,
    header: String,
}

impl Command {
    /// `export A=B && exec env C=D claude --flag "prompt"`, as `pane_start_command` quotes it.
    fn recorded(line: &str) -> Command {
        let (line, prompt) = line.trim_matches('"').split_once("\\\"").unwrap_or((line.trim_matches('"'), ""));
        let all = line.split_whitespace().filter(|word| !["export", "exec", "env", "&&"].contains(word));
        let (env, words): (Vec<&str>, Vec<&str>) =
            all.partition(|word| word.split_once('=').is_some_and(|(name, _)| !name.starts_with('-')));
        let pair = |word: &&str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Command {
            env: env.iter().filter_map(pair).collect(),
            words: words.into_iter().map(str::to_owned).collect(),
            header: timeless(prompt.split(['\n', '\\']).next().unwrap_or_default()),
        }
    }

    fn ours(start: &Start) -> Command {
        let (line, prompt) = match start.line.split_once(" '[") {
            Some((line, prompt)) => (line, format!("[{prompt}")),
            None => (start.line.as_str(), String::new()),
        };
        Command {
            env: start.env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            words: line.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect(),
            header: prompt.lines().next().unwrap_or_default().trim_end_matches('\'').to_owned(),
        }
    }
}

/// The text with its time replaced.
fn timeless(text: &str) -> String {
    let is_time = |word: &str| word.starts_with("20") && word.contains('T') && word.contains(':');
    text.split(' ').map(|word| if is_time(word) { "TIME" } else { word }).collect::<Vec<_>>().join(" ")
}

#[test]
fn agents_are_started_with_the_commands_that_gt_and_its_daemon_gave() {
    let ids =
        ["deacon", "mayor", "alpha/witness", "beta/witness", "alpha/refinery", "beta/refinery", "alpha/crew/maxine"];
    let mut compared = 0;
    for (file, field) in [
        ("v0.2/tmux-list-panes.json", 11),
        ("v0.2/tmux-list-sessions-daemon.json", 3),
        ("v1.0/tmux-list-panes.json", 11),
        ("v1.0/tmux-list-sessions-daemon.json", 3),
    ] {
        let generation = generation_of(file);
        for pane in panes(file) {
            let Some(id) = ids.into_iter().find(|id| agent(generation, id).session == pane[0]) else {
                assert!(pane[0].ends_with("-boot"), "{file}: {}", pane[0]);
                continue;
            };
            // Some were typed into a shell: what they then got is in agent-starts.json.
            if pane[field].is_empty() {
                continue;
            }
            let mut theirs = Command::recorded(&pane[field]);
            if let Some(run) = theirs.env.get_mut("GT_RUN") {
                *run = "RUN".to_owned();
            }
            let ours = Command::ours(&start(generation, id));
            assert_eq!(ours, theirs, "{file}: {id}");
            compared += 1;
        }
    }
    assert_eq!(compared, 17, "all that tmux shows");
}

#[test]
fn nudge_pollers_and_notes_of_pids_lie_beside_the_sessions_that_have_them() {
    let files = files(Generation::V10);
    for dir in [".runtime/nudge_poller", ".runtime/pids"] {
        let of = |id: &str| PathBuf::from(format!("@TOWN@/{dir}/{}.pid", agent(Generation::V10, id).session));
        let own: BTreeSet<PathBuf> =
            files.iter().filter(|file| file.starts_with(format!("@TOWN@/{dir}"))).cloned().collect();
        let ids = ["alpha/witness", "alpha/refinery", "alpha/crew/maxine", "beta/witness"];
        assert_eq!(own, ids.iter().map(|id| of(id)).collect(), "{dir}");
    }
    for (id, polled) in [
        ("deacon", false),
        ("mayor", false),
        ("alpha/witness", true),
        ("alpha/refinery", true),
        ("alpha/crew/maxine", true),
    ] {
        assert_eq!(start(Generation::V10, id).polls_nudges, polled, "{id}");
        assert!(!start(Generation::V02, id).polls_nudges, "{id}");
    }
}

#[test]
fn what_tmux_hands_to_every_program_names_no_agent() {
    for file in [
        "v0.2/tmux-show-environment-global.json",
        "v1.0/tmux-show-environment-global.json",
        "v1.0/tmux-show-environment-global-daemon.json",
    ] {
        let text = stdout(file);
        let names: BTreeSet<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        let scrubbed = gtd::world::environment::SCRUBBED;
        assert!(names.contains("PATH") && scrubbed.iter().all(|name| !names.contains(name)), "{file}: {names:?}");
    }
}
