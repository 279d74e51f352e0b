//! `--print systemd`: a user unit.

use super::Service;
use std::fmt::Write;

/// What a user's services have for a `PATH` where nobody has set another.
const PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const HEAD: &str = "\
# A systemd user unit for gtd. To install it:
#
#   mkdir -p ~/.config/systemd/user
#   gtd --print systemd > ~/.config/systemd/user/gtd.service
#   systemctl --user daemon-reload
#   systemctl --user enable --now gtd
#   loginctl enable-linger            # it starts at boot, and lives on when you log out
#
# For a second town: gtd --town DIR --print systemd > ~/.config/systemd/user/gtd-NAME.service, and enable gtd-NAME.
";

/// Why each line of the unit is there.
const SERVICE: &str = "\
# gtd says when it is up, and that it is alive.
Type=notify
WatchdogSec=180
# Agents and the tmux server outlive gtd; whatever becomes of one of them, gtd goes on.
KillMode=process
OOMPolicy=continue
TasksMax=infinity
# 5: another daemon serves this town already.
Restart=on-failure
RestartSec=5
RestartPreventExitStatus=5
";

/// The unit.
///
/// # Errors
/// What systemd would not run.
pub fn unit(service: &Service) -> Result<String, String> {
    let program = &service.program;
    // Its arguments may be called so; of the program itself no way to quote them is accepted.
    if program.contains(['\'', '"', '\\']) || program.ends_with('/') {
        return Err(format!(
            "{program}: systemd runs no program whose path holds a quotation mark or a backslash, or ends with a slash; name a \
             symbolic link to it with --program"
        ));
    }
    let (about, town) = match &service.town {
        Some(town) => (format!(" for {}", doubled(town, '%')), format!(" --town {}", argument(town))),
        None => (String::new(), String::new()),
    };
    let mut unit = HEAD.to_owned();
    if service.town.is_none() {
        unit.push_str(
            "#\n# No town is named. gtd will serve the one that GT_TOWN_ROOT or GT_ROOT names, else ~/gt; or print this again \
             with --town DIR.\n",
        );
    }
    // The bracket keeps a backslash at the end of a path from joining lines.
    let _ = writeln!(unit, "\n[Unit]\nDescription=Gas Town's daemon (gtd{about})\nDocumentation=man:gtd(8)");
    let _ = writeln!(unit, "\n[Service]\n{SERVICE}ExecStart={}{town}", quoted(program));
    unit.push_str("ExecReload=/bin/kill -HUP $MAINPID\n");
    let mut environment = |name: &str, value: &str| {
        let _ = writeln!(unit, "Environment={}", quoted(&format!("{name}={value}")));
    };
    if let Some(sockets) = &service.sockets {
        environment("TMUX_TMPDIR", sockets);
    }
    if let Some(path) = service.path(&PATH) {
        environment("PATH", &path);
    }
    unit.push_str("\n[Install]\nWantedBy=default.target\n");
    Ok(unit)
}

/// As systemd reads it: quotation marks, and `%` twice, since it stands for something else.
fn quoted(text: &str) -> String {
    let text = doubled(text, '%').replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{text}\"")
}

/// The same for an argument, in which a `$` would name a variable; in the program's path it does not.
fn argument(text: &str) -> String {
    quoted(&doubled(text, '$'))
}

fn doubled(text: &str, c: char) -> String {
    text.replace(c, &format!("{c}{c}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(unit: &'a str, key: &str) -> &'a str {
        unit.lines().find(|line| line.starts_with(key)).unwrap_or_default()
    }

    #[test]
    fn odd_paths_are_quoted_by_systemds_rules() {
        let odd = Service {
            program: "/opt/a $b/gtd".to_owned(),
            town: Some("/home/me/100% \"my\" $town\\".to_owned()),
            sockets: Some("/run/t %x".to_owned()),
            places: vec!["/opt/go/bin".to_owned()],
            home: None,
        };
        let unit = unit(&odd).expect("a unit");
        assert_eq!(
            line(&unit, "ExecStart="),
            "ExecStart=\"/opt/a $b/gtd\" --town \"/home/me/100%% \\\"my\\\" $$town\\\\\""
        );
        assert_eq!(line(&unit, "Environment=\"TMUX"), "Environment=\"TMUX_TMPDIR=/run/t %%x\"");
        let path = "Environment=\"PATH=/opt/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"";
        assert_eq!(line(&unit, "Environment=\"PATH"), path);
        assert!(unit.lines().all(|line| !line.ends_with('\\')), "{unit}");
    }

    #[test]
    fn without_a_town_it_says_how_one_is_found() {
        let unit = unit(&Service { program: "/bin/gtd".to_owned(), ..Service::default() }).expect("a unit");
        assert_eq!(line(&unit, "ExecStart="), "ExecStart=\"/bin/gtd\"");
        assert!(unit.contains("# No town is named.") && !unit.contains("Environment="), "{unit}");
    }
}
