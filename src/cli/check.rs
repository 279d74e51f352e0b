//! `--check`: what is found and what is wrong, each fault with its remedy.

use super::{Exit, Refusal, print};
use crate::decide::{decide, observe, troubles};
use crate::service::instance::{daemon_dir, holder};
use crate::service::state;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::command::Command;
use crate::sys::{raw, user};
use crate::town::agent::Role;
use crate::town::history::History;
use crate::town::plan::Trigger;
use crate::town::text::clean;
use crate::world::World;
use crate::world::tmux::is_usable_version;
use std::path::Path;
use std::time::Duration;

/// No version takes longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What was found so far.
#[derive(Default)]
struct Findings {
    text: String,
    faults: usize,
}

impl Findings {
    fn good(&mut self, what: &str, found: &str) {
        self.line("ok", what, found);
    }

    /// Something that gtd can do without.
    fn note(&mut self, what: &str, found: &str) {
        self.line("note", what, found);
    }

    fn fault(&mut self, what: &str, found: &str) {
        self.faults += 1;
        self.line("FAULT", what, found);
    }

    fn line(&mut self, mark: &str, what: &str, found: &str) {
        self.text.push_str(&format!("{mark:5}  {what:13}  {}\n", clean(found, 500)));
    }
}

/// Shows what is found. The exit status is 1 if anything keeps gtd from serving the town.
pub fn show(town: &Path) -> Result<Exit, Refusal> {
    let mut findings = Findings::default();
    // Nobody rings: there is nothing that could stop it.
    let _ = examine(town, &mut findings);
    let sum = match findings.faults {
        0 => "nothing is wrong\n".to_owned(),
        1 => "one thing must be mended\n".to_owned(),
        n => format!("{n} things must be mended\n"),
    };
    print(&(findings.text + &sum))?;
    Ok(if findings.faults == 0 { Exit::Done } else { Exit::Failed })
}

fn examine(town: &Path, findings: &mut Findings) -> Result<(), Stopped> {
    let dir = daemon_dir(town);
    let remembered = state::peek(&dir);
    let nothing = History::default();
    let mut world = World::new(town, Attention::nobody(), remembered.as_ref().unwrap_or(&nothing));
    findings.good("town", &town.display().to_string());
    check_tools(&mut world, findings)?;
    check_agent_command(&mut world, findings)?;
    match holder(&dir) {
        Ok(holder) => findings.note("daemon", &format!("{holder} serves this town")),
        Err(error) => findings.fault("daemon", &error.to_string()),
    }
    let writable = if dir.exists() { raw::can_write(&dir) } else { raw::can_write(town) };
    if !writable {
        findings.fault("daemon", &format!("{} cannot be written by this user; gtd must be able to", dir.display()));
    }
    let mut history = match remembered {
        Ok(history) => history,
        Err(why) => {
            findings.fault("state", &format!("{why}; gtd sets it aside when it starts"));
            return Ok(());
        }
    };
    let mut snapshot = world.look(Trigger::Heartbeat, &history)?;
    world.ask_reports(&mut snapshot)?;
    match &snapshot.generation {
        Ok(generation) => findings.good("generation", &format!("{generation}: {}", snapshot.generation_why)),
        Err(outage) => findings.fault("generation", &format!("{outage}; set gtd.gastown in mayor/daemon.json")),
    }
    for misfit in world.misfits(&mut snapshot)? {
        findings.note("generation", &misfit);
    }
    let socket = world.socket().map(|socket| socket.options().join(" "));
    let socket = socket.filter(|options| !options.is_empty());
    findings.good("tmux server", &socket.unwrap_or_else(|| "the user's default one".to_owned()));
    let count = match &snapshot.sessions {
        Ok(sessions) => format!("{} sessions", sessions.len()),
        Err(_) => "not known".to_owned(),
    };
    findings.good("sessions", &count);
    findings.good("rigs", &snapshot.rigs.len().to_string());
    observe(&mut history, &snapshot);
    let plan = decide(Trigger::Heartbeat, &snapshot, &history);
    // Gas Town's generation has a line of its own above.
    let found = troubles(&snapshot, &history, &plan).now;
    for trouble in found.iter().filter(|t| !t.about.contains("generation unknown")) {
        let about = trouble.about.as_str();
        // What somebody wants so is no fault.
        let wanted = [
            "hold patrol off",
            "hold ESTOP",
            "hold shut",
            "hold request",
            "hold parked",
            "hold docked",
            "hold auto_restart",
            "hold paused",
        ];
        if about == "bd" {
            // gtd is fully at work without it.
            findings.note("reports", &trouble.text);
        } else if wanted.iter().any(|start| about.starts_with(start)) {
            findings.note("agents", &trouble.text);
        } else {
            findings.fault("town", &trouble.text);
        }
    }
    Ok(())
}

fn check_tools(world: &mut World, findings: &mut Findings) -> Result<(), Stopped> {
    let tools = world.tools.clone();
    for (name, place, flag, use_of_it) in [
        ("tmux", tools.tmux, "-V", "install it, for example with apt-get install tmux"),
        ("bd", tools.bd, "--version", "without it tmux alone tells how agents are"),
        ("gt", tools.gt, "--version", "without it set gtd.gastown in mayor/daemon.json"),
    ] {
        let Some(path) = place else {
            let found = format!("not found in PATH or the usual places; {use_of_it}");
            if name == "tmux" {
                findings.fault(name, &found);
            } else {
                findings.note(name, &found);
            }
            continue;
        };
        let version = Command::new(&path, TIMEOUT).arg(flag).run(&mut world.attention)?;
        let shown = path.display();
        match version {
            Ok(output) if output.success => {
                let version = output.stdout.lines().next().unwrap_or_default();
                if name == "tmux" && !is_usable_version(version) {
                    findings.fault(name, &format!("{shown}: {version}; 3.2 or newer is needed"));
                } else {
                    findings.good(name, &format!("{shown}: {version}"));
                }
            }
            Ok(output) => findings.fault(name, &format!("{shown}: {}", output.complaint())),
            Err(failure) => findings.fault(name, &failure.to_string()),
        }
    }
    Ok(())
}

/// Whether the login shell finds the agents' program: the first word of each command.
fn check_agent_command(world: &mut World, findings: &mut Findings) -> Result<(), Stopped> {
    let shell = user::login_shell();
    let mut lines: Vec<String> =
        [Role::Deacon, Role::Witness].map(|role| world.config.agent_command(role).to_owned()).to_vec();
    lines.dedup();
    for line in lines {
        let program = line.split_whitespace().next().unwrap_or_default();
        let plain = program.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
        let what = "agent command";
        if !plain {
            findings.note(what, &format!("{line} (not looked for: it is more than a program's name)"));
            continue;
        }
        let found = Command::new(&shell, TIMEOUT)
            .args(user::login_flags(&shell))
            .arg(format!("command -v {program}"))
            .dir(&world.root)
            .run(&mut world.attention)?;
        match found {
            Ok(output) if output.success => findings.good(what, &line),
            _ => findings.fault(
                what,
                &format!(
                    "{program} is not found by {}; install it, or set gtd.agent_command in mayor/daemon.json",
                    shell.display()
                ),
            ),
        }
    }
    Ok(())
}
