//! What the real `gt` of three generations printed of mail, and what gtd makes of it: which mails are requests, which are
//! carried out in a town that has these agents, and when a deletion has succeeded.

use super::support::fakes::program;
use super::{family, generation_of, json, stdout};
use gtd::decide::requests::{roll, take_on};
use gtd::decide::spawns::notices;
use gtd::town::agent::Name;
use gtd::town::config::Config;
use gtd::town::history::History;
use gtd::town::mail::{Kind, Mail, parse_inbox};
use gtd::town::names::Generation;
use gtd::town::request::Source;
use gtd::town::rigs::Rig;
use gtd::town::snapshot::{Holds, Inbox, Reports, Snapshot};
use gtd::town::sorted::SortedMap;
use gtd::town::time::{Moment, Tick, Wall};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// The town in which all of it was recorded: rigs alpha, beta and gamma, crew maxine and max.
fn town(generation: Generation, inbox: Inbox) -> Snapshot {
    let name = |text: &str| Name::parse(text).expect("a name");
    let prefix = |rig: &str| match (generation, rig) {
        (Generation::Seed, "beta") => "be",
        (Generation::Seed, _) => "gt",
        (_, "beta") => "bt",
        (_, rig) => &rig[..2].to_owned().leak()[..],
    };
    let rigs: &[&str] = if generation == Generation::Seed { &["alpha", "beta", "gamma"] } else { &["alpha", "beta"] };
    let rig = |rig: &&str| Rig { name: name(rig), prefix: name(prefix(rig)) };
    Snapshot {
        now: Moment { wall: Wall::parse("2026-11-23T10:00:00Z").expect("a time"), tick: Tick::from_millis(1) },
        root: PathBuf::from("/town"),
        config: Config::default(),
        generation: Ok(generation),
        generation_why: String::new(),
        gastown: None,
        elsewhere: Default::default(),
        docks: Default::default(),
        left_out: Default::default(),
        rigs: rigs.iter().map(rig).collect(),
        agents: Vec::new(),
        socket: String::new(),
        server: None,
        sessions: Ok(Vec::new()),
        reports: Reports::NotAsked,
        reported_at: SortedMap::new(),
        inbox,
        spool: Vec::new(),
        crew: vec![(name("alpha"), name("maxine")), (name("gamma"), name("max"))],
        wishes: SortedMap::new(),
        holds: Holds::default(),
        activity: None,
        troubles: Vec::new(),
    }
}

/// What gtd does with an inbox, a line a mail: what it says of a request, what becomes of a spawn, nothing of other mail.
fn fate(file: &str) -> Vec<String> {
    let call = json(file);
    let stdout = call["stdout"].as_str().expect("stdout");
    if call["exit"] != 0 {
        assert!(parse_inbox(stdout).is_err(), "{file}: a failure has nothing on stdout that could be an inbox");
        return vec!["failure".to_owned()];
    }
    let mails = match parse_inbox(stdout) {
        Ok(mails) => mails,
        Err(_) => return vec!["no inbox".to_owned()],
    };
    let ordinary = mails.iter().filter(|mail| mail.kind() == Kind::Ordinary).count();
    assert!(mails.iter().all(|mail| mail.sent.is_some()), "{file}: every time is read");
    let count = mails.len();
    let snapshot = town(generation_of(file), Inbox::Read(mails));
    let mut history = History::default();
    let mut lines = take_on(&mut history, &snapshot).lines;
    for notice in notices(&history, &snapshot) {
        let Source::Mail(id) = notice.source else { panic!("{file}: a notice comes by mail") };
        lines.push(match notice.spawn {
            Ok(spawn) => format!("Spawned {}", spawn.session),
            Err(why) => format!("Refusing {id}: {why}"),
        });
    }
    assert_eq!(lines.len() + ordinary, count, "{file}: each has one fate");
    let claims: Vec<String> = history.requests.iter().map(|c| format!("{} {}", c.action, c.agent)).collect();
    let said = lines.iter().filter(|line| line.starts_with("Processing")).count();
    assert_eq!(claims.len(), said, "{file}");
    let short =
        |line: String| line.replace("Processing lifecycle request from mail ", "").replace("Discarding mail ", "- ");
    lines.into_iter().map(short).collect()
}

const SEED: &[&str] = &[
    "gm-7sh: cycle of Mayor",
    "gm-ihh: cycle of Deacon",
    "gm-jsp: cycle of witness for gamma",
    "gm-bzo: cycle of refinery for gamma",
    "- gm-7rn: cycle of crew max for gamma has been overtaken by a later word",
    "- gm-h8a: \"alpha/nux\": gtd looks after no polecats, and there is no crew member of this name",
    "gm-8vi: restart of crew max for gamma",
    "Spawned gt-alpha-nux",
];
const SEED_BODIES: &[&str] = &[
    "- gm-8zr: cycle of witness for gamma has been overtaken by a later word",
    "gm-bw9: cycle of Mayor",
    "gm-bsm: cycle of witness for gamma",
];
const V02_KEPT: &[&str] = &[
    "- hq-6bv: \"gastown-witness\": there is no such agent in this town",
    "- hq-afn: restart of witness for alpha has been overtaken by a later word",
    "hq-3kq: cycle of witness for alpha",
    "hq-crg: cycle of refinery for beta",
    "hq-5er: cycle of crew maxine for alpha",
    "hq-e82: cycle of Mayor",
    "hq-hvm: cycle of Deacon",
];
const V02_REST: &[&str] = &[
    "- hq-yhr: \"alpha/toast\": gtd looks after no polecats, and there is no crew member of this name",
    "- hq-6ra: \"x\": there is no such agent in this town",
    "Spawned gt-alpha-toast",
];
const V10_KEPT: &[&str] = &[
    "- hq-wisp-7mg: \"gastown-witness\": there is no such agent in this town",
    "- hq-wisp-ejs: restart of witness for alpha has been overtaken by a later word",
    "hq-wisp-leu: cycle of refinery for beta",
    "hq-wisp-nme: cycle of witness for alpha",
    "hq-wisp-3ua: cycle of Mayor",
    "hq-wisp-48w: cycle of crew maxine for alpha",
];
const V10_TOAST: &str =
    "- hq-wisp-4ys: \"alpha/toast\": gtd looks after no polecats, and there is no crew member of this name";
const V10_DEACON: &str = "hq-wisp-dvn: cycle of Deacon";
const V10_X: &str = "- hq-wisp-3mw: \"x\": there is no such agent in this town";

/// File by file: the fates of its mails. All files are in it.
fn wanted(file: &str) -> Vec<&'static str> {
    let file = file.trim_end_matches(".json");
    let with = |parts: &[&'static [&'static str]]| parts.concat();
    match file {
        "seed/gt-inbox-after-read"
        | "seed/gt-inbox-deacon-no-slash"
        | "seed/gt-inbox-lifecycle-and-spawn"
        | "seed/gt-inbox-unread" => SEED.to_vec(),
        "seed/gt-inbox-lifecycle-bodies" => SEED_BODIES.to_vec(),
        "v0.2/gt-inbox-after-delete" => V02_KEPT.to_vec(),
        "v0.2/gt-inbox-cc-from-rig-dir"
        | "v0.2/gt-inbox-many"
        | "v0.2/gt-inbox-many-unread"
        | "v0.2/gt-inbox-one-read"
        | "v0.2/gt-inbox-one-read-unread" => with(&[V02_KEPT, V02_REST]),
        "v1.0/gt-inbox-after-delete" => with(&[V10_KEPT, &[V10_DEACON]]),
        "v1.0/gt-inbox-after-mail-read"
        | "v1.0/gt-inbox-many"
        | "v1.0/gt-inbox-many-unread"
        | "v1.0/gt-inbox-one-read"
        | "v1.0/gt-inbox-one-read-unread" => with(&[V10_KEPT, &[V10_TOAST, V10_DEACON, V10_X, "Spawned al-toast"]]),
        _ if file.contains("plain") || file.ends_with("text") => vec!["no inbox"],
        _ if ["empty", "after-sling", "v0.2/gt-inbox-no-slash", "gt-inbox-one", "other"]
            .iter()
            .any(|name| file.contains(name)) =>
        {
            vec![]
        }
        _ => vec!["failure"],
    }
}

#[test]
fn every_recorded_inbox_is_read_as_it_was_meant() {
    let files = family(&["gt-inbox-", "gt-mail-inbox-"]);
    assert!(files.len() > 35, "{files:?}");
    let told: Vec<String> =
        files.iter().flat_map(|file| std::iter::once(format!("= {file}")).chain(fate(file))).collect();
    let meant: Vec<String> = files
        .iter()
        .flat_map(|file| std::iter::once(format!("= {file}")).chain(wanted(file).into_iter().map(str::to_owned)))
        .collect();
    assert_eq!(told.join("\n"), meant.join("\n"));
}

/// A `gt` that says again what was said then.
fn delete_again(file: &str, ids: &[String], at_once: bool) -> Vec<bool> {
    let call = json(file);
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("t/mayor")).expect("made");
    for stream in ["stdout", "stderr"] {
        fs::write(at(stream), call[stream].as_str().expect("text")).expect("written");
    }
    let here = dir.path().display();
    let exit = &call["exit"];
    let script =
        format!("#!/bin/sh\necho \"$*\" >>{here}/asked; cat {here}/stdout; cat {here}/stderr >&2; exit {exit}\n");
    program(&at("gt"), &script);
    let mut world = gtd::world::World::new(&at("t"), gtd::sys::attention::Attention::nobody(), &History::default());
    world.tools.gt = Some(at("gt"));
    let gone = world.delete_mails(ids, at_once).expect("nobody stops it");
    let asked = fs::read_to_string(at("asked")).expect("it was asked");
    let wanted = if at_once { format!("mail delete {}\n", ids.join(" ")) } else { String::new() };
    assert!(wanted.is_empty() || asked == wanted, "{file}: {asked}");
    gone
}

#[test]
fn every_recorded_deletion_is_understood() {
    for file in family(&["gt-mail-delete"]) {
        let argv = json(&file)["argv"].as_array().expect("arguments").clone();
        let ids: Vec<String> = argv.iter().skip(3).map(|id| id.as_str().expect("an id").to_owned()).collect();
        let gone = delete_again(&file, &ids, true);
        let wanted: &[bool] = match file.trim_end_matches(".json") {
            "seed/gt-mail-delete-locked-town-db" => &[false],
            "v0.2/gt-mail-delete-outside-town" | "v1.0/gt-mail-delete-outside-town" => &[false],
            "seed/gt-mail-delete-two" | "v0.2/gt-mail-delete-several" => &[false, false],
            "v1.0/gt-mail-delete-several" | "v1.0/gt-mail-delete-several-one-missing" => &[true, true],
            // What is missing is gone.
            _ => &[true],
        };
        assert_eq!(gone, wanted, "{file}");
    }
}

/// The value of an option of a recorded call.
fn option(call: &Value, flag: &str) -> String {
    let words = call["argv"].as_array().expect("arguments");
    let at = words.iter().position(|word| word == flag).expect(flag);
    words[at + 1].as_str().expect("a word").to_owned()
}

/// An inbox with all the mails that were sent.
fn full_inbox(generation: Generation) -> Vec<Mail> {
    let file = match generation {
        Generation::Seed => "seed/gt-inbox-lifecycle-and-spawn.json".to_owned(),
        newer => format!("{newer}/gt-inbox-many.json"),
    };
    parse_inbox(&stdout(&file)).expect("an inbox")
}

/// Who sends it, by the environment and else the directory of the call.
fn sender(call: &Value) -> Option<String> {
    let actor =
        call["env"]["BD_ACTOR"].as_str().map(|actor| actor.replace("/polecats/", "/").replace("-witness", "/witness"));
    let dir = || call["cwd"].as_str()?.strip_prefix("@TOWN@/").map(str::to_owned);
    actor.or_else(dir)
}

#[test]
fn every_mail_that_was_sent_arrives_and_asks_for_what_its_sender_wanted() {
    let mut asked = 0;
    for file in family(&["gt-mail-send"]) {
        let generation = generation_of(&file);
        let call = json(&file);
        let (subject, body) = (option(&call, "-s"), option(&call, "-m"));
        let to_deacon = call["argv"].as_array().expect("arguments").iter().any(|word| word == "deacon/");
        let inbox = full_inbox(generation);
        let arrived: Vec<&Mail> = inbox.iter().filter(|mail| mail.subject == subject && mail.body == body).collect();
        // The last was sent after the inbox was read.
        assert_eq!(arrived.len(), usize::from(to_deacon), "{file}");
        let Some(mail) = arrived.first() else { continue };
        let Kind::Lifecycle(identity, action) = mail.kind() else {
            let spawns = subject.starts_with("POLECAT_STARTED");
            assert_eq!(matches!(mail.kind(), Kind::Spawned { .. }), spawns, "{file}");
            continue;
        };
        let wanted = if file.contains("empty-body") { None } else { subject.rsplit(' ').next() };
        assert_eq!(action.ok().map(|action| action.word()), wanted, "{file}");
        // Whoever asks for himself may.
        let snapshot = town(generation, Inbox::NotAsked);
        let roll = roll(&snapshot).expect("a roll");
        if let Ok(id) = roll.find(identity) {
            let own = sender(&call).and_then(|sender| roll.find(&sender).ok());
            assert_eq!(own.as_ref(), Some(&id), "{file}");
            assert!(roll.may_speak(&mail.from, &id), "{file}: from {}", mail.from);
            asked += 1;
        }
    }
    assert_eq!(asked, 6 + 6 + 6, "requests of agents that the town has");
}

#[test]
fn a_mail_that_is_shown_by_itself_is_the_one_of_the_inbox() {
    for file in ["v0.2/gt-mail-read-json.json", "v1.0/gt-mail-read-json.json"] {
        let shown = parse_inbox(&format!("[{}]", stdout(file))).expect("a mail");
        let id = &json(file)["argv"][3];
        let inbox = full_inbox(generation_of(file));
        assert_eq!(shown, inbox.into_iter().filter(|mail| *id == mail.id).collect::<Vec<_>>(), "{file}");
    }
}
