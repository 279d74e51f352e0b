//! Many at once: batches of starts, and deaths that are one event.

use crate::language::case;

#[test]
fn at_most_five_are_started_in_a_look_the_deacon_first_and_the_next_two_seconds_later() {
    case(
        "
        town seed: a b c d e f
        show next look

        at 0s
            | deacon     start  no session (rule 4)
            | a/witness  start  no session (rule 4)
            | b/witness  start  no session (rule 4)
            | c/witness  start  no session (rule 4)
            | d/witness  start  no session (rule 4)
            | e/witness  wait   no session; 5 are started at a time: in 2s (rule 4)
            | f/witness  wait   no session; 5 are started at a time: in 2s (rule 4)
            | next look in 2s
        at 1s
            | deacon     leave  in its grace period for 4m59s (rule 6)
            | a/witness  leave  in its grace period for 4m59s (rule 6)
            | b/witness  leave  in its grace period for 4m59s (rule 6)
            | c/witness  leave  in its grace period for 4m59s (rule 6)
            | d/witness  leave  in its grace period for 4m59s (rule 6)
            | e/witness  wait   no session; 5 are started at a time: in 1s (rule 4)
            | f/witness  wait   no session; 5 are started at a time: in 1s (rule 4)
            | next look in 1s
        at 2s
            | deacon     leave  in its grace period for 4m58s (rule 6)
            | a/witness  leave  in its grace period for 4m58s (rule 6)
            | b/witness  leave  in its grace period for 4m58s (rule 6)
            | c/witness  leave  in its grace period for 4m58s (rule 6)
            | d/witness  leave  in its grace period for 4m58s (rule 6)
            | e/witness  start  no session (rule 4)
            | f/witness  start  no session (rule 4)
            | next look in 2s
        at 4s
            | deacon     leave  in its grace period for 4m56s (rule 6)
            | a/witness  leave  in its grace period for 4m56s (rule 6)
            | b/witness  leave  in its grace period for 4m56s (rule 6)
            | c/witness  leave  in its grace period for 4m56s (rule 6)
            | d/witness  leave  in its grace period for 4m56s (rule 6)
            | e/witness  leave  in its grace period for 4m58s (rule 6)
            | f/witness  leave  in its grace period for 4m58s (rule 6)
            | next look in 1m
        ",
    );
}

#[test]
fn the_distance_between_batches_outlives_gtd() {
    case(
        "
        town seed: a b c d e

        at 0s
            | deacon     start  no session (rule 4)
            | a/witness  start  no session (rule 4)
            | b/witness  start  no session (rule 4)
            | c/witness  start  no session (rule 4)
            | d/witness  start  no session (rule 4)
            | e/witness  wait   no session; 5 are started at a time: in 2s (rule 4)
        at 1s
            gtd restarts
            | deacon     leave  in its grace period for 4m59s (rule 6)
            | a/witness  leave  in its grace period for 4m59s (rule 6)
            | b/witness  leave  in its grace period for 4m59s (rule 6)
            | c/witness  leave  in its grace period for 4m59s (rule 6)
            | d/witness  leave  in its grace period for 4m59s (rule 6)
            | e/witness  wait   no session; 5 are started at a time: in 1s (rule 4)
        at 2s
            | deacon     leave  in its grace period for 4m58s (rule 6)
            | a/witness  leave  in its grace period for 4m58s (rule 6)
            | b/witness  leave  in its grace period for 4m58s (rule 6)
            | c/witness  leave  in its grace period for 4m58s (rule 6)
            | d/witness  leave  in its grace period for 4m58s (rule 6)
            | e/witness  start  no session (rule 4)
        ",
    );
}

#[test]
fn mass_death_is_one_event() {
    case(
        "
        town seed: alpha beta

        at 0s
            deacon alive 100
            alpha/witness alive 200
            beta/witness alive 300
            | deacon         leave  alive
            | alpha/witness  leave  alive
            | beta/witness   leave  alive
        at 1m
            deacon gone
            alpha/witness gone
            beta/witness gone
            | ! tmux lost 3 agents at once: Deacon, witness for alpha, witness for beta
            | deacon         wait  no session; settling: in 5s (rule 4)
            | alpha/witness  wait  no session; settling: in 5s (rule 4)
            | beta/witness   wait  no session; settling: in 5s (rule 4)
        at 1m5s
            | deacon         restart  no session (rule 4)
            | alpha/witness  restart  no session (rule 4)
            | beta/witness   restart  no session (rule 4)
        ",
    );
}

#[test]
fn two_deaths_are_two_events() {
    case(
        "
        town seed: alpha beta

        at 0s
            deacon alive 100
            alpha/witness alive 200
            beta/witness alive 300
            | deacon         leave  alive
            | alpha/witness  leave  alive
            | beta/witness   leave  alive
        at 1m
            deacon gone
            beta/witness killed 300
            | ! Deacon is gone (PID 100): no session
            | ! witness for beta is gone (PID 300): ended by signal 9
            | deacon         wait   no session; settling: in 5s (rule 4)
            | alpha/witness  leave  alive
            | beta/witness   wait   ended by signal 9; settling: in 5s (rule 5)
        ",
    );
}

#[test]
fn one_start_does_not_keep_another_waiting() {
    case(
        "
        town seed: alpha

        at 0s
            | deacon         start  no session (rule 4)
            | alpha/witness  start  no session (rule 4)
        at 10m
            deacon dead 1000
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon         wait   ended with exit status 1; settling: in 1s (rule 5)
            | alpha/witness  leave  alive
        at 10m1s
            alpha/witness dead 1001
            | ! witness for alpha is gone (PID 1001): ended with exit status 1
            | deacon         restart in place  ended with exit status 1 (rule 5)
            | alpha/witness  wait              ended with exit status 1; settling: in 1s (rule 5)
        at 10m2s
            | deacon         leave             in its grace period for 4m59s (rule 6)
            | alpha/witness  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}
