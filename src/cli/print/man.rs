//! `--print man`: gtd(8), in the macros of man(7).

use super::what::What;
use crate::cli::help::wrap;
use crate::cli::options::{self, FLAGS, Flag, Kind};
use crate::cli::reference::{EXITS, FILES, SIGNALS, VARIABLES};
use crate::town::config::keys::KEYS;
use std::fmt::Write;

/// When its text was last changed in earnest.
const DATE: &str = "2026-11-23";

const DESCRIPTION: [&str; 3] = [
    "gtd keeps the patrol agents of a Gas Town (the Deacon, and a Witness for each rig) alive in tmux, and sends them heartbeats \
     that slow down when the town is idle. Without a command it runs in the foreground.",
    "It is a dumb scheduler. It sees whether a program lives and answers; whether it does good work is for the agents to judge. \
     What it cannot find out it leaves alone: unknown is not absent.",
    "The town is what `--town` names; else the outermost directory above the working directory that holds `mayor/town.json`; \
     else what GT_TOWN_ROOT names; else GT_ROOT; else `~/gt`.",
];

const CONFIGURATION: &str = "`mayor/daemon.json` is Gas Town's own file; gtd honours three of its sections and has one of its own, `gtd`. Every key is \
     optional. A bad value, and under `gtd` an unknown key, costs that key alone: the log and `--check` name it, and its default \
     stands. Keys that begin with // are comments. Durations are written `250ms`, `90s`, `5m`, `1h30m`; sizes as bytes or \
     `64KiB`, `10MB`. `gtd --print config` prints a file with every key at its default.";

const EXAMPLES: [(&str, &str); 4] = [
    ("gtd --background", "Serve the town that is found."),
    ("gtd --town ~/gt --dry-run", "What a heartbeat would do now, and why."),
    ("gtd --request cycle web/witness", "Have the Witness of the rig web started anew."),
    ("gtd --print systemd > ~/.config/systemd/user/gtd.service", "Have systemd keep gtd running; the file says how."),
];

/// The page.
pub fn page() -> String {
    let mut page = Page(format!(".TH GTD 8 {DATE} \"gtd {}\" \"Gas Town\"\n", env!("CARGO_PKG_VERSION")));
    page.section("NAME");
    let purpose = options::PURPOSE.split(": ").last().unwrap_or_default();
    let _ = writeln!(page.0, "gtd \\- {}", roff(purpose));
    page.section("SYNOPSIS");
    page.0.push_str(".nf\n");
    for (usage, _) in options::synopsis() {
        page.text(&format!("`{usage}`"));
    }
    page.0.push_str(".fi\n");
    page.section("DESCRIPTION");
    for (n, paragraph) in DESCRIPTION.iter().enumerate() {
        page.paragraph(n > 0, paragraph);
    }
    page.section("OPTIONS");
    for commands in [true, false] {
        for flag in FLAGS.iter().filter(|flag| (flag.kind == Kind::Command) == commands) {
            page.flag(flag);
        }
    }
    page.section("EXIT STATUS");
    for (exit, _, meaning) in &EXITS {
        page.item(&format!("`{}`", *exit as u8), &sentence(meaning));
    }
    page.section("CONFIGURATION");
    page.paragraph(false, CONFIGURATION);
    for key in &KEYS {
        let text = format!("{} Default: {}. Example: `{}`.", sentence(key.meaning), key.default, key.example);
        page.item(&format!("`{}`", key.path), &text);
    }
    page.section("ENVIRONMENT");
    for (name, meaning) in &VARIABLES {
        page.item(&format!("`{name}`"), &sentence(meaning));
    }
    page.section("FILES");
    page.paragraph(false, "Below the town's root:");
    page.items(&FILES);
    page.section("SIGNALS");
    page.items(&SIGNALS);
    page.section("EXAMPLES");
    for (command, what) in EXAMPLES {
        page.item(&format!("`{command}`"), what);
    }
    page.section("SEE ALSO");
    page.text("`tmux`(1), `crontab`(5), `systemd.service`(5), `loginctl`(1)");
    page.0
}

/// A text with a great letter and a full stop.
fn sentence(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// A page as far as it is written.
struct Page(String);

impl Page {
    fn section(&mut self, name: &str) {
        let mark = if name.contains(' ') { "\"" } else { "" };
        let _ = writeln!(self.0, ".SH {mark}{name}{mark}");
    }

    fn paragraph(&mut self, apart: bool, text: &str) {
        if apart {
            self.0.push_str(".PP\n");
        }
        self.text(text);
    }

    fn item(&mut self, tag: &str, text: &str) {
        let _ = writeln!(self.0, ".TP\n{}", safe(&roff(tag)));
        self.text(text);
    }

    fn items(&mut self, items: &[(&str, &str)]) {
        for (tag, meaning) in items {
            self.item(tag, &sentence(meaning));
        }
    }

    fn flag(&mut self, flag: &Flag) {
        let short = flag.short.map(|letter| format!("`-{letter}`, ")).unwrap_or_default();
        let text = format!("{} {}", sentence(flag.brief), flag.more);
        self.item(&format!("{short}`{}`", flag.with_options()), &text);
        if flag.name == "print" {
            self.0.push_str(".RS\n");
            for what in What::ALL {
                let (word, about) = what.described();
                self.item(&format!("`{word}`"), &sentence(about));
            }
            self.0.push_str(".RE\n");
        }
    }

    /// Lines of a text, none of which is a request.
    fn text(&mut self, text: &str) {
        for line in wrap(&roff(text), 78) {
            let _ = writeln!(self.0, "{}", safe(&line));
        }
    }
}

/// A text in roff: what stands in backquotes is bold.
fn roff(text: &str) -> String {
    let mut out = String::new();
    let mut bold = false;
    for c in text.chars() {
        match c {
            '`' => {
                bold = !bold;
                out.push_str(if bold { "\\fB" } else { "\\fR" });
            }
            '\\' => out.push_str("\\e"),
            // A plain one is a hyphen, which nobody can copy into a shell.
            '-' => out.push_str("\\-"),
            '~' => out.push_str("\\(ti"),
            '^' => out.push_str("\\(ha"),
            '"' => out.push_str("\\(dq"),
            '\'' => out.push_str("\\(aq"),
            '…' => out.push_str("\\&..."),
            c => out.push(c),
        }
    }
    out
}

/// A line that is none of roff's requests, whatever it begins with.
fn safe(line: &str) -> String {
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page as plain text on one line, without roff's marks.
    fn plain(page: &str) -> String {
        let mut text = page.to_owned();
        let marks = [
            ("\\fB", ""),
            ("\\fR", ""),
            ("\\&", ""),
            ("\\-", "-"),
            ("\\(ti", "~"),
            ("\\(ha", "^"),
            ("\\(dq", "\""),
            ("\\(aq", "'"),
            ("\\e", "\\"),
        ];
        for (mark, letter) in marks {
            text = text.replace(mark, letter);
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn everything_in_the_tables_is_in_the_page() {
        let page = plain(&page());
        let mut wanted: Vec<String> = FLAGS.iter().map(Flag::with_options).collect();
        wanted.extend(FLAGS.iter().flat_map(|flag| [sentence(flag.brief), flag.more.to_owned()]));
        wanted.extend(What::ALL.map(|what| what.word().to_owned()));
        wanted.extend(KEYS.iter().map(|key| format!(".TP {} {}", key.path, sentence(key.meaning))));
        wanted.extend(EXITS.iter().map(|(exit, _, meaning)| format!(".TP {} {}", *exit as u8, sentence(meaning))));
        let tables = FILES.iter().chain(&VARIABLES).chain(&SIGNALS);
        wanted.extend(tables.map(|(name, meaning)| format!(".TP {name} {}", sentence(meaning))));
        for text in wanted {
            let text = text.replace('`', "").replace('…', "...");
            assert!(page.contains(text.trim()), "{text}\n{page}");
        }
    }

    #[test]
    fn the_page_is_sane_roff() {
        let known = [".TH", ".SH", ".PP", ".TP", ".nf", ".fi", ".RS", ".RE"];
        let page = page();
        for line in page.lines() {
            let request = line.starts_with(['.', '\'']);
            assert!(!request || known.iter().any(|known| line.split(' ').next() == Some(known)), "{line}");
            assert!(request || !line.replace("\\-", "").contains('-'), "{line}");
            assert!(line.is_ascii() && !line.is_empty() && line.trim_end() == line, "{line:?}");
        }
        assert_eq!(page.matches("\\fB").count(), page.matches("\\fR").count());
    }

    #[test]
    fn a_text_is_never_a_request() {
        let mut page = Page(String::new());
        page.item(".TH", "'it' .is a-b \\n \"x\" `c`…");
        assert_eq!(page.0, ".TP\n\\&.TH\n\\(aqit\\(aq .is a\\-b \\en \\(dqx\\(dq \\fBc\\fR\\&...\n");
        page.text(".x");
        assert!(page.0.ends_with("\n\\&.x\n"));
    }
}
