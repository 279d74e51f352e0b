//! Who may break into a wait. gtd's main thread waits for children and for pauses between keystrokes; while it does, it
//! listens for what the other threads have to say, so that a stop is obeyed at once.

use super::bell::Bell;
use super::raw::{self, Wait};
use super::tally::Tallies;
use std::fmt;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// That gtd has been told to end: what was under way was broken off, and nothing more is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// What there was to be heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// gtd is to end.
    pub stop: bool,
    /// Something has come that no long question is worth waiting for.
    pub back: bool,
}

impl From<bool> for Heard {
    fn from(stop: bool) -> Heard {
        Heard { stop, back: false }
    }
}

/// No beat comes more often: it would be all that the thread does.
const SHORTEST_BEAT: Duration = Duration::from_millis(10);

/// What a waiting thread listens to.
pub struct Attention {
    bell: Option<Bell>,
    heed: Box<dyn FnMut() -> Heard>,
    stopped: bool,
    called_back: bool,
    broke_off: bool,
    beat: Option<Beat>,
    tallies: Tallies,
}

/// What is done again and again while the thread waits, and so for as long as it gets on with its work.
struct Beat {
    every: Duration,
    next: Instant,
    call: Box<dyn FnMut()>,
}

impl fmt::Debug for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attention").field("stopped", &self.stopped).finish_non_exhaustive()
    }
}

impl Attention {
    /// Listens to `bell`; `heed` is called after each ring, empties what waits, and says what it has heard.
    pub fn new<H: Into<Heard>>(bell: Bell, mut heed: impl FnMut() -> H + 'static) -> Attention {
        Attention { heed: Box::new(move || heed().into()), bell: Some(bell), ..Attention::nobody() }
    }

    /// Whether what is under way is not worth waiting for any more. It stays so until [`forget_call`](Self::forget_call).
    pub const fn is_called_back(&self) -> bool {
        self.called_back
    }

    /// Notes that what was under way was broken off for that.
    pub const fn note_broken_off(&mut self) {
        self.broke_off = true;
    }

    /// Forgets that it was called back; says whether anything was broken off.
    pub fn forget_call(&mut self) -> bool {
        self.called_back = false;
        std::mem::take(&mut self.broke_off)
    }

    /// Listens to nobody: for commands that run for a person who can interrupt them.
    pub fn nobody() -> Attention {
        Attention {
            bell: None,
            heed: Box::new(Heard::default),
            stopped: false,
            called_back: false,
            broke_off: false,
            beat: None,
            tallies: Tallies::new(),
        }
    }

    /// Calls `call` now, and from now on at least this often, whatever is waited for.
    pub fn beat(&mut self, every: Duration, call: impl FnMut() + 'static) {
        self.beat = Some(Beat { every: every.max(SHORTEST_BEAT), next: Instant::now(), call: Box::new(call) });
        self.time_to_beat();
    }

    /// The programs that were waited for.
    pub const fn tallies(&self) -> &Tallies {
        &self.tallies
    }

    /// Notes that a program was waited for.
    pub fn note_run(&mut self, program: &str, time: Duration, failed: bool) {
        self.tallies.get_or_default(program.to_owned()).add(time, failed);
    }

    /// Beats, if it is time to; says how long it is to the next beat.
    fn time_to_beat(&mut self) -> Option<Duration> {
        let beat = self.beat.as_mut()?;
        let now = Instant::now();
        if beat.next <= now {
            (beat.call)();
            beat.next = now + beat.every;
        }
        Some(beat.next.saturating_duration_since(now))
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

    /// Waits until one of `waits` is ready, the bell has been heeded, or `timeout` has passed; not longer than until the next
    /// beat is due, so that whoever has more patience waits again.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn listen(&mut self, timeout: Option<Duration>, waits: &mut [Wait]) -> Result<(), Stopped> {
        if self.stopped {
            return Err(Stopped);
        }
        let timeout = match (timeout, self.time_to_beat()) {
            (Some(timeout), Some(beat)) => Some(timeout.min(beat)),
            (timeout, beat) => timeout.or(beat),
        };
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
            let heard = (self.heed)();
            self.stopped = heard.stop;
            self.called_back |= heard.back;
        }
        if self.stopped { Err(Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::bell::bell;
    use crate::sys::command::Command;
    use std::cell::Cell;
    use std::rc::Rc;

    /// An attention that beats every 20 ms, and the count of its beats.
    fn beating() -> (Attention, Rc<Cell<u32>>) {
        let count = Rc::new(Cell::new(0));
        let mut attention = Attention::nobody();
        let beats = Rc::clone(&count);
        attention.beat(Duration::from_millis(20), move || beats.set(beats.get() + 1));
        (attention, count)
    }

    #[test]
    fn it_beats_while_it_pauses_and_while_a_child_says_nothing() {
        let (mut attention, count) = beating();
        assert_eq!(count.get(), 1, "at once");
        attention.pause(Duration::from_millis(500)).expect("nobody stops it");
        let paused = count.replace(0);
        assert!((3..=30).contains(&paused), "{paused} beats");
        let child = Command::new("/bin/sleep", Duration::from_mins(1)).arg("0.5");
        assert!(child.run(&mut attention).expect("nobody stops it").is_ok());
        assert!((3..=30).contains(&count.get()), "{} beats", count.get());
        assert_eq!(attention.tallies().get("sleep").map(|tally| tally.count), Some(1));
    }

    #[test]
    fn it_beats_while_it_waits_for_ever() {
        let (ringer, bell) = bell().expect("a bell");
        let mut attention = Attention::new(bell, || true);
        attention.beat(Duration::ZERO, move || ringer.ring());
        // The first beat has rung already; without it this would never end.
        assert_eq!(attention.wait(), Err(Stopped));
    }

    #[test]
    fn a_beat_does_not_shorten_a_pause() {
        let (mut attention, _) = beating();
        let start = Instant::now();
        attention.pause(Duration::from_millis(300)).expect("nobody stops it");
        assert!(start.elapsed() >= Duration::from_millis(300));
    }
}
