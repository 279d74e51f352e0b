//! Durations as people write them and want to read them.

use std::fmt;
use std::time::Duration;

/// Reads a duration as people write it: one or more of a number and a unit, `90s`, `5m`, `1h30m`, `250ms`.
/// Units: `ms s m h d`. `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = &rest[letters..];
        total = total.checked_add(number.checked_mul(unit)?)?;
    }
    Some(Duration::from_millis(total))
}

/// A duration in a few characters, rounded to what a person reading a table needs: `250ms`, `42s`, `5m`, `5m30s`,
/// `1h30m`, `3d4h`.
pub fn brief(duration: Duration) -> Brief {
    Brief(duration)
}

/// See [`brief`].
#[derive(Clone, Copy, Debug)]
pub struct Brief(Duration);

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let s = self.0.as_secs();
        let pair = |f: &mut fmt::Formatter<'_>, big, big_unit, small, small_unit| {
            if small == 0 { write!(f, "{big}{big_unit}") } else { write!(f, "{big}{big_unit}{small}{small_unit}") }
        };
        match s {
            0 if ms > 0 => write!(f, "{ms}ms"),
            0..60 => write!(f, "{s}s"),
            60..3_600 => pair(f, s / 60, 'm', s % 60, 's'),
            3_600..86_400 => pair(f, s / 3_600, 'h', s / 60 % 60, 'm'),
            _ => pair(f, s / 86_400, 'd', s / 3_600 % 24, 'h'),
        }
    }
}

/// A duration as Go prints it, `5m0s`: the form of the seed's log lines.
pub fn go_duration(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{s}s"),
        60..3_600 => format!("{}m{}s", s / 60, s % 60),
        _ => format!("{}h{}m{}s", s / 3_600, s / 60 % 60, s % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_and_shown_as_people_write_them() {
        for (text, ms, shown, go) in [
            ("90s", 90_000, "1m30s", "1m30s"),
            ("5m", 300_000, "5m", "5m0s"),
            ("1h30m", 5_400_000, "1h30m", "1h30m0s"),
            ("250ms", 250, "250ms", "250ms"),
            ("2d", 172_800_000, "2d", "48h0m0s"),
            ("0s", 0, "0s", "0ms"),
        ] {
            let duration = parse_duration(text).expect(text);
            assert_eq!(duration, Duration::from_millis(ms), "{text}");
            assert_eq!(brief(duration).to_string(), shown, "{text}");
            assert_eq!(go_duration(duration), go, "{text}");
        }
        for text in ["", "5", "m", "-5s", "1.5h", "5 m", "5x", "99999999999999999999s", "18446744073709551615d"] {
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = parse_duration(&text);
        }
    }
}
