//! A strict reader of OpenMetrics 1.0 text: the part of the format that gtd writes, and a refusal of everything else.

use std::collections::{BTreeMap, BTreeSet};

/// A family of metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Its name, without the endings of its samples.
    pub name: String,
    /// `counter`, `gauge`, `summary`.
    pub kind: String,
    /// What it is measured in, where that is said.
    pub unit: Option<String>,
    /// What it is.
    pub help: Option<String>,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its name, with its ending.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// Reads a whole text.
pub fn parse(text: &str) -> Result<Vec<Family>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("it does not end with # EOF and a newline")?;
    if !body.is_empty() && !body.ends_with('\n') {
        return Err("the last line is not whole".to_owned());
    }
    let mut families: Vec<Family> = Vec::new();
    for line in body.lines() {
        take_line(&mut families, line).map_err(|why| format!("{line}: {why}"))?;
    }
    check_names(&families)?;
    Ok(families)
}

fn take_line(families: &mut Vec<Family>, line: &str) -> Result<(), String> {
    let Some(comment) = line.strip_prefix("# ") else {
        let sample = sample(line)?;
        let family = families.last_mut().ok_or("a sample before any family")?;
        return take_sample(family, sample);
    };
    let mut words = comment.splitn(3, ' ');
    let (Some(keyword), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else {
        return Err("no keyword with a name and a text".to_owned());
    };
    if !is_name(name, true) {
        return Err("no name of a metric".to_owned());
    }
    if families.last().is_none_or(|family| family.name != name) {
        if families.iter().any(|family| family.name == name) {
            return Err("its family was left before".to_owned());
        }
        let name = name.to_owned();
        families.push(Family { name, kind: String::new(), unit: None, help: None, samples: Vec::new() });
    }
    let family = families.last_mut().expect("it is there now");
    if !family.samples.is_empty() {
        return Err("what a family is comes after its samples".to_owned());
    }
    let twice = match keyword {
        "TYPE" if ["counter", "gauge", "summary"].contains(&rest) => {
            !std::mem::replace(&mut family.kind, rest.to_owned()).is_empty()
        }
        "UNIT" if family.name.ends_with(&format!("_{rest}")) => family.unit.replace(rest.to_owned()).is_some(),
        "HELP" => family.help.replace(unescaped(rest)?).is_some(),
        _ => return Err(format!("{keyword} is not known, or {rest} will not do")),
    };
    if twice { Err("said twice".to_owned()) } else { Ok(()) }
}

fn take_sample(family: &mut Family, sample: Sample) -> Result<(), String> {
    let endings: &[&str] = match family.kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "summary" => &["_count", "_sum"],
        other => return Err(format!("its family has the type {other:?}")),
    };
    let ending = sample.name.strip_prefix(&family.name).unwrap_or("of another family");
    if !endings.contains(&ending) {
        return Err(format!("{ending:?} does not end a {}", family.kind));
    }
    if family.kind != "gauge" && (sample.value < 0.0 || sample.value.is_nan()) {
        return Err("it cannot be less than 0".to_owned());
    }
    if ending == "_count" && sample.value.fract() != 0.0 {
        return Err("it has to be whole".to_owned());
    }
    if family.samples.iter().any(|other| other.name == sample.name && other.labels == sample.labels) {
        return Err("the same labels twice".to_owned());
    }
    family.samples.push(sample);
    Ok(())
}

/// No name of a sample may be that of another family's.
fn check_names(families: &[Family]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for family in families {
        let names: BTreeSet<&str> = family.samples.iter().map(|sample| sample.name.as_str()).collect();
        if family.kind.is_empty() || names.is_empty() || !names.into_iter().all(|name| seen.insert(name)) {
            return Err(format!("{}: without a type or samples, or with the samples of another", family.name));
        }
    }
    Ok(())
}

fn is_name(name: &str, colon: bool) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(good)
}

/// `name{label="text",…} value`, nothing after it.
fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    if !is_name(name, true) {
        return Err("no name of a metric".to_owned());
    }
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or("no label")?;
            let close = closing_quote(after).ok_or("a label's text does not end")?;
            if !is_name(label, false) || labels.insert(label.to_owned(), unescaped(&after[..close])?).is_some() {
                return Err(format!("the label {label} will not do"));
            }
            rest = &after[close + 1..];
            match rest.split_at_checked(1).ok_or("the labels do not end")? {
                (",", after) => rest = after,
                ("}", after) => break rest = after,
                _ => return Err("no comma between labels".to_owned()),
            }
        }
    }
    let value = rest.strip_prefix(' ').ok_or("no blank before the value")?;
    let plain = value.chars().all(|c| c.is_ascii_digit() || "+-.e".contains(c));
    let value = value.parse().ok().filter(|_| plain).ok_or("no number")?;
    Ok(Sample { name: name.to_owned(), labels, value })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some(c @ ('\\' | '"')) => c,
                other => return Err(format!("{other:?} is nothing to escape")),
            },
            c => c,
        });
    }
    Ok(out)
}

/// The value of the sample of this name that has all these labels, whatever else it has.
pub fn value(families: &[Family], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let has = |sample: &&Sample| {
        let all = labels.iter().all(|(label, text)| sample.labels.get(*label).is_some_and(|value| value == text));
        sample.name == name && all
    };
    families.iter().flat_map(|family| &family.samples).find(has).map(|sample| sample.value)
}
