//! Where programs are found, and what is said of those that this user may not run.

use crate::support::{Checked, Ran, Town};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
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
