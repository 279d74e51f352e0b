//! The login shell, in which agents run, and whether it finds their programs.

use super::Check;
use crate::sys::attention::Stopped;
use crate::sys::command::{Command, Output};
use crate::sys::user;
use crate::town::agent::Role;
use crate::town::start;
use crate::town::text::clean;
use crate::world::environment::SCRUBBED;
use crate::world::tools;
use std::env;
use std::path::Path;
use std::time::Duration;

/// Login files may ask a version manager or two; a person at a prompt would not wait longer.
const LOGIN: Duration = Duration::from_secs(5);

/// What is printed when the login files are done, and before it is told that a program is there.
const BEGINS: &str = "gtd-begins";
const FOUND: &str = "gtd-found-";

/// A shell line, and who runs it.
struct Line {
    text: String,
    roles: Vec<Role>,
}

impl Line {
    /// The program, where the line begins with nothing but its name.
    fn program(&self) -> Option<&str> {
        let word = self.text.split_whitespace().next()?;
        word.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b)).then_some(word)
    }

    fn shown(&self) -> String {
        let roles: Vec<&str> = self.roles.iter().map(|role| role.word()).collect();
        format!("{} ({})", clean(&self.text, 200), roles.join(", "))
    }
}

impl Check {
    pub fn agent_commands(&mut self) -> Result<(), Stopped> {
        if env::var_os("CLAUDECODE").is_some() {
            let found = "CLAUDECODE is set: this runs inside an agent; gtd does not hand it on to others";
            self.findings.note("environment", found, "");
        }
        let shell = user::login_shell();
        self.shell_itself(&shell);
        let lines = self.lines();
        // What the start finds by itself is no matter of the shell's.
        let own = |line: &Line| start::found(&line.text, self.generation?, &tools::find).map(|(file, _)| file);
        let (found, lines): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| own(line).is_some());
        for line in &found {
            let file = own(line).unwrap_or_default();
            self.findings.good("agent command", &format!("{}: {file}, by gtd's own PATH", line.shown()));
        }
        let programs: Vec<&str> = lines.iter().filter_map(Line::program).collect();
        let Some(said) = self.ask_shell(&shell, &programs)? else { return Ok(()) };
        for line in &lines {
            let Some(program) = line.program() else {
                let found = format!("{}: not looked for, it is more than a program's name", line.shown());
                self.findings.note("agent command", &found, "");
                continue;
            };
            let number = programs.iter().position(|other| *other == program).unwrap_or_default();
            let mark = format!("{FOUND}{number}");
            if let Some(at) = said.lines().position(|said| said == mark) {
                // What the shell has said before is where it is, or what else bears that name.
                let file = said.lines().nth(at.wrapping_sub(1)).filter(|said| *said != program);
                let file = file.map(|file| format!(": {}", clean(file, 200))).unwrap_or_default();
                self.findings.good("agent command", &format!("{}{file}", line.shown()));
                continue;
            }
            let found = format!("{program} is not found by {}: {}", shell.display(), line.shown());
            let remedy = "install it, or set gtd.agent_command in mayor/daemon.json";
            // Those that only a request starts stop nobody.
            if line.roles.iter().any(|role| self.world.config.patrols(*role)) {
                self.findings.fault("agent command", &found, remedy);
            } else {
                self.findings.note("agent command", &found, remedy);
            }
        }
        Ok(())
    }

    fn shell_itself(&self, shell: &Path) {
        let set = env::var_os("SHELL").filter(|set| !set.is_empty() && set != "/bin/sh");
        match set {
            Some(set) if set != shell => {
                let found =
                    format!("SHELL is {}, which cannot be used; agents run in {}", set.display(), shell.display());
                self.findings.note("login shell", &found, "set SHELL to a shell, or give the user one with chsh");
            }
            _ => self.findings.good("login shell", &shell.display().to_string()),
        }
    }

    /// The commands of all roles, each once.
    fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for role in [Role::Deacon, Role::Witness, Role::Refinery, Role::Crew, Role::Mayor] {
            let text = self.world.config.agent_command(role);
            match lines.iter_mut().find(|line| line.text == text) {
                Some(line) => line.roles.push(role),
                None => lines.push(Line { text: text.to_owned(), roles: vec![role] }),
            }
        }
        lines
    }

    /// Runs the shell with its login files, once, as agents are run. `None` if that does not work, which is said then.
    fn ask_shell(&mut self, shell: &Path, programs: &[&str]) -> Result<Option<String>, Stopped> {
        let name = shell.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let look = match name {
            "csh" | "tcsh" => "which",
            "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "mksh" | "fish" | "busybox" => "command -v",
            _ => {
                let found = format!("{} is none that gtd can ask where programs are", shell.display());
                self.findings.note("login shell", &found, "see for yourself that it finds the agents' programs");
                return Ok(None);
            }
        };
        let mut script = format!("echo {BEGINS}");
        for (number, program) in programs.iter().enumerate() {
            script.push_str(&format!("; {look} {program} && echo {FOUND}{number}"));
        }
        script.push_str("; true");
        let command = Command::new(shell, self.time(LOGIN))
            .args(user::login_flags(shell))
            .arg(script)
            .called("the login shell")
            .without_terminal()
            .dir(&self.world.root)
            .without(&SCRUBBED);
        let shown = shell.display();
        let flags = user::login_flags(shell).join(" ");
        let output = match command.run(&mut self.world.attention)? {
            Ok(output) => output,
            Err(failure) => {
                let remedy = match failure.is_timeout() {
                    true => format!("a login file waits for something: try {shown} {flags} true </dev/null"),
                    false => format!("see that {shown} can be run, or set SHELL to another shell"),
                };
                self.findings.fault("login shell", &failure.to_string(), &remedy);
                return Ok(None);
            }
        };
        Ok(self.judge_login(&output, &format!("{shown} {flags} 'echo hello'")))
    }

    /// What was said after the login files were done.
    fn judge_login(&self, output: &Output, by_hand: &str) -> Option<String> {
        let Some((before, said)) = output.stdout.split_once(&format!("{BEGINS}\n")) else {
            let found = format!("its login files end it before it runs anything: {}", output.complaint());
            let remedy = format!("mend them (~/.profile and the like) until {by_hand} answers");
            self.findings.fault("login shell", &found, &remedy);
            return None;
        };
        if let Some(first) = before.lines().find(|line| !line.trim().is_empty()) {
            let found = format!("its login files print: {}", clean(first.trim(), 80));
            self.findings.note("login shell", &found, "let them print at a prompt only; agents show it too");
        }
        Some(said.to_owned())
    }
}
