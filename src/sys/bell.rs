//! A bell between threads: one end rings, the other waits for it together with other descriptors.
//!
//! A channel cannot be waited for in a poll(2), and a thread that waits for a child's output is in one. Whoever puts
//! something into the channel rings the bell afterwards; who hears it silences it first and empties the channel second,
//! so that nothing which comes in between is missed.

use super::raw::{self, Wait};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// The end that rings. Rings that nobody has heard yet are one.
#[derive(Clone, Debug)]
pub struct Ringer(Arc<UnixStream>);

/// The end that hears.
#[derive(Debug)]
pub struct Bell(UnixStream);

/// A new bell.
///
/// # Errors
/// Where the system has no descriptors left.
pub fn bell() -> io::Result<(Ringer, Bell)> {
    let (ringer, bell) = UnixStream::pair()?;
    ringer.set_nonblocking(true)?;
    bell.set_nonblocking(true)?;
    Ok((Ringer(Arc::new(ringer)), Bell(bell)))
}

impl Ringer {
    /// Rings. A full pipe is a bell that rings already.
    pub fn ring(&self) {
        let _ = (&*self.0).write(&[1]);
    }
}

impl Bell {
    /// Silences the bell, until it is rung again.
    pub fn silence(&self) {
        let mut rings = [0; 64];
        while matches!((&self.0).read(&mut rings), Ok(n) if n == rings.len()) {}
    }

    /// Whether it rings, or begins to within `timeout`; `None` waits for ever.
    pub fn rings_within(&self, timeout: Option<std::time::Duration>) -> bool {
        let mut wait = [Wait::readable(self.as_fd())];
        raw::poll(&mut wait, timeout).is_ok() && wait[0].ready
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
