//! Pacing: how soon an agent that ends again and again is started again.

use crate::language::case;

#[test]
fn restarts_wait_0_then_30_s_then_1_min_then_2_min_and_the_fifth_is_a_loop() {
    case(
        "
        town seed
        show next look

        at 0s
            deacon dies at once
            | deacon  start  no session (rule 4)
            | next look in 2s
        at 2s
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
            | next look in 1s
        at 3s
            | deacon  restart in place  ended with exit status 1 (rule 5)
            | next look in 2s
        at 5s
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; back-off before restart 2 within 15m: in 31s (rule 5)
            | next look in 31s
        at 36s
            | deacon  restart in place  ended with exit status 1 (rule 5)
            | next look in 2s
        at 38s
            | ! Deacon is gone (PID 1002): ended with exit status 1
            | deacon  wait  ended with exit status 1; back-off before restart 3 within 15m: in 1m1s (rule 5)
            | next look in 1m
        at 1m39s
            | deacon  restart in place  ended with exit status 1 (rule 5)
            | next look in 2s
        at 1m41s
            | ! Deacon is gone (PID 1003): ended with exit status 1
            | deacon  wait  ended with exit status 1; back-off before restart 4 within 15m: in 2m1s (rule 5)
            | next look in 1m
        at 3m42s
            | deacon  restart in place  ended with exit status 1 (rule 5)
            | next look in 2s
        # The fifth within 15 min is not made.
        at 3m44s
            | ! Deacon is gone (PID 1004): ended with exit status 1
            | ! Deacon is in a restart loop (5 within 15m): quarantined, tried once an hour until it runs for 30m
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 1h (rule 5)
            | next look in 1m
        at 33m44s
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 30m (rule 5)
            | next look in 1m
        at 63m43s
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 1s (rule 5)
            | next look in 1s
        at 63m44s
            | deacon  restart in place  ended with exit status 1 (rule 5)
            | next look in 2s
        at 63m46s
            | ! Deacon is gone (PID 1005): ended with exit status 1
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 59m58s (rule 5)
            | next look in 1m
        # Again an hour after that try.
        at 123m43s
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 1s (rule 5)
            | next look in 1s
        at 123m44s
            deacon dies no more
            | deacon  restart in place  ended with exit status 1 (rule 5)
            | next look in 2s
        at 124m
            | deacon  leave  in its grace period for 4m44s (rule 6)
            | next look in 1m
        ",
    );
}

#[test]
fn a_first_start_is_not_counted() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 1m
            deacon dead 1000
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 1m1s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        # Only this one is a second restart, and waits 30 s more.
        at 2m
            deacon dead 1001
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; back-off before restart 2 within 15m: in 31s (rule 5)
        at 2m1s
            | deacon  wait  ended with exit status 1; back-off before restart 2 within 15m: in 30s (rule 5)
        at 2m31s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn running_for_thirty_minutes_forgives_the_restarts() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 1m
            deacon dead 1000
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 1m1s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 31m
            | deacon  leave  alive
        at 31m1s
            | deacon  leave  alive
        at 31m10s
            deacon dead 1001
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 31m11s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn restarts_more_than_fifteen_minutes_back_have_nothing_to_do_with_this_one() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 1m
            deacon dead 1000
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 1m1s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 16m1s
            deacon dead 1001
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 16m2s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn running_for_thirty_minutes_ends_quarantine() {
    case(
        r#"
        town seed
        config {"gtd":{"restart":{"first_delay":"0s"}}}

        at 0s
            deacon dies at once
            | deacon  start  no session (rule 4)
        at 2s
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 3s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 4s
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 5s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 6s
            | ! Deacon is gone (PID 1002): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 7s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 8s
            | ! Deacon is gone (PID 1003): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 9s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 10s
            | ! Deacon is gone (PID 1004): ended with exit status 1
            | ! Deacon is in a restart loop (5 within 15m): quarantined, tried once an hour until it runs for 30m
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 1h (rule 5)
        at 1h10s
            deacon dies no more
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 90m9s
            | deacon  leave  alive
        at 90m10s
            | ! Deacon has run for 30m: its restarts are forgiven
            | deacon  leave  alive
        at 91m
            deacon dead 1005
            | ! Deacon is gone (PID 1005): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 91m1s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        "#,
    );
}

#[test]
fn back_off_outlives_gtd() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 1m
            deacon dead 1000
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 1m1s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 2m
            deacon dead 1001
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; back-off before restart 2 within 15m: in 31s (rule 5)
        at 2m5s
            gtd restarts
            | deacon  wait  ended with exit status 1; back-off before restart 2 within 15m: in 26s (rule 5)
        at 2m31s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn quarantine_outlives_gtd_and_ends_with_a_reboot() {
    case(
        r#"
        town seed
        config {"gtd":{"restart":{"first_delay":"0s"}}}

        at 0s
            deacon dies at once
            | deacon  start  no session (rule 4)
        at 2s
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 3s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 4s
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 5s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 6s
            | ! Deacon is gone (PID 1002): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 7s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 8s
            | ! Deacon is gone (PID 1003): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 9s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 10s
            | ! Deacon is gone (PID 1004): ended with exit status 1
            | ! Deacon is in a restart loop (5 within 15m): quarantined, tried once an hour until it runs for 30m
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 1h (rule 5)
        at 10m
            gtd restarts
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 50m10s (rule 5)
        at 20m
            machine reboots
            | deacon  start  no session (rule 4)
        "#,
    );
}

#[test]
fn an_agent_in_quarantine_that_somebody_starts_is_left_in_peace() {
    case(
        r#"
        town seed
        config {"gtd":{"restart":{"first_delay":"0s"}}}

        at 0s
            deacon dies at once
            | deacon  start  no session (rule 4)
        at 2s
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 3s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 4s
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 5s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 6s
            | ! Deacon is gone (PID 1002): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 7s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 8s
            | ! Deacon is gone (PID 1003): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 9s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 10s
            | ! Deacon is gone (PID 1004): ended with exit status 1
            | ! Deacon is in a restart loop (5 within 15m): quarantined, tried once an hour until it runs for 30m
            | deacon  wait  ended with exit status 1; quarantined after a restart loop, tried once an hour: in 1h (rule 5)
        at 11s
            deacon alive 100
            | ! Deacon was started by somebody else (PID 100)
            | deacon  leave  in its grace period for 5m (rule 6)
        at 20m heartbeat
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 30m11s
            | ! Deacon has run for 30m: its restarts are forgiven
            | deacon  leave  alive
        "#,
    );
}

#[test]
fn starts_that_fail_are_tried_ever_more_seldom() {
    case(
        "
        town seed
        show next look

        at 0s
            deacon fails no space left on device
            | deacon  start  no session (rule 4)
            | next look in 2s
        at 30s
            | deacon  restart  no session (rule 4)
            | next look in 2s
        at 90s
            | deacon  restart  no session (rule 4)
            | next look in 2s
        at 210s
            | deacon  restart  no session (rule 4)
            | next look in 2s
        at 450s
            | deacon  restart  no session (rule 4)
            | next look in 2s
        at 930s
            | deacon  restart  no session (rule 4)
            | next look in 2s
        at 1530s
            | deacon  restart  no session (rule 4)
            | next look in 2s
        ",
    );
}

#[test]
fn the_first_delay_can_be_set() {
    case(
        r#"
        town seed
        config {"gtd":{"restart":{"first_delay":"2s"}}}

        at 0s
            deacon dies at once
            | deacon  start  no session (rule 4)
        at 2s
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 3s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 5s
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; back-off before restart 2 within 15m: in 3s (rule 5)
        at 8s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 10s
            | ! Deacon is gone (PID 1002): ended with exit status 1
            | deacon  wait  ended with exit status 1; back-off before restart 3 within 15m: in 5s (rule 5)
        at 15s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        "#,
    );
}

#[test]
fn starts_that_fail_are_a_loop_too() {
    case(
        r#"
        town seed
        config {"gtd":{"restart":{"first_delay":"0s"}}}

        at 0s
            deacon fails no space left on device
            | deacon  start  no session (rule 4)
        at 2s
            | deacon  restart  no session (rule 4)
        at 4s
            | deacon  restart  no session (rule 4)
        at 6s
            | deacon  restart  no session (rule 4)
        at 8s
            | deacon  restart  no session (rule 4)
        # The first and four more have failed.
        at 10s
            | ! Deacon is in a restart loop (5 within 15m): quarantined, tried once an hour until it runs for 30m
            | deacon  wait  no session; quarantined after a restart loop, tried once an hour: in 1h (rule 4)
        "#,
    );
}
