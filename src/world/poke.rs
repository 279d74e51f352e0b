//! The recipe for pokes: all of them together, in waves of one tmux process each, and none of them blindly.
//!
//! 1. Leave any mode and clear the line; note what the screen shows. 2. After 50 ms, the text. 3. After 100 ms, a look at the
//!    screens. 4. Enter, in a burst of its own, only where the end of the message has come to stand on the screen: a menu
//!    does not echo, and Enter would choose. 5. A last look: where nothing at all has changed, Enter again, at most twice.
//!
//! Whatever is typed is guarded by session, PID and the time of a person's last keystroke, so that nobody's typing is wiped.
//!
//! What a command costs is told by the number of sessions more than by what it does: tmux 3.3a goes through all of them for each,
//! a quarter of a millisecond with a thousand. So one list tells of all panes, one guard is for all of them, and the rest is
//! five commands for an agent: three that type, and two that take the screen.

mod screens;

use super::World;
use super::tmux::script::{guarded, identity, in_braces, is_marked, quote, said, say, tag, together};
use super::tmux::{LINES_PER_SCRIPT, Tmux};
use crate::sys::attention::{Attention, Stopped};
use crate::town::outcome::Delivery;
use crate::town::plan::Addressee;
use crate::town::sorted::sort;
use screens::{Told, ends_at, heading, list, times_shown};
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
        let marked = std::mem::take(&mut self.marked);
        let wave_began = Instant::now();
        let mut round = Round { tmux, attention: &mut self.attention, pokes, results, marked, wave_began };
        round.run()?;
        // Whatever is still open after the last Enter did not react to it.
        let mut results = Vec::with_capacity(pokes.len());
        for result in round.results {
            results.push(result.unwrap_or(Delivery::NotTaken));
        }
        Ok(results)
    }
}

/// What is seen of a pane.
struct Seen {
    /// Where its cursor is: an Enter that only moves that was taken too.
    cursor: String,
    /// What it shows, where that was asked for.
    text: Option<String>,
}

impl Seen {
    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Whether something has changed since, as far as it was asked for.
    fn differs(&self, now: &Seen) -> bool {
        self.cursor != now.cursor || now.text.is_some() && self.text != now.text
    }
}

/// By the number of the poke. It may end before the last.
type Screens = Vec<Option<Seen>>;

fn at(screens: &Screens, number: usize) -> Option<&Seen> {
    screens.get(number)?.as_ref()
}

/// The commands that type to somebody.
type Keys<'k> = &'k dyn Fn(&Poke) -> Vec<String>;

/// The pokes of one heartbeat, on their way.
struct Round<'a> {
    tmux: &'a Tmux,
    attention: &'a mut Attention,
    pokes: &'a [Poke<'a>],
    /// What became of each; `None` while it is under way.
    results: Vec<Option<Delivery>>,
    /// The panes that bear the name of their session as their mark, as tmux has last shown them.
    marked: Vec<u32>,
    wave_began: Instant,
}

impl Round<'_> {
    fn run(&mut self) -> Result<(), Stopped> {
        let before = self.wave(Some(&clear), Some(&|_| true))?;
        self.pause(AFTER_CLEARING)?;
        // What an earlier try has left there, or a program shows that echoes nothing: then the cursor must move. It is seen where it
        // was before the text, since what is typed reaches nobody before tmux has done the whole script.
        let stood = self.at_cursor(&before);
        let look: Option<&dyn Fn(usize) -> bool> = if stood.contains(&true) { Some(&|_| false) } else { None };
        let cleared = self.wave(Some(&|poke| vec![typed(poke, &quote(&poke.text))]), look)?;
        self.pause(AFTER_TEXT)?;
        let mut shown = self.wave(None, Some(&|_| true))?;
        // An interface that draws a cursor of its own leaves tmux's where it pleases.
        let mut at_cursor = self.at_cursor(&shown);
        for (number, stood) in stood.into_iter().enumerate() {
            let cursor = |screens| at(screens, number).map(|seen| seen.cursor.as_str());
            at_cursor[number] &= !stood || cursor(&cleared) != cursor(&shown);
        }
        let pokes = self.pokes;
        let count = |screens: &Screens, number: usize| {
            at(screens, number).map_or(0, |seen| times_shown(seen.text(), &pokes[number].text))
        };
        self.close(&Delivery::NotShown, &|number| {
            !at_cursor[number] && count(&shown, number) <= count(&before, number)
        });
        drop(before);
        for attempt in 0..=MORE_ENTERS {
            // A named Enter does not submit in some agents' builds; a carriage return does.
            self.wave(Some(&|poke| vec![typed(poke, "'\r'")]), None)?;
            self.pause(AFTER_ENTER)?;
            shown = self.settle(shown, &at_cursor)?;
            if self.is_done() || attempt == MORE_ENTERS {
                break;
            }
            self.pause(MORE_TIME)?;
            shown = self.settle(shown, &at_cursor)?;
            if self.is_done() {
                break;
            }
        }
        Ok(())
    }

    /// Whose message ends where the cursor is.
    fn at_cursor(&self, screens: &Screens) -> Vec<bool> {
        let mut at_cursor = Vec::new();
        for (number, poke) in self.pokes.iter().enumerate() {
            let seen = at(screens, number);
            at_cursor.push(seen.is_some_and(|seen| ends_at(seen.text(), &seen.cursor, &poke.text)));
        }
        at_cursor
    }

    /// One look at all that are under way: where anything has changed, the message was taken. Where the message stood at the
    /// cursor, that tells, and the screen is asked for only where it stays.
    fn settle(&mut self, before: Screens, at_cursor: &[bool]) -> Result<Screens, Stopped> {
        let differs = |now: &Screens, number: usize| match (at(&before, number), at(now, number)) {
            (Some(before), Some(now)) => before.differs(now),
            _ => true,
        };
        let now = self.wave(None, Some(&|number| !at_cursor[number]))?;
        self.close(&Delivery::Taken, &|number| differs(&now, number));
        if self.open().into_iter().all(|number| !at_cursor[number]) {
            return Ok(now);
        }
        let now = self.wave(None, Some(&|_| true))?;
        self.close(&Delivery::Taken, &|number| differs(&now, number));
        Ok(now)
    }

    fn pause(&mut self, time: Duration) -> Result<(), Stopped> {
        self.attention.pause(time.saturating_sub(self.wave_began.elapsed()))
    }

    fn is_done(&self) -> bool {
        self.results.iter().all(Option::is_some)
    }

    /// Those that are under way.
    fn open(&self) -> Vec<usize> {
        (0..self.results.len()).filter(|number| self.results[*number].is_none()).collect()
    }

    /// Ends those that are under way and for which `is_over` holds.
    fn close(&mut self, result: &Delivery, is_over: &dyn Fn(usize) -> bool) {
        for (number, open) in self.results.iter_mut().enumerate() {
            if open.is_none() && is_over(number) {
                *open = Some(result.clone());
            }
        }
    }

    /// One process for all that are under way, or for each thousand of them: it types `keys`, where they are given, and looks at
    /// the panes, where `look` is given, with the screens of those for which it holds. Those whose pane is no longer as it was
    /// are over then; where nobody looks, the guard keeps them from being typed into, and the next look tells.
    fn wave(&mut self, keys: Option<Keys>, look: Option<&dyn Fn(usize) -> bool>) -> Result<Screens, Stopped> {
        self.wave_began = Instant::now();
        let mut screens = Screens::new();
        screens.resize_with(self.pokes.len(), || None);
        let mut by_themselves = Vec::new();
        for part in self.open().chunks(LINES_PER_SCRIPT) {
            let tag = tag();
            let mut lines = Vec::new();
            let mut guarded_together = Vec::new();
            if let Some(keys) = keys {
                guarded_together = self.all_marked(part);
                for number in part {
                    if guarded_together.binary_search(number).is_err() {
                        lines.push(self.guarded_alone(*number, keys));
                    }
                }
                if !guarded_together.is_empty() {
                    lines.push(self.guarded_together(&guarded_together, &tag, keys));
                }
            }
            let mut seen = Vec::new();
            if let Some(look) = look {
                lines.push(list(&tag, UNTOUCHED));
                lines.push(heading(&tag));
                for number in part {
                    if look(*number) {
                        seen.push(*number);
                        lines.push(format!("capture-pane -p -t %{}", self.pane(*number)));
                    }
                }
            }
            let text = match self.tmux.run(in_braces(&lines), part.len(), self.attention)? {
                Ok(text) => text,
                Err(outage) => {
                    self.close(&Delivery::Failed(outage.to_string()), &|_| true);
                    return Ok(Screens::new());
                }
            };
            let told = Told::read(&text, &tag);
            if !told.is_typed {
                by_themselves.append(&mut guarded_together);
            }
            if look.is_some() {
                self.note(&told, part, &seen, &mut screens)?;
            }
        }
        let mut lines = Vec::new();
        for number in by_themselves {
            if let Some(keys) = keys
                && self.results[number].is_none()
            {
                lines.push(self.guarded_alone(number, keys));
            }
        }
        self.script(&lines)?;
        Ok(screens)
    }

    /// Notes what has been seen of these pokes' panes.
    fn note(&mut self, told: &Told, part: &[usize], seen: &[usize], screens: &mut Screens) -> Result<(), Stopped> {
        self.marked.clone_from(&told.marked);
        let panes: Vec<u32> = seen.iter().map(|number| self.pane(*number)).collect();
        let mut texts = Vec::new();
        texts.resize_with(self.pokes.len(), || None);
        match told.screens(&panes) {
            Some(screens) => {
                for (number, screen) in seen.iter().zip(screens) {
                    texts[*number] = Some(screen.to_owned());
                }
            }
            // A tmux that shows more or fewer lines of a pane than it has is asked for one after another.
            None => self.each_screen(seen, &mut texts)?,
        }
        for number in part {
            let poke = &self.pokes[*number];
            let wanted = format!("{}/{}", identity(&poke.to.pane), untouched(poke));
            let text = texts[*number].take();
            match told.cursors.get(&(poke.to.pane.id, wanted.as_str())) {
                Some(cursor) if text.is_some() || seen.binary_search(number).is_err() => {
                    screens[*number] = Some(Seen { cursor: (*cursor).to_owned(), text });
                }
                _ => self.results[*number] = Some(Delivery::Stale),
            }
        }
        Ok(())
    }

    /// The screens of these pokes' panes, each after a word of its own: a command more for each.
    fn each_screen(&mut self, seen: &[usize], texts: &mut [Option<String>]) -> Result<(), Stopped> {
        let tag = tag();
        let mut lines = Vec::new();
        for number in seen {
            let pane = &self.pokes[*number].to.pane;
            lines.push(format!("{} ; capture-pane -p -t %{}", say(pane, &tag, *number, ""), pane.id));
        }
        let text = self.script(&lines)?;
        let said = said(&text, &tag);
        for number in seen {
            texts[*number] = said.get(number).map(|said| said.after.to_owned());
        }
        Ok(())
    }

    fn pane(&self, number: usize) -> u32 {
        self.pokes[number].to.pane.id
    }

    /// Those of these whose panes one guard is enough for; none, where they are not worth it.
    fn all_marked(&self, part: &[usize]) -> Vec<usize> {
        let mut marked = part.to_vec();
        marked.retain(|number| is_marked(&self.pokes[*number].to.pane));
        if marked.len() > 1 { marked } else { Vec::new() }
    }

    fn guarded_alone(&self, number: usize, keys: Keys) -> String {
        let poke = &self.pokes[number];
        guarded(&poke.to.pane, Some((UNTOUCHED, &untouched(poke))), &keys(poke))
    }

    fn guarded_together(&self, numbers: &[usize], tag: &str, keys: Keys) -> String {
        let (mut panes, mut ids) = (Vec::new(), Vec::new());
        let mut typed = vec![screens::typed(tag)];
        for number in numbers {
            let poke = &self.pokes[*number];
            panes.push((&poke.to.pane, untouched(poke)));
            ids.push(poke.to.pane.id);
            typed.append(&mut keys(poke));
        }
        sort(&mut ids);
        let mut spared = self.marked.clone();
        spared.retain(|id| ids.binary_search(id).is_err());
        together(&panes, UNTOUCHED, &spared, &typed)
    }

    /// Runs these lines, if there are any.
    fn script(&mut self, lines: &[String]) -> Result<String, Stopped> {
        if lines.is_empty() {
            return Ok(String::new());
        }
        Ok(match self.tmux.script(lines, self.attention)? {
            Ok(text) => text,
            Err(outage) => {
                self.close(&Delivery::Failed(outage.to_string()), &|_| true);
                String::new()
            }
        })
    }
}

/// Leaves any mode and clears the line.
fn clear(poke: &Poke) -> Vec<String> {
    let id = poke.to.pane.id;
    let mut commands = Vec::new();
    if poke.to.in_mode {
        commands.push(format!("copy-mode -q -t %{id}"));
    }
    if poke.to.resize {
        commands.push(resize(id));
    }
    commands.push(format!("send-keys -t %{id} C-u"));
    commands
}

/// Types a word of a script.
fn typed(poke: &Poke, word: &str) -> String {
    format!("send-keys -t %{} -l -- {word}", poke.to.pane.id)
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
