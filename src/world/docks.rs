//! Docked rigs: a label on the rig's own bead, and in no file, so that `bd` has to be asked.
//!
//! It is asked before a start, never at a look: one process for a rig, 0.07 to 0.25 s where `bd` is well, once an hour as long
//! as the rig's agents stay absent. Where it does not answer, no other rig is asked until the next heartbeat, so that a `bd`
//! that hangs costs 5 s there, and no more. What then becomes of a start is for the rules to say.

use super::World;
use super::tool;
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::command::Output;
use crate::town::agent::Name;
use crate::town::json::parse_value;
use crate::town::names::{Docked, Table};
use crate::town::outage::Outage;
use crate::town::plan::{Hold, Newest, Plan, Verdict, newest};
use crate::town::rigs::Rig;
use crate::town::snapshot::{Dock, Elsewhere, Snapshot};
use crate::town::sorted::{SortedMap, SortedSet};
use crate::town::time::Moment;
use serde_json::Value;
use std::time::Duration;

/// How long an answer stands.
const STANDS: Duration = Duration::from_hours(1);
/// What keeps a rig's agents down. Some releases of `gt` park a rig by a label too, for when the file of that is lost.
const LABELS: [&str; 2] = ["status:docked", "status:parked"];
/// A start waits for the answer: where `bd` takes longer, that counts as none.
const DEADLINE: Duration = Duration::from_secs(5);

/// What is known of docked rigs.
#[derive(Debug, Default)]
pub struct Docks {
    answers: SortedMap<Name, (Dock, Moment)>,
    /// Whether `bd` has given no answer since the last heartbeat.
    out: Option<Outage>,
    /// The rigs of which it has said since then what is no answer.
    unclear: SortedSet<Name>,
}

impl Docks {
    /// The answers that stand.
    pub fn known(&self) -> SortedMap<Name, Dock> {
        let mut known = SortedMap::new();
        for (rig, (dock, _)) in &self.answers {
            known.insert(rig.clone(), dock.clone());
        }
        known
    }

    /// Forgets an outage: `bd` is asked again.
    pub fn try_again(&mut self) {
        self.out = None;
        self.unclear.clear();
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Docks::default();
    }

    fn is_due(&self, rig: &Name, now: Moment) -> bool {
        match self.answers.get(rig) {
            None => true,
            Some((Dock::Unknown(_), _)) => self.out.is_none() && !self.unclear.contains(rig),
            Some((_, at)) => now.since(*at) >= STANDS && self.out.is_none(),
        }
    }

    fn note(&mut self, rig: &Name, dock: Dock, now: Moment) {
        let stands = self.answers.get(rig).filter(|(before, _)| !matches!(before, Dock::Unknown(_)));
        match (&dock, stands) {
            // What bd said last stands.
            (Dock::Unknown(_), Some((before, _))) => {
                let before = before.clone();
                self.answers.insert(rig.clone(), (before, now));
            }
            _ => drop(self.answers.insert(rig.clone(), (dock, now))),
        }
    }
}

impl World {
    /// Finds out whatever a plan's starts depend on, and notes it in the snapshot: whether a second population would be begun,
    /// and whether rigs are docked. Says whether anything was asked, so that the plan has to be made anew.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn ask_before_starts(&mut self, snapshot: &mut Snapshot, plan: &Plan) -> Result<bool, Stopped> {
        self.forget_docks_of_the_living(plan);
        let mut rigs = SortedSet::new();
        for (id, verdict) in &plan.verdicts {
            let waits =
                matches!(verdict, Verdict::Start { .. } | Verdict::Hold(Hold::Docked(_) | Hold::DockUnknown(_)));
            if let Some(rig) = id.rig().filter(|_| waits) {
                rigs.insert(rig.clone());
            }
        }
        self.ask_before(snapshot, newest(plan.starts().map(|(_, first)| first)), &rigs)
    }

    /// The same for whoever is to be started, and their rigs.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn ask_before(
        &mut self,
        snapshot: &mut Snapshot,
        newest: Option<Newest>,
        rigs: &SortedSet<Name>,
    ) -> Result<bool, Stopped> {
        let mut asked = false;
        // A tmux server that is none of the town's, and hangs, delays no restart twice.
        let worth = |newest| newest == Newest::First || !self.no_answer_elsewhere || !self.former.is_empty();
        if newest.is_some_and(worth) && snapshot.elsewhere == Elsewhere::NotAsked {
            self.look_elsewhere(snapshot)?;
            asked = true;
        }
        for rig in rigs {
            asked |= self.ask_dock(snapshot, rig)?;
        }
        if asked {
            snapshot.docks = self.docks.known();
        }
        Ok(asked)
    }

    /// The answers that stand.
    pub fn known_docks(&self) -> SortedMap<Name, Dock> {
        self.docks.known()
    }

    /// Has `bd` asked again before the next start, whatever it said.
    pub fn forget_docks(&mut self) {
        self.docks.clear();
    }

    /// Lets a `bd` or a tmux server that did not answer be asked again.
    pub fn ask_again(&mut self) {
        self.docks.try_again();
        self.no_answer_elsewhere = false;
    }

    /// A rig whose agents live is asked for anew when one is missing: it may be docked only since then.
    fn forget_docks_of_the_living(&mut self, plan: &Plan) {
        let absent = |verdict: &Verdict| {
            let held = matches!(verdict, Verdict::Hold(Hold::Docked(_) | Hold::DockUnknown(_)));
            held || matches!(verdict, Verdict::Start { .. } | Verdict::Wait { .. })
        };
        let is_absent = |rig: &Name| plan.verdicts.iter().any(|(id, verdict)| id.rig() == Some(rig) && absent(verdict));
        self.docks.answers.retain(|rig, _| is_absent(rig));
    }

    /// Asks whether a rig is docked, if that is due; says whether there is anything new.
    fn ask_dock(&mut self, snapshot: &Snapshot, name: &Name) -> Result<bool, Stopped> {
        let now = clock::now();
        let Ok(generation) = snapshot.generation else { return Ok(false) };
        let from = generation.table().holds.docked;
        let rig = snapshot.rigs.iter().find(|rig| rig.name == *name);
        // Without bd nobody can have docked it.
        let (Some(rig), Some(bd)) = (rig, &self.tools.bd) else { return Ok(false) };
        if from == Docked::Never || !self.docks.is_due(name, now) {
            return Ok(false);
        }
        if let Some(outage) = self.docks.out.clone() {
            self.docks.note(name, Dock::Unknown(outage), now);
            return Ok(true);
        }
        let bead = Table::rig_bead(rig);
        let dir = if from == Docked::FromRig { self.rig_dir(rig) } else { self.root.clone() };
        let deadline = DEADLINE.min(self.config.command_timeout);
        let command = tool::command(bd, &dir, &self.config).args(&["show", &bead, "--json"]).deadline(deadline);
        let answer = tool::answer("bd show", command.run(&mut self.attention)?, false);
        // One that hangs would hang for the next rig too; one that complains may do so of this rig's database alone.
        self.docks.out = answer.as_ref().err().cloned();
        let dock = answer.and_then(|output| is_docked(&output, &bead)).unwrap_or_else(Dock::Unknown);
        if matches!(dock, Dock::Unknown(_)) {
            self.docks.unclear.insert(name.clone());
        }
        self.docks.note(name, dock, now);
        Ok(true)
    }

    fn rig_dir(&self, rig: &Rig) -> std::path::PathBuf {
        self.root.join(rig.name.as_str())
    }
}

/// What `bd show` says of a rig's bead. Another bead in its place (ids resolve by substring) means that there is none of this
/// very name; that there is none means that nobody has docked the rig.
fn is_docked(output: &Output, bead: &str) -> Result<Dock, Outage> {
    let beads: Result<Value, _> = parse_value(output.stdout.trim());
    match beads {
        Ok(Value::Array(beads)) if output.success => {
            let own = beads.iter().find(|found| found.get("id").is_some_and(|id| id == bead));
            let labels = own.and_then(|own| own.get("labels")?.as_array());
            let has = |label: &&&str| labels.is_some_and(|labels| labels.iter().any(|own| own == **label));
            let docked = LABELS.iter().find(has);
            Ok(docked.map_or(Dock::Free, |label| Dock::Docked(format!("{label} on {bead}"))))
        }
        _ if super::beads::says_missing(output, bead) => Ok(Dock::Free),
        _ => Err(Outage::new(format!("bd show {bead}: {}", super::beads::complaint(output)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(text: &str) -> Result<Dock, Outage> {
        let call: Value = serde_json::from_str(text).expect("a recorded call");
        let word = |key: &str| call[key].as_str().expect(key).to_owned();
        let output =
            Output { success: call["exit"] == 0, stdout: word("stdout"), stderr: word("stderr"), ..Output::default() };
        is_docked(&output, call["argv"][2].as_str().expect("a bead"))
    }

    #[test]
    fn a_docked_rig_is_known_by_its_label_where_it_is_asked_for_in_the_right_place() {
        let docked = Ok(Dock::Docked("status:docked on bt-rig-beta".to_owned()));
        for (text, wanted) in [
            (include_str!("../../tests/data/v0.2/bd-show-rig-docked.json"), docked.clone()),
            (include_str!("../../tests/data/v0.2/bd-show-rig-undocked.json"), Ok(Dock::Free)),
            (include_str!("../../tests/data/v1.0/bd-show-rig-docked.json"), docked),
            (include_str!("../../tests/data/v1.0/bd-show-rig-undocked.json"), Ok(Dock::Free)),
            // The town's database knows nothing of it: this is why it is asked from the rig's directory.
            (include_str!("../../tests/data/v1.0/bd-show-rig-docked-from-town-root.json"), Ok(Dock::Free)),
            (include_str!("../../tests/data/v1.0/bd-show-substring.json"), Ok(Dock::Free)),
        ] {
            assert_eq!(recorded(text), wanted);
        }
        let parked =
            include_str!("../../tests/data/v1.0/bd-show-rig-docked.json").replace("status:docked", "status:parked");
        assert_eq!(recorded(&parked), Ok(Dock::Docked("status:parked on bt-rig-beta".to_owned())));
        for text in [
            include_str!("../../tests/data/v1.0/bd-show-outside-town.json"),
            include_str!("../../tests/data/seed/bd-show-locked-rig-db.json"),
        ] {
            assert!(recorded(text).is_err());
        }
    }
}
