//! The recipe for a start: run the agent's program, keep its pane, mark it, all so that nothing is lost between two steps.

use super::World;
use super::environment::removed_for;
use super::tmux::Tmux;
use super::tmux::script::{argument, guarded, not_a_format, quote, said, say, tag};
use crate::sys::attention::{Attention, Stopped};
use crate::sys::process;
use crate::sys::user;
use crate::town::names::Agent;
use crate::town::outcome::Done;
use crate::town::plan::{PaneRef, Place};

/// What tmux prints of a pane that it has just made.
const REPORT: &str = "#{pane_id} #{pane_pid}";

impl World {
    /// Starts an agent at `place`, for which the way was cleared.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn start(&mut self, agent: &Agent, place: &Place, restart: bool) -> Result<Done, Stopped> {
        let failed = |why: String| Ok(Done::StartFailed { why, restart });
        let Some(tmux) = self.tmux.clone() else {
            return failed("there is no tmux".to_owned());
        };
        let line = CommandLine::new(self, agent);
        let started = match place {
            Place::NewSession => new_session(&tmux, agent, &line, &mut self.attention)?,
            Place::NewWindow => new_window(&tmux, agent, &line, &mut self.attention)?,
            Place::InPlace(pane) => match respawn(&tmux, agent, pane, &line, &mut self.attention)? {
                Ok(None) => new_session(&tmux, agent, &line, &mut self.attention)?,
                Ok(Some(pane)) => Ok(pane),
                Err(why) => Err(why),
            },
        };
        match started {
            Ok((pane, pid)) => Ok(Done::Started { pane, process: process::identify(pid), restart }),
            Err(why) => failed(why),
        }
    }
}

/// What tmux has to run, in the form of its own options and words: `-c DIR -e K=V … -- env -u … SHELL -l -i -c LINE`.
struct CommandLine(Vec<String>);

impl CommandLine {
    fn new(world: &World, agent: &Agent) -> CommandLine {
        let mut words = vec!["-c".to_owned(), not_a_format(&agent.dir.to_string_lossy())];
        let own = agent.env.iter().map(|(key, value)| format!("{key}={value}"));
        let config = world.config.env.iter();
        let config = config.filter(|(key, _)| agent.env.iter().all(|(own, _)| own != key));
        for pair in config.map(|(key, value)| format!("{key}={value}")).chain(own) {
            words.extend(["-e".to_owned(), pair]);
        }
        words.extend(["--".to_owned(), "env".to_owned()]);
        for name in removed_for(agent).filter(|name| !world.config.env.contains_key(*name)) {
            words.extend(["-u".to_owned(), name.to_owned()]);
        }
        let shell = user::login_shell();
        words.push(shell.to_string_lossy().into_owned());
        words.extend(user::login_flags(&shell).iter().map(|flag| (*flag).to_owned()));
        words.push(world.config.agent_command(agent.id.role()).to_owned());
        CommandLine(words)
    }

    /// As arguments of a command line.
    fn arguments(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|word| argument(word))
    }

    /// As the end of a line in a script.
    fn quoted(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|word| quote(word)).collect();
        words.join(" ")
    }
}

type NewPane = Result<(u32, u32), String>;

/// Session, `remain-on-exit` and marks in one invocation: in two, a program that ends at once takes its exit status
/// with it.
fn new_session(tmux: &Tmux, agent: &Agent, line: &CommandLine, attention: &mut Attention) -> Result<NewPane, Stopped> {
    let session = &agent.session;
    let target = format!("={session}:");
    let town = argument(&tmux.town_mark());
    let command = tmux
        .command()
        .args(["new-session", "-d", "-P", "-F", REPORT, "-s", session])
        .args(line.arguments())
        .args([";", "set-option", "-t", &target, "destroy-unattached", "off"])
        .args([";", "set-option", "-p", "-t", &target, "remain-on-exit", "on"])
        .args([";", "set-option", "-p", "-t", &target, "@gtd_agent", session])
        .args([";", "set-option", "-t", &target, "@gtd_town", &town])
        .args([";", "display-message", "-p", "-t", &target, REPORT])
        // The last, since tmux 3.2 does not know it: "Pane is dead" would scroll the agent's last words away.
        .args([";", "set-option", "-p", "-t", &target, "remain-on-exit-format", ""]);
    let output = match command.run(attention)? {
        Ok(output) => output,
        Err(failure) => return Ok(Err(failure.to_string())),
    };
    // A hook of the user's that fails makes it exit 1 although the session is there.
    match parse_report(&output.stdout) {
        Some(made) => {
            mend_marks(tmux, agent, made, &output.stdout, attention)?;
            Ok(Ok(made))
        }
        None => Ok(Err(format!("tmux new-session: {}", output.complaint()))),
    }
}

/// A hook of the user's may have split the window before the marks were set: then they are on its pane, and are set right
/// here. `said` is the report of the pane that was made, and of the one that was marked.
fn mend_marks(
    tmux: &Tmux,
    agent: &Agent,
    made: (u32, u32),
    said: &str,
    attention: &mut Attention,
) -> Result<(), Stopped> {
    let marked = said.lines().nth(1).and_then(parse_report);
    if marked == Some(made) {
        return Ok(());
    }
    let mut lines = vec![
        format!("set-option -p -t %{} remain-on-exit on", made.0),
        format!("set-option -p -t %{} @gtd_agent {}", made.0, quote(&agent.session)),
    ];
    let town = format!("={}:", agent.session);
    lines.push(format!("set-option -t {} @gtd_town {}", quote(&town), quote(&tmux.town_mark())));
    if let Some((wrong, _)) = marked {
        lines.push(format!("set-option -p -u -t %{wrong} @gtd_agent"));
        lines.push(format!("set-option -p -u -t %{wrong} remain-on-exit"));
    }
    let _ = tmux.script(&lines, attention)?;
    Ok(())
}

/// A window of its own in a session that a person still uses. It is found by a name that nobody else has, since a window
/// made in the background is not the current one.
fn new_window(tmux: &Tmux, agent: &Agent, line: &CommandLine, attention: &mut Attention) -> Result<NewPane, Stopped> {
    let session = &agent.session;
    let name = tag();
    let target = quote(&format!("={session}:={name}"));
    let make = format!(
        "new-window -d -P -F {} -t {} -n {name} {} ; set-option -p -t {target} remain-on-exit on ; \
         set-option -p -t {target} @gtd_agent {} ; display-message -p -t {target} {} ; rename-window -t {target} {}",
        quote(REPORT),
        quote(&format!("={session}:")),
        line.quoted(),
        quote(session),
        quote(REPORT),
        quote(agent.id.role().word()),
    );
    let answer = match tmux.script(&[make], attention)? {
        Ok(answer) => answer,
        Err(outage) => return Ok(Err(outage.to_string())),
    };
    match parse_report(&answer) {
        Some(made) => {
            mend_marks(tmux, agent, made, &answer, attention)?;
            Ok(Ok(made))
        }
        None => Ok(Err("tmux new-window: it made none".to_owned())),
    }
}

/// The same pane again, with its scrollback. `Ok(None)` where the session has gone meanwhile.
#[allow(clippy::type_complexity)]
fn respawn(
    tmux: &Tmux,
    agent: &Agent,
    pane: &PaneRef,
    line: &CommandLine,
    attention: &mut Attention,
) -> Result<Result<Option<(u32, u32)>, String>, Stopped> {
    const FOUND: usize = 0;
    const STARTED: usize = 1;
    let tag = tag();
    let id = pane.id;
    let session = quote(&agent.session);
    let steps = [
        say(pane, &tag, FOUND, ""),
        format!("respawn-pane -k -t %{id} {}", line.quoted()),
        format!("set-option -p -t %{id} @gtd_agent {session}"),
        format!("set-option -t {} @gtd_town {}", quote(&format!("={}:", agent.session)), quote(&tmux.town_mark())),
        say(pane, &tag, STARTED, REPORT),
    ];
    let answer = match tmux.script(&[guarded(pane, None, &steps)], attention)? {
        Ok(answer) => answer,
        Err(outage) => return Ok(Err(outage.to_string())),
    };
    let said = said(&answer, &tag);
    if let Some(started) = said.get(&STARTED).and_then(|said| parse_report(said.words)) {
        return Ok(Ok(Some(started)));
    }
    if said.contains_key(&FOUND) {
        return Ok(Err("tmux respawn-pane failed".to_owned()));
    }
    // The pane is another one by now. If the session went with it, a new one is made; else somebody was faster.
    let panes = tmux.panes(attention)?;
    let gone = panes.is_ok_and(|lines| lines.iter().all(|line| line.session != agent.session));
    Ok(if gone { Ok(None) } else { Err("its pane has changed meanwhile".to_owned()) })
}

fn parse_report(text: &str) -> Option<(u32, u32)> {
    let (pane, pid) = text.lines().next()?.split_once(' ')?;
    Some((pane.strip_prefix('%')?.parse().ok()?, pid.trim().parse().ok()?))
}

impl World {
    /// Marks a session that is seen for the first time, so that it is known again whatever happens in it.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn mark(&mut self, panes: &[&PaneRef]) -> Result<Vec<Result<(), String>>, Stopped> {
        let no_tmux = || vec![Err("there is no tmux".to_owned()); panes.len()];
        let Some(tmux) = &self.tmux else {
            return Ok(no_tmux());
        };
        let tag = tag();
        let town = quote(&tmux.town_mark());
        let lines: Vec<String> = panes
            .iter()
            .enumerate()
            .map(|(number, pane)| {
                let steps = [
                    format!("set-option -p -t %{} @gtd_agent {}", pane.id, quote(&pane.session)),
                    format!("set-option -t {} @gtd_town {town}", quote(&format!("={}:", pane.session))),
                    say(pane, &tag, number, "marked"),
                ];
                guarded(pane, None, &steps)
            })
            .collect();
        Ok(match tmux.script(&lines, &mut self.attention)? {
            Ok(text) => {
                let said = said(&text, &tag);
                let result = |number: usize| match said.contains_key(&number) {
                    true => Ok(()),
                    false => Err("its pane has changed meanwhile".to_owned()),
                };
                (0..panes.len()).map(result).collect()
            }
            Err(outage) => vec![Err(outage.to_string()); panes.len()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = parse_report(&text);
        }
    }
}
