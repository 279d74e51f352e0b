//! What a person looks at: how wide it is, whether it shows colours, and text that fits.

use crate::sys::raw;
use std::env;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

/// Where nobody tells how wide the screen is.
const USUAL_WIDTH: usize = 80;
/// Nothing is folded to less.
const LEAST_WIDTH: usize = 20;
/// Below this there is no room for columns.
pub const NARROW: usize = 40;

/// The place that output goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// How many columns it has.
    pub width: usize,
    /// Whether it shows colours.
    pub colour: bool,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

/// A colour that every terminal has, whatever its background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// All is well.
    Green,
    /// Something is under way.
    Yellow,
    /// A person should look.
    Red,
    /// Somebody wants it so.
    Blue,
    /// Nobody knows.
    Magenta,
}

impl Screen {
    /// What stdout is.
    pub fn of_stdout() -> Screen {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let is_terminal = io::stdout().is_terminal();
        let told = raw::columns(io::stdout().as_fd()).map(usize::from);
        // 0 is what whoever does not know it either sets.
        let variable = || set("COLUMNS")?.parse().ok().filter(|columns| *columns > 0);
        let width = told.or_else(variable).unwrap_or(USUAL_WIDTH).max(LEAST_WIDTH);
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        // The only way to have colours in `watch -c`, which is no terminal.
        let forced = set("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let colour = set("NO_COLOR").is_none() && (forced || (is_terminal && !dumb));
        Screen { width, colour, unicode: shows_unicode(set) }
    }

    /// Text in a colour, where there are any.
    pub fn paint(self, text: &str, colour: Colour) -> String {
        let code = match colour {
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Red => "1;31",
            Colour::Blue => "34",
            Colour::Magenta => "35",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// `text` in lines that fit, each after the first beginning with `indent` blanks. `used` columns of the first are taken.
    pub fn fold(self, text: &str, used: usize, indent: usize) -> String {
        let mut out = String::new();
        let mut column = used;
        let mut fresh = true;
        for word in text.split(' ') {
            let word = if self.unicode { word.to_owned() } else { word.replace('…', "...") };
            let needed = columns(&word);
            if !fresh && column + 1 + needed > self.width {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
                fresh = true;
            }
            if !fresh {
                out.push(' ');
                column += 1;
            }
            // A word that is wider than the screen is broken where the screen ends.
            for c in word.chars() {
                let wide = columns(c.encode_utf8(&mut [0; 4]));
                if column + wide > self.width {
                    out.push('\n');
                    out.push_str(&" ".repeat(indent));
                    column = indent;
                }
                out.push(c);
                column += wide;
            }
            fresh = false;
        }
        out
    }
}

/// Whether a terminal of this locale shows more than ASCII: the first of the three that is set counts.
pub fn shows_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    let set = set.unwrap_or_default().to_ascii_lowercase();
    set.contains("utf-8") || set.contains("utf8")
}

/// How many columns a text takes: those of eastern scripts and pictures are two wide, marks that combine take none.
pub fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| match u32::from(c) {
            0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
            0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0x1f300..=0x1faff
            | 0x20000..=0x3fffd => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: Screen = Screen { width: 40, colour: false, unicode: true };

    #[test]
    fn text_is_folded_between_words_and_within_those_that_are_too_wide() {
        let text = PLAIN.fold("one two three four five six seven eight nine ten", 10, 4);
        assert_eq!(text, "one two three four five six\n    seven eight nine ten");
        let long = PLAIN.fold(&"x".repeat(50), 0, 2);
        assert_eq!(long, format!("{}\n  {}", "x".repeat(40), "x".repeat(10)));
        assert_eq!(columns("日本 a"), 6);
        assert_eq!(Screen { unicode: false, ..PLAIN }.fold("cut…", 0, 0), "cut...");
    }

    proptest! {
        #[test]
        fn folded_text_fits_and_is_all_there(text in "\\PC{0,200}", used in 0..30usize, indent in 0..20usize) {
            let folded = PLAIN.fold(&text, used, indent);
            for (n, line) in folded.lines().enumerate() {
                let used = if n == 0 { used } else { 0 };
                prop_assert!(columns(line) + used <= 40, "{line:?}");
            }
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&folded), letters(&text));
        }
    }
}
