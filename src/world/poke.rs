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
use crate::town::sorted::{SortedMap, SortedSet};
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
        Ok(round.results.into_iter().map(|result| result.unwrap_or(Delivery::NotTaken)).collect())
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

/// By the number of the poke.
type Screens = SortedMap<usize, Seen>;

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
        let pokes = self.pokes;
        let counted = |screens: &Screens| -> Vec<usize> {
            let each = pokes.iter().enumerate();
            each.map(|(number, poke)| screens.get(&number).map_or(0, |seen| times_shown(seen.text(), &poke.text)))
                .collect()
        };
        let before = counted(&before);
        self.pause(AFTER_CLEARING)?;
        self.wave(Some(&|poke| vec![typed(poke, &quote(&poke.text))]), None)?;
        self.pause(AFTER_TEXT)?;
        let mut shown = self.wave(None, Some(&|_| true))?;
        // An interface that draws a cursor of its own leaves tmux's where it pleases.
        let at_cursor = |(number, poke): (usize, &Poke)| {
            shown.get(&number).is_some_and(|seen| ends_at(seen.text(), &seen.cursor, &poke.text))
        };
        let at_cursor: Vec<bool> = pokes.iter().enumerate().map(at_cursor).collect();
        let counts = counted(&shown);
        self.close(Delivery::NotShown, |number, _| !at_cursor[number] && counts[number] <= before[number]);
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

    /// One look at all that are under way: where anything has changed, the message was taken. Where the message stood at the
    /// cursor, that tells, and the screen is asked for only where it stays.
    fn settle(&mut self, before: Screens, at_cursor: &[bool]) -> Result<Screens, Stopped> {
        let differs = |now: &Screens, number: usize| match (before.get(&number), now.get(&number)) {
            (Some(before), Some(now)) => before.differs(now),
            _ => true,
        };
        let now = self.wave(None, Some(&|number| !at_cursor[number]))?;
        self.close(Delivery::Taken, |number, _| differs(&now, number));
        if self.open().into_iter().all(|number| !at_cursor[number]) {
            return Ok(now);
        }
        let now = self.wave(None, Some(&|_| true))?;
        self.close(Delivery::Taken, |number, _| differs(&now, number));
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
    fn close(&mut self, result: Delivery, is_over: impl Fn(usize, &Poke) -> bool) {
        for (number, open) in self.results.iter_mut().enumerate().filter(|(_, open)| open.is_none()) {
            if is_over(number, &self.pokes[number]) {
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
        let mut by_themselves = Vec::new();
        for part in self.open().chunks(LINES_PER_SCRIPT) {
            let tag = tag();
            let mut lines = Vec::new();
            let mut guarded_together = Vec::new();
            if let Some(keys) = keys {
                guarded_together = self.all_marked(part);
                let alone = part.iter().filter(|number| guarded_together.binary_search(number).is_err());
                let alone: Vec<String> = alone.map(|number| self.guarded_alone(*number, keys)).collect();
                lines.extend(alone);
                if !guarded_together.is_empty() {
                    lines.push(self.guarded_together(&guarded_together, &tag, keys));
                }
            }
            let mut seen = Vec::new();
            if let Some(look) = look {
                seen.extend(part.iter().copied().filter(|number| look(*number)));
                lines.extend([list(&tag, UNTOUCHED), heading(&tag)]);
                lines.extend(seen.iter().map(|number| format!("capture-pane -p -t %{}", self.pane(*number))));
            }
            let text = match self.tmux.run(in_braces(&lines), part.len(), self.attention)? {
                Ok(text) => text,
                Err(outage) => {
                    self.close(Delivery::Failed(outage.to_string()), |_, _| true);
                    return Ok(Screens::new());
                }
            };
            let told = Told::read(&text, &tag);
            if !told.is_typed {
                by_themselves.extend(guarded_together);
            }
            if look.is_some() {
                self.note(&told, part, &seen, &mut screens)?;
            }
        }
        let lines = keys.map(|keys| {
            let open = by_themselves.iter().filter(|number| self.results[**number].is_none());
            open.map(|number| self.guarded_alone(*number, keys)).collect::<Vec<String>>()
        });
        self.script(&lines.unwrap_or_default())?;
        Ok(screens)
    }

    /// Notes what has been seen of these pokes' panes.
    fn note(&mut self, told: &Told, part: &[usize], seen: &[usize], screens: &mut Screens) -> Result<(), Stopped> {
        self.marked.clone_from(&told.marked);
        let panes: Vec<u32> = seen.iter().map(|number| self.pane(*number)).collect();
        let mut texts: SortedMap<usize, String> = match told.screens(&panes) {
            Some(texts) => seen.iter().copied().zip(texts.into_iter().map(str::to_owned)).collect(),
            // A tmux that shows more or fewer lines of a pane than it has is asked for one after another.
            None => self.each_screen(seen)?,
        };
        for number in part {
            let poke = &self.pokes[*number];
            let wanted = format!("{}/{}", identity(&poke.to.pane), untouched(poke));
            let text = texts.remove(number);
            match told.cursors.get(&(poke.to.pane.id, wanted.as_str())) {
                Some(cursor) if text.is_some() || seen.binary_search(number).is_err() => {
                    screens.insert(*number, Seen { cursor: (*cursor).to_owned(), text });
                }
                _ => self.results[*number] = Some(Delivery::Stale),
            }
        }
        Ok(())
    }

    /// The screens of these pokes' panes, each after a word of its own: a command more for each.
    fn each_screen(&mut self, seen: &[usize]) -> Result<SortedMap<usize, String>, Stopped> {
        let tag = tag();
        let line = |number: &usize| {
            let pane = &self.pokes[*number].to.pane;
            format!("{} ; capture-pane -p -t %{}", say(pane, &tag, *number, ""), pane.id)
        };
        let lines: Vec<String> = seen.iter().map(line).collect();
        let text = self.script(&lines)?;
        Ok(said(&text, &tag).into_iter().map(|(number, said)| (number, said.after.to_owned())).collect())
    }

    fn pane(&self, number: usize) -> u32 {
        self.pokes[number].to.pane.id
    }

    /// Those of these whose panes one guard is enough for; none, where they are not worth it.
    fn all_marked(&self, part: &[usize]) -> Vec<usize> {
        let marked = part.iter().copied().filter(|number| is_marked(&self.pokes[*number].to.pane));
        Some(marked.collect::<Vec<usize>>()).filter(|marked| marked.len() > 1).unwrap_or_default()
    }

    fn guarded_alone(&self, number: usize, keys: Keys) -> String {
        let poke = &self.pokes[number];
        guarded(&poke.to.pane, Some((UNTOUCHED, &untouched(poke))), &keys(poke))
    }

    fn guarded_together(&self, numbers: &[usize], tag: &str, keys: Keys) -> String {
        let pokes = || numbers.iter().map(|number| &self.pokes[*number]);
        let panes: Vec<_> = pokes().map(|poke| (&poke.to.pane, untouched(poke))).collect();
        let ids: SortedSet<u32> = panes.iter().map(|(pane, _)| pane.id).collect();
        let spared: Vec<u32> = self.marked.iter().copied().filter(|id| !ids.contains(id)).collect();
        let typed = std::iter::once(screens::typed(tag)).chain(pokes().flat_map(keys));
        together(&panes, UNTOUCHED, &spared, &typed.collect::<Vec<String>>())
    }

    /// Runs these lines, if there are any.
    fn script(&mut self, lines: &[String]) -> Result<String, Stopped> {
        if lines.is_empty() {
            return Ok(String::new());
        }
        Ok(match self.tmux.script(lines, self.attention)? {
            Ok(text) => text,
            Err(outage) => {
                self.close(Delivery::Failed(outage.to_string()), |_, _| true);
                String::new()
            }
        })
    }
}

/// Leaves any mode and clears the line.
fn clear(poke: &Poke) -> Vec<String> {
    let id = poke.to.pane.id;
    let leave = poke.to.in_mode.then(|| format!("copy-mode -q -t %{id}"));
    let resize = poke.to.resize.then(|| resize(id));
    leave.into_iter().chain(resize).chain([format!("send-keys -t %{id} C-u")]).collect()
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
