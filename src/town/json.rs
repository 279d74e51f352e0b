//! How what gtd keeps in files becomes JSON, and is read again.
//!
//! The text is parsed by `serde_json`; from there on a record is read key by key. Readers and writers that are derived do the
//! same with a program of their own for every record: 90 kB for thirty records, where these take a tenth. One rule holds for all:
//! what is none or empty is left out, and is none or empty where it is not there.

mod values;

use serde_json::{Map, Value};

/// What can be written.
pub trait ToJson {
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);

    /// Whether there is nothing to be written, so that its key is left out.
    fn is_nothing(&self) -> bool {
        false
    }
}

/// What can be read.
pub trait FromJson {
    /// What stands in its place until it is read; it is never seen.
    fn blank() -> Self
    where
        Self: Sized;

    /// Reads it, in the place of what was there.
    ///
    /// # Errors
    /// What is wrong with it, as a clause; then nothing can be said of what is there.
    fn fill(&mut self, value: &Value) -> Result<(), String>;

    /// Whether its key may be left out.
    fn may_be_missing(&self) -> bool {
        false
    }

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it, as a clause.
    fn read(value: &Value) -> Result<Self, String>
    where
        Self: Sized,
    {
        let mut new = Self::blank();
        new.fill(value)?;
        Ok(new)
    }
}

/// An object that is being written.
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// Begins one.
    pub fn new(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, is_empty: true }
    }

    /// Writes a key, unless there is nothing to be said under it.
    pub fn put(&mut self, key: &str, value: &dyn ToJson) {
        if !value.is_nothing() {
            self.put_always(key, value);
        }
    }

    /// Writes a key, whatever is under it.
    pub fn put_always(&mut self, key: &str, value: &dyn ToJson) {
        value.write(self.key(key));
    }

    /// Begins an object under a key.
    pub fn put_object(&mut self, key: &str) -> Object<'_> {
        Object::new(self.key(key))
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        key.write(self.out);
        self.out.push(b':');
        self.out
    }

    /// Ends it.
    pub fn end(self) {
        self.out.push(b'}');
    }
}

/// The keys of an object that is being read. The first thing that is wrong is kept, and said at the end.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    wrong: Option<String>,
}

impl<'a> Fields<'a> {
    /// The keys of this value.
    ///
    /// # Errors
    /// It is no object.
    pub fn of(value: &'a Value) -> Result<Fields<'a>, String> {
        match value {
            Value::Object(object) => Ok(Fields { object, wrong: None }),
            _ => Err("no object".to_owned()),
        }
    }

    /// Reads what stands under a key.
    pub fn fill(&mut self, key: &str, place: &mut dyn FromJson) {
        let may_be_missing = place.may_be_missing();
        if !self.fill_if_there(key, place) && !may_be_missing {
            self.note(key, "missing");
        }
    }

    /// The same, where it may be missing; says whether it was there.
    pub fn fill_if_there(&mut self, key: &str, place: &mut dyn FromJson) -> bool {
        match self.object.get(key) {
            Some(value) => {
                if let Err(why) = place.fill(value) {
                    self.note(key, &why);
                }
                true
            }
            None => false,
        }
    }

    fn note(&mut self, key: &str, why: &str) {
        self.wrong.get_or_insert_with(|| below(key, why));
    }

    /// Nothing more is wanted.
    ///
    /// # Errors
    /// What was wrong first: the key, and how.
    pub fn end(self) -> Result<(), String> {
        self.wrong.map_or(Ok(()), Err)
    }
}

fn below(key: &str, why: &str) -> String {
    format!("{key}: {why}")
}

/// Has a record written and read by the names of its fields. Those under `or_default` may be missing, which they were in files
/// of older versions; those under `unsaved` stand in no file. What has parameters is read with their defaults.
macro_rules! record {
    ($type:ident $(<$($of:ident),+>)? { $($key:ident),* $(,)? } $(or_default { $($late:ident),* $(,)? })? $(unsaved { $($unsaved:ident),* })?) => {
        impl $(<$($of: $crate::town::json::ToJson),+>)? $crate::town::json::ToJson for $type $(<$($of),+>)? {
            fn write(&self, out: &mut Vec<u8>) {
                let mut object = $crate::town::json::Object::new(out);
                $(object.put(stringify!($key), &self.$key);)*
                $($(object.put(stringify!($late), &self.$late);)*)?
                object.end();
            }
        }

        impl $crate::town::json::FromJson for $type {
            fn blank() -> $type {
                $type {
                    $($key: $crate::town::json::FromJson::blank(),)*
                    $($($late: $crate::town::json::FromJson::blank(),)*)?
                    $($($unsaved: Default::default(),)*)?
                }
            }

            fn fill(&mut self, value: &serde_json::Value) -> Result<(), String> {
                let mut fields = $crate::town::json::Fields::of(value)?;
                $(fields.fill(stringify!($key), &mut self.$key);)*
                $($(fields.fill_if_there(stringify!($late), &mut self.$late);)*)?
                fields.end()
            }
        }
    };
}
pub(crate) use record;

/// Has a choice among words written and read by them: the type has them all in `ALL`, and each by its `word`.
macro_rules! words {
    ($type:ident) => {
        impl $crate::town::json::ToJson for $type {
            fn write(&self, out: &mut Vec<u8>) {
                self.word().write(out);
            }
        }

        impl $crate::town::json::FromJson for $type {
            fn blank() -> $type {
                $type::ALL[0]
            }

            fn fill(&mut self, value: &serde_json::Value) -> Result<(), String> {
                *self = $crate::town::json::one_of(&$type::ALL, $type::word, value)?;
                Ok(())
            }
        }
    };
}
pub(crate) use words;

/// As JSON on one line.
pub fn line(value: &dyn ToJson) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.write(&mut bytes);
    bytes
}

/// As JSON on many lines, for people, with a newline at the end.
pub fn lines(value: &dyn ToJson) -> String {
    let (mut out, mut depth, mut in_text, mut is_escaped) = (Vec::new(), 0, false, false);
    let begin = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    let bytes = line(value);
    for (at, byte) in bytes.iter().enumerate() {
        if in_text {
            out.push(*byte);
            in_text = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            continue;
        }
        let ends = matches!(byte, b']' | b'}');
        let is_empty = |at: usize| matches!(bytes.get(at..at + 2), Some(b"[]" | b"{}"));
        depth -= usize::from(ends);
        if ends && !is_empty(at - 1) {
            begin(&mut out, depth);
        }
        out.push(*byte);
        match byte {
            b'"' => in_text = true,
            b':' => out.push(b' '),
            b',' => begin(&mut out, depth),
            b'[' | b'{' => {
                depth += 1;
                if !is_empty(at) {
                    begin(&mut out, depth);
                }
            }
            _ => {}
        }
    }
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads a record.
///
/// # Errors
/// Where the text is no JSON, or which key is wrong and how.
pub fn parse<T: FromJson>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string()).and_then(|value| T::read(&value))
}

/// Reads any JSON, as `serde_json::from_str` does, with the decoder that reads files: each of the two is a program of its own.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse_value(text: &str) -> serde_json::Result<Value> {
    serde_json::from_slice(text.as_bytes())
}

/// One of a few words.
///
/// # Errors
/// It is none of them.
pub fn one_of<T: Copy>(all: &[T], word: fn(T) -> &'static str, value: &Value) -> Result<T, String> {
    let known = all.iter().copied().find(|one| value.as_str() == Some(word(*one)));
    known.ok_or_else(|| unknown(value.as_str().unwrap_or_default()))
}

/// A word, or an object with one word as its key and something under it: a choice among several.
///
/// # Errors
/// It is neither.
pub fn choice(value: &Value) -> Result<(&str, &Value), String> {
    let chosen = match value {
        Value::String(word) => Some((word, &Value::Null)),
        Value::Object(object) if object.len() == 1 => object.iter().next(),
        _ => None,
    };
    chosen.map(|(word, what)| (word.as_str(), what)).ok_or_else(|| "no word".to_owned())
}

/// Why a word is none of those that are known.
pub fn unknown(word: &str) -> String {
    format!("{word:?} is not known")
}

/// Writes a word with something under it, to be read by [`choice`].
pub fn write_choice(word: &str, what: &dyn ToJson, out: &mut Vec<u8>) {
    let mut object = Object::new(out);
    object.put(word, what);
    object.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::sorted::{SortedMap, SortedSet};
    use proptest::prelude::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Inner {
        words: Vec<String>,
        number: u32,
    }
    record!(Inner { words, number });

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Outer {
        inner: Option<Inner>,
        map: SortedMap<String, Inner>,
        set: SortedSet<String>,
        late: bool,
        unsaved: u64,
    }
    record!(Outer { inner, map, set } or_default { late } unsaved { unsaved });

    fn inner() -> impl Strategy<Value = Inner> {
        (any::<Vec<String>>(), any::<u32>()).prop_map(|(words, number)| Inner { words, number })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(
            inner in proptest::option::of(inner()), entries in proptest::collection::vec((any::<String>(), inner()), 0..4),
            words: Vec<String>, late: bool,
        ) {
            let (map, set) = (entries.into_iter().collect(), words.into_iter().collect());
            let outer = Outer { inner, map, set, late, unsaved: 0 };
            prop_assert_eq!(parse::<Outer>(&line(&outer)), Ok(outer));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse::<Outer>(&bytes);
        }
    }

    #[test]
    fn what_is_nothing_is_left_out_and_may_be_missing_or_null() {
        let text = |outer: &Outer| String::from_utf8(line(outer)).expect("text");
        assert_eq!(text(&Outer::default()), r#"{"late":false}"#);
        let full = Outer {
            inner: Some(Inner::default()),
            map: SortedMap::from([("a".to_owned(), Inner { words: vec!["\"\n".to_owned()], number: 7 })]),
            set: SortedSet::from(["é".to_owned()]),
            late: true,
            unsaved: 5,
        };
        let wanted = r#"{"inner":{"number":0},"map":{"a":{"words":["\"\n"],"number":7}},"set":["é"],"late":true}"#;
        assert_eq!(text(&full), wanted);
        for nothing in ["{}", r#"{"inner":null,"unknown":[1]}"#] {
            assert_eq!(parse(nothing.as_bytes()), Ok(Outer::default()));
        }
    }

    proptest! {
        #[test]
        fn on_many_lines_it_looks_as_the_library_would_write_it(words: Vec<String>, key: String, numbers: Vec<u32>) {
            let value = serde_json::json!({key: words, "n": [numbers, {}, [[]], {"a": {"b": "]\\\"{,:"}}], "t": true, "z": null});
            prop_assert_eq!(lines(&value), serde_json::to_string_pretty(&value).expect("JSON") + "\n");
        }
    }

    #[test]
    fn an_error_says_where_and_what() {
        for (text, why) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            ("[]", "no object"),
            (r#"{"set":{}}"#, "set: no list"),
            (r#"{"late":1}"#, "late: neither true nor false"),
            (r#"{"map":{"a":{"words":["b",1],"number":1}}}"#, "map: a: words: no text"),
            (r#"{"inner":{}}"#, "inner: number: missing"),
            (r#"{"inner":{"number":4294967296}}"#, "inner: number: too large a number"),
            (r#"{"inner":{"number":-1}}"#, "inner: number: no whole number from 0 on"),
        ] {
            assert_eq!(parse::<Outer>(text.as_bytes()), Err(why.to_owned()), "{text}");
        }
    }
}
