//! One daemon a town: the lock, the PID file, and who holds them.
//!
//! The lock is the truth, the PID is a note. `daemon/daemon.lock` is locked for the daemon's life and never removed: were it
//! removed, a third daemon could lock a new file while the second still holds the old one. `daemon/daemon.pid` is locked
//! too, so that a PID in it is known to be its holder's: a file that nobody locks may name a stranger by now. It holds bare
//! digits, since the seed's reader does not trim, and is written in place, since it is locked. `gt daemon stop` can unlink
//! both under a living gtd; then they are made anew at the next look. Until then the lock on the directory itself, which no `gt`
//! knows of, keeps a second gtd from starting.

use crate::sys::files::{self, Whose};
use crate::sys::process;
use fs2::FileExt;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a lock is tried for: whoever only looks if it is held gives it back at once, and one that stops needs a
/// moment. Twice this is less than the second in which a second daemon must say that it is one.
const LOCK_PATIENCE: Duration = Duration::from_millis(450);
const LOCK_STEP: Duration = Duration::from_millis(20);

/// Longer than a second daemon tries for the files that it does not get.
const GIVEN_BACK_AFTER: Duration = Duration::from_millis(900);
/// When to look again after that.
pub const CONTESTED_FOR: Duration = Duration::from_secs(1);

/// Proof that this is the town's only daemon.
#[derive(Debug)]
pub struct Instance {
    lock: Held,
    pid: Held,
    /// The directory, locked; `None` where its file system has no such locks.
    dir: Option<File>,
    /// Since when somebody else has one of the files, and which file that is.
    contested: Option<(Instant, Identity)>,
}

#[derive(Debug)]
struct Held {
    path: PathBuf,
    file: File,
}

/// What tells a file from the one that was at its path before: the number of one that was removed is soon given away again, and
/// the time is when it was made, since nothing is done to a lock.
type Identity = Option<(u64, u64, i64, i64)>;

fn identity_at(path: &Path) -> Identity {
    let meta = fs::symlink_metadata(path).ok()?;
    Some((meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec()))
}

/// Why there is no [`Instance`].
#[derive(Debug)]
pub enum Refused {
    /// Another daemon serves this town.
    Running(Holder),
    /// The files cannot be made or locked.
    Failed(files::FileError),
}

/// What became of the files at a look.
#[derive(Debug)]
pub enum Kept {
    /// They are in place.
    Kept,
    /// Somebody else has them for the moment. A second gtd gives them back, since it does not get them all; who has them still
    /// at a look [`CONTESTED_FOR`] later has taken this one's place.
    Contested,
    /// Another daemon has them: this one has to go.
    Lost,
    /// They could not be made anew; the old ones are still locked, and the next look tries again.
    Failed(files::FileError),
}

/// Who holds a town's lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody: no daemon runs.
    Nobody,
    /// A gtd.
    Gtd(u32),
    /// Another program that locks the same file, or a daemon of Gas Town's own of which nothing more can be known; its PID,
    /// if it left one.
    Other(Option<u32>),
    /// Gas Town's own, with the lock, or of the seed's time, which takes none.
    GtDaemon(u32),
}

/// How gtd takes the place of Gas Town's own daemon.
pub const GIVE_WAY: &str = "gt daemon stop, then gtd --background";

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Nobody => f.write_str("nobody"),
            Holder::Gtd(pid) => write!(f, "gtd (PID {pid})"),
            Holder::Other(Some(pid)) => write!(f, "another daemon (PID {pid})"),
            Holder::Other(None) => f.write_str("another daemon"),
            Holder::GtDaemon(pid) => write!(f, "gt daemon (PID {pid})"),
        }
    }
}

/// Where a town's daemon keeps its files.
pub fn daemon_dir(root: &Path) -> PathBuf {
    root.join("daemon")
}

impl Instance {
    /// Becomes the daemon of the town whose `daemon` directory this is. It is made where it is missing.
    ///
    /// # Errors
    /// [`Refused`]: another one runs, or the files cannot be used.
    pub fn take(dir: &Path) -> Result<Instance, Refused> {
        let failed = |verb, path: &Path| {
            let path = path.to_owned();
            move |error| Refused::Failed(files::FileError::new(verb, &path, error))
        };
        fs::create_dir_all(dir).map_err(failed("make", dir))?;
        let taken = |held: io::Result<Option<Held>>, path: &Path| match held {
            Ok(Some(held)) => Ok(held),
            Ok(None) => Err(Refused::Running(holder(dir).unwrap_or(Holder::Other(None)))),
            Err(error) => Err(failed("lock", path)(error)),
        };
        let (lock_path, pid_path) = (dir.join("daemon.lock"), dir.join("daemon.pid"));
        let lock = taken(Held::take(&lock_path), &lock_path)?;
        let Some(own_dir) = patiently(|| lock_dir(dir)) else {
            // Its lock was unlinked, and it has not seen that yet.
            return Err(Refused::Running(gtd_of(&pid_path)));
        };
        if let Some(pid) = unlocked_daemon(&pid_path) {
            return Err(Refused::Running(Holder::GtDaemon(pid)));
        }
        let mut pid = match Held::take(&pid_path) {
            // The same where directories cannot be locked: nobody but a gtd locks this file.
            Ok(None) => return Err(Refused::Running(gtd_of(&pid_path))),
            held => taken(held, &pid_path)?,
        };
        // A note that a full disk keeps from being written is written later; the lock is what counts.
        let _ = pid.write_pid();
        files::remove_temporaries(dir);
        Ok(Instance { lock, pid, dir: own_dir, contested: None })
    }

    /// Makes the files anew if their paths no longer lead to them, or the PID is no longer in its file.
    pub fn keep(&mut self) -> Kept {
        let mut kept = Kept::Kept;
        for (held, is_pid) in [(&mut self.lock, false), (&mut self.pid, true)] {
            if !held.is_at_its_path() {
                // Somebody may have moved the whole directory away.
                let _ = held.path.parent().map(fs::create_dir_all);
                match Held::try_take(&held.path) {
                    Ok(Some(anew)) => *held = anew,
                    Ok(None) => {
                        // Whoever has another file by now is another one, whose time has just begun.
                        let file = identity_at(&held.path);
                        let began = self.contested.filter(|(_, before)| *before == file);
                        let (since, _) = *self.contested.insert(began.unwrap_or_else(|| (Instant::now(), file)));
                        return if since.elapsed() < GIVEN_BACK_AFTER { Kept::Contested } else { Kept::Lost };
                    }
                    Err(error) => kept = Kept::Failed(files::FileError::new("make anew", &held.path, error)),
                }
            }
            if is_pid
                && read_pid(&held.path) != Some(std::process::id())
                && let Err(error) = held.write_pid()
            {
                kept = Kept::Failed(files::FileError::new("write", &held.path, error));
            }
        }
        self.contested = None;
        kept
    }

    /// A clean end: the PID file goes, then both locks.
    pub fn release(&self) {
        if self.pid.is_at_its_path() {
            let _ = fs::remove_file(&self.pid.path);
        }
        for file in [Some(&self.lock.file), Some(&self.pid.file), self.dir.as_ref()].into_iter().flatten() {
            let _ = FileExt::unlock(file);
        }
    }
}

impl Held {
    /// Opens and locks a file, made where it is missing; `None` if somebody holds it for longer than a moment.
    fn take(path: &Path) -> io::Result<Option<Held>> {
        patiently(|| Held::try_take(path).transpose()).transpose()
    }

    /// The same without waiting.
    fn try_take(path: &Path) -> io::Result<Option<Held>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(path)?;
        files::refuse_strange(&file.metadata()?, Whose::Ours)?;
        match FileExt::try_lock_exclusive(&file) {
            Ok(()) => {
                let held = Held { path: path.to_owned(), file };
                // Between open and lock somebody may have put another file there.
                Ok(held.is_at_its_path().then_some(held))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_at_its_path(&self) -> bool {
        let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
        let there = fs::symlink_metadata(&self.path).map(identity).ok();
        there.is_some() && there == self.file.metadata().map(identity).ok()
    }

    fn write_pid(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(std::process::id().to_string().as_bytes())
    }
}

/// Tries again until there is something, but no longer than a lock is waited for.
fn patiently<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        let found = attempt();
        if found.is_some() || Instant::now() >= end {
            return found;
        }
        std::thread::sleep(LOCK_STEP);
    }
}

/// Locks the directory itself. `None`: somebody else has it; `Some(None)`: there is no such lock here, and the files have to do.
fn lock_dir(dir: &Path) -> Option<Option<File>> {
    let Ok(file) = File::open(dir) else { return Some(None) };
    match FileExt::try_lock_exclusive(&file) {
        Ok(()) => Some(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(_) => Some(None),
    }
}

/// Finds out who serves a town, by trying the locks; makes nothing.
///
/// # Errors
/// Where the files cannot be read: then nobody knows.
pub fn holder(dir: &Path) -> Result<Holder, files::FileError> {
    let (lock, pid) = (dir.join("daemon.lock"), dir.join("daemon.pid"));
    if !is_held(&lock)? {
        // Somebody has removed the lock of one that serves, which makes it anew at its next look. Until then its PID file tells.
        if is_held(&pid)?
            && let Some(number) = holder_of(&pid)
        {
            return Ok(Holder::Gtd(number));
        }
        return Ok(match unlocked_daemon(&pid) {
            Some(number) => Holder::GtDaemon(number),
            None if is_held(dir)? => Holder::Other(None),
            None => Holder::Nobody,
        });
    }
    // A gtd that is about to start holds the lock a moment before it has written its PID.
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        let number = read_pid(&pid);
        // What stands in the file may be a stranger's by now, or somebody else's doing: the process itself has to hold the
        // lock, where the system tells.
        let proven = number.filter(|number| process::has_open(*number, &lock) != Some(false));
        if is_held(&pid)?
            && let Some(number) = proven
        {
            return Ok(Holder::Gtd(number));
        }
        if let Some(number) = proven.filter(|number| is_gt_daemon(*number)) {
            return Ok(Holder::GtDaemon(number));
        }
        if !is_held(&lock)? {
            return Ok(Holder::Nobody);
        }
        if Instant::now() >= end {
            return Ok(Holder::Other(proven));
        }
        std::thread::sleep(LOCK_STEP);
    }
}

/// The gtd that holds this PID file.
fn gtd_of(pid_file: &Path) -> Holder {
    holder_of(pid_file).map_or(Holder::Other(None), Holder::Gtd)
}

/// The PID in this file, unless the system tells that its process does not have the file open: then it is a stranger's.
fn holder_of(pid_file: &Path) -> Option<u32> {
    read_pid(pid_file).filter(|number| process::has_open(*number, pid_file) != Some(false))
}

/// Removes the PID file of this process, whose [`Instance`] cannot be reached any more; its locks end with it.
pub fn leave(dir: &Path) {
    let path = dir.join("daemon.pid");
    if read_pid(&path) == Some(std::process::id()) {
        let _ = fs::remove_file(path);
    }
}

/// Puts in order what a daemon that was killed has left: the PID file, which nobody holds, goes. Says whether nobody serves the
/// town, so that its state may be put in order too; while `then` runs, nobody can begin to.
///
/// # Errors
/// What `then` says.
pub fn tidy(dir: &Path, then: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    if !dir.join("daemon.lock").exists() {
        return Ok(());
    }
    let Ok(Some(lock)) = Held::try_take(&dir.join("daemon.lock")) else {
        return Ok(());
    };
    let pid = dir.join("daemon.pid");
    if is_held(&pid).is_ok_and(|held| !held) && unlocked_daemon(&pid).is_none() {
        let _ = fs::remove_file(&pid);
    }
    let done = then();
    drop(lock);
    done
}

fn is_held(path: &Path) -> Result<bool, files::FileError> {
    let failed = |error| files::FileError::new("look at", path, error);
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    let meta = file.metadata().map_err(failed)?;
    if !meta.is_dir() {
        files::refuse_strange(&meta, Whose::Towns).map_err(failed)?;
    }
    match FileExt::try_lock_shared(&file) {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(failed(error)),
    }
}

/// The PID that stands in the file, whoever may have it by now.
pub fn noted_pid(dir: &Path) -> Option<u32> {
    read_pid(&dir.join("daemon.pid"))
}

/// The first line's number: newer daemons put a nonce on the second.
fn read_pid(path: &Path) -> Option<u32> {
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let mut text = String::new();
    options.open(path).ok()?.take(64).read_to_string(&mut text).ok()?;
    text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1)
}

/// A living daemon of the seed's time: known by PID file *and* command line, since a PID alone may be a stranger's.
fn unlocked_daemon(pid_file: &Path) -> Option<u32> {
    read_pid(pid_file).filter(|pid| is_gt_daemon(*pid))
}

/// Whether this is `gt daemon run`, as it is called by itself or through the interpreter of a script.
fn is_gt_daemon(pid: u32) -> bool {
    let args = process::arguments(pid);
    process::given(&args, "gt").is_some_and(|words| words.windows(2).any(|two| two == ["daemon", "run"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_refused_and_the_first_leaves_only_the_lock_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = dir.path().join("daemon");
        let first = Instance::take(&dir).expect("the first");
        let pid = std::process::id();
        assert_eq!(fs::read_to_string(dir.join("daemon.pid")).expect("a PID"), pid.to_string());
        assert_eq!(holder(&dir).expect("known"), Holder::Gtd(pid));
        assert!(matches!(Instance::take(&dir), Err(Refused::Running(Holder::Gtd(p))) if p == pid));
        first.release();
        assert_eq!(holder(&dir).expect("known"), Holder::Nobody);
        assert!(dir.join("daemon.lock").exists() && !dir.join("daemon.pid").exists());
    }

    #[test]
    fn files_that_were_unlinked_are_made_anew_unless_another_has_taken_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut first = Instance::take(dir.path()).expect("the first");
        fs::remove_file(dir.path().join("daemon.lock")).expect("removed");
        fs::remove_file(dir.path().join("daemon.pid")).expect("removed");
        assert!(matches!(first.keep(), Kept::Kept));
        assert_eq!(holder(dir.path()).expect("known"), Holder::Gtd(std::process::id()));
        fs::remove_file(dir.path().join("daemon.lock")).expect("removed");
        let _other = Held::take(&dir.path().join("daemon.lock")).expect("usable").expect("free");
        assert!(matches!(first.keep(), Kept::Contested), "it could be one that gives it back");
        let age = |first: &mut Instance| {
            let (since, _) = first.contested.as_mut().expect("contested");
            *since = since.checked_sub(GIVEN_BACK_AFTER).expect("a time");
        };
        age(&mut first);
        // Another one by now: that of before has given up, and one more tries.
        fs::remove_file(dir.path().join("daemon.lock")).expect("removed");
        let _third = Held::take(&dir.path().join("daemon.lock")).expect("usable").expect("free");
        assert!(matches!(first.keep(), Kept::Contested));
        assert!(matches!(first.keep(), Kept::Contested));
        age(&mut first);
        assert!(matches!(first.keep(), Kept::Lost));
    }

    #[test]
    fn with_both_files_gone_nobody_else_can_begin_before_they_are_made_anew() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut first = Instance::take(dir.path()).expect("the first");
        for name in ["daemon.lock", "daemon.pid"] {
            fs::remove_file(dir.path().join(name)).expect("removed");
        }
        assert_eq!(holder(dir.path()).expect("known"), Holder::Other(None));
        assert!(matches!(Instance::take(dir.path()), Err(Refused::Running(Holder::Other(None)))));
        assert!(matches!(first.keep(), Kept::Kept));
        assert_eq!(holder(dir.path()).expect("known"), Holder::Gtd(std::process::id()));
        first.release();
        assert_eq!(holder(dir.path()).expect("known"), Holder::Nobody);
    }

    #[test]
    fn files_that_another_has_only_for_a_moment_are_taken_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut first = Instance::take(dir.path()).expect("the first");
        for _ in 0..2 {
            fs::remove_file(dir.path().join("daemon.lock")).expect("removed");
            let other = Held::take(&dir.path().join("daemon.lock")).expect("usable").expect("free");
            assert!(matches!(first.keep(), Kept::Contested));
            drop(other);
            assert!(matches!(first.keep(), Kept::Kept));
        }
        assert_eq!(holder(dir.path()).expect("known"), Holder::Gtd(std::process::id()));
    }

    #[test]
    fn a_stale_pid_is_nobodys_and_looking_makes_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(holder(dir.path()).expect("known"), Holder::Nobody);
        fs::write(dir.path().join("daemon.pid"), std::process::id().to_string()).expect("written");
        assert_eq!(holder(dir.path()).expect("known"), Holder::Nobody);
        assert_eq!(fs::read_dir(dir.path()).expect("a listing").count(), 1);
        let lock = File::create(dir.path().join("daemon.lock")).expect("made");
        FileExt::lock_exclusive(&lock).expect("locked");
        assert_eq!(holder(dir.path()).expect("known"), Holder::Other(Some(std::process::id())));
    }

    #[test]
    fn a_pid_that_somebody_else_wrote_is_not_believed_and_is_mended() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut first = Instance::take(dir.path()).expect("the first");
        fs::write(dir.path().join("daemon.pid"), "1234567").expect("written");
        assert_eq!(holder(dir.path()).expect("known"), Holder::Other(None));
        assert!(matches!(first.keep(), Kept::Kept));
        assert_eq!(holder(dir.path()).expect("known"), Holder::Gtd(std::process::id()));
        fs::remove_dir_all(dir.path()).expect("removed");
        assert!(matches!(first.keep(), Kept::Kept));
        assert_eq!(holder(dir.path()).expect("known"), Holder::Gtd(std::process::id()));
    }
}
