//! What panes show while messages are typed into them: how tmux is asked for all of them at once, and whether a message is
//! seen there.

use crate::town::sorted::SortedMap;
use crate::world::tmux::script::{IDENTITY, IS_MARKED};

/// So much of a message's end must be seen; what an interface draws around it may cut the rest.
const END_SEEN: usize = 20;

/// The line of a script that makes tmux tell of every pane: one command for all of them, where a question to each would be one
/// for each. `besides` is a format, said after who the pane is.
pub fn list(tag: &str, besides: &str) -> String {
    let fields = "#{pane_id} #{cursor_x},#{cursor_y} #{pane_height}";
    format!("list-panes -a -F '{tag} pane {fields} {IS_MARKED} {IDENTITY}/{besides}'")
}

/// The line after which nothing but screens comes.
pub fn heading(tag: &str) -> String {
    format!("display-message -p '{tag} screens'")
}

/// The command that says that what was guarded together is typed.
pub fn typed(tag: &str) -> String {
    format!("display-message -p '{tag} typed'")
}

/// What tmux has told.
#[derive(Debug, Default)]
pub struct Told<'a> {
    /// Where the cursor of a pane is, by its id and by who it is: it may be shown by several sessions.
    pub cursors: SortedMap<(u32, &'a str), &'a str>,
    /// How many lines each pane has.
    heights: SortedMap<u32, usize>,
    /// The panes that bear the name of their session as their mark.
    pub marked: Vec<u32>,
    /// Whether [`typed`] was said.
    pub is_typed: bool,
    /// The screens, one after another.
    screens: &'a str,
}

impl<'a> Told<'a> {
    /// Reads what a script with [`list`] and [`heading`] has said.
    pub fn read(text: &'a str, tag: &str) -> Told<'a> {
        let heading = format!("{tag} screens\n");
        let (listed, screens) = text.split_once(&heading).unwrap_or((text, ""));
        let typed = format!("{tag} typed");
        let is_typed = listed.lines().any(|line| line == typed);
        let mut told = Told { is_typed, screens, ..Told::default() };
        let start = format!("{tag} pane %");
        for line in listed.lines().filter_map(|line| line.strip_prefix(&start)) {
            let mut fields = line.splitn(5, ' ');
            let mut next = || fields.next().unwrap_or_default();
            let (id, cursor, height, marked, who) = (next(), next(), next(), next(), next());
            let (Ok(id), Ok(height)) = (id.parse(), height.parse()) else { continue };
            told.cursors.insert((id, who), cursor);
            told.heights.insert(id, height);
            if marked == "1" {
                told.marked.push(id);
            }
        }
        told
    }

    /// The screens of these panes, which were asked for in this order: a line of text for each of a pane's lines, and nothing of
    /// one that is not there. `None` where that does not come out even.
    pub fn screens(&self, panes: &[u32]) -> Option<Vec<&'a str>> {
        let mut rest = self.screens;
        let mut take = |pane: &u32| {
            let height = self.heights.get(pane).copied().unwrap_or(0);
            let end = match height {
                0 => 0,
                _ => rest.match_indices('\n').nth(height - 1)?.0 + 1,
            };
            let (screen, after) = rest.split_at(end);
            rest = after;
            Some(screen)
        };
        let screens = panes.iter().map(&mut take).collect::<Option<Vec<&str>>>()?;
        rest.is_empty().then_some(screens)
    }
}

/// How often the end of a message stands on a screen, whatever is drawn between its words.
pub fn times_shown(screen: &str, message: &str) -> usize {
    let message = squeeze(message);
    let end = &message[message.len().saturating_sub(END_SEEN)..];
    squeeze(screen).windows(end.len().max(1)).filter(|window| *window == end).count()
}

/// Whether a message ends where the cursor is, `COLUMN,ROW`: then it was typed there, even where the same one has just been
/// scrolled off the screen by it.
pub fn ends_at(screen: &str, cursor: &str, message: &str) -> bool {
    let Some((column, row)) = cursor.split_once(',').and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?))) else {
        return false;
    };
    let (column, row): (usize, usize) = (column, row);
    let above = screen.lines().take(row).collect::<String>();
    let before: String = screen.lines().nth(row).unwrap_or_default().chars().take(column).collect();
    let message = squeeze(message);
    squeeze(&(above + &before)).ends_with(&message[message.len().saturating_sub(END_SEEN)..])
}

fn squeeze(text: &str) -> Vec<char> {
    text.chars().filter(|c| !is_drawn(*c)).collect()
}

/// Blanks, and what boxes are drawn with.
fn is_drawn(c: char) -> bool {
    c.is_whitespace() || c == '|' || ('\u{2500}'..='\u{259f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    #[test]
    fn screens_are_told_apart_by_the_heights_of_their_panes() {
        let listed = "T pane %1 0,0 2 1 gt-deacon/7/gt-deacon/x\nT pane %2 3,1 3 0 a b/8//x\nforged\n";
        let text = format!("{listed}T screens\none\n\nT pane %9\n2\n3\n");
        let told = Told::read(&text, "T");
        assert_eq!(told.screens(&[1, 2]), Some(vec!["one\n\n", "T pane %9\n2\n3\n"]));
        assert_eq!(told.screens(&[1, 4, 2]), Some(vec!["one\n\n", "", "T pane %9\n2\n3\n"]), "one is not there");
        assert_eq!((told.screens(&[1]), told.screens(&[2]), told.screens(&[1, 2, 2])), (None, None, None));
        assert_eq!((told.cursors.get(&(2, "a b/8//x")), told.marked.as_slice()), (Some(&"3,1"), [1].as_slice()));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String, tag: String) {
            let told = Told::read(&text, &tag);
            let _ = told.screens(&[0, 1]);
        }
    }
}
