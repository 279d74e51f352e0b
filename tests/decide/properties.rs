//! Whatever the town does and whatever is remembered of it: no panic, and the promises that [`invariants`] checks.

use crate::invariants;
use gtd::decide::{after_sleep, decide, observe, record, troubles};
use gtd::town::agent::{AgentId, Name, Role};
use gtd::town::config::Config;
use gtd::town::history::{Absence, AgentHistory, Gone, History, Silence};
use gtd::town::json;
use gtd::town::names::{Agent, Generation};
use gtd::town::outage::Outage;
use gtd::town::outcome::{Delivery, Done, Outcome};
use gtd::town::plan::{Plan, Trigger, Verdict};
use gtd::town::process::Process;
use gtd::town::process::Program;
use gtd::town::rigs::Rig;
use gtd::town::snapshot::{Ended, Holds, Pane, PaneState, Report, Reports, Session, Snapshot};
use gtd::town::sorted::SortedMap;
use gtd::town::time::{Moment, Tick, Wall};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROOT: &str = "/t";
const BEGINNING: i64 = 1_800_000_000;

/// One look at a town, with what comes of it.
#[derive(Clone, Debug)]
struct Step {
    pause_ms: u64,
    clock_set: i64,
    trigger: bool,
    rigs: usize,
    tmux: bool,
    /// What the agents' sessions are like, in turn.
    sessions: Vec<Option<AnySession>>,
    reports: Option<Vec<&'static str>>,
    held: u8,
    activity: Option<i64>,
    known: bool,
    /// What comes of the actions, in turn; a plan that was broken off has fewer outcomes.
    outcomes: Vec<u8>,
    restarted: bool,
    slept: bool,
}

#[derive(Clone, Debug)]
struct AnySession {
    town: Option<&'static str>,
    path: &'static str,
    attached: u32,
    typed_ago: i64,
    panes: Option<Vec<AnyPane>>,
}

/// Its number, its state, its PID, whether it bears the mark, how long ago its output was.
type AnyPane = (u32, u8, u32, bool, i64);

fn any_session() -> impl Strategy<Value = AnySession> {
    let town = prop::sample::select(vec![None, None, Some(ROOT), Some("/other")]);
    let path = prop::sample::select(vec!["/t/deacon", "/t", "/elsewhere"]);
    let pane = (0..4u32, 0..5u8, 100..104u32, any::<bool>(), -100..1000i64);
    let panes = option::weighted(0.9, vec(pane, 0..3));
    (town, path, 0..2u32, -100..1000i64, panes).prop_map(|(town, path, attached, typed_ago, panes)| AnySession {
        town,
        path,
        attached,
        typed_ago,
        panes,
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let words = vec!["", "idle", "running", "stuck", "dead", "awaiting-gate"];
    let pause = prop_oneof![0..3_000u64, 0..400_000u64, Just(0), Just(5_000), Just(300_000), Just(100_000_000)];
    let clock = prop_oneof![9 => Just(0i64), 1 => -100_000..100_000i64];
    let seen = (
        0..9usize,
        prop::bool::weighted(0.85),
        vec(option::of(any_session()), 10),
        option::of(vec(prop::sample::select(words), 10)),
        0..40u8,
        option::of(-1000..100_000i64),
        prop::bool::weighted(0.95),
    );
    let around = (pause, clock, any::<bool>(), vec(0..8u8, 0..20));
    (seen, around, prop::bool::weighted(0.1), prop::bool::weighted(0.1)).prop_map(|(seen, around, restarted, slept)| {
        let (rigs, tmux, sessions, reports, held, activity, known) = seen;
        let (pause_ms, clock_set, trigger, outcomes) = around;
        Step {
            pause_ms,
            clock_set,
            trigger,
            rigs,
            tmux,
            sessions,
            reports,
            held,
            activity,
            known,
            outcomes,
            restarted,
            slept,
        }
    })
}

fn any_config() -> impl Strategy<Value = Config> {
    let settings = prop::sample::select(vec![
        "{}",
        r#"{"gtd":{"look_interval":"100ms"}}"#,
        r#"{"gtd":{"look_interval":"1h","restart":{"settle":"0s","first_delay":"0s","grace":"0s"}}}"#,
        r#"{"gtd":{"restart":{"settle":"1h","first_delay":"1h","grace":"24h"}},"heartbeat":{"interval":"100ms"}}"#,
        r#"{"heartbeat":{"enabled":false,"interval":"24h"},"patrols":{"refinery":{"enabled":true,"rigs":["a","c"]}}}"#,
    ]);
    settings.prop_map(|json| Config::parse(json.as_bytes()).expect("a configuration").0)
}

fn any_moment() -> impl Strategy<Value = Moment> {
    let tick = prop_oneof![0..2_000_000u64, Just(0), Just(u64::MAX)];
    let wall = prop_oneof![(BEGINNING - 10_000)..(BEGINNING + 10_000), Just(-9_000_000_000), Just(9_000_000_000)];
    (tick, wall).prop_map(|(tick, wall)| Moment { wall: Wall::from_seconds(wall), tick: Tick::from_millis(tick) })
}

fn any_wall() -> impl Strategy<Value = Wall> {
    any_moment().prop_map(|moment| moment.wall)
}

fn any_process() -> impl Strategy<Value = Process> {
    (100..104u32, 0..3u64).prop_map(|(pid, start)| Process { pid, start })
}

fn any_agent_history(messages: impl Strategy<Value = u64>) -> impl Strategy<Value = AgentHistory> {
    let how = prop_oneof![
        Just(Absence::NoSession),
        Just(Absence::NoPane),
        Just(Absence::StartFailed),
        (100..104u32).prop_map(Absence::Dead),
        (100..104u32).prop_map(Absence::BareShell),
    ];
    let gone = (any_moment(), how).prop_map(|(since, how)| Gone { since, how });
    let program =
        (0..4u32, any_process(), any::<bool>()).prop_map(|(pane, process, by_gtd)| Program { pane, process, by_gtd });
    let life = (option::of(program), option::of(any_moment()), option::of(any_moment()), option::of(gone));
    let pacing = (vec(any_moment(), 0..40), option::of(any_moment()), option::of(any_moment()));
    let talk = (option::of(any_moment()), any::<bool>(), messages, option::of(any_wall()), option::of(any_wall()));
    let silence = (any_moment(), option::of(any_moment()), 0..5u32);
    let silence = silence.prop_map(|(first, second, heartbeats)| Silence { first, second, heartbeats });
    let silence = (option::of(silence), 0..4u32);
    (life, pacing, talk, silence, any::<bool>()).prop_map(|(life, pacing, talk, silence, watched)| AgentHistory {
        program: life.0,
        up_since: life.1,
        grace_until: life.2,
        gone: life.3,
        restarts: pacing.0,
        quarantined: pacing.1,
        shut_down: None,
        last_word: None,
        seen: pacing.2,
        last_poke: talk.0,
        last_poke_delivered: talk.1,
        silence: silence.0,
        starts: Vec::new(),
        strip: String::new(),
        silent_restarts: silence.1,
        poke_owed: talk.1,
        messages: talk.2,
        output: talk.3,
        output_between: talk.4,
        watched,
    })
}

fn any_history(messages: impl Strategy<Value = u64>) -> impl Strategy<Value = History> {
    let agents = btree_map(0..12usize, any_agent_history(messages), 0..8);
    let moments = (option::of(any_moment()), option::of(any_moment()), option::of(any_moment()));
    (agents, moments, any::<u64>(), option::of(any_wall())).prop_map(|(agents, moments, heartbeats, activity)| {
        let ids: Vec<AgentId> = agents_of(Generation::Seed, &rigs(11), true).into_iter().map(|a| a.id).collect();
        History {
            last_look: moments.0,
            last_heartbeat: moments.1,
            last_starts: moments.2.into_iter().collect(),
            heartbeats,
            activity,
            agents: agents.into_iter().map(|(n, entry)| (ids[n].clone(), entry)).collect(),
            ..History::default()
        }
    })
}

fn any_generation() -> impl Strategy<Value = Generation> {
    prop::sample::select(Generation::ALL.to_vec())
}

/// Every third has the prefix of the one before.
fn rigs(count: usize) -> Vec<Rig> {
    let name = |text: &str| Name::parse(text).expect("a name");
    let letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let rig = |n: usize| Rig { name: name(letters[n]), prefix: name(letters[n - usize::from(n % 3 == 2)]) };
    (0..count).map(rig).collect()
}

fn agents_of(generation: Generation, rigs: &[Rig], refineries: bool) -> Vec<Agent> {
    let table = generation.table();
    let agent = |id, rig| table.agent(Path::new(ROOT), id, rig);
    let mut agents = vec![agent(AgentId::Deacon, None)];
    agents.extend(rigs.iter().map(|rig| agent(AgentId::Witness(rig.name.clone()), Some(rig))));
    if refineries {
        agents.extend(rigs.iter().map(|rig| agent(AgentId::Refinery(rig.name.clone()), Some(rig))));
    }
    agents
}

fn session(name: &str, wall: i64, any: &AnySession) -> Session {
    let pane = |&(id, state, pid, marked, ago): &AnyPane| Pane {
        id,
        process: Process { pid, start: u64::from(state < 3) * u64::from(pid) },
        state: match state {
            0 | 1 => PaneState::Running,
            2 => PaneState::BareShell,
            3 => PaneState::Dead(Ended::Status(1)),
            _ => PaneState::Dead(Ended::Unknown),
        },
        command: "node".to_owned(),
        in_mode: state == 1,
        synchronized: false,
        unread: (state == 0).then_some(u32::from(marked)),
        foreground: None,
        elsewhere: None,
        agent: marked.then(|| name.to_owned()),
        output: Wall::from_seconds(wall - ago),
    };
    let panes = any.panes.as_ref().map(|panes| panes.iter().map(pane).collect());
    Session {
        name: name.to_owned(),
        town: any.town.map(str::to_owned),
        path: PathBuf::from(any.path),
        attached: any.attached,
        last_input: Wall::from_seconds(wall - any.typed_ago),
        panes: panes.ok_or_else(|| Outage::new("a line that cannot be read")),
    }
}

fn snapshot(step: &Step, generation: Generation, config: &Config, now: Moment) -> Snapshot {
    let rigs = rigs(step.rigs);
    let agents = agents_of(generation, &rigs, config.patrols(Role::Refinery));
    let wall = now.wall.seconds();
    let shown = agents.iter().zip(step.sessions.iter().cycle());
    let sessions = shown.filter_map(|(agent, any)| Some(session(&agent.session, wall, any.as_ref()?)));
    let mut sessions: Vec<Session> = sessions.collect();
    sessions.sort_by(|a, b| a.name.cmp(&b.name));
    let says = |word: &str| match word {
        "" => Report::Missing,
        word => Report::Says(word.to_owned()),
    };
    let reports = step.reports.as_ref().map(|words| {
        let beads = agents.iter().map(|agent| agent.bead.clone());
        beads.zip(words.iter().cycle().map(|word| says(word))).collect::<SortedMap<_, _>>()
    });
    let deacon = (step.held == 3).then_some(AgentId::Deacon);
    Snapshot {
        now,
        root: PathBuf::from(ROOT),
        config: config.clone(),
        generation: if step.known { Ok(generation) } else { Err(Outage::new("no gt")) },
        generation_why: "configured".to_owned(),
        gastown: None,
        elsewhere: Default::default(),
        docks: Default::default(),
        left_out: Default::default(),
        socket: String::new(),
        server: None,
        holds: Holds {
            estop: (step.held == 1).then(String::new),
            stopped_rigs: rigs
                .iter()
                .filter(|_| step.held == 2)
                .map(|rig| (rig.name.clone(), String::new()))
                .take(1)
                .collect(),
            shutting_down: step.held == 4,
            no_directory: deacon.into_iter().collect(),
            ..Holds::default()
        },
        rigs,
        agents,
        sessions: if step.tmux { Ok(sessions) } else { Err(Outage::new("no answer within 5s")) },
        reports: reports.map_or_else(|| Reports::Unknown(Outage::new("bd hangs")), Reports::Asked),
        activity: step.activity.map(|ago| Wall::from_seconds(wall - ago)),
        troubles: Vec::new(),
        reported_at: Default::default(),
        inbox: Default::default(),
        spool: Vec::new(),
        crew: Vec::new(),
        wishes: Default::default(),
    }
}

/// What comes of a plan, if things go as `results` say.
fn outcomes(plan: &Plan, results: &[u8]) -> Vec<Outcome> {
    let done = |verdict: &Verdict, result: u8| match verdict {
        Verdict::Start { restart, .. } if result == 0 => {
            Some(Done::StartFailed { why: "no space".to_owned(), restart: *restart })
        }
        Verdict::Start { restart, .. } => Some(Done::Started {
            pane: 1,
            process: Process { pid: 100 + u32::from(result % 4), start: 7 },
            restart: *restart,
        }),
        Verdict::Poke { .. } if result == 0 => Some(Done::Poked(Delivery::NotShown)),
        Verdict::Poke { .. } => Some(Done::Poked(Delivery::Taken)),
        _ => None,
    };
    let acted = plan.verdicts.iter().zip(results);
    let outcome = |((id, verdict), result): (&(AgentId, Verdict), &u8)| {
        Some(Outcome { agent: id.clone(), result: done(verdict, *result)? })
    };
    acted.filter_map(outcome).collect()
}

fn live_through(steps: &[Step], generation: Generation, config: &Config, mut history: History) {
    let mut now = Moment { wall: Wall::from_seconds(BEGINNING), tick: Tick::from_millis(1_000_000) };
    let mut said: BTreeMap<AgentId, &'static str> = BTreeMap::new();
    for step in steps {
        now = now.plus(Duration::from_millis(step.pause_ms));
        now.wall = Wall::from_seconds(now.wall.seconds() + step.clock_set);
        if step.restarted {
            let saved = json::line(&history);
            history = json::parse(&saved).expect("what was written can be read");
            assert_eq!(json::line(&history), saved, "{}", String::from_utf8_lossy(&saved));
        }
        if step.slept {
            after_sleep(&mut history, config.grace, now);
        }
        let snapshot = snapshot(step, generation, config, now);
        let trigger = if step.trigger { Trigger::Heartbeat } else { Trigger::Look };
        let events = observe(&mut history, &snapshot);
        let plan = decide(trigger, &snapshot, &history);
        let texts = events.iter().map(ToString::to_string).chain([plan.to_string()]);
        assert!(texts.map(|text| text.len()).all(|length| length > 0));
        let _ = troubles(&snapshot, &history, &plan);
        invariants::check(&snapshot, &plan);
        let outcomes = outcomes(&plan, &step.outcomes);
        for (id, verdict) in &plan.verdicts {
            let Verdict::Poke { message, .. } = verdict else { continue };
            if outcomes.iter().any(|o| o.agent == *id) {
                assert_ne!(said.insert(id.clone(), message), Some(*message), "twice the same to {id}");
            }
        }
        // Who is forgotten begins anew, with the first message.
        record(&mut history, trigger, &plan, &outcomes, config, now);
        said.retain(|id, _| history.agents.contains_key(id));
        assert!(outcomes.iter().all(|o| history.agents.get(&o.agent).is_some_and(|known| known.restarts.len() <= 40)));
    }
}

proptest! {
    // What fails is printed whole; it becomes a case among the others, and not a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_town_makes_gtd_break_a_promise(
        steps in vec(any_step(), 1..25),
        generation in any_generation(),
        config in any_config(),
    ) {
        live_through(&steps, generation, &config, History::default());
    }

    #[test]
    fn no_memory_makes_gtd_break_a_promise(
        steps in vec(any_step(), 1..6),
        generation in any_generation(),
        config in any_config(),
        history in any_history(0..1_000_000u64),
    ) {
        live_through(&steps, generation, &config, history);
    }

    #[test]
    fn a_full_counter_of_messages_is_no_end(
        steps in vec(any_step(), 1..4),
        config in any_config(),
        history in any_history((u64::MAX - 5)..=u64::MAX),
    ) {
        live_through(&steps, Generation::Seed, &config, history);
    }
}
