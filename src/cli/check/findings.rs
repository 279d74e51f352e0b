//! What was found, told as soon as it is known: lines for a person, or one JSON object at the end.

use crate::cli::screen::{NARROW, Screen};
use crate::cli::{Exit, Refusal, unwritten, write_out};
use crate::sys::command::running::kill_current;
use crate::town::json::{self, Object, ToJson};
use crate::town::text::{clean, with_command};
use std::fmt::{Arguments, Write};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The version of the JSON object.
const FORMAT: u32 = 1;

/// Where the text of a finding begins, after its mark and what it is about.
const INDENT: usize = 22;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is in order.
    Ok,
    /// gtd can do without it, or somebody wants it so.
    Note,
    /// It keeps gtd from serving the town, or will.
    Fault,
}

#[derive(Debug)]
struct Finding {
    mark: Mark,
    what: &'static str,
    found: String,
    /// What to do; empty where there is nothing to be done.
    remedy: String,
}

#[derive(Debug)]
struct Sheet {
    town: String,
    checks: Vec<Finding>,
    faults: usize,
    json: bool,
    utf8: bool,
    width: usize,
    closed: bool,
    unwritten: Option<io::Error>,
}

/// What was found so far. Its clones are the same.
#[derive(Clone, Debug)]
pub struct Findings(Arc<Mutex<Sheet>>);

/// [`Findings::note`] or [`Findings::fault`]: what is told, what was found, and what to do.
pub type Tell = fn(&Findings, &'static str, Arguments<'_>, Arguments<'_>);

impl Findings {
    /// Nothing yet.
    pub fn new(town: &Path, json: bool) -> Findings {
        let screen = Screen::of_stdout();
        let sheet = Sheet {
            town: town.display().to_string(),
            checks: Vec::new(),
            faults: 0,
            json,
            utf8: screen.unicode,
            width: screen.width.max(NARROW),
            closed: false,
            unwritten: None,
        };
        Findings(Arc::new(Mutex::new(sheet)))
    }

    /// Something that is in order.
    pub fn good(&self, what: &'static str, found: Arguments<'_>) {
        self.lock().add(Mark::Ok, what, found, format_args!(""));
    }

    /// Something that gtd can do without.
    pub fn note(&self, what: &'static str, found: Arguments<'_>, remedy: Arguments<'_>) {
        self.lock().add(Mark::Note, what, found, remedy);
    }

    /// Something that must be mended.
    pub fn fault(&self, what: &'static str, found: Arguments<'_>, remedy: Arguments<'_>) {
        self.lock().add(Mark::Fault, what, found, remedy);
    }

    /// Tells the sum, or the whole where it is wanted as JSON.
    pub fn finish(&self) -> Result<Exit, Refusal> {
        let mut sheet = self.lock();
        sheet.close();
        match &sheet.unwritten {
            Some(error) => Err(unwritten(error)),
            None if sheet.faults == 0 => Ok(Exit::Done),
            None => Ok(Exit::Failed),
        }
    }

    /// Ends the program if it has not finished by then: a file system that does not answer has no deadline of its own.
    pub fn end_after(&self, time: Duration) {
        let findings = self.clone();
        thread::spawn(move || {
            thread::sleep(time);
            let mut sheet = findings.lock();
            if sheet.closed {
                return;
            }
            let last = sheet.checks.last().map_or("nothing", |finding| finding.what);
            sheet.add(
                Mark::Fault,
                "check",
                format_args!("not finished: what comes after \"{last}\" does not answer"),
                format_args!("see whether the file systems of the town and of the home answer"),
            );
            sheet.close();
            kill_current();
            std::process::exit(Exit::Failed as i32);
        });
    }

    fn lock(&self) -> MutexGuard<'_, Sheet> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mark {
    const fn word(self) -> &'static str {
        match self {
            Mark::Ok => "ok",
            Mark::Note => "note",
            Mark::Fault => "fault",
        }
    }
}

impl ToJson for Finding {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        object.put_always("mark", &self.mark.word());
        object.put_always("what", &self.what);
        object.put_always("found", &self.found);
        object.put_always("remedy", &self.remedy);
        object.end();
    }
}

impl ToJson for Sheet {
    fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::new(out);
        object.put_always("format", &FORMAT);
        object.put_always("gtd", &env!("CARGO_PKG_VERSION"));
        object.put_always("town", &self.town);
        object.put_always("checks", &self.checks);
        object.put_always("faults", &(self.faults as u64));
        object.end();
    }
}

impl Sheet {
    fn add(&mut self, mark: Mark, what: &'static str, found: Arguments<'_>, remedy: Arguments<'_>) {
        let finding =
            Finding { mark, what, found: clean(&found.to_string(), 500), remedy: clean(&remedy.to_string(), 4000) };
        if !self.json {
            self.print(&lines(&finding, self.width));
        }
        self.faults += usize::from(mark == Mark::Fault);
        self.checks.push(finding);
    }

    fn close(&mut self) {
        self.closed = true;
        let text = match self.faults {
            _ if self.json => json::lines(self).trim_end().to_owned(),
            0 => "nothing is wrong".to_owned(),
            1 => "one thing must be mended".to_owned(),
            n => format!("{n} things must be mended"),
        };
        self.print(&format!("{text}\n"));
    }

    fn print(&mut self, text: &str) {
        let plain = (!self.utf8 && !self.json).then(|| ascii(text));
        // A reader that has read enough is no failure.
        if let Err(error) = write_out(plain.as_deref().unwrap_or(text))
            && self.unwritten.is_none()
        {
            self.unwritten = Some(error);
        }
    }
}

/// A finding for a terminal: the remedy below it, behind an arrow.
fn lines(finding: &Finding, width: usize) -> String {
    let mark = match finding.mark {
        Mark::Ok => "ok",
        Mark::Note => "note",
        Mark::Fault => "FAULT",
    };
    let mut text = String::new();
    let mut before = format!("{mark:5}  {:13}  ", finding.what);
    for line in wrapped(&finding.found, width - INDENT) {
        let _ = writeln!(text, "{before}{line}");
        before = " ".repeat(INDENT);
    }
    before.push_str("→ ");
    let (remedy, command) = with_command(&finding.remedy);
    let mut remedies = wrapped(remedy, width - INDENT - 2);
    // What is to be copied is not broken.
    remedies.extend(command.map(|command| format!("or end them: {command}")));
    for line in remedies {
        let _ = writeln!(text, "{before}{line}");
        before = " ".repeat(INDENT + 2);
    }
    text
}

/// `text` in lines of at most `width` characters, broken between words; within one that is wider, a path at a slash.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for words in unbroken(text) {
        let (used, mut word) = (line.chars().count(), words.as_str());
        let fits = used + usize::from(used > 0) + word.chars().count() <= width;
        if used > 0 && fits {
            line.push(' ');
        } else if used > 0 {
            lines.push(std::mem::take(&mut line));
        }
        while let Some((end, _)) = word.char_indices().nth(width) {
            let end = word[..end].rfind(['/', ' ']).filter(|at| *at > 0).unwrap_or(end);
            lines.push(word[..end].trim_end().to_owned());
            word = word[end..].trim_start();
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The words of a text; an option stays with its command and its value, since a command that is torn cannot be pasted.
fn unbroken(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut wants_value = false;
    for word in text.split_whitespace() {
        let is_option = word.starts_with('-');
        match all.last_mut().filter(|_| is_option || wants_value) {
            Some(before) => {
                before.push(' ');
                before.push_str(word);
            }
            None => all.push(word.to_owned()),
        }
        wants_value = is_option && !word.ends_with([',', ';']);
    }
    all
}

/// Text in ASCII and of the same width, as far as there are signs for it.
fn ascii(text: &str) -> String {
    let sign = |c: char| match c {
        '→' => '>',
        '…' => '~',
        c if c.is_ascii() => c,
        _ => '?',
    };
    text.chars().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::readme;
    use crate::cli::screen::shows_unicode;
    use proptest::prelude::*;

    #[test]
    fn a_finding_is_wrapped_with_its_remedy_behind_an_arrow() {
        let found = format!("{} over", "a".repeat(80 - INDENT));
        let finding = Finding { mark: Mark::Fault, what: "disk", found: found.clone(), remedy: "do this".to_owned() };
        let (first, _) = found.split_once(' ').expect("two words");
        let blanks = " ".repeat(INDENT);
        let expected = format!("FAULT  disk           {first}\n{blanks}over\n{blanks}→ do this\n");
        assert_eq!(lines(&finding, 80), expected);
        assert_eq!(wrapped("/usr/local/share /x", 12), ["/usr/local", "/share /x"]);
        assert_eq!(
            wrapped("mend it, then kill -HUP 4711, and go on", 20),
            ["mend it, then", "kill -HUP 4711, and", "go on"]
        );
        assert_eq!(wrapped("mkdir -p /usr/local/share", 12), ["mkdir -p", "/usr/local", "/share"]);
    }

    #[test]
    fn the_readme_shows_findings_as_they_are() {
        let block = readme::shown("ok     town");
        let (block, sum) = block.trim_end().rsplit_once('\n').expect("lines");
        let mut found: Vec<Finding> = Vec::new();
        for line in block.lines() {
            let (head, text) = line.split_at(INDENT);
            let mark = match head.trim_end().split_once(' ').unwrap_or_default() {
                ("", "") => None,
                ("ok", what) => Some((Mark::Ok, what)),
                ("note", what) => Some((Mark::Note, what)),
                ("FAULT", what) => Some((Mark::Fault, what)),
                _ => panic!("{line}"),
            };
            match (mark, found.last_mut()) {
                (Some((mark, what)), _) => {
                    found.push(Finding { mark, what: what.trim(), found: text.to_owned(), remedy: String::new() });
                }
                (None, Some(finding)) => match text.strip_prefix("→ ") {
                    Some(remedy) => remedy.clone_into(&mut finding.remedy),
                    None if finding.remedy.is_empty() => finding.found = format!("{} {text}", finding.found),
                    None => finding.remedy = format!("{} {}", finding.remedy, text.trim_start()),
                },
                (None, None) => panic!("{line}"),
            }
        }
        let told: String = found.iter().map(|finding| lines(finding, 80)).collect();
        assert_eq!(told.trim_end(), block);
        let faults = found.iter().filter(|finding| finding.mark == Mark::Fault).count();
        assert_eq!(sum, format!("{faults} things must be mended"));
    }

    #[test]
    fn the_readme_shows_the_object_for_machines_as_it_is() {
        let sheet = Sheet {
            town: "/home/me/gt".to_owned(),
            checks: vec![Finding {
                mark: Mark::Note,
                what: "daemon",
                found: "nobody serves this town".to_owned(),
                remedy: "gtd --background starts one".to_owned(),
            }],
            faults: 0,
            json: true,
            utf8: true,
            width: 80,
            closed: true,
            unwritten: None,
        };
        assert_eq!(json::lines(&sheet), readme::block("json", "{\n  \"format\""));
    }

    #[test]
    fn the_locale_tells_whether_there_are_arrows() {
        let of = |all: &'static str, lang: &'static str| {
            shows_unicode(move |name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            })
        };
        assert!(of("C.UTF-8", "") && of("", "de_DE.utf8"));
        assert!(!of("C", "de_DE.UTF-8") && !of("", "") && !of("POSIX", ""));
        assert_eq!(ascii("→ a…ü"), "> a~?");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_nothing_is_lost(text in "[ a-z/ü-]{0,300}", width in 5..60usize) {
            let lines = wrapped(&text, width);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width), "{lines:?}");
            let without_blanks = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(without_blanks(&lines.concat()), without_blanks(&text));
        }
    }
}
