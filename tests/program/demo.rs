//! The demo town that `make run` brings up where there is no town, by the scripts that it calls.

use crate::support::program::GTD;
use crate::support::{Gtd, Ran, Town, wait_until};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A script of the demo in a directory of its own, on the tmux sockets of this town, whose home has no town either.
fn script(town: &Town, name: &str, dir: &Path) -> Command {
    fs::create_dir_all(dir).expect("made");
    let mut command = town.command(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo").join(name));
    command.arg(GTD).current_dir(dir);
    for variable in ["GT_TOWN_ROOT", "GT_ROOT", "TOWN", "PWD"] {
        command.env_remove(variable);
    }
    command
}

fn sessions(town: &Town) -> Vec<String> {
    let mut tmux = town.command("tmux");
    tmux.args(["-L", "gtd-demo", "list-sessions", "-F", "#{session_name}"]);
    Ran::of(tmux).stdout.lines().map(str::to_owned).collect()
}

const AGENTS: [&str; 3] = ["gt-alpha-witness", "gt-beta-witness", "gt-deacon"];

#[test]
fn a_demo_town_comes_up_and_only_its_own_stop_ends_it() {
    let town = Town::new(&[]);
    let [here, there] = ["here", "there"].map(|name| town.notes.join(name));
    let mut gtd = Gtd::start(script(&town, "run", &here));
    wait_until("its agents are up", || sessions(&town) == AGENTS);
    let refused = Ran::of(script(&town, "run", &there)).exits(1);
    assert!(refused.stderr.contains("here/target/demo-town runs already: make demo-stop there ends it"), "{refused}");
    Ran::of(script(&town, "stop", &there)).exits(0);
    assert_eq!(sessions(&town), AGENTS, "they are another demo's");
    Ran::of(script(&town, "stop", &here)).exits(0);
    gtd.wait();
    assert_eq!(sessions(&town), [""; 0]);
    assert!(!here.join("target/demo-town").exists());
}
