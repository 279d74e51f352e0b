//! The town outside: how it is looked at, and how it is acted upon. In reading order: [`town_files`], [`gastown`] and
//! [`signs`] (where and what it is), [`holds`], [`docks`] and [`elsewhere`] (what keeps gtd from agents), [`tmux`] and
//! [`sessions`] (what runs), [`beads`] (what agents say), [`look`] (all of it as one snapshot), [`act`] with [`clear`],
//! [`start`] with [`launch`], [`nudges`] and [`notes`], and [`poke`] (the recipes), [`mail`] and [`spool`] (what is asked of gtd),
//! [`deeds`] and [`spawns`] (what is done about it), [`notify`] (what a person is told).

pub mod act;
pub mod beads;
pub mod clear;
pub mod dead;
pub mod deeds;
pub mod docks;
pub mod elsewhere;
pub mod environment;
pub mod gastown;
pub mod holds;
pub mod launch;
pub mod look;
pub mod mail;
pub mod notes;
pub mod notify;
pub mod nudges;
pub mod poke;
pub mod sessions;
pub mod signs;
pub mod spawns;
pub mod spool;
pub mod start;
pub mod tmux;
pub mod tool;
pub mod tools;
pub mod town_files;

use crate::sys::attention::Attention;
use crate::sys::command::LeftAlone;
use crate::town::config::Config;
use crate::town::history::History;
use crate::town::names::Generation;
use crate::town::outage::Outage;
use crate::town::snapshot::Trouble;
use crate::town::time::Wall;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tmux::Tmux;
use tools::Tools;

/// A town and all that is needed to look at it and to act upon it.
#[derive(Debug)]
pub struct World {
    /// Its root, as it was named.
    pub root: PathBuf,
    /// Its root without symbolic links.
    pub real_root: PathBuf,
    /// The programs.
    pub tools: Tools,
    /// The configuration in force.
    pub config: Config,
    /// The file that it was read from, as it last could be.
    pub config_file: Option<Value>,
    /// What is wrong with the configuration.
    pub config_troubles: Vec<Trouble>,
    /// Who may break into a wait.
    pub attention: Attention,
    tmux: Option<Tmux>,
    /// The PID of the tmux server, as it was last seen: never to be ended.
    server: Option<u32>,
    /// The panes that bore the name of their session as their mark, at the last look.
    marked: Vec<u32>,
    own_calls: OwnCalls,
    /// Programs that gtd has started and does not wait for.
    left_alone: LeftAlone,
    /// Why neither `gt` nor the town told its generation, at the last heartbeat.
    no_sign: Option<Outage>,
    docks: docks::Docks,
    /// Where the town was before, and its tmux server lives on.
    former: Vec<tmux::Socket>,
    /// Whether a tmux server that the town is not on has given no answer since the last heartbeat.
    no_answer_elsewhere: bool,
    /// Whether `gt` is to be asked at the next look which Gas Town this is.
    ask_gt: bool,
    /// The `gt` that was asked last, and when that file was changed.
    gt_file: Option<(PathBuf, Option<Wall>)>,
    notes: notes::Notes,
    pollers: nudges::Pollers,
}

impl World {
    /// The town at `root`, with its configuration. Where the file cannot be used, the last good one stands that `history`
    /// remembers: without it gtd would look for the town on another tmux server, and start everybody there once more.
    pub fn new(root: &Path, attention: Attention, history: &History) -> World {
        let mut world = World {
            root: root.to_owned(),
            real_root: fs::canonicalize(root).unwrap_or_else(|_| root.to_owned()),
            tools: Tools::default(),
            config: Config::default(),
            config_file: history.config.clone(),
            config_troubles: Vec::new(),
            attention,
            tmux: None,
            server: None,
            marked: Vec::new(),
            own_calls: OwnCalls::default(),
            left_alone: LeftAlone::default(),
            no_sign: None,
            docks: docks::Docks::default(),
            former: Vec::new(),
            no_answer_elsewhere: false,
            ask_gt: false,
            gt_file: None,
            notes: notes::Notes::default(),
            pollers: nudges::Pollers::default(),
        };
        world.tools.find_missing();
        world.read_config();
        world
    }

    /// Reads the configuration again. One that cannot be used keeps the old one; says whether it could.
    pub fn read_config(&mut self) -> bool {
        let read = town_files::read_config(&self.root);
        let stands = match &self.config_file {
            Some(_) => "the last good configuration stands",
            None => "the default stands",
        };
        let trouble = read.as_ref().err().map(|why| Trouble {
            about: "daemon.json".to_owned(),
            text: format!("mayor/daemon.json: {why}; {stands}"),
            over: "mayor/daemon.json can be read again".to_owned(),
            need: None,
        });
        if let Ok(file) = read {
            self.config_file = Some(file);
        }
        let file = self.config_file.clone().unwrap_or_default();
        let (config, warnings) = Config::of(file).unwrap_or_default();
        self.config = config;
        self.config_troubles.clear();
        for warning in warnings {
            self.config_troubles.push(Trouble {
                over: format!("mayor/daemon.json: {} is in order again", warning.split(':').next().unwrap_or_default()),
                text: format!("mayor/daemon.json: {warning}"),
                about: format!("config {warning}"),
                need: None,
            });
        }
        let could = trouble.is_none();
        self.config_troubles.extend(trouble);
        could
    }

    /// Talks to the tmux server of this generation from now on.
    fn use_socket_of(&mut self, generation: Option<Generation>) {
        let named = std::env::var("GT_TMUX_SOCKET").ok();
        let socket = gastown::socket(&self.config, generation, named.as_deref(), &self.real_root);
        let program = self.tools.tmux.as_deref();
        self.tmux = program.map(|program| Tmux::new(program, socket, &self.real_root));
    }

    /// The socket that was used last.
    pub fn socket(&self) -> Option<&tmux::Socket> {
        self.tmux.as_ref().map(Tmux::socket)
    }
}

/// When gtd itself called `gt`, which notes every call as activity of the town.
#[derive(Debug, Default)]
struct OwnCalls(Vec<(Wall, Wall)>);

impl OwnCalls {
    /// `gt` notes the time in the course of its call; a second more for clocks that round.
    const SLACK: Duration = Duration::from_secs(1);
    /// The file holds one stamp only, so only the last calls can be in it.
    const KEPT: usize = 8;

    fn note(&mut self, began: Wall, ended: Wall) {
        if self.0.len() == Self::KEPT {
            self.0.remove(0);
        }
        self.0.push((began.minus(Self::SLACK), ended.plus(Self::SLACK)));
    }

    fn cover(&self, at: Wall) -> bool {
        self.0.iter().any(|(began, ended)| (*began..=*ended).contains(&at))
    }
}
