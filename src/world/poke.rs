//! The recipe for pokes: all of them together, in waves of one tmux process each, and none of them blindly.
//!
//! 1. Leave any mode and clear the line; note what the screen shows. 2. After 50 ms, the text. 3. After 100 ms, a look at the
//!    screens. 4. Enter, in a burst of its own, only where the end of the message has come to stand on the screen: a menu
//!    does not echo, and Enter would choose. 5. A last look: where nothing at all has changed, Enter again, at most twice.
//!
//! Every line is guarded by session, PID and the time of a person's last keystroke, so that nobody's typing is wiped.

use super::World;
use super::tmux::{Answer, Tmux, answers, guarded, quote, tag};
use crate::sys::attention::{Attention, Stopped};
use crate::town::outcome::Delivery;
use crate::town::plan::PaneRef;
use std::collections::BTreeMap;
use std::time::Duration;

/// A message for a pane.
#[derive(Clone, Debug)]
pub struct Poke<'a> {
    /// The agent's pane.
    pub pane: &'a PaneRef,
    /// When a person last typed there, in seconds since the epoch.
    pub last_input: i64,
    /// What is typed.
    pub text: String,
}

/// From clearing the line to the text.
const AFTER_CLEARING: Duration = Duration::from_millis(50);
/// From the text to the look at the screens: Enter in the same burst could be taken as part of a paste.
const AFTER_TEXT: Duration = Duration::from_millis(100);
/// From Enter to the last look.
const AFTER_ENTER: Duration = Duration::from_millis(80);
/// What a slow program gets before Enter is pressed again.
const MORE_TIME: Duration = Duration::from_millis(300);
/// How often Enter is pressed again.
const MORE_ENTERS: usize = 2;
/// So much of a message's end must be seen; what an interface draws around it may cut the rest.
const END_SEEN: usize = 20;

impl World {
    /// Sends the messages and says what became of each, in the same order.
    ///
    /// # Errors
    /// [`Stopped`]: then some may have been typed and not entered; the next poke clears them.
    pub fn poke(&mut self, pokes: &[Poke]) -> Result<Vec<Delivery>, Stopped> {
        let Some(tmux) = &self.tmux else {
            return Ok(vec![Delivery::Failed("there is no tmux".to_owned()); pokes.len()]);
        };
        let mut round = Round { tmux, attention: &mut self.attention, pokes, results: vec![None; pokes.len()] };
        round.run()?;
        let unknown = || Delivery::Failed("tmux did not do it".to_owned());
        Ok(round.results.into_iter().map(|r| r.unwrap_or_else(unknown)).collect())
    }
}

/// The pokes of one heartbeat, on their way.
struct Round<'a> {
    tmux: &'a Tmux,
    attention: &'a mut Attention,
    pokes: &'a [Poke<'a>],
    /// What became of each; `None` while it is under way.
    results: Vec<Option<Delivery>>,
}

impl Round<'_> {
    fn run(&mut self) -> Result<(), Stopped> {
        let before = self.wave(|poke| {
            let id = poke.pane.id;
            let clear = format!("copy-mode -q -t %{id} ; send-keys -t %{id} C-u");
            vec![clear, screen(id)]
        })?;
        self.attention.pause(AFTER_CLEARING)?;
        self.wave(|poke| vec![format!("send-keys -t %{} -l -- {}", poke.pane.id, quote(&poke.text))])?;
        self.attention.pause(AFTER_TEXT)?;
        let mut shown = self.wave(|poke| vec![screen(poke.pane.id)])?;
        for (number, poke) in self.pokes.iter().enumerate() {
            let count = |screens: &BTreeMap<usize, Answer>| {
                let screen = screens.get(&number).map_or("", |answer| answer.text.as_str());
                times_shown(screen, &poke.text)
            };
            if self.results[number].is_none() && count(&shown) <= count(&before) {
                self.results[number] = Some(Delivery::NotShown);
            }
        }
        for attempt in 0..=MORE_ENTERS {
            // A named Enter does not submit in some agents' builds; a carriage return does.
            self.wave(|poke| vec![format!("send-keys -t %{} -l -- '\r'", poke.pane.id)])?;
            self.attention.pause(AFTER_ENTER)?;
            self.settle(&shown)?;
            if self.is_done() {
                return Ok(());
            }
            self.attention.pause(MORE_TIME)?;
            shown = self.settle(&shown)?;
            if self.is_done() {
                return Ok(());
            }
            if attempt == MORE_ENTERS {
                break;
            }
        }
        for result in self.results.iter_mut().filter(|result| result.is_none()) {
            *result = Some(Delivery::NotTaken);
        }
        Ok(())
    }

    /// One look at the screens of all that are under way: where anything has changed, the message was taken.
    fn settle(&mut self, before: &BTreeMap<usize, Answer>) -> Result<BTreeMap<usize, Answer>, Stopped> {
        let now = self.wave(|poke| vec![screen(poke.pane.id)])?;
        for (number, result) in self.results.iter_mut().enumerate() {
            let changed = now.get(&number).is_some_and(|screen| before.get(&number) != Some(screen));
            if result.is_none() && changed {
                *result = Some(Delivery::Taken);
            }
        }
        Ok(now)
    }

    fn is_done(&self) -> bool {
        self.results.iter().all(Option::is_some)
    }

    /// Runs one guarded line for each poke that is under way, all in one process.
    fn wave(&mut self, steps: impl Fn(&Poke) -> Vec<String>) -> Result<BTreeMap<usize, Answer>, Stopped> {
        let tag = tag();
        let under_way = |number: &usize| self.results[*number].is_none();
        let numbers: Vec<usize> = (0..self.pokes.len()).filter(under_way).collect();
        if numbers.is_empty() {
            return Ok(BTreeMap::new());
        }
        let line = |number: &usize| {
            let poke = &self.pokes[*number];
            let untouched = [("session_activity", poke.last_input.to_string()), ("pane_dead", "0".to_owned())];
            guarded(poke.pane, &untouched, &steps(poke), &tag, *number)
        };
        let lines: Vec<String> = numbers.iter().map(line).collect();
        let said = match self.tmux.script(&lines, self.attention)? {
            Ok(text) => answers(&text, &tag),
            Err(outage) => {
                for number in numbers {
                    self.results[number] = Some(Delivery::Failed(outage.to_string()));
                }
                return Ok(BTreeMap::new());
            }
        };
        for number in numbers {
            match said.get(&number) {
                Some(answer) if answer.done => {}
                Some(_) => self.results[number] = Some(Delivery::Stale),
                None => self.results[number] = Some(Delivery::Failed("tmux did not do it".to_owned())),
            }
        }
        Ok(said)
    }
}

/// Prints the screen of a pane, with the place of its cursor: an Enter that only moves that was taken too.
fn screen(id: u32) -> String {
    format!("display-message -p -t %{id} '#{{cursor_x}},#{{cursor_y}}' ; capture-pane -p -t %{id}")
}

/// How often the end of a message stands on a screen, whatever is drawn between its words.
fn times_shown(screen: &str, message: &str) -> usize {
    let squeeze = |text: &str| text.chars().filter(|c| !is_drawn(*c)).collect::<Vec<char>>();
    let message = squeeze(message);
    let end = &message[message.len().saturating_sub(END_SEEN)..];
    // The first line is the cursor's place.
    let screen = squeeze(screen.split_once('\n').map_or("", |(_, screen)| screen));
    screen.windows(end.len().max(1)).filter(|window| *window == end).count()
}

/// Blanks, and what boxes are drawn with.
fn is_drawn(c: char) -> bool {
    c.is_whitespace() || c == '|' || ('\u{2500}'..='\u{259f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_seen_through_wraps_and_boxes() {
        let message = "HEARTBEAT: Time to patrol! Check your polecats.";
        let boxed = "0,0\n│ > HEARTBEAT: Time to patrol! Check yo │\n│   ur polecats.                        │\n";
        assert_eq!(times_shown(boxed, message), 1);
        assert_eq!(times_shown("0,0\nChoose: 1. Yes 2. No\n", message), 0);
        assert_eq!(times_shown(&format!("5,5\n{message}\ngot {message}\n"), message), 2);
        assert_eq!(times_shown("", message), 0);
    }
}
