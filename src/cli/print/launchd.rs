//! `--print launchd`: an agent, as a property list.

use super::Service;

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
    text.push_str("<plist version=\"1.0\">\n<dict>\n");
    text.push_str("    <key>Label</key>\n    <string>gastown.gtd</string>\n");
    text.push_str("    <key>ProgramArguments</key>\n    <array>\n");
    for argument in arguments {
        text.push_str(&format!("        <string>{}</string>\n", escaped(argument)));
    }
    text.push_str("    </array>\n");
    text.push_str("    <key>RunAtLoad</key>\n    <true/>\n");
    text.push_str(
        "    <key>KeepAlive</key>\n    <dict>\n        <key>SuccessfulExit</key>\n        <false/>\n    </dict>\n",
    );
    text.push_str("    <key>ThrottleInterval</key>\n    <integer>60</integer>\n");
    text.push_str("    <!-- Agents and the tmux server outlive gtd. -->\n");
    text.push_str("    <key>AbandonProcessGroup</key>\n    <true/>\n");
    if let Some(home) = &service.home {
        let log = escaped(&format!("{home}/Library/Logs/gtd.log"));
        text.push_str(&format!("    <key>StandardErrorPath</key>\n    <string>{log}</string>\n"));
    }
    let variables = [("TMUX_TMPDIR", service.sockets.clone()), ("PATH", service.path(&PATH))];
    let variables: String = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| format!("        <key>{name}</key>\n        <string>{}</string>\n", escaped(&value)))
        .collect();
    if !variables.is_empty() {
        text.push_str(&format!("    <key>EnvironmentVariables</key>\n    <dict>\n{variables}    </dict>\n"));
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
