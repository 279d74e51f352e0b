//! The daemon among others: people who work in the agents' sessions, other towns on the same tmux server, and agents that
//! show a menu.

use crate::support::{Town, eventually, limit::holds_within, process, wait_until};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// What the agent's pane of a session shows.
fn screen(town: &Town, session: &str) -> String {
    let pane = town.pane(session, "#{pane_id}").expect("a pane");
    town.tmux(&["capture-pane", "-p", "-t", &pane])
}

/// A session with an agent, made as a person would.
fn start_by_hand(town: &Town, session: &str, agent: &str, dir: &str) -> u32 {
    let line = format!("BD_ACTOR={agent} {}", town.bin.join("agent").display());
    town.tmux(&["new-session", "-d", "-s", session, "-c", text(&town.root.join(dir)), &line]);
    town.wait_for_agent(agent, None)
}

#[test]
fn two_towns_on_one_tmux_server_leave_each_others_sessions_alone() {
    let first = Town::new(&["alpha"]);
    let second = Town::beside(&first, &["alpha", "omega"]);
    let gtd = first.up();
    let pids = [first.wait_for_agent("deacon", None), first.wait_for_agent("alpha-witness", None)];
    let other = second.up();
    let omega = second.wait_for_agent("omega-witness", None);
    second.wait_for_heartbeats(2);
    second.wait_for_word("deacon", "foreign");
    assert_eq!(second.logged("The session of Deacon belongs to another town"), 1, "said once");
    assert!(second.pids("deacon").is_empty() && second.pids("alpha-witness").is_empty());
    // What the second one takes for free it may use.
    gtd.stop();
    first.tmux(&["kill-session", "-t", "=gt-alpha-witness"]);
    second.wait_for_agent("alpha-witness", None);
    second.wait_for_log("The session of witness for alpha is free again");
    other.stop();
    assert_eq!([first.pids("deacon"), first.pids("alpha-witness")].concat(), pids);
    assert!(process::is_alive(pids[0]) && process::is_alive(omega));
    let mine = second.heard("deacon", None).len() + second.heard("alpha-witness", Some(pids[1])).len();
    assert_eq!(mine, 0, "nothing was typed for the second town into the first one's sessions");
}

#[test]
fn a_session_that_nobody_marked_belongs_to_the_town_it_was_made_in() {
    let town = Town::new(&["alpha"]);
    let elsewhere = Town::beside(&town, &[]);
    let dir = text(&elsewhere.root.join("deacon")).to_owned();
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", &dir, "exec cat"]);
    let witness = start_by_hand(&town, "gt-alpha-witness", "alpha-witness", "alpha/witness");
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    gtd.stop();
    town.wait_for_word("deacon", "foreign");
    assert_eq!(town.tmux(&["show-options", "-qv", "-t", "=gt-deacon:", "@gtd_town"]), "");
    assert!(!screen(&town, "gt-deacon").contains("HEARTBEAT"));
    assert_eq!(town.pane("gt-alpha-witness", "#{@gtd_town}").as_deref(), Some(text(&town.root)));
    assert_eq!(town.pids("alpha-witness"), [witness]);
    assert!(!town.heard("alpha-witness", None).is_empty());
}

#[test]
fn gtd_types_only_into_the_agents_own_pane() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let pid = town.wait_for_agent("deacon", None);
    let theirs = town.tmux(&["split-window", "-t", "=gt-deacon:", "-P", "-F", "#{pane_id}", "exec cat"]);
    assert_eq!(
        town.tmux(&["display-message", "-p", "-t", "=gt-deacon:", "#{pane_id}"]),
        theirs,
        "it is the active one"
    );
    let before = town.heard("deacon", Some(pid)).len();
    wait_until("the agent hears more", || town.heard("deacon", Some(pid)).len() >= before + 2);
    gtd.stop();
    let shown = town.tmux(&["capture-pane", "-p", "-t", &theirs]);
    assert_eq!(shown.trim(), "");
}

#[test]
fn an_agent_whose_pane_is_gone_comes_back_in_a_window_of_its_own() {
    let town = Town::new(&[]);
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    let theirs = town.tmux(&["new-window", "-t", "=gt-deacon:", "-P", "-F", "#{pane_id} #{pane_pid}", "exec cat"]);
    let session = town.pane("gt-deacon", "#{session_id}");
    let pane = town.pane("gt-deacon", "#{pane_id}").expect("the agent's pane");
    town.tmux(&["kill-pane", "-t", &pane]);
    let second = town.wait_for_agent("deacon", Some(first));
    wait_until("it hears heartbeats", || !town.heard("deacon", Some(second)).is_empty());
    gtd.stop();
    assert_eq!(town.pane("gt-deacon", "#{session_id}"), session);
    assert_eq!(town.pids("deacon"), [first, second]);
    let panes = town.tmux(&["list-panes", "-s", "-t", "=gt-deacon", "-F", "#{pane_id} #{pane_pid}"]);
    assert!(panes.lines().any(|line| line == theirs), "the person's window is as it was: {panes}");
    assert_eq!(panes.lines().count(), 2, "{panes}");
    let theirs = theirs.split_once(' ').expect("an id").0;
    assert_eq!(town.tmux(&["capture-pane", "-p", "-t", theirs]).trim(), "");
    assert_eq!(town.logged("its pane is gone from its session; in a new window of it"), 1);
}

#[test]
fn a_menu_that_does_not_echo_gets_no_enter() {
    let town = Town::new(&[]);
    town.set_agent("deacon", "menu");
    start_by_hand(&town, "gt-deacon", "deacon", "deacon");
    wait_until("the menu is shown", || screen(&town, "gt-deacon").contains("2. No"));
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.heard("deacon", None), [""; 0], "nothing was chosen");
    assert!(town.logged("Poke of Deacon not delivered: it did not show on the screen, Enter was not pressed") >= 2);
}

#[test]
fn an_agent_in_copy_mode_hears_its_heartbeat_all_the_same() {
    let town = Town::new(&[]);
    start_by_hand(&town, "gt-deacon", "deacon", "deacon");
    town.tmux(&["copy-mode", "-t", "=gt-deacon:"]);
    let gtd = town.up();
    wait_until("it hears", || !town.heard("deacon", None).is_empty());
    gtd.stop();
    assert_eq!(town.pane("gt-deacon", "#{pane_in_mode}").as_deref(), Some("0"));
}

/// A second tmux server is the terminal in which a person sits.
struct Person<'a> {
    town: &'a Town,
    terminal: String,
}

impl<'a> Person<'a> {
    /// Attaches to a session.
    fn attach(town: &'a Town, session: &str) -> Person<'a> {
        let terminal = format!("{}/person", town.sockets.display());
        let line = format!("env -u TMUX tmux -u attach-session -t ={session}");
        let args = ["-S", &terminal, "new-session", "-d", "-s", "person", "-x", "120", "-y", "40", &line];
        town.tmux(&args);
        wait_until("the person is attached", || {
            town.pane(session, "#{session_attached}").is_some_and(|count| count != "0")
        });
        Person { town, terminal }
    }

    fn types(&self, keys: &str) {
        self.town.tmux(&["-S", &self.terminal, "send-keys", "-l", "-t", "=person:", keys]);
    }

    fn sees(&self) -> String {
        self.town.tmux(&["-S", &self.terminal, "capture-pane", "-p", "-t", "=person:"])
    }
}

#[test]
fn a_person_who_is_attached_and_types_is_neither_poked_nor_wiped() {
    let town = Town::new(&["alpha"]);
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    let person = Person::attach(&town, "gt-deacon");
    town.wait_for_log("No poke for Deacon: a person is typing there");
    let before = town.heard("deacon", None);
    person.types("half a thought");
    wait_until("it shows", || person.sees().contains("half a thought"));
    let others = town.heard("alpha-witness", None).len();
    town.wait_for_heartbeats(3);
    assert!(person.sees().contains("half a thought"), "{}", person.sees());
    assert_eq!(town.heard("deacon", None), before);
    assert!(town.heard("alpha-witness", None).len() > others, "the others are poked as ever");
    person.types(" is better than none\r");
    wait_until("the agent has heard the person", || {
        town.heard("deacon", None).last().is_some_and(|line| line == "half a thought is better than none")
    });
    gtd.stop();
}

#[test]
fn a_bare_shell_in_which_a_person_types_is_left_to_that_person() {
    let town = Town::new(&[]);
    let dir = town.root.join("deacon");
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", text(&dir), "exec sh -i"]);
    let person = Person::attach(&town, "gt-deacon");
    person.types("echo he\"\"llo\r");
    wait_until("the shell answers", || person.sees().contains("hello"));
    let gtd = town.up();
    town.wait_for_heartbeats(2);
    town.wait_for_word("deacon", "waiting");
    assert_eq!(town.logged("a person is using the shell"), 1);
    gtd.stop();
    assert!(town.pids("deacon").is_empty());
    assert!(!person.sees().contains("HEARTBEAT"));
}

#[test]
fn gtd_started_in_the_agents_own_pane_serves_the_town_and_survives_the_agent() {
    let mut town = Town::new(&["alpha"]);
    town.set_env("GT_ROLE", "deacon");
    town.set_env("CLAUDECODE", "1");
    let dir = town.root.join("deacon");
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", text(&dir), "exec sh -i"]);
    let line = format!("{} --background --town {}", env!("CARGO_BIN_EXE_gtd"), town.root.display());
    town.tmux(&["send-keys", "-t", "=gt-deacon:", &line, "Enter"]);
    // The shell it was typed into is bare when gtd is up, and becomes the Deacon.
    let deacon = town.wait_for_agent("deacon", None);
    town.wait_for_agent("alpha-witness", None);
    let gtd: u32 = eventually("the PID", || town.read("daemon/daemon.pid").parse().ok());
    assert!(process::is_alive(gtd));
    assert_eq!(town.environment("alpha-witness").get("GT_ROLE").map(String::as_str), Some("witness"));
    assert!(!town.environment("alpha-witness").contains_key("CLAUDECODE"));
    process::signal(deacon, libc::SIGKILL);
    town.wait_for_agent("deacon", Some(deacon));
    assert!(process::is_alive(gtd));
    town.tmux(&["kill-session", "-t", "=gt-deacon"]);
    assert!(!holds_within(Duration::from_millis(300), || !process::is_alive(gtd)), "it is not part of that session");
    town.run(&["--stop"]).exits(0);
}

#[test]
fn gtd_in_the_foreground_of_the_agents_own_pane_does_not_end_itself() {
    let town = Town::new(&["alpha"]);
    let dir = town.root.join("deacon");
    town.tmux(&["new-session", "-d", "-s", "gt-deacon", "-c", text(&dir), "exec sh -i"]);
    town.tmux(&["send-keys", "-t", "=gt-deacon:", env!("CARGO_BIN_EXE_gtd"), "Enter"]);
    town.wait_for_agent("alpha-witness", None);
    let gtd: u32 = eventually("the PID", || town.read("daemon/daemon.pid").parse().ok());
    town.wait_for_heartbeats(3);
    assert!(process::is_alive(gtd));
    assert!(town.pids("deacon").is_empty(), "its pane is in use");
    town.run(&["--stop"]).exits(0);
}

#[test]
fn refineries_are_kept_up_where_their_patrol_is_on() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"patrols": {"refinery": {"enabled": true}}}));
    std::fs::create_dir_all(town.root.join("alpha/refinery/rig")).expect("made");
    let gtd = town.up();
    wait_until("it is up and has heard", || !town.heard("alpha-refinery", None).is_empty());
    gtd.stop();
    assert!(town.has_session("gt-alpha-refinery"));
}

#[test]
fn a_persons_own_tmux_settings_keep_no_agent_down() {
    let town = Town::new(&["alpha"]);
    let settings = "set -g base-index 1\nset -g pane-base-index 1\nset -g renumber-windows on\nset -g status off\n\
                    set -g allow-rename on\nset -g remain-on-exit off\nset -g default-shell /bin/false\n\
                    set -g update-environment 'GT_ROLE BD_ACTOR'\n";
    std::fs::write(town.home.join(".tmux.conf"), settings).expect("written");
    let gtd = town.up();
    let first = town.wait_for_agent("deacon", None);
    wait_until("it hears", || !town.heard("deacon", None).is_empty());
    let theirs = town.tmux(&["new-window", "-d", "-t", "=gt-deacon:", "-P", "-F", "#{pane_id}", "--", "cat", "-"]);
    let pane = town.pane("gt-deacon", "#{pane_id}").expect("the agent's pane");
    town.tmux(&["kill-pane", "-t", &pane]);
    let second = town.wait_for_agent("deacon", Some(first));
    process::signal(second, libc::SIGKILL);
    let third = town.wait_for_agent("deacon", Some(second));
    wait_until("it hears again", || !town.heard("deacon", Some(third)).is_empty());
    gtd.stop();
    assert_eq!(town.environment("deacon")["GT_ROLE"], "deacon");
    assert_eq!(town.tmux(&["capture-pane", "-p", "-t", &theirs]).trim(), "");
}

#[test]
fn a_persons_failing_hook_costs_an_agent_neither_its_start_nor_its_marks() {
    let town = Town::new(&[]);
    town.tmux(&["new-session", "-d", "-s", "own", "exec cat"]);
    town.tmux(&["set-hook", "-g", "after-new-session", "kill-pane -t %4711"]);
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    town.wait_for_heartbeats(2);
    gtd.stop();
    assert_eq!(town.pids("deacon").len(), 1);
    let marks = town.pane("gt-deacon", "#{@gtd_agent} #{remain-on-exit}");
    assert_eq!(marks.as_deref(), Some("gt-deacon on"));
}

#[test]
fn a_tmux_server_that_stays_without_a_session_is_an_empty_one() {
    let town = Town::new(&[]);
    town.tmux(&["new-session", "-d", "-s", "own", "exec cat", ";", "set-option", "-s", "exit-empty", "off"]);
    town.tmux(&["kill-session", "-t", "=own"]);
    let gtd = town.up();
    town.wait_for_agent("deacon", None);
    gtd.stop();
}
