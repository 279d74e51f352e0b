//! The completions, in the shells that they are for.

use super::support::{Ran, Town};
use super::{install, is_here, printed, tool};

/// A town whose daemon has seen its agents, and a gtd in its `PATH`.
fn known_town() -> Town {
    let town = Town::named("my town", &["alpha", "beta"]);
    install(&town);
    town.run(&["--once"]).exits(0);
    town
}

const AGENTS: &str = "deacon alpha/witness beta/witness";
const GENERAL: &str = "--town";
const COMMANDS: &str =
    "--background --stop --status --dry-run --once --wake --request --check --print --help --version";

#[test]
fn agents_are_named_from_the_state_alone() {
    let town = Town::new(&["alpha"]);
    let ask = || {
        let ran = town.run(&["--print", "agents"]).exits(0);
        assert_eq!(ran.stderr, "");
        ran.stdout
    };
    assert_eq!(ask(), "", "nothing is known yet");
    town.run(&["--once"]).exits(0);
    assert_eq!(ask(), "deacon\nalpha/witness\n");
    town.tmux(&["kill-server"]);
    assert_eq!(ask(), "deacon\nalpha/witness\n");
    assert_eq!(town.try_tmux(&["list-sessions"]), None, "no server is started");
    town.write("daemon/state.json", "{\"gtd\": torn");
    assert_eq!(ask(), "", "a torn state is nobody's business here");
}

#[test]
fn the_scripts_are_read_by_their_shells() {
    let town = Town::new(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&town, shell).display().to_string();
        if is_here(shell) {
            let ran = Ran::of(tool(&town, shell, &["-n", &script])).exits(0);
            assert_eq!(ran.stderr, "", "{shell}");
        }
    }
}

/// What bash offers for the last of these words.
fn bash_offers(town: &Town, words: &[&str]) -> String {
    let script = printed(town, "bash");
    let complete =
        "source \"$0\"; COMP_WORDS=(gtd \"$@\"); COMP_CWORD=$#; _gtd gtd; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut command = town.command("/usr/bin/env");
    command.args(["bash", "--norc", "-c", complete]).arg(script).args(words);
    let ran = Ran::of(command).exits(0);
    assert_eq!(ran.stderr, "", "{words:?}");
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn bash_completes_flags_words_agents_and_directories() {
    if !is_here("bash") {
        return;
    }
    let town = known_town();
    let root = town.root.display().to_string();
    let here = |dir: &str| format!("./{dir}");
    let (mayor, dir) = (here("mayor"), here("may"));
    let cases: [(&[&str], String); 19] = [
        (&[""], format!("{GENERAL} {COMMANDS}")),
        (&["--st"], "--stop --status".to_owned()),
        (&["--stop", ""], format!("{GENERAL} --timeout")),
        (&["--stop", "--timeout", ""], "10s 1m".to_owned()),
        (&["--stop", "--timeout", "3s", "--"], GENERAL.to_owned()),
        (&["--request", ""], "cycle restart shutdown start reset".to_owned()),
        (&["--request", "re"], "restart reset".to_owned()),
        (&["--request", "cycle", ""], AGENTS.to_owned()),
        (&["--request", "cycle", "al"], "alpha/witness".to_owned()),
        (&["--request", "cycle", "deacon", ""], GENERAL.to_owned()),
        (&["--status", ""], format!("{AGENTS} {GENERAL} --json")),
        (&["--status", "deacon", ""], format!("{GENERAL} --json")),
        (&["--status", "--json", "b"], "beta/witness".to_owned()),
        (&["--check", "--j"], "--json".to_owned()),
        (&["--print", "s"], "systemd".to_owned()),
        (&["--print", ""], "town man bash zsh fish systemd launchd cron config".to_owned()),
        (&["--town", &dir], mayor.clone()),
        (&["--town", "=", &dir], mayor.clone()),
        (&["--town", &root, "--w"], "--wake".to_owned()),
    ];
    for (words, offered) in cases {
        assert_eq!(bash_offers(&town, words), offered, "{words:?}");
    }
    // Elsewhere, the agents are those of the town that is named.
    let other = Town::new(&[]);
    install(&other);
    assert_eq!(bash_offers(&other, &["--request", "cycle", ""]), "");
    assert_eq!(bash_offers(&other, &["--town", "=", &root, "--request", "start", "d"]), "deacon");
}

#[test]
fn fish_completes_flags_words_and_agents() {
    if !is_here("fish") {
        return;
    }
    let town = known_town();
    let script = printed(&town, "fish").display().to_string();
    for (line, offered) in [
        ("gtd --st", "--status --stop"),
        ("gtd --request re", "reset restart"),
        ("gtd --request cycle ", "alpha/witness beta/witness deacon"),
        ("gtd --request cycle deacon ", ""),
        ("gtd --status ", "alpha/witness beta/witness deacon"),
        ("gtd --check --j", "--json"),
        ("gtd --wake --j", ""),
        ("gtd --print s", "systemd"),
        ("gtd --stop --timeout 1", "10s 1m"),
    ] {
        let mut command =
            tool(&town, "fish", &["--no-config", "-c", "source $argv[1]; complete -C $argv[2]", &script, line]);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", town.bin.display()));
        let ran = Ran::of(command).exits(0);
        let mut words: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split('\t').next()).collect();
        words.sort_unstable();
        assert_eq!(words.join(" "), offered, "{line}: {ran}");
    }
}
