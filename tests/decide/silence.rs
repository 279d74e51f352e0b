//! Rule 7: the agent that does not answer.

use crate::language::case;

#[test]
fn two_silent_pokes_and_unread_keys_are_a_reason_to_restart() {
    case(
        "
        town seed
        show next look, resizes

        at 0s heartbeat
            deacon alive 100, output 20m ago, hangs
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | next look in 1m
        at 5s
            | deacon  leave  a poke has brought no output; poked again: in 55s (rule 7)
            | next look in 55s
        at 1m
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
            | its window is resized for deacon
            | next look in 10s
        at 1m9s
            | deacon  leave  2 pokes have brought no output; judged: in 1s (rule 7)
            | next look in 1s
        at 1m10s
            | deacon  restart in place  does not answer: 2 pokes brought no output, and 47 bytes that were typed are unread (rule 7)
            | next look in 2s
        at 1m12s
            | deacon  leave  in its grace period for 4m58s (rule 6)
            | next look in 1m
        at 7m heartbeat
            | deacon  poke  HEARTBEAT: You are the heart of Gas Town! Be watchful! (rule 10)
            | next look in 1m
        ",
    );
}

#[test]
fn a_heartbeat_that_comes_sooner_is_the_second_poke() {
    case(
        "
        town seed
        config {\"heartbeat\":{\"interval\":\"20s\"}}
        show next look, resizes

        at 0s heartbeat
            deacon alive 100, output 20m ago, hangs
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | next look in 20s
        at 20s heartbeat
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
            | its window is resized for deacon
            | next look in 10s
        at 30s
            | deacon  restart in place  does not answer: 2 pokes brought no output, and 47 bytes that were typed are unread (rule 7)
            | next look in 2s
        ",
    );
}

#[test]
fn whoever_answers_the_second_poke_is_left_alone() {
    case(
        "
        town seed

        at 0s heartbeat
            deacon alive 100, output 20m ago, hangs
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 1m
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
        at 1m5s
            deacon recovers
            | deacon  leave  alive
        at 1m20s
            | deacon  leave  alive
        ",
    );
}

#[test]
fn where_the_terminal_does_not_tell_it_takes_three_heartbeats_and_half_an_hour() {
    case(
        "
        town seed

        at 0s heartbeat
            deacon alive 100, output 20m ago, hangs untold
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 1m
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
        at 1m10s
            | deacon  leave  pokes bring no output (rule 7)
        at 10m heartbeat
            | deacon  poke  HEARTBEAT: You are the heart of Gas Town! Be watchful! (rule 10)
        at 20m heartbeat
            | deacon  poke  HEARTBEAT: Tip: Polecats are transient - spawn freely, let go freely. (rule 10)
        at 29m59s
            | deacon  leave  2 pokes have brought no output; judged: in 1s (rule 7)
        at 30m
            | deacon  restart in place  does not answer: 3 heartbeats in more than 30m brought no output (rule 7)
        ",
    );
}

#[test]
fn a_person_who_talks_to_it_sees_for_himself() {
    case(
        "
        town seed
        show resizes

        at 0s heartbeat
            deacon alive 100, output 20m ago, attached, typed 3m ago, hangs
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 1m
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
        at 1m15s
            deacon typed now
            | deacon  leave  pokes bring no output (rule 7)
        at 7m
            | deacon  restart in place  does not answer: 2 pokes brought no output, and 47 bytes that were typed are unread (rule 7)
        ",
    );
}

#[test]
fn after_two_restarts_in_vain_a_person_is_told() {
    case(
        "
        town seed

        at 0s heartbeat
            deacon alive 100, output 20m ago, hangs for good
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 1m
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
        at 1m10s
            | deacon  restart in place  does not answer: 2 pokes brought no output, and 47 bytes that were typed are unread (rule 7)
        at 7m heartbeat
            | deacon  poke  HEARTBEAT: You are the heart of Gas Town! Be watchful! (rule 10)
        at 8m
            | deacon  poke  HEARTBEAT: Tip: Polecats are transient - spawn freely, let go freely. (rule 10)
        at 8m10s
            | deacon  wait  does not answer: 2 pokes brought no output, and 47 bytes that were typed are unread; back-off before restart 2 within 15m: in 30s (rule 7)
        at 8m40s
            | deacon  restart in place  does not answer: 2 pokes brought no output, and 47 bytes that were typed are unread (rule 7)
        at 14m heartbeat
            | deacon  poke  HEARTBEAT: Tip: Witnesses watch the polecats; you watch the witnesses. (rule 10)
        at 15m
            | deacon  poke  HEARTBEAT: Tip: Wisps are transient molecules for patrol cycles. (rule 10)
        at 15m10s
            | deacon  leave  does not answer, and was restarted for that twice in vain: it needs a person (rule 7)
        at 20m heartbeat
            | deacon  leave  does not answer, and was restarted for that twice in vain: it needs a person (rule 7)
        at 21m
            deacon recovers
            | deacon  leave  alive
        ",
    );
}

#[test]
fn nobody_is_judged_while_tmux_is_in_doubt_or_after_a_sleep() {
    case(
        "
        town seed

        at 0s heartbeat
            deacon alive 100, output 20m ago, hangs
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 1m
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
        at 1m5s
            tmux no answer within 5s
            | deacon  leave  tmux does not answer: no answer within 5s (rule 2)
        at 1m20s
            tmux works
            | deacon  leave  alive
        at 6m heartbeat
            | deacon  poke  HEARTBEAT: You are the heart of Gas Town! Be watchful! (rule 10)
        at 7m
            | deacon  poke  HEARTBEAT: Tip: Polecats are transient - spawn freely, let go freely. (rule 10)
        at 7m8s
            machine slept
            | deacon  leave  in its grace period for 5m (rule 6)
        at 7m20s
            | deacon  leave  in its grace period for 4m48s (rule 6)
        ",
    );
}

#[test]
fn a_clock_that_was_set_back_makes_nobody_silent() {
    case(
        "
        town seed

        at 0s heartbeat
            deacon alive 100, output 20m ago, hangs
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 1m
            clock set back by 1h
            | deacon  leave  alive
        at 1m10s
            | deacon  leave  alive
        ",
    );
}

#[test]
fn a_silent_agent_in_a_loop_goes_into_quarantine() {
    case(
        "
        town seed
        config {\"gtd\":{\"restart\":{\"grace\":\"0s\",\"first_delay\":\"0s\"},\"silent_after\":\"10s\"}}

        at 0s
            deacon alive 100, output 20m ago
            | deacon  leave  alive
        at 1s
            deacon dead 100
            | ! Deacon is gone (PID 100): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 5s (rule 5)
        at 10s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 11s
            deacon dead 1000
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 20s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 21s
            deacon dead 1001
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 30s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 31s
            deacon dead 1002
            | ! Deacon is gone (PID 1002): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
        at 40s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        at 1m heartbeat
            deacon hangs
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 1m10s
            | deacon  poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
        at 1m20s
            | ! Deacon is in a restart loop (5 within 15m): quarantined, tried once an hour until it runs for 30m
            | deacon  wait  does not answer: 2 pokes brought no output, and 47 bytes that were typed are unread; quarantined after a restart loop, tried once an hour: in 1h (rule 7)
        ",
    );
}
