//! `--print launchd`: an agent, as a property list.

use super::Service;
use std::fmt::Write;

/// What an agent of launchd has for a `PATH`.
const PATH: [&str; 4] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/// Two dashes together would end a comment of XML.
const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- A launchd agent for gtd. To install it, put it into ~/Library/LaunchAgents/gastown.gtd.plist, then:
       launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/gastown.gtd.plist
     For a second town, give the file and the label another name, such as gastown.gtd.NAME. -->
"#;

const NO_TOWN: &str = "\
<!-- No town is named. gtd will serve ~/gt, unless GT_TOWN_ROOT or GT_ROOT names another; or print this again with the
     option town. -->
";

const BEGIN: &str = r#"<plist version="1.0">
<dict>
    <key>Label</key>
    <string>gastown.gtd</string>
    <key>ProgramArguments</key>
    <array>
"#;

/// What stands between the arguments and what depends on the machine.
const KEYS: &str = "    </array>
    <key>RunAtLoad</key>
    <true/>
    <key>KeepAlive</key>
    <dict>
        <key>SuccessfulExit</key>
        <false/>
    </dict>
    <key>ThrottleInterval</key>
    <integer>60</integer>
    <!-- Agents and the tmux server outlive gtd. -->
    <key>AbandonProcessGroup</key>
    <true/>
";

/// The property list.
pub fn plist(service: &Service) -> String {
    let mut arguments = vec![service.program.as_str()];
    if let Some(town) = &service.town {
        arguments.extend(["--town", town]);
    }
    let mut text = HEAD.to_owned();
    if service.town.is_none() {
        text.push_str(NO_TOWN);
    }
    text.push_str(BEGIN);
    for argument in arguments {
        let _ = writeln!(text, "        <string>{}</string>", escaped(argument));
    }
    text.push_str(KEYS);
    if let Some(home) = &service.home {
        let log = escaped(&format!("{home}/Library/Logs/gtd.log"));
        let _ = writeln!(text, "    <key>StandardErrorPath</key>\n    <string>{log}</string>");
    }
    let mut variables = String::new();
    for (name, value) in [("TMUX_TMPDIR", &service.sockets), ("PATH", &service.path(&PATH))] {
        if let Some(value) = value {
            let value = escaped(value);
            let _ = writeln!(variables, "        <key>{name}</key>\n        <string>{value}</string>");
        }
    }
    if !variables.is_empty() {
        let _ = writeln!(text, "    <key>EnvironmentVariables</key>\n    <dict>\n{variables}    </dict>");
    }
    text.push_str("</dict>\n</plist>\n");
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The comments of an XML text.
    fn comments(text: &str) -> Vec<&str> {
        text.split("<!--").skip(1).filter_map(|rest| rest.split("-->").next()).collect()
    }

    #[test]
    fn odd_paths_are_escaped_and_comments_hold_no_dashes() {
        let odd = Service {
            program: "/opt/a&b/gtd".to_owned(),
            town: Some("/home/me/<my> \"town\"".to_owned()),
            sockets: Some("/run/t".to_owned()),
            places: vec!["/opt/homebrew/bin".to_owned()],
            home: Some("/Users/me".to_owned()),
        };
        let text = plist(&odd);
        for piece in [
            "<string>/opt/a&amp;b/gtd</string>\n        <string>--town</string>\n        <string>/home/me/&lt;my&gt; &quot;town&quot;</string>",
            "<key>PATH</key>\n        <string>/opt/homebrew/bin:/usr/bin:/bin:/usr/sbin:/sbin</string>",
            "<string>/Users/me/Library/Logs/gtd.log</string>",
        ] {
            assert!(text.contains(piece), "{piece}\n{text}");
        }
        for text in [text, plist(&Service::default())] {
            assert!(
                comments(&text).len() >= 2 && comments(&text).iter().all(|comment| !comment.contains("--")),
                "{text}"
            );
            for element in ["dict", "array", "string", "key", "plist"] {
                let count = |mark: &str| text.matches(mark).count();
                assert_eq!(
                    count(&format!("<{element}>")) + count(&format!("<{element} ")),
                    count(&format!("</{element}>"))
                );
            }
        }
        assert!(!plist(&Service::default()).contains("EnvironmentVariables"));
    }
}
