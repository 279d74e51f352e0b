//! What the README says of the generations, against their tables.

use super::{code, plain, table};
use crate::read;
use gtd::town::agent::{AgentId, Name};
use gtd::town::config::Config;
use gtd::town::names::Generation::{self, Seed, V02, V10};
use gtd::town::rigs::Rig;
use gtd::town::start::{Facts, Start};
use gtd::world::environment::SCRUBBED;
use gtd::world::gastown;
use gtd::world::tmux::Socket;
use std::collections::BTreeSet;
use std::path::Path;

const ROLES: [&str; 5] = ["deacon", "mayor", "RIG/witness", "RIG/refinery", "RIG/crew/NAME"];

fn name(text: &str) -> Name {
    Name::parse(text).expect(text)
}

/// How an agent is called and started, in a town where all that can be known is known.
fn started(generation: Generation, id: &str, config: &str) -> (String, Start) {
    let id: AgentId = id.parse().expect(id);
    let rig = id.rig().map(|rig| Rig { name: rig.clone(), prefix: name("PREFIX") });
    let root = Path::new("/t");
    let agent = generation.table().agent(root, id, rig.as_ref());
    let facts = Facts {
        root,
        port: Some(1),
        run: Some("1".to_owned()),
        time: "2026-11-23T09:51".to_owned(),
        shell: "bash",
        is_file: &|_| true,
        find: &|_| None,
    };
    let config = Config::parse(config.as_bytes()).expect("a configuration").0;
    (agent.session.clone(), Start::of(&agent, &config, &facts))
}

fn start(generation: Generation, id: &str) -> Start {
    started(generation, id, "{}").1
}

/// The variables that the program of any of these gets.
fn of_program(generation: Generation, ids: &[&str]) -> BTreeSet<&'static str> {
    ids.iter().flat_map(|id| start(generation, id).env).map(|(name, _)| name).collect()
}

/// Those that only its session has, or has otherwise.
fn of_session(generation: Generation) -> BTreeSet<&'static str> {
    let besides = |id: &&str| {
        let start = start(generation, id);
        let besides = start.session_env.into_iter().filter(move |pair| !start.env.contains(pair));
        besides.map(|(name, _)| name).collect::<Vec<_>>()
    };
    ROLES.iter().flat_map(besides).collect()
}

/// The cells of the row that begins so, one a generation.
fn row(start: &str) -> Vec<String> {
    let rows = table(&read("README.md"), "Generations");
    rows.iter().find(|row| row[0].starts_with(start)).unwrap_or_else(|| panic!("{start}"))[1..].to_vec()
}

#[test]
fn sessions_are_called_as_the_readme_says() {
    let session = |generation, id| started(generation, id, "{}").0;
    let pair = |generation| format!("`{}` and `{}`", session(generation, "deacon"), session(generation, "RIG/witness"));
    let said = format!(
        "Sessions are {} in the seed's Gas Town, {} in 0.2, {}, on a tmux server of the town's own, in 1.0.",
        pair(Seed),
        pair(V02),
        pair(V10)
    );
    assert!(plain(&read("README.md")).contains(&said), "{said}");
    let sockets = Generation::ALL.map(|generation| generation.table().own_socket);
    assert_eq!(sockets, [false, false, true]);
}

#[test]
fn a_rigs_name_is_what_the_readme_says() {
    assert!(plain(&read("README.md")).contains("letters, digits, `-` and `_`, and does not begin with `-`."));
    for good in ["a", "A-b_9", "_", "9"] {
        assert!(Name::parse(good).is_ok(), "{good}");
    }
    for bad in ["", "-a", "a.b", "a b", "\u{e9}"] {
        assert!(Name::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_programs_environment_is_as_the_readme_says() {
    let cells = row("the program's environment");
    let named = |cell: &str| code(cell).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let all = |generation| of_program(generation, &["deacon", "RIG/witness", "RIG/refinery"]);
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(named(&cells[0]), owned(all(Seed)));
    assert!(!of_program(Seed, &["deacon"]).contains("GT_RIG"));
    // Each has what it is said to have more.
    let more = named(&cells[1]);
    assert_eq!(more, BTreeSet::from(["GIT_AUTHOR_NAME".to_owned(), "GT_RIG".to_owned()]));
    assert!(all(V02).contains("GIT_AUTHOR_NAME") && !all(V02).contains("GT_RIG"), "{:?}", all(V02));
    assert!(of_program(V02, &["RIG/crew/NAME"]).contains("GT_RIG"));
    assert!(named(&cells[2]).is_subset(&owned(all(V10))), "{:?}", all(V10));
    assert!(owned(all(Seed)).is_subset(&owned(all(V10))), "{:?}", all(V10));
    let empty = start(V10, "deacon").env.into_iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| name);
    let said = empty.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    assert!(cells[2].contains(&format!("an empty {said}, and more")), "{said}");
}

#[test]
fn the_sessions_environment_is_as_the_readme_says() {
    let cells = row("the session's, besides");
    for (generation, cell) in [(V02, &cells[1]), (V10, &cells[2])] {
        let mut besides = of_session(generation);
        // The Mayor is not looked after: what is his alone is left out.
        besides.remove("GT_SESSION");
        assert_eq!(code(cell).into_iter().collect::<BTreeSet<_>>(), besides, "{generation}");
    }
    assert!(cells[0] == "the same" && of_session(Seed).is_empty());
}

#[test]
fn what_else_differs_is_as_the_readme_says() {
    let has = |generation, id: &str, option: &str| {
        start(generation, id).options.iter().any(|(name, value)| *name == option && value != "off")
    };
    assert_eq!(row("the session's status line")[0], "none");
    assert_eq!([Seed, V02, V10].map(|g| has(g, "deacon", "status-right")), [false, true, true]);
    assert!(row("the session's status line")[1].ends_with("the mouse is on"));
    assert!(row("the session's status line")[2].ends_with("without the mouse"));
    assert_eq!([Seed, V02, V10].map(|g| has(g, "deacon", "mouse")), [false, true, false]);
    let prompted = |generation| {
        ROLES.map(|id| start(generation, id).line.contains("[GAS TOWN]")).iter().filter(|prompted| **prompted).count()
    };
    assert_eq!(row("first prompt"), ["none", "crew only", "everybody"]);
    assert_eq!([Seed, V02, V10].map(prompted), [0, 1, ROLES.len()]);
    assert!(start(V02, "RIG/crew/NAME").line.contains("[GAS TOWN]"));
    let polled = |generation| ROLES.map(|id| start(generation, id).polls_nudges);
    assert_eq!(row("`gt nudge-poller` beside it"), ["no", "no", "Witness, Refinery, crew"]);
    assert_eq!([Seed, V02, V10].map(polled)[..2], [[false; 5]; 2]);
    assert_eq!(polled(V10), [false, false, true, true, true]);
    let settings = |generation, id: &str| start(generation, id).line.contains("--settings");
    assert_eq!(row("Claude's")[..2], ["no", "no"]);
    assert!(row("Claude's")[2].starts_with("`RIG/{witness,refinery,crew}/.claude/settings.json`"));
    for id in ROLES {
        let of_rig = id.starts_with("RIG/");
        assert_eq!([Seed, V02, V10].map(|g| settings(g, id)), [false, false, of_rig], "{id}");
    }
    assert!(start(V10, "RIG/crew/NAME").line.contains("--settings '/t/RIG/crew/.claude/settings.json'"));
}

#[test]
fn the_tmux_server_is_as_the_readme_says() {
    let cells = row("tmux server");
    let of = |generation, named| gastown::socket(&Config::default(), Some(generation), named, Path::new("/home/me/gt"));
    assert_eq!((cells[0].as_str(), of(Seed, Some("x"))), ("the user's", Socket::Default));
    assert_eq!((cells[1].as_str(), of(V02, Some("x"))), ("the user's", Socket::Default));
    assert!(cells[2].contains("`GT_TMUX_SOCKET`, else the town's directory and 6 digits of its hash"), "{}", cells[2]);
    assert_eq!(of(V10, Some("x")), Socket::Name("x".to_owned()));
    let Socket::Name(own) = of(V10, None) else { panic!("no name") };
    let digits = own.strip_prefix("gt-").expect("the directory");
    assert!(digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "{own}");
}

#[test]
fn the_first_prompt_is_as_the_readme_says() {
    let readme = plain(&read("README.md"));
    let line = start(V10, "deacon").line;
    let (_, prompt) = line.split_once('\'').expect("a prompt");
    let (header, body) = prompt.split_once("\n\n").expect("two parts");
    assert!(readme.contains(&format!("Its first line is `gt`'s own (`{header}`)")), "{header}");
    assert!(
        readme.contains("the Deacon runs `gt deacon heartbeat` first.")
            && body.starts_with("Run `gt deacon heartbeat` first.")
    );
    for id in ROLES {
        let line = start(V10, id).line;
        let body = line.rsplit_once("\n\n").expect("a body").1;
        assert!(body.contains("un `gt prime`") && body.matches('.').count() <= 2, "{id}: {body}");
    }
    let (_, said) = readme.split_once("With `gtd.first_prompt` it is yours, whole: ").expect("a sentence");
    let keys: Vec<&str> = code(said.split_once("means none").expect("its end").0);
    let keys: Vec<&str> = keys.into_iter().filter(|key| key.starts_with('{')).collect();
    assert_eq!(keys.len(), 5, "{keys:?}");
    for key in keys {
        let config = format!("{{\"gtd\":{{\"first_prompt\":\"{key}\"}}}}");
        assert!(!started(V10, "RIG/witness", &config).1.line.contains(key), "{key}");
    }
    let unknown = "{\"gtd\":{\"first_prompt\":\"{name}\"}}";
    assert!(started(V10, "RIG/witness", unknown).1.line.contains("{name}"));
}

#[test]
fn what_the_readme_says_is_not_handed_on_is_not() {
    let readme = plain(&read("README.md"));
    let (_, said) = readme.split_once("What gtd inherited of another agent's identity (").expect("a sentence");
    let mut named = code(said.split_once(')').expect("its end").0);
    assert_eq!(named.len(), 3, "{named:?}");
    assert!(readme.contains("`NOTIFY_SOCKET` and the watchdog's variables are not handed on"));
    named.extend(["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]);
    for name in named {
        assert!(SCRUBBED.contains(&name), "{name}");
    }
}
