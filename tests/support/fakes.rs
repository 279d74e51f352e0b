//! The programs that stand for `bd`, `gt` and an agent: small shell scripts that do as files beside them say. They are real
//! programs since what is tested is how gtd runs programs; and what `bd` and `gt` answer was recorded from the real ones.

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a fake `bd` or `gt` behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It answers as it was told to.
    Answer,
    /// It never answers; a child of its own ignores SIGTERM.
    Hang,
    /// It never stops talking.
    Flood,
    /// It answers, and a child in its process group goes on holding its pipes.
    Fork,
    /// The same with a child that has left the process group and the session.
    Detach,
    /// It fails with a word on stderr.
    Fail,
    /// It answers something that nobody can read.
    Rubbish,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Mode::Answer => "answer",
            Mode::Hang => "hang",
            Mode::Flood => "flood",
            Mode::Fork => "fork",
            Mode::Detach => "detach",
            Mode::Fail => "fail",
            Mode::Rubbish => "rubbish",
        }
    }
}

/// The real tmux, behind the directory of the fakes.
pub const TMUX: &str = "PATH=${PATH#*:} tmux";

/// `bd` and `gt`, whose inbox is empty and whose nudge-poller stays. A call is noted before anything else, in one write.
const TOOL: &str = r#"#!/bin/sh
dir='@DIR@'
me=${0##*/}
printf '%s %s\n' "$$" "$*" >>"$dir/$me.calls"
[ "$me $1" = 'gt nudge-poller' ] && while :; do sleep 1; done
mode=answer status=0
[ -r "$dir/$me.mode" ] && read -r mode status <"$dir/$me.mode"
answer() {
    [ "$me $1 $2" = 'gt mail inbox' ] && { echo null; exit 0; }
    [ -r "$dir/$me.stdout" ] && cat "$dir/$me.stdout"
    [ -r "$dir/$me.stderr" ] && cat "$dir/$me.stderr" >&2
    exit "${status:-0}"
}
case $mode in
    hang) trap '' TERM; sleep 1000 ;;
    flood) exec yes 'too much is not enough' ;;
    fork) sleep 1000 & answer "$@" ;;
    detach) setsid sleep 1000 & answer "$@" ;;
    fail) echo "Error: $me is out of order" >&2; exit 1 ;;
    rubbish) printf 'x\377\033[31m{]"' ;;
    *) answer "$@" ;;
esac
"#;

/// An agent. It is known by its `BD_ACTOR`, which every generation sets to another word for the same. What it leaves
/// behind bears that name: what it was given, where it stood, and each line it heard, with its PID.
const AGENT: &str = r#"#!/bin/sh
dir='@DIR@'
name=$(printf %s "${BD_ACTOR:-nobody}" | tr / -)
mode=echo status=0
[ -r "$dir/$name.mode" ] && read -r mode status <"$dir/$name.mode"
printf '%s\0' "$0" "$@" >"$dir/$name.argv"
env >"$dir/$name.env"
pwd >"$dir/$name.cwd"
echo "$$" >>"$dir/$name.pids"
case $mode in
    exit) exit "$status" ;;
    stubborn) trap '' HUP TERM INT ;;
    family)
        trap '' HUP TERM INT
        setsid sh -c 'sleep 1001; :' &
        sh -c 'sleep 1002; :' &
        sleep 1003 &
        ;;
    deaf) stty raw -echo; while :; do sleep 1; done ;;
    dozing)
        trap 'awake=1' WINCH
        stty raw -echo
        until [ -n "$awake" ]; do sleep 0.1; done
        stty sane
        ;;
    menu) stty -echo; printf '1. Yes, end the world\n2. No\n' ;;
esac
[ "$mode" = menu ] || printf '> '
# A line that was begun in raw mode reads as the end of the file.
while IFS= read -r line || [ "$mode" = dozing ]; do
    printf '%s %s\n' "$$" "$line" >>"$dir/$name.heard"
    case $line in
        quit) exit 0 ;;
    esac
    [ "$mode" = menu ] || printf 'heard: %s\n> ' "$line"
done
[ "$mode" = stubborn ] && while :; do sleep 1; done
"#;

/// Writes the programs into `bin`; what they note goes to `notes`.
pub fn install(bin: &Path, notes: &Path) {
    for (name, text) in [("bd", TOOL), ("gt", TOOL), ("agent", AGENT)] {
        program(&bin.join(name), &text.replace("@DIR@", notes.to_str().expect("a plain path")));
    }
}

/// Tells a fake tool how to behave from its next call on.
pub fn set_mode(notes: &Path, tool: &str, mode: Mode, status: i32) {
    replace(&notes.join(format!("{tool}.mode")), &format!("{} {status}\n", mode.word()));
}

/// Tells a fake tool what to answer: a recorded call, by its name in `tests/data/seed`.
pub fn answer_as_recorded(notes: &Path, tool: &str, recorded: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/seed").join(recorded).with_extension("json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let call: Value = serde_json::from_str(&text).expect("a recorded call");
    let stream = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let status = i32::try_from(call["exit"].as_i64().unwrap_or(0)).expect("an exit status");
    answer(notes, tool, &stream("stdout"), &stream("stderr"), status);
}

/// Tells a fake tool what to answer.
pub fn answer(notes: &Path, tool: &str, stdout: &str, stderr: &str, status: i32) {
    replace(&notes.join(format!("{tool}.stdout")), stdout);
    replace(&notes.join(format!("{tool}.stderr")), stderr);
    set_mode(notes, tool, Mode::Answer, status);
}

/// Makes a program of a text, in one step.
///
/// The file is written by a child: a process that another test's thread makes just then would keep our own descriptor of it
/// open until its exec, and whoever runs the program meanwhile is told "text file busy".
pub fn program(path: &Path, text: &str) {
    install_by("cat >\"$1.new\" && chmod 755 \"$1.new\" && mv -f \"$1.new\" \"$1\"", &[path], text);
}

/// Copies a program, in one step and by a child for the same reason.
pub fn copy_program(from: &Path, to: &Path) {
    install_by("cp \"$2\" \"$1.new\" && mv -f \"$1.new\" \"$1\"", &[to, from], "");
}

fn install_by(script: &str, paths: &[&Path], text: &str) {
    let mut child = Command::new("/bin/sh");
    child.args(["-c", script, "sh"]).args(paths).stdin(Stdio::piped());
    let mut child = child.spawn().expect("a shell");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("handed over");
    assert!(child.wait().expect("it ended").success(), "{paths:?}");
}

/// Writes a file in one step: the program that reads it may be running.
pub fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("written");
    fs::rename(&new, path).expect("renamed");
}
