//! `--print zsh`: completions for zsh, by its `_arguments`.

use crate::cli::options::{Completes, FLAGS, Flag, Kind};
use std::fmt::Write;

const HEAD: &str = r#"#compdef gtd
# Completions for gtd in zsh. To have them in every shell, put them where a directory of $fpath is:
#   mkdir -p ~/.zfunc
#   gtd --print zsh > ~/.zfunc/_gtd
# with this before compinit in ~/.zshrc: fpath=(~/.zfunc $fpath)

# The agents that the daemon has seen; nothing where there is none.
_gtd_agents() {
    local -a agents town
    (( ${+opt_args[--town]} )) && town=(--town ${(Q)opt_args[--town]/#\~\//$HOME/})
    agents=(${(f)"$(${(Q)words[1]/#\~\//$HOME/} $town --print agents 2>/dev/null)"})
    compadd -a agents
}

_arguments \
"#;

/// The script.
pub fn script() -> String {
    let mut specs = Vec::new();
    for flag in &FLAGS {
        for name in names(flag) {
            specs.push(spec(flag, &name));
        }
    }
    format!("{HEAD}{}\n", specs.join(" \\\n"))
}

/// How `_arguments` is told of a flag under one of its names: what it excludes, its name, what it does, its values.
fn spec(flag: &Flag, name: &str) -> String {
    let mut others = Vec::new();
    for other in FLAGS.iter().filter(|other| excludes(flag, other)) {
        others.extend(names(other));
    }
    let mut spec = format!("({}){name}[{}]", others.join(" "), escaped(flag.brief));
    for value in flag.values {
        let colon = if value.optional { "::" } else { ":" };
        let _ = write!(spec, "{colon}{}:{}", value.name, how(value.completes));
    }
    format!("    {}", quoted(&spec))
}

/// Whether two flags cannot stand together; a flag that was given is not offered again.
fn excludes(flag: &Flag, other: &Flag) -> bool {
    let together = match (flag.is_command(), other.is_command()) {
        (true, true) => false,
        (true, false) => other.goes_with(Some(flag.name)),
        (false, true) => flag.goes_with(Some(other.name)),
        (false, false) => flag.name != other.name && (flag.kind == Kind::General || other.kind == Kind::General),
    };
    !together
}

fn names(flag: &Flag) -> Vec<String> {
    let mut names = vec![format!("--{}", flag.name)];
    names.extend(flag.short.map(|letter| format!("-{letter}")));
    names
}

fn how(kind: Completes) -> String {
    match kind {
        Completes::Directory => "_files -/".to_owned(),
        Completes::File => "_files".to_owned(),
        Completes::Agent => "_gtd_agents".to_owned(),
        Completes::Action | Completes::What | Completes::Duration => format!("({})", kind.words().join(" ")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('[', "\\[").replace(']', "\\]")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
