//! Resident memory, size and dependencies.

use super::kernel::status;
use super::table::Table;
use super::town::{GTD, Rhythm, Town, wait_until};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Of a static gtd: idle in a small town, after heartbeats in a town of a thousand, and what an agent costs.
pub fn memory(table: &mut Table) {
    let Some(gtd) = static_gtd() else {
        table.missing("resident memory", "there is no static build: make static");
        return;
    };
    let small = resident(&gtd, 3, 0);
    table.add("resident memory, static build, idle, 3 agents", "MB", vec![small.0]).budget(1.6);
    let ten = resident(&gtd, 10, 1);
    let thousand = resident(&gtd, 1000, 1);
    table.add("  after heartbeats, 10 agents", "MB", vec![ten.0]);
    table.add("  after heartbeats, 1000 agents", "MB", vec![thousand.0]).budget(6.0);
    table.add("  at its highest, 1000 agents", "MB", vec![thousand.1]);
    table.add("  growth by an agent", "kB", vec![(thousand.0 - ten.0) * 1e3 / 990.0]).budget(4.0);
}

/// Megabytes in a town of so many agents, after so many heartbeats besides the first: now, and at the highest.
fn resident(gtd: &Path, agents: usize, heartbeats: usize) -> (f64, f64) {
    let heartbeat = if heartbeats > 0 { "3s" } else { "1h" };
    let town = Town::new(agents, Rhythm { look: "1s", heartbeat, pokes: true });
    let complete = || town.said("Heartbeat complete");
    let before = complete();
    let daemon = town.daemon(gtd);
    wait_until(|| complete() > before + heartbeats);
    // Two looks more.
    for _ in 0..2 {
        let looked = town.state("looked_at");
        wait_until(|| town.state("looked_at") != looked);
    }
    std::thread::sleep(Duration::from_millis(300));
    let megabytes = |name: &str| status(daemon.id(), name) * 1024.0 / 1e6;
    let found = (megabytes("VmRSS"), megabytes("VmHWM"));
    town.stop(daemon);
    found
}

/// The static binaries that were built from these sources, and the crates they are linked with.
pub fn size(table: &mut Table) {
    for (target, budget) in [("gnu", 1.5), ("musl", 0.8)] {
        let what = format!("size, static build, {target}");
        match built(target) {
            Some(gtd) => {
                let size = fs::metadata(gtd).expect("a file").len() as f64 / 1e6;
                table.add(what, "MB", vec![size]).budget(budget);
            }
            None => table.missing(what, "not built from these sources"),
        }
    }
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("a manifest");
    let after = manifest.split_once("[dependencies]\n").expect("dependencies").1;
    let crates = after.lines().take_while(|line| !line.starts_with('[')).filter(|line| line.contains('=')).count();
    table.count("direct dependencies at run time", crates).budget(7.0);
}

/// The static gtd that is used: the one that was named, else what was built.
fn static_gtd() -> Option<PathBuf> {
    let named = std::env::var_os("GTD_STATIC").map(PathBuf::from);
    named.or_else(|| built("musl")).or_else(|| built("gnu"))
}

/// The static binary for a target of this machine, if it is newer than the sources.
fn built(libc: &str) -> Option<PathBuf> {
    let of_this_machine = format!("{}-unknown-linux-{libc}", std::env::consts::ARCH);
    let gtd = Path::new(GTD).parent()?.parent()?.join(of_this_machine).join("release/gtd");
    let at = fs::metadata(&gtd).ok()?.modified().ok()?;
    (at >= newest(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))).then_some(gtd)
}

/// When anything below a directory was last changed.
fn newest(dir: &Path) -> SystemTime {
    let entries = fs::read_dir(dir).expect("a listing").flatten();
    let times = entries.map(|entry| match entry.path() {
        path if path.is_dir() => newest(&path),
        path => fs::metadata(path).and_then(|meta| meta.modified()).expect("a time"),
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}
