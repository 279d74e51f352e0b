//! The file for whoever counts: real counts of a real gtd, read by a strict reader of the format.

use crate::support::openmetrics::{Family, parse, value};
use crate::support::{Town, process, wait_until};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

const FILE: &str = "daemon/gtd.prom";

fn town(name: &str, rigs: &[&str]) -> Town {
    let mut town = Town::named(name, rigs);
    town.configure(json!({"gtd": {"metrics_file": FILE}}));
    town
}

/// The file as it is now.
fn read(town: &Town) -> Vec<Family> {
    let text = town.read(FILE);
    parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

/// The value of a sample; -1 where there is none.
fn of(town: &Town, name: &str, labels: &[(&str, &str)]) -> f64 {
    if town.root.join(FILE).exists() { value(&read(town), name, labels).unwrap_or(-1.0) } else { -1.0 }
}

fn wait_for(town: &Town, name: &str, labels: &[(&str, &str)], wanted: f64) {
    wait_until(&format!("{name} {labels:?} is {wanted}"), || of(town, name, labels) == wanted);
}

#[test]
fn what_happens_in_a_town_is_counted() {
    let town = town("t", &["alpha"]);
    let gtd = town.up();
    wait_for(&town, "gtd_agent_up", &[("agent", "alpha/witness")], 1.0);
    assert_eq!(of(&town, "gtd_starts_total", &[("reason", "first")]), 2.0);
    assert_eq!(of(&town, "gtd_deaths_total", &[]), 0.0);
    process::signal(town.wait_for_agent("deacon", None), libc::SIGKILL);
    wait_for(&town, "gtd_starts_total", &[("reason", "restart")], 1.0);
    assert_eq!(of(&town, "gtd_deaths_total", &[]), 1.0);
    town.run(&["--request", "restart", "alpha/witness"]).exits(0);
    wait_for(&town, "gtd_starts_total", &[("reason", "request")], 1.0);
    wait_until("pokes are counted", || of(&town, "gtd_pokes_total", &[("result", "taken")]) >= 2.0);
    town.set_mode("bd", crate::support::Mode::Fail);
    wait_for(&town, "gtd_outage", &[("what", "bd")], 1.0);
    wait_until("calls of bd fail", || of(&town, "gtd_command_failures_total", &[("program", "bd")]) >= 1.0);
    town.answer_as_recorded("bd", "bd-show-deacon-after-prime");
    wait_for(&town, "gtd_outage", &[("what", "bd")], 0.0);
    assert_eq!(of(&town, "gtd_outages_total", &[("what", "bd")]), 1.0);
    gtd.stop();
    let last = read(&town);
    let get = |name: &str, labels: &[(&str, &str)]| value(&last, name, labels).expect(name);
    assert_eq!(get("gtd_up", &[("town", town.root.to_str().expect("plain"))]), 0.0);
    assert_eq!(get("gtd_heartbeats_total", &[]) as usize, town.heartbeats_done());
    assert_eq!(get("gtd_looks_total", &[]), get("gtd_look_seconds_count", &[]));
    assert!(get("gtd_command_seconds_count", &[("program", "tmux")]) >= get("gtd_looks_total", &[]));
    assert!(get("gtd_command_seconds_sum", &[("program", "tmux")]) > 0.0);
    assert_eq!(get("gtd_command_seconds_count", &[("program", "notify")]), 0.0);
    assert_eq!(value(&last, "gtd_agent_up", &[]), None, "nobody knows any more");
}

#[test]
fn the_file_has_all_that_the_readme_names_and_no_more() {
    let town = town("t", &[]);
    let gtd = town.up();
    wait_for(&town, "gtd_agents", &[("state", "alive")], 1.0);
    let names: BTreeSet<String> = read(&town).iter().map(|family| family.samples[0].name.clone()).collect();
    gtd.stop();
    let readme = include_str!("../../README.md");
    let section = readme.split("### Metrics").nth(1).expect("a section").split("\n#").next().expect("text");
    let code = section.split('`').skip(1).step_by(2).filter(|text| text.starts_with("gtd_"));
    // A summary is named by what its samples have in common.
    let base = |name: &str| name.split('{').next().unwrap_or(name).trim_end_matches("_count").to_owned();
    let claimed: BTreeSet<String> = code.map(base).collect();
    assert_eq!(names.iter().map(|name| base(name)).collect::<BTreeSet<_>>(), claimed);
}

#[test]
fn a_town_of_any_name_is_a_label() {
    let name = "a \"town\" with \\n in it";
    let town = town(name, &[]);
    let gtd = town.up();
    wait_for(&town, "gtd_up", &[("town", town.root.to_str().expect("UTF-8"))], 1.0);
    gtd.stop();
}

#[test]
fn a_file_that_cannot_be_written_is_said_once_and_one_that_nobody_wants_is_not_written() {
    let mut town = town("t", &[]);
    fs::create_dir_all(town.root.join(FILE)).expect("made");
    let gtd = town.up();
    town.wait_for_log("gtd.metrics_file: cannot write ");
    town.wait_for_heartbeats(2);
    fs::remove_dir(town.root.join(FILE)).expect("removed");
    town.wait_for_log("gtd.metrics_file can be written again after");
    assert_eq!(town.logged("gtd.metrics_file: cannot write "), 1);
    wait_for(&town, "gtd_up", &[], 1.0);
    town.configure(json!({"gtd": {"metrics_file": null}}));
    gtd.signal(libc::SIGHUP);
    wait_for(&town, "gtd_up", &[], 0.0);
    let written = fs::metadata(town.root.join(FILE)).and_then(|meta| meta.modified()).expect("a time");
    town.wait_for_heartbeats(2);
    assert_eq!(fs::metadata(town.root.join(FILE)).and_then(|meta| meta.modified()).expect("a time"), written);
    gtd.stop();
}

/// Where the reference implementation is installed, it reads the file too.
#[test]
fn the_reference_reader_understands_the_file() {
    let town = town("a \"b\" \\ c", &["alpha"]);
    let gtd = town.up();
    wait_for(&town, "gtd_agents", &[("state", "alive")], 2.0);
    let script = "import sys\ntry:\n    from prometheus_client.openmetrics.parser import text_fd_to_metric_families as read\n\
        except ImportError:\n    print('not there')\n    sys.exit()\n\
        print(sum(len(f.samples) for f in read(open(sys.argv[1]))))\n";
    let python = Command::new("python3").args(["-c", script]).arg(town.root.join(FILE)).output();
    gtd.stop();
    let Ok(output) = python else { return };
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said == "not there" || said.parse::<usize>().is_ok_and(|samples| samples > 40), "{said}");
}

#[test]
fn the_strict_reader_is_strict() {
    let good = "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds A \\\\ b.\n\
        a_seconds_total{t=\"x\\\"\\\\\\n,}\"} 1.5\n# TYPE b summary\nb_count 1\nb_sum 2\n# EOF\n";
    let families = parse(good).expect("it is good");
    assert_eq!(value(&families, "a_seconds_total", &[("t", "x\"\\\n,}")]), Some(1.5));
    for (from, to) in [
        ("# EOF\n", ""),
        ("# EOF\n", "# EOF"),
        ("a_seconds_total", "a_seconds"),
        ("a_seconds_total", "c_total"),
        ("UNIT a_seconds seconds", "UNIT a_seconds bytes"),
        ("# TYPE b summary\n", ""),
        ("# TYPE b summary\n", "# TYPE b summary\n# TYPE b summary\n"),
        ("b_sum 2\n", "b_sum 2\nb_sum 2\n"),
        ("b_sum 2\n", "b_sum 2\n# HELP a_seconds x\n"),
        ("b_sum 2\n", "b_sum 2\na_seconds_total 2\n"),
        ("b_sum 2\n", "b_sum 2\n\n"),
        ("b_count 1", "b_count 1.5"),
        ("b_count 1", "b_count -1"),
        ("b_count 1", "b_count one"),
        ("b_count 1", "b_count 1 "),
        ("t=\"x\\\"", "t=\"x\\x"),
        ("{t=", "{1t="),
        ("} 1.5", "}1.5"),
        ("# HELP a", "#HELP a"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(bad != good && parse(&bad).is_err(), "{from:?} as {to:?}");
    }
}
