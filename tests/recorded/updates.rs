//! `bd update`: what it says when an agent is marked dead, and what gtd makes of it.

use super::support::fakes::program;
use super::{family, json, stdout};
use gtd::decide::stale::{Stale, dead_description};
use gtd::sys::attention::Attention;
use gtd::town::history::History;
use gtd::town::time::Wall;
use gtd::world::World;
use serde_json::{Value, json as object};
use std::fs;
use std::path::Path;

/// A `bd` that shows the bead that is asked for, and answers an update as it was recorded: by the directory it is asked in.
const BD: &str = r#"#!/bin/sh
here='@HERE@'
[ "$1" = show ] && exec cat "$here/bead"
case $PWD in */mayor/rig) of=rig ;; *) of=town ;; esac
printf '%s %s %s %s\n' "$of" "$1" "$2" "$3" >>"$here/asked"
cat "$here/$of.stdout"; cat "$here/$of.stderr" >&2; exit "$(cat "$here/$of.exit")"
"#;

fn tell(here: &Path, place: &str, file: &str) {
    let call = json(file);
    for stream in ["stdout", "stderr"] {
        fs::write(here.join(format!("{place}.{stream}")), call[stream].as_str().expect(stream)).expect("written");
    }
    fs::write(here.join(format!("{place}.exit")), call["exit"].to_string()).expect("written");
}

/// What comes of marking an agent of the rig gamma dead where `bd update` says this in the town, and that in the rig; and where
/// it was asked.
fn marked(of_town: &str, of_rig: &str) -> (Result<bool, String>, String) {
    let dir = tempfile::tempdir().expect("a directory");
    let here = dir.path();
    let root = here.join("t");
    for sub in ["mayor", "gamma/mayor/rig"] {
        fs::create_dir_all(root.join(sub)).expect("made");
    }
    let bead = json(of_rig)["argv"].as_array().expect("arguments").iter().find_map(|word| {
        let word = word.as_str()?;
        ["gt-", "hq-", "bt-"].iter().any(|start| word.starts_with(start)).then(|| word.to_owned())
    });
    let bead = bead.expect("a bead");
    let written = Wall::parse("2026-11-23T09:00:00Z").expect("a time");
    let shown =
        object!([{"id": bead, "description": "x\n\nagent_state: running", "updated_at": "2026-11-23T09:00:00Z"}]);
    fs::write(here.join("bead"), shown.to_string()).expect("written");
    tell(here, "town", of_town);
    tell(here, "rig", of_rig);
    let bd = here.join("bd");
    program(&bd, &BD.replace("@HERE@", here.to_str().expect("a plain path")));
    let mut world = World::new(&root, Attention::nobody(), &History::default());
    world.tools.bd = Some(bd);
    let agent = "gamma/witness".parse().expect("an agent");
    let stale = Stale { agent, bead: bead.clone(), written, reason: "no session".to_owned() };
    let result = world.mark_dead(&stale).expect("nobody stops it");
    let asked = fs::read_to_string(here.join("asked")).unwrap_or_default();
    (result, asked.replace(&format!(" update {bead} --description"), ""))
}

#[test]
fn every_recorded_update_is_understood() {
    for file in family(&["bd-update-", "v0.47-bd-update-"]) {
        let (result, asked) = marked(&file, &file);
        let wanted = match file.as_str() {
            "seed/bd-update-locked-rig-db.json" => Err(
                "bd update: Error: failed to open database: failed to initialize schema: sqlite3: database is locked",
            ),
            "seed/bd-update-missing.json" => Err(
                "bd update: Error: resolving ID gt-crew-gamma-nosuch: operation failed: failed to resolve ID: no issue found matching \"gt-crew-gamma-nosuch\"",
            ),
            "seed/bd-update-missing-no-daemon.json" => {
                Err("bd update: Error: no issue found matching \"gt-crew-gamma-nosuch\"")
            }
            "seed/bd-update-description-from-town.json" => Err(
                "bd update: Error: resolving ID gt-crew-gamma-srunning: operation failed: failed to resolve ID: no issue found matching \"gt-crew-gamma-srunning\"",
            ),
            "seed/bd-update-description-from-town-no-daemon.json" => {
                Err("bd update: Error: no issue found matching \"gt-crew-gamma-srunning\"")
            }
            "v0.2/bd-update-missing.json" => Err(
                "bd update: Error: resolving ID hq-nosuch: operation failed: failed to resolve ID: no issue found matching \"hq-nosuch\"",
            ),
            "v1.0/bd-update-missing.json" => {
                Err("bd update: Error resolving hq-nosuch: no issue found matching \"hq-nosuch\"")
            }
            _ => Ok(true),
        };
        assert_eq!(result.as_ref().copied().map_err(String::as_str), wanted, "{file}");
        assert_eq!(asked, if wanted.is_ok() { "town\n" } else { "town\nrig\n" }, "{file}");
    }
}

#[test]
fn where_the_town_does_not_find_the_bead_its_rig_is_asked() {
    for from_town in
        ["seed/bd-update-description-from-town.json", "seed/bd-update-description-from-town-no-daemon.json"]
    {
        for in_rig in ["seed/bd-update-description-in-rig.json", "seed/bd-update-description-in-rig-json.json"] {
            assert_eq!(marked(from_town, in_rig), (Ok(true), "town\nrig\n".to_owned()), "{from_town}, {in_rig}");
        }
    }
}

#[test]
fn a_bead_is_rewritten_as_gt_rewrites_it_with_two_lines_more() {
    let beads: Value = serde_json::from_str(&stdout("seed/bd-show-agent-running.json")).expect("JSON");
    let before = beads[0]["description"].as_str().expect("a description");
    let after = dead_description(before, "no session", Wall::from_seconds(0)).expect("a state");
    let kept: Vec<&str> = after.lines().filter(|line| !line.starts_with("dead_")).collect();
    assert_eq!(after.lines().count(), kept.len() + 2);
    let call = json("seed/bd-update-description-in-rig.json");
    let theirs: Vec<&str> = call["argv"][4].as_str().expect("a description").lines().collect();
    // The last line is the bead's own, which was made anew in between.
    assert_eq!(kept[..6], theirs[..6]);
    assert_eq!((kept.len(), theirs.len(), kept.last()), (7, 7, before.lines().last().as_ref()));
}
