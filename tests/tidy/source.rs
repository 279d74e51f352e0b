//! Just enough of Rust's grammar to read the sources: code without comments, texts and tests, and the paths in it.

/// A source with its comments and the insides of its texts blanked out; lines stay where they are.
pub fn without_comments_and_texts(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let chars: Vec<char> = source.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let end = token_end(&chars, at);
        match kind(&chars, at) {
            Kind::Code => out.push(chars[at]),
            Kind::Comment => out.extend(chars[at..end].iter().map(|c| blank(*c))),
            Kind::Text => {
                out.push('"');
                out.extend(chars[at + 1..end].iter().map(|c| blank(*c)));
            }
        }
        at = end;
    }
    out
}

const fn blank(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Text,
}

fn kind(chars: &[char], at: usize) -> Kind {
    let next = chars.get(at + 1);
    match chars[at] {
        '/' if matches!(next, Some('/' | '*')) => Kind::Comment,
        '"' => Kind::Text,
        'r' if raw_hashes(chars, at).is_some() => Kind::Text,
        '\'' if is_character(chars, at) => Kind::Text,
        _ => Kind::Code,
    }
}

/// The hashes of a raw text that begins at `at`: `r"`, `r##"`; not those of `for"`, which does not exist.
fn raw_hashes(chars: &[char], at: usize) -> Option<usize> {
    let within_word = at > 0 && is_word(chars[at - 1]) && chars[at - 1] != 'b';
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    (!within_word && chars.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

/// `'a'` and `'\n'`, but not the lifetime `'a`.
fn is_character(chars: &[char], at: usize) -> bool {
    match chars.get(at + 1) {
        Some('\\') => true,
        Some(_) => chars.get(at + 2) == Some(&'\''),
        None => false,
    }
}

fn token_end(chars: &[char], at: usize) -> usize {
    let find = |from: usize, wanted: &[char]| {
        let rest = chars.get(from..).unwrap_or_default();
        rest.windows(wanted.len()).position(|w| w == wanted).map_or(chars.len(), |n| from + n + wanted.len())
    };
    match (kind(chars, at), chars[at]) {
        (Kind::Code, _) => at + 1,
        (Kind::Comment, _) if chars[at + 1] == '/' => find(at, &['\n']).saturating_sub(1).max(at + 1),
        (Kind::Comment, _) => end_of_block(chars, at),
        (Kind::Text, 'r') => {
            let hashes = raw_hashes(chars, at).unwrap_or(0);
            let mut close = vec!['"'];
            close.extend(std::iter::repeat_n('#', hashes));
            find(at + hashes + 2, &close)
        }
        (Kind::Text, quote) => {
            let mut end = at + 1;
            while end < chars.len() && chars[end] != quote {
                end += if chars[end] == '\\' { 2 } else { 1 };
            }
            (end + 1).min(chars.len())
        }
    }
}

/// Comments in stars nest.
fn end_of_block(chars: &[char], at: usize) -> usize {
    let mut depth = 0;
    let mut end = at;
    while end < chars.len() {
        match (chars[end], chars.get(end + 1)) {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => {
                end += 1;
                continue;
            }
        }
        end += 2;
        if depth == 0 {
            break;
        }
    }
    end
}

/// Code without what is compiled for tests only: the item after `#[cfg(test)]`.
pub fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(begin) = out.find("#[cfg(test)]") {
        let end = end_of_item(&out, begin);
        let blanked: String = out[begin..end].chars().map(blank).collect();
        out.replace_range(begin..end, &blanked);
    }
    out
}

/// An item ends with the bracket that closes its first one, or with a semicolon before any.
fn end_of_item(code: &str, begin: usize) -> usize {
    let mut depth = 0usize;
    for (n, c) in code[begin..].char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && matches!(c, '}' | ';') {
            return begin + n + 1;
        }
    }
    code.len()
}

/// What the checks look at: the code that runs.
pub fn running_code(source: &str) -> String {
    without_tests(&without_comments_and_texts(source))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A word or a sign, and the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its text; `::` is one sign.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

/// The words and signs of code.
pub fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (n, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                _ if rest.starts_with("::") => 2,
                c => c.len_utf8(),
            };
            tokens.push(Token { text: rest[..length].to_owned(), line: n + 1 });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// A path in the code, such as `crate::sys::clock`, and its line.
pub type PathAt = (Vec<String>, usize);

/// All paths of code, those in the groups of `use` declarations written out.
pub fn paths(code: &str) -> Vec<PathAt> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = match tokens[at].text.starts_with(is_word) {
            true => follow(&tokens, at, Vec::new(), &mut found).max(at + 1),
            false => at + 1,
        };
    }
    found
}

/// Reads on from `at`, after the parts in `path`; gives the place after the whole.
fn follow(tokens: &[Token], at: usize, mut path: Vec<String>, found: &mut Vec<PathAt>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |t| t.text.as_str());
    let line = tokens.get(at).map_or(0, |t| t.line);
    let mut at = at;
    loop {
        if text(at) == "{" {
            at += 1;
            while !matches!(text(at), "}" | "") {
                at = match text(at) {
                    "," => at + 1,
                    _ => follow(tokens, at, path.clone(), found).max(at + 1),
                };
            }
            return at + 1;
        }
        if !text(at).starts_with(is_word) && text(at) != "*" {
            break;
        }
        path.push(text(at).to_owned());
        at += 1;
        if text(at) != "::" {
            break;
        }
        at += 1;
    }
    found.push((path, line));
    // `as other`, within a group.
    if text(at) == "as" { at + 2 } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(code: &str) -> Vec<String> {
        let longer = paths(code).into_iter().filter(|(path, _)| path.len() > 1);
        longer.map(|(path, line)| format!("{line} {}", path.join("::"))).collect()
    }

    #[test]
    fn comments_and_texts_are_blanked_and_lines_stay() {
        let code = "a // crate::x\n/* b /* c */ d */ e \"crate::y \\\" //\" f r#\"g \" h\"# 'i' '\\'' &'j k\nlast";
        let blanked = without_comments_and_texts(code);
        assert_eq!(blanked.lines().count(), 3);
        let words: Vec<&str> = blanked.split(|c: char| !is_word(c)).filter(|w| !w.is_empty()).collect();
        assert_eq!(words, ["a", "e", "f", "j", "k", "last"]);
    }

    #[test]
    fn what_is_compiled_for_tests_only_is_blanked() {
        let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c() } }\n#[cfg(test)]\nuse d::e;\nfn f() {}";
        let words: Vec<String> = tokens(&running_code(code)).into_iter().map(|t| t.text).collect();
        assert_eq!(words.join(" "), "fn a ( ) { } fn f ( ) { }");
    }

    #[test]
    fn groups_are_written_out() {
        assert_eq!(
            written("use crate::{a, b::{self, c as d},\n e::*};\nlet x: Vec<crate::f::G> = std::fs::read::<h::I>();"),
            [
                "1 crate::a",
                "1 crate::b::self",
                "1 crate::b::c",
                "2 crate::e::*",
                "3 crate::f::G",
                "3 std::fs::read",
                "3 h::I"
            ]
        );
    }
}
