//! `gtd.first_prompt`: what agents are told when they start; one text for all, or an object with one for each role.

use super::section::Section;
use crate::town::agent::Role;
use crate::town::sorted::SortedMap;
use serde_json::Value;

/// What was set, by role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts(SortedMap<Role, String>);

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
            s.section(KEY, &mut |s| {
                for role in ROLES {
                    s.read(role.word(), "a text of at most 4096 bytes", &mut |value| self.set(&[role], value));
                }
                s.refuse_the_rest();
            });
        } else {
            s.read(KEY, "a text of at most 4096 bytes, or an object with one for each role", &mut |value| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::town::config::Config;
    use serde_json::json;

    #[test]
    fn prompts_can_be_set_for_all_or_by_role_and_are_short_texts() {
        let read = |prompt: Value| Config::of(json!({"gtd": {"first_prompt": prompt}})).expect("a configuration");
        let (one, warnings) = read(json!("Go on.\n"));
        assert_eq!((one.first_prompt(Role::Crew), warnings.len()), (Some("Go on.\n"), 0));
        let (some, warnings) =
            read(json!({"deacon": "", "witness": "\u{1b}[2J", "mayor": "x".repeat(5000), "boss": "x"}));
        assert_eq!((some.first_prompt(Role::Deacon), some.first_prompt(Role::Witness)), (Some(""), None));
        assert_eq!(some.first_prompt(Role::Mayor), None);
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }
}
