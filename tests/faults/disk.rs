//! Each call by which gtd opens, writes, syncs, renames or removes a file of the town fails once, in a run in which much is
//! asked for: `strace` makes it fail. It follows gtd's main thread alone, which does all work on files; so gtd's children
//! never fail.

use crate::chance::Chance;
use crate::health::{assert_healthy, spool};
use crate::support::program::GTD;
use crate::support::{Letter, Ran, Town, is_soak, wait_until};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What fails.
const CALLS: &str = "openat,write,fsync,rename,unlink,mkdir,ftruncate";
/// How it fails: a full disk, a broken one, one that the system has made read-only.
const ERRORS: [&str; 3] = ["ENOSPC", "EIO", "EROFS"];
/// Of all failures, the ordinary run takes so many.
const SAMPLE: usize = 10;

/// Whether there is an `strace` that may trace. What is skipped is said past the test harness, which keeps output for itself.
fn can_trace() -> bool {
    let mut probe = Command::new("strace");
    probe.args(["-o", "/dev/null", "true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let can = probe.status().is_ok_and(|status| status.success());
    if !can {
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        let text = format!("\n*** SKIPPED {name}: there is no strace here, or it may not trace; tests/need strace\n");
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    can
}

/// Runs gtd under `strace` with these options; returns what came of it, and the calls.
fn trace(town: &Town, options: &[String], args: &[&str]) -> (Ran, String) {
    let file = town.notes.join("strace");
    let mut command = town.command("/usr/bin/env");
    command.args(["strace", "-y", "-s", "0", "-e"]).arg(format!("trace={CALLS}")).arg("-o").arg(&file);
    command.args(options).arg(GTD).args(args);
    let ran = Ran::of(command);
    (ran, fs::read_to_string(file).expect("what strace saw"))
}

/// Looks at calls on these files alone. What gtd opens elsewhere, above all below `/proc`, is another number each time.
fn only_on(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().flat_map(|path| ["-P".to_owned(), path.display().to_string()]).collect()
}

/// The files and directories of a town that gtd opens by a name that is known beforehand.
fn known_files(town: &Town) -> Vec<PathBuf> {
    let daemon = ["state.json", "daemon.lock", "daemon.pid", "daemon.log", "requests", "screens", "shutdown.lock"];
    let others = ["daemon", "spawn", "spawn/pending.json", "mayor/rigs.json", "mayor/daemon.json"];
    let daemon = daemon.iter().map(|name| town.root.join("daemon").join(name));
    daemon.chain(others.iter().map(|name| town.root.join(name))).chain(spool(town)).collect()
}

/// A call on a file of the town: its name, and how many of this name were before it.
#[derive(Clone, Debug)]
struct Call {
    name: String,
    number: u32,
    line: String,
}

/// The calls on files of the town in what `strace` saw.
fn calls_on(town: &Town, trace: &str) -> Vec<Call> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let root = town.root.to_str().expect("a path");
    // The directory that gtd stands in is named with each path.
    let here = format!("AT_FDCWD<{root}>");
    let mut found = Vec::new();
    for line in trace.lines() {
        let Some((name, _)) = line.split_once('(') else { continue };
        let number = counts.entry(name).or_default();
        *number += 1;
        if line.replace(&here, "").contains(root) {
            found.push(Call { name: name.to_owned(), number: *number, line: line.to_owned() });
        }
    }
    found
}

/// Whether a call on a file of the town was made to fail.
fn was_hit(town: &Town, trace: &str) -> bool {
    calls_on(town, trace).iter().any(|call| call.line.contains("(INJECTED)"))
}

/// One failure: what `strace` is told, and what would have been done.
#[derive(Clone, Debug)]
struct Fault {
    inject: String,
    line: String,
}

/// All failures of these calls; with `ends` each once, and from then on, as on a disk that stays full.
fn faults_of(calls: &[Call], ends: &[&str]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for call in calls {
        for error in ERRORS {
            for end in ends {
                let inject = format!("inject={}:error={error}:when={}{end}", call.name, call.number);
                faults.push(Fault { inject, line: call.line.clone() });
            }
        }
    }
    faults
}

/// Runs gtd with this failure; `filter` is as it was when the calls were counted.
fn trace_with(town: &Town, fault: &Fault, mut filter: Vec<String>, args: &[&str]) -> (Ran, String) {
    filter.extend(["-e".to_owned(), fault.inject.clone()]);
    trace(town, &filter, args)
}

/// A town with an inbox in which the Deacon and alpha's Witness live, and beta's is shut down.
fn town() -> Town {
    let mut town = Town::new(&["alpha", "beta"]);
    town.configure(json!({"heartbeat": {"interval": "300ms"}}));
    town.open_inbox();
    let gtd = town.up();
    for agent in ["deacon", "alpha-witness", "beta-witness"] {
        town.wait_for_agent(agent, None);
    }
    town.request("shutdown", "beta/witness").exits(0);
    wait_until("beta's is down", || !town.has_session("gt-beta-witness") && town.claims().is_empty());
    gtd.stop();
    town
}

/// Asks for something by each way there is, while no gtd runs, and announces a worker.
fn ask(town: &Town, worker: &str) {
    town.request("restart", "deacon").refused(3);
    town.deliver(&Letter::request("alpha/witness", "cycle"));
    let agent = format!("BD_ACTOR={worker} {}", town.bin.join("agent").display());
    let session = format!("gt-alpha-{worker}");
    town.tmux(&["new-session", "-d", "-s", &session, "-c", town.root.to_str().expect("a path"), &agent]);
    town.deliver(&Letter::new("mayor/", &format!("POLECAT_STARTED alpha/{worker}"), "Issue: gt-1"));
}

/// Starts a gtd that nothing is done to, and asserts that it makes everything good; `round` is how often was asked.
fn recover(town: &Town, worker: &str, round: usize) {
    let gtd = town.start();
    wait_until("the worker has its first word", || !town.heard(worker, None).is_empty());
    assert_healthy(town, &gtd, &[("deacon", 1 + round), ("alpha-witness", 1 + round)]);
    assert_eq!(town.heard(worker, None), ["Begin."], "{worker} was started off once");
    assert_eq!(town.pids("beta-witness").len(), 1, "who was shut down stays down");
    gtd.stop();
    town.tmux(&["kill-session", "-t", &format!("=gt-alpha-{worker}")]);
}

#[test]
fn nothing_is_lost_or_done_twice_whichever_call_on_a_file_fails() {
    if !can_trace() {
        return;
    }
    let filter = |town: &Town, opening| if opening { only_on(&known_files(town)) } else { Vec::new() };
    let town = town();
    let (once, mut round, mut faults) = (["--once"], 0, Vec::new());
    // Opening is counted apart from the rest, on known files.
    for opening in [true, false] {
        round += 1;
        let worker = format!("w{round}");
        ask(&town, &worker);
        let (ran, calm) = trace(&town, &filter(&town, opening), &once);
        ran.exits(0);
        recover(&town, &worker, round);
        let calls = calls_on(&town, &calm);
        let wanted = calls.iter().filter(|call| (call.name == "openat") == opening).cloned();
        let wanted: Vec<Call> = wanted.collect();
        for name in if opening { &["openat"][..] } else { &["write", "fsync", "rename", "unlink"] } {
            assert!(wanted.iter().any(|call| call.name == *name), "gtd calls {name}:\n{calm}");
        }
        faults.push((opening, faults_of(&wanted, &["", "+"])));
    }
    let mut chance = Chance::new();
    let mut hits = 0;
    let mut count = 0;
    for (opening, all) in faults {
        let mut left: Vec<Fault> = all;
        while !left.is_empty() && (is_soak() || count < SAMPLE / if opening { 2 } else { 1 }) {
            let fault = left.swap_remove(usize::try_from(chance.below(left.len() as u64)).expect("a place"));
            (round, count) = (round + 1, count + 1);
            let worker = format!("w{round}");
            ask(&town, &worker);
            eprintln!("{worker}: {} ({})", fault.inject, fault.line);
            let (ran, seen) = trace_with(&town, &fault, filter(&town, opening), &once);
            hits += usize::from(was_hit(&town, &seen));
            assert!([0, 1].contains(&ran.status), "{fault:?}: it ends by itself: {ran}");
            recover(&town, &worker, round);
        }
    }
    // Two runs are not the same to the last call; but most of what was meant is hit.
    assert!(hits * 2 > count, "{hits} of {count} were hit");
}

#[test]
fn a_request_that_cannot_be_left_is_refused_and_nothing_of_it_stays() {
    if !can_trace() {
        return;
    }
    let town = town();
    let args = ["--request", "restart", "deacon"];
    let forget = || spool(&town).iter().for_each(|file| fs::remove_file(file).expect("removed"));
    let mut faults = Vec::new();
    for opening in [true, false] {
        let filter = if opening { only_on(&[town.root.join("daemon/requests")]) } else { Vec::new() };
        let (ran, calm) = trace(&town, &filter, &args);
        ran.refused(3);
        forget();
        let in_spool = |call: &Call| call.line.contains("/requests") && (call.name == "openat") == opening;
        // The directory is there already.
        let calls = calls_on(&town, &calm).into_iter().filter(|call| in_spool(call) && call.name != "mkdir");
        let calls = faults_of(&calls.collect::<Vec<_>>(), &[""]);
        faults.extend(calls.into_iter().map(|fault| (filter.clone(), fault)));
    }
    assert!(faults.len() >= 5 * ERRORS.len(), "{faults:?}");
    for (filter, fault) in faults {
        let (ran, seen) = trace_with(&town, &fault, filter, &args);
        assert!(was_hit(&town, &seen), "{fault:?}:\n{seen}");
        assert_eq!(spool(&town).len(), 0, "{fault:?}: {ran}");
        ran.refused(1);
    }
}
