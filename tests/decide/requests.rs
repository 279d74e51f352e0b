//! Which requests are taken on: the forms of names, the order of words, their age, and who may speak for whom.

use gtd::decide::requests::{Deed, agent_of, deed, take_on};
use gtd::decide::spawns::{Tending, tend};
use gtd::town::agent::{AgentId, Name};
use gtd::town::config::Config;
use gtd::town::history::History;
use gtd::town::mail::Mail;
use gtd::town::names::Generation;
use gtd::town::outage::Outage;
use gtd::town::process::Process;
use gtd::town::request::{Action, Order, SpoolFile};
use gtd::town::rigs::Rig;
use gtd::town::snapshot::{Dock, Holds, Inbox, Pane, PaneState, Reports, Session, Snapshot};
use gtd::town::sorted::SortedMap;
use gtd::town::spawn::{Spawn, parse_pending};
use gtd::town::time::{Moment, Tick, Wall};
use std::path::PathBuf;
use std::time::Duration;

const ROOT: &str = "/home/owner/gt";
const NOW: Wall = Wall::from_seconds(1_800_000_000);
const GENERATIONS: [Generation; 3] = [Generation::Seed, Generation::V02, Generation::V10];

fn name(text: &str) -> Name {
    Name::parse(text).expect(text)
}

/// A town with the rigs alpha and beta, and max in alpha's crew; nobody is up.
fn town(generation: Generation) -> Snapshot {
    let rig = |text: &str| Rig { name: name(text), prefix: name(&text[..2]) };
    Snapshot {
        now: Moment { wall: NOW, tick: Tick::from_millis(10_000_000) },
        root: PathBuf::from(ROOT),
        config: Config::default(),
        generation: Ok(generation),
        generation_why: "configured".to_owned(),
        gastown: None,
        elsewhere: Default::default(),
        docks: Default::default(),
        left_out: Default::default(),
        rigs: vec![rig("alpha"), rig("beta")],
        agents: Vec::new(),
        socket: String::new(),
        server: None,
        sessions: Ok(Vec::new()),
        reports: Reports::NotAsked,
        reported_at: SortedMap::new(),
        inbox: Inbox::NotAsked,
        spool: Vec::new(),
        crew: vec![(name("alpha"), name("max"))],
        wishes: SortedMap::new(),
        holds: Holds::default(),
        activity: None,
        troubles: Vec::new(),
    }
}

/// A mail that was sent some seconds ago.
fn mail(id: &str, ago: u64, from: &str, identity: &str, body: &str) -> Mail {
    let subject = format!("LIFECYCLE: {identity} requesting something");
    let text = |text: &str| text.to_owned();
    let sent = Some(NOW.minus(Duration::from_secs(ago)));
    Mail { id: text(id), from: text(from), subject, body: text(body), sent }
}

fn order(file: &str, ago: u64, action: Action, agent: &str) -> SpoolFile {
    let at = NOW.minus(Duration::from_secs(ago));
    SpoolFile { name: file.to_owned(), order: Ok(Order { action, agent: agent.parse().expect("an agent"), at }) }
}

/// What is claimed of these mails and orders: `cycle alpha/witness`.
fn claimed(mut town: Snapshot, mails: Vec<Mail>, spool: Vec<SpoolFile>) -> Vec<String> {
    let count = mails.len() + spool.len();
    town.inbox = Inbox::Read(mails);
    town.spool = spool;
    let mut history = History::default();
    let lines = take_on(&mut history, &town).lines;
    assert_eq!(lines.len(), count, "one line for each");
    assert!(take_on(&mut history, &town).lines.is_empty(), "none is taken on twice");
    history.requests.iter().map(|claim| format!("{} {}", claim.action, claim.agent)).collect()
}

#[test]
fn every_form_of_a_name_with_every_form_of_a_body_is_taken_on() {
    let bodies = ["{\"action\":\"cycle\"}", "cycle", "action: cycle", "Dear Deacon,\nAction: cycle\nbye"];
    for (number, generation) in GENERATIONS.into_iter().enumerate() {
        for (agent, names, sessions) in [
            ("deacon", &["deacon", "deacon/"][..], ["gt-deacon", "hq-deacon", "hq-deacon"]),
            ("mayor", &["mayor", "mayor/"], ["gt-mayor", "hq-mayor", "hq-mayor"]),
            (
                "alpha/witness",
                &["alpha/witness", "alpha-witness"],
                ["gt-alpha-witness", "gt-alpha-witness", "al-witness"],
            ),
            (
                "beta/refinery",
                &["beta/refinery", "beta-refinery"],
                ["gt-beta-refinery", "gt-beta-refinery", "be-refinery"],
            ),
            (
                "alpha/crew/max",
                &["alpha/crew/max", "alpha-crew-max", "alpha/max"],
                ["gt-alpha-crew-max", "gt-alpha-crew-max", "al-crew-max"],
            ),
        ] {
            for name in names.iter().chain([&sessions[number]]) {
                for body in bodies {
                    for from in ["mayor/", "overseer", name] {
                        let found = claimed(town(generation), vec![mail("1", 5, from, name, body)], vec![]);
                        assert_eq!(found, [format!("cycle {agent}")], "{generation:?} {name} {body} from {from}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_last_word_wins_wherever_it_came_from_and_in_whatever_order_it_is_read() {
    for (mails, spool, wanted) in [
        (
            vec![mail("a", 1, "mayor/", "deacon", "shutdown"), mail("b", 9, "mayor/", "deacon", "cycle")],
            vec![],
            "shutdown",
        ),
        (
            vec![mail("a", 9, "mayor/", "deacon", "shutdown"), mail("b", 1, "mayor/", "deacon", "cycle")],
            vec![],
            "cycle",
        ),
        (vec![mail("a", 5, "mayor/", "deacon", "shutdown")], vec![order("1", 1, Action::Start, "deacon")], "start"),
        (vec![mail("a", 1, "mayor/", "deacon", "shutdown")], vec![order("1", 5, Action::Start, "deacon")], "shutdown"),
        (vec![], vec![order("1", 2, Action::Restart, "deacon"), order("0", 1, Action::Shutdown, "deacon")], "shutdown"),
    ] {
        assert_eq!(claimed(town(Generation::Seed), mails, spool), [format!("{wanted} deacon")]);
    }
}

#[test]
fn six_hours_are_the_limit_and_who_is_too_old_overtakes_nobody() {
    let hours = 6 * 3600;
    assert_eq!(
        claimed(town(Generation::Seed), vec![mail("a", hours, "mayor/", "deacon", "cycle")], vec![]),
        ["cycle deacon"]
    );
    let old = mail("a", hours + 1, "mayor/", "deacon", "shutdown");
    assert!(
        claimed(town(Generation::Seed), vec![old], vec![order("1", hours + 1, Action::Cycle, "deacon")]).is_empty()
    );
}

#[test]
fn names_that_are_no_agents_and_senders_that_are_others_are_refused() {
    for generation in GENERATIONS {
        for name in [
            "../x",
            "alpha/../beta/witness",
            "$(id)",
            "gt-alpha-witness2",
            "alpha",
            "alph",
            "",
            "/",
            "gt-",
            "\u{1b}[2J",
        ] {
            assert!(
                claimed(town(generation), vec![mail("1", 1, "mayor/", name, "cycle")], vec![]).is_empty(),
                "{name}"
            );
        }
        for from in
            ["", "beta/witness", "alpha/refinery", "alpha/max", "deacon/", "mayor/x", "overseer2", "alpha/witness/../x"]
        {
            let found = claimed(town(generation), vec![mail("1", 1, from, "alpha/witness", "shutdown")], vec![]);
            assert!(found.is_empty(), "{from}");
        }
    }
}

/// The Deacon's session with a program of this PID.
fn alive(pid: u32) -> Session {
    let process = Process { pid, start: u64::from(pid) };
    let pane = Pane {
        id: 1,
        process,
        state: PaneState::Running,
        command: "node".to_owned(),
        in_mode: false,
        elsewhere: None,
        synchronized: false,
        unread: None,
        foreground: None,
        agent: Some("gt-deacon".to_owned()),
        output: NOW,
    };
    Session {
        name: "gt-deacon".to_owned(),
        town: Some(ROOT.to_owned()),
        path: PathBuf::from(ROOT),
        attached: 0,
        last_input: NOW,
        panes: Ok(vec![pane]),
    }
}

/// The deed for the only claim, as the town shows it now.
fn next(history: &History, town: &Snapshot) -> Deed {
    let [claim] = &history.requests[..] else { panic!("one claim is wanted: {:?}", history.requests) };
    let agent = agent_of(&AgentId::Deacon, town, &town.root).expect("an agent");
    deed(claim, &agent, town, history)
}

#[test]
fn a_claim_is_done_when_another_program_lives() {
    let mut town = town(Generation::Seed);
    town.sessions = Ok(vec![alive(100)]);
    town.spool = vec![order("1", 1, Action::Restart, "deacon")];
    let mut history = History::default();
    take_on(&mut history, &town);
    assert!(matches!(next(&history, &town), Deed::Restart { old: Some(_), .. }));
    town.sessions = Err(Outage::new("no answer"));
    assert!(matches!(next(&history, &town), Deed::Wait(_)));
    town.sessions = Ok(vec![]);
    assert!(matches!(next(&history, &town), Deed::Restart { old: None, .. }));
    town.sessions = Ok(vec![alive(101)]);
    assert!(matches!(next(&history, &town), Deed::Done(_)));
}

#[test]
fn what_is_asked_for_while_tmux_does_not_answer_is_not_done_by_the_program_that_was_there() {
    let mut town = town(Generation::Seed);
    town.sessions = Err(Outage::new("no answer"));
    town.spool = vec![order("1", 1, Action::Restart, "deacon")];
    let mut history = History::default();
    take_on(&mut history, &town);
    town.sessions = Ok(vec![alive(100)]);
    take_on(&mut history, &town);
    assert!(matches!(next(&history, &town), Deed::Restart { old: Some(_), .. }));
}

#[test]
fn a_worker_whose_prompt_does_not_come_is_forgotten_after_five_minutes() {
    let mut town = town(Generation::Seed);
    town.sessions = Err(Outage::new("no answer"));
    let entry = br#"[{"rig":"alpha","polecat":"nux","session":"gt-alpha-nux"}]"#;
    let spawns: Vec<Spawn> = parse_pending(entry).expect("pending");
    let mut history = History::default();
    let begin = town.now;
    assert_eq!(tend(&spawns[0], &town, &mut history), Tending::Wait);
    town.now = begin.plus(Duration::from_secs(299));
    assert_eq!(tend(&spawns[0], &town, &mut history), Tending::Wait);
    town.now = begin.plus(Duration::from_secs(300));
    assert!(matches!(tend(&spawns[0], &town, &mut history), Tending::Forget(_)));
}

/// How a request for an agent that runs stands under each hold: `done`, or what it waits for.
#[test]
fn which_holds_a_request_obeys() {
    let rig = || [name("alpha")].into();
    let paused = Some("maintenance".to_owned());
    let docked = Dock::Docked("status:docked on al-rig-alpha".to_owned());
    let unknown = Dock::Unknown(Outage::new("bd hangs"));
    type Change = Box<dyn Fn(&mut Snapshot)>;
    let holds = |change: fn(&mut Holds)| -> Change { Box::new(move |town| change(&mut town.holds)) };
    let dock = |dock: Dock| -> Change { Box::new(move |town| drop(town.docks.insert(name("alpha"), dock.clone()))) };
    for (what, agent, change, restart, shutdown) in [
        ("nothing", "alpha/witness", holds(|_| ()), "done", "done"),
        ("ESTOP", "alpha/witness", holds(|h| h.estop = Some(String::new())), "ESTOP", "done"),
        ("shutdown.lock", "deacon", holds(|h| h.shutting_down = true), "shutdown.lock", "shutdown.lock"),
        ("shutting-down", "deacon", holds(|h| h.going_down = Some(7)), "names PID 7", "names PID 7"),
        ("parked", "alpha/witness", Box::new(move |t: &mut Snapshot| t.holds.parked = rig()), "is parked", "done"),
        ("parked, crew", "alpha/crew/max", Box::new(move |t: &mut Snapshot| t.holds.parked = rig()), "done", "done"),
        ("auto_restart", "alpha/witness", Box::new(move |t: &mut Snapshot| t.holds.no_restart = rig()), "done", "done"),
        ("paused", "deacon", Box::new(move |t: &mut Snapshot| t.holds.paused = paused.clone()), "maintenance", "done"),
        ("paused, another", "alpha/witness", holds(|h| h.paused = Some(String::new())), "done", "done"),
        ("docked", "alpha/witness", dock(docked.clone()), "status:docked on al-rig-alpha", "done"),
        ("docked, crew", "alpha/crew/max", dock(docked), "done", "done"),
        ("dock unknown", "alpha/witness", dock(unknown), "done", "done"),
    ] {
        for (action, wanted) in [(Action::Restart, restart), (Action::Shutdown, shutdown)] {
            let mut town = town(Generation::V10);
            let id: AgentId = agent.parse().expect(agent);
            let found = agent_of(&id, &town, &town.root.clone()).expect("an agent");
            let mut session = alive(4711);
            session.name.clone_from(&found.session);
            session.panes.as_mut().expect("its pane")[0].agent = Some(found.session.clone());
            town.sessions = Ok(vec![session]);
            let mut history = History::default();
            let mut asking = town.clone();
            asking.spool = vec![order("1", 5, action, agent)];
            take_on(&mut history, &asking);
            change(&mut town);
            let said = match deed(&history.requests[0], &found, &town, &history) {
                Deed::Restart { .. } | Deed::End { .. } => "done".to_owned(),
                Deed::Wait(why) => why,
                other => format!("{other:?}"),
            };
            assert!(said.contains(wanted), "{what}, {action}: {said}");
        }
    }
}
