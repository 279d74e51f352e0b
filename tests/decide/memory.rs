//! What is kept, and what is dropped.

use crate::language::case;

#[test]
fn an_agent_that_leaves_the_town_is_remembered_for_a_day() {
    case(
        "
        town seed: alpha

        at 0s
            | deacon         start  no session (rule 4)
            | alpha/witness  start  no session (rule 4)
        at 1m
            alpha/witness dead 1001
            | ! witness for alpha is gone (PID 1001): ended with exit status 1
            | deacon         leave  in its grace period for 4m (rule 6)
            | alpha/witness  wait   ended with exit status 1; settling: in 1s (rule 5)
        at 1m1s
            | deacon         leave             in its grace period for 3m59s (rule 6)
            | alpha/witness  restart in place  ended with exit status 1 (rule 5)
        at 2m
            alpha/witness dead 1002
            | ! witness for alpha is gone (PID 1002): ended with exit status 1
            | deacon         leave  in its grace period for 3m (rule 6)
            | alpha/witness  wait   ended with exit status 1; back-off before restart 2 within 15m: in 31s (rule 5)
        at 3m
            rig alpha leaves
            | deacon  leave  in its grace period for 2m (rule 6)
        at 4m
            rig alpha joins
            | deacon         leave             in its grace period for 1m (rule 6)
            | alpha/witness  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn a_day_later_it_is_new() {
    case(
        "
        town seed: alpha

        at 0s
            | deacon         start  no session (rule 4)
            | alpha/witness  start  no session (rule 4)
        at 1m heartbeat
            alpha/witness alive 1001
            | deacon         leave  in its grace period for 4m; a poke waits for its end (rule 6)
            | alpha/witness  leave  in its grace period for 4m; a poke waits for its end (rule 6)
        at 6m heartbeat
            | deacon         poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        at 7m
            rig alpha leaves
            | deacon  leave  alive
        at 25h
            | deacon  leave  alive
        at 48h heartbeat
            rig alpha joins
            | deacon         poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        ",
    );
}

#[test]
fn a_reboot_starts_everybody_at_once_and_counts_nothing() {
    case(
        "
        town seed: alpha

        at 0s
            deacon alive 100
            alpha/witness alive 200
            | deacon         leave  alive
            | alpha/witness  leave  alive
        at 1m
            deacon dead 100
            | ! Deacon is gone (PID 100): ended with exit status 1
            | deacon         wait   ended with exit status 1; settling: in 5s (rule 5)
            | alpha/witness  leave  alive
        at 1m5s
            | deacon         restart in place  ended with exit status 1 (rule 5)
            | alpha/witness  leave             alive
        at 10m
            machine reboots
            | deacon         start  no session (rule 4)
            | alpha/witness  start  no session (rule 4)
        at 10m5s
            deacon dead 1001
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon         wait   ended with exit status 1; settling: in 1s (rule 5)
            | alpha/witness  leave  in its grace period for 4m55s (rule 6)
        at 10m6s
            | deacon         restart in place  ended with exit status 1 (rule 5)
            | alpha/witness  leave             in its grace period for 4m54s (rule 6)
        ",
    );
}

#[test]
fn who_went_while_gtd_was_not_there_is_started_at_once() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 10m
            gtd restarts
            deacon gone
            | ! Deacon is gone (PID 100): no session
            | deacon  restart  no session (rule 4)
        ",
    );
}

#[test]
fn who_was_exchanged_while_gtd_was_not_there_gets_a_grace_period() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 10m heartbeat
            gtd restarts
            deacon alive 200
            | ! Deacon was started by somebody else (PID 200)
            | deacon  leave  in its grace period for 5m; a poke waits for its end (rule 6)
        ",
    );
}

#[test]
fn grace_and_what_is_owed_outlive_gtd() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 4m heartbeat
            | deacon  leave  in its grace period for 1m; a poke waits for its end (rule 6)
        at 5m
            gtd restarts
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        ",
    );
}

#[test]
fn a_clock_that_is_set_back_changes_no_waiting_time() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m
            deacon gone
            | ! Deacon is gone (PID 100): no session
            | deacon  wait  no session; settling: in 5s (rule 4)
        at 1m3s
            clock set back by 1h
            | deacon  wait  no session; settling: in 2s (rule 4)
        at 1m5s
            | deacon  restart  no session (rule 4)
        at 6m4s heartbeat
            | deacon  leave  in its grace period for 1s; a poke waits for its end (rule 6)
        at 6m5s
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        ",
    );
}
