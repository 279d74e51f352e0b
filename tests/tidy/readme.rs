//! README against the program: its flags and its configuration keys; below it what else can be compared.

mod amounts;
mod generations;
mod messages;
mod places;
mod told;
mod words;

use gtd::town::config::Config;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The flags in a text: `--status`, without values.
pub fn flags(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back();
        let letters = |c: char| c.is_ascii_lowercase() || c == '-';
        let name: String = text[at + 2..].chars().take_while(|c| letters(*c)).collect();
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && c != '-');
        if begins && name.starts_with(|c: char| c.is_ascii_lowercase()) {
            found.insert(format!("--{}", name.trim_end_matches('-')));
        }
    }
    found
}

/// The flags that a README says gtd has: in pieces of code that name gtd, or that are nothing but a flag.
pub fn claimed_flags(readme: &str) -> BTreeSet<String> {
    let is_gtd = |word: &&str| *word == "gtd" || word.ends_with("/gtd");
    let mut found = BTreeSet::new();
    for piece in pieces_of_code(readme) {
        let piece = piece.split(" #").next().unwrap_or_default();
        for command in piece.split([';', '|', '&']) {
            let words: Vec<&str> = command.split_whitespace().collect();
            let own = match words.iter().position(is_gtd) {
                Some(at) => &words[at..],
                None if words.first().is_some_and(|word| word.starts_with("--")) => &words[..],
                None => continue,
            };
            found.extend(flags(&own.join(" ")));
        }
    }
    found
}

/// Lines of code blocks, and what stands in backquotes elsewhere.
fn pieces_of_code(markdown: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut fenced = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            pieces.push(line);
        } else {
            pieces.extend(code(line));
        }
    }
    pieces
}

/// What stands in backquotes.
fn code(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn owned<'a>(words: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    words.into_iter().map(str::to_owned).collect()
}

/// What a text says after this, up to that.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).expect(start).1.split_once(end).expect(end).0
}

/// A text on one line, as far as people can tell.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands under a heading, up to the next one.
fn section<'a>(readme: &'a str, heading: &str) -> &'a str {
    let begin = readme.find(&format!("\n## {heading}\n")).map_or(readme.len(), |at| at + 1);
    let section = &readme[begin..];
    section.find("\n## ").map_or(section, |end| &section[..end])
}

/// The rows of the table under a heading, cell by cell, without the table's own heading.
pub fn table(readme: &str, heading: &str) -> Vec<Vec<String>> {
    let rows = section(readme, heading).lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.skip(1).map(|row| row.split(" | ").map(str::to_owned).collect()).collect()
}

/// The keys in the first column of the table under `## Configuration`, with `{a,b}` and `ROLE` written out.
pub fn claimed_keys(readme: &str) -> BTreeSet<String> {
    let section = section(readme, "Configuration");
    let first_cells = section.lines().filter_map(|line| line.trim().strip_prefix('|')?.split('|').next());
    let keys = first_cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    keys.flat_map(written_out).collect()
}

fn written_out(key: &str) -> Vec<String> {
    let key = key.replace("ROLE", "{deacon,witness,refinery}");
    match (key.find('{'), key.find('}')) {
        (Some(open), Some(close)) if open < close => {
            let words = key[open + 1..close].split(',').map(str::trim);
            words.flat_map(|word| written_out(&format!("{}{word}{}", &key[..open], &key[close + 1..]))).collect()
        }
        _ => vec![key],
    }
}

/// Whether the configuration knows a key: it complains of a value that no key takes, and not of the key.
pub fn is_known(key: &str) -> bool {
    let mut file: Value = json!([[7]]);
    for part in key.rsplit('.') {
        file = json!({ part: file });
    }
    let warnings = Config::parse(file.to_string().as_bytes()).map(|(_, warnings)| warnings).unwrap_or_default();
    warnings.iter().any(|w| w.starts_with(&format!("{key}: ")) && !w.contains("not a key"))
}

/// All keys that the configuration knows, among those that can be made of `words`; no sections.
pub fn known_keys(words: &BTreeSet<String>) -> BTreeSet<String> {
    let mut leaves = BTreeSet::new();
    let mut open: Vec<String> = words.iter().filter(|word| is_known(word)).cloned().collect();
    while let Some(key) = open.pop() {
        let below: Vec<String> = words.iter().map(|word| format!("{key}.{word}")).filter(|k| is_known(k)).collect();
        // Any name is a variable: below `env` there are no keys of ours.
        if below.is_empty() || key == "env" {
            leaves.insert(key);
        } else {
            open.extend(below);
        }
    }
    leaves
}

/// The texts of a source that could be keys.
pub fn possible_keys(source: &str) -> BTreeSet<String> {
    let is_key = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let roles = ["deacon", "witness", "refinery", "crew", "mayor", "polecat"];
    source.split('"').filter(is_key).chain(roles).map(str::to_owned).collect()
}

/// Whether a key is among those that were claimed: by itself, or with the section that it belongs to.
pub fn is_claimed(key: &str, claimed: &BTreeSet<String>) -> bool {
    claimed.contains(key) || key.rsplit_once('.').is_some_and(|(section, _)| claimed.contains(section))
}

/// The tests that the table under `## Reliability` names: the file, and the function.
pub fn claimed_tests(readme: &str) -> Vec<(String, String)> {
    let section =
        readme.split("\n## Reliability").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.rsplit('`').nth(1)?.split_once(' '));
    cells.map(|(file, test)| (file.to_owned(), test.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# gtd\n`gtd --status` and `--dry-run`, `cargo build --release`\n```sh\n./gtd --stop --timeout 10s # --no\n\
        tmux --help | gtd --once\n```\n\n## Configuration\n\n| key | default |\n|---|---|\n| `gtd.log.keep` | 3 |\n\
        | `gtd.restart.{settle,grace}` | `5s` |\n| `patrols.ROLE.enabled` | |\n\n## More\n| `x.y` | |\n";

    fn texts(set: &BTreeSet<String>) -> Vec<&str> {
        set.iter().map(String::as_str).collect()
    }

    #[test]
    fn flags_are_found_where_they_are_claimed() {
        assert_eq!(texts(&claimed_flags(README)), ["--dry-run", "--once", "--status", "--stop", "--timeout"]);
        assert_eq!(
            texts(&flags("gtd --help, --version --- a--b [--town DIR] -- x")),
            ["--help", "--town", "--version"]
        );
    }

    #[test]
    fn keys_are_found_in_the_table_and_written_out() {
        assert_eq!(
            texts(&claimed_keys(README)),
            [
                "gtd.log.keep",
                "gtd.restart.grace",
                "gtd.restart.settle",
                "patrols.deacon.enabled",
                "patrols.refinery.enabled",
                "patrols.witness.enabled"
            ]
        );
        assert!(claimed_keys("# nothing\n").is_empty());
        assert_eq!(
            table("\n## A\n\n| x | y |\n|---|---|\n| `b` | c, d |\n\n## E\n| f | g |\n", "A"),
            [["`b`", "c, d"]]
        );
    }

    #[test]
    fn keys_are_known_or_not() {
        for key in ["gtd.look_interval", "gtd.restart.settle", "heartbeat.interval", "patrols.witness.rigs", "env"] {
            assert!(is_known(key), "{key}");
        }
        for key in ["gtd.colour", "gtd.restart.colour", "heartbeat.colour", "patrols.boss.enabled", "colour"] {
            assert!(!is_known(key), "{key}");
        }
    }

    #[test]
    fn known_keys_are_found_without_their_sections() {
        let words = possible_keys("(\"gtd\", \"log\", \"keep\", \"env\", \"max_size\", \"Not A Key\")");
        assert_eq!(texts(&known_keys(&words)), ["env", "gtd.log.keep", "gtd.log.max_size"]);
        let claimed = BTreeSet::from(["gtd.log".to_owned()]);
        assert!(is_claimed("gtd.log.keep", &claimed) && !is_claimed("env", &claimed));
    }
}
