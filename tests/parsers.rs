//! What the real programs print and write, torn and bent: every parser reads it without a panic, and what cannot be right is not
//! taken for right. Random bytes alone would hardly get past a parser's first character.

use gtd::town::config::Config;
use gtd::town::duration::parse_duration;
use gtd::town::json_edit::{requesting_keys, without_requesting};
use gtd::town::mail::parse_inbox;
use gtd::town::names::Generation;
use gtd::town::rigs::Rigs;
use gtd::town::spawn::{encode_pending, parse_pending};
use gtd::town::time::Wall;
use gtd::world::beads::parse_show;
use gtd::world::tmux::{is_usable_version, panes, script};
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Every recorded file.
fn recorded() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")];
        let mut files: Vec<PathBuf> = Vec::new();
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).expect("a directory").flatten() {
                let path = entry.path();
                if path.is_dir() { dirs.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        let panes = "T\tgt-deacon\t1\t100\t200\t%7\t4711\t1\t\t9\t0\t0\t99\t3.3a\t/dev/pts/3\tgt-deacon\t/town\t/town/deacon\tbash\n";
        let mut texts: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).expect("a file")).collect();
        // A recorded call holds what was printed as a text of its own.
        for text in texts.clone() {
            if let Ok(call) = serde_json::from_slice::<serde_json::Value>(&text) {
                texts.extend(["stdout", "stderr"].iter().filter_map(|key| Some(call.get(key)?.as_str()?.into())));
            }
        }
        texts.push(panes.repeat(3).into_bytes());
        texts.push(b"T 0 gt-deacon/4711/ 3,4\nscreen\nT 1 x\n".to_vec());
        texts
    })
}

/// What can happen to a text on its way.
#[derive(Clone, Debug)]
enum Harm {
    Cut(Index),
    Drop(Index, usize),
    Twice(Index, usize),
    Put(Index, Vec<u8>),
    Change(Index, u8),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        any::<Index>().prop_map(Harm::Cut),
        (any::<Index>(), 0..40usize).prop_map(|(at, len)| Harm::Drop(at, len)),
        (any::<Index>(), 0..200usize).prop_map(|(at, len)| Harm::Twice(at, len)),
        (any::<Index>(), proptest::collection::vec(any::<u8>(), 0..9)).prop_map(|(at, bytes)| Harm::Put(at, bytes)),
        (any::<Index>(), prop::sample::select(b"{}[]\",:\\0\n\t\xff%#'".to_vec()))
            .prop_map(|(at, b)| Harm::Change(at, b)),
    ]
}

impl Harm {
    fn befall(&self, text: &mut Vec<u8>) {
        let span = |at: &Index, len: usize, text: &Vec<u8>| {
            let from = at.index(text.len() + 1);
            from..(from + len).min(text.len())
        };
        match self {
            Harm::Cut(at) => text.truncate(at.index(text.len() + 1)),
            Harm::Drop(at, len) => drop(text.drain(span(at, *len, text))),
            Harm::Twice(at, len) => {
                let span = span(at, *len, text);
                let part = text[span.clone()].to_vec();
                text.splice(span.start..span.start, part);
            }
            Harm::Put(at, bytes) => {
                let at = at.index(text.len() + 1);
                text.splice(at..at, bytes.iter().copied());
            }
            Harm::Change(at, byte) if !text.is_empty() => {
                let at = at.index(text.len());
                text[at] = *byte;
            }
            Harm::Change(..) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_torn_or_bent_is_read_without_a_panic(
        which: Index,
        harms in proptest::collection::vec(harm(), 0..5),
    ) {
        let mut bytes = which.get(recorded()).clone();
        harms.iter().for_each(|harm| harm.befall(&mut bytes));
        let text = String::from_utf8_lossy(&bytes);
        let _ = Config::parse(&bytes);
        let _ = Rigs::parse(&bytes);
        if let Ok(spawns) = parse_pending(&bytes) {
            prop_assert_eq!(parse_pending(&encode_pending(&spawns)), Ok(spawns));
        }
        for mail in parse_inbox(&text).unwrap_or_default() {
            let _ = mail.kind();
        }
        let _ = parse_show(&text);
        let _ = requesting_keys(&text);
        if let Some(rest) = without_requesting(&text) {
            prop_assert_eq!(requesting_keys(&rest).unwrap_or_default(), vec![]);
        }
        for word in text.split_whitespace().take(20) {
            let _ = (Wall::parse(word), parse_duration(word), is_usable_version(word));
        }
        let _ = Generation::of_gt_version(&text);
        let _ = panes::parse(&text, "T");
        let _ = script::said(&text, "T");
    }
}

#[test]
fn all_that_was_recorded_is_there_to_be_bent() {
    assert!(recorded().len() > 50, "{}", recorded().len());
}
