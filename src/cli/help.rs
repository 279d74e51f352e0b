//! `--help`: the table of flags on one screen.

use super::options::{FLAGS, PURPOSE, synopsis};
use super::reference::EXITS;
use std::fmt::Write;

/// What `--help` prints.
pub fn help() -> String {
    let mut text = format!("gtd - {PURPOSE}\n\n");
    columns(&mut text, "usage: ", &synopsis());
    text.push_str("\noptions:\n");
    let mut options = Vec::new();
    for flag in FLAGS.iter().filter(|flag| !flag.is_command()) {
        options.push((flag.with_values(), flag.brief));
    }
    columns(&mut text, "  ", &options);
    let mut before = "\nexit status: ";
    for (exit, brief, _) in &EXITS {
        let _ = write!(text, "{before}{} {brief}", *exit as u8);
        before = "; ";
    }
    text.push('\n');
    text
}

/// No line of the help is longer.
const WIDTH: usize = 120;

/// Two columns below a heading that stands before the first line.
fn columns(text: &mut String, heading: &str, rows: &[(String, &str)]) {
    let first = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0) + 2;
    let indent = heading.len() + first;
    for (n, (left, right)) in rows.iter().enumerate() {
        let heading = if n == 0 { heading } else { "" };
        let before = format!("{heading:width$}{left:first$}", width = indent - first);
        let lines = wrap(right, WIDTH - indent).join(&format!("\n{:indent$}", ""));
        let _ = writeln!(text, "{}", format!("{before}{lines}").trim_end());
    }
}

/// Lines of at most `width` characters, broken at spaces.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_has_every_flag_and_fits_a_wide_terminal() {
        let help = help();
        for flag in &FLAGS {
            assert!(help.contains(&flag.with_values()), "{}", flag.name);
        }
        assert!(help.lines().all(|line| line.chars().count() <= WIDTH), "{help}");
        assert!(
            help.contains("\nusage: gtd [--town DIR]  ") && help.contains("gtd --stop [--timeout TIME]  "),
            "{help}"
        );
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("abcdef g", 3), ["abcdef", "g"]);
    }
}
