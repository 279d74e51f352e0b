//! A `gt` that has an inbox, and a `bd` whose beads can be rewritten: what they hold are files beside them, a mail each, so
//! that a test sees what was deleted and what was left alone.

use super::town::Town;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A `gt` whose `mail inbox` prints what lies in `inbox`, the newest first, and whose `mail delete` takes it away. As the
/// seed's it takes one id a call, unless there is a file `gt.many`. What `gt.delete` says is what becomes of a deletion. Its
/// nudge-poller stays.
const GT: &str = r#"#!/bin/sh
dir='@DIR@'
printf '%s %s\n' "$$" "$*" >>"$dir/gt.calls"
mode=answer status=0
[ -r "$dir/gt.mode" ] && read -r mode status <"$dir/gt.mode"
case $mode in
    hang) trap '' TERM; sleep 1000; exit 1 ;;
    flood) exec yes 'too much is not enough' ;;
    fail) echo 'Error: gt is out of order' >&2; exit 1 ;;
    rubbish) printf 'x\377\033[31m{]"'; exit 0 ;;
esac
usage() {
    echo "Error: $1" >&2
    exit 1
}
case "$1 $2" in
    'mail inbox')
        printf '['
        cat "$dir"/inbox/* 2>/dev/null | sed '1s/^,//'
        echo ']'
        ;;
    'mail delete')
        shift 2
        how=do
        [ -r "$dir/gt.delete" ] && read -r how <"$dir/gt.delete"
        case $how in
            refuse) usage 'deleting message: database is locked' ;;
            hang) trap '' TERM; sleep 1000; exit 1 ;;
            slow) sleep 0.05 ;;
        esac
        [ $# -eq 1 ] || [ -e "$dir/gt.many" ] || usage "accepts 1 arg(s), received $#"
        left=
        for id; do
            rm "$dir"/inbox/*."$id" 2>/dev/null || left="$left $id"
        done
        [ -z "$left" ] && { echo '✓ Message deleted'; exit 0; }
        if [ -e "$dir/gt.many" ]; then
            echo '⚠ Deleted some messages'
            for id in $left; do echo "  Error: $id: message not found"; done
            usage 'failed to delete messages'
        fi
        usage "deleting message: no issue found matching \"${left# }\""
        ;;
    nudge-poller*) while :; do sleep 1; done ;;
    *) usage "unknown command $1" ;;
esac
"#;

/// A `bd` that can be told to answer otherwise where one bead alone is asked for, that notes each rewriting, and after it
/// answers what `bd.after` holds. It rewrites nothing in the directory that `bd.not-in` names.
const BD: &str = r#"#!/bin/sh
dir='@DIR@'
printf '%s %s\n' "$$" "$1 $2" >>"$dir/bd.calls"
if [ "$1" = update ]; then
    [ "$(cat "$dir/bd.not-in" 2>/dev/null)" = "$PWD" ] && { echo "Error: no issue found matching $2" >&2; exit 1; }
    printf '%s' "$4" >"$dir/bd.description"
    printf '%s\n' "$PWD" >>"$dir/bd.updated-in"
    [ -e "$dir/bd.after" ] && mv "$dir/bd.after" "$dir/bd.stdout"
    exit 0
fi
[ $# -eq 3 ] && [ -e "$dir/bd.alone" ] && exec cat "$dir/bd.alone"
exec cat "$dir/bd.stdout"
"#;

/// A mail as a test writes it.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its id.
    pub id: String,
    /// Its sender.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// Its body.
    pub body: String,
    /// How long ago it was sent.
    pub age: Duration,
}

impl Letter {
    /// A request that the old `gt` has stamped, sent just now.
    pub fn request(identity: &str, action: &str) -> Letter {
        Letter::new("mayor/", &format!("LIFECYCLE: {identity} requesting {action}"), action)
    }

    /// Any mail, sent just now.
    pub fn new(from: &str, subject: &str, body: &str) -> Letter {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let id = format!("gm-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let text = |text: &str| text.to_owned();
        Letter { id, from: text(from), subject: text(subject), body: text(body), age: Duration::ZERO }
    }

    /// From somebody else.
    pub fn from(mut self, from: &str) -> Letter {
        from.clone_into(&mut self.from);
        self
    }

    /// Another body.
    pub fn body(mut self, body: &str) -> Letter {
        body.clone_into(&mut self.body);
        self
    }

    /// Sent some time ago.
    pub fn ago(mut self, age: Duration) -> Letter {
        self.age = age;
        self
    }

    /// As `gt` prints it.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id, "from": self.from, "to": "deacon/", "subject": self.subject, "body": self.body,
            "timestamp": rfc3339(SystemTime::now() - self.age), "read": false, "priority": "normal",
            "type": "notification", "thread_id": "thread-1",
        })
    }
}

/// A time as everybody writes it here.
pub fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).expect("after the epoch");
    let nanos = i64::try_from(since.as_nanos()).expect("before 2262");
    gtd::town::time::Wall::from_nanos(nanos).rfc3339(0)
}

impl Town {
    /// Gives the town a `gt` with an inbox.
    pub fn open_inbox(&self) {
        fs::create_dir_all(self.notes.join("inbox")).expect("made");
        self.install("gt", GT);
    }

    /// Gives the town a `bd` whose beads can be rewritten.
    pub fn open_beads(&self) {
        self.install("bd", BD);
    }

    fn install(&self, name: &str, text: &str) {
        let text = text.replace("@DIR@", self.notes.to_str().expect("a plain path"));
        super::fakes::program(&self.bin.join(name), &text);
    }

    /// Puts a mail into the inbox, and returns its id. gtd finds it at its next heartbeat.
    pub fn deliver(&self, letter: &Letter) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // The newest comes first, and each name only once.
        let number = 9_999_999 - COUNT.fetch_add(1, Ordering::Relaxed);
        let name = self.notes.join("inbox").join(format!("{number}.{}", letter.id));
        let new = self.notes.join(format!("mail.{}", letter.id));
        fs::write(&new, format!(",{}\n", letter.json())).expect("written");
        fs::rename(new, name).expect("delivered");
        letter.id.clone()
    }

    /// The ids of the mails in the inbox.
    pub fn inbox(&self) -> Vec<String> {
        let entries = fs::read_dir(self.notes.join("inbox")).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut ids: Vec<String> = names.filter_map(|name| Some(name.split_once('.')?.1.to_owned())).collect();
        ids.sort();
        ids
    }

    /// The ids that gtd has wanted to be deleted, in its order.
    pub fn deletions(&self) -> Vec<String> {
        let calls = self.calls("gt").into_iter().filter_map(|call| Some(call.strip_prefix("mail delete ")?.to_owned()));
        calls.flat_map(|ids| ids.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    /// What becomes of deletions from now on: `do`, `refuse`, `hang`.
    pub fn set_deletion(&self, how: &str) {
        super::fakes::replace(&self.notes.join("gt.delete"), &format!("{how}\n"));
    }

    /// Lets `gtd --request` ask for something, as a person does.
    pub fn request(&self, action: &str, agent: &str) -> super::program::Ran {
        self.run(&["--request", action, agent])
    }

    /// The claims that gtd remembers as not done.
    pub fn claims(&self) -> Vec<Value> {
        self.remembered("requests").as_array().cloned().unwrap_or_default()
    }

    /// A part of what gtd remembers.
    pub fn remembered(&self, key: &str) -> Value {
        self.state()["gtd"]["history"][key].clone()
    }

    /// The text of the files in `daemon/screens`, by name.
    pub fn screens(&self) -> Vec<(String, String)> {
        let dir = self.root.join("daemon/screens");
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        let file = |entry: fs::DirEntry| {
            (entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path()).unwrap_or_default())
        };
        let mut files: Vec<(String, String)> = entries.map(file).collect();
        files.sort();
        files
    }
}
