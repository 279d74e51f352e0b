//! Who gtd runs for: the home directory and the login shell, asked of the files and never of a name service, which a static
//! binary does not have.

use super::raw;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The home directory: `$HOME`, else as in `/etc/passwd`.
pub fn home() -> Option<PathBuf> {
    let set = env::var_os("HOME").filter(|home| !home.is_empty());
    set.map(PathBuf::from).or_else(|| passwd_field(5).map(PathBuf::from))
}

/// The user's name, as in `/etc/passwd`.
pub fn name() -> Option<String> {
    passwd_field(0)
}

/// The user's shell: `$SHELL`, else as in `/etc/passwd`, else `/bin/sh`. cron sets `SHELL=/bin/sh` for everybody, so
/// that value gives way to what `/etc/passwd` says.
pub fn login_shell() -> PathBuf {
    let set = env::var_os("SHELL").filter(|shell| shell != "/bin/sh");
    set.into_iter()
        .chain(passwd_field(6).map(OsString::from))
        .map(PathBuf::from)
        .find(|shell| is_usable(shell))
        .unwrap_or_else(|| PathBuf::from("/bin/sh"))
}

/// The flags with which a shell runs one line after its login files. C shells take no `-l` beside others.
pub fn login_flags(shell: &Path) -> &'static [&'static str] {
    match shell.file_name().and_then(|name| name.to_str()) {
        Some("csh" | "tcsh") => &["-i", "-c"],
        _ => &["-l", "-i", "-c"],
    }
}

fn is_usable(shell: &Path) -> bool {
    let locked = ["nologin", "false", "true", "sync"];
    let name = shell.file_name().and_then(|name| name.to_str());
    shell.is_absolute() && shell.is_file() && raw::can_run(shell) && name.is_some_and(|name| !locked.contains(&name))
}

fn passwd_field(field: usize) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    field_of(&users, raw::user_id(), field)
}

fn field_of(users: &str, id: u32, field: usize) -> Option<String> {
    let id = id.to_string();
    let line = users.lines().find(|line| line.split(':').nth(2) == Some(id.as_str()))?;
    let value = line.split(':').nth(field)?;
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn home_and_shell_are_read_from_the_users_line() {
        let users = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:\n";
        assert_eq!(field_of(users, 0, 6).as_deref(), Some("/bin/bash"));
        assert_eq!(field_of(users, 1000, 5).as_deref(), Some("/home/ann"));
        assert_eq!(field_of(users, 1000, 6), None);
        assert_eq!(field_of(users, 7, 5), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String, field in 0..9usize) {
            let _ = field_of(&text, 1000, field);
        }
    }
}
