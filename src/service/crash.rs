//! An error of gtd's own. It must not be a silent death: it is said in the log, and gtd ends in order, so that whoever supervises
//! it starts it again.
//!
//! The state is not saved anew from a memory that may be half changed: it was saved before every step that matters, and what stands
//! in the file is whole. It only learns that nobody runs any more.

use super::instance;
use super::log::Log;
use super::state;
use crate::sys::command::running;
use std::panic;
use std::path::{Path, PathBuf};
use std::process;

/// The exit status: init takes it for a failure, and starts gtd again.
const FAILED: i32 = 1;

/// From now on a panic in any thread ends gtd in order. `dir` is where the daemon keeps its files.
pub fn end_in_order(dir: &Path) {
    let dir: PathBuf = dir.to_owned();
    panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or("it says nothing");
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let log = Log::open(&dir);
        log.error(format_args!(
            "Internal error at {place}: {text}; gtd {} ends, please report this",
            env!("CARGO_PKG_VERSION")
        ));
        running::kill_current();
        if let Err(why) = state::mark_stopped(&dir) {
            log.error(format_args!("{why}"));
        }
        instance::leave(&dir);
        log.notice(format_args!("Daemon stopped"));
        process::exit(FAILED);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::instance::Instance;
    use crate::sys::clock;
    use crate::sys::files::Durability;
    use crate::town::history::History;
    use std::{env, fs, thread};

    /// Names the directory to the process that is to panic.
    const DIR: &str = "GTD_TEST_CRASH_DIR";

    #[test]
    fn a_panic_in_any_thread_is_said_and_ends_gtd_in_order() {
        if let Some(dir) = env::var_os(DIR) {
            panic_as_a_daemon(Path::new(&dir));
        }
        for thread in ["main", "other"] {
            let dir = tempfile::tempdir().expect("a directory");
            let output = process::Command::new(env::current_exe().expect("this program"))
                .args(["--exact", "service::crash::tests::a_panic_in_any_thread_is_said_and_ends_gtd_in_order"])
                .env(DIR, dir.path())
                .env("GTD_TEST_CRASH_THREAD", thread)
                .output()
                .expect("it runs");
            // A test that fails ends with 101.
            assert_eq!(output.status.code(), Some(FAILED), "{output:?}");
            let log = fs::read_to_string(dir.path().join("daemon.log")).expect("a log");
            assert!(log.contains("Internal error at src/service/crash.rs:"), "{log}");
            assert!(log.contains(&format!(": {thread} is broken; gtd ")) && log.ends_with("Daemon stopped\n"), "{log}");
            let state = state::read(dir.path()).expect("readable").expect("a state");
            assert!(!state.running && state.heartbeat_count == 7);
            assert!(!dir.path().join("daemon.pid").exists());
            assert!(Instance::take(dir.path()).is_ok(), "the next one can begin");
        }
    }

    fn panic_as_a_daemon(dir: &Path) -> ! {
        let _instance = Instance::take(dir).expect("the only one");
        let history = History { heartbeats: 7, ..History::default() };
        let mut keeper = state::Keeper::new(dir, clock::now().wall);
        keeper.save(true, &history, &state::Report::default(), Durability::Synced).expect("saved");
        end_in_order(dir);
        if env::var_os("GTD_TEST_CRASH_THREAD").is_some_and(|thread| thread == "other") {
            let _ = thread::spawn(|| panic!("other is broken")).join();
        }
        panic!("main is broken");
    }
}
