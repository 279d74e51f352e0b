//! The conditions that a person should know of, each of which is said when it begins and when it ends.

use super::event::lost;
use crate::town::agent::{AgentId, Role};
use crate::town::history::History;
use crate::town::need::{Matter, Need, Supply};
use crate::town::plan::{Hold, Leave, Plan, Verdict};
use crate::town::snapshot::{Inbox, Reports, Snapshot, Trouble};
use crate::town::sorted::SortedSet;
use crate::town::text::{REREAD, clean, shown};

/// What is wrong now, and what was not looked into, so that nobody says it is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// The conditions that hold.
    pub now: Vec<Trouble>,
    /// Beginnings of the names of conditions that this look could not see.
    pub not_examined: Vec<&'static str>,
}

/// The conditions of the town as a snapshot and the plan for it show them.
pub fn troubles(snapshot: &Snapshot, history: &History, plan: &Plan) -> Troubles {
    let mut found = Troubles { now: snapshot.troubles.clone(), not_examined: Vec::new() };
    found.outages(snapshot);
    found.unknown_rigs(snapshot);
    let mut said = SortedSet::new();
    for (id, verdict) in &plan.verdicts {
        found.verdict(id, verdict, &mut said);
        if history.agent(id).quarantined.is_some() {
            let text = format!(
                "{} is in quarantine after a restart loop (5 within 15m): tried once an hour until it runs for 30m; \
                 gtd --request reset {id} ends that",
                id.label()
            );
            let need = Need::at_once(Matter::Loop(id.clone()));
            found.add(&format!("loop {id}"), text, &format!("{} is out of quarantine", id.label()), Some(need));
        }
    }
    if let Some(deaths) = &history.deaths {
        let over = format!("All {} agents are back", deaths.agents.len());
        found.add("deaths", lost(&deaths.agents), &over, Some(Need::at_once(Matter::Deaths)));
    }
    found
}

impl Troubles {
    /// Who gives no answer.
    fn outages(&mut self, snapshot: &Snapshot) {
        if let Err(outage) = &snapshot.sessions {
            self.add(
                "tmux",
                format!("tmux does not answer ({outage}); no agent is started or ended"),
                "tmux answers again",
                Some(Need::outage(Supply::Tmux)),
            );
            self.not_examined.extend(["session ", "loop ", "silent "]);
        }
        match &snapshot.reports {
            Reports::NotAsked => self.not_examined.push("bd"),
            // That it is missing was said when gtd started, and --check says it.
            Reports::Asked(_) | Reports::NoTool => {}
            Reports::Unknown(outage) => {
                self.add(
                    "bd",
                    format!("bd gives no usable answer ({outage}); tmux alone tells"),
                    "bd answers again",
                    Some(Need::outage(Supply::Bd)),
                );
            }
        }
        match &snapshot.inbox {
            Inbox::NotAsked => self.not_examined.push("inbox"),
            Inbox::Read(_) => {}
            Inbox::Unknown(outage) => {
                self.add(
                    "inbox",
                    format!("The Deacon's mail cannot be read ({outage})"),
                    "The Deacon's mail can be read again",
                    Some(Need::outage(Supply::Gt)),
                );
            }
        }
    }

    /// Rigs that a patrol list names and the town does not have.
    fn unknown_rigs(&mut self, snapshot: &Snapshot) {
        // Where the rigs could not be read nobody knows which there are.
        if !snapshot.troubles.iter().any(|trouble| trouble.about == "rigs.json") {
            for role in [Role::Witness, Role::Refinery] {
                let is_there = |name: &&str| snapshot.rigs.iter().any(|rig| rig.name.as_str() == *name);
                for name in snapshot.config.patrolled_rigs(role).filter(|name| !is_there(name)) {
                    let what = format!("patrols.{}.rigs of mayor/daemon.json", role.word());
                    let text = format!("{what} names {}, which is no rig of this town", shown(name, 100));
                    self.add(
                        &format!("patrol rigs {} {name}", role.word()),
                        text,
                        &format!("{what} is in order again"),
                        None,
                    );
                }
            }
        }
    }

    /// What a verdict means for a person; what `said` holds was said of another agent.
    fn verdict<'v>(&mut self, id: &AgentId, verdict: &'v Verdict, said: &mut SortedSet<(String, &'v str)>) {
        match verdict {
            Verdict::Hold(hold) => {
                let about = match hold {
                    Hold::Estop(_) | Hold::ShuttingDown | Hold::GoingDown(_) | Hold::NoGeneration(_) => {
                        "all agents".to_owned()
                    }
                    Hold::Elsewhere(_) | Hold::ElsewhereUnknown(_) => "agents that are not up".to_owned(),
                    Hold::RigEstop(_) | Hold::Parked | Hold::Docked(_) | Hold::DockUnknown(_) | Hold::NoAutoRestart => {
                        format!("the agents of {}", id.rig().map_or("", |rig| rig.as_str()))
                    }
                    Hold::PatrolOff
                    | Hold::NotListed(_)
                    | Hold::NoDirectory(_)
                    | Hold::SameSession(_)
                    | Hold::ShutDown(_)
                    | Hold::Paused(_)
                    | Hold::Asked(_) => id.label(),
                };
                let kind = hold.kind();
                if said.insert((about.clone(), kind)) {
                    let why = match hold {
                        Hold::Elsewhere(who) => who.clone(),
                        hold => clean(&hold.to_string(), 400),
                    };
                    let text = format!("Holding {about}: {why}{}", remedy(hold));
                    let need = matches!(hold, Hold::NoGeneration(_)).then(|| Need::outage(Supply::Gt));
                    let over = format!("No longer holding {about} ({kind})");
                    self.add(&format!("hold {kind} {about}"), text, &over, need);
                }
            }
            Verdict::Leave(Leave::NoAnswer) => {
                let text = format!(
                    "{} does not answer, and was restarted for that twice in vain; it needs a person, and \
                     gtd --request restart {id} begins anew",
                    id.label()
                );
                let need = Need::at_once(Matter::Silent(id.clone()));
                self.add(&format!("silent {id}"), text, &format!("{} answers again", id.label()), Some(need));
            }
            Verdict::Leave(Leave::Foreign(town)) => {
                let text = format!(
                    "The session of {} belongs to another town ({}); it is left alone",
                    id.label(),
                    clean(town, 200)
                );
                let need = Need::at_once(Matter::Foreign(id.clone()));
                let over = format!("The session of {} is free again", id.label());
                self.add(&format!("session {id}"), text, &over, Some(need));
            }
            _ => {}
        }
    }

    /// Adds a condition: its name, what is wrong, what is said when it is over, and whom it needs.
    pub fn add(&mut self, about: &str, text: String, over: &str, need: Option<Need>) {
        self.now.push(Trouble { about: about.to_owned(), text, over: over.to_owned(), need });
    }
}

/// What a person has to do about a hold, where nobody else will.
fn remedy(hold: &Hold) -> String {
    match hold {
        Hold::NoGeneration(_) => format!("; set gtd.gastown in mayor/daemon.json{REREAD}"),
        _ => String::new(),
    }
}

impl Hold {
    /// One word for the kind of hold.
    const fn kind(&self) -> &'static str {
        match self {
            Hold::Estop(_) => "ESTOP",
            Hold::RigEstop(_) => "ESTOP of the rig",
            Hold::ShuttingDown => "shutdown",
            Hold::PatrolOff | Hold::NotListed(_) => "patrol off",
            Hold::NoDirectory(_) => "no directory",
            Hold::SameSession(_) => "same session",
            Hold::ShutDown(_) => "shut down",
            Hold::Asked(_) => "request",
            Hold::NoGeneration(_) => "generation unknown",
            Hold::GoingDown(_) => "shutdown by gt down",
            Hold::Parked => "parked",
            Hold::Docked(_) => "docked",
            Hold::DockUnknown(_) => "dock unknown",
            Hold::NoAutoRestart => "auto_restart off",
            Hold::Paused(_) => "paused",
            Hold::Elsewhere(_) => "living elsewhere",
            Hold::ElsewhereUnknown(_) => "elsewhere unknown",
        }
    }
}
