//! Scripts for tmux: quoting, guards, and how a script's own words are told from what panes show.

use crate::sys::raw;
use crate::town::plan::PaneRef;
use crate::town::sorted::SortedMap;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// A word that no program in a pane can know: it marks tmux's own lines among what panes show.
pub fn tag() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let boot = raw::since_boot().as_nanos();
    format!("gtd{:x}-{boot:x}-{count:x}", process::id())
}

/// `text` as one word of a script. Single quotes keep every byte; only a backslash before a line's end would be lost,
/// and control characters are never typed.
pub fn quote(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", plain.replace('\'', "'\\''"))
}

/// The same for a word that must arrive byte by byte, lines' ends included.
pub fn quote_exactly(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''").replace('\n', "'\"\\n\"'"))
}

/// These as the words of a script, each as `quote` has it.
pub fn in_words(words: &[String], quote: fn(&str) -> String) -> String {
    let mut script = String::new();
    for (number, word) in words.iter().enumerate() {
        if number > 0 {
            script.push(' ');
        }
        script.push_str(&quote(word));
    }
    script
}

/// `text` as one argument of a tmux command line, where a `;` at the end would begin another command.
pub fn argument(text: &str) -> String {
    match text.strip_suffix(';') {
        Some(rest) => format!("{rest}\\;"),
        None => text.to_owned(),
    }
}

/// `text` where tmux takes a format: `#(…)` in a directory's name would be run.
pub fn not_a_format(text: &str) -> String {
    text.replace('#', "##")
}

/// What a guard asks of a pane, and [`identity`] what it must answer: an id alone could be somebody else's by now.
pub const IDENTITY: &str = "#{session_name}/#{pane_pid}/#{@gtd_agent}";

/// What [`IDENTITY`] must give for a pane.
pub fn identity(pane: &PaneRef) -> String {
    format!("{}/{}/{}", pane.session, pane.process.pid, pane.mark)
}

/// The pane in its own session: of a pane that several sessions show, tmux would take any of them.
fn target(pane: &PaneRef) -> String {
    quote(&format!("={}:.%{}", pane.session, pane.id))
}

/// A line of a script that does `then` if the pane is still the one that was looked at and `besides` (a format, and what it
/// must give) still holds; else nothing.
pub fn guarded(pane: &PaneRef, besides: Option<(&str, &str)>, then: &[String]) -> String {
    let (mut asked, mut wanted) = (IDENTITY.to_owned(), identity(pane));
    if let Some((format, value)) = besides {
        asked = format!("{asked}/{format}");
        wanted = format!("{wanted}/{value}");
    }
    let condition = quote(&format!("#{{==:{asked},{wanted}}}"));
    format!("if-shell -F -t {} {condition} {{ {} }}", target(pane), then.join(" ; "))
}

/// The panes that [`together`] can guard: each bears the name of its session, as gtd marks it.
pub fn is_marked(pane: &PaneRef) -> bool {
    pane.mark == pane.session
}

/// Says 1 of the panes that [`together`] goes through.
pub const IS_MARKED: &str = "#{==:#{session_name},#{@gtd_agent}}";

/// One guard for many panes, all of them marked: a line that does `then` if each is still the one that was looked at and
/// `format` still gives what stands beside it; else nothing at all. tmux goes through all of its panes for it, and passes over
/// those in `spared`, of which nothing is wanted. A script has nothing come between its lines, so that it is as good as a guard
/// for each of them, which would be a command more for each.
pub fn together(panes: &[(&PaneRef, String)], format: &str, spared: &[u32], then: &[String]) -> String {
    // As tmux goes through its sessions.
    let mut by_session: SortedMap<&str, String> = SortedMap::new();
    for (pane, value) in panes {
        let one = format!("{}%{}/{}/{value} ", pane.session, pane.id, pane.process.pid);
        by_session.insert(&pane.session, one);
    }
    let mut wanted = String::new();
    for one in by_session.values() {
        wanted.push_str(one);
    }
    // No more than is needed: tmux copies what it has anew for each session.
    let mut found = format!("#{{?{IS_MARKED},#{{session_name}}#{{pane_id}}/#{{pane_pid}}/{format} ,}}");
    if !spared.is_empty() {
        let mut ids = String::new();
        for id in spared {
            ids.push_str(&format!("%{id}|"));
        }
        found = format!("#{{?#{{m:*|#{{pane_id}}|*,|{ids}}},,{found}}}");
    }
    let condition = quote(&format!("#{{==:#{{S:#{{W:#{{P:{found}}}}}}},{wanted}}}"));
    format!("if-shell -F {condition} {{\n{}}}", in_braces(then))
}

/// Lines of a script that stand together in braces. tmux writes a list of commands out as one text, for a log that nobody
/// keeps, and copies that text anew for each command: with a thousand lines in one list it does little else.
const LINES_TOGETHER: usize = 20;

/// The lines of a script, some of them together each time. Each is still by itself: an error in one stops no other.
pub fn in_braces(lines: &[String]) -> String {
    let mut script = String::with_capacity(lines.iter().map(|line| line.len() + 2).sum());
    for together in lines.chunks(LINES_TOGETHER) {
        script.push_str("if-shell -F 1 {\n");
        for line in together {
            script.push_str(line);
            script.push('\n');
        }
        script.push_str("}\n");
    }
    script
}

/// A command that says `TAG NUMBER FORMAT`. With a target, since without one tmux looks through all sessions for it.
pub fn say(pane: &PaneRef, tag: &str, number: usize, format: &str) -> String {
    format!("display-message -p -t {} {}", target(pane), quote(&format!("{tag} {number} {format}")))
}

/// What [`say`] commands with `tag` have said, by number: the words, and whatever was printed from there to the next.
pub fn said<'a>(text: &'a str, tag: &str) -> SortedMap<usize, Said<'a>> {
    let own = |line: &'a str| line.strip_prefix(tag)?.strip_prefix(' ')?.split_once(' ');
    let mut found = SortedMap::new();
    let mut rest = text;
    while let Some(start) = find_line(rest, tag) {
        let (line, after) = rest[start..].split_once('\n').unwrap_or((&rest[start..], ""));
        let end = find_line(after, tag).unwrap_or(after.len());
        if let Some((number, words)) = own(line)
            && let Ok(number) = number.parse()
        {
            found.insert(number, Said { words, after: &after[..end] });
        }
        rest = &after[end..];
    }
    found
}

/// See [`said`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// What the format gave.
    pub words: &'a str,
    /// What the commands after it printed.
    pub after: &'a str,
}

/// Where the first line that begins with `start` begins.
fn find_line(text: &str, start: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(start)?;
        if at == 0 || text.as_bytes()[at - 1] == b'\n' {
            return Some(at);
        }
        from = at + start.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_said_is_told_apart_from_what_panes_show() {
        let text = "T 1 a b\nscreen T 9 x\nline\nT 2 \nT x y\nT 3 c";
        let said = said(text, "T");
        let said: Vec<(usize, &str, &str)> = said.iter().map(|(n, s)| (*n, s.words, s.after)).collect();
        assert_eq!(said, [(1, "a b", "screen T 9 x\nline\n"), (2, "", ""), (3, "c", "")]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = said(&text, "a");
        }
    }
}
