//! `gtd.first_prompt`: what agents are told when they start; one text for all, or an object with one for each role.

use super::section::Section;
use crate::town::agent::Role;
use serde_json::Value;
use std::collections::BTreeMap;

/// What was set, by role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts(BTreeMap<Role, String>);

const ROLES: [Role; 5] = [Role::Deacon, Role::Witness, Role::Refinery, Role::Crew, Role::Mayor];

/// tmux takes at most 16 KiB for a start.
const LONGEST: usize = 4096;

impl Prompts {
    /// What was set for a role.
    pub fn get(&self, role: Role) -> Option<&str> {
        self.0.get(&role).map(String::as_str)
    }

    /// Takes the key.
    pub fn read(&mut self, s: &mut Section) {
        const KEY: &str = "first_prompt";
        if s.is_object(KEY) {
            s.section(KEY, |s| {
                for role in ROLES {
                    s.read(role.word(), "a text of at most 4096 bytes", |value| self.set(&[role], value));
                }
                s.refuse_the_rest();
            });
        } else {
            s.read(KEY, "a text of at most 4096 bytes, or an object with one for each role", |value| {
                self.set(&ROLES, value)
            });
        }
    }

    fn set(&mut self, roles: &[Role], value: &Value) -> Option<()> {
        let text = value.as_str()?;
        let usable = text.len() <= LONGEST && !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t');
        usable.then(|| self.0.extend(roles.iter().map(|role| (*role, text.to_owned()))))
    }
}
