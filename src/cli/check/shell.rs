//! The login shell, in which agents run, and whether it finds their programs.

use super::Check;
use super::findings::Findings;
use crate::sys::attention::Stopped;
use crate::sys::command::{Command, Output};
use crate::sys::user;
use crate::town::agent::Role;
use crate::town::start;
use crate::town::text::clean;
use crate::world::environment::SCRUBBED;
use crate::world::tools;
use std::env;
use std::fmt::{Arguments, Write};
use std::path::Path;
use std::time::Duration;

/// Login files may ask a version manager or two; a person at a prompt would not wait longer.
const LOGIN: Duration = Duration::from_secs(5);

/// What is printed when the login files are done, and before it is told that a program is there.
const BEGINS: &str = "gtd-begins";
const FOUND: &str = "gtd-found-";

/// Shells that are asked as the standard has it.
const SHELLS: [&str; 9] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "busybox"];

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
            let found = format_args!("CLAUDECODE is set: this runs inside an agent; gtd does not hand it on to others");
            self.findings.note("environment", found, format_args!(""));
        }
        let shell = user::login_shell();
        self.shell_itself(&shell);
        let mut lines = self.lines();
        // What the start finds by itself is no matter of the shell's.
        lines.retain(|line| {
            let found = self.generation.and_then(|generation| start::found(&line.text, generation, &tools::find));
            if let Some((file, _)) = &found {
                let found = format_args!("{}: {file}, by gtd's own PATH", line.shown());
                self.findings.good("agent command", found);
            }
            found.is_none()
        });
        let programs: Vec<&str> = lines.iter().filter_map(Line::program).collect();
        let Some(said) = self.ask_shell(&shell, &programs)? else { return Ok(()) };
        for line in &lines {
            let shown = line.shown();
            let Some(program) = line.program() else {
                let found = format_args!("{shown}: not looked for, it is more than a program's name");
                self.findings.note("agent command", found, format_args!(""));
                continue;
            };
            let number = programs.iter().position(|other| *other == program).unwrap_or_default();
            let mark = format!("{FOUND}{number}");
            let mut before = "";
            let mut is_found = false;
            for said in said.lines() {
                if said == mark {
                    is_found = true;
                    break;
                }
                before = said;
            }
            // Those that only a request starts stop nobody.
            let tell = match line.roles.iter().any(|role| self.world.config.patrols(*role)) {
                true => Findings::fault,
                false => Findings::note,
            };
            // What the shell has said before is where it is, or what else bears that name.
            if !is_found {
                tell(
                    &self.findings,
                    "agent command",
                    format_args!("{program} is not found by {}: {shown}", shell.display()),
                    format_args!("install it, or set gtd.agent_command in mayor/daemon.json"),
                );
            } else if before.is_empty() || before == program {
                self.findings.good("agent command", format_args!("{shown}"));
            } else {
                self.findings.good("agent command", format_args!("{shown}: {}", clean(before, 200)));
            }
        }
        Ok(())
    }

    fn shell_itself(&self, shell: &Path) {
        let set = env::var_os("SHELL").filter(|set| !set.is_empty() && set != "/bin/sh");
        match set {
            Some(set) if set != shell => {
                self.findings.note(
                    "login shell",
                    format_args!("SHELL is {}, which cannot be used; agents run in {}", set.display(), shell.display()),
                    format_args!("set SHELL to a shell, or give the user one with chsh"),
                );
            }
            _ => self.findings.good("login shell", format_args!("{}", shell.display())),
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
            name if SHELLS.contains(&name) => "command -v",
            _ => {
                self.findings.note(
                    "login shell",
                    format_args!("{} is none that gtd can ask where programs are", shell.display()),
                    format_args!("see for yourself that it finds the agents' programs"),
                );
                return Ok(None);
            }
        };
        let mut script = format!("echo {BEGINS}");
        for (number, program) in programs.iter().enumerate() {
            let _ = write!(script, "; {look} {program} && echo {FOUND}{number}");
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
                let found = format_args!("{failure}");
                match failure.is_timeout() {
                    true => self.findings.fault(
                        "login shell",
                        found,
                        format_args!("a login file waits for something: try {shown} {flags} true </dev/null"),
                    ),
                    false => self.findings.fault(
                        "login shell",
                        found,
                        format_args!("see that {shown} can be run, or set SHELL to another shell"),
                    ),
                }
                return Ok(None);
            }
        };
        Ok(self.judge_login(&output, format_args!("{shown} {flags} 'echo hello'")))
    }

    /// What was said after the login files were done.
    fn judge_login(&self, output: &Output, by_hand: Arguments<'_>) -> Option<String> {
        let Some((before, said)) = output.stdout.split_once(&format!("{BEGINS}\n")) else {
            let found = format_args!("its login files end it before it runs anything: {}", output.complaint());
            let remedy = format_args!("mend them (~/.profile and the like) until {by_hand} answers");
            self.findings.fault("login shell", found, remedy);
            return None;
        };
        if let Some(first) = before.lines().find(|line| !line.trim().is_empty()) {
            self.findings.note(
                "login shell",
                format_args!("its login files print: {}", clean(first.trim(), 80)),
                format_args!("let them print at a prompt only; agents show it too"),
            );
        }
        Some(said.to_owned())
    }
}
