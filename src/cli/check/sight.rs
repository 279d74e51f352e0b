//! One look at the town as the daemon takes it: Gas Town's generation, the agents, and what the daemon would complain of.

use super::{Check, VERSION};
use crate::decide::{decide, observe, troubles};
use crate::service::state;
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::command::Command;
use crate::town::plan::{Trigger, Verdict};
use crate::town::shell_line::Quoting;
use crate::town::snapshot::{Elsewhere, Snapshot, Trouble};
use crate::town::text::{REREAD, count, with_command};
use crate::world::environment::SCRUBBED_FOR_TOOLS;
use crate::world::gastown::{self, Ask};
use std::fmt::Arguments;

/// So many rigs are asked whether they are docked: a call of bd takes up to a quarter of a second.
const ASKED: usize = 10;

/// Troubles that have lines of their own: those of the configuration and of the generation.
const SAID: [&str; 3] = ["hold living elsewhere", "config ", "daemon.json"];

/// Holds that somebody wants so: they are no faults.
const WANTED: [&str; 9] = [
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

/// What ends a hold, where the hold itself does not say.
const ENDS: [(&str, &str); 2] = [
    ("hold patrol off", "patrols in mayor/daemon.json switches it on again"),
    ("hold ESTOP", "remove the ESTOP file when it is over"),
];

/// What to do about a trouble.
const REMEDIES: [(&str, &str); 5] = [
    ("rigs.json", "mend mayor/rigs.json; it is read again at each look"),
    ("rig ", "mend its entry in mayor/rigs.json"),
    ("spool", "move daemon/requests away; gtd --request makes it anew"),
    ("session ", "give one of the towns a server of its own: gtd.tmux_socket in mayor/daemon.json"),
    ("hold same session", "give one of the rigs another name, or another bead prefix, in mayor/rigs.json"),
];

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
        self.findings.good("rigs", format_args!("{}", snapshot.rigs.len()));
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

    /// How gtd is told the generation.
    pub fn set_gastown(&self) -> String {
        format!("set gtd.gastown to seed, v0.2 or v1.0 in mayor/daemon.json{}", self.reread())
    }

    /// Which Gas Town this is, who says so, and what in the town does not fit it.
    fn generation(&mut self, snapshot: &mut Snapshot) -> Result<(), Stopped> {
        match &snapshot.generation {
            Ok(generation) => {
                self.generation = Some(*generation);
                self.findings.good("generation", format_args!("{generation}: {}", snapshot.generation_why));
                if let (Some(pid), Some(used)) = (self.daemon, &self.history.names)
                    && used.generation != *generation
                {
                    self.findings.note(
                        "generation",
                        format_args!("the daemon that runs uses {} ({})", used.generation, used.why),
                        format_args!("gtd --wake has it ask gt anew; kill -HUP {pid} has it read its configuration"),
                    );
                }
            }
            Err(outage) => {
                let found = format_args!("Gas Town's generation is not known, so agents are held: {outage}");
                self.findings.fault("generation", found, format_args!("{}", self.set_gastown()));
            }
        }
        for misfit in self.world.misfits(snapshot)? {
            self.findings.note("generation", format_args!("{misfit}"), format_args!(""));
        }
        // That they are held for it is not said once more.
        if let Elsewhere::Somebody { text: who, .. } = &snapshot.elsewhere {
            let (found, remedy) = who.split_once(". ").unwrap_or((who, ""));
            let found = format_args!("{found}; gtd begins no second population");
            self.findings.fault("generation", found, format_args!("{}", remedy.replace(REREAD, &self.reread())));
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
        for trouble in &troubles {
            let about = trouble.about.as_str();
            if about.contains("generation unknown") || SAID.iter().any(|start| about.starts_with(start)) {
                continue;
            }
            if about == "bd" {
                // gtd is fully at work without it.
                self.findings.note("reports", format_args!("{}", trouble.text), format_args!(""));
            } else if WANTED.iter().any(|start| about.starts_with(start)) {
                let holds = |verdict: &Verdict| match verdict {
                    Verdict::Hold(hold) => trouble.text.ends_with(&hold.to_string()),
                    _ => false,
                };
                let held = plan.verdicts.iter().find(|(_, verdict)| holds(verdict));
                let until = held.and_then(|(_, verdict)| verdict.otherwise()).unwrap_or_default();
                let end = known(&ENDS, about);
                let end = match about.starts_with("patrol rigs") {
                    true => self.mend(),
                    false => end.unwrap_or(&until).to_owned(),
                };
                self.findings.note("agents", format_args!("{}", trouble.text), format_args!("{end}"));
            } else {
                self.fault_of(trouble);
            }
        }
        self.daemons_conditions(&troubles);
        if let Ok(sessions) = &snapshot.sessions {
            self.findings.good(
                "agents",
                format_args!(
                    "{} supervised, {} on the server",
                    snapshot.agents.len(),
                    count(sessions.len() as u64, "session")
                ),
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
            self.findings.note("agents", format_args!("the daemon says: {text}"), format_args!("{until}"));
        }
    }

    /// What is wrong, and what to do about it. Where the message itself ends with that, it is taken from there.
    fn fault_of(&self, trouble: &Trouble) {
        let text = trouble.text.as_str();
        let say = |found: &str, remedy: Arguments<'_>| self.findings.fault("town", format_args!("{found}"), remedy);
        if text.contains("mayor/rigs.json is not there") {
            let path = self.world.root.join("mayor/rigs.json").display().to_string();
            let path = Quoting::Posix.quote_where_needed(&path);
            return say(text, format_args!("put it back, or begin it anew: echo '{{\"rigs\": {{}}}}' > {path}"));
        }
        if let Some(remedy) = known(&REMEDIES, &trouble.about) {
            return say(text, format_args!("{remedy}"));
        }
        let (_, dir) = text.split_once("its directory ").unwrap_or_default();
        let (_, request) = text.rsplit_once("gtd --request ").unwrap_or_default();
        match trouble.about.split(' ').next().unwrap_or_default() {
            "hold" if trouble.about.starts_with("hold no directory") => {
                let dir = dir.strip_suffix(" is not there").unwrap_or("it");
                // The Deacon is of no rig.
                let rig = if text.contains(" for ") { ", or take its rig out of mayor/rigs.json" } else { "" };
                say(text, format_args!("mkdir -p {}{rig}", Quoting::Posix.quote_where_needed(dir)));
            }
            "loop" | "silent" if !request.is_empty() => {
                let mut words = request.split(' ');
                let [action, agent] = [words.next(), words.next()].map(Option::unwrap_or_default);
                say(text, format_args!("mend what ends it, then gtd --request {action} {agent}"));
            }
            "tmux" => match text.split_once("; kill -USR1 ") {
                Some((found, rest)) => {
                    let pid = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
                    say(&format!("{found})"), format_args!("kill -USR1 {pid} makes the socket anew"));
                }
                None => say(text, format_args!("see what tmux list-sessions says")),
            },
            _ => say(text, format_args!("")),
        }
    }
}

/// What stands beside the first of these beginnings that a trouble's name has.
fn known(table: &[(&str, &'static str)], about: &str) -> Option<&'static str> {
    table.iter().find(|(start, _)| about.starts_with(start)).map(|(_, text)| *text)
}
