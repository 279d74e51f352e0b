//! The figures, in the order in which they were taken: for people as a table, for machines as one JSON object.
//!
//! The object has `format` (1; it grows when a key goes or changes its meaning), `gtd` (the version that was measured),
//! `cores` and `rows`. A row has `part`, `what`, `unit` (`s`, `ms`, `MB`, `kB`, or an empty one for what
//! is counted), `budget`, `median`, `low`, `high`, `samples`, `ratio` (the median by the budget), `floor` and, where nothing could
//! be measured, `why`. Budget, ratio and floor are `null` where there is none.

use serde_json::{Value, json};

/// All of it.
#[derive(Debug, Default)]
pub struct Table {
    part: &'static str,
    rows: Vec<Row>,
}

/// One figure.
#[derive(Debug, Default)]
pub struct Row {
    part: &'static str,
    what: String,
    unit: &'static str,
    budget: Option<f64>,
    values: Vec<f64>,
    floor: Option<f64>,
    why: Option<String>,
}

impl Row {
    /// What it has to keep below.
    pub const fn budget(&mut self, budget: f64) -> &mut Row {
        self.budget = Some(budget);
        self
    }

    /// What the kernel and tmux alone take for the same work.
    pub fn floor(&mut self, values: Vec<f64>) -> &mut Row {
        self.floor = Some(median(&sorted(values)));
        self
    }
}

impl Table {
    /// Takes what follows for this part.
    pub const fn begin(&mut self, part: &'static str) {
        self.part = part;
    }

    /// A figure that was taken some times.
    pub fn add(&mut self, what: impl Into<String>, unit: &'static str, values: Vec<f64>) -> &mut Row {
        assert!(!values.is_empty(), "nothing was measured");
        self.rows.push(Row { part: self.part, what: what.into(), unit, values: sorted(values), ..Row::default() });
        self.rows.last_mut().expect("it was just added")
    }

    /// A figure that is counted, and the same each time.
    pub fn count(&mut self, what: impl Into<String>, value: usize) -> &mut Row {
        self.add(what, "", vec![value as f64])
    }

    /// A figure that could not be taken.
    pub fn missing(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.rows.push(Row { part: self.part, what: what.into(), why: Some(why.into()), ..Row::default() });
    }

    /// For people.
    pub fn print(&self) {
        let header = ["what", "budget", "measured", "spread", "ratio", "floor"].map(str::to_owned);
        let rows: Vec<[String; 6]> = std::iter::once(header).chain(self.rows.iter().map(Row::cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            println!("{}", cells.join("  ").trim_end());
        }
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        json!({ "format": 1, "gtd": env!("CARGO_PKG_VERSION"), "cores": cores, "rows": rows })
    }
}

impl Row {
    fn median(&self) -> Option<f64> {
        (!self.values.is_empty()).then(|| median(&self.values))
    }

    fn ratio(&self) -> Option<f64> {
        Some(self.median()? / self.budget?)
    }

    fn cells(&self) -> [String; 6] {
        let unit = |value: f64| format!("{} {}", short(value), self.unit).trim_end().to_owned();
        let measured = match (&self.why, self.median()) {
            (Some(why), _) => format!("not measured: {why}"),
            (None, median) => median.map(unit).unwrap_or_default(),
        };
        let spread = match self.values.as_slice() {
            [low, .., high] => format!("{} to {}", short(*low), short(*high)),
            _ => String::new(),
        };
        let ratio = self.ratio().map(|ratio| format!("{ratio:.2}"));
        let (budget, floor) = (self.budget.map(unit), self.floor.map(unit));
        let or_nothing = Option::unwrap_or_default;
        [self.what.clone(), or_nothing(budget), measured, spread, or_nothing(ratio), or_nothing(floor)]
    }

    fn json(&self) -> Value {
        json!({
            "part": self.part,
            "what": self.what,
            "unit": self.unit,
            "budget": self.budget,
            "median": self.median(),
            "low": self.values.first(),
            "high": self.values.last(),
            "samples": self.values.len(),
            "ratio": self.ratio(),
            "floor": self.floor,
            "why": self.why,
        })
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

/// Three digits, and none for what is counted.
fn short(value: f64) -> String {
    match value.abs() {
        v if v.fract() == 0.0 && v < 1e6 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
