//! What starts gtd with the machine, read by those who do so.

use super::support::{Ran, Town, wait_until};
use super::{is_here, printed, skipped, tool};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// A town with a name that every one of them has to quote.
fn odd_town() -> Town {
    Town::named("100% o'\"my\" $town & <co>", &[])
}

#[test]
fn the_unit_is_accepted_by_systemd() {
    let town = odd_town();
    let unit = fs::read_to_string(printed(&town, "systemd")).expect("read");
    for line in [
        "Type=notify",
        "WatchdogSec=180",
        "KillMode=process",
        "OOMPolicy=continue",
        "TasksMax=infinity",
        "Restart=on-failure",
        "RestartPreventExitStatus=5",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "WantedBy=default.target",
        &format!("Environment=\"TMUX_TMPDIR={}\"", town.sockets.display()),
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}\n{unit}");
    }
    let start = unit.lines().find(|line| line.starts_with("ExecStart=")).expect("a command");
    let dir = town.root.parent().expect("a directory").display();
    let wanted =
        format!("ExecStart=\"{}\" --town \"{dir}/100%% o'\\\"my\\\" $$town & <co>\"", env!("CARGO_BIN_EXE_gtd"));
    assert_eq!(start, wanted);
    if !is_here("systemd-analyze") {
        return;
    }
    let verify = |name: &str, text: &str| {
        let file = town.notes.join(name);
        fs::write(&file, text).expect("written");
        Ran::of(tool(
            &town,
            "systemd-analyze",
            &["verify", "--man=no", "--recursive-errors=no", &file.display().to_string()],
        ))
    };
    let plain = verify("plain.service", "[Service]\nExecStart=/bin/true\n");
    if plain.status != 0 || !plain.stderr.is_empty() {
        skipped(&format!("systemd-analyze cannot verify even a plain unit here: {}", plain.stderr.trim()));
        return;
    }
    let wrong = verify("wrong.service", &unit.replace("KillMode=process", "KillMode=no"));
    assert!(wrong.stderr.contains("kill mode"), "systemd-analyze reads it: {wrong}");
    let ran = verify("gtd.service", &unit).exits(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_property_list_is_read_as_it_was_meant() {
    let town = odd_town();
    let file = printed(&town, "launchd").display().to_string();
    if is_here("plutil") {
        Ran::of(tool(&town, "plutil", &["-lint", &file])).exits(0);
    }
    if is_here("xmllint") {
        Ran::of(tool(&town, "xmllint", &["--noout", "--nonet", &file])).exits(0);
    }
    if is_here("python3") {
        let read = "import json, plistlib, sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
        let mut command = tool(&town, "python3", &["-c", read, &file]);
        command.env("HOME", std::env::var_os("HOME").unwrap_or_default());
        let ran = Ran::of(command).exits(0);
        let list: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
        let root = town.root.display().to_string();
        assert_eq!(list["ProgramArguments"], serde_json::json!([env!("CARGO_BIN_EXE_gtd"), "--town", root]));
        assert_eq!(list["KeepAlive"], serde_json::json!({"SuccessfulExit": false}));
        assert_eq!(list["EnvironmentVariables"]["TMUX_TMPDIR"], town.sockets.display().to_string());
        assert_eq!((&list["RunAtLoad"], &list["AbandonProcessGroup"]), (&true.into(), &true.into()));
        assert_eq!(list["StandardErrorPath"], format!("{}/Library/Logs/gtd.log", town.home.display()));
    }
}

#[test]
fn the_line_for_cron_starts_the_daemon() {
    let town = odd_town();
    let text = fs::read_to_string(printed(&town, "cron")).expect("read");
    let line = text.lines().find_map(|line| line.strip_prefix("@reboot ")).expect("a line");
    assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 1, "{text}");
    // As cron reads it: an unescaped % would end the command.
    assert!(!line.replace("\\%", "").contains('%'), "{line}");
    let mut job = town.command("/bin/sh");
    // cron knows nothing of the tools and of tmux.
    job.args(["-c", &line.replace("\\%", "%")])
        .env("PATH", "/usr/bin:/bin")
        .env_remove("TMUX_TMPDIR")
        .current_dir(&town.home);
    let ran = Ran::of(job).exits(0);
    assert!(ran.stderr.contains("in the background"), "{ran}");
    wait_until("the first heartbeat", || town.heartbeats_done() > 0);
    assert!(town.has_session("gt-deacon"), "on the town's own server");
    town.run(&["--stop"]).exits(0);
    // A cron that leaves the backslash to the shell comes to the same.
    let mut words = town.command("/bin/sh");
    let (_, command) = line.split_once(env!("CARGO_BIN_EXE_gtd")).expect("the program");
    words.args(["-c", &format!("printf '%s\\n' {command}")]);
    assert!(Ran::of(words).stdout.contains(&town.root.display().to_string()));
}

#[test]
fn what_is_packed_up_names_nothing_of_this_machine() {
    let town = odd_town();
    let elsewhere = |what: &str| {
        let ran = town.run(&["--print", what, "--program", "/usr/local/bin/gtd"]).exits(0).stdout;
        let mut bare = town.gtd(&["--print", what, "--program", "/usr/local/bin/gtd"]);
        bare.env_clear().current_dir("/");
        assert_eq!(Ran::of(bare).exits(0).stdout, ran, "{what}");
        let dir = town.root.parent().expect("a directory").display().to_string();
        assert!(!ran.contains(&dir) && ran.contains("No town is named."), "{ran}");
        ran
    };
    assert!(elsewhere("systemd").contains("\nExecStart=\"/usr/local/bin/gtd\"\n"));
    assert!(elsewhere("launchd").contains("<string>/usr/local/bin/gtd</string>\n    </array>"));
    assert!(elsewhere("cron").ends_with("\n@reboot /usr/local/bin/gtd --background\n"));
    let named = town.run(&["--town", "/srv/gt", "--print", "cron", "--program", "/opt/gtd"]).exits(0);
    assert!(named.stdout.ends_with("\n@reboot /opt/gtd --background --town /srv/gt\n"), "{named}");
}

#[test]
fn a_path_that_a_service_manager_cannot_take_is_refused_in_one_line() {
    let town = Town::new(&[]);
    let refused = |what: &str, program: &OsStr| {
        let mut gtd = town.gtd(&["--print", what, "--program"]);
        gtd.arg(program);
        Ran::of(gtd).refused(1)
    };
    for odd in ["/opt/it's/gtd", "/opt/a \"b\"/gtd", "/opt/a\\b/gtd", "/opt/gtd/"] {
        let said = refused("systemd", OsStr::new(odd));
        assert!(said.contains(odd) && said.contains("systemd runs no program") && said.contains("--program"), "{said}");
        town.run(&["--print", "launchd", "--program", odd]).exits(0);
    }
    for odd in ["/opt/a\u{1}b", "/opt/a\u{7f}b", "/opt/a\u{fffe}b", "/opt/a\u{ffff}b", "/opt/a\u{fdd0}b", "/opt/a\nb"] {
        for what in ["systemd", "launchd"] {
            assert!(refused(what, OsStr::new(odd)).contains("cannot be written down; rename it"), "{odd:?}");
        }
    }
    assert!(refused("launchd", OsStr::from_bytes(b"/opt/a\xffb")).contains("no text"));
    // What only looks odd is taken.
    for plain in ["/opt/a $b; #c*/gtd", "/opt/\u{e9}\u{1f600}\u{fffd}/gtd"] {
        for what in ["systemd", "launchd"] {
            assert!(town.run(&["--print", what, "--program", plain]).exits(0).stdout.contains(plain), "{plain}");
        }
    }
}
