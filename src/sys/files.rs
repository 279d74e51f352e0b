//! Files: read with a limit, written whole or not at all, set aside and never lost.
//!
//! gtd's own files are its own: a symbolic link, a fifo or another user's file in their place is refused. The town's files
//! may be links; but nothing that is not a regular file is ever read, so that nobody can make gtd wait.

use super::raw;
use crate::town::sorted::sort;
use crate::town::time::Wall;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// No file that gtd reads is larger.
pub const MOST: u64 = 8 << 20;

/// What went wrong with which file.
#[derive(Debug)]
pub struct FileError {
    verb: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl FileError {
    /// An error for this path.
    pub fn new(verb: &'static str, path: &Path, error: io::Error) -> FileError {
        FileError { verb, path: path.to_owned(), error }
    }

    /// Whether it is the machine that failed, and not the file: what stands in it may be as it should be, and another time it
    /// may be read. A link in the file's place, and one that this user may not open, are the file's own fault.
    pub fn is_the_machines(&self) -> bool {
        const THE_FILES: [i32; 4] = [libc::ELOOP, libc::EACCES, libc::EPERM, libc::ENXIO];
        self.error.raw_os_error().is_some_and(|code| !THE_FILES.contains(&code))
    }

    /// What to do about it, where it is another user's; empty otherwise.
    pub fn remedy(&self) -> &'static str {
        match self.error.kind() {
            io::ErrorKind::PermissionDenied => "run this as the town's user",
            _ => "",
        }
    }

    /// With its remedy, for whoever typed the command.
    pub fn with_remedy(&self) -> String {
        match self.remedy() {
            "" => self.to_string(),
            remedy => format!("{self}; {remedy}"),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.verb, self.path.display(), self.error)
    }
}

/// Whose file it is, and so what may stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The town's: a person may have put a link there.
    Towns,
    /// gtd's own. To root, whose commands look after everybody's towns, every user's is.
    Ours,
    /// gtd's own, and what stands in it is obeyed: another user's is refused even by root.
    OursAlone,
}

/// Who may read what gtd writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Everybody,
    /// Only the user: screens, requests, and what carries them.
    User,
}

/// Whether a file must be on the disk before anything is built on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It must survive a power cut.
    Synced,
    /// Losing the last version is no harm.
    Lazy,
}

/// Reads a whole file; `None` if there is none.
///
/// # Errors
/// A file that cannot be read, is no regular file, is larger than 8 MiB, or, of gtd's own, is somebody else's.
pub fn read(path: &Path, whose: Whose) -> Result<Option<Vec<u8>>, FileError> {
    read_at_most(path, whose, MOST)
}

/// As [`read`], for what is never large.
///
/// # Errors
/// As for [`read`], but for what is larger than `most` bytes.
pub fn read_at_most(path: &Path, whose: Whose, most: u64) -> Result<Option<Vec<u8>>, FileError> {
    let failed = |error| FileError::new("read", path, error);
    let mut options = OpenOptions::new();
    // Without O_NONBLOCK, opening a fifo would wait for a writer.
    let flags = match whose {
        Whose::Towns => libc::O_NONBLOCK,
        Whose::Ours | Whose::OursAlone => libc::O_NONBLOCK | libc::O_NOFOLLOW,
    };
    let file = match options.read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let meta = file.metadata().map_err(failed)?;
    refuse_strange(&meta, whose).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(failed(io::Error::other(format!("it is larger than {} KiB", most >> 10))));
    }
    Ok(Some(bytes))
}

/// Reads the last `most` bytes of a file; nothing where it cannot be read.
pub fn read_end(path: &Path, most: u64) -> Option<Vec<u8>> {
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW;
    let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let meta = file.metadata().ok().filter(fs::Metadata::is_file)?;
    file.seek(io::SeekFrom::Start(meta.len().saturating_sub(most))).ok()?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// How many bytes were typed into a terminal that nobody has read.
///
/// # Errors
/// Where it cannot be opened, or is no terminal.
pub fn unread_bytes(tty: &Path) -> io::Result<u32> {
    // It must neither become gtd's own terminal nor make it wait.
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(tty)?;
    raw::unread_bytes(file.as_fd())
}

/// Whether an open file may be used.
///
/// # Errors
/// What it is instead.
pub fn refuse_strange(meta: &fs::Metadata, whose: Whose) -> io::Result<()> {
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    refuse_strangers(meta, whose)
}

fn refuse_strangers(meta: &fs::Metadata, whose: Whose) -> io::Result<()> {
    if belongs(meta, whose) {
        return Ok(());
    }
    let why = format!("it belongs to another user (UID {})", meta.uid());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

/// Whether something belongs to whom it has to.
pub fn belongs(meta: &fs::Metadata, whose: Whose) -> bool {
    let user = raw::user_id();
    match whose {
        Whose::Towns => true,
        Whose::Ours => meta.uid() == user || user == 0,
        Whose::OursAlone => meta.uid() == user,
    }
}

/// What gtd's temporary files end with, before their number.
const TEMPORARY: &str = ".gtd-tmp-";

/// Writes a file of gtd's own in one step: whoever reads it sees the old version or the new one, whole.
///
/// # Errors
/// Whatever keeps it from being written; the old version stands.
pub fn write(path: &Path, bytes: &[u8], durability: Durability, access: Access) -> Result<(), FileError> {
    let mode = match access {
        Access::Everybody => 0o644,
        Access::User => 0o600,
    };
    // What root puts in the place of a user's file stays that user's: the user's own gtd would refuse it else.
    let heir = fs::symlink_metadata(path).ok().filter(|_| raw::user_id() == 0);
    write_with(path, bytes, durability, mode, heir.as_ref())
}

/// Leaves a new file for the owner of its directory: only that user may read it, and root can leave one too.
///
/// # Errors
/// As for [`write()`].
pub fn leave(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let heir = path.parent().and_then(|dir| fs::symlink_metadata(dir).ok()).filter(|_| raw::user_id() == 0);
    write_with(path, bytes, Durability::Synced, 0o600, heir.as_ref())
}

/// Makes a directory that nobody else may look into, if it is not there; one that others may is closed to them.
///
/// # Errors
/// Those of mkdir(2); what is there and is no directory of ours.
pub fn make_private_dir(path: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::new("make", path, error);
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let meta = fs::symlink_metadata(path).map_err(failed)?;
    if !meta.is_dir() {
        return Err(failed(io::Error::other("it is no directory")));
    }
    refuse_strangers(&meta, Whose::Ours).map_err(failed)?;
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// Sees to it that a directory belongs to whom the one `above` it does; where root has just made it, it is given away.
///
/// # Errors
/// Where it belongs to a third user.
pub fn share_owner(dir: &Path, above: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::new("use", dir, error);
    let (own, theirs) = (fs::symlink_metadata(dir).map_err(failed)?, fs::metadata(above).map_err(failed)?);
    match own.uid() {
        uid if uid == theirs.uid() => Ok(()),
        0 => lchown(dir, Some(theirs.uid()), Some(theirs.gid())).map_err(failed),
        _ => Err(failed(io::Error::other(format!("it belongs to another user than {}", above.display())))),
    }
}

/// As [`write()`], for a file that is somebody else's to read and write too: it keeps its permissions.
///
/// # Errors
/// As for [`write()`].
pub fn rewrite(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), FileError> {
    let meta = fs::symlink_metadata(path).map_err(|error| FileError::new("write", path, error))?;
    let mode = meta.mode() & 0o7777;
    write_with(path, bytes, durability, mode, Some(&meta).filter(|_| raw::user_id() == 0))
}

/// `heir` is what has the owner that the file is to have, where that is not this user.
fn write_with(
    path: &Path,
    bytes: &[u8],
    durability: Durability,
    mode: u32,
    heir: Option<&fs::Metadata>,
) -> Result<(), FileError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let failed = |error| FileError::new("write", path, error);
    if let Ok(meta) = fs::symlink_metadata(path) {
        refuse_strange(&meta, Whose::Ours).map_err(failed)?;
    }
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = sibling(path, &format!("{TEMPORARY}{}-{number}", std::process::id()));
    let give = || match heir {
        Some(heir) => lchown(&temporary, Some(heir.uid()), Some(heir.gid())),
        None => Ok(()),
    };
    let written = write_new(&temporary, bytes, durability, mode).and_then(|()| give());
    let written = written.and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(failed(error));
    }
    if durability == Durability::Synced {
        sync_directory(path).map_err(failed)?;
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8], durability: Durability, mode: u32) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.write_all(bytes)?;
    if durability == Durability::Synced {
        file.sync_all()?;
    }
    Ok(())
}

/// A rename is on the disk when its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Renames a file that cannot be understood to `NAME.corrupt-TIME`, for a person to look at. Says where it is now.
///
/// # Errors
/// Those of rename(2).
pub fn set_aside(path: &Path, now: Wall) -> Result<PathBuf, FileError> {
    let stamp: String = now.rfc3339(0).chars().filter(char::is_ascii_alphanumeric).collect();
    let aside = sibling(path, &format!(".corrupt-{stamp}"));
    fs::rename(path, &aside).map_err(|error| FileError::new("set aside", path, error))?;
    Ok(aside)
}

/// No write takes as long.
const OLD: Duration = Duration::from_mins(1);

/// Removes temporary files that a gtd which was killed has left in `dir`. Only the holder of the lock may.
pub fn remove_temporaries(dir: &Path) {
    remove_temporaries_if(dir, &|_, _| true);
}

/// The same where commands write that take no lock: what a living process writes just now stays.
pub fn remove_temporaries_of_dead(dir: &Path) {
    remove_temporaries_if(dir, &|pid, _| pid == std::process::id() || raw::kill(pid, 0).is_err());
}

/// The same where others write too, and gtds that serve other towns.
pub fn remove_old_temporaries(dir: &Path) {
    let is_old =
        |meta: &fs::Metadata| meta.modified().ok().and_then(|at| at.elapsed().ok()).is_some_and(|age| age > OLD);
    remove_temporaries_if(dir, &|_, meta| is_old(meta));
}

/// Nothing goes but this user's own files whose names are of the very form that gtd gives them.
fn remove_temporaries_if(dir: &Path, is_over: &dyn Fn(u32, &fs::Metadata) -> bool) {
    if !fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir()) {
        return;
    }
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(writer_of) else { continue };
        let Ok(meta) = entry.metadata() else { continue };
        if meta.is_file() && meta.uid() == raw::user_id() && is_over(pid, &meta) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The process that has made a temporary file, by its name.
fn writer_of(name: &str) -> Option<u32> {
    let (_, number) = name.rsplit_once(TEMPORARY).filter(|(name, _)| !name.is_empty())?;
    let (pid, count) = number.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    pid.parse().ok().filter(|_| digits(pid) && digits(count))
}

/// The names in a directory, sorted, as far as they are text; none where it cannot be read.
pub fn names(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        names.extend(entry.file_name().into_string());
    }
    sort(&mut names);
    names
}

/// `path` with something at the end of its name.
pub fn sibling(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(end);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_and_leaves_no_temporary() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state");
        write(&path, b"one", Durability::Synced, Access::Everybody).expect("written");
        write(&path, b"two", Durability::Lazy, Access::User).expect("written");
        assert_eq!(fs::metadata(&path).expect("metadata").mode() & 0o777, 0o600);
        assert_eq!(read(&path, Whose::Ours).expect("read"), Some(b"two".to_vec()));
        assert_eq!(fs::read_dir(dir.path()).expect("a listing").count(), 1);
        assert_eq!(read(&dir.path().join("none"), Whose::Ours).expect("read"), None);
    }

    #[test]
    fn what_is_no_file_of_ours_is_refused_without_waiting() {
        let dir = tempfile::tempdir().expect("a directory");
        let (link, fifo, target) = (dir.path().join("link"), dir.path().join("fifo"), dir.path().join("target"));
        fs::write(&target, "x").expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("mkfifo").success());
        assert!(read(&link, Whose::Ours).is_err());
        assert_eq!(read(&link, Whose::Towns).expect("read"), Some(b"x".to_vec()));
        let write = |path: &Path| write(path, b"y", Durability::Lazy, Access::Everybody);
        assert!(write(&link).is_err());
        assert!(read(&fifo, Whose::Towns).is_err());
        assert!(write(&fifo).is_err());
        assert!(read(dir.path(), Whose::Towns).is_err());
    }

    #[test]
    fn a_corrupt_file_is_set_aside_and_left_over_temporaries_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state.json");
        fs::write(&path, "{").expect("written");
        fs::write(sibling(&path, ".gtd-tmp-1-1"), "half").expect("written");
        let aside = set_aside(&path, Wall::from_seconds(1_795_426_804)).expect("set aside");
        assert!(aside.ends_with("state.json.corrupt-20261123T094004Z"), "{}", aside.display());
        remove_temporaries(dir.path());
        assert_eq!(fs::read_dir(dir.path()).expect("a listing").count(), 1);
    }

    #[test]
    fn where_others_write_too_only_old_files_of_gtds_own_go() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let hour_ago = std::time::SystemTime::now() - Duration::from_hours(1);
        let make = |name: &str, old: bool| {
            let file = File::create(at(name)).expect("made");
            if old {
                file.set_modified(hour_ago).expect("dated");
            }
        };
        make("a.pid.gtd-tmp-123-4", true);
        let kept = [
            "a.pid",
            "a.gtd-tmp-",
            "a.gtd-tmp-1",
            "a.gtd-tmp-1-",
            "a.gtd-tmp-1-2.json",
            "a.gtd-tmp-x-1",
            "a.gtd-tmp-+1-1",
            ".gtd-tmp-1-1",
        ];
        kept.iter().for_each(|name| make(name, true));
        make("a.gtd-tmp-1-1", false);
        fs::create_dir(at("d.gtd-tmp-1-1")).expect("made");
        std::os::unix::fs::symlink(at("a.pid"), at("l.gtd-tmp-1-1")).expect("linked");
        remove_old_temporaries(dir.path());
        let left = fs::read_dir(dir.path()).expect("a listing").count();
        assert_eq!(left, kept.len() + 3);
        assert!(!at("a.pid.gtd-tmp-123-4").exists());
        remove_temporaries(dir.path());
        assert!(!at("a.gtd-tmp-1-1").exists());
        assert_eq!(fs::read_dir(dir.path()).expect("a listing").count(), left - 1);
    }
}
