//! `--print fish`: completions for fish.

use crate::cli::options::{Completes, FLAGS, Flag, Kind, dashed};
use std::fmt::Write;

const HEAD: &str = r#"# Completions for gtd in fish. To have them in every shell:
#   gtd --print fish > ~/.config/fish/completions/gtd.fish

# The words of the line so far, without the one that is completed.
function __gtd_words
    commandline -opc
end

# Whether one of these flags has been given.
function __gtd_given
    for flag in $argv
        contains -- $flag (__gtd_words); and return 0
    end
    return 1
end

# How many words stand behind this flag.
function __gtd_behind
    set -l words (__gtd_words)
    set -l at (contains -i -- $argv[1] $words); or begin
        echo -1
        return
    end
    math (count $words) - $at
end

# The agents that the daemon has seen; nothing where there is none.
function __gtd_agents
    set -l words (__gtd_words)
    set -l town
    if set -l at (contains -i -- --town $words)
        set town --town (string replace -r '^~/' "$HOME/" -- $words[(math $at + 1)])
    end
    set -l gtd (string replace -r '^~/' "$HOME/" -- $words[1])
    $gtd $town --print agents 2>/dev/null
end

complete -c gtd -f
"#;

/// The script.
pub fn script() -> String {
    let commands: Vec<&str> = FLAGS.iter().filter(|flag| flag.is_command()).map(|flag| flag.name).collect();
    let mut script = HEAD.to_owned();
    for flag in &FLAGS {
        let mut when = match flag.kind {
            Kind::Command | Kind::About => format!("not __gtd_given {}", dashed(&commands)),
            Kind::General => format!("not __gtd_given --{}", flag.name),
            Kind::With(with) => format!("__gtd_given {}; and not __gtd_given --{}", dashed(with), flag.name),
        };
        // A flag that has been given is offered no more; the word behind it is.
        if !first(flag).is_empty() {
            let _ = write!(when, "; or test (__gtd_behind --{}) -eq 0", flag.name);
        }
        let short = flag.short.map(|letter| format!(" -s {letter}")).unwrap_or_default();
        let _ = writeln!(
            script,
            "complete -c gtd -n '{when}'{short} -l {}{} -d {}",
            flag.name,
            first(flag),
            quoted(flag.brief)
        );
        // Values that are words of their own to fish: what is optional, and what comes second.
        for (n, value) in flag.values.iter().enumerate() {
            if n > 0 || value.optional {
                let how = how(value.completes);
                let _ = writeln!(script, "complete -c gtd -n 'test (__gtd_behind --{}) -eq {n}' -a {how}", flag.name);
            }
        }
    }
    script
}

/// The first value, where one is needed: fish completes it behind the flag.
fn first(flag: &Flag) -> String {
    let value = flag.values.first().filter(|value| !value.optional);
    value.map(|value| format!(" -x -a {}", how(value.completes))).unwrap_or_default()
}

fn how(kind: Completes) -> String {
    match kind {
        Completes::Directory => "'(__fish_complete_directories)'".to_owned(),
        Completes::File => "'(__fish_complete_path)'".to_owned(),
        Completes::Agent => "'(__gtd_agents)'".to_owned(),
        Completes::Action | Completes::What | Completes::Duration => quoted(&kind.words().join(" ")),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
