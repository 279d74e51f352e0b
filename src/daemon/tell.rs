//! Who is told how things stand, at the end of each pass: a person, where one is needed; whoever counts; and init.

use super::Daemon;
use crate::decide::{Telling, Troubles, note_told};
use crate::service::metrics::Now;
use crate::service::notify;
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::files::{self, Access, Durability};
use crate::town::duration::brief;
use crate::town::need::Matter;
use crate::town::plan::Plan;
use crate::town::sorted::{SortedMap, SortedSet};
use crate::town::time::Moment;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The least that `gtd.notify` is granted, even where an agent waits to be started, or something else has happened.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

impl Daemon {
    /// Runs `gtd.notify` for all that is due. Says when to go on, if that was too much for one pass.
    ///
    /// No restart waits for it: one that is due sooner breaks it off, and then it is run again after that. One that fails is
    /// not: what it has done by then nobody knows.
    pub(super) fn tell_person(&mut self, due: &[Telling], plan: &Plan) -> Result<Option<Moment>, Stopped> {
        let Some(line) = self.world.config.notify.clone() else {
            self.not_told = None;
            for over in due.iter().filter(|telling| !telling.begins) {
                note_told(&mut self.history, over);
            }
            return Ok(None);
        };
        let (began, most) = (clock::now(), self.world.config.command_timeout);
        for (number, telling) in due.iter().enumerate() {
            let now = clock::now();
            let is_awaited = self.pending.borrow().is_urgent();
            // One has its turn in any case: what it is about may be over at the next look.
            if number > 0 && (is_awaited || now.since(began) >= most) {
                return Ok(Some(now));
            }
            let object = notify::object(&self.world.root, telling, now);
            let left = if is_awaited { Some(Duration::ZERO) } else { plan.next_start().map(|at| at.since(now)) };
            let patience = left.map_or(most, |left| left.max(LEAST_PATIENCE).min(most));
            let Some(answer) = self.ask_until_called(|world| world.notify(&line, object, patience))? else {
                return Ok(None);
            };
            let failure = match answer {
                Ok(output) if output.success => None,
                Ok(output) => Some(format!("gtd.notify: {}", output.complaint())),
                Err(failure) if failure.is_timeout() && patience < most => return Ok(None),
                Err(failure) => Some(failure.to_string()),
            };
            note_told(&mut self.history, telling);
            self.save(true, Durability::Synced);
            self.not_told = failure;
            if self.not_told.is_some() {
                // The others have their turn at the next look.
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Writes the file for whoever counts, if there is one.
    pub(super) fn count(&mut self, running: bool) {
        let Some(path) = self.metrics_file() else {
            self.not_counted = None;
            return;
        };
        let mut now = Now { agents: Vec::new(), next_heartbeat: self.report.next_heartbeat };
        for status in &self.report.agents {
            let entry = self.history.agent(&status.agent);
            let up = status.state != "foreign" && entry.program.is_some() && entry.gone.is_none();
            now.agents.push((status, up));
        }
        self.not_counted = self.write_metrics(&path, running.then_some(&now));
    }

    /// Says in the file that is written no longer that gtd is not there.
    pub(super) fn leave_metrics_at(&self, path: Option<PathBuf>) {
        if let Some(path) = path {
            let _ = self.write_metrics(&path, None);
        }
    }

    /// Says why the file cannot be written.
    fn write_metrics(&self, path: &Path, now: Option<&Now>) -> Option<String> {
        let text = self.metrics.text(now, self.world.attention.tallies());
        let written = files::write(path, text.as_bytes(), Durability::Lazy, Access::Everybody);
        written.err().map(|error| error.to_string())
    }

    /// Where the file for whoever counts is.
    pub(super) fn metrics_file(&self) -> Option<PathBuf> {
        self.world.config.metrics_file.as_ref().map(|path| self.world.root.join(path))
    }

    /// Takes down the outages for whoever counts.
    pub(super) fn note_outages(&mut self) {
        let mut out = SortedSet::new();
        for need in self.conditions.needs() {
            if let Matter::Outage(supply) = need.what {
                out.insert(supply);
            }
        }
        self.metrics.outages(out);
    }

    /// Tells init that the town is served, and from now on that the main thread gets on with its work.
    pub(super) fn report_for_duty(&mut self) {
        self.init.ready();
        if let Some(every) = self.init.watchdog() {
            let init = self.init.clone();
            self.world.attention.beat(every, move || init.alive());
        }
    }

    /// Tells init how things stand, in a line.
    pub(super) fn tell_init(&self) {
        let mut states: SortedMap<&str, usize> = SortedMap::new();
        for agent in &self.report.agents {
            *states.get_or_default(agent.state.as_str()) += 1;
        }
        let alive = states.remove("alive").unwrap_or(0);
        let mut text = format!("{alive} agent{} alive", if alive == 1 { "" } else { "s" });
        for (state, count) in states {
            text.push_str(&format!(", {count} {state}"));
        }
        if let Some(next) = self.report.next_heartbeat {
            let left = Duration::from_secs((next.since(clock::now()) + Duration::from_millis(500)).as_secs());
            text.push_str(&format!("; next heartbeat in {}", brief(left)));
        }
        self.init.status(&text);
    }

    /// What is wrong with telling.
    pub(super) fn not_telling(&self, found: &mut Troubles) {
        if let Some(why) = &self.not_told {
            let text = format!("{why}; whoever is to be told may not know");
            found.add("notify", text, "gtd.notify is in order again", None);
        }
        if let Some(why) = &self.not_counted {
            found.add("metrics", format!("gtd.metrics_file: {why}"), "gtd.metrics_file can be written again", None);
        }
    }
}
