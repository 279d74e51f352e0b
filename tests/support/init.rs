//! A socket on which a test hears what a service tells init.

use super::limit::wait_until;
use std::cell::RefCell;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// What init would hear.
#[derive(Debug)]
pub struct Init {
    socket: UnixDatagram,
    /// Where it listens: what `NOTIFY_SOCKET` has to say.
    pub path: PathBuf,
    heard: RefCell<Vec<String>>,
}

impl Init {
    /// Listens in this directory.
    pub fn listen(dir: &Path) -> Init {
        let path = dir.join("init");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        Init { socket, path, heard: RefCell::default() }
    }

    /// All that it has heard so far, a message each.
    pub fn heard(&self) -> Vec<String> {
        let mut heard = self.heard.borrow_mut();
        let mut bytes = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut bytes) {
            heard.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
        }
        heard.clone()
    }

    /// How many of its messages begin like this.
    pub fn count(&self, start: &str) -> usize {
        self.heard().iter().filter(|message| message.starts_with(start)).count()
    }

    /// Waits until so many of its messages begin like this.
    pub fn wait_for(&self, start: &str, count: usize) {
        wait_until(&format!("init hears {start} ({count})"), || self.count(start) >= count);
    }
}
