//! `gt mail`: the Deacon's inbox, and how mails that were dealt with go.

use super::World;
use super::tool;
use crate::sys::attention::Stopped;
use crate::sys::clock;
use crate::sys::command::Command;
use crate::town::mail::{Kind, Mail, parse_inbox};
use crate::town::outage::Outage;
use crate::town::snapshot::{Inbox, Snapshot};
use std::time::Duration;

/// What the first reading of new mails may take in gt 1.0, where ten of them took 9 s.
const INBOX_TIMEOUT: Duration = Duration::from_secs(90);

impl World {
    /// Reads the Deacon's inbox.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn ask_inbox(&mut self, snapshot: &Snapshot) -> Result<Inbox, Stopped> {
        if snapshot.generation.is_err() {
            return Ok(Inbox::NotAsked);
        }
        let Some(command) = self.gt(INBOX_TIMEOUT) else {
            // Without gt there is no mail either; that it is missing is said when the daemon starts, and by --check.
            return Ok(Inbox::NotAsked);
        };
        let began = clock::now().wall;
        let result = command.args(&["mail", "inbox", "--identity", "deacon/", "--json"]).run(&mut self.attention)?;
        self.own_calls.note(began, clock::now().wall);
        let answer = tool::answer("gt mail inbox", result, true);
        let mails = answer
            .and_then(|output| parse_inbox(&output.stdout).map_err(|why| Outage::new(format!("gt mail inbox: {why}"))));
        Ok(match mails {
            Ok(mut mails) => {
                mails.iter_mut().for_each(forget_ordinary_text);
                Inbox::Read(mails)
            }
            Err(outage) => Inbox::Unknown(outage),
        })
    }

    /// Deletes mails; says of each whether it is gone. Where `gt` takes several ids in a call, they go together.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn delete_mails(&mut self, ids: &[String], at_once: bool) -> Result<Vec<bool>, Stopped> {
        // One that begins with a dash would be an option; no mail's id does.
        if ids.iter().any(|id| id.starts_with('-')) {
            return Ok(vec![false; ids.len()]);
        }
        let mut gone = Vec::with_capacity(ids.len());
        let size = if at_once { ids.len().max(1) } else { 1 };
        for batch in ids.chunks(size) {
            let Some(command) = self.gt(self.config.command_timeout) else {
                gone.resize(ids.len(), false);
                return Ok(gone);
            };
            let command = command.args(&["mail", "delete"]).args(batch);
            let began = clock::now().wall;
            let result = command.run(&mut self.attention)?;
            self.own_calls.note(began, clock::now().wall);
            let is_gone = |id: &String| match &result {
                Ok(output) if output.success => true,
                // What is not there any more is gone too. One that is missing does not keep the rest of a batch.
                Ok(output) => {
                    let missing = format!("{id}: message not found");
                    let unknown = format!("no issue found matching \"{id}\"");
                    let batched = batch.len() > 1 && output.stdout.contains("Deleted ");
                    let failed = format!("{id}: ");
                    output.stdout.contains(&missing)
                        || output.stderr.contains(&unknown)
                        || (batched && !output.stdout.contains(&failed))
                }
                Err(_) => false,
            };
            gone.extend(batch.iter().map(is_gone));
            // One that hangs is enough: agents would wait for the rest as long again for each.
            if matches!(&result, Err(failure) if failure.is_timeout()) {
                gone.resize(ids.len(), false);
                return Ok(gone);
            }
        }
        Ok(gone)
    }

    /// A call of `gt`, if there is one.
    fn gt(&self, timeout: Duration) -> Option<Command> {
        let gt = self.tools.gt.as_ref()?;
        Some(tool::command(gt, &self.root, &self.config).deadline(timeout.max(self.config.command_timeout)))
    }
}

/// Ordinary mail is never touched; only its id is of use.
fn forget_ordinary_text(mail: &mut Mail) {
    if mail.kind() == Kind::Ordinary {
        mail.from.clear();
        mail.subject.clear();
        mail.body.clear();
        mail.sent = None;
    }
}
