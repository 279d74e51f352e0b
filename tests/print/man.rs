//! The manual page, as it is rendered.

use super::support::{Ran, Town};
use super::{is_here, printed, tool};

/// A rendered page without what makes letters bold, on one line.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c == '\u{8}' {
            out.pop();
        } else {
            out.push(c);
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_manual_page_is_rendered_without_a_warning() {
    let town = Town::new(&[]);
    let page = printed(&town, "man").display().to_string();
    let renderers: [(&str, &[&str]); 3] = [
        ("groff", &["-ww", "-man", "-Tutf8", "-P-c", "-rLL=150n", &page]),
        ("man", &["-l", "--warnings", &page]),
        ("mandoc", &["-Tutf8", "-Owidth=150", "-W", "style", &page]),
    ];
    for (program, args) in renderers.into_iter().filter(|(program, _)| is_here(program)) {
        let mut command = tool(&town, program, args);
        command.env("MANWIDTH", "150").env("MAN_KEEP_FORMATTING", "");
        let ran = Ran::of(command).exits(0);
        assert_eq!(ran.stderr, "", "{program}");
        let page = plain(&ran.stdout);
        for piece in [
            "gtd - keeps a town's patrol agents alive and sends their heartbeats",
            "--stop [--timeout TIME]",
            "--request ACTION AGENT",
            "-h, --help",
            "5 Refused, because a daemon already runs.",
            "gtd.look_interval How often the town is looked at. Default: 60s. Example: \"30s\".",
            "GT_TOWN_ROOT",
            "ESTOP, ESTOP.RIG, daemon/shutdown.lock",
            "SIGUSR1 Look at once, and read the mail.",
            "gtd --print systemd > ~/.config/systemd/user/gtd.service",
        ] {
            assert!(page.contains(piece), "{program}: {piece}\n{page}");
        }
    }
}
