//! What `--print` can be asked for.

use crate::town::text::clean;

/// What can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The town's root.
    Town,
    /// The manual page.
    Man,
    /// Completions for bash.
    Bash,
    /// Completions for zsh.
    Zsh,
    /// Completions for fish.
    Fish,
    /// A unit for systemd.
    Systemd,
    /// A property list for launchd.
    Launchd,
    /// A line for cron.
    Cron,
    /// A configuration with every key at its default.
    Config,
    /// The agents' names; for the completions.
    Agents,
}

impl What {
    /// All of it.
    pub const ALL: [What; 10] = [
        What::Town,
        What::Man,
        What::Bash,
        What::Zsh,
        What::Fish,
        What::Systemd,
        What::Launchd,
        What::Cron,
        What::Config,
        What::Agents,
    ];

    /// All that people ask for.
    pub fn shown() -> impl Iterator<Item = What> {
        What::ALL.into_iter().filter(|what| *what != What::Agents)
    }

    /// The word for it, and what it is.
    pub const fn described(self) -> (&'static str, &'static str) {
        match self {
            What::Town => ("town", "the town that gtd would serve"),
            What::Man => ("man", "this page, for `man -l`"),
            What::Bash => ("bash", "completions for bash"),
            What::Zsh => ("zsh", "completions for zsh"),
            What::Fish => ("fish", "completions for fish"),
            What::Systemd => ("systemd", "a user unit for systemd; its head says how it is installed"),
            What::Launchd => ("launchd", "an agent for launchd; its head says how it is installed"),
            What::Cron => ("cron", "a line for `crontab -e`"),
            What::Config => ("config", "a `mayor/daemon.json` with every key at its default, and what each means"),
            What::Agents => {
                ("agents", "the agents that the daemon has seen, one a line; for the completions, which never ask tmux")
            }
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        self.described().0
    }

    /// What this word stands for.
    ///
    /// # Errors
    /// The words that there are.
    pub fn parse(word: &str) -> Result<What, String> {
        let words: Vec<&str> = What::shown().map(What::word).collect();
        let known = What::ALL.into_iter().find(|what| what.word() == word);
        known.ok_or_else(|| format!("--print: {:?} is none of {}", clean(word, 80), words.join(", ")))
    }
}
