//! The recipe for pokes: all of them together, in waves of one tmux process each, and none of them blindly.
//!
//! 1. Leave any mode and clear the line; note what the screen shows. 2. After 50 ms, the text. 3. After 100 ms, a look at the
//!    screens. 4. Enter, in a burst of its own, only where the end of the message has come to stand on the screen: a menu
//!    does not echo, and Enter would choose. 5. A last look: where nothing at all has changed, Enter again, at most twice.
//!
//! Every line is guarded by session, PID and the time of a person's last keystroke, so that nobody's typing is wiped.

use super::World;
use super::tmux::Tmux;
use super::tmux::script::{IDENTITY, guarded, identity, quote, said, say, tag};
use crate::sys::attention::{Attention, Stopped};
use crate::town::outcome::Delivery;
use crate::town::plan::Addressee;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A message for a pane.
#[derive(Clone, Debug)]
pub struct Poke<'a> {
    /// The agent's pane, as it was when the poke was decided.
    pub to: &'a Addressee,
    /// What is typed.
    pub text: String,
}

// Each pause is reckoned from the beginning of the wave before it: a wave comes to the panes one after another, and the next
// one in the same order, so that every pane gets its distance. With 200 agents a wave takes as long as the shortest pause.

/// From clearing the line to the text.
const AFTER_CLEARING: Duration = Duration::from_millis(50);
/// From the text to the look at the screens: Enter in the same burst could be taken as part of a paste.
const AFTER_TEXT: Duration = Duration::from_millis(100);
/// From Enter to the last look.
const AFTER_ENTER: Duration = Duration::from_millis(60);
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
        let results = vec![None; pokes.len()];
        let wave_began = Instant::now();
        let mut round = Round { tmux, attention: &mut self.attention, pokes, results, wave_began };
        round.run()?;
        // Whatever is still open after the last Enter did not react to it.
        Ok(round.results.into_iter().map(|result| result.unwrap_or(Delivery::NotTaken)).collect())
    }
}

/// What a pane shows, and where its cursor is: an Enter that only moves that was taken too.
type Screens = BTreeMap<usize, (String, String)>;

/// The pokes of one heartbeat, on their way.
struct Round<'a> {
    tmux: &'a Tmux,
    attention: &'a mut Attention,
    pokes: &'a [Poke<'a>],
    /// What became of each; `None` while it is under way.
    results: Vec<Option<Delivery>>,
    wave_began: Instant,
}

impl Round<'_> {
    fn run(&mut self) -> Result<(), Stopped> {
        let before = self.look(|poke| {
            let id = poke.to.pane.id;
            let leave = poke.to.in_mode.then(|| format!("copy-mode -q -t %{id}"));
            let resize = poke.to.resize.then(|| resize(id));
            leave.into_iter().chain(resize).chain([format!("send-keys -t %{id} C-u")]).collect()
        })?;
        self.pause(AFTER_CLEARING)?;
        self.send(|poke| format!("send-keys -t %{} -l -- {}", poke.to.pane.id, quote(&poke.text)))?;
        self.pause(AFTER_TEXT)?;
        let mut shown = self.look(|_| Vec::new())?;
        self.close(Delivery::NotShown, |number, poke| {
            let count = |screens: &Screens| screens.get(&number).map_or(0, |(_, text)| times_shown(text, &poke.text));
            let at_cursor = shown.get(&number).is_some_and(|(cursor, text)| ends_at(text, cursor, &poke.text));
            !at_cursor && count(&shown) <= count(&before)
        });
        for attempt in 0..=MORE_ENTERS {
            // A named Enter does not submit in some agents' builds; a carriage return does.
            self.send(|poke| format!("send-keys -t %{} -l -- '\r'", poke.to.pane.id))?;
            self.pause(AFTER_ENTER)?;
            shown = self.settle(shown)?;
            if self.is_done() || attempt == MORE_ENTERS {
                break;
            }
            self.pause(MORE_TIME)?;
            shown = self.settle(shown)?;
            if self.is_done() {
                break;
            }
        }
        Ok(())
    }

    /// One look at the screens of all that are under way: where anything has changed, the message was taken.
    fn settle(&mut self, before: Screens) -> Result<Screens, Stopped> {
        let now = self.look(|_| Vec::new())?;
        self.close(Delivery::Taken, |number, _| now.get(&number) != before.get(&number));
        Ok(now)
    }

    fn pause(&mut self, time: Duration) -> Result<(), Stopped> {
        self.attention.pause(time.saturating_sub(self.wave_began.elapsed()))
    }

    fn is_done(&self) -> bool {
        self.results.iter().all(Option::is_some)
    }

    /// Ends those that are under way and for which `is_over` holds.
    fn close(&mut self, result: Delivery, is_over: impl Fn(usize, &Poke) -> bool) {
        for (number, open) in self.results.iter_mut().enumerate().filter(|(_, open)| open.is_none()) {
            if is_over(number, &self.pokes[number]) {
                *open = Some(result.clone());
            }
        }
    }

    /// Types into all panes that are under way, without asking what came of it: the next look shows that.
    fn send(&mut self, keys: impl Fn(&Poke) -> String) -> Result<(), Stopped> {
        self.script(|poke, _, _| guarded(&poke.to.pane, Some((UNTOUCHED, &untouched(poke))), &[keys(poke)])).map(drop)
    }

    /// Takes the screens of all that are under way, after `first`. Those whose pane is no longer as it was are over.
    fn look(&mut self, first: impl Fn(&Poke) -> Vec<String>) -> Result<Screens, Stopped> {
        let asked = format!("{IDENTITY}/{UNTOUCHED} #{{cursor_x}},#{{cursor_y}}");
        let (tag, text) = self.script(|poke, tag, number| {
            let mut steps = first(poke);
            if !steps.is_empty() {
                steps = vec![guarded(&poke.to.pane, Some((UNTOUCHED, &untouched(poke))), &steps)];
            }
            steps.push(say(&poke.to.pane, tag, number, &asked));
            steps.push(format!("capture-pane -p -t %{}", poke.to.pane.id));
            steps.join(" ; ")
        })?;
        let mut screens = Screens::new();
        for (number, said) in said(&text, &tag) {
            let poke = &self.pokes[number];
            let wanted = format!("{}/{}", identity(&poke.to.pane), untouched(poke));
            if let Some((found, cursor)) = said.words.split_once(' ')
                && found == wanted
            {
                screens.insert(number, (cursor.to_owned(), said.after.to_owned()));
            }
        }
        self.close(Delivery::Stale, |number, _| !screens.contains_key(&number));
        Ok(screens)
    }

    /// Runs one line for each poke that is under way, all in one process.
    fn script(&mut self, line: impl Fn(&Poke, &str, usize) -> String) -> Result<(String, String), Stopped> {
        let tag = tag();
        let open = self.results.iter().enumerate().filter(|(_, result)| result.is_none());
        let lines: Vec<String> = open.map(|(number, _)| line(&self.pokes[number], &tag, number)).collect();
        if lines.is_empty() {
            return Ok((tag, String::new()));
        }
        self.wave_began = Instant::now();
        let text = match self.tmux.script(&lines, self.attention)? {
            Ok(text) => text,
            Err(outage) => {
                self.close(Delivery::Failed(outage.to_string()), |_, _| true);
                String::new()
            }
        };
        Ok((tag, text))
    }
}

/// Makes a window narrower by a column and as wide as before: its program hears of it. A window for which somebody has chosen how
/// its size is found is left alone, since the choice would be lost.
fn resize(pane: u32) -> String {
    let and_back = format!(
        "resize-window -t %{pane} -L 1 ; resize-window -t %{pane} -R 1 ; set-option -w -u -t %{pane} window-size"
    );
    format!("if-shell -F -t %{pane} '#{{==:#{{window-size}},latest}}' {{ {and_back} }}")
}

/// What must not have changed since the look that the poke came from: a person's last keystroke, that it lives, and that
/// nothing which is typed there reaches other panes.
const UNTOUCHED: &str = "#{session_activity}/#{pane_dead}/#{pane_synchronized}";

/// What [`UNTOUCHED`] must give.
fn untouched(poke: &Poke) -> String {
    format!("{}/0/0", poke.to.last_input)
}

/// How often the end of a message stands on a screen, whatever is drawn between its words.
fn times_shown(screen: &str, message: &str) -> usize {
    let squeeze = |text: &str| text.chars().filter(|c| !is_drawn(*c)).collect::<Vec<char>>();
    let message = squeeze(message);
    let end = &message[message.len().saturating_sub(END_SEEN)..];
    squeeze(screen).windows(end.len().max(1)).filter(|window| *window == end).count()
}

/// Whether a message ends where the cursor is, `COLUMN,ROW`: then it was typed there, even where the same one has just been
/// scrolled off the screen by it.
fn ends_at(screen: &str, cursor: &str, message: &str) -> bool {
    let Some((column, row)) = cursor.split_once(',').and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?))) else {
        return false;
    };
    let (column, row): (usize, usize) = (column, row);
    let squeeze = |text: &str| text.chars().filter(|c| !is_drawn(*c)).collect::<Vec<char>>();
    let above = screen.lines().take(row).collect::<String>();
    let before: String = screen.lines().nth(row).unwrap_or_default().chars().take(column).collect();
    let message = squeeze(message);
    squeeze(&(above + &before)).ends_with(&message[message.len().saturating_sub(END_SEEN)..])
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
        let boxed = "│ > HEARTBEAT: Time to patrol! Check yo │\n│   ur polecats.                        │\n";
        assert_eq!(times_shown(boxed, message), 1);
        assert_eq!(times_shown("Choose: 1. Yes 2. No\n", message), 0);
        assert_eq!(times_shown(&format!("{message}\ngot {message}\n"), message), 2);
        assert_eq!(times_shown("", message), 0);
    }

    #[test]
    fn a_message_at_the_cursor_is_the_one_that_was_typed() {
        let message = "HEARTBEAT: Time to patrol! Check your polecats.";
        let screen = "> HEARTBEAT: Time to patrol! \nCheck your polecats.\n\n";
        assert!(ends_at(screen, "20,1", message));
        assert!(!ends_at(screen, "0,2", &format!("{message}!")));
        assert!(!ends_at(screen, "3,1", message) && !ends_at(screen, "", message) && !ends_at("", "5,5", message));
    }
}
