//! Where programs are found, and what is said of those that this user may not run.

use crate::support::{Checked, Ran, Town, fakes};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A gtd of a user without privileges, and a mode by which a file of that name is everybody's to run but that user's.
fn of_nobody(town: &Town, args: &[&str]) -> (Command, u32) {
    let mut gtd = town.gtd(args);
    let top = town.root.parent().expect("a directory");
    // SAFETY: getuid(2) reads nothing.
    if unsafe { libc::getuid() } != 0 {
        return (gtd, 0o611);
    }
    fs::set_permissions(top, fs::Permissions::from_mode(0o755)).expect("opened");
    gtd.uid(65534);
    (gtd, 0o700)
}

#[test]
fn a_program_that_this_user_may_not_run_is_not_found_and_it_is_said_why() {
    let town = Town::new(&[]);
    let (mut gtd, mode) = of_nobody(&town, &["--check", "--json"]);
    // Another user's directory may hold one, or not.
    let closed = town.notes.join("closed");
    fs::create_dir(&closed).expect("made");
    fs::set_permissions(&closed, fs::Permissions::from_mode(if mode == 0o700 { 0o700 } else { 0o600 }))
        .expect("closed");
    fs::set_permissions(town.bin.join("gt"), fs::Permissions::from_mode(mode)).expect("closed");
    fs::remove_file(town.bin.join("bd")).expect("removed");
    gtd.env("PATH", format!("{}:{}:/usr/bin:/bin", town.bin.display(), closed.display()));
    Checked::said(&Ran::of(gtd)).fault("gt", "bin/gt may not be executed by this user", "findmnt -T ").note(
        "bd",
        &format!("not found in PATH or the usual places ({} is closed to this user)", closed.display()),
        "",
    );
}

#[test]
fn a_town_that_this_user_may_not_look_into_is_not_said_to_be_none() {
    let town = Town::new(&[]);
    let close = |dir: &Path, mode| fs::set_permissions(dir, fs::Permissions::from_mode(mode)).expect("its mode");
    let told = format!(
        "cannot see {}/mayor/town.json: Permission denied (os error 13); run this as the town's user",
        town.root.display()
    );
    for (args, status) in [(&["--once"][..], 1), (&["--status"], 4)] {
        let (mut named, mode) = of_nobody(&town, args);
        named.arg("--town").arg(&town.root).current_dir("/");
        let (mut found, _) = of_nobody(&town, args);
        found.env("GT_ROOT", &town.root).current_dir("/");
        // Whoever stands in it is not sent to another one.
        let (mut within, _) = of_nobody(&town, args);
        within.current_dir(&town.root);
        let closed = if mode == 0o700 { 0o700 } else { 0o600 };
        for (dir, gtds) in [(&town.root, vec![named, found]), (&town.root.join("mayor"), vec![within])] {
            close(dir, closed);
            for gtd in gtds {
                let said = Ran::of(gtd).refused(status);
                assert!(said.contains(&told), "{said}");
            }
            close(dir, 0o755);
        }
    }
}

#[test]
fn a_town_of_another_user_is_refused_with_what_to_do() {
    let town = Town::new(&[]);
    town.up().stop();
    let (state, requests) = (town.root.join("daemon/state.json"), town.root.join("daemon/requests"));
    let close = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode");
    let (_, mode) = of_nobody(&town, &[]);
    fs::create_dir_all(&requests).expect("made");
    close(&state, if mode == 0o700 { 0o600 } else { 0 });
    close(&requests, if mode == 0o700 { 0o700 } else { 0o500 });
    for (args, status) in [(&["--status"][..], 4), (&["--dry-run"], 1), (&["--request", "reset", "deacon"], 1)] {
        let (gtd, _) = of_nobody(&town, args);
        let said = Ran::of(gtd).refused(status);
        assert!(said.ends_with("; run this as the town's user"), "{said}");
    }
}

/// A town of this generation where gtd's own `PATH` leads to a `claude`, and the login shell's to another directory.
fn with_claude(generation: &str, login_dir: &str) -> Town {
    let mut town = Town::new(&[]);
    town.set_env("SHELL", "/bin/bash");
    let login = format!("PATH={}:/usr/bin:/bin\n", town.home.join(login_dir).display());
    fs::write(town.home.join(".bash_profile"), login).expect("written");
    fakes::program(&town.bin.join("claude"), "#!/bin/sh\n");
    town.configure(json!({"gtd": {"gastown": generation, "agent_command": null, "tmux_socket": "default"}}));
    town
}

#[test]
fn the_agents_program_is_looked_for_as_its_start_looks_for_it() {
    if !Path::new("/bin/bash").exists() {
        eprintln!("SKIPPED: there is no bash");
        return;
    }
    let town = with_claude("v1.0", "none");
    let own = town.bin.join("claude");
    let command = "claude --dangerously-skip-permissions (deacon, witness, refinery, crew, mayor)";
    Checked::of(&town).good("agent command", &format!("{command}: {}, by gtd's own PATH", own.display()));
    // Older ones leave it to the login shell.
    let town = with_claude("v0.2", "none");
    Checked::of(&town).fault("agent command", "claude is not found by /bin/bash", "install it");
    let town = with_claude("v0.2", "places");
    let theirs = town.home.join("places/claude");
    fs::create_dir(town.home.join("places")).expect("made");
    fakes::program(&theirs, "#!/bin/sh\n");
    Checked::of(&town).good("agent command", &format!("{command}: {}", theirs.display()));
}
