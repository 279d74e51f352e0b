//! Mail, as `gt mail inbox --json` prints it, and what it may ask of gtd.

use super::json::{self, Fields, FromJson};
use super::request::Action;
use super::time::Wall;
use serde_json::Value;

/// A mail of the Deacon's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its id.
    pub id: String,
    /// Who sent it, as `gt` says; `mayor/` and `overseer` prove nothing.
    pub from: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// When it was sent; `None` if that cannot be read.
    pub sent: Option<Wall>,
}

/// What a mail asks for, by its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Nothing that gtd does: it is never touched.
    Ordinary,
    /// A lifecycle request for the agent of this identity; the action, or why there is none.
    Lifecycle(&'a str, Result<Action, &'static str>),
    /// A worker of this rig and name was spawned, in this session if the mail names one.
    Spawned {
        /// `RIG/POLECAT`.
        worker: &'a str,
        /// The `Session:` line.
        session: Option<&'a str>,
        /// The `Issue:` line.
        issue: &'a str,
    },
}

/// Reads an inbox. `null` and `[]` are empty ones; a mail without an id is left out, since nothing could be done with it.
///
/// # Errors
/// Why it is no inbox.
pub fn parse_inbox(text: &str) -> Result<Vec<Mail>, String> {
    let mails: Option<Vec<Mail>> = json::parse(text.as_bytes()).map_err(|error| format!("no inbox: {error}"))?;
    Ok(mails.unwrap_or_default().into_iter().filter(|mail| !mail.id.is_empty()).collect())
}

impl FromJson for Mail {
    fn blank() -> Mail {
        Mail { id: String::new(), from: String::new(), subject: String::new(), body: String::new(), sent: None }
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        let (mut fields, mut sent) = (Fields::of(value)?, String::new());
        fields.fill_if_there("id", &mut self.id);
        fields.fill_if_there("from", &mut self.from);
        fields.fill_if_there("subject", &mut self.subject);
        fields.fill_if_there("body", &mut self.body);
        fields.fill_if_there("timestamp", &mut sent);
        self.sent = Wall::parse(&sent);
        fields.end()
    }
}

impl Mail {
    /// What it asks for.
    pub fn kind(&self) -> Kind<'_> {
        let subject = self.subject.trim();
        if let Some(rest) = after(subject, "LIFECYCLE:")
            && let Some((identity, action)) = rest.split_once(" requesting ")
        {
            return Kind::Lifecycle(identity.trim(), self.action(action));
        }
        match after(subject, "POLECAT_STARTED ") {
            Some(worker) => Kind::Spawned {
                worker: worker.trim(),
                session: self.line("Session:").filter(|session| !session.is_empty()),
                issue: self.line("Issue:").unwrap_or_default(),
            },
            None => Kind::Ordinary,
        }
    }

    /// The body decides; a subject that says something else makes the request unreadable.
    fn action(&self, subject: &str) -> Result<Action, &'static str> {
        let of_body = self.body_action().ok_or("its body names no action")?;
        match Action::from_mail(subject.trim()) {
            Some(of_subject) if of_subject != of_body => Err("its subject and its body name different actions"),
            _ => Ok(of_body),
        }
    }

    /// `{"action":"cycle"}`, `cycle`, `action: cycle`, or several lines with one that reads `Action: cycle`.
    fn body_action(&self) -> Option<Action> {
        let body = self.body.trim();
        if body.starts_with('{') {
            let object: Value = json::parse_value(body).ok()?;
            return Action::from_mail(object.get("action")?.as_str()?);
        }
        Action::from_mail(body).or_else(|| Action::from_mail(self.line("Action:")?))
    }

    fn line(&self, start: &str) -> Option<&str> {
        self.body.lines().find_map(|line| after(line.trim(), start)).map(str::trim)
    }
}

/// What follows `start`, in any case of letters.
fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let head = text.get(..start.len())?;
    head.eq_ignore_ascii_case(start).then(|| &text[start.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mail(subject: &str, body: &str) -> Mail {
        let text = |text: &str| text.to_owned();
        Mail { id: text("1"), from: text("mayor/"), subject: text(subject), body: text(body), sent: None }
    }

    #[test]
    fn all_bodies_that_agents_write_are_read() {
        for body in [
            "{\"action\":\"cycle\"}",
            "{\"action\": \"cycle\", \"why\": 1}",
            "cycle",
            " Cycle\n",
            "action: cycle",
            "Lifecycle request from a/witness.\n\nAction: cycle\nTime: now\n",
        ] {
            let mail = mail("lifecycle: a/witness requesting cycle", body);
            assert_eq!(mail.kind(), Kind::Lifecycle("a/witness", Ok(Action::Cycle)), "{body}");
        }
        let stop = mail("LIFECYCLE: a-witness requesting stop", "stop");
        assert_eq!(stop.kind(), Kind::Lifecycle("a-witness", Ok(Action::Shutdown)));
    }

    #[test]
    fn a_request_that_cannot_be_read_says_why() {
        for body in ["", "lifecycle", "{\"action\":7}", "{", "recycle", "the cycle of life"] {
            let mail = mail("LIFECYCLE: x requesting cycle", body);
            assert_eq!(mail.kind(), Kind::Lifecycle("x", Err("its body names no action")), "{body}");
        }
        let torn = mail("LIFECYCLE: x requesting cycle", "shutdown");
        assert!(matches!(torn.kind(), Kind::Lifecycle("x", Err(_))));
    }

    #[test]
    fn other_mail_is_ordinary() {
        for subject in ["Hello", "LIFECYCLE:Shutdown nux", "LIFECYCLE: nux is done", "POLECAT_STARTED", "", "é"] {
            assert_eq!(mail(subject, "cycle").kind(), Kind::Ordinary, "{subject}");
        }
    }

    #[test]
    fn a_spawn_notice_names_worker_session_and_issue() {
        let notice = mail("POLECAT_STARTED alpha/nux", "Issue: gt-abc\nSession: gt-alpha-nux");
        let spawned = Kind::Spawned { worker: "alpha/nux", session: Some("gt-alpha-nux"), issue: "gt-abc" };
        assert_eq!(notice.kind(), spawned);
        let bare = mail("POLECAT_STARTED alpha/nux", "Session:\n");
        assert_eq!(bare.kind(), Kind::Spawned { worker: "alpha/nux", session: None, issue: "" });
    }

    #[test]
    fn an_empty_inbox_is_null_or_an_empty_list_and_nothing_else() {
        assert_eq!(parse_inbox("null\n"), Ok(vec![]));
        assert_eq!(parse_inbox("[]"), Ok(vec![]));
        for text in ["", "{}", "[", "No mail"] {
            assert!(parse_inbox(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String, subject: String, body: String) {
            let _ = parse_inbox(&text);
            let _ = mail(&subject, &body).kind();
            let _ = mail(&format!("LIFECYCLE:{subject} requesting cycle"), &body).kind();
        }
    }
}
