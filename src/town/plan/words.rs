//! A plan in words.

use super::{Awake, Delay, Hold, Leave, Missing, Place, Plan, Rhythm, Verdict};
use crate::town::duration::brief;
use crate::town::request::Source;
use crate::town::shell_line::Quoting;
use crate::town::snapshot::Ended;
use crate::town::time::Moment;
use std::fmt;
use std::time::Duration;

impl Verdict {
    /// What is done, in a word or two.
    pub const fn action(&self) -> &'static str {
        match self {
            Verdict::Hold(_) => "hold",
            Verdict::Leave(_) => "leave",
            Verdict::Wait { .. } => "wait",
            Verdict::Start { place: Place::InPlace(_), .. } => "restart in place",
            Verdict::Start { restart: true, .. } => "restart",
            Verdict::Start { .. } => "start",
            Verdict::Skip(_) => "no poke",
            Verdict::Poke { .. } => "poke",
        }
    }

    /// The reason, with times as they stand at `now`.
    pub fn reason(&self, now: Moment) -> String {
        let reason = self.reason_without_time();
        match self.until() {
            Some(until) => {
                let left = Duration::from_secs((until.since(now) + Duration::from_nanos(999_999_999)).as_secs());
                timed(&reason, left)
            }
            None => reason,
        }
    }

    /// The reason as it stands whatever the time is; [`timed`] adds how long that lasts.
    pub fn reason_without_time(&self) -> String {
        match self {
            Verdict::Hold(hold) => hold.to_string(),
            Verdict::Leave(Leave::Unknown(outage)) => format!("tmux does not answer: {outage}"),
            Verdict::Leave(Leave::Foreign(town)) => format!("the session belongs to another town, {town}"),
            Verdict::Leave(Leave::Moved(session)) => {
                format!("it lives in session {session}, where somebody has moved it")
            }
            Verdict::Leave(Leave::Grace { poke_waits: false, .. }) => "in its grace period".to_owned(),
            Verdict::Leave(Leave::Grace { poke_waits: true, .. }) => {
                "in its grace period; a poke waits for its end".to_owned()
            }
            Verdict::Leave(Leave::Silent { twice: false, .. }) => {
                "a poke has brought no output; poked again".to_owned()
            }
            Verdict::Leave(Leave::Silent { until: Some(_), .. }) => "2 pokes have brought no output; judged".to_owned(),
            Verdict::Leave(Leave::Silent { until: None, .. }) => "pokes bring no output".to_owned(),
            Verdict::Leave(Leave::NoAnswer) => {
                "does not answer, and was restarted for that twice in vain: it needs a person".to_owned()
            }
            Verdict::Leave(Leave::Reports(word)) => format!("reports {word}, but its program lives"),
            Verdict::Leave(Leave::Alive) => "alive".to_owned(),
            Verdict::Wait { absence, why, .. } => format!("{absence}; {why}"),
            Verdict::Start { absence, place, .. } => match place {
                Place::NewWindow => format!("{absence}; in a new window of it"),
                Place::NewSession | Place::InPlace(_) => absence.to_string(),
            },
            Verdict::Skip(Awake::Person) => "a person is typing there".to_owned(),
            Verdict::Skip(Awake::Working) => "it is at work".to_owned(),
            Verdict::Skip(Awake::Synchronized) => {
                "its panes are synchronized: what is typed there would reach others too".to_owned()
            }
            Verdict::Poke { message, .. } => format!("HEARTBEAT: {message}"),
        }
    }
}

impl Verdict {
    /// What would have to be different for another verdict, or what comes next; `None` where there is nothing to say.
    pub fn otherwise(&self) -> Option<String> {
        let text = match self {
            Verdict::Hold(hold) => return Some(format!("until {}", hold.end())),
            Verdict::Leave(leave) => match leave {
                Leave::Unknown(_) => "until tmux answers: unknown is not absent",
                Leave::Foreign(_) => {
                    "until that session is gone or has another name; two towns can have a gtd.tmux_socket each"
                }
                Leave::Moved(_) => "until its program ends, or the session has its name again",
                Leave::Grace { poke_waits: true, .. } => "poked when the grace period is over",
                Leave::Grace { poke_waits: false, .. } => "a heartbeat would wait for the end of the grace period",
                Leave::Silent { .. } => "any output at all is an answer; without one it is restarted (rule 7)",
                Leave::NoAnswer => "until it prints something, or gtd --request restart begins anew",
                Leave::Reports(_) => "poked again when its report says something else",
                Leave::Alive => return None,
            },
            Verdict::Wait { why, .. } => match why {
                Delay::Settling => "started then, unless somebody does so before; gtd --request start does not wait",
                Delay::BackOff(_) | Delay::Quarantine => {
                    "tried then; gtd --request reset ends the waiting, once what ends it is mended"
                }
                Delay::Person => "when nobody has typed there for 5m",
                Delay::Turn => "started then: 5 are started every 2s, the Deacon first",
            },
            Verdict::Start { absence: Missing::Answer { .. }, .. } => "not if it prints anything before",
            Verdict::Start { .. } => "not if it is there again by then",
            Verdict::Skip(Awake::Person) => "poked when nobody has typed there for 1m",
            Verdict::Skip(Awake::Working) => "poked when it has printed nothing for 10s",
            Verdict::Skip(Awake::Synchronized) => "poked when synchronize-panes is off",
            Verdict::Poke { .. } => "not if a person typed there within 1m, or it printed something within 10s",
        };
        Some(text.to_owned())
    }
}

impl Hold {
    /// What ends it.
    fn end(&self) -> String {
        let text = match self {
            Hold::Estop(_) => "the file ESTOP is removed from the town's root",
            Hold::RigEstop(_) => "the rig's file ESTOP.RIG is removed from the town's root",
            Hold::ShuttingDown => "whoever holds daemon/shutdown.lock has ended",
            Hold::PatrolOff => "its patrol is switched on in mayor/daemon.json, and gtd gets SIGHUP",
            Hold::NotListed(_) => "its rig stands there, and gtd gets SIGHUP",
            Hold::NoDirectory(dir) => {
                return format!("that directory is there: mkdir -p {}", Quoting::Posix.quote_where_needed(dir));
            }
            Hold::SameSession(_) => "one of the two has another name or prefix",
            Hold::ShutDown(_) => "gtd --request start, restart or cycle, or until somebody starts it by hand",
            Hold::Asked(_) => "that is done",
            Hold::NoGeneration(_) => {
                "gt names one that gtd knows, or gtd.gastown is set in mayor/daemon.json and gtd gets SIGHUP"
            }
            Hold::GoingDown(_) => "that gt has ended",
            Hold::Parked => "gt rig unpark",
            Hold::Docked(_) => {
                "gt rig undock or unpark; bd is asked again an hour after the last time, and at once after gtd --wake"
            }
            Hold::DockUnknown(_) => "bd answers; it is asked again at each heartbeat",
            Hold::NoAutoRestart => "auto_restart is unset (gt rig config), somebody starts it, or gtd --request start",
            Hold::Paused(_) => "gt deacon resume",
            Hold::Elsewhere(_) => "they have ended, or gtd uses their names",
            Hold::ElsewhereUnknown(_) => "that tmux server answers",
        };
        text.to_owned()
    }
}

/// A reason with the time for which it still stands: what is waited for comes in so long, a grace period lasts so long.
pub fn timed(reason: &str, left: Duration) -> String {
    match reason.split_once("in its grace period") {
        Some(("", rest)) => format!("in its grace period for {}{rest}", brief(left)),
        _ => format!("{reason}: in {}", brief(left)),
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::Estop(reason) if reason.is_empty() => f.write_str("ESTOP"),
            Hold::Estop(reason) => write!(f, "ESTOP: {reason}"),
            Hold::RigEstop(reason) if reason.is_empty() => f.write_str("the rig has an ESTOP of its own"),
            Hold::RigEstop(reason) => write!(f, "the rig has an ESTOP of its own: {reason}"),
            Hold::ShuttingDown => f.write_str("the town is being shut down (daemon/shutdown.lock is held)"),
            Hold::PatrolOff => f.write_str("its patrol is switched off in mayor/daemon.json"),
            Hold::NotListed(role) => write!(f, "not in patrols.{}.rigs of mayor/daemon.json", role.word()),
            Hold::NoDirectory(dir) => write!(f, "its directory {dir} is not there"),
            Hold::SameSession(other) => write!(f, "{other} has the same session name"),
            Hold::ShutDown(Source::Mail(id)) => {
                write!(f, "shut down on request (mail {id}); gtd --request start ends that")
            }
            Hold::ShutDown(Source::Spool(_)) => f.write_str("shut down on request; gtd --request start ends that"),
            Hold::Asked(action) => write!(f, "{action} was asked for and is not done yet"),
            Hold::GoingDown(pid) => write!(f, "the town is being shut down (daemon/shutting-down names PID {pid})"),
            Hold::Parked => f.write_str("its rig is parked"),
            Hold::Docked(label) => write!(f, "its rig is docked ({label})"),
            Hold::DockUnknown(outage) => write!(f, "whether its rig is docked is not known: {outage}"),
            Hold::NoAutoRestart => f.write_str("auto_restart is off for its rig"),
            Hold::Paused(reason) if reason.is_empty() => f.write_str("the Deacon is paused"),
            Hold::Paused(reason) => write!(f, "the Deacon is paused: {reason}"),
            // Who and where is said once, of all who are held for it.
            Hold::Elsewhere(_) => f.write_str("the town's agents live under other names, or on another tmux server"),
            Hold::ElsewhereUnknown(outage) => {
                write!(f, "whether this town's agents live on another tmux server is not known: {outage}")
            }
            Hold::NoGeneration(outage) => write!(f, "Gas Town's generation is not known: {outage}"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Session => f.write_str("no session"),
            Missing::Pane => f.write_str("its pane is gone from its session"),
            Missing::Ended(ended) => write!(f, "ended {ended}"),
            Missing::OnlyShell => f.write_str("only its shell is left"),
            Missing::Answer { unread: 0 } => {
                f.write_str("does not answer: 3 heartbeats in more than 30m brought no output")
            }
            Missing::Answer { unread } => {
                write!(f, "does not answer: 2 pokes brought no output, and {unread} bytes that were typed are unread")
            }
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What shells say of a program that they cannot run.
            Ended::Status(status @ 126) => write!(f, "with exit status {status} (not executable)"),
            Ended::Status(status @ 127) => write!(f, "with exit status {status} (command not found)"),
            Ended::Status(status) => write!(f, "with exit status {status}"),
            Ended::Signal(signal) => write!(f, "by signal {signal}"),
            Ended::Unknown => f.write_str("(tmux does not tell how)"),
        }
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Delay::Settling => f.write_str("settling"),
            Delay::BackOff(n) => write!(f, "back-off before restart {n} within 15m"),
            Delay::Quarantine => f.write_str("quarantined after a restart loop, tried once an hour"),
            Delay::Person => f.write_str("a person is using the shell"),
            Delay::Turn => f.write_str("5 are started at a time"),
        }
    }
}

impl fmt::Display for Rhythm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.idle {
            Some(idle) if idle < Duration::from_secs(1) => {
                write!(f, "every {}, since the town has been idle for under 1s", brief(self.interval))
            }
            Some(idle) => write!(f, "every {}, since the town has been idle for {}", brief(self.interval), brief(idle)),
            None => write!(f, "every {}, since nothing tells how busy the town is", brief(self.interval)),
        }
    }
}

/// One line an agent, then the rhythm.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let names = width(&mut self.verdicts.iter().map(|(id, _)| id.to_string().len()));
        let actions = width(&mut self.verdicts.iter().map(|(_, v)| v.action().len()));
        for (id, verdict) in &self.verdicts {
            let rule = match verdict.rule() {
                0 => String::new(),
                n => format!(" (rule {n})"),
            };
            let (action, reason) = (verdict.action(), verdict.reason(self.now));
            writeln!(f, "{id:names$}  {action:actions$}  {reason}{rule}")?;
        }
        writeln!(f, "heartbeat {}", self.rhythm)
    }
}
