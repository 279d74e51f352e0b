//! What init is told and how the journal reads: `sd_notify(3)` and `JOURNAL_STREAM`, as systemd documents them.
//!
//! A socket that is gone or full stops nothing: whoever supervises has its own patience.

use crate::sys::raw::{self, Wait};
use crate::town::level::Level;
use crate::town::text::clean;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::rc::Rc;
use std::time::Duration;

/// No status is longer.
const LONGEST_STATUS: usize = 200;

/// Where init listens, if it does. Clones write to the same place.
#[derive(Clone, Debug, Default)]
pub struct Init(Option<Rc<Listener>>);

#[derive(Debug)]
struct Listener {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Init {
    /// The one that `NOTIFY_SOCKET` names.
    pub fn find() -> Init {
        Init(env::var_os("NOTIFY_SOCKET").and_then(|name| listener(&name)).map(Rc::new))
    }

    /// The town is served, by this process.
    pub fn ready(&self) {
        self.tell(&format!("READY=1\nMAINPID={}", std::process::id()));
    }

    /// How things stand, in a line.
    pub fn status(&self, text: &str) {
        self.tell(&format!("STATUS={}", clean(text, LONGEST_STATUS)));
    }

    /// The configuration is read anew; [`Init::ready`] says that this is done.
    pub fn reloading(&self) {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", raw::monotonic().as_micros()));
    }

    /// This is the end.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// The main thread gets on with its work.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// How often [`Init::alive`] has to be said: twice within the time after which this process is given up. `None` where
    /// nobody watches, or another process is meant.
    pub fn watchdog(&self) -> Option<Duration> {
        self.0.as_ref()?;
        watchdog(env::var_os("WATCHDOG_USEC")?.to_str()?, env::var_os("WATCHDOG_PID").as_deref(), std::process::id())
    }

    fn tell(&self, text: &str) {
        if let Some(to) = &self.0 {
            let _ = to.socket.send_to_addr(text.as_bytes(), &to.address);
        }
    }
}

fn listener(name: &OsString) -> Option<Listener> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(Listener { socket, address: address(name)? })
}

/// `/path`, or `@name` where the system has names without files.
fn address(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes().split_first()? {
        (b'/', _) => SocketAddr::from_pathname(name).ok(),
        #[cfg(target_os = "linux")]
        (b'@', rest) => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(rest).ok()
        }
        _ => None,
    }
}

fn watchdog(micros: &str, pid: Option<&OsStr>, own: u32) -> Option<Duration> {
    let micros: u64 = micros.parse().ok().filter(|micros| *micros > 0)?;
    let ours = pid.is_none_or(|pid| pid.to_str().and_then(|pid| pid.parse().ok()) == Some(own));
    ours.then(|| Duration::from_micros(micros / 2))
}

/// Whether stderr is the journal's: `JOURNAL_STREAM` names its device and inode. What one has inherited and then redirected
/// is another stream.
pub fn stderr_is_journal() -> bool {
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else { return false };
    let is = File::from(stderr).metadata().map(|meta| format!("{}:{}", meta.dev(), meta.ino()));
    env::var("JOURNAL_STREAM").ok().is_some_and(|named| is.is_ok_and(|is| is == named))
}

/// Writes a line for the journal, which knows the time itself. A journal that takes no more loses it.
pub fn write_to_journal(level: Level, text: &str) {
    let stderr = io::stderr();
    let mut wait = [Wait::writable(stderr.as_fd())];
    if raw::poll(&mut wait, Some(Duration::ZERO)).is_ok() && wait[0].ready {
        let line = format!("<{}>{text}\n", level as u8);
        let _ = stderr.lock().write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a socket has got, without waiting.
    fn got(socket: &UnixDatagram) -> Vec<String> {
        socket.set_nonblocking(true).expect("a socket");
        let mut all = Vec::new();
        let mut bytes = [0; 1000];
        while let Ok(length) = socket.recv(&mut bytes) {
            all.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
        }
        all
    }

    fn init(name: &str) -> Init {
        Init(listener(&name.into()).map(Rc::new))
    }

    #[test]
    fn init_is_told_in_its_own_words_by_either_kind_of_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        let by_path = UnixDatagram::bind(&path).expect("a socket");
        let told = init(path.to_str().expect("a plain path"));
        told.ready();
        told.status("2 agents\nalive");
        told.stopping();
        assert_eq!(
            got(&by_path),
            [format!("READY=1\nMAINPID={}", std::process::id()), "STATUS=2 agents\\nalive".into(), "STOPPING=1".into()]
        );
        #[cfg(target_os = "linux")]
        {
            use std::os::linux::net::SocketAddrExt;
            let name = format!("gtd-test-{}", std::process::id());
            let address = SocketAddr::from_abstract_name(&name).expect("a name");
            let socket = UnixDatagram::bind_addr(&address).expect("a socket");
            let told = init(&format!("@{name}"));
            told.alive();
            told.reloading();
            let got = got(&socket);
            assert_eq!((got.len(), got[0].as_str()), (2, "WATCHDOG=1"));
            let stamp = got[1].strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|n| n.parse::<u64>().ok());
            assert!(stamp.is_some_and(|stamp| stamp > 0), "{got:?}");
        }
    }

    #[test]
    fn a_socket_that_is_gone_full_or_no_name_at_all_stops_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("socket");
        init(path.to_str().expect("a plain path")).ready();
        let _full = UnixDatagram::bind(&path).expect("a socket");
        let told = init(path.to_str().expect("a plain path"));
        for _ in 0..10_000 {
            told.alive();
        }
        for name in ["", "relative", "vsock:2:1", "/\0"] {
            assert!(init(name).0.is_none(), "{name:?}");
        }
    }

    #[test]
    fn the_watchdog_is_fed_twice_in_its_time_by_whom_it_watches() {
        let other = OsString::from("8");
        assert_eq!(watchdog("3000000", None, 7), Some(Duration::from_millis(1500)));
        assert_eq!(watchdog("3000000", Some(&OsString::from("7")), 7), Some(Duration::from_millis(1500)));
        for (micros, pid) in [("3000000", Some(other.as_os_str())), ("0", None), ("", None), ("-1", None), ("1s", None)]
        {
            assert_eq!(watchdog(micros, pid, 7), None, "{micros:?} {pid:?}");
        }
    }
}
