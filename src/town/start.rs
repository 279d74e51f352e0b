//! What the start of an agent consists of: environment, tmux environment, options, and the line that is run. All of it comes
//! from the generation's table, the configuration, and what only the moment knows.

use super::agent::Role;
use super::config::Config;
use super::names::{Agent, Generation, Pairs, replace};
use super::shell_line::{CLAUDE, Quoting, process_names, program, takes_more};
use super::theme::style_of;
use std::path::{Path, PathBuf};

/// What only the moment of the start knows.
pub struct Facts<'a> {
    /// The town's root, as it was named.
    pub root: &'a Path,
    /// The port of the town's database server, where there is one.
    pub port: Option<u16>,
    /// A number that no other start has.
    pub run: Option<String>,
    /// The local time, to the minute.
    pub time: String,
    /// The login shell's name.
    pub shell: &'a str,
    /// Whether a file exists.
    pub is_file: &'a dyn Fn(&Path) -> bool,
    /// Where a program is, by `PATH`.
    pub find: &'a dyn Fn(&str) -> Option<PathBuf>,
}

/// A variable's name and its value.
pub type Variable = (&'static str, String);

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// What the program gets.
    pub env: Vec<Variable>,
    /// What the session gets, for whatever else is started in it, and for `gt`. A value that is [`PANE`] stands for the
    /// agent's pane.
    pub session_env: Vec<Variable>,
    /// The session's options.
    pub options: Vec<Variable>,
    /// What the login shell runs.
    pub line: String,
    /// Whether a `gt nudge-poller` belongs to it.
    pub polls_nudges: bool,
}

/// The format by which tmux says which pane it is.
pub const PANE: &str = "#{pane_id}";

/// By these `gt` finds out whether a session's program lives. A session without them runs Claude, it believes.
const LIVENESS: [&str; 2] = ["GT_AGENT", "GT_PROCESS_NAMES"];

impl Start {
    /// The start of an agent.
    pub fn of(agent: &Agent, config: &Config, facts: &Facts) -> Start {
        let role = agent.id.role();
        let table = agent.generation.table();
        let filler = Filler { agent, facts, program: program(config.agent_command(role)) };
        // What the configuration names stands there already; it cannot say that an agent is another one.
        let unset = |name: &str| !config.env.contains_key(name);
        let any = |_: &str| true;
        let (mut env, mut options) = (Vec::new(), Vec::new());
        filler.fill_all(table.common_env, &unset, &mut env);
        filler.fill_all((table.env)(role), &any, &mut env);
        let hidden = (table.not_in_session)(role);
        let other_program = filler.program != Some(CLAUDE);
        let mut session_env = env.clone();
        session_env.retain(|(name, _)| !hidden.contains(name) || (other_program && LIVENESS.contains(name)));
        filler.fill_all((table.session_env)(role), &unset, &mut session_env);
        filler.fill_all(table.common_options, &any, &mut options);
        filler.fill_all((table.options)(role), &any, &mut options);
        Start { options, line: filler.line(config, role), polls_nudges: table.polled.contains(&role), env, session_env }
    }
}

/// The file that a command runs, where gtd finds that by itself and not the login shell, and what stands behind the program's
/// name: so it is with Claude, by its bare name, in a Gas Town that starts it by its whole path.
pub fn found<'a>(
    command: &'a str,
    generation: Generation,
    find: &dyn Fn(&str) -> Option<PathBuf>,
) -> Option<(String, &'a str)> {
    let rest = command.strip_prefix(CLAUDE).filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
    if !generation.table().whole_path || !takes_more(command) {
        return None;
    }
    let file = find(CLAUDE)?.into_os_string().into_string().ok()?;
    Some((file, rest))
}

struct Filler<'a> {
    agent: &'a Agent,
    facts: &'a Facts<'a>,
    program: Option<&'a str>,
}

impl Filler<'_> {
    fn value(&self, key: &str) -> Option<String> {
        let id = &self.agent.id;
        match key {
            "town" => Some(self.facts.root.to_string_lossy().into_owned()),
            "rig" => Some(id.rig().map(ToString::to_string).unwrap_or_default()),
            "colours" => id.rig().map(|rig| style_of(rig.as_str()).to_owned()),
            "name" => Some(id.own_name().map(ToString::to_string).unwrap_or_default()),
            "role" => Some(id.role().word().to_owned()),
            "agent" => Some(id.to_string()),
            "session" => Some(self.agent.session.clone()),
            "program" => self.program.map(str::to_owned),
            "processes" => self.program.map(process_names),
            "port" => self.facts.port.map(|port| port.to_string()),
            "run" => self.facts.run.clone(),
            "time" => Some(self.facts.time.clone()),
            "pane" => Some(PANE.to_owned()),
            _ => None,
        }
    }

    /// The template filled; `None` where something in it is not known.
    fn fill(&self, template: &str) -> Option<String> {
        let mut known = true;
        let filled = replace(template, &mut |key| {
            let value = self.value(key);
            known &= value.is_some();
            value
        });
        known.then_some(filled)
    }

    /// Fills those of `pairs` whose name is `wanted`, as far as all in them is known.
    fn fill_all(&self, pairs: Pairs, wanted: &dyn Fn(&str) -> bool, filled: &mut Vec<Variable>) {
        for (name, template) in pairs {
            if wanted(name)
                && let Some(value) = self.fill(template)
            {
                filled.push((name, value));
            }
        }
    }

    /// The agent's command, with the settings and the first prompt behind it where these are its program's.
    fn line(&self, config: &Config, role: Role) -> String {
        let command = config.agent_command(role);
        let configured = config.first_prompt(role);
        let is_claude = self.program == Some(CLAUDE);
        let mut line = command.to_owned();
        if !takes_more(command) {
            return line;
        }
        let quoting = Quoting::of(self.facts.shell);
        if let Some((file, arguments)) = found(command, self.agent.generation, self.facts.find) {
            line = format!("{}{arguments}", quoting.quote_where_needed(&file));
        }
        let settings = (self.agent.generation.table().settings)(role).and_then(|template| self.fill(template));
        let wanted =
            |file: &String| is_claude && !command.contains("--settings") && (self.facts.is_file)(Path::new(file));
        if let Some(file) = settings.filter(wanted) {
            line.push_str(" --settings ");
            line.push_str(&quoting.quote(&file));
        }
        if is_claude || configured.is_some() {
            let prompt = self.prompt(configured, role);
            if !prompt.is_empty() {
                line.push(' ');
                line.push_str(&quoting.quote(&prompt));
            }
        }
        line
    }

    fn prompt(&self, configured: Option<&str>, role: Role) -> String {
        let own = (self.agent.generation.table().prompt)(role);
        let header = own.and_then(|own| self.fill(own.header)).unwrap_or_default();
        match (configured, own) {
            // Other braces of a person's text are that person's.
            (Some(text), _) => replace(text, &mut |key| match key {
                "header" => Some(header.clone()),
                "agent" | "rig" | "role" | "town" => self.value(key),
                _ => None,
            }),
            (None, Some(own)) => format!("{header}\n\n{}", own.body),
            (None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::agent::{AgentId, Name};
    use crate::town::rigs::Rig;

    fn start(generation: Generation, id: &str, config: &str) -> Start {
        let id: AgentId = id.parse().expect(id);
        let rig = id.rig().map(|name| Rig { name: name.clone(), prefix: Name::parse("al").expect("a prefix") });
        let agent = generation.table().agent(Path::new("/t"), id, rig.as_ref());
        let (config, warnings) = Config::parse(config.as_bytes()).expect("a configuration");
        assert_eq!(warnings, [""; 0]);
        let there = |file: &Path| file.starts_with("/t/alpha");
        let facts = Facts {
            root: Path::new("/t"),
            port: None,
            run: Some("7".to_owned()),
            time: "2026-01-02T03:04".to_owned(),
            shell: "bash",
            is_file: &there,
            find: &|name| Some(Path::new("/opt/my bin").join(name)),
        };
        Start::of(&agent, &config, &facts)
    }

    fn line(config: &str) -> String {
        start(Generation::V10, "alpha/witness", config).line
    }

    #[test]
    fn claude_gets_its_settings_and_its_first_prompt() {
        assert_eq!(
            line("{}"),
            "'/opt/my bin/claude' --dangerously-skip-permissions --settings '/t/alpha/witness/.claude/settings.json' \
             '[GAS TOWN] witness (rig: alpha) <- deacon • 2026-01-02T03:04 • patrol\n\n\
             Run `gt prime`, then begin your patrol.'"
        );
        let own = line(r#"{"gtd":{"agent_command":"~/claude --settings x","first_prompt":""}}"#);
        assert_eq!(own, "~/claude --settings x");
    }

    #[test]
    fn a_program_that_is_named_by_more_than_its_name_is_left_to_the_shell() {
        for command in ["A=1 claude", "exec claude", "claude.sh", "./claude", "claude | tee log"] {
            let config = format!(r#"{{"gtd":{{"agent_command":"{command}","first_prompt":""}}}}"#);
            let line = start(Generation::V10, "deacon", &config).line;
            assert_eq!(line, command);
        }
        let older = start(Generation::V02, "deacon", "{}").line;
        assert_eq!(older, "claude --dangerously-skip-permissions");
    }

    #[test]
    fn another_program_stays_as_it_was_written_unless_a_prompt_is_configured() {
        assert_eq!(line(r#"{"gtd":{"agent_command":"./agent -x"}}"#), "./agent -x");
        assert_eq!(
            line(
                r#"{"gtd":{"agent_command":"./agent","first_prompt":{"witness":"I'm {agent} of {rig}, {role} in {town}{x}"}}}"#
            ),
            "./agent 'I'\\''m alpha/witness of alpha, witness in /t{x}'"
        );
        assert_eq!(line(r#"{"gtd":{"agent_command":"claude | tee log"}}"#), "claude | tee log");
        assert_eq!(line(r#"{"gtd":{"agent_command":"a","first_prompt":{"deacon":"x"}}}"#), "a");
        let header = line(r#"{"gtd":{"agent_command":"a","first_prompt":"{header}!"}}"#);
        assert_eq!(header, "a '[GAS TOWN] witness (rig: alpha) <- deacon • 2026-01-02T03:04 • patrol!'");
    }

    #[test]
    fn gt_is_told_under_which_name_to_look_for_another_program() {
        let start = start(Generation::V10, "deacon", r#"{"gtd":{"agent_command":"/opt/codex"}}"#);
        for env in [&start.env, &start.session_env] {
            assert!(env.contains(&("GT_AGENT", "codex".to_owned())), "{env:?}");
            assert!(env.contains(&("GT_PROCESS_NAMES", "codex,node,claude".to_owned())), "{env:?}");
            assert!(!env.iter().any(|(name, _)| name.ends_with("DOLT_PORT")), "not known: {env:?}");
        }
    }

    #[test]
    fn the_configuration_changes_what_all_get_and_not_who_they_are() {
        let start = start(
            Generation::V10,
            "deacon",
            r#"{"env":{"NODE_OPTIONS":"-x","GT_ROLE":"mayor","GT_PANE_ID":"no","GT_PROCESS_NAMES":"mine"}}"#,
        );
        let names: Vec<&str> = start.env.iter().chain(&start.session_env).map(|(name, _)| *name).collect();
        assert!(
            !names.contains(&"NODE_OPTIONS") && !names.contains(&"GT_PROCESS_NAMES") && !names.contains(&"GT_PANE_ID")
        );
        assert!(start.env.contains(&("GT_ROLE", "deacon".to_owned())));
    }
}
