//! Which Gas Town this is: what the configuration says, else what `gt --version` says, else what it last said.

use super::tmux::Socket;
use super::tool;
use crate::sys::attention::{Attention, Stopped};
use crate::sys::clock;
use crate::sys::command::Command;
use crate::town::config::Config;
use crate::town::history::KnownGastown;
use crate::town::names::Generation;
use crate::town::outage::Outage;
use crate::town::sha256;
use crate::town::text::clean;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The generation, and the answer to be remembered if `gt` was asked.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which one.
    pub generation: Result<Generation, Outage>,
    /// What `gt` has said just now.
    pub answer: Option<KnownGastown>,
    /// Whether `gt` was called, which it notes as activity of the town.
    pub called: bool,
}

impl Found {
    const fn known(generation: Generation) -> Found {
        Found { generation: Ok(generation), answer: None, called: false }
    }
}

/// Whether the program may be asked: it is another process, and it may hang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// If nothing else tells.
    IfNeeded,
    /// Not this time.
    Never,
}

/// Finds out. `gt` is asked only where nothing is remembered of this very file.
///
/// # Errors
/// [`Stopped`].
pub fn generation(
    config: &Config,
    known: Option<&KnownGastown>,
    gt: Option<&Path>,
    ask: Ask,
    command: impl FnOnce(&Path) -> Command,
    attention: &mut Attention,
) -> Result<Found, Stopped> {
    if let Some(generation) = config.gastown {
        return Ok(Found::known(generation));
    }
    let saved = |outage| match known {
        Some(known) => Found::known(known.generation),
        None => Found { generation: Err(outage), answer: None, called: false },
    };
    let Some(gt) = gt else {
        return Ok(saved(Outage::new("there is no gt to ask")));
    };
    let program = gt.display().to_string();
    let changed = gt.metadata().and_then(|meta| meta.modified()).ok().map(clock::wall_of);
    if let Some(known) = known.filter(|known| known.program == program && known.changed == changed) {
        return Ok(Found::known(known.generation));
    }
    if ask == Ask::Never {
        return Ok(saved(Outage::new("gt --version has given no usable answer yet")));
    }
    let result = command(gt).arg("--version").run(attention)?;
    let said = tool::answer("gt --version", result, true).and_then(|output| {
        let first = output.stdout.lines().next().unwrap_or_default();
        Generation::of_gt_version(first)
            .ok_or_else(|| Outage::new(format!("gt --version says {:?}, which gtd does not know", clean(first, 80))))
    });
    Ok(match said {
        Ok(generation) => Found {
            generation: Ok(generation),
            answer: Some(KnownGastown { generation, program, changed }),
            called: true,
        },
        Err(outage) => Found { called: true, ..saved(outage) },
    })
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
