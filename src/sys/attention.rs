//! Who may break into a wait. gtd's main thread waits for children and for pauses between keystrokes; while it does, it
//! listens for what the other threads have to say, so that a stop is obeyed at once.

use super::bell::Bell;
use super::raw::{self, Wait};
use std::fmt;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// That gtd has been told to end: what was under way was broken off, and nothing more is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// What a waiting thread listens to.
pub struct Attention {
    bell: Option<Bell>,
    heed: Box<dyn FnMut() -> bool>,
    stopped: bool,
}

impl fmt::Debug for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attention").field("stopped", &self.stopped).finish_non_exhaustive()
    }
}

impl Attention {
    /// Listens to `bell`; `heed` is called after each ring, empties what waits, and says whether to stop.
    pub fn new(bell: Bell, heed: impl FnMut() -> bool + 'static) -> Attention {
        Attention { bell: Some(bell), heed: Box::new(heed), stopped: false }
    }

    /// Listens to nobody: for commands that run for a person who can interrupt them.
    pub fn nobody() -> Attention {
        Attention { bell: None, heed: Box::new(|| false), stopped: false }
    }

    /// Whether nothing more may be begun.
    ///
    /// # Errors
    /// [`Stopped`], once and for all.
    pub fn check(&mut self) -> Result<(), Stopped> {
        self.listen(Some(Duration::ZERO), &mut [])
    }

    /// Waits for `time`, unless it is told to stop.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn pause(&mut self, time: Duration) -> Result<(), Stopped> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            self.listen(Some(left), &mut [])?;
            if left.is_zero() {
                return Ok(());
            }
        }
    }

    /// Waits for what rings the bell, for ever.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn wait(&mut self) -> Result<(), Stopped> {
        self.listen(None, &mut [])
    }

    /// Waits until one of `waits` is ready, the bell has been heeded, or `timeout` has passed.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn listen(&mut self, timeout: Option<Duration>, waits: &mut [Wait]) -> Result<(), Stopped> {
        if self.stopped {
            return Err(Stopped);
        }
        let mut all = waits.to_vec();
        all.extend(self.bell.as_ref().map(|bell| Wait::readable(bell.as_fd())));
        // A poll that fails (no memory) must not become a busy loop.
        if raw::poll(&mut all, timeout).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        for (wait, polled) in waits.iter_mut().zip(&all) {
            wait.ready = polled.ready;
        }
        if let (Some(bell), Some(true)) = (&self.bell, all.get(waits.len()).map(|w| w.ready)) {
            bell.silence();
            self.stopped = (self.heed)();
        }
        if self.stopped { Err(Stopped) } else { Ok(()) }
    }
}
