//! `--print bash`: completions for bash, from 3.2 on.

use crate::cli::options::{Completes, FLAGS, Flag, Kind, dashed};
use std::fmt::Write;

/// What completes a word, and does not depend on the flags.
const HEAD: &str = r#"# Completions for gtd in bash. To have them in every shell:
#   mkdir -p ~/.local/share/bash-completion/completions
#   gtd --print bash > ~/.local/share/bash-completion/completions/gtd
# or, where there is no bash-completion: eval "$(gtd --print bash)" in ~/.bashrc.

# The agents that the daemon has seen; nothing where there is none.
_gtd_agents() {
    local gtd=$1 town=$2 home=${HOME-}
    [[ $gtd == "~/"* ]] && gtd=$home/${gtd#"~/"}
    [[ $town == "~/"* ]] && town=$home/${town#"~/"}
    "$gtd" ${town:+--town "$town"} --print agents 2>/dev/null
}

_gtd_words() {
    COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

# Completes a value of this kind.
_gtd_value() {
    case $1 in
"#;

const REST: &str = r#"    esac
}

_gtd() {
    local gtd=$1 cur=${COMP_WORDS[COMP_CWORD]} word command= own= optional= town= seen=" " n IFS=$' \t\n'
    # What the words so far still want, in its order.
    local -a wanted=()
    COMPREPLY=()
    for ((n = 1; n < COMP_CWORD; n++)); do
        word=${COMP_WORDS[n]}
        # bash makes three words of --town=DIR.
        [[ $word == = ]] && continue
        if ((${#wanted[@]})); then
            [[ ${wanted[0]} == directory ]] && town=$word
            wanted=("${wanted[@]:1}")
            continue
        fi
        seen+="$word "
        case $word in
"#;

/// What stands between the flags and the names of all of them.
const ARGUMENTS: &str = "            *) optional= ;;
        esac
    done
";

const END: &str = r#"    [[ $cur == = ]] && cur=
    if ((${#wanted[@]})); then
        _gtd_value "${wanted[0]}"
        return
    fi
    if [[ -n $optional && $cur != -* ]]; then
        _gtd_value "$optional"
    fi
    if [[ -z $cur || $cur == -* ]]; then
        for word in $general $own ${command:-$commands}; do
            [[ $word == -* && $seen != *" $word "* ]] && _gtd_words "$word"
        done
    fi
}
complete -F _gtd gtd
"#;

/// The script.
pub fn script() -> String {
    let mut script = HEAD.to_owned();
    for kind in [
        Completes::Action,
        Completes::What,
        Completes::Duration,
        Completes::Agent,
        Completes::Directory,
        Completes::File,
    ] {
        let how = match kind {
            Completes::Agent => "_gtd_words \"$(_gtd_agents \"$gtd\" \"$town\")\"".to_owned(),
            Completes::Directory => {
                "local IFS=$'\\n'; COMPREPLY+=($(compgen -d -- \"$cur\")); compopt -o filenames 2>/dev/null".to_owned()
            }
            Completes::File => {
                "local IFS=$'\\n'; COMPREPLY+=($(compgen -f -- \"$cur\")); compopt -o filenames 2>/dev/null".to_owned()
            }
            _ => format!("_gtd_words {:?}", kind.words().join(" ")),
        };
        let _ = writeln!(script, "        {}) {how} ;;", word(kind));
    }
    script.push_str(REST);
    for flag in &FLAGS {
        let _ = writeln!(script, "            {}) {} ;;", names(flag, "|"), effect(flag));
    }
    let general = names_of(&|flag| flag.kind == Kind::General);
    let commands = names_of(&Flag::is_command);
    let _ = writeln!(script, "{ARGUMENTS}    local general=\"{general}\" commands=\"{commands}\"");
    script + END
}

/// A flag with its short form.
fn names(flag: &Flag, between: &str) -> String {
    match flag.short {
        Some(letter) => format!("--{}{between}-{letter}", flag.name),
        None => format!("--{}", flag.name),
    }
}

/// The names of the flags that are wanted.
fn names_of(wanted: &dyn Fn(&Flag) -> bool) -> String {
    let names: Vec<&str> = FLAGS.iter().filter(|flag| wanted(flag)).map(|flag| flag.name).collect();
    dashed(&names)
}

/// What is known when a flag has been read.
fn effect(flag: &Flag) -> String {
    let values = |optional: bool| {
        let values = flag.values.iter().filter(|value| value.optional == optional);
        values.map(|value| word(value.completes)).collect::<Vec<_>>().join(" ")
    };
    let mut effect = format!("wanted=({})", values(false));
    if flag.is_command() {
        let own = names_of(&|other| other.kind != Kind::General && other.goes_with(Some(flag.name)));
        let _ = write!(effect, " command=done own={own:?} optional={}", values(true));
    }
    effect
}

/// What a kind of value is called in the script.
const fn word(kind: Completes) -> &'static str {
    match kind {
        Completes::Directory => "directory",
        Completes::File => "file",
        Completes::Action => "action",
        Completes::Agent => "agent",
        Completes::What => "what",
        Completes::Duration => "duration",
    }
}
