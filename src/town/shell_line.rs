//! The shell line that runs an agent: what it starts, whether more can be put after it, and how a word is written so that it
//! arrives byte by byte.

/// How a shell reads what stands in single quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Every byte is itself: sh, bash, dash, ksh, zsh.
    Posix,
    /// A backslash hides a backslash and a quote.
    Fish,
    /// History and the end of the line are seen even there.
    Csh,
}

impl Quoting {
    /// That of a shell, by its name.
    pub fn of(shell: &str) -> Quoting {
        match shell {
            "fish" => Quoting::Fish,
            "csh" | "tcsh" => Quoting::Csh,
            _ => Quoting::Posix,
        }
    }

    /// `word` as one word of a line.
    pub fn quote(self, word: &str) -> String {
        let inner = match self {
            Quoting::Posix => word.to_owned(),
            Quoting::Fish => word.replace('\\', "\\\\"),
            Quoting::Csh => word.replace('!', "\\!").replace('\n', "\\\n"),
        };
        format!("'{}'", inner.replace('\'', "'\\''"))
    }

    /// The same, as people write it: without quotes where no shell reads anything into the word.
    pub fn quote_where_needed(self, word: &str) -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+@".contains(&b);
        if !word.is_empty() && word.bytes().all(plain) { word.to_owned() } else { self.quote(word) }
    }
}

/// The base name of the program that a line runs: of its first word that is no assignment and not `exec`. `None` where that is
/// more than a plain name.
pub fn program(line: &str) -> Option<&str> {
    let is_assignment = |word: &str| match word.split_once('=') {
        Some((name, _)) => !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
        None => false,
    };
    let word = line.split_whitespace().find(|word| *word != "exec" && !is_assignment(word))?;
    let name = word.rsplit('/').next().unwrap_or(word);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-+".contains(&b);
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

/// Whether what is put after the line becomes an argument of its program: a line that pipes, lists, redirects or comments is
/// left as it is.
pub fn takes_more(line: &str) -> bool {
    !line.contains([';', '|', '&', '<', '>', '(', ')', '`', '#', '\n'])
}

/// Under which names `gt` finds a program among the processes of a session. A wrapper often becomes Claude, which is seen as
/// `node` where it was installed so; and the system knows names by their first 15 bytes.
pub fn process_names(program: &str) -> String {
    if program == CLAUDE {
        return "node,claude".to_owned();
    }
    match program.get(..15) {
        Some(known) if known != program => format!("{program},{known},node,claude"),
        _ => format!("{program},node,claude"),
    }
}

/// The program that Gas Town runs unless told otherwise.
pub const CLAUDE: &str = "claude";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_program_is_the_first_word_that_is_one() {
        for (line, wanted) in [
            ("claude --dangerously-skip-permissions", Some("claude")),
            ("/opt/bin/claude", Some("claude")),
            ("~/.local/bin/claude -x", Some("claude")),
            ("exec claude", Some("claude")),
            ("A=1 B_2='' claude", Some("claude")),
            ("codex --yolo", Some("codex")),
            ("$AGENT", None),
            ("'my claude'", None),
            ("", None),
            ("exec", None),
        ] {
            assert_eq!(program(line), wanted, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_more_than_a_command_takes_nothing_more() {
        assert!(takes_more("claude --model $MODEL \"a b\""));
        for line in ["claude; date", "claude | tee log", "claude &", "claude # mine", "claude >log", "(claude)"] {
            assert!(!takes_more(line), "{line}");
        }
    }

    #[test]
    fn a_program_is_known_by_the_name_that_the_system_shows() {
        assert_eq!(process_names("claude"), "node,claude");
        assert_eq!(process_names("codex"), "codex,node,claude");
        assert_eq!(process_names("agent-of-my-own.sh"), "agent-of-my-own.sh,agent-of-my-own,node,claude");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = program(&text);
            let _ = takes_more(&text);
            let _ = process_names(&text);
        }
    }
}
