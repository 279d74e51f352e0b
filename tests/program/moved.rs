//! A town whose agents live elsewhere by now: another `gt` has begun a second population meanwhile, or gtd itself is told of
//! another tmux server. Whoever lives is neither doubled nor ended.

use crate::support::process::is_alive;
use crate::support::{Town, wait_until};
use serde_json::json;

fn is_held(town: &Town, agent: &str) {
    wait_until("it is held", || town.word_for(agent) == "held");
}

#[test]
fn who_has_come_to_live_elsewhere_is_not_restarted_here_and_the_others_are() {
    let mut town = Town::new(&["alpha=al"]);
    town.configure(json!({"gtd": {"gastown": "v0.2"}}));
    let gtd = town.up();
    let deacon = town.wait_for_agent("deacon", None);
    let witness = town.wait_for_agent("alpha-witness", None);
    // As a newer gt does it, on a server of its own.
    let socket = super::generation::own_socket(&town);
    let dir = town.root.join("deacon");
    let dir = dir.to_str().expect("a path");
    town.tmux(&["-L", &socket, "new-session", "-d", "-s", "hq-deacon", "-c", dir, "exec sleep 1000"]);
    town.tmux(&["kill-session", "-t", "=hq-deacon"]);
    town.tmux(&["kill-session", "-t", "=gt-alpha-witness"]);
    town.wait_for_agent("alpha-witness", Some(witness));
    is_held(&town, "deacon");
    town.wait_for_log(&format!("hq-deacon lives on the tmux server -L {socket}"));
    // Nor is it at somebody's request.
    town.run(&["--request", "restart", "deacon"]).exits(0);
    town.wait_for_log("restart of Deacon waits: the town's agents live under other names");
    assert_eq!(town.pids("deacon"), [deacon], "{}", town.log());
    town.tmux(&["-L", &socket, "kill-server"]);
    town.wait_for_agent("deacon", Some(deacon));
    gtd.stop();
}

#[test]
fn agents_on_the_server_that_the_town_was_on_before_are_neither_ended_nor_doubled() {
    let mut town = Town::new(&["alpha"]);
    town.configure(json!({"gtd": {"tmux_socket": "one"}}));
    let gtd = town.up();
    let deacon = town.wait_for_agent("deacon", None);
    let witness = town.wait_for_agent("alpha-witness", None);
    town.configure(json!({"gtd": {"tmux_socket": "two"}}));
    gtd.signal(libc::SIGHUP);
    is_held(&town, "deacon");
    is_held(&town, "alpha/witness");
    town.wait_for_log(
        "gt-alpha-witness, gt-deacon live on the tmux server -L one, where the town was before. Set gtd.gastown",
    );
    town.wait_for_heartbeats(1);
    // One that is told of it while it runs: nobody has died, and nobody is begun anew beside those who live.
    assert_eq!(town.logged(" is gone ("), 0, "{}", town.log());
    town.tmux(&["-L", "one", "kill-session", "-t", "=gt-alpha-witness"]);
    town.wait_for_heartbeats(2);
    assert_eq!(town.pids("alpha-witness"), [witness], "{}", town.log());
    gtd.stop();
    // It is remembered over restarts, and where another server answers by now.
    town.tmux(&["-L", "two", "new-session", "-d", "-s", "other", "exec sleep 1000"]);
    for _ in 0..2 {
        let gtd = town.up();
        town.wait_for_heartbeats(1);
        is_held(&town, "deacon");
        gtd.stop();
    }
    assert!(is_alive(deacon), "{}", town.log());
    let gtd = town.up();
    town.tmux(&["-L", "one", "kill-server"]);
    town.wait_for_agent("deacon", Some(deacon));
    town.wait_for_agent("alpha-witness", Some(witness));
    gtd.stop();
    assert_eq!((town.pids("deacon").len(), town.pids("alpha-witness").len()), (2, 2), "{}", town.log());
}
