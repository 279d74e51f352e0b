//! gtd as a service: what init is told and when, and what the journal gets. The real program, with a socket and a stream
//! that stand for systemd's.

use crate::support::program::GTD;
use crate::support::{Gtd, Init, Mode, Town, process, wait_until};
use serde_json::json;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// A town that looks once an hour, and an init that listens to its gtd.
fn town(rigs: &[&str]) -> (Town, Init) {
    let mut town = Town::new(rigs);
    town.configure(json!({"heartbeat": {"interval": "1h"}, "gtd": {"look_interval": "1h"}}));
    let init = Init::listen(&town.notes);
    town.set_env("NOTIFY_SOCKET", init.path.to_str().expect("a plain path"));
    (town, init)
}

#[test]
fn init_hears_that_the_town_is_served_how_it_stands_and_that_gtd_ends() {
    let (mut town, init) = town(&["alpha"]);
    town.set_env("WATCHDOG_PID", "1");
    let gtd = town.up();
    init.wait_for("STATUS=", 1);
    assert_eq!(init.heard()[0], format!("READY=1\nMAINPID={}", gtd.pid()), "the first word");
    wait_until("the status names both agents", || {
        init.heard().iter().any(|message| message.starts_with("STATUS=2 agents alive; next heartbeat in "))
    });
    gtd.signal(libc::SIGHUP);
    init.wait_for("READY=1", 2);
    let heard = init.heard();
    let reloading = heard.iter().position(|message| message.starts_with("RELOADING=1\nMONOTONIC_USEC="));
    let ready = heard.iter().rposition(|message| message.starts_with("READY=1"));
    assert!(reloading.is_some() && reloading < ready, "{heard:#?}");
    let agent = town.environment("deacon");
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        assert_eq!(agent.get(name), None, "an agent has {name}");
    }
    gtd.stop();
    assert_eq!(init.heard().last().map(String::as_str), Some("STOPPING=1"));
    assert_eq!(init.count("WATCHDOG="), 0, "nobody watches");
}

#[test]
fn the_watchdog_is_fed_between_looks_and_while_bd_hangs() {
    let (mut town, init) = town(&[]);
    town.set_env("WATCHDOG_USEC", "400000");
    town.set_mode("bd", Mode::Hang);
    let gtd = town.start();
    wait_until("bd hangs", || !town.processes("sleep 1000").is_empty());
    init.wait_for("WATCHDOG=1", init.count("WATCHDOG=1") + 4);
    assert!(!town.processes("sleep 1000").is_empty(), "it hangs all the time");
    assert_eq!(town.heartbeats_done(), 0);
    town.answer_as_recorded("bd", "bd-show-deacon-after-prime");
    for pid in town.processes("bin/bd").iter().map(|process| process.pid) {
        process::signal(pid, libc::SIGKILL);
    }
    town.wait_for_log("Heartbeat complete");
    init.wait_for("WATCHDOG=1", init.count("WATCHDOG=1") + 4);
    gtd.stop();
}

#[test]
fn whoever_is_not_watched_feeds_nobody() {
    let (mut town, init) = town(&[]);
    town.set_env("WATCHDOG_USEC", "20000");
    town.set_env("WATCHDOG_PID", "1");
    let gtd = town.up();
    init.wait_for("STATUS=", 1);
    gtd.stop();
    assert_eq!(init.count("WATCHDOG="), 0);
}

#[test]
fn a_detached_gtd_names_itself_and_one_heartbeat_is_no_service() {
    let (town, init) = town(&[]);
    town.run(&["--once"]).exits(0);
    assert_eq!(init.heard(), [""; 0]);
    town.run(&["--background"]).exits(0);
    init.wait_for("READY=1", 1);
    let pid = town.state()["pid"].as_u64().expect("a PID");
    assert_eq!(init.heard()[0], format!("READY=1\nMAINPID={pid}"));
    town.run(&["--stop"]).exits(0);
    assert_eq!(init.count("STOPPING=1"), 1);
}

#[test]
fn an_init_that_is_gone_stops_nothing() {
    let (mut town, init) = town(&[]);
    town.set_env("WATCHDOG_USEC", "20000");
    let gtd = town.up();
    init.wait_for("READY=1", 1);
    fs::remove_file(&init.path).expect("removed");
    drop(init);
    let pid = town.wait_for_agent("deacon", None);
    process::signal(pid, libc::SIGKILL);
    town.wait_for_agent("deacon", Some(pid));
    gtd.stop();
}

/// Starts gtd with a stderr of its own, which `JOURNAL_STREAM` names or does not; says what was written there in the end.
fn said_to_stderr(town: &mut Town, is_journal: bool, then: impl FnOnce(&Town)) -> String {
    let stream = town.notes.join("stderr");
    fs::write(&stream, "").expect("written");
    let meta = fs::metadata(&stream).expect("metadata");
    let inode = if is_journal { meta.ino() } else { meta.ino() + 1 };
    town.set_env("JOURNAL_STREAM", &format!("{}:{inode}", meta.dev()));
    let mut command = town.command("/bin/sh");
    command.args(["-c", "exec \"$0\" 2>>\"$1\"", GTD]).arg(&stream);
    let gtd = Gtd::start(command);
    town.wait_for_log("Heartbeat complete");
    then(town);
    gtd.stop();
    fs::read_to_string(&stream).expect("readable")
}

#[test]
fn the_journal_gets_each_line_with_its_priority_and_without_the_time() {
    let (mut town, _init) = town(&[]);
    let said = said_to_stderr(&mut town, true, |town| {
        let pid = town.wait_for_agent("deacon", None);
        process::signal(pid, libc::SIGKILL);
        town.wait_for_agent("deacon", Some(pid));
        wait_until("it is said", || town.logged("Deacon session started successfully") == 2);
    });
    for line in [
        "<5>Daemon starting (PID ",
        "<5>Starting Deacon: no session (rule 4)",
        "<5>Deacon session started successfully",
        "<6>Heartbeat starting",
        "<6>Heartbeat complete (#1)",
        "<4>",
        "<5>Daemon stopped",
    ] {
        assert!(said.lines().any(|said| said.starts_with(line)), "{line}\n{said}");
    }
    let gone = said.lines().find(|line| line.contains(" is gone (PID ")).expect("the death");
    assert!(gone.starts_with("<4>"), "{gone}");
    // Besides what is said to a person at the start, it is the log.
    let journal: Vec<&str> = said.lines().filter_map(|line| line.split_once('>').map(|(_, text)| text)).collect();
    let log = town.log();
    let log: Vec<&str> = log.lines().filter_map(|line| line.splitn(3, ' ').nth(2)).collect();
    assert_eq!(journal, log);
}

#[test]
fn a_stderr_that_is_not_the_journal_gets_no_log() {
    let (mut town, _init) = town(&[]);
    let said = said_to_stderr(&mut town, false, |_| {});
    assert_eq!(said.lines().count(), 1, "where the log is, and no more: {said}");
}
