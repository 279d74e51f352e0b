//! `make bench`: what gtd costs, beside its budgets and beside what the kernel and tmux alone take.
//!
//! Each figure is taken on a real tmux server of its own with N live agents. Processes are counted by the kernel, through
//! strace. Times are medians of at least seven with the spread. `-- --only NAME` measures one part, `-- --json` prints one
//! object for machines, which [`table`] describes.
//!
//! - [`town`]: a town with its server; [`kernel`]: what the kernel says; [`floor`]: tmux without gtd; [`table`]: the figures.
//! - [`heartbeat`], [`look`], [`life`], [`deaths`], [`memory`], [`day`]: what is measured.

mod day;
mod deaths;
mod floor;
mod heartbeat;
#[path = "../support/idle.rs"]
mod idle;
mod kernel;
mod life;
mod look;
mod memory;
mod table;
mod town;

use table::Table;
use town::{Rhythm, Town};

/// How often each time is taken.
const RUNS: usize = 7;

/// What can be measured by itself, by its name.
type Part = (&'static str, fn(&mut Table));

/// All parts.
const PARTS: [Part; 10] = [
    ("heartbeat", heartbeat::heartbeat),
    ("look", look::look),
    ("start", life::start),
    ("stop", life::stop),
    ("death", deaths::deaths),
    ("mail", life::mail),
    ("memory", memory::memory),
    ("size", memory::size),
    ("scale", scale),
    ("day", day::day),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` would run it too.
    if !args.iter().any(|arg| arg == "--bench") {
        return;
    }
    let only: Vec<&str> = args.windows(2).filter(|pair| pair[0] == "--only").map(|pair| pair[1].as_str()).collect();
    let mut table = Table::default();
    for (name, measure) in PARTS {
        if only.is_empty() || only.contains(&name) {
            eprintln!("measuring: {name}");
            table.begin(name);
            measure(&mut table);
        }
    }
    if args.iter().any(|arg| arg == "--json") {
        println!("{}", table.json());
    } else {
        table.print();
    }
}

/// Takes a figure as often as all are taken.
fn runs(take: impl FnMut() -> f64) -> Vec<f64> {
    std::iter::repeat_with(take).take(RUNS).collect()
}

/// A thousand agents in 500 rigs, which nobody pokes: what that takes is measured by itself.
fn scale(table: &mut Table) {
    let town = Town::new(1000, Rhythm { pokes: false, ..Rhythm::default() });
    look::cost(table, &town);
    life::many(table, &town);
    deaths::mass_death(table, &town);
}
