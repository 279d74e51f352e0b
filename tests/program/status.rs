//! `--status`: all that a person needs to see why an agent is down, on any screen, and the same facts for machines.

use crate::support::{Gtd, Ran, Town, fakes, process, program::GTD, wait_until};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// A town with an agent that ends at once, one without its directory, and one with a name that no table is made for.
fn town() -> (Town, Gtd) {
    let town = Town::new(&["alpha", "broken", "gone", LONG]);
    town.set_agent("broken-witness", "exit 3");
    fs::remove_dir_all(town.root.join("gone/witness")).expect("removed");
    let gtd = town.up();
    town.wait_for_log("witness for broken is in quarantine after a");
    wait_until("the loop is shown", || town.word_for("broken/witness") == "quarantine");
    (town, gtd)
}

const LONG: &str = "a-rig-whose-name-is-far-longer-than-any-column-of-any-table-could-be-and-yet-allowed";

fn json(ran: Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

#[test]
fn the_table_says_why_each_agent_is_as_it_is_and_fits_eighty_columns() {
    let (town, gtd) = town();
    let said = town.run(&["--status"]).exits(0).stdout;
    let too_wide: Vec<&str> = said.lines().filter(|line| line.chars().count() > 80).collect();
    assert!(too_wide.is_empty(), "{too_wide:#?}");
    assert!(said.is_ascii(), "{said}");
    let after = |name: &str| {
        let mut lines = said.lines().skip_while(|line| !line.starts_with(name));
        let row: Vec<&str> = lines.next().expect(name).split_whitespace().collect();
        (row.join(" "), lines.next().unwrap_or_default().trim().to_owned())
    };
    let (row, why) = after("broken/witness");
    assert!(row.starts_with("broken/witness quarantine "), "{row}");
    // tmux 3.3a does not always tell with which status.
    assert!(why.starts_with("ended ") && why.contains("; quarantined after a restart loop"), "{why}");
    let (row, why) = after("gone/witness");
    assert!(row.starts_with("gone/witness gone, held ") && why.starts_with("its directory "), "{row}: {why}");
    let (row, strip) = after("deacon");
    assert!(row.contains(" alive ") && row.ends_with(" ok"), "{row}");
    assert!(!strip.is_empty() && strip.bytes().all(|letter| b".wpsh-".contains(&letter)), "{strip}");
    assert!(said.contains("quarantined") && said.contains("trouble "), "{said}");
    // As wide as it is: what is beside the table then is below it on a small screen.
    let mut wide = town.gtd(&["--status"]);
    wide.env("COLUMNS", "200");
    assert!(Ran::of(wide).stdout.contains("  LAST 60 LOOKS"));
    let mut unknown = town.gtd(&["--status"]);
    unknown.env("COLUMNS", "0");
    assert!(Ran::of(unknown).stdout.lines().any(|line| line.chars().count() > 60), "0 columns are no width");
    for width in [40, 24, 20] {
        for args in [&["--status"][..], &["--dry-run"]] {
            let mut narrow = town.gtd(args);
            narrow.env("COLUMNS", width.to_string());
            let said = Ran::of(narrow).exits(0).stdout;
            let too_wide: Vec<&str> = said.lines().filter(|line| line.chars().count() > width).collect();
            assert!(too_wide.is_empty(), "{width}: {too_wide:#?}");
            let row = said.lines().position(|line| line.starts_with("gone/witness")).expect("a row");
            let below: Vec<&str> = said.lines().skip(row).take(9).map(str::trim).collect();
            assert!(below.join(" ").contains("held") || below.join(" ").contains("hold"), "{width}: {said}");
            assert!(below.concat().replace(' ', "").contains("itsdirectory"), "{width}: {said}");
        }
    }
    gtd.stop();
    let said = town.run(&["--status"]).exits(3).stdout;
    assert!(said.starts_with("not running  ") && said.contains("broken/witness"), "{said}");
}

/// What `gtd --status` shows in a terminal of so many columns, with its colours.
fn on_a_terminal(town: &Town, env: &str) -> String {
    let line = format!("env {env} {} --status; echo; sleep 1000", crate::support::program::GTD);
    town.tmux(&["new-session", "-d", "-s", "screen", "-x", "60", "-y", "100", &line]);
    let mut seen = String::new();
    wait_until("it is on the screen", || {
        seen = town.tmux(&["capture-pane", "-e", "-p", "-t", "=screen:"]);
        seen.contains("each look, the newest last")
    });
    town.tmux(&["kill-session", "-t", "=screen"]);
    seen
}

#[test]
fn colours_are_shown_on_a_terminal_that_wants_them_and_nowhere_else() {
    let (town, gtd) = town();
    let coloured = |text: &str| text.contains("\x1b[");
    let seen = on_a_terminal(&town, "TERM=xterm");
    assert!(coloured(&seen), "{seen}");
    assert!(seen.lines().any(|line| line.starts_with("broken/witness")), "nothing is folded by the terminal: {seen}");
    for env in ["TERM=dumb", "TERM=xterm NO_COLOR=1"] {
        assert!(!coloured(&on_a_terminal(&town, env)), "{env}");
    }
    let piped = |name: &str, value: &str| {
        let mut command = town.gtd(&["--status"]);
        command.env(name, value);
        Ran::of(command).stdout
    };
    assert!(!coloured(&piped("TERM", "xterm")));
    assert!(coloured(&piped("CLICOLOR_FORCE", "1")), "for watch -c");
    gtd.stop();
}

#[test]
fn the_story_of_an_agent_tells_what_happened_and_what_comes_next() {
    let (town, gtd) = town();
    let story = town.run(&["--status", "broken/witness"]).exits(0).stdout;
    for part in
        ["agent        broken/witness", "state        quarantine", "next         tried then; gtd --request reset"]
    {
        assert!(story.contains(part), "{part}: {story}");
    }
    let events = story.split("\n\n").nth(1).expect("events");
    // The first of the last twenty may be any of them; the quarantine is the last.
    let order = ["Witness session for broken started", "witness for broken is gone (PID ", "is in quarantine after a"];
    let places: Vec<usize> = order.iter().map(|text| events.rfind(text).expect(text)).collect();
    assert!(places.is_sorted(), "{events}");
    assert!(!events.contains("Deacon"), "{events}");
    assert!(story.contains("attach       tmux attach -t '=gt-broken-witness'"), "{story}");
    // By any of its names.
    for name in ["gt-broken-witness", "witness for broken", "Broken/Witness"] {
        let said = town.run(&["--status", name]).exits(0).stdout;
        assert!(said.starts_with("agent        broken/witness\n"), "{name}: {said}");
    }
    let why = town.run(&["--status", "nobody"]).refused(2);
    assert!(why.contains("\"nobody\": gtd has seen no such agent; it has seen deacon, a-rig-"), "{why}");
    // A saved screen is part of the story.
    let pid = town.wait_for_agent("alpha-witness", None);
    town.run(&["--request", "restart", "alpha/witness"]).exits(0);
    town.wait_for_agent("alpha-witness", Some(pid));
    town.wait_for_log("restart of witness for alpha is done");
    let story = town.run(&["--status", "alpha/witness"]).exits(0).stdout;
    let screen = story.lines().find_map(|line| line.strip_prefix("screen ")).expect("a screen").trim();
    assert!(town.root.join(screen).is_file(), "{screen}");
    gtd.stop();
    let story = town.run(&["--status", "alpha/witness"]).exits(3).stdout;
    assert!(story.contains("next         nothing, until a daemon runs"), "{story}");
}

#[test]
fn a_first_look_that_is_under_way_is_said() {
    let mut town = Town::new(&[]);
    town.up().stop();
    town.configure(json!({"gtd": {"gastown": "auto"}}));
    town.set_mode("gt", crate::support::Mode::Hang);
    let gtd = town.start();
    wait_until("gt is asked", || town.logged("Heartbeat starting") > 1 && town.state()["pid"] == gtd.pid());
    let status = town.run(&["--status"]).exits(0).stdout;
    assert!(status.contains("nothing yet: the first look is under way"), "{status}");
    gtd.stop();
}

#[test]
fn before_the_first_heartbeat_there_is_no_last_one() {
    let town = Town::new(&[]);
    let told = format!("no gtd has served {} yet; gtd --background starts one", town.root.display());
    for args in [&["--status", "deacon"][..], &["--status", "--json", "deacon"]] {
        assert!(town.run(args).refused(3).contains(&told), "{args:?}");
    }
    town.write("daemon/state.json", "{\"heartbeat_count\": 0}");
    let status = town.run(&["--status"]).exits(3).stdout;
    assert!(status.contains("\nheartbeats   none yet\n"), "{status}");
}

#[test]
fn those_whom_gtd_does_not_look_after_have_a_story_too_and_polecats_none() {
    let town = Town::new(&["alpha"]);
    fs::create_dir_all(town.root.join("alpha/crew/max")).expect("made");
    let gtd = town.up();
    town.run(&["--request", "start", "alpha/crew/max"]).exits(0);
    town.wait_for_log("start of crew max for alpha is done");
    for (name, agent) in
        [("alpha/crew/max", "alpha/crew/max"), ("gt-mayor", "mayor"), ("alpha/refinery", "alpha/refinery")]
    {
        let story = town.run(&["--status", name]).exits(0).stdout;
        assert!(story.starts_with(&format!("agent        {agent}\nstate        unsupervised")), "{story}");
        assert!(story.contains("gtd does not look after it"), "{story}");
        assert_eq!(story.contains("start of crew max for alpha is done"), name == "alpha/crew/max", "{story}");
        let one = json(town.run(&["--status", name, "--json"]).exits(0));
        assert_eq!((&one["agent"]["state"], &one["agent"]["agent"]), (&json!("unsupervised"), &json!(agent)));
    }
    let why = town.run(&["--status", "alpha/nux"]).refused(2);
    assert!(why.contains("gtd looks after no polecats"), "{why}");
    let why = town.run(&["--request", "restart", "alpha/nux"]).refused(2);
    assert!(why.contains("gtd looks after no polecats"), "{why}");
    gtd.stop();
}

#[test]
fn many_heartbeats_in_a_row_are_one_event() {
    let town = Town::new(&[]);
    let gtd = town.up();
    town.wait_for_heartbeats(4);
    gtd.stop();
    let story = town.run(&["--status", "deacon"]).exits(3).stdout;
    assert_eq!(story.matches("Poked Deacon").count(), 1, "{story}");
    assert!(story.contains("heartbeats in a row"), "{story}");
}

#[test]
fn machines_get_the_same_facts() {
    let (town, gtd) = town();
    let all = json(town.run(&["--status", "--json"]).exits(0));
    assert_eq!((&all["format"], &all["daemon"]["pid"]), (&json!(1), &json!(gtd.pid())));
    assert_eq!((&all["daemon"]["running"], &all["daemon"]["holder"]), (&json!(true), &json!("gtd")));
    assert_eq!(all["town"], json!(town.root));
    let agents = all["agents"].as_array().expect("agents");
    assert_eq!(agents.len(), 5);
    let broken = agents.iter().find(|agent| agent["agent"] == "broken/witness").expect("it");
    assert_eq!((&broken["state"], &broken["rule"]), (&json!("quarantine"), &json!(5)));
    let gone = agents.iter().find(|agent| agent["agent"] == "gone/witness").expect("it");
    assert_eq!((&gone["state"], &gone["alive"]), (&json!("held"), &json!(false)));
    assert!(agents.iter().any(|agent| agent["agent"] == "deacon" && agent["alive"] == true));
    assert_eq!(broken["starts_in_24h"], json!(town.pids("broken-witness").len()));
    let conditions = all["conditions"].as_array().expect("conditions");
    assert!(conditions.iter().any(|c| c["text"].as_str().is_some_and(|text| text.contains("is in quarantine"))));
    let one = json(town.run(&["--status", "deacon", "--json"]).exits(0));
    assert_eq!((&one["agent"]["agent"], &one["agent"]["answered"]), (&json!("deacon"), &json!(true)));
    assert!(one["events"].as_array().is_some_and(|events| !events.is_empty()));
    gtd.stop();
    let all = json(town.run(&["--json", "--status"]).exits(3));
    assert_eq!(all["daemon"]["running"], json!(false));
    town.run(&["--json", "--stop"]).refused(2);
    // A town that nobody has served yet has the same keys.
    let fresh = Town::new(&[]);
    let none = json(fresh.run(&["--status", "--json"]).exits(3));
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&none), keys(&all));
}

#[test]
fn a_newer_gtd_on_the_disk_is_said() {
    let town = Town::new(&[]);
    let own = town.bin.join("gtd");
    fakes::copy_program(GTD.as_ref(), &own);
    let gtd = Gtd::start(town.command(&own));
    town.wait_for_log("Heartbeat complete");
    assert!(!town.run(&["--status"]).exits(0).stdout.contains("newer "));
    // As a package manager does it.
    let new = town.bin.join("gtd.new");
    fakes::copy_program(GTD.as_ref(), &new);
    let file = fs::File::options().write(true).open(&new).expect("open");
    file.set_modified(SystemTime::now() + Duration::from_secs(5)).expect("stamped");
    drop(file);
    fs::rename(&new, &own).expect("replaced");
    let said = town.run(&["--status"]).exits(0).stdout;
    assert!(said.contains("another gtd lies on the disk by now"), "{said}");
    fs::remove_file(&own).expect("removed");
    let said = town.run(&["--status"]).exits(0).stdout;
    assert!(said.contains("the file that this gtd was started from is gone"), "{said}");
    gtd.stop();
}

#[test]
fn a_reader_who_has_read_enough_is_no_failure() {
    let (town, gtd) = town();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "\"$0\" --status --town \"$1\" | head -1"]).arg(crate::support::program::GTD).arg(&town.root);
    let said = command.output().expect("it runs");
    assert!(said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(process::is_alive(gtd.pid()));
    gtd.stop();
}
