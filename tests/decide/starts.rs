//! Rules 4 and 5: who is started, where, and how soon.

use crate::language::case;

#[test]
fn who_is_absent_at_the_first_look_is_started_at_once() {
    case(
        "
        town seed: alpha
        show next look

        at 0s
            | deacon         start  no session (rule 4)
            | alpha/witness  start  no session (rule 4)
            | next look in 2s
        at 2s
            | deacon         leave  in its grace period for 4m58s (rule 6)
            | alpha/witness  leave  in its grace period for 4m58s (rule 6)
            | next look in 1m
        ",
    );
}

#[test]
fn who_was_alive_and_is_gone_settles_for_five_seconds_in_two_looks() {
    case(
        "
        town seed
        show next look

        at 0s
            deacon alive 100
            | deacon  leave  alive
            | next look in 1m
        at 1m
            deacon gone
            | ! Deacon is gone (PID 100): no session
            | deacon  wait  no session; settling: in 5s (rule 4)
            | next look in 5s
        at 1m4s
            | deacon  wait  no session; settling: in 1s (rule 4)
            | next look in 1s
        at 1m5s
            | deacon  restart  no session (rule 4)
            | next look in 2s
        ",
    );
}

#[test]
fn somebody_who_restarts_an_agent_by_hand_is_not_raced() {
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
        at 1m5s
            deacon alive 200
            | ! Deacon was started by somebody else (PID 200)
            | deacon  leave  in its grace period for 5m (rule 6)
        ",
    );
}

#[test]
fn who_ended_in_a_pane_that_gtd_made_settles_for_one_second() {
    case(
        "
        town seed
        show next look

        at 0s
            | deacon  start  no session (rule 4)
            | next look in 2s
        at 10m
            deacon dead 1000
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 1s (rule 5)
            | next look in 1s
        at 10m1s
            | deacon  restart in place  ended with exit status 1 (rule 5)
            | next look in 2s
        ",
    );
}

#[test]
fn who_ended_in_a_pane_of_another_settles_for_five_seconds() {
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
            deacon killed 100
            alpha/witness ended 200
            | ! Deacon is gone (PID 100): ended by signal 9
            | ! witness for alpha is gone (PID 200): ended (tmux does not tell how)
            | deacon         wait   ended by signal 9; settling: in 5s (rule 5)
            | alpha/witness  wait   ended (tmux does not tell how); settling: in 5s (rule 5)
            | beta/witness   leave  alive
        at 1m1s
            | deacon         wait   ended by signal 9; settling: in 4s (rule 5)
            | alpha/witness  wait   ended (tmux does not tell how); settling: in 4s (rule 5)
            | beta/witness   leave  alive
        at 1m5s
            | deacon         restart in place  ended by signal 9 (rule 5)
            | alpha/witness  restart in place  ended (tmux does not tell how) (rule 5)
            | beta/witness   leave             alive
        ",
    );
}

#[test]
fn who_ended_in_gtds_pane_but_was_put_there_by_another_settles_for_five_seconds() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 10m
            deacon dead 200
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 5s (rule 5)
        at 10m1s
            | deacon  wait  ended with exit status 1; settling: in 4s (rule 5)
        at 10m5s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn who_had_ended_before_gtd_came_settles_too() {
    case(
        "
        town seed

        at 0s
            deacon dead 100
            | deacon  wait  ended with exit status 1; settling: in 5s (rule 5)
        at 5s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn a_bare_shell_counts_when_it_is_the_same_one_in_two_looks_five_seconds_apart() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m
            deacon bare shell 100
            | ! Deacon is gone (PID 100): only its shell is left
            | deacon  wait  only its shell is left; settling: in 5s (rule 5)
        at 1m4s
            | deacon  wait  only its shell is left; settling: in 1s (rule 5)
        at 1m5s
            | deacon  restart in place  only its shell is left (rule 5)
        ",
    );
}

#[test]
fn another_shell_settles_anew() {
    case(
        "
        town seed

        at 0s
            deacon bare shell 100
            | deacon  wait  only its shell is left; settling: in 5s (rule 5)
        at 4s
            deacon bare shell 101
            | deacon  wait  only its shell is left; settling: in 5s (rule 5)
        at 6s
            | deacon  wait  only its shell is left; settling: in 3s (rule 5)
        at 9s
            | deacon  restart in place  only its shell is left (rule 5)
        ",
    );
}

#[test]
fn a_program_in_the_bare_shell_again_is_a_start_by_hand() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m
            deacon bare shell 100
            | ! Deacon is gone (PID 100): only its shell is left
            | deacon  wait  only its shell is left; settling: in 5s (rule 5)
        at 1m5s heartbeat
            deacon alive 100
            | deacon  leave  in its grace period for 5m; a poke waits for its end (rule 6)
        ",
    );
}

#[test]
fn a_person_who_typed_in_the_bare_shell_has_it_for_five_minutes() {
    case(
        "
        town seed
        show next look

        at 0s
            deacon alive 100
            | deacon  leave  alive
            | next look in 1m
        at 1m
            deacon bare shell 100, attached, typed 10s ago
            | ! Deacon is gone (PID 100): only its shell is left
            | deacon  wait  only its shell is left; a person is using the shell: in 4m50s (rule 5)
            | next look in 1m
        at 5m49s
            | deacon  wait  only its shell is left; a person is using the shell: in 1s (rule 5)
            | next look in 1s
        at 5m50s
            | deacon  restart in place  only its shell is left (rule 5)
            | next look in 2s
        ",
    );
}

#[test]
fn a_person_who_left_the_bare_shell_does_not_want_it() {
    case(
        "
        town seed

        at 0s
            deacon bare shell 100, attached, typed now
            | deacon  wait  only its shell is left; a person is using the shell: in 5m (rule 5)
        at 5s
            deacon detached
            | deacon  restart in place  only its shell is left (rule 5)
        ",
    );
}

#[test]
fn a_person_who_only_reads_in_the_bare_shell_is_no_hindrance() {
    case(
        "
        town seed

        at 0s
            deacon bare shell 100, attached, typed 6m ago
            | deacon  wait  only its shell is left; settling: in 5s (rule 5)
        at 5s
            | deacon  restart in place  only its shell is left (rule 5)
        ",
    );
}

#[test]
fn an_agent_whose_pane_is_gone_starts_in_a_new_window_and_never_in_a_persons_pane() {
    case(
        "
        town seed
        show marks

        at 0s
            deacon alive 100
            | deacon  leave  alive
            | mark %3 for deacon
        at 1m
            deacon pane gone
            | ! Deacon is gone (PID 100): its pane is gone from its session
            | deacon  wait  its pane is gone from its session; settling: in 5s (rule 5)
        at 1m5s
            | deacon  restart  its pane is gone from its session; in a new window of it (rule 5)
        at 2m
            | deacon  leave  in its grace period for 4m5s (rule 6)
        ",
    );
}

#[test]
fn a_persons_pane_beside_the_agents_changes_nothing() {
    case(
        "
        town seed

        at 0s
            deacon alive 100, joined
            | deacon  leave  alive
        at 1m
            deacon dead 100
            | ! Deacon is gone (PID 100): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 5s (rule 5)
        at 1m5s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn another_kind_of_absence_settles_anew() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m
            deacon dead 100
            | ! Deacon is gone (PID 100): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 5s (rule 5)
        at 1m4s
            deacon gone
            | deacon  wait  no session; settling: in 5s (rule 4)
        at 1m5s
            | deacon  wait  no session; settling: in 4s (rule 4)
        at 1m9s
            | deacon  restart  no session (rule 4)
        ",
    );
}

#[test]
fn the_settling_time_can_be_set() {
    case(
        r#"
        town seed: alpha
        config {"gtd":{"restart":{"settle":"500ms"}}}

        at 0s
            alpha/witness alive 200
            | deacon         start  no session (rule 4)
            | alpha/witness  leave  alive
        at 1m
            deacon dead 1000
            alpha/witness gone
            | ! Deacon is gone (PID 1000): ended with exit status 1
            | ! witness for alpha is gone (PID 200): no session
            | deacon         wait  ended with exit status 1; settling: in 1s (rule 5)
            | alpha/witness  wait  no session; settling: in 1s (rule 4)
        at 60500ms
            | deacon         restart in place  ended with exit status 1 (rule 5)
            | alpha/witness  restart           no session (rule 4)
        "#,
    );
}
