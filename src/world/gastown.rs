//! Which Gas Town this is: what the configuration says, else what `gt --version` says, else what it last said. Where none
//! of these tells, [`super::signs`] asks the town itself.

use super::tmux::Socket;
use super::tool;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::clock;
use crate::sys::command::Command;
use crate::town::answers::KnownGastown;
use crate::town::config::Config;
use crate::town::names::Generation;
use crate::town::outage::Outage;
use crate::town::sha256;
use crate::town::text::clean;
use crate::town::time::Wall;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// The generation, and the answer to be remembered if `gt` was asked.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which one.
    pub generation: Result<Generation, Outage>,
    /// Why that one, as a clause.
    pub why: String,
    /// What `gt` has said just now.
    pub answer: Option<KnownGastown>,
    /// Whether `gt` was called, which it notes as activity of the town.
    pub called: bool,
    /// Whether the town itself may be asked, since `gt` has said nothing.
    pub open: bool,
}

impl Found {
    fn known(generation: Generation, why: impl Into<String>) -> Found {
        Found { generation: Ok(generation), why: why.into(), answer: None, called: false, open: false }
    }

    fn none(outage: Outage, open: bool) -> Found {
        Found { generation: Err(outage), why: String::new(), answer: None, called: false, open }
    }
}

/// Whether the program may be asked: it is another process, and it may hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// If nothing else tells.
    IfNeeded,
    /// Whatever is remembered.
    Now,
    /// Not this time.
    Never,
}

/// A wrapper in place of `gt` can begin to run another one without being changed itself.
const ASKED_AGAIN_AFTER: Duration = Duration::from_hours(1);

/// Finds out. `gt` is asked where nothing is remembered of this very file, and once an hour.
///
/// # Errors
/// [`Stopped`].
pub fn generation(
    config: &Config,
    known: Option<&KnownGastown>,
    gt: Option<&Path>,
    (ask, now): (Ask, Wall),
    command: impl FnOnce(&Path) -> Command,
    attention: &mut Attention,
) -> Result<Found, Stopped> {
    if let Some(generation) = config.gastown {
        return Ok(Found::known(generation, "configured"));
    }
    let saved = |outage: Outage| match known {
        // What the town has shown is remembered as it was: there is nothing newer to be had.
        Some(KnownGastown { generation: Some(generation), said, program, .. }) if program.is_empty() => {
            Found::known(*generation, said.as_str())
        }
        Some(KnownGastown { generation: Some(generation), said, .. }) => {
            Found::known(*generation, format!("remembered, {outage}: {said}"))
        }
        // A gt that named another generation was there: nothing else may be concluded.
        Some(KnownGastown { said, .. }) => Found::none(Outage::new(said.as_str()), false),
        None => Found::none(outage, true),
    };
    let Some(gt) = gt else {
        return Ok(saved(Outage::new("there is no gt to ask")));
    };
    let same = known.filter(|known| known.is_of(gt));
    if let Some(KnownGastown { generation: Some(generation), said, .. }) = same
        && (ask == Ask::Never || (ask == Ask::IfNeeded && !is_due(config, known, Some(gt), now)))
    {
        return Ok(Found::known(*generation, said.as_str()));
    }
    if ask == Ask::Never {
        let yet = if known.is_some() {
            "gt is asked at the next heartbeat"
        } else {
            "gt --version has given no usable answer yet"
        };
        return Ok(saved(Outage::new(yet)));
    }
    let result = command(gt).arg("--version").run(attention)?;
    let found = match tool::answer("gt --version", result, true) {
        Err(outage) => Err(outage),
        Ok(output) => {
            let first = clean(output.stdout.lines().next().unwrap_or_default(), 80);
            match (Generation::of_gt_version(&first), is_version(&first)) {
                (Some(generation), _) => Ok((Some(generation), format!("gt --version says {}", version(&first)))),
                (None, true) => Ok((None, format!("gt --version says {first:?}, which gtd does not know"))),
                (None, false) => Err(Outage::new(format!("gt --version says {first:?}, which is no version"))),
            }
        }
    };
    let asked = Some(now);
    let (program, changed) = (gt.display().to_string(), changed(gt));
    let found = match found {
        Ok((generation, said)) => {
            let answer = KnownGastown { generation, program, changed, said: said.clone(), asked };
            let found = match generation {
                Some(generation) => Found::known(generation, said),
                None => Found::none(Outage::new(said), false),
            };
            Found { answer: Some(answer), ..found }
        }
        // One that has answered before is asked again in an hour, and not at every heartbeat.
        Err(outage) => {
            let answer =
                same.filter(|known| known.generation.is_some()).map(|known| KnownGastown { asked, ..known.clone() });
            Found { answer, ..saved(outage) }
        }
    };
    Ok(Found { called: true, ..found })
}

/// Whether `gt` is asked at the next heartbeat.
pub fn is_due(config: &Config, known: Option<&KnownGastown>, gt: Option<&Path>, now: Wall) -> bool {
    let Some(gt) = gt.filter(|_| config.gastown.is_none()) else { return false };
    let stands = |known: &KnownGastown| {
        // A stamp from the future is one from before the clock was set back.
        let fresh = known.asked.is_some_and(|asked| asked <= now && now.since(asked) < ASKED_AGAIN_AFTER);
        known.generation.is_some() && known.is_of(gt) && fresh
    };
    !known.is_some_and(stands)
}

impl KnownGastown {
    /// Whether this very file has said it.
    fn is_of(&self, gt: &Path) -> bool {
        self.program == gt.display().to_string() && self.changed == changed(gt)
    }
}

/// When a file was last changed.
pub(super) fn changed(gt: &Path) -> Option<Wall> {
    gt.metadata().and_then(|meta| meta.modified()).ok().map(clock::wall_of)
}

/// Whether this is the version of a release, known or not: `gt version v0.7.0`.
fn is_version(text: &str) -> bool {
    let mut numbers = version(text).trim_start_matches('v').split('.');
    let mut number = || numbers.next().is_some_and(|n| n.parse::<u32>().is_ok());
    text.starts_with("gt version ") && number() && number()
}

fn version(text: &str) -> &str {
    text.trim_start_matches("gt version ").split_whitespace().next().unwrap_or_default()
}

/// The tmux server of a town: what the configuration says, else as the generation has it. `named` is `GT_TMUX_SOCKET`;
/// `root` is the town's without symbolic links.
pub fn socket(config: &Config, generation: Option<Generation>, named: Option<&str>, root: &Path) -> Socket {
    match &config.tmux_socket {
        Some(path) if path.starts_with('/') => return Socket::Path(path.clone()),
        Some(name) => return Socket::Name(name.clone()),
        None => {}
    }
    if !generation.is_some_and(|g| g.table().own_socket) {
        return Socket::Default;
    }
    match named {
        Some(name) if !name.is_empty() => Socket::Name(name.to_owned()),
        _ => Socket::Name(own_socket_name(root)),
    }
}

fn own_socket_name(root: &Path) -> String {
    let base = root.file_name().unwrap_or_default().to_string_lossy();
    let usable = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' }
    };
    let base: String = base.chars().map(usable).collect();
    let digest = sha256::hex_digest(root.as_os_str().as_bytes());
    format!("{base}-{}", &digest[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_the_generations_unless_it_was_named() {
        let root = Path::new("/home/owner/gt");
        let own = |generation, named| socket(&Config::default(), generation, named, root);
        assert_eq!(own(Some(Generation::Seed), Some("x")), Socket::Default);
        assert_eq!(own(Some(Generation::V02), None), Socket::Default);
        assert_eq!(own(Some(Generation::V10), Some("x")), Socket::Name("x".to_owned()));
        assert_eq!(own(Some(Generation::V10), None), Socket::Name("gt-47ee12".to_owned()));
        let config = |text: &str| {
            let mut config = Config::default();
            config.tmux_socket = Some(text.to_owned());
            config
        };
        let chosen = |text| socket(&config(text), Some(Generation::V10), Some("x"), root);
        assert_eq!(chosen("mine"), Socket::Name("mine".to_owned()));
        assert_eq!(chosen("/run/s"), Socket::Path("/run/s".to_owned()));
    }
}
