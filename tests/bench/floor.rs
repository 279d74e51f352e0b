//! The floor: what tmux and the kernel alone take for the work of a heartbeat and of a look.
//!
//! gtd runs once with a tmux in its way that writes down what it is asked; the same is then asked of tmux without gtd, with the
//! pauses that pokes need and nothing else in between.

use super::town::{Town, which};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The pauses after the scripts of a round of pokes, reckoned from the script's beginning; see `world::poke`.
const PAUSES: [u64; 5] = [50, 100, 0, 60, 0];

/// What gtd has asked of tmux in a heartbeat.
pub struct Recorded {
    questions: Vec<PathBuf>,
}

impl Recorded {
    /// Has gtd make a heartbeat, and writes down what it asks.
    pub fn new(town: &Town) -> Recorded {
        let dir = town.path("asked");
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).expect("made");
        let (at, tmux) = (dir.display(), which("tmux"));
        town.program(
            "tmux",
            &format!(
                "n=$(ls {at} | wc -l)\nfile={at}/$(printf %03d $n)\ncase \"$*\" in\n*source-file*) cat >$file; \
                 exec {0} \"$@\" <$file;;\n*) printf '%s\\0' \"$@\" >$file; exec {0} \"$@\";;\nesac",
                tmux.display()
            ),
        );
        town.run(&["--once"]);
        fs::remove_file(town.path("bin/tmux")).expect("removed");
        let files = fs::read_dir(&dir).expect("a listing").map(|entry| entry.expect("an entry").path());
        let mut questions: Vec<PathBuf> = files.collect();
        questions.sort();
        assert_eq!(questions.len(), 1 + PAUSES.len(), "gtd asked something else of tmux than it used to");
        Recorded { questions }
    }

    /// Asks for all of it again; how long that takes, in seconds.
    pub fn heartbeat(&self, town: &Town) -> f64 {
        let start = Instant::now();
        self.look(town);
        for (script, pause) in self.questions[1..].iter().zip(PAUSES) {
            let began = Instant::now();
            let input = fs::File::open(script).expect("a script");
            let mut command = town.command(which("tmux"));
            let command = command.args(["-u", "source-file", "-"]).stdin(input).stdout(Stdio::piped());
            drop(command.output().expect("tmux"));
            std::thread::sleep(Duration::from_millis(pause).saturating_sub(began.elapsed()));
        }
        start.elapsed().as_secs_f64()
    }

    /// Asks for the sessions alone; how long that takes, in milliseconds.
    pub fn look(&self, town: &Town) -> f64 {
        let start = Instant::now();
        let args = fs::read_to_string(&self.questions[0]).expect("arguments");
        let mut command = town.command(which("tmux"));
        let output = command.args(args.split_terminator('\0')).stdout(Stdio::piped()).output().expect("tmux");
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), town.size());
        start.elapsed().as_secs_f64() * 1e3
    }
}
