//! What gtd believes of tmux, held against the tmux that is installed. Where one of these fails, gtd's recipes have to be
//! looked at before anything else.

use crate::support::{Ran, Town, eventually, process, wait_until};
use gtd::sys::process::end_of;
use gtd::town::snapshot::Ended;
use gtd::world::tmux::script::{argument, quote};
use std::fs;

/// A pane as a guard names it.
#[derive(Clone, Debug)]
struct Pane {
    id: String,
    session: String,
    pid: u32,
}

/// A session with one pane that runs `command`.
fn session(town: &Town, name: &str, command: &str) -> Pane {
    let report = town.tmux(&["new-session", "-d", "-P", "-F", "#{pane_id} #{pane_pid}", "-s", name, command]);
    let (id, pid) = report.split_once(' ').expect("an id and a PID");
    Pane { id: id.to_owned(), session: name.to_owned(), pid: pid.parse().expect("a PID") }
}

/// A line of a script that does `then` only in this very pane, else says `stale`. `more` is asked besides.
fn guarded(pane: &Pane, more: (&str, &str), then: &str) -> String {
    let asked = format!("#{{session_name}}/#{{pane_pid}}/{}", more.0);
    let condition = quote(&format!("#{{==:{asked},{}/{}/{}}}", pane.session, pane.pid, more.1));
    format!("if-shell -F -t {} {condition} {{ {then} }} {{ display-message -p stale }}\n", pane.id)
}

#[test]
fn a_guarded_line_is_done_only_in_the_pane_that_was_meant() {
    let town = Town::new(&[]);
    let right = session(&town, "a-b", "exec cat");
    let other_pid = Pane { pid: 1, ..right.clone() };
    let other_session = Pane { session: "a".to_owned(), ..right.clone() };
    let gone = Pane { id: "%4711".to_owned(), ..right.clone() };
    let script = [
        guarded(&right, ("", ""), "display-message -p one ; display-message -p two"),
        guarded(&other_pid, ("", ""), "display-message -p wrong"),
        guarded(&other_session, ("", ""), "display-message -p wrong"),
        guarded(&gone, ("", ""), "display-message -p wrong"),
        guarded(&right, ("#{pane_dead}", "0"), "display-message -p three"),
        guarded(&right, ("#{session_activity}", "1"), "display-message -p wrong"),
    ];
    let ran = town.tmux_script(&script.concat());
    assert_eq!(ran.stdout, "one\ntwo\nstale\nstale\nstale\nthree\nstale\n", "{ran}");
    assert_eq!(ran.status, 0, "a stale guard is no failure");
}

#[test]
fn a_line_that_fails_half_way_ends_there_and_stops_no_other() {
    let town = Town::new(&[]);
    let pane = session(&town, "s", "exec cat");
    let script = [
        "select-pane -t %4711 ; display-message -p never\n".to_owned(),
        guarded(&pane, ("", ""), "display-message -p half ; kill-pane -t %4711 ; display-message -p never"),
        guarded(&pane, ("", ""), "display-message -p whole"),
    ];
    let ran = town.tmux_script(&script.concat());
    assert_eq!((ran.stdout.as_str(), ran.status), ("half\nwhole\n", 1), "the failure is told at the end: {ran}");
}

#[test]
fn a_script_that_cannot_be_parsed_does_nothing_at_all() {
    let town = Town::new(&[]);
    session(&town, "s", "exec cat");
    let ran = town.tmux_script("display-message -p one\nno-such-command\ndisplay-message -p two\n");
    // Its complaint comes on stdout, where the answers are.
    assert_eq!((ran.stdout.as_str(), ran.status), ("-:2: unknown command: no-such-command\n", 1), "{ran}");
}

#[test]
fn a_script_of_a_thousand_lines_is_done_in_one_process() {
    let town = Town::new(&[]);
    let pane = session(&town, "s", "exec cat");
    let lines: String = (0..1000).map(|n| guarded(&pane, ("", ""), &format!("display-message -p {n}"))).collect();
    let wanted: String = (0..1000).map(|n| format!("{n}\n")).collect();
    assert_eq!(town.tmux_script(&lines).stdout, wanted);
}

/// Text with everything that means something to a shell or to tmux.
const NASTY: &str = r##"it's "so" \ $HOME ~ `id` #{pane_id} #[fg=red] %1 {a} é ; x"##;

#[test]
fn what_is_typed_from_a_script_arrives_as_it_is_and_a_carriage_return_enters_it() {
    let town = Town::new(&[]);
    let heard = town.notes.join("typed");
    let pane = session(&town, "s", &format!("exec cat >{}", heard.display()));
    for text in [NASTY, "-l --", "a semicolon;", ";"] {
        let id = &pane.id;
        let keys = format!("send-keys -t {id} -l -- {} ; send-keys -t {id} -l -- '\r'", quote(text));
        let ran = town.tmux_script(&guarded(&pane, ("", ""), &keys));
        assert_eq!((ran.stdout.as_str(), ran.status), ("", 0), "{ran}");
    }
    let wanted = format!("{NASTY}\n-l --\na semicolon;\n;\n");
    wait_until("it is heard", || fs::read_to_string(&heard).is_ok_and(|text| text.len() >= wanted.len()));
    assert_eq!(fs::read_to_string(&heard).expect("typed"), wanted);
}

#[test]
fn a_semicolon_at_the_end_of_quoted_text_in_a_script_stays() {
    let town = Town::new(&[]);
    session(&town, "s", "exec cat");
    let ran =
        town.tmux_script(&format!("set-option -t =s: @a {} ; display-message -p -t =s: '[#{{@a}}]'\n", quote("/a;")));
    assert_eq!(ran.stdout, "[/a;]\n", "{ran}");
}

#[test]
fn options_and_arguments_of_a_command_line_keep_a_semicolon_at_their_end() {
    let town = Town::new(&[]);
    let seen = town.notes.join("seen");
    let line = format!("printf '%s|%s' \"$A\" \"$0\" >{}; exec cat", seen.display());
    let (env, last) = (argument("A=x;"), argument("y;"));
    town.tmux(&["new-session", "-d", "-s", "s", "-e", &env, "--", "sh", "-c", &line, &last]);
    wait_until("it is written", || fs::read_to_string(&seen).is_ok_and(|text| !text.is_empty()));
    assert_eq!(fs::read_to_string(&seen).expect("seen"), "x;|y;");
}

#[test]
fn a_directory_is_taken_for_a_format_unless_its_number_signs_are_doubled() {
    let town = Town::new(&[]);
    let dir = town.home.join("#{pid}");
    fs::create_dir(&dir).expect("made");
    let dir = dir.to_str().expect("a plain path");
    let path = |name: &str, dir: &str| {
        town.tmux(&["new-session", "-d", "-P", "-F", "#{session_path}", "-s", name, "-c", dir, "exec cat"])
    };
    assert_ne!(path("one", dir), dir);
    assert_eq!(path("two", &dir.replace('#', "##")), dir);
}

#[test]
fn words_after_the_options_are_run_as_they_are_by_no_shell() {
    let town = Town::new(&[]);
    let seen = town.notes.join("seen");
    let seen = seen.to_str().expect("a plain path");
    let line = "printf %s \"$1\" >\"$2\"; exec cat";
    town.tmux(&["new-session", "-d", "-s", "s", "--", "sh", "-c", line, "sh", NASTY, seen]);
    wait_until("it is written", || fs::read_to_string(seen).is_ok_and(|text| text == NASTY));
    let words: Vec<String> = ["sh", "-c", line, "sh", NASTY, &format!("{seen}2")].map(quote).to_vec();
    town.tmux_script(&format!("new-window -d -t =s: {}\n", words.join(" ")));
    wait_until("and in a script", || fs::read_to_string(format!("{seen}2")).is_ok_and(|text| text == NASTY));
}

#[test]
fn a_program_that_ends_at_once_leaves_its_status_where_all_is_set_in_one_invocation() {
    let town = Town::new(&[]);
    session(&town, "keeps-the-server", "exec cat");
    for n in 0..20 {
        let (name, target) = (format!("s{n}"), format!("=s{n}:"));
        town.tmux(&[
            "new-session",
            "-d",
            "-s",
            &name,
            "exit 7",
            ";",
            "set-option",
            "-p",
            "-t",
            &target,
            "remain-on-exit",
            "on",
            ";",
            "set-option",
            "-p",
            "-t",
            &target,
            "@gtd_agent",
            &name,
            ";",
            "set-option",
            "-t",
            &target,
            "@gtd_town",
            "/town",
        ]);
    }
    let format = "#{session_name} #{pane_dead} #{pane_dead_status} #{pane_pid} #{pid} #{@gtd_agent} #{@gtd_town}";
    // tmux 3.3a now and then sees the pane close and never reaps the program: then the kernel has the status.
    let has_status = |line: &&str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let pid = |at: usize| fields[at].parse().expect("a PID");
        fields[1] == "1" && (fields[2] == "7" || end_of(pid(3), pid(4)) == Some(Ended::Status(7)))
    };
    let list = || town.tmux(&["list-panes", "-a", "-F", format]);
    wait_until("all have ended with their status", || list().lines().filter(has_status).count() == 20);
    for n in 0..20 {
        let (start, end) = (format!("s{n} 1 "), format!(" s{n} /town"));
        assert!(list().lines().any(|line| line.starts_with(&start) && line.ends_with(&end)), "s{n} has its marks");
    }
}

#[test]
fn a_dead_pane_starts_again_in_place_with_its_marks_and_its_scrollback() {
    let town = Town::new(&[]);
    let pane = session(&town, "s", "echo the past; seq 100; exec cat");
    town.tmux(&["set-option", "-p", "-t", "=s:", "remain-on-exit", "on"]);
    town.tmux(&["set-option", "-p", "-t", "=s:", "@gtd_agent", "s"]);
    let shown = || town.tmux(&["capture-pane", "-p", "-S", "-", "-t", "=s:"]);
    wait_until("it has begun", || shown().contains("the past") && shown().contains("100"));
    process::signal(pane.pid, libc::SIGKILL);
    let dead = || town.tmux(&["display-message", "-p", "-t", "=s:", "#{pane_dead}"]);
    wait_until("it is dead", || dead() == "1");
    assert_eq!(town.tmux(&["display-message", "-p", "-t", "=s:", "#{pane_pid}"]), pane.pid.to_string());
    town.tmux(&["respawn-pane", "-k", "-t", &pane.id, "exec cat"]);
    assert_eq!(dead(), "0");
    let now = town.tmux(&["display-message", "-p", "-t", "=s:", "#{pane_id} #{@gtd_agent} #{remain-on-exit}"]);
    assert_eq!(now, format!("{} s on", pane.id));
    assert!(shown().contains("the past"), "{}", shown());
}

#[test]
fn the_stamps_of_a_session_move_for_output_and_for_a_persons_keys() {
    let town = Town::new(&[]);
    session(&town, "s", "exec sh -c 'read x; echo answer; exec cat'");
    let terminal = format!("{}/person", town.sockets.display());
    let line = "env -u TMUX tmux -u attach-session -t =s";
    town.tmux(&["-S", &terminal, "new-session", "-d", "-s", "person", line]);
    let stamps = || {
        let text = town.tmux(&["list-panes", "-a", "-F", "#{session_attached} #{session_activity} #{window_activity}"]);
        let numbers: Vec<u64> = text.split(' ').filter_map(|number| number.parse().ok()).collect();
        (numbers[0], numbers[1], numbers[2])
    };
    wait_until("somebody is attached", || stamps().0 == 1);
    let before = stamps();
    // The stamps are whole seconds: the keys are pressed until they count as new.
    wait_until("a person's key moves session_activity", || {
        town.tmux(&["-S", &terminal, "send-keys", "-t", "=person:", "x"]);
        stamps().1 > before.1
    });
    let before = stamps();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    town.tmux(&["send-keys", "-t", "=s:", "Enter"]);
    wait_until("output moves window_activity", || stamps().2 > before.2);
    assert_eq!(stamps().1, before.1, "what is typed by send-keys is no person's");
}

#[test]
fn copy_mode_is_left_and_leaving_none_is_no_failure() {
    let town = Town::new(&[]);
    session(&town, "s", "exec cat");
    let mode = || town.tmux(&["display-message", "-p", "-t", "=s:", "#{pane_in_mode}"]);
    town.tmux(&["copy-mode", "-t", "=s:"]);
    assert_eq!(mode(), "1");
    town.tmux(&["copy-mode", "-q", "-t", "=s:"]);
    assert_eq!(mode(), "0");
    town.tmux(&["copy-mode", "-q", "-t", "=s:"]);
}

#[test]
fn a_target_with_equals_sign_and_colon_means_this_session_and_no_other() {
    let town = Town::new(&[]);
    session(&town, "gt-rig-joe10", "exec cat");
    for (target, found) in [("gt-rig-joe1", true), ("=gt-rig-joe1:", false), ("=gt-rig-joe10:", true)] {
        let panes = town.try_tmux(&["list-panes", "-t", target]);
        assert_eq!(panes.is_some(), found, "{target}");
        let typed = town.try_tmux(&["send-keys", "-t", target, "x"]);
        assert_eq!(typed.is_some(), found, "{target}");
    }
    assert_eq!(town.try_tmux(&["has-session", "-t", "=gt-rig-joe1"]), None);
}

#[test]
fn a_second_session_of_the_same_name_is_refused() {
    let town = Town::new(&[]);
    session(&town, "s", "exec cat");
    let mut again = town.tmux_command();
    again.args(["new-session", "-d", "-s", "s", "exec cat"]);
    let ran = Ran::of(again).exits(1);
    assert!(ran.stderr.starts_with("duplicate session"), "{ran}");
}

#[test]
fn no_server_is_told_from_a_server_that_does_not_answer() {
    let town = Town::new(&[]);
    let list = || {
        let mut command = town.tmux_command();
        command.args(["list-panes", "-a", "-F", "x"]);
        Ran::of(command).exits(1).stderr
    };
    let never = list();
    assert!(never.starts_with("error connecting to") && never.contains("No such file"), "{never}");
    let pane = session(&town, "s", "exec cat");
    process::signal(pane.pid, libc::SIGKILL);
    // The socket stays behind where nobody listens any more.
    let after = eventually("the server is gone", || {
        let mut command = town.tmux_command();
        command.args(["list-panes", "-a", "-F", "x"]);
        let ran = Ran::of(command);
        // For a moment there is a server without a session.
        (ran.status != 0 && !ran.stderr.starts_with("no current target")).then_some(ran.stderr)
    });
    let known = after.starts_with("no server running on")
        || (after.starts_with("error connecting to")
            && (after.contains("No such file") || after.contains("Connection refused")))
        || after.starts_with("server exited");
    assert!(known, "{after}");
}

#[test]
fn a_server_without_a_session_says_that_there_is_no_current_target() {
    let town = Town::new(&[]);
    town.tmux(&["new-session", "-d", "-s", "s", "exec cat", ";", "set-option", "-s", "exit-empty", "off"]);
    town.tmux(&["kill-session", "-t", "=s"]);
    let mut command = town.tmux_command();
    command.args(["list-panes", "-a", "-F", "x"]);
    let ran = Ran::of(command).exits(1);
    assert_eq!((ran.stdout.as_str(), ran.stderr.trim_end()), ("", "no current target"), "{ran}");
}
