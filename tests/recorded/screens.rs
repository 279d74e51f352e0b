//! What tmux says where there is no server, and what agents' screens show.

use super::Call;
use super::support::fakes::program;
use gtd::decide::spawns::is_ready;
use gtd::sys::attention::Attention;
use gtd::world::tmux::{Socket, Tmux};

#[test]
fn a_prompt_is_known_where_an_agent_waits_at_one() {
    for (file, ready) in [
        // Its window had just been cleared.
        ("v0.2/tmux-capture-gt-alpha-crew-maxine.json", false),
        ("v0.2/tmux-capture-gt-alpha-refinery.json", true),
        ("v0.2/tmux-capture-gt-alpha-witness.json", true),
        // A shell that has not found the agent.
        ("v0.2/tmux-capture-gt-alpha-witness-agent-not-found.json", false),
        ("v0.2/tmux-capture-hq-deacon.json", true),
        ("v0.2/tmux-capture-hq-deacon-agent-not-found.json", false),
        ("v0.2/tmux-capture-hq-mayor.json", true),
        ("v1.0/tmux-capture-al-crew-maxine.json", true),
        ("v1.0/tmux-capture-al-refinery.json", true),
        ("v1.0/tmux-capture-al-witness.json", true),
        ("v1.0/tmux-capture-hq-deacon.json", true),
        ("v1.0/tmux-capture-hq-mayor.json", true),
    ] {
        assert_eq!(is_ready(&super::stdout(file)), ready, "{file}");
    }
}

#[test]
fn where_there_is_no_server_there_are_no_panes_and_that_is_an_answer() {
    for file in ["v0.2/tmux-no-server.json", "v1.0/tmux-list-panes-default-socket.json"] {
        let call = Call::read(file);
        let tmux = call.dir.path().join("tmux");
        let script = format!("#!/bin/sh\ncat stderr >&2\nexit {}\n", call.exit);
        program(&tmux, &script);
        let tmux = Tmux::new(&tmux, Socket::Default, call.dir.path());
        assert_eq!(tmux.panes(&mut Attention::nobody()).expect("nobody stops it"), Ok(Vec::new()), "{file}");
    }
}
