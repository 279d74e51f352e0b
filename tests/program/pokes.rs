//! Pokes to several agents at once: one list, one guard and one run of screens are for all of them. What happens to one of the
//! agents in between costs nobody else a heartbeat, and types nothing into what is no agent any more.

use crate::support::fakes::{TMUX, program};
use crate::support::{Town, wait_until};
use gtd::decide::WITNESS_MESSAGES;
use gtd::town::plan::PaneRef;
use gtd::town::process::Process;
use gtd::world::tmux::script::{is_marked, together};
use serde_json::json;
use std::fs;
use std::path::Path;

const AGENTS: [&str; 3] = ["deacon", "alpha-witness", "omega-witness"];

/// A session with one pane, which bears its name as its mark if it is `marked`.
fn pane(town: &Town, session: &str, marked: bool) -> PaneRef {
    let report = town.tmux(&["new-session", "-d", "-P", "-F", "#{pane_id} #{pane_pid}", "-s", session, "exec cat"]);
    let (id, pid) = report.split_once(' ').expect("an id and a PID");
    if marked {
        town.tmux(&["set-option", "-p", "-t", id, "@gtd_agent", session]);
    }
    PaneRef {
        id: id.trim_start_matches('%').parse().expect("a number"),
        session: session.to_owned(),
        process: Process { pid: pid.parse().expect("a PID"), start: 0 },
        mark: if marked { session.to_owned() } else { String::new() },
    }
}

/// Whether a guard for these panes lets its lines be done.
fn lets(town: &Town, panes: &[&PaneRef], spared: &[&PaneRef]) -> bool {
    let panes: Vec<_> = panes.iter().map(|pane| (*pane, "0/0".to_owned())).collect();
    let spared: Vec<u32> = spared.iter().map(|pane| pane.id).collect();
    let line = together(&panes, "#{session_attached}/#{pane_dead}", &spared, &["display-message -p done".to_owned()]);
    let ran = town.tmux_script(&line).exits(0);
    assert!(["", "done\n"].contains(&ran.stdout.as_str()), "{ran}");
    !ran.stdout.is_empty()
}

#[test]
fn a_guard_for_many_panes_holds_for_all_of_them_or_lets_nothing_be_done() {
    let town = Town::new(&[]);
    // Not in the order in which tmux goes through them.
    let [second, first, third] = ["gt-b-x", "gt-b", "gt_c"].map(|name| pane(&town, name, true));
    let stranger = pane(&town, "gt-a", false);
    assert!(is_marked(&first) && !is_marked(&stranger));
    let all = [&second, &third, &first];
    assert!(lets(&town, &all, &[]));
    assert!(lets(&town, &[&third, &first], &[&second]), "nothing is wanted of the second");
    assert!(lets(&town, &[&first], &[&third, &second]));
    assert!(!lets(&town, &[&third, &first], &[]), "another one bears a mark");
    let other = |change: fn(&mut PaneRef)| {
        let mut other = second.clone();
        change(&mut other);
        other
    };
    for wrong in
        [other(|pane| pane.process.pid += 1), other(|pane| pane.id += 70), other(|pane| pane.session.push('y'))]
    {
        assert!(!lets(&town, &[&first, &wrong, &third], &[]), "{wrong:?}");
    }
    // What a person has beside an agent is nobody's business.
    town.tmux(&["split-window", "-t", "=gt-b:", "exec cat"]);
    town.tmux(&["new-window", "-d", "-t", "=gt_c:", "exec cat"]);
    town.tmux(&["new-session", "-d", "-s", "gt-b-w", "exec cat"]);
    assert!(lets(&town, &all, &[]));
    town.tmux(&["kill-pane", "-t", &format!("%{}", third.id)]);
    assert!(!lets(&town, &all, &[]));
    assert!(lets(&town, &[&first, &second], &[]));
    town.tmux(&["respawn-pane", "-k", "-t", &format!("%{}", first.id), "exec cat"]);
    assert!(!lets(&town, &[&first, &second], &[]) && lets(&town, &[&second], &[&first]));
}

#[test]
fn tmux_shows_as_many_lines_of_a_pane_as_it_has() {
    let town = Town::new(&[]);
    let program = "printf 'a\\033[?1049h\\nb\\n\\n'; exec cat";
    town.tmux(&["new-session", "-d", "-s", "s", "-x", "70", "-y", "31", program]);
    town.tmux(&["split-window", "-t", "=s:", "exec cat"]);
    town.tmux(&["split-window", "-h", "-t", "=s:", "exec yes"]);
    for pane in town.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]).lines() {
        let script = format!("display-message -p -t {pane} '#{{pane_height}}'\ncapture-pane -p -t {pane}\n");
        let ran = town.tmux_script(&script).exits(0);
        let (height, screen) = ran.stdout.split_once('\n').expect("two answers");
        assert_eq!(screen.matches('\n').count().to_string(), height, "{ran}");
    }
}

/// A town whose three agents were started and marked, and wait at their prompts; and what each has heard.
fn town() -> (Town, [usize; 3]) {
    let town = Town::new(&["alpha", "omega"]);
    town.run(&["--once"]).exits(0);
    wait_until("each shows its prompt", || town.tmux(&["list-panes", "-a", "-F", "#{cursor_x}"]) == "2\n2\n2");
    wait_until("what was said is heard", || heard(&town).iter().sum::<usize>() == town.logged("Poked "));
    let heard = heard(&town);
    (town, heard)
}

fn heard(town: &Town) -> [usize; 3] {
    AGENTS.map(|agent| town.heard(agent, None).len())
}

/// Puts a tmux in gtd's way: `before` is done before the scripts, `after` when they are done; `$n` is the number of the script.
fn intercept(town: &Town, before: &str, after: &str) {
    let scripts = town.notes.join("scripts").display().to_string();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *source-file*) ;; *) {TMUX} \"$@\"; exit;; esac\necho >>{scripts}\nn=$(($(wc -l <{scripts})))\n\
         {before}\n{TMUX} \"$@\"\nstatus=$?\n{after}\nexit $status"
    );
    program(&town.bin.join("tmux"), &script);
}

/// The scripts that gtd has had run since.
fn scripts(town: &Town) -> usize {
    fs::read_to_string(town.notes.join("scripts")).unwrap_or_default().lines().count()
}

#[test]
fn five_scripts_are_enough_for_all_agents_whose_cursor_tells() {
    let (town, before) = town();
    intercept(&town, "", "");
    town.run(&["--once"]).exits(0);
    wait_until("each has heard one", || heard(&town) == before.map(|heard| heard + 1));
    assert_eq!(scripts(&town), 5);
}

#[test]
fn an_agent_that_is_another_program_between_two_waves_is_typed_nothing_and_the_others_are_poked() {
    // While the line is cleared, before the text, and before Enter.
    for wave in [1, 2, 4] {
        let (town, before) = town();
        let other = format!("{TMUX} respawn-pane -k -t =gt-alpha-witness: 'exec cat'");
        intercept(&town, &format!("[ \"$n\" != {wave} ] || {other}"), "");
        let poked = town.logged("Poked ");
        town.run(&["--once"]).exits(0);
        let expected = [before[0] + 1, before[1], before[2] + 1];
        wait_until("the two others have heard one", || heard(&town) == expected);
        assert_eq!(town.logged("Poked "), poked + 2);
        assert_eq!(town.logged("Poke of witness for alpha not delivered: its pane changed"), 1);
        let pane = town.pane("gt-alpha-witness", "#{pane_id}").expect("a pane");
        let shown = town.tmux(&["capture-pane", "-p", "-t", &pane]);
        assert!(!shown.contains("HEARTBEAT"), "wave {wave}: {shown}");
        assert_eq!(scripts(&town), 6, "the guard that did not hold, and those for each by itself");
    }
}

#[test]
fn screens_that_cannot_be_told_apart_are_asked_for_one_by_one() {
    let (town, before) = town();
    // One line more than the panes have.
    intercept(&town, "", "echo");
    town.run(&["--once"]).exits(0);
    wait_until("each has heard one", || heard(&town) == before.map(|heard| heard + 1));
    assert_eq!(scripts(&town), 7, "both looks at the screens were taken twice");
}

/// Draws its message anew at each burst that it is typed, as `draw` does, and echoes nothing.
fn mute(typed: &Path, draw: &str) -> String {
    format!(
        "stty -icanon -icrnl -echo min 1\ndraw() {{ {draw}; }}\ndraw\n\
         while burst=$(dd bs=512 count=1 2>/dev/null | tr '\\r' @); do printf %s \"$burst\" >>{}; draw; done",
        typed.display()
    )
}

#[test]
fn a_message_that_is_shown_but_was_not_typed_gets_no_enter() {
    // One that stands there and does not move, one that changes something else, and a menu that takes its time to be drawn.
    for draw in [
        "printf '\\033[HHEARTBEAT: NEXT'",
        "n=$((n+1)); printf '\\033[Hinvalid key %s\\n\\nHEARTBEAT: NEXT' $n",
        "printf '\\033[2J\\033[H'; sleep 0.06; printf '* HEARTBEAT: NEXT\\n\\nDelete? > 1. Yes 2. No'",
    ] {
        let (town, _) = town();
        let last = town.heard("alpha-witness", None).pop().expect("a heartbeat");
        let last = WITNESS_MESSAGES.iter().position(|message| last.ends_with(message)).expect("one of the list");
        let next = WITNESS_MESSAGES[(last + 1) % WITNESS_MESSAGES.len()];
        let typed = town.notes.join("typed");
        let file = town.bin.join("mute");
        program(&file, &format!("#!/bin/sh\n{}", mute(&typed, &draw.replace("NEXT", next))));
        let line = format!("exec {}", file.display());
        town.tmux(&["respawn-pane", "-k", "-t", "=gt-alpha-witness:", &line]);
        wait_until("it shows the message", || {
            town.tmux(&["capture-pane", "-p", "-t", "=gt-alpha-witness:"]).contains(next)
        });
        town.run(&["--once"]).exits(0);
        wait_until("it has got the text", || fs::read_to_string(&typed).is_ok_and(|typed| typed.contains(next)));
        assert!(!fs::read_to_string(&typed).expect("there").contains('@'), "{draw}: Enter was pressed");
        assert_eq!(town.logged("Poke of witness for alpha not delivered: "), 1, "{draw}");
    }
}

/// An interface that draws what was typed into a box, and leaves the cursor elsewhere. It takes a burst at a time, as agents do.
const BOXED: &str = r#"#!/bin/sh
stty -icanon -icrnl -echo min 1
name=$(printf %s "$BD_ACTOR" | tr / -)
text=
while :; do
    printf '\033[H\033[2J+-----+\n| > %s |\n+-----+\033[12;1H' "$text"
    burst=$(dd bs=512 count=1 2>/dev/null | tr '\r\025' '@~')
    case $burst in
        '') exit ;;
        *@*) printf '%s %s\n' "$$" "$text" >>"@DIR@/$name.heard"; text= ;;
        *~*) text= ;;
        *) text=$text$burst ;;
    esac
done
"#;

#[test]
fn agents_whose_cursor_tells_nothing_are_poked_with_as_few_scripts() {
    let mut town = Town::new(&["alpha", "omega"]);
    let boxed = town.bin.join("boxed");
    program(&boxed, &BOXED.replace("@DIR@", town.notes.to_str().expect("a plain path")));
    town.configure(json!({"gtd": {"agent_command": boxed}}));
    town.run(&["--once"]).exits(0);
    wait_until("each shows its box", || {
        town.tmux(&["list-panes", "-a", "-F", "#{cursor_x},#{cursor_y}"]) == "0,11\n0,11\n0,11"
    });
    let before = heard(&town);
    intercept(&town, "", "");
    town.run(&["--once"]).exits(0);
    assert_eq!(heard(&town), before.map(|heard| heard + 1));
    assert!(AGENTS.iter().all(|agent| town.heard(agent, None).iter().all(|line| line.starts_with("HEARTBEAT: "))));
    assert_eq!(scripts(&town), 5);
}
