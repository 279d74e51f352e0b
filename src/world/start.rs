//! The recipe for a start: run the agent's program, keep its pane, mark it, all so that nothing is lost between two steps.

use super::World;
use super::launch::Launch;
use super::tmux::Tmux;
use super::tmux::script::{argument, guarded, in_words, quote, said, say, tag};
use crate::sys::attention::{Attention, Stopped};
use crate::sys::process;
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
        let launch = Launch::new(self, agent);
        let started = match place {
            Place::NewSession => new_session(&tmux, agent, &launch, &mut self.attention)?,
            Place::NewWindow => new_window(&tmux, agent, &launch, &mut self.attention)?,
            Place::InPlace(pane) => match respawn(&tmux, agent, pane, &launch, &mut self.attention)? {
                Ok(None) => new_session(&tmux, agent, &launch, &mut self.attention)?,
                Ok(Some(pane)) => Ok(pane),
                Err(why) => Err(why),
            },
        };
        match started {
            Ok((pane, pid)) => {
                if launch.start.polls_nudges {
                    self.accompany(&agent.session);
                }
                self.note_start(agent, pid);
                Ok(Done::Started { pane, process: process::identify(pid), restart })
            }
            Err(why) => failed(why),
        }
    }
}

/// A command of a command line.
fn as_arguments(words: &[String]) -> Vec<String> {
    words.iter().map(|word| argument(word)).collect()
}

/// A command of a script.
fn as_script(words: &[String]) -> String {
    in_words(words, quote)
}

type NewPane = Result<(u32, u32), String>;

/// Session, `remain-on-exit` and marks in one invocation: in two, a program that ends at once takes its exit status
/// with it.
fn new_session(tmux: &Tmux, agent: &Agent, launch: &Launch, attention: &mut Attention) -> Result<NewPane, Stopped> {
    let session = &agent.session;
    let target = format!("={session}:");
    let town = argument(&tmux.town_mark());
    let mut command = tmux
        .command()
        .args(&["new-session", "-d", "-P", "-F", REPORT, "-s", session])
        .args(&as_arguments(&launch.words))
        .args(&[";", "set-option", "-t", &target, "destroy-unattached", "off"])
        .args(&[";", "set-option", "-p", "-t", &target, "remain-on-exit", "on"])
        .args(&[";", "set-option", "-p", "-t", &target, "@gtd_agent", session])
        .args(&[";", "set-option", "-t", &target, "@gtd_town", &town])
        .args(&[";", "display-message", "-p", "-t", &target, REPORT]);
    for words in launch.settings(&target) {
        command = command.arg(";").args(&as_arguments(&words));
    }
    // The last, since tmux 3.2 does not know it: "Pane is dead" would scroll the agent's last words away.
    let command = command.args(&[";", "set-option", "-p", "-t", &target, "remain-on-exit-format", ""]);
    let output = match command.run(attention)? {
        Ok(output) => output,
        Err(failure) => return Ok(Err(failure.to_string())),
    };
    // A hook of the user's that fails makes it exit 1 although the session is there.
    match parse_report(&output.stdout) {
        Some(made) => {
            mend_marks(tmux, agent, launch, made, &output.stdout, attention)?;
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
    launch: &Launch,
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
    for words in launch.environment(&format!("={}:.%{}", agent.session, made.0)) {
        lines.push(as_script(&words));
    }
    if let Some((wrong, _)) = marked {
        lines.push(format!("set-option -p -u -t %{wrong} @gtd_agent"));
        lines.push(format!("set-option -p -u -t %{wrong} remain-on-exit"));
    }
    let _ = tmux.script(&lines, attention)?;
    Ok(())
}

/// A window of its own in a session that a person still uses. It is found by a name that nobody else has, since a window
/// made in the background is not the current one.
fn new_window(tmux: &Tmux, agent: &Agent, launch: &Launch, attention: &mut Attention) -> Result<NewPane, Stopped> {
    let session = &agent.session;
    let name = tag();
    let target = quote(&format!("={session}:={name}"));
    let mut environment = String::new();
    for words in launch.environment(&format!("={session}:={name}")) {
        environment.push_str(&as_script(&words));
        environment.push_str(" ; ");
    }
    let make = format!(
        "new-window -d -P -F {} -t {} -n {name} {} ; set-option -p -t {target} remain-on-exit on ; \
         set-option -p -t {target} @gtd_agent {} ; display-message -p -t {target} {} ; {environment} rename-window -t {target} {}",
        quote(REPORT),
        quote(&format!("={session}:")),
        launch.quoted(),
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
            mend_marks(tmux, agent, launch, made, &answer, attention)?;
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
    launch: &Launch,
    attention: &mut Attention,
) -> Result<Result<Option<(u32, u32)>, String>, Stopped> {
    const FOUND: usize = 0;
    const STARTED: usize = 1;
    let tag = tag();
    let id = pane.id;
    let session = quote(&agent.session);
    let mut steps = vec![
        say(pane, &tag, FOUND, ""),
        format!("respawn-pane -k -t %{id} {}", launch.quoted()),
        format!("set-option -p -t %{id} @gtd_agent {session}"),
        format!("set-option -t {} @gtd_town {}", quote(&format!("={}:", agent.session)), quote(&tmux.town_mark())),
        say(pane, &tag, STARTED, REPORT),
    ];
    // A session that another gt has made, or an older one, may look otherwise.
    for words in launch.settings(&format!("={}:.%{id}", agent.session)) {
        steps.push(as_script(&words));
    }
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
        let mut lines = Vec::new();
        for (number, pane) in panes.iter().enumerate() {
            let steps = [
                format!("set-option -p -t %{} @gtd_agent {}", pane.id, quote(&pane.session)),
                format!("set-option -t {} @gtd_town {town}", quote(&format!("={}:", pane.session))),
                say(pane, &tag, number, "marked"),
            ];
            lines.push(guarded(pane, None, &steps));
        }
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
