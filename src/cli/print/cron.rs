//! `--print cron`: a line that starts gtd when the machine does.

use super::Service;
use std::fmt::Write;

/// What cron's jobs have for a `PATH`.
const PATH: [&str; 2] = ["/usr/bin", "/bin"];

/// The line. Variables stand in it and not above it, where they would be every other job's too.
///
/// # Errors
/// What cannot be written into a crontab.
pub fn line(service: &Service) -> Result<String, String> {
    let mut text = String::from("# gtd, when the machine starts; paste this with crontab -e.\n");
    if service.town.is_none() {
        text.push_str(
            "# No town is named. gtd will serve ~/gt, unless GT_TOWN_ROOT or GT_ROOT names another; or print this again with \
             --town DIR.\n",
        );
    }
    text.push_str("@reboot ");
    for (name, value) in [("TMUX_TMPDIR", &service.sockets), ("PATH", &service.path(&PATH))] {
        if let Some(value) = value {
            let _ = write!(text, "{name}={} ", word(value)?);
        }
    }
    let _ = write!(text, "{} --background", word(&service.program)?);
    if let Some(town) = &service.town {
        let _ = write!(text, " --town {}", word(town)?);
    }
    text.push('\n');
    Ok(text)
}

/// A word for the shell, as it has to stand in a crontab: `%` as `\%`, and that outside of quotation marks, so that the
/// shell takes the backslash away where a cron does not.
fn word(text: &str) -> Result<String, String> {
    // What becomes of it differs from cron to cron.
    if text.contains('\\') {
        return Err(format!("{text}: a path with a backslash cannot be written into a crontab"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,".contains(c);
    if text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    let pieces = text.split('%').map(|piece| if piece.is_empty() { String::new() } else { quoted(piece) });
    Ok(pieces.collect::<Vec<_>>().join("\\%"))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_is_quoted_nowhere() {
        let service = Service {
            program: "/home/me/.local/bin/gtd".to_owned(),
            town: Some("/home/me/gt".to_owned()),
            ..Service::default()
        };
        let line = line(&service).expect("a line");
        assert!(line.ends_with("\n@reboot /home/me/.local/bin/gtd --background --town /home/me/gt\n"), "{line}");
    }

    #[test]
    fn odd_paths_are_quoted_for_cron_and_for_the_shell() {
        let odd = Service {
            program: "/opt/my gtd".to_owned(),
            town: Some("/t/100% it's".to_owned()),
            sockets: Some("/run/%".to_owned()),
            places: vec!["/opt/go/bin".to_owned()],
            home: None,
        };
        let line = line(&odd).expect("a line");
        let wanted = "@reboot TMUX_TMPDIR='/run/'\\% PATH=/opt/go/bin:/usr/bin:/bin '/opt/my gtd' --background --town '/t/100'\\%' it'\\''s'";
        assert_eq!(line.lines().last(), Some(wanted));
        let refused = super::line(&Service { program: "/a\\b".to_owned(), ..Service::default() });
        assert!(refused.is_err_and(|why| why.contains("backslash")));
    }
}
