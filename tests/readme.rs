//! The README's commands, run as they stand there.

mod support;

use std::fs;
use support::Town;

const README: &str = include_str!("../README.md");

/// The code block after a heading.
fn block(heading: &str) -> &'static str {
    let after = README.split_once(heading).expect(heading).1;
    let (_, block) = after.split_once("```sh\n").expect("a block");
    block.split_once("```").expect("its end").0
}

#[test]
fn a_town_made_by_hand_as_the_readme_says_would_be_served() {
    let town = Town::new(&[]);
    fs::copy(env!("CARGO_BIN_EXE_gtd"), town.bin.join("gtd")).expect("copied");
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
    let makefile = include_str!("../Makefile");
    let wanted = README.split("`make ").skip(1).filter_map(|rest| rest.split(['`', ' ']).next());
    let in_blocks = README.lines().filter_map(|line| line.strip_prefix("make ")?.split_whitespace().next());
    for target in wanted.chain(in_blocks) {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
    }
}
