//! Rules 2 and 3: what is not known, and what is not ours.

use crate::language::case;

#[test]
fn a_tmux_that_does_not_answer_starts_nobody_and_pokes_nobody() {
    case(
        "
        town seed: alpha

        at 0s heartbeat
            tmux gives no answer within 5s
            | deacon         leave  tmux does not answer: gives no answer within 5s (rule 2)
            | alpha/witness  leave  tmux does not answer: gives no answer within 5s (rule 2)
        at 1m
            | deacon         leave  tmux does not answer: gives no answer within 5s (rule 2)
            | alpha/witness  leave  tmux does not answer: gives no answer within 5s (rule 2)
        at 6m heartbeat
            tmux works
            deacon alive 100
            | deacon         poke   HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  start  no session (rule 4)
        ",
    );
}

#[test]
fn an_outage_after_life_is_no_death_and_what_follows_it_settles_anew() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m
            tmux gives no answer within 5s
            | deacon  leave  tmux does not answer: gives no answer within 5s (rule 2)
        at 2m
            tmux works
            | deacon  leave  alive
        at 3m
            tmux gives no answer within 5s
            | deacon  leave  tmux does not answer: gives no answer within 5s (rule 2)
        at 4m
            tmux works
            deacon gone
            | ! Deacon is gone (PID 100): no session
            | deacon  wait  no session; settling: in 5s (rule 4)
        at 4m5s
            | deacon  restart  no session (rule 4)
        ",
    );
}

#[test]
fn an_outage_while_an_agent_settles_forgets_nothing() {
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
            tmux gives no answer within 5s
            | deacon  leave  tmux does not answer: gives no answer within 5s (rule 2)
        at 1m6s
            tmux works
            | deacon  restart  no session (rule 4)
        ",
    );
}

#[test]
fn an_outage_forgets_no_grace_period_and_no_back_off() {
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
            tmux is stopped
            | deacon  leave  tmux does not answer: is stopped (rule 2)
        at 2m30s
            tmux works
            deacon dead 1001
            | ! Deacon is gone (PID 1001): ended with exit status 1
            | deacon  wait  ended with exit status 1; back-off before restart 2 within 15m: in 31s (rule 5)
        at 2m31s
            | deacon  wait  ended with exit status 1; back-off before restart 2 within 15m: in 30s (rule 5)
        at 3m1s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn a_session_that_cannot_be_read_is_unknown_alone() {
    case(
        "
        town seed: alpha

        at 0s
            deacon alive 100, unreadable a line with too few fields
            alpha/witness gone
            | deacon         leave  tmux does not answer: a line with too few fields (rule 2)
            | alpha/witness  start  no session (rule 4)
        ",
    );
}

#[test]
fn a_session_with_the_mark_of_another_town_is_left_alone_wherever_it_was_made() {
    case(
        "
        town seed: alpha

        at 0s heartbeat
            deacon alive 100, marked /home/owner/other
            alpha/witness dead 200, marked /home/owner/other
            | deacon         leave  the session belongs to another town, /home/owner/other (rule 3)
            | alpha/witness  leave  the session belongs to another town, /home/owner/other (rule 3)
        at 1m
            deacon gone
            | deacon         start  no session (rule 4)
            | alpha/witness  leave  the session belongs to another town, /home/owner/other (rule 3)
        ",
    );
}

#[test]
fn without_a_mark_the_directory_in_which_a_session_was_made_decides() {
    case(
        "
        town seed: alpha beta
        show marks

        at 0s
            deacon alive 100, in /home/owner/gt-2/deacon
            alpha/witness alive 200, in /home/owner/gt
            beta/witness alive 300, in /home/owner
            | deacon         leave  the session belongs to another town, /home/owner/gt-2/deacon (rule 3)
            | alpha/witness  leave  alive
            | beta/witness   leave  the session belongs to another town, /home/owner (rule 3)
            | mark %4 for alpha/witness
        ",
    );
}

#[test]
fn our_mark_outweighs_the_directory() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m
            deacon in /tmp
            | deacon  leave  alive
        ",
    );
}

#[test]
fn a_session_whose_mark_a_person_changed_to_another_towns_is_no_longer_ours() {
    case(
        "
        town seed

        at 0s heartbeat
            deacon alive 100
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        at 5m heartbeat
            deacon marked /home/owner/other
            | deacon  leave  the session belongs to another town, /home/owner/other (rule 3)
        ",
    );
}

#[test]
fn a_session_of_which_nothing_can_be_read_is_unknown_and_not_foreign() {
    case(
        "
        town seed

        at 0s
            deacon alive 100, in, unreadable a line with too few fields
            | deacon  leave  tmux does not answer: a line with too few fields (rule 2)
        ",
    );
}
