//! How often heartbeats come.

use crate::language::case;

#[test]
fn the_longer_a_town_is_idle_the_longer_the_interval() {
    case(
        "
        town seed
        show rhythm alone

        at 0s
            deacon alive 100
            activity now
            | heartbeat every 5m, since the town has been idle for under 1s
        at 24h
            activity 299s ago
            | heartbeat every 5m, since the town has been idle for 4m59s
        at 48h
            activity 5m ago
            | heartbeat every 10m, since the town has been idle for 5m
        at 72h
            activity 899s ago
            | heartbeat every 10m, since the town has been idle for 14m59s
        at 96h
            activity 15m ago
            | heartbeat every 30m, since the town has been idle for 15m
        at 120h
            activity 2699s ago
            | heartbeat every 30m, since the town has been idle for 44m59s
        at 144h
            activity 45m ago
            | heartbeat every 1h, since the town has been idle for 45m
        at 168h
            activity 23h ago
            | heartbeat every 1h, since the town has been idle for 23h
        ",
    );
}

#[test]
fn activity_in_the_future_or_of_yesterday_tells_nothing() {
    case(
        "
        town seed
        show rhythm alone

        at 0s
            deacon alive 100
            | heartbeat every 5m, since nothing tells how busy the town is
        at 1h
            activity 1s ahead
            | heartbeat every 5m, since nothing tells how busy the town is
        at 48h
            activity 24h ago
            | heartbeat every 1h, since the town has been idle for 1d
        at 72h
            activity 86401s ago
            | heartbeat every 5m, since nothing tells how busy the town is
        ",
    );
}

#[test]
fn the_output_of_sessions_that_gtd_does_not_poke_counts() {
    case(
        "
        town seed
        show rhythm alone

        at 0s
            deacon alive 100
            activity 20m ago
            | heartbeat every 30m, since the town has been idle for 20m
        at 1m
            session gt-alpha-crew-max output 6m ago
            | heartbeat every 10m, since the town has been idle for 6m
        at 2m
            session gt-alpha-crew-max output 1s ago
            | heartbeat every 5m, since the town has been idle for 1s
        ",
    );
}

#[test]
fn the_output_of_supervised_sessions_and_of_others_towns_does_not() {
    case(
        "
        town seed
        show rhythm alone

        at 0s
            deacon alive 100, output now
            activity 20m ago
            session private in /home/owner output now
            | heartbeat every 30m, since the town has been idle for 20m
        at 1m
            session private in /home/owner/gt output 1m ahead
            | heartbeat every 30m, since the town has been idle for 21m
        ",
    );
}

#[test]
fn the_newest_sign_counts() {
    case(
        "
        town seed
        show rhythm alone

        at 0s
            activity 3m ago
            session gt-alpha-crew-max output 2h ago
            | heartbeat every 5m, since the town has been idle for 3m
        at 2h
            activity 3h ago
            | heartbeat every 1h, since the town has been idle for 2h3m
        ",
    );
}

#[test]
fn a_set_interval_replaces_the_shortest_and_the_others_are_at_least_that() {
    case(
        r#"
        town seed
        config {"heartbeat":{"interval":"20m"}}
        show rhythm alone

        at 0s
            activity now
            | heartbeat every 20m, since the town has been idle for under 1s
        at 24h
            activity 6m ago
            | heartbeat every 20m, since the town has been idle for 6m
        at 48h
            activity 20m ago
            | heartbeat every 30m, since the town has been idle for 20m
        at 72h
            activity 2h ago
            | heartbeat every 1h, since the town has been idle for 2h
        at 96h
            activity none
            config {"heartbeat":{"interval":"3m"}}
            | heartbeat every 3m, since nothing tells how busy the town is
        at 120h
            activity 6m ago
            | heartbeat every 10m, since the town has been idle for 6m
        at 144h
            config {"heartbeat":{"interval":"2h"}}
            activity 2h ago
            | heartbeat every 2h, since the town has been idle for 2h
        "#,
    );
}

#[test]
fn a_town_that_wakes_up_is_not_left_waiting() {
    case(
        "
        town seed
        show rhythm, next heartbeat, next look

        at 0s heartbeat
            deacon alive 100
            activity 2h ago
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | heartbeat every 1h, since the town has been idle for 2h
            | next heartbeat in 1h
            | next look in 1m
        at 5m
            | deacon  leave  alive
            | heartbeat every 1h, since the town has been idle for 2h5m
            | next heartbeat in 55m
            | next look in 1m
        at 6m
            activity now
            | deacon  leave  alive
            | heartbeat every 5m, since the town has been idle for under 1s
            | a heartbeat is due
            | next look in 1m
        ",
    );
}

#[test]
fn the_next_look_is_never_later_than_the_next_heartbeat() {
    case(
        r#"
        town seed
        config {"gtd":{"look_interval":"10m"}}
        show rhythm, next heartbeat, next look

        at 0s heartbeat
            deacon alive 100
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | heartbeat every 5m, since nothing tells how busy the town is
            | next heartbeat in 5m
            | next look in 1m
        at 1m
            | deacon  leave  alive
            | heartbeat every 5m, since nothing tells how busy the town is
            | next heartbeat in 4m
            | next look in 4m
        at 4m59s
            | deacon  leave  alive
            | heartbeat every 5m, since nothing tells how busy the town is
            | next heartbeat in 1s
            | next look in 1s
        # It is due: this look has to become a heartbeat.
        at 5m
            | deacon  leave  alive
            | heartbeat every 5m, since nothing tells how busy the town is
            | a heartbeat is due
            | next look in 10m
        at 5m1s heartbeat
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
            | heartbeat every 5m, since nothing tells how busy the town is
            | next heartbeat in 5m
            | next look in 1m
        "#,
    );
}

#[test]
fn after_the_clock_was_set_back_the_activity_of_now_counts() {
    case(
        "
        town seed
        show rhythm alone

        at 0s
            activity now
            | heartbeat every 5m, since the town has been idle for under 1s
        at 1m
            clock set back by 24h
            activity 20m ago
            | heartbeat every 30m, since the town has been idle for 20m
        ",
    );
}

#[test]
fn the_output_of_an_agent_whose_patrol_is_off_counts() {
    case(
        r#"
        town seed
        config {"patrols":{"deacon":{"enabled":false}}}
        show rhythm alone

        at 0s
            deacon alive 100, output 1s ago
            activity 20m ago
            | heartbeat every 5m, since the town has been idle for 1s
        "#,
    );
}
