//! `gtd --check`: how it tells what it finds, and what it finds of programs and shells.

use crate::support::{Checked, Mode, Ran, Town, fakes, listing, program::GTD};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

/// Makes a program of a script.
fn program(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    fakes::program(path, &format!("#!/bin/sh\n{script}\n"));
}

fn without_blanks(text: &str) -> String {
    text.split_whitespace().collect()
}

/// A town with bash for a shell, and this for its login file.
fn with_login_file(text: &str) -> Option<Town> {
    if !Path::new("/bin/bash").exists() {
        eprintln!("SKIPPED: there is no bash");
        return None;
    }
    let mut town = Town::new(&[]);
    town.set_env("SHELL", "/bin/bash");
    fs::write(town.home.join(".bash_profile"), text).expect("written");
    Some(town)
}

#[test]
fn nothing_is_wrong_in_a_good_town_and_nothing_is_changed() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"gastown": null}}));
    town.answer("gt", "gt version 0.1.0\n", "", 0);
    let before = listing(&town.root);
    let found = Checked::of(&town);
    found
        .faults(0)
        .good("tmux", "tmux 3.")
        .good("gt", "gt version 0.1.0")
        .good("generation", "seed: gt --version says ")
        .good("rigs", "1")
        .good("clock", "")
        .good("disk", "free")
        .note("daemon", "nobody serves this town", "gtd --background");
    assert_eq!(found.value()["format"], 1);
    assert_eq!(found.value()["town"], town.root.display().to_string());
    assert_eq!(found.value()["gtd"], env!("CARGO_PKG_VERSION"));
    assert_eq!(town.calls("gt"), ["--version"; 2], "once for its version, once for the generation");
    let said = town.run(&["--check"]).exits(0).stdout;
    assert!(said.ends_with("\nnothing is wrong\n") && !said.contains("FAULT"), "{said}");
    assert_eq!(listing(&town.root), before);
    assert_eq!(town.try_tmux(&["list-sessions"]), None, "no server is started");
}

#[test]
fn lines_and_json_tell_the_same_and_no_line_is_wide() {
    let mut town = Town::named("a-town-with-a-long-name-so-that-paths-in-it-are-wider-than-a-line", &["alpha"]);
    town.configure(json!({"gtd": {"agent_command": "no-such-program", "colour": 1}}));
    town.write("mayor/rigs.json", "{\"rigs\"");
    // Time and room go on changing.
    let moves = |what: &str| matches!(what, "clock" | "disk");
    let said = town.run(&["--check"]).exits(1).stdout;
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    assert!(said.ends_with("3 things must be mended\n"), "{said}");
    let rest = said.lines().filter(|line| !moves(line.get(7..).unwrap_or("").split(' ').next().unwrap_or("")));
    let found = Checked::of(&town);
    let expected = found.all().into_iter().filter(|finding| !moves(finding[1])).map(|[mark, what, found, remedy]| {
        let mark = if mark == "fault" { "FAULT" } else { mark };
        let arrow = if remedy.is_empty() { "" } else { "→" };
        format!("{mark}{what}{found}{arrow}{remedy}")
    });
    let expected = without_blanks(&expected.collect::<String>()) + "3thingsmustbemended";
    assert_eq!(without_blanks(&rest.collect::<String>()), expected);
    assert!(
        said.contains("\n                      → mend mayor/rigs.json"),
        "a remedy stands in a line of its own: {said}"
    );
}

#[test]
fn without_a_locale_it_speaks_ascii() {
    let mut town = Town::new(&[]);
    town.set_env("LC_ALL", "C");
    let said = town.run(&["--check"]).exits(0).stdout;
    assert!(said.is_ascii() && said.contains("\n                      > gtd --background"), "{said}");
}

#[test]
fn what_is_known_is_told_before_a_tool_that_hangs_has_run_out_of_its_time() {
    let town = Town::new(&["alpha"]);
    town.set_mode("bd", Mode::Hang);
    town.set_mode("gt", Mode::Hang);
    let mut command = town.gtd(&["--check"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("gtd starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("a line"));
    assert!(lines.any(|line| line.starts_with("ok     tmux ")));
    assert_eq!(child.try_wait().expect("its status"), None, "the rest is yet to come");
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().expect("its status").code(), Some(1));
    let said = without_blanks(&rest.concat());
    assert!(said.contains("gt--version:noanswerwithin3s→seewhat"), "{said}");
    town.wait_for_end_of("sleep 1000");
}

#[test]
fn whatever_hangs_it_ends_in_time() {
    let Some(mut town) = with_login_file("sleep 1000\n") else { return };
    for tool in ["bd", "gt"] {
        town.set_mode(tool, Mode::Hang);
    }
    program(&town.bin.join("tmux"), "trap '' TERM; sleep 1000");
    town.configure(json!({"gtd": {"gastown": null, "command_timeout": "1h"}}));
    // It has to end within the 30 s for which every command is waited for here.
    Checked::of(&town)
        .fault("tmux", "no answer within", "install it anew")
        .fault("bd", "no answer within", "install it anew")
        .fault("gt", "no answer within", "install it anew")
        .fault("login shell", "no answer within", "a login file waits for something")
        .fault("town", "tmux does not answer", "see what tmux list-sessions says")
        .fault("generation", "not known", "set gtd.gastown");
}

#[test]
fn tools_that_are_too_old_or_fail_or_cannot_be_run_are_faults() {
    let town = Town::new(&[]);
    program(&town.bin.join("tmux"), "[ \"$1\" = -V ] && echo tmux 3.1c");
    town.set_mode("bd", Mode::Fail);
    fs::set_permissions(town.bin.join("gt"), fs::Permissions::from_mode(0o644)).expect("not executable");
    Checked::of(&town)
        .fault("tmux", "tmux 3.1c; 3.2 or newer is needed", "install a newer tmux")
        .fault("bd", "bd is out of order", "install it anew")
        .fault("gt", "bin/gt cannot be executed", "chmod +x");
}

#[test]
fn tools_that_are_missing_or_elsewhere_are_told_with_what_that_means() {
    let town = Town::new(&[]);
    fs::remove_file(town.bin.join("bd")).expect("removed");
    let local = town.home.join(".local/bin");
    fs::create_dir_all(&local).expect("made");
    fs::rename(town.bin.join("gt"), local.join("gt")).expect("moved");
    Checked::of(&town)
        .note("bd", "not found in PATH or the usual places", "")
        .note("gt", ".local/bin/gt: ", "")
        .note("gt", "found outside PATH", "")
        .faults(0);
}

#[test]
fn what_cron_would_not_find_is_told_with_the_line_that_helps() {
    let town = Town::new(&[]);
    let remedy = format!("crontab: PATH={}:/usr/bin:/bin", town.bin.display());
    Checked::of(&town).note("cron", "would not find bd and gt", &remedy);
}

#[test]
fn another_tmux_that_a_person_may_attach_with_is_told() {
    let mut town = Town::new(&[]);
    let other = town.home.join("other");
    program(&other.join("tmux"), "echo tmux 3.9");
    town.set_env("PATH", &format!("{}:/usr/local/bin:/usr/bin:/bin:{}", town.bin.display(), other.display()));
    Checked::of(&town).note("tmux", "other/tmux: tmux 3.9", "whoever attaches should use").faults(0);
}

#[test]
fn a_tmux_that_does_not_understand_the_server_is_a_fault() {
    let town = Town::new(&[]);
    let script = "[ \"$1\" = -V ] && { echo tmux 3.9; exit; }\n\
                  echo 'protocol version mismatch (client 9, server 8)' >&2; exit 1";
    program(&town.bin.join("tmux"), script);
    Checked::of(&town)
        .fault("tmux server", "protocol version mismatch", "the tmux that started the server first in PATH")
        .fault("town", "tmux does not answer", "see what tmux list-sessions says");
}

#[test]
fn a_server_of_another_version_is_told() {
    let town = Town::new(&[]);
    town.tmux(&["new-session", "-d", "-s", "mine", "sleep 1000"]);
    program(
        &town.bin.join("tmux"),
        "[ \"$1\" = -V ] && { echo tmux 3.9; exit; }\nexec /usr/bin/env PATH=/usr/local/bin:/usr/bin:/bin tmux \"$@\"",
    );
    Checked::of(&town).note("tmux server", "gtd's tmux is 3.9", "restart the server").faults(0);
}

#[test]
fn the_command_of_each_role_is_looked_for() {
    let mut town = Town::new(&["alpha"]);
    let commands = json!({"deacon": "no-deacon --x", "witness": "sh", "crew": "no-crew", "mayor": "A=b sh"});
    town.configure(json!({"gtd": {"agent_command": null}}));
    town.configure(json!({"gtd": {"agent_command": commands}}));
    Checked::of(&town)
        .fault("agent command", "no-deacon is not found by", "set gtd.agent_command")
        .good("agent command", "sh (witness)")
        .note("agent command", "no-crew is not found by", "install it")
        .note("agent command", "A=b sh (mayor): not looked for", "")
        .faults(1);
}

#[test]
fn a_login_file_that_ends_the_shell_is_a_fault() {
    let Some(town) = with_login_file("echo no entry >&2; exit 3\n") else { return };
    Checked::of(&town).fault("login shell", "no entry", "mend them (~/.profile and the like)").faults(1);
}

#[test]
fn a_login_file_that_prints_is_told_and_does_no_harm() {
    let Some(town) = with_login_file("echo; echo 'Welcome back!'\n") else { return };
    Checked::of(&town).note("login shell", "print: Welcome back!", "at a prompt only").faults(0);
}

#[test]
fn a_shell_that_cannot_be_used_gives_way_to_another() {
    let mut town = Town::new(&[]);
    town.set_env("SHELL", "/no/such/shell");
    Checked::of(&town).note("login shell", "SHELL is /no/such/shell", "chsh").faults(0);
}

#[test]
fn a_shell_of_another_grammar_is_not_asked() {
    let mut town = Town::new(&[]);
    let shell = town.home.join("nu");
    program(&shell, "exit 1");
    town.set_env("SHELL", &shell.display().to_string());
    Checked::of(&town).note("login shell", "none that gtd can ask", "see for yourself").faults(0);
}

#[test]
fn a_tmux_server_that_is_stopped_is_a_fault_and_not_waited_for() {
    let town = Town::new(&[]);
    town.tmux(&["new-session", "-d", "-s", "mine", "sleep 1000"]);
    let pid: u32 = town.tmux(&["display-message", "-p", "#{pid}"]).parse().expect("a PID");
    crate::support::process::signal(pid, libc::SIGSTOP);
    Checked::of(&town).fault("town", "tmux does not answer (tmux list-panes: no answer", "see what tmux").faults(1);
    crate::support::process::signal(pid, libc::SIGCONT);
}

#[test]
fn at_a_terminal_the_login_shell_is_not_stopped() {
    let Some(town) = with_login_file("") else { return };
    if !Path::new("/usr/bin/script").exists() {
        eprintln!("SKIPPED: there is no script(1) to give a terminal");
        return;
    }
    let mut command = town.command("/usr/bin/script");
    command.args(["-qec", &format!("{GTD} --check"), "/dev/null"]);
    let said = Ran::of(command).exits(0).stdout;
    assert!(said.contains("nothing is wrong"), "{said}");
}

#[test]
fn within_an_agent_it_says_so() {
    let mut town = Town::new(&[]);
    town.set_env("CLAUDECODE", "1");
    Checked::of(&town).note("environment", "CLAUDECODE is set", "").faults(0);
}
