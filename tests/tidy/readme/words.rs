//! The words that the program uses of things, against those that the README explains.

use super::{between, code, owned, plain, section, table};
use crate::idle::quiet;
use crate::{below, none, read};
use gtd::town::agent::{AgentId, Role};
use gtd::town::config::Config;
use gtd::town::config::keys::KEYS;
use gtd::town::mail::{Kind, Mail};
use gtd::town::need::Supply;
use gtd::town::outage::Outage;
use gtd::town::plan::{Addressee, Awake, Delay, Hold, Leave, Missing, PaneRef, Place, Verdict};
use gtd::town::process::Process;
use gtd::town::request::{Action, Source};
use gtd::town::snapshot::Ended;
use gtd::world::spawns::FIRST_WORD;
use std::collections::BTreeSet;

/// What findings of a check are about, as the sources say.
fn told() -> BTreeSet<String> {
    // These three are looked for by one piece of code.
    let mut found = owned([Supply::Tmux, Supply::Bd, Supply::Gt].map(Supply::word));
    for file in below("src/cli/check") {
        let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in [".good(", ".note(", ".fault(", "tell(", "sheet.add("] {
            for after in code.split(call).skip(1).map(str::trim_start) {
                let after = after.strip_prefix("&self.findings,").unwrap_or(after).trim_start();
                let after = after.strip_prefix("Mark::Fault,").unwrap_or(after).trim_start();
                found.extend(after.strip_prefix('"').and_then(|after| after.split('"').next()).map(str::to_owned));
            }
        }
    }
    found
}

#[test]
fn the_readme_explains_whatever_a_check_can_be_about() {
    let rows = table(&read("README.md"), "Checking a town");
    let explained: BTreeSet<String> = rows.iter().flat_map(|row| owned(code(&row[0]))).collect();
    let told = told();
    assert!(told.contains("cron") && told.contains("login shell"), "{told:?}");
    none("not explained", &told.difference(&explained).cloned().collect());
    none("never said", &explained.difference(&told).cloned().collect());
}

#[test]
fn the_readme_explains_every_state_of_an_agent() {
    let readme = plain(&read("README.md"));
    let said = between(&readme, "States are ", ": what was asked of gtd");
    // What is in brackets explains the word before it.
    let explained = owned(said.split('(').map(|piece| piece.rsplit(')').next().unwrap_or(piece)).flat_map(code));
    let source = read("src/town/plan.rs");
    let words = between(&source, "pub const fn word(&self)", "\n    }\n");
    let words = words.split("=> \"").skip(1).filter_map(|after| after.split('"').next());
    let known = owned(words.chain(["unsupervised"]));
    assert!(known.len() > 8, "{known:?}");
    assert_eq!(explained, known);
    // Of one that is held it is also told whether it lives.
    for both in ["`alive, held`", "`gone, held`"] {
        assert!(said.contains(both), "{both}");
    }
}

/// Verdicts with what the table says of them: under which rule, with which words, and what is done.
fn verdicts() -> Vec<(Verdict, &'static str)> {
    let outage = || Outage::new("it hangs");
    let process = Process { pid: 1, start: 1 };
    let pane = || PaneRef { id: 1, session: String::new(), process, mark: String::new() };
    let now = quiet(0).now;
    let start = |absence, place| {
        let restart = place != Place::NewSession;
        Verdict::Start { absence, place, restart, leftover: None }
    };
    let poke = Addressee { pane: pane(), last_input: 0, in_mode: false, resize: false };
    vec![
        (Verdict::Hold(Hold::NoGeneration(outage())), "Gas Town's generation is not known"),
        (Verdict::Hold(Hold::Estop(String::new())), "`ESTOP` or"),
        (Verdict::Hold(Hold::RigEstop(String::new())), "`ESTOP.RIG` exists"),
        (Verdict::Hold(Hold::ShuttingDown), "`daemon/shutdown.lock` is held"),
        (Verdict::Hold(Hold::GoingDown(1)), "`daemon/shutting-down`"),
        (Verdict::Hold(Hold::PatrolOff), "the patrol is switched off"),
        (Verdict::Hold(Hold::NotListed(Role::Witness)), "limited to other rigs"),
        (Verdict::Hold(Hold::ShutDown(Source::Mail(String::new()))), "it was shut down on request"),
        (Verdict::Hold(Hold::Parked), "the rig is parked"),
        (Verdict::Hold(Hold::Paused(String::new())), "the Deacon is paused"),
        (Verdict::Hold(Hold::NoDirectory(String::new())), "its directory is not there"),
        (Verdict::Hold(Hold::SameSession(AgentId::Mayor)), "two agents would have the same session"),
        (Verdict::Hold(Hold::Asked(Action::Cycle)), "a request for it is in hand"),
        (Verdict::Hold(Hold::Docked(String::new())), "its rig is docked"),
        (Verdict::Hold(Hold::DockUnknown(outage())), "or `bd` none about docking"),
        (Verdict::Hold(Hold::NoAutoRestart), "has `auto_restart` off"),
        (Verdict::Hold(Hold::Elsewhere(String::new())), "it lives under another name or on another tmux server"),
        (Verdict::Hold(Hold::ElsewhereUnknown(outage())), "one of these servers gives no answer"),
        (Verdict::Leave(Leave::Unknown(outage())), "tmux does not answer"),
        (Verdict::Leave(Leave::Foreign(String::new())), "the session is another town's"),
        (start(Missing::Session, Place::NewSession), "there is no session"),
        (Verdict::Wait { absence: Missing::Session, why: Delay::Settling, until: now }, "there is no session"),
        (start(Missing::Ended(Ended::Unknown), Place::InPlace(pane())), "the program has ended in its pane"),
        (start(Missing::OnlyShell, Place::InPlace(pane())), "left a bare shell"),
        (start(Missing::Pane, Place::NewWindow), "its pane is gone from its session"),
        (Verdict::Leave(Leave::Grace { until: now, poke_waits: true }), "it was started less than"),
        (start(Missing::Answer { unread: 1 }, Place::NewWindow), "it lives and does not answer"),
        (Verdict::Leave(Leave::NoAnswer), "it lives and does not answer"),
        (Verdict::Leave(Leave::Reports(String::new())), "its report says"),
        (Verdict::Skip(Awake::Person), "a person typed there"),
        (Verdict::Skip(Awake::Working), "it is at work"),
        (Verdict::Skip(Awake::Synchronized), "(`synchronize-panes`)"),
        (Verdict::Poke { to: poke, message: "" }, "a heartbeat is due"),
    ]
}

#[test]
fn every_verdict_stands_under_its_rule() {
    let rows = table(&read("README.md"), "The rules");
    let mut seen = BTreeSet::new();
    for (verdict, words) in verdicts() {
        let rule = verdict.rule().to_string();
        let row = rows.iter().find(|row| row[0] == rule && row[1].contains(words));
        let row = row.unwrap_or_else(|| panic!("rule {rule} does not say {words:?}"));
        // What is waited for, or given up, is told in the midst of what is done.
        let done = verdict.action();
        let is_told = matches!(done, "wait" | "leave") || row[2].starts_with(done) || row[2].contains(", restart,");
        assert!(is_told, "rule {rule}: {done} and not {}", row[2]);
        seen.insert(rule);
    }
    assert_eq!(seen, rows.iter().map(|row| row[0].clone()).collect());
}

#[test]
fn rule_8_has_every_word_by_which_an_agent_asks_for_a_person() {
    let source = read("src/decide/agents.rs");
    let words = between(&source, "const NOT_POKED: ", ";\n");
    let words = between(&source[source.find(words).expect("there")..], "[\"", "\"]").replace("\", \"", " ");
    let rows = table(&read("README.md"), "The rules");
    let row = rows.iter().find(|row| row[0] == "8").expect("the rule");
    assert_eq!(code(&row[1]), [words]);
}

#[test]
fn the_configuration_is_as_the_readme_says() {
    let readme = read("README.md");
    let text = plain(section(&readme, "Configuration"));
    let sections: BTreeSet<&str> = KEYS.iter().filter_map(|key| key.path.split('.').next()).collect();
    assert!(text.contains("gtd honours three of its sections and has one of its own, `gtd`."));
    assert!(sections.len() == 3 + 1 && sections.contains("gtd"), "{sections:?}");
    let taken = |file: &str| Config::parse(file.as_bytes()).expect(file).1.is_empty();
    let durations = code(between(&text, "Durations are written ", "; sizes"));
    assert!(durations.len() > 3, "{durations:?}");
    for duration in durations {
        assert!(taken(&format!("{{\"heartbeat\":{{\"interval\":\"{duration}\"}}}}")), "{duration}");
    }
    let sizes = code(between(&text, "sizes as bytes or ", " | "));
    assert!(taken("{\"gtd\":{\"log\":{\"max_size\":100000}}}") && sizes.len() >= 2, "{sizes:?}");
    for size in &sizes[..2] {
        assert!(taken(&format!("{{\"gtd\":{{\"log\":{{\"max_size\":\"{size}\"}}}}}}")), "{size}");
    }
    // A comment is none of the keys that are not known.
    assert!(text.contains("Keys that begin with `//` are comments"));
    assert!(taken("{\"gtd\":{\"// x\":1}}") && !taken("{\"gtd\":{\"x\":1}}"));
}

#[test]
fn mail_asks_in_the_readmes_words() {
    let readme = plain(&read("README.md"));
    let mail = |subject: &str, body: &str| Mail {
        id: "1".to_owned(),
        from: String::new(),
        subject: subject.to_owned(),
        body: body.to_owned(),
        sent: None,
    };
    let said = between(&readme, "Agents ask by mail to the Deacon: ", " in the body");
    let [subject, words @ ..] = &code(said)[..] else { panic!("{said}") };
    assert_eq!(words.len(), 4, "{words:?}");
    for word in words {
        let mail = mail(&subject.replace("ACTION", word), word);
        let Kind::Lifecycle(identity, Ok(action)) = mail.kind() else { panic!("{word}") };
        let is_it = action.word() == *word || (*word == "stop" && action == Action::Shutdown);
        assert!(identity == "IDENTITY" && is_it, "{word}: {action}");
    }
    let spawned = code(between(&readme, "**Spawned workers.** A mail ", " puts the worker into"));
    let notice = mail(spawned[0], "");
    assert!(matches!(notice.kind(), Kind::Spawned { worker: "RIG/POLECAT", .. }), "{spawned:?}");
    assert!(readme.contains(&format!("it gets `{FIRST_WORD}`, once.")), "{FIRST_WORD}");
}
