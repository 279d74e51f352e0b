//! What else is known from outside: exit statuses, variables, files and signals. The manual page prints it, and the README's
//! tables say the same. Backquotes in a text set off what is code.

use super::Exit;

/// How gtd ends: the status, in two words, and in a sentence.
pub static EXITS: [(Exit, &str, &str); 6] = [
    (Exit::Done, "done", "done"),
    (Exit::Failed, "failed", "failed; one line on stderr says what, why and what to do"),
    (Exit::Usage, "wrong usage", "wrong usage"),
    (Exit::NotRunning, "not running", "not running (`--status`, `--wake`; `--request`, which is kept)"),
    (Exit::Unknown, "status unknown", "status unknown (`--status`)"),
    (Exit::AlreadyRuns, "a daemon already runs", "refused, because a daemon already runs"),
];

/// The environment variables that gtd reads, and what for.
pub static VARIABLES: [(&str, &str); 14] = [
    ("GT_TOWN_ROOT", "the town, where `--town` is not given and no directory above the working directory is one"),
    ("GT_ROOT", "the town, where GT_TOWN_ROOT is not set either"),
    (
        "HOME",
        "where `~/gt` is, and programs in `~/.local/bin`, `~/bin` and `~/go/bin`; where it is not set, /etc/passwd tells",
    ),
    (
        "SHELL",
        "the shell in which agents are started, as a login shell; where it is not set, or `/bin/sh` as cron has it, /etc/passwd \
         tells",
    ),
    ("PATH", "where tmux, gt and bd are looked for first"),
    ("TMUX_TMPDIR", "where tmux has its sockets; it must be the same for gtd and for whoever attaches"),
    ("GT_TMUX_SOCKET", "the tmux server of a town of Gas Town 1.0, where `gtd.tmux_socket` is not set"),
    ("NO_COLOR", "if it is set and not empty, nothing is coloured"),
    ("CLICOLOR_FORCE", "if it is set, and not empty or 0, colours come without a terminal too, as under `watch -c`"),
    ("TERM", "where it is `dumb` or not set, a terminal shows no colours"),
    ("COLUMNS", "how wide a table may be, where the terminal does not tell"),
    ("NOTIFY_SOCKET", "set by systemd: where gtd says that it is up, what it does, and that it ends"),
    ("WATCHDOG_USEC", "set by systemd: how often it wants to hear of gtd"),
    ("JOURNAL_STREAM", "set by systemd: if it names standard error, lines of the log go there with priorities"),
];

/// The files below the town's root, and what they are.
pub static FILES: [(&str, &str); 21] = [
    ("`mayor/town.json`", "marks a town; read"),
    ("`mayor/rigs.json`", "the rigs; read at each look. Where it is torn or missing, the last good list stands"),
    ("`mayor/daemon.json`", "the configuration; read at start and at SIGHUP"),
    ("`ESTOP`, `ESTOP.RIG`, `daemon/shutdown.lock`", "holds; read at each look"),
    ("`daemon/shutting-down`", "the PID of a `gt down`: a hold while that `gt` lives (Gas Town 1.0)"),
    ("`.beads-wisp/config/RIG.json`", "a parked rig, `auto_restart` off; read at each look (0.2 and newer)"),
    ("`.runtime/deacon/paused.json`", "a paused Deacon; read at each look (0.2 and newer)"),
    (
        "`daemon/dolt-state.json`, `.beads-wisp`, `settings/escalation.json`",
        "signs of the generation, where nothing else tells",
    ),
    ("`daemon/activity.json`", "when `gt` or `bd` was last used; read at each look"),
    ("`daemon/daemon.lock`", "locked for the daemon's life, never removed: the lock is the truth"),
    ("`daemon/daemon.pid`", "the PID, a note; locked too, removed at a clean end"),
    ("`daemon/requests/`", "what was asked for with `gtd --request`, for this user alone"),
    ("`daemon/screens/`", "the screens of agents that gtd has ended, for this user alone"),
    ("`daemon/dolt-state.json`, `.beads/metadata.json`", "the port of the town's database; read at each start"),
    ("`.runtime/nudge_poller/SESSION.pid`", "the PID of a session's nudge poller, as `gt` writes it"),
    (
        "`.runtime/pids/SESSION.pid`",
        "the PID of a session's program and when it was started, for `gt down` (Gas Town 1.0)",
    ),
    (
        "`RIG/.runtime/witness.json`, `refinery.json`",
        "that it runs, and since when, for `gt witness status` and `gt refinery status` (Gas Town 0.2)",
    ),
    ("`spawn/pending.json`", "spawned workers that wait for their first word; shared with `gt`"),
    (
        "`RIG/witness/state.json` and the like",
        "read for its `requesting_…` keys, which are removed when they are granted",
    ),
    (
        "`daemon/state.json`",
        "what outlives gtd and what `--status` reads, for this user alone; the original's five keys first",
    ),
    ("`daemon/daemon.log`", "the log, in the original's form; rotated at 10 MB, three files are kept"),
];

/// The signals, and what they do to the daemon.
pub static SIGNALS: [(&str, &str); 4] = [
    (
        "SIGTERM, SIGINT, SIGQUIT",
        "end within 300 ms, in the middle of anything; children's process groups are killed, the state is saved, agents live on",
    ),
    ("one more, if 300 ms were not enough", "end at once"),
    ("SIGUSR1", "look at once, and read the mail"),
    (
        "SIGHUP",
        "open the log anew, read the configuration again (`kill -HUP $(cat daemon/daemon.pid)`); a bad file keeps the old one",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_the_screen_asks_for_is_described() {
        let read = include_str!("screen.rs").split("set(\"").skip(1).filter_map(|rest| rest.split('"').next());
        let mut names: Vec<&str> = read.collect();
        names.retain(|name| VARIABLES.iter().all(|(known, _)| known != name));
        assert!(names.is_empty(), "{names:?}");
    }
}
