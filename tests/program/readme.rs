//! The README's commands, run as they stand there.

use crate::support::{Town, fakes, program::GTD};
use std::fs;

const README: &str = include_str!("../../README.md");

/// The code block after a heading.
fn block(heading: &str) -> &'static str {
    let after = README.split_once(heading).expect(heading).1;
    let (_, block) = after.split_once("```sh\n").expect("a block");
    block.split_once("```").expect("its end").0
}

#[test]
fn a_town_made_by_hand_as_the_readme_says_would_be_served() {
    let town = Town::new(&[]);
    fakes::copy_program(GTD.as_ref(), &town.bin.join("gtd"));
    let place = town.root.parent().expect("a directory").join("by-hand");
    fs::create_dir(&place).expect("made");
    let mut command = town.command("/bin/sh");
    command.args(["-e", "-c", block("### A town by hand")]).current_dir(place);
    let said = command.output().expect("sh");
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{text}{}", String::from_utf8_lossy(&said.stderr));
    for line in ["deacon       start  no session (rule 4)", "web/witness  start  no session (rule 4)"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn the_quick_start_asks_for_nothing_that_the_makefile_does_not_have() {
    let makefile = include_str!("../../Makefile");
    let wanted = README.split("`make ").skip(1).filter_map(|rest| rest.split(['`', ' ']).next());
    let in_blocks = README.lines().filter_map(|line| line.strip_prefix("make ")?.split_whitespace().next());
    for target in wanted.chain(in_blocks) {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
    }
}

#[test]
fn gtd_is_installed_for_good_as_the_readme_says() {
    let town = Town::new(&[]);
    fakes::copy_program(GTD.as_ref(), &town.bin.join("gtd"));
    // What the machine would do is noted, and not done.
    for name in ["systemctl", "loginctl", "launchctl", "crontab"] {
        let script = "#!/bin/sh\necho \"${0##*/} $*\" >> \"$HOME/calls\"\n\
                      case $1 in -l) cat \"$HOME/crontab\" ;; -) cat > \"$HOME/new\"; mv \"$HOME/new\" \"$HOME/crontab\" ;; esac\n";
        let path = town.bin.join(name);
        fakes::program(&path, script);
    }
    town.remove("mayor/daemon.json");
    let sections = README.split_once("## Installing").expect("the sections").1;
    let sections = sections.split_once("\n## Seeing").expect("their end").0;
    let blocks = sections.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    // What make does `make check-dist` tries.
    let blocks: Vec<&str> = blocks.filter(|block| !block.starts_with("make ")).collect();
    assert_eq!(blocks.len(), 5, "{sections}");
    fs::write(town.home.join("crontab"), "# mine\n@daily true\n").expect("written");
    let cron = blocks.iter().find(|block| block.contains("crontab -")).expect("the block for cron");
    // What is done twice comes to the same.
    for block in blocks.iter().chain([cron]) {
        let mut command = town.command("/bin/sh");
        let said = command.args(["-e", "-c", block]).output().expect("sh");
        assert!(said.status.success() && said.stderr.is_empty(), "{block}{}", String::from_utf8_lossy(&said.stderr));
    }
    let made = |path: &str| fs::read_to_string(town.home.join(path)).expect(path);
    for (path, piece) in [
        (".config/systemd/user/gtd.service", "\nExecStart="),
        ("crontab", "\n@reboot "),
        ("Library/LaunchAgents/gastown.gtd.plist", "<plist version"),
        (".local/share/man/man8/gtd.8", ".TH GTD 8 "),
        (".local/share/bash-completion/completions/gtd", "complete -F _gtd gtd"),
        (".zfunc/_gtd", "#compdef gtd"),
        (".config/fish/completions/gtd.fish", "complete -c gtd "),
    ] {
        assert!(made(path).contains(piece), "{path}");
    }
    let crontab = made("crontab");
    assert!(crontab.starts_with("# mine\n@daily true\n# gtd"), "{crontab}");
    assert_eq!(crontab.matches("@reboot ").count(), 1, "{crontab}");
    assert!(made("calls").contains("systemctl --user enable --now gtd\nloginctl enable-linger\n"), "{}", made("calls"));
    assert!(town.read("mayor/daemon.json").contains("\"look_interval\": \"60s\""));
}
