//! `--print`: what goes with gtd and is carried in it, so that it cannot be of another version.

mod agents;
mod bash;
mod config;
mod cron;
mod fish;
mod launchd;
mod man;
mod systemd;
pub mod what;
mod zsh;

use super::args::Args;
use super::{Exit, Refusal, find_town, print};
use crate::town::text::clean;
use crate::world::tools;
use std::env;
use std::path::{Path, PathBuf};
use what::What;

/// Prints it.
///
/// # Errors
/// Why it cannot be printed for this program or directory.
pub fn show(what: What, args: &Args) -> Result<Exit, Refusal> {
    let text = match what {
        What::Town => format!("{}\n", find_town(args).map_err(failed)?.display()),
        What::Man => man::page(),
        What::Bash => bash::script(),
        What::Zsh => zsh::script(),
        What::Fish => fish::script(),
        What::Config => config::sample(),
        What::Systemd => systemd::unit(&Service::here(args)?).map_err(failed)?,
        What::Launchd => launchd::plist(&Service::here(args)?),
        What::Cron => cron::line(&Service::here(args)?).map_err(failed)?,
        What::Agents => find_town(args).map(|town| agents::names(&town)).unwrap_or_default(),
    };
    print(format_args!("{text}"))
}

fn failed(why: String) -> Refusal {
    Refusal { exit: Exit::Failed, why }
}

/// What a service manager has to be told. None of the texts holds a control character.
#[derive(Clone, Debug, Default)]
struct Service {
    /// This program.
    program: String,
    /// The town, where one was found.
    town: Option<String>,
    /// Where tmux has its sockets, if not where it has them by itself.
    sockets: Option<String>,
    /// The directories that hold tmux, gt and bd.
    places: Vec<String>,
    /// The home directory.
    home: Option<String>,
}

impl Service {
    fn here(args: &Args) -> Result<Service, Refusal> {
        if let Some(program) = &args.program {
            return Service::anywhere(args, program);
        }
        let program = env::current_exe().map_err(|error| failed(format!("cannot find this program: {error}")))?;
        let town = match find_town(args) {
            Ok(town) => Some(town),
            Err(why) if args.town.is_some() => return Err(failed(why)),
            Err(_) => None,
        };
        let sockets = env::var_os("TMUX_TMPDIR").map(PathBuf::from);
        let sockets = sockets.filter(|dir| dir.is_absolute() && dir != Path::new("/tmp"));
        let places = ["tmux", "gt", "bd"].iter().filter_map(|name| tools::find(name)?.parent().map(Path::to_owned));
        Ok(Service {
            program: text(&program)?,
            town: town.as_deref().map(text).transpose()?,
            sockets: sockets.as_deref().map(text).transpose()?,
            places: places.map(|dir| text(&dir)).collect::<Result<_, _>>()?,
            home: crate::sys::user::home().as_deref().map(text).transpose()?,
        })
    }

    /// For a machine of which nothing is known; a town only where it was named.
    fn anywhere(args: &Args, program: &Path) -> Result<Service, Refusal> {
        Ok(Service { program: text(program)?, town: args.town.as_deref().map(text).transpose()?, ..Service::default() })
    }

    /// A `PATH` that leads to the tools, where `usual`, which is what a service gets by itself, does not.
    fn path(&self, usual: &[&str]) -> Option<String> {
        let mut dirs: Vec<&str> = Vec::new();
        // A directory whose name holds a colon cannot be in a PATH.
        for dir in self.places.iter().map(String::as_str).filter(|dir| !usual.contains(dir) && !dir.contains(':')) {
            if !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        (!dirs.is_empty()).then(|| [&dirs, usual].concat().join(":"))
    }
}

fn text(path: &Path) -> Result<String, Refusal> {
    match path.to_str() {
        Some(text) if !text.contains(is_unwritable) => Ok(text.to_owned()),
        _ => Err(failed(format!(
            "{}: a path with control characters or bytes that are no text cannot be written down; rename it, or name a \
             symbolic link to it",
            clean(&path.to_string_lossy(), 400)
        ))),
    }
}

/// Control characters, and what Unicode keeps from ever being one: XML has no words for some of them, and systemd takes
/// them for no text.
fn is_unwritable(c: char) -> bool {
    c.is_control() || matches!(u32::from(c), 0xfdd0..=0xfdef) || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_and_a_wrong_one_is_answered_with_all_of_them() {
        for what in What::ALL {
            assert_eq!(What::parse(what.word()), Ok(what));
        }
        let words = "town, man, bash, zsh, fish, systemd, launchd, cron, config";
        assert_eq!(What::parse("moon"), Err(format!("--print: \"moon\" is none of {words}")));
    }

    #[test]
    fn a_path_is_named_only_where_the_usual_one_does_not_lead_to_the_tools() {
        let places = |dirs: &[&str]| Service {
            places: dirs.iter().map(|dir| (*dir).to_owned()).collect(),
            ..Service::default()
        };
        assert_eq!(places(&["/usr/bin", "/bin"]).path(&["/usr/bin", "/bin"]), None);
        let found = places(&["/usr/bin", "/opt/go bin", "/opt/go bin", "/a:b"]).path(&["/usr/bin", "/bin"]);
        assert_eq!(found.as_deref(), Some("/opt/go bin:/usr/bin:/bin"));
    }
}
