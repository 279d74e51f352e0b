//! `bd show`: what the agents say of themselves, all of them in one call.
//!
//! The answer may hold fewer beads than were asked for, others (ids resolve by substring), the same one twice, in any
//! order, or prose. So the ids that come back are compared with those that were asked for, and everything that is not
//! an answer is an outage: silence is not "missing".

use super::tool;
use crate::decide::A_DAY;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::command::{Command, Output};
use crate::town::answers::LeftOut;
use crate::town::json::parse_value;
use crate::town::outage::Outage;
use crate::town::snapshot::{Report, Reports};
use crate::town::sorted::SortedMap;
use crate::town::time::Wall;
use serde_json::Value;

/// What an answer teaches.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What the beads say.
    pub reports: Reports,
    /// When each was last written.
    pub times: Times,
    /// A bead that made the whole call fail, and whether `bd` says that there is none of that name.
    pub spoilt_by: Option<(String, bool)>,
}

/// Asks for the reports of these beads.
///
/// # Errors
/// [`Stopped`]. Whatever else goes wrong is a value.
pub fn ask(bd: Command, beads: &[&str], attention: &mut Attention) -> Result<Answer, Stopped> {
    if beads.is_empty() {
        return Ok(Answer { reports: Reports::Asked(SortedMap::new()), ..Answer::default() });
    }
    let command = bd.arg("show").args(beads).arg("--json");
    let answer = tool::answer("bd show", command.run(attention)?, false);
    Ok(match answer {
        Err(outage) => Answer { reports: Reports::Unknown(outage), ..Answer::default() },
        Ok(output) => Answer {
            reports: reports(&output, beads).map_or_else(Reports::Unknown, Reports::Asked),
            times: times(&output.stdout),
            spoilt_by: spoilt_by(&output, beads),
        },
    })
}

/// The same, where `bd`'s own daemon answers: one id that it does not know makes the whole call fail there, and is the only one
/// that it names. That one is left out from then on; and the others are asked for once more, past that daemon, since then
/// `bd` answers for those that it knows, however many it does not.
///
/// # Errors
/// [`Stopped`].
pub fn ask_again(
    bd: &Command,
    beads: &[&str],
    left_out: &mut SortedMap<String, LeftOut>,
    now: Wall,
    attention: &mut Attention,
) -> Result<Answer, Stopped> {
    // What spoils the call for another reason than that there is none may have passed.
    let lasts = |out: &LeftOut| if out.missing { A_DAY } else { A_DAY / 24 };
    left_out
        .retain(|bead, out| beads.contains(&bead.as_str()) && out.since <= now && now.since(out.since) < lasts(out));
    let mut wanted: Vec<&str> = beads.iter().copied().filter(|bead| !left_out.contains_key(*bead)).collect();
    let mut answer = ask(bd.clone(), &wanted, attention)?;
    if let Some((bead, missing)) = answer.spoilt_by.take() {
        wanted.retain(|other| *other != bead);
        left_out.insert(bead, LeftOut { since: now, missing });
        answer = ask(bd.clone().arg("--no-daemon"), &wanted, attention)?;
    }
    if let Reports::Asked(reports) = &mut answer.reports {
        for (bead, out) in left_out.iter() {
            let report = if out.missing { Report::Missing } else { Report::Unknown };
            reports.insert(bead.clone(), report);
        }
    }
    Ok(answer)
}

/// `{"error":"resolving ID gt-x: …"}` in place of the list: of several beads this one alone has made the call fail.
fn spoilt_by(output: &Output, beads: &[&str]) -> Option<(String, bool)> {
    if output.success || beads.len() < 2 {
        return None;
    }
    let object: Value = parse_value(&output.stdout).ok()?;
    let (bead, why) = object.get("error")?.as_str()?.strip_prefix("resolving ID ")?.split_once(':')?;
    beads.contains(&bead).then(|| (bead.to_owned(), why.contains("no issue found matching")))
}

/// When each bead was last written.
pub type Times = SortedMap<String, Wall>;

fn times(stdout: &str) -> Times {
    let mut times = Times::new();
    let Ok(Value::Array(beads)) = parse_value(stdout.trim()) else { return times };
    let text = |bead: &'_ Value, key: &str| bead.get(key).and_then(Value::as_str).map(str::to_owned);
    for bead in beads {
        if let (Some(id), Some(at)) = (text(&bead, "id"), text(&bead, "updated_at"))
            && let Some(at) = Wall::parse(&at)
        {
            times.insert(id, at);
        }
    }
    times
}

/// The report of each bead that was asked for.
fn reports(output: &Output, beads: &[&str]) -> Result<SortedMap<String, Report>, Outage> {
    let found = parse_show(&output.stdout)?;
    let mut reports = SortedMap::new();
    for bead in beads {
        let report = match found.get(*bead) {
            Some(state) => Report::Says(state.clone()),
            None if says_missing(output, bead) => Report::Missing,
            None => Report::Unknown,
        };
        reports.insert((*bead).to_owned(), report);
    }
    // A broken or locked database answers with nothing, exit status 0, and a line on stderr.
    let complains = !output.success || !output.stderr.trim().is_empty();
    let says_nothing = found.is_empty() && reports.values().any(|report| *report == Report::Unknown);
    if says_nothing && complains {
        return Err(Outage::new(format!("bd show: {}", complaint(output))));
    }
    Ok(reports)
}

/// Newer releases put the error into an object on stdout.
pub(super) fn complaint(output: &Output) -> String {
    let object: Option<Value> = parse_value(&output.stdout).ok();
    let error = object.as_ref().and_then(|o| o.get("error")?.as_str());
    error.map_or_else(|| output.complaint(), |error| crate::town::text::clean(error, 200))
}

pub(super) fn says_missing(output: &Output, bead: &str) -> bool {
    let wanted = format!("no issue found matching \"{bead}\"");
    output.stderr.contains(&wanted) || complaint(output).contains(&wanted)
}

/// The `agent_state` of each bead in what `bd show --json` printed. Nothing, `null`, `[]` and the prose that some
/// releases print in spite of `--json` are an answer: none.
///
/// # Errors
/// An outage, where it is none of these.
pub fn parse_show(stdout: &str) -> Result<SortedMap<String, String>, Outage> {
    let text = stdout.trim();
    if text.is_empty() || text.starts_with("No issues found") {
        return Ok(SortedMap::new());
    }
    let beads = match parse_value(text) {
        Ok(Value::Array(beads)) => beads,
        Ok(Value::Null) => Vec::new(),
        Ok(Value::Object(object)) if object.contains_key("error") => Vec::new(),
        Ok(_) => return Err(Outage::new("bd show: the answer is no list")),
        Err(error) => return Err(Outage::new(format!("bd show: the answer is not JSON: {error}"))),
    };
    let mut states = SortedMap::new();
    for bead in &beads {
        if let Some(id) = bead.get("id").and_then(Value::as_str) {
            states.insert(id.to_owned(), agent_state(bead));
        }
    }
    Ok(states)
}

/// The field where it is there and not empty, else the line of the description; empty where neither says anything.
fn agent_state(bead: &Value) -> String {
    let text = |key: &str| bead.get(key).and_then(Value::as_str).unwrap_or_default();
    let line = || {
        let state = text("description").lines().find_map(|line| line.trim().strip_prefix("agent_state:"));
        state.map(str::trim).filter(|word| *word != "null")
    };
    match text("agent_state") {
        "" => line().unwrap_or_default().to_owned(),
        word => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = parse_show(&text);
        }
    }
}
