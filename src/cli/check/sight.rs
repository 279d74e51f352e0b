//! One look at the town as the daemon takes it: Gas Town's generation, the agents, and what the daemon would complain of.

use super::town::count;
use super::{Check, VERSION};
use crate::decide::{decide, observe, troubles};
use crate::service::state;
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::command::Command;
use crate::town::plan::{Trigger, Verdict};
use crate::town::snapshot::{Elsewhere, Snapshot, Trouble};
use crate::town::text::with_command;
use crate::world::environment::SCRUBBED_FOR_TOOLS;
use crate::world::gastown::{self, Ask};

/// So many rigs are asked whether they are docked: a call of bd takes up to a quarter of a second.
const ASKED: usize = 10;

impl Check {
    pub fn sight(&mut self) -> Result<(), Stopped> {
        let gt_hangs = self.world.tools.gt.is_some() && !self.answering.contains(&"gt");
        if !gt_hangs {
            self.ask_gt()?;
        }
        // Neither a slow bd nor a slow gt may take the time of all.
        self.world.config.command_timeout = self.time(VERSION);
        let trigger = if gt_hangs { Trigger::Look } else { Trigger::Heartbeat };
        let mut snapshot = self.world.look(trigger, &self.history)?;
        self.generation(&mut snapshot)?;
        self.server(&snapshot)?;
        if self.answering.contains(&"bd") {
            self.world.config.command_timeout = self.time(VERSION);
            self.world.ask_reports(&mut snapshot)?;
        }
        self.findings.good("rigs", &snapshot.rigs.len().to_string());
        self.complaints(&mut snapshot)?;
        Ok(())
    }

    /// Asks `gt` which Gas Town this is, outside the town, where it notes no activity. The look that follows believes it.
    fn ask_gt(&mut self) -> Result<(), Stopped> {
        let time = self.time(VERSION);
        let found = gastown::generation(
            &self.world.config,
            self.history.gastown.as_ref(),
            self.world.tools.gt.as_deref(),
            // A wrapper may run another one by now.
            (Ask::Now, clock::now().wall),
            |gt| Command::new(gt, time).dir("/").without(&SCRUBBED_FOR_TOOLS),
            &mut self.world.attention,
        )?;
        if found.answer.is_some() {
            self.history.gastown = found.answer;
        }
        Ok(())
    }

    /// How gtd is told the generation: a daemon that runs reads its configuration when it is told to.
    pub fn set_gastown(&self) -> String {
        let daemon = self.daemon.map(|pid| format!(", then kill -HUP {pid}"));
        format!("set gtd.gastown in mayor/daemon.json{}", daemon.unwrap_or_default())
    }

    /// Which Gas Town this is, who says so, and what in the town does not fit it.
    fn generation(&mut self, snapshot: &mut Snapshot) -> Result<(), Stopped> {
        match &snapshot.generation {
            Ok(generation) => {
                self.generation = Some(*generation);
                self.findings.good("generation", &format!("{generation}: {}", snapshot.generation_why));
                if let (Some(pid), Some(used)) = (self.daemon, &self.history.names)
                    && used.generation != *generation
                {
                    let found = format!("the daemon that runs uses {} ({})", used.generation, used.why);
                    let remedy =
                        format!("gtd --wake has it ask gt anew; kill -HUP {pid} has it read its configuration");
                    self.findings.note("generation", &found, &remedy);
                }
            }
            Err(outage) => {
                let found = format!("Gas Town's generation is not known, so agents are held: {outage}");
                self.findings.fault("generation", &found, &self.set_gastown());
            }
        }
        for misfit in self.world.misfits(snapshot)? {
            self.findings.note("generation", &misfit, "");
        }
        // That they are held for it is not said once more.
        if let Elsewhere::Somebody { text: who, .. } = &snapshot.elsewhere {
            let (found, remedy) = who.split_once(". ").unwrap_or((who, ""));
            let found = format!("{found}; gtd begins no second population");
            self.findings.fault("generation", &found, remedy);
        }
        Ok(())
    }

    fn complaints(&mut self, snapshot: &mut Snapshot) -> Result<(), Stopped> {
        // Nobody asks for it after this.
        let mut history = std::mem::take(&mut self.history);
        observe(&mut history, snapshot);
        let mut plan = decide(Trigger::Heartbeat, snapshot, &history);
        // What a daemon has found out about docked rigs it says; without one it is asked, where that does not take too long.
        if self.daemon.is_none() && self.answering.contains(&"bd") && snapshot.rigs.len() <= ASKED {
            while self.world.ask_before_starts(snapshot, &plan)? {
                plan = decide(Trigger::Heartbeat, snapshot, &history);
            }
        }
        let troubles = troubles(snapshot, &history, &plan).now;
        // The configuration and the generation have lines of their own.
        let known = |trouble: &&Trouble| {
            let about = &trouble.about;
            !about.contains("generation unknown")
                && !about.starts_with("hold living elsewhere")
                && !about.starts_with("config ")
                && about != "daemon.json"
        };
        for trouble in troubles.iter().filter(known) {
            let about = trouble.about.as_str();
            // What somebody wants so is no fault.
            let wanted = [
                "hold patrol off",
                "patrol rigs",
                "hold ESTOP",
                "hold shut",
                "hold request",
                "hold parked",
                "hold dock",
                "hold auto_restart",
                "hold paused",
            ];
            if about == "bd" {
                // gtd is fully at work without it.
                self.findings.note("reports", &trouble.text, "");
            } else if wanted.iter().any(|start| about.starts_with(start)) {
                let holds = |verdict: &Verdict| match verdict {
                    Verdict::Hold(hold) => trouble.text.ends_with(&hold.to_string()),
                    _ => false,
                };
                let held = plan.verdicts.iter().find(|(_, verdict)| holds(verdict));
                let until = held.and_then(|(_, verdict)| verdict.otherwise()).unwrap_or_default();
                let end = Some(end_of_hold(about)).filter(|end| !end.is_empty());
                self.findings.note("agents", &trouble.text, end.unwrap_or(&until));
            } else {
                let (found, remedy) = remedy(trouble);
                self.findings.fault("town", &found, &remedy);
            }
        }
        self.daemons_conditions(&troubles);
        if let Ok(sessions) = &snapshot.sessions {
            self.findings.good(
                "agents",
                &format!("{} supervised, {} on the server", snapshot.agents.len(), count(sessions.len(), "session")),
            );
        }
        Ok(())
    }

    /// What the daemon that runs says is wrong or held, and was not found here.
    fn daemons_conditions(&self, said: &[Trouble]) {
        let state = self.daemon.and_then(|pid| state::read(&self.dir).ok()?.filter(|state| state.pid == pid));
        let Some(own) = state.and_then(|state| state.gtd) else { return };
        for condition in &own.conditions {
            let (text, command) = with_command(&condition.text);
            if command.is_some() || said.iter().any(|trouble| trouble.text == text) {
                continue;
            }
            let held = own.agents.iter().find(|agent| agent.state == "held" && text.ends_with(&agent.reason));
            let until = held.and_then(|agent| agent.otherwise.as_deref()).unwrap_or_default();
            self.findings.note("agents", &format!("the daemon says: {text}"), until);
        }
    }
}

fn end_of_hold(about: &str) -> &'static str {
    match about {
        _ if about.starts_with("hold patrol off") => "patrols in mayor/daemon.json switches it on again",
        _ if about.starts_with("patrol rigs") => {
            "mend it in mayor/daemon.json, then kill -HUP $(cat daemon/daemon.pid)"
        }
        _ if about.starts_with("hold ESTOP") => "remove the ESTOP file when it is over",
        _ => "",
    }
}

/// What is wrong, and what to do about it. Where the message itself ends with that, it is taken from there.
fn remedy(trouble: &Trouble) -> (String, String) {
    let (about, text) = (trouble.about.as_str(), trouble.text.clone());
    let fixed = |remedy: &str| (text.clone(), remedy.to_owned());
    match about.split(' ').next().unwrap_or_default() {
        "rigs.json" => fixed("mend mayor/rigs.json; it is read again at each look"),
        "rig" => fixed("mend its entry in mayor/rigs.json"),
        "spool" => fixed("move daemon/requests away; gtd --request makes it anew"),
        "tmux" => match text.split_once("; kill -USR1 ") {
            Some((found, pid)) => {
                let pid: String = pid.chars().take_while(char::is_ascii_digit).collect();
                (format!("{found})"), format!("kill -USR1 {pid} makes the socket anew"))
            }
            None => fixed("see what tmux list-sessions says"),
        },
        "hold" if about.starts_with("hold no directory") => {
            let dir = text.split_once("its directory ").and_then(|(_, rest)| rest.strip_suffix(" is not there"));
            (text.clone(), format!("mkdir -p {}, or take its rig out of mayor/rigs.json", dir.unwrap_or("it")))
        }
        "hold" if about.starts_with("hold same session") => {
            fixed("give one of the rigs another name, or another bead prefix, in mayor/rigs.json")
        }
        "session" => fixed("give one of the towns a server of its own: gtd.tmux_socket in mayor/daemon.json"),
        "loop" | "silent" => match text.rsplit_once("gtd --request ").map(|(_, rest)| rest.split(' ')) {
            Some(mut words) => {
                let request: Vec<&str> = words.by_ref().take(2).collect();
                (text.clone(), format!("mend what ends it, then gtd --request {}", request.join(" ")))
            }
            None => (text, String::new()),
        },
        _ => (text, String::new()),
    }
}
