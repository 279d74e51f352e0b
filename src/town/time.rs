//! Time as values: the two clocks, and RFC 3339.
//!
//! Nothing here asks the machine what time it is; that is [`crate::sys::clock`]. Intervals that gtd
//! measures itself use [`Tick`], which counts suspended time and cannot be set; stamps that others wrote
//! use [`Wall`], and their ages are never below zero. A [`Moment`] is one reading of both.

use super::json::{FromJson, ToJson, record};
use serde_json::Value;
use std::time::Duration;

const NANOS: i64 = 1_000_000_000;

/// A point of wall-clock time, in nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(i64);

impl Wall {
    /// The wall time `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: i64) -> Wall {
        Wall(nanos)
    }

    /// The wall time `seconds` seconds after the epoch, as tmux and `stat` give it. Saturates.
    pub const fn from_seconds(seconds: i64) -> Wall {
        Wall(seconds.saturating_mul(NANOS))
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS)
    }

    /// Time from `earlier` to `self`, zero if that lies in the future.
    pub fn since(self, earlier: Wall) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time moved forward.
    pub fn plus(self, by: Duration) -> Wall {
        Wall(self.0.saturating_add(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// This time moved back.
    pub fn minus(self, by: Duration) -> Wall {
        Wall(self.0.saturating_sub(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// Reads an RFC 3339 time with or without a fraction, in UTC or with an offset. `None` for anything
    /// else, and for times that 64 bits of nanoseconds cannot hold (Go's zero time, the year 1, is one).
    pub fn parse(text: &str) -> Option<Wall> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = bytes.get(from..to)?;
            digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')))
        };
        let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|b| wanted.contains(b));
        if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
            return None;
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let mut at = 19;
        let mut nanos = 0;
        if is(at, b".") {
            let fraction = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            if fraction == 0 {
                return None;
            }
            for i in 0..9 {
                let digit = if i < fraction { bytes[at + 1 + i] - b'0' } else { 0 };
                nanos = nanos * 10 + i64::from(digit);
            }
            at += 1 + fraction;
        }
        let offset = match bytes.get(at)? {
            b'Z' | b'z' if bytes.len() == at + 1 => 0,
            sign @ (b'+' | b'-') if bytes.len() == at + 6 && is(at + 3, b":") => {
                let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let seconds = hours * 3600 + minutes * 60;
                if *sign == b'-' { -seconds } else { seconds }
            }
            _ => return None,
        };
        let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
        i64::try_from(i128::from(seconds) * i128::from(NANOS) + i128::from(nanos)).ok().map(Wall)
    }

    /// RFC 3339 with nanoseconds and the given offset from UTC in seconds, as Go's encoder writes it: no
    /// trailing zeros in the fraction, and `Z` for an offset of zero.
    pub fn rfc3339(self, offset: i32) -> String {
        let c = self.civil(offset);
        let mut text =
            format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second);
        let nanos = self.0.rem_euclid(NANOS);
        if nanos != 0 {
            let digits = format!("{nanos:09}");
            text.push('.');
            text.push_str(digits.trim_end_matches('0'));
        }
        if offset == 0 {
            text.push('Z');
        } else {
            let sign = if offset < 0 { '-' } else { '+' };
            let minutes = offset.unsigned_abs() / 60;
            text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
        text
    }

    /// `2006/01/02 15:04:05`, the log's stamp, at the given offset from UTC in seconds.
    pub fn log_stamp(self, offset: i32) -> String {
        let c = self.civil(offset);
        format!("{:04}/{:02}/{:02} {:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second)
    }

    /// `2006-01-02T15:04`, to the minute, at the given offset from UTC in seconds.
    pub fn minute_stamp(self, offset: i32) -> String {
        let c = self.civil(offset);
        format!("{:04}-{:02}-{:02}T{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute)
    }

    /// `Mon Nov 23 22:11:48 2026`, as ctime(3) and so `ps` write it in the C locale, at the given offset from UTC in seconds.
    pub fn ctime(self, offset: i32) -> String {
        // The epoch was a Thursday.
        const DAYS: &str = "ThuFriSatSunMonTueWed";
        const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
        let three = |names: &'static str, at: i64| {
            let at = usize::try_from(at).ok()? * 3;
            names.get(at..at + 3)
        };
        let c = self.civil(offset);
        let day = (self.seconds() + i64::from(offset)).div_euclid(86_400).rem_euclid(7);
        let (day, month) = (three(DAYS, day).unwrap_or_default(), three(MONTHS, c.month - 1).unwrap_or_default());
        format!("{day} {month} {:2} {:02}:{:02}:{:02} {}", c.day, c.hour, c.minute, c.second, c.year)
    }

    /// A stamp for a file's name: sorted by name, such files are sorted by time.
    pub fn file_stamp(self) -> String {
        let c = self.civil(0);
        let nanos = self.0.rem_euclid(NANOS);
        let (year, month, day, hour, minute, second) = (c.year, c.month, c.day, c.hour, c.minute, c.second);
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{nanos:09}Z")
    }

    fn civil(self, offset: i32) -> Civil {
        let seconds = self.seconds() + i64::from(offset);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        Civil { year, month, day, hour: of_day / 3600, minute: of_day / 60 % 60, second: of_day % 60 }
    }
}

impl ToJson for Wall {
    fn write(&self, out: &mut Vec<u8>) {
        self.rfc3339(0).write(out);
    }
}

impl FromJson for Wall {
    fn blank() -> Wall {
        Wall::from_seconds(0)
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        let text = value.as_str().unwrap_or_default();
        *self = Wall::parse(text).ok_or_else(|| format!("no RFC 3339 time: {text:?}"))?;
        Ok(())
    }
}

struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// Days from the epoch to a date of the proleptic Gregorian calendar. The year is shifted to begin in March,
/// so that the leap day is its last and the lengths of the months before it follow one formula.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// Milliseconds since the machine booted, suspended time included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(u64);

impl ToJson for Tick {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }
}

impl FromJson for Tick {
    fn blank() -> Tick {
        Tick(0)
    }

    fn fill(&mut self, value: &Value) -> Result<(), String> {
        self.0.fill(value)
    }
}

impl Tick {
    /// The instant `ms` milliseconds after boot.
    pub const fn from_millis(ms: u64) -> Tick {
        Tick(ms)
    }

    /// Milliseconds since boot.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`, zero if that lies in the future.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved forward, to the millisecond, rounded up.
    pub fn plus(self, by: Duration) -> Tick {
        let ms = by.saturating_add(Duration::from_nanos(999_999)).as_millis();
        Tick(self.0.saturating_add(u64::try_from(ms).unwrap_or(u64::MAX)))
    }
}

/// One reading of both clocks. In the state it is written as `{"wall": "2026-11-23T09:40:04Z", "tick": 123456}`: the wall time is
/// for people and survives a reboot, the tick is for arithmetic and does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: Wall,
    /// The clock that counts suspended time and is never set.
    pub tick: Tick,
}
record!(Moment { wall, tick });

impl Moment {
    /// Time from `earlier` to `self` on the clock that cannot be set.
    pub fn since(self, earlier: Moment) -> Duration {
        self.tick.since(earlier.tick)
    }

    /// This moment moved forward on both clocks.
    pub fn plus(self, by: Duration) -> Moment {
        Moment { wall: self.wall.plus(by), tick: self.tick.plus(by) }
    }

    /// The moment on this reading's clocks at which the wall clock showed, or will show, `wall`.
    pub fn at_wall(self, wall: Wall) -> Moment {
        let ahead = wall.since(self.wall).as_millis();
        let behind = self.wall.since(wall).as_millis();
        let tick = u128::from(self.tick.0) + ahead;
        Moment { wall, tick: Tick(u64::try_from(tick.saturating_sub(behind)).unwrap_or(u64::MAX)) }
    }

    /// The later of two moments.
    pub fn max(self, other: Moment) -> Moment {
        if other.tick > self.tick { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_that_gt_and_bd_write_are_read_and_written_back() {
        for text in
            ["2026-11-23T09:40:04.088022502Z", "2026-11-23T09:40:04Z", "1970-01-01T00:00:00Z", "2024-02-29T23:59:59.5Z"]
        {
            let wall = Wall::parse(text).expect(text);
            assert_eq!(wall.rfc3339(0), text);
        }
        let local = Wall::parse("2025-12-28T13:05:06.25-08:00").expect("an offset");
        assert_eq!(local.rfc3339(0), "2025-12-28T21:05:06.25Z");
        assert_eq!(local.rfc3339(-8 * 3600), "2025-12-28T13:05:06.25-08:00");
        assert_eq!(local.log_stamp(0), "2025/12/28 21:05:06");
        assert_eq!(Wall::parse("2026-11-23T09:40:04Z").expect("a time").seconds(), 1_795_426_804);
    }

    #[test]
    fn a_time_is_written_as_ps_writes_it() {
        for (text, offset, wanted) in [
            ("2026-11-23T22:11:48Z", 0, "Mon Nov 23 22:11:48 2026"),
            ("1970-01-01T00:00:00Z", 0, "Thu Jan  1 00:00:00 1970"),
            ("2024-02-29T23:59:59.9Z", 19_800, "Fri Mar  1 05:29:59 2024"),
            ("2026-08-09T01:02:03Z", -5 * 3600, "Sat Aug  8 20:02:03 2026"),
        ] {
            assert_eq!(Wall::parse(text).expect(text).ctime(offset), wanted);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-11-23",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T09:40:04",
            "2026-11-23T09:40:04.Z",
            "2026-11-23T09:40:04Zx",
            "2026-11-23T09:40:04+0100",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(Wall::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC*") {
            let _ = Wall::parse(&text);
        }

        #[test]
        fn every_time_survives_writing_and_reading(nanos: i64, minutes in -1439i32..1440) {
            let wall = Wall::from_nanos(nanos);
            prop_assert_eq!(Wall::parse(&wall.rfc3339(0)), Some(wall));
            let shifted = wall.rfc3339(minutes * 60);
            prop_assert_eq!(Wall::parse(&shifted), Some(wall));
        }
    }
}
