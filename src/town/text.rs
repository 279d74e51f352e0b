//! Text from outside, made safe to show: in the log, in a terminal, in an error.

/// `text` without control characters (they are escaped as in Rust), at most `limit` characters, cut with `…`.
pub fn clean(text: &str, limit: usize) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == limit {
            out.push('…');
            break;
        }
        if is_unsafe(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// What stands in a message before a command that ends agents, which a person copies: it is on a line of its own and not folded.
pub const COMMAND: &str = "; or end them: ";

/// What stands in a message of the daemon after what is to be mended in the configuration, which it reads when it is told to.
pub const REREAD: &str = ", then kill -HUP $(cat daemon/daemon.pid)";

/// A message, and the command in it, if there is one.
pub fn with_command(text: &str) -> (&str, Option<&str>) {
    match text.split_once(COMMAND) {
        Some((text, command)) => (text, Some(command)),
        None => (text, None),
    }
}

/// `1 file`, `2 files`.
pub fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// As [`clean`], in quotation marks: for a name that somebody chose.
pub fn shown(text: &str, limit: usize) -> String {
    format!("\"{}\"", clean(text, limit))
}

/// Control characters, and the marks that turn the direction of writing or break a line: what could make a
/// terminal or a reader see something else than what stands there.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_long_text_is_cut() {
        assert_eq!(clean("a\x1b[31mb\nc\u{202e}", 99), "a\\u{1b}[31mb\\nc\\u{202e}");
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(shown("Ümläut ok", 60), "\"Ümläut ok\"");
    }

    #[test]
    fn one_thing_is_not_many() {
        assert_eq!([0, 1, 2].map(|number| count(number, "rig")), ["0 rigs", "1 rig", "2 rigs"]);
    }
}
