//! Rules 6, 8 and 10: grace, reports, and pokes.

use crate::language::case;

#[test]
fn an_agent_that_gtd_started_has_five_minutes_of_grace_and_the_poke_waits_for_its_end() {
    case(
        "
        town seed
        show next look

        at 0s heartbeat
            | deacon  start  no session (rule 4)
            | next look in 2s
        at 1m
            | deacon  leave  in its grace period for 4m (rule 6)
            | next look in 1m
        at 4m30s heartbeat
            | deacon  leave  in its grace period for 30s; a poke waits for its end (rule 6)
            | next look in 30s
        at 4m59s
            | deacon  leave  in its grace period for 1s; a poke waits for its end (rule 6)
            | next look in 1s
        at 5m
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | next look in 1m
        at 6m
            | deacon  leave  alive
            | next look in 1m
        ",
    );
}

#[test]
fn no_poke_is_owed_where_no_heartbeat_fell_into_the_grace_period() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 5m
            | deacon  leave  alive
        ",
    );
}

#[test]
fn an_agent_that_was_there_before_gtd_is_poked_at_once() {
    case(
        "
        town seed: alpha

        at 0s heartbeat
            deacon alive 100
            alpha/witness alive 200
            | deacon         poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        ",
    );
}

#[test]
fn a_look_pokes_nobody() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m
            | deacon  leave  alive
        ",
    );
}

#[test]
fn who_reports_that_it_needs_a_person_is_not_poked() {
    case(
        "
        town seed: a b c d e f g h i

        at 0s heartbeat
            deacon alive 100
            a/witness alive 101, reports stopped
            b/witness alive 102, reports dead
            c/witness alive 103, reports done
            d/witness alive 104, reports nuked
            e/witness alive 105, reports escalated
            f/witness alive 106, reports stuck
            g/witness alive 107, reports paused
            h/witness alive 108, reports muted
            i/witness alive 109, reports awaiting-gate
            | deacon     poke   HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | a/witness  leave  reports stopped, but its program lives (rule 8)
            | b/witness  leave  reports dead, but its program lives (rule 8)
            | c/witness  leave  reports done, but its program lives (rule 8)
            | d/witness  leave  reports nuked, but its program lives (rule 8)
            | e/witness  leave  reports escalated, but its program lives (rule 8)
            | f/witness  leave  reports stuck, but its program lives (rule 8)
            | g/witness  leave  reports paused, but its program lives (rule 8)
            | h/witness  leave  reports muted, but its program lives (rule 8)
            | i/witness  leave  reports awaiting-gate, but its program lives (rule 8)
        ",
    );
}

#[test]
fn all_other_reports_count_neither_way() {
    case(
        "
        town seed: a b c d e f

        at 0s heartbeat
            deacon alive 100
            a/witness alive 101, reports idle
            b/witness alive 102, reports spawning
            c/witness alive 103, reports running
            d/witness alive 104, reports working
            e/witness alive 105, reports nothing
            f/witness alive 106, reports rubbish
            | deacon     poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | a/witness  poke  HEARTBEAT: Tip: Send MERGE_READY when work is done. (rule 10)
            | b/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
            | c/witness  poke  HEARTBEAT: Tip: Agent beads show how your polecats are doing. (rule 10)
            | d/witness  poke  HEARTBEAT: Tip: Look at a polecat's git state before you end it. (rule 10)
            | e/witness  poke  HEARTBEAT: Your vigilance keeps the polecats honest. (rule 10)
            | f/witness  poke  HEARTBEAT: Tip: Escalate stuck workers to the Mayor. (rule 10)
        ",
    );
}

#[test]
fn a_bd_that_does_not_answer_keeps_nobody_from_being_poked() {
    case(
        "
        town seed

        at 0s heartbeat
            bd gives no answer within 30s
            deacon alive 100
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        ",
    );
}

#[test]
fn a_report_does_not_keep_an_agent_that_has_gone_from_being_started() {
    case(
        "
        town seed

        at 0s heartbeat
            deacon reports running
            | deacon  start  no session (rule 4)
        ",
    );
}

#[test]
fn where_heartbeats_are_switched_off_nobody_is_poked_and_all_else_goes_on() {
    case(
        r#"
        town seed: alpha
        config {"heartbeat":{"enabled":false}}

        at 0s heartbeat
            deacon alive 100
            | deacon         leave  alive
            | alpha/witness  start  no session (rule 4)
        at 5m heartbeat
            deacon gone
            | ! Deacon is gone (PID 100): no session
            | deacon         wait   no session; settling: in 5s (rule 4)
            | alpha/witness  leave  alive
        at 5m5s
            | deacon         restart  no session (rule 4)
            | alpha/witness  leave    alive
        "#,
    );
}

#[test]
fn the_same_message_is_never_sent_twice_in_a_row() {
    case(
        "
        town seed: alpha

        at 0s heartbeat
            deacon alive 100
            alpha/witness alive 200
            | deacon         poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        at 5m heartbeat
            | deacon         poke  HEARTBEAT: You are Gas Town's most critical role. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Agent beads show how your polecats are doing. (rule 10)
        at 10m heartbeat
            gtd restarts
            | deacon         poke  HEARTBEAT: You are the heart of Gas Town! Be watchful! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Look at a polecat's git state before you end it. (rule 10)
        at 15m heartbeat
            | deacon         poke  HEARTBEAT: Tip: Polecats are transient - spawn freely, let go freely. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Your vigilance keeps the polecats honest. (rule 10)
        at 20m heartbeat
            | deacon         poke  HEARTBEAT: Tip: Witnesses watch the polecats; you watch the witnesses. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Escalate stuck workers to the Mayor. (rule 10)
        at 25m heartbeat
            | deacon         poke  HEARTBEAT: Tip: Wisps are transient molecules for patrol cycles. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Send MERGE_READY when work is done. (rule 10)
        at 30m heartbeat
            | deacon         poke  HEARTBEAT: The town sleeps soundly because you never do. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        at 35m heartbeat
            | deacon         poke  HEARTBEAT: Tip: The Mayor coordinates across rigs; you look after health. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Agent beads show how your polecats are doing. (rule 10)
        at 40m heartbeat
            | deacon         poke  HEARTBEAT: Your vigilance keeps the agents honest. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Look at a polecat's git state before you end it. (rule 10)
        at 45m heartbeat
            | deacon         poke  HEARTBEAT: Tip: 'gt deacon heartbeat' tells the town that you are alive. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Your vigilance keeps the polecats honest. (rule 10)
        at 50m heartbeat
            | deacon         poke  HEARTBEAT: Every round you make keeps Gas Town beating. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Escalate stuck workers to the Mayor. (rule 10)
        at 55m heartbeat
            | deacon         poke  HEARTBEAT: Tip: Stale agents need a nudge; very stale ones need a restart. (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Send MERGE_READY when work is done. (rule 10)
        at 60m heartbeat
            | deacon         poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        ",
    );
}

#[test]
fn a_restart_by_hand_opens_a_grace_period_and_is_not_counted() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m heartbeat
            deacon alive 200
            | ! Deacon was started by somebody else (PID 200)
            | deacon  leave  in its grace period for 5m; a poke waits for its end (rule 6)
        at 2m
            deacon alive 300
            | ! Deacon was started by somebody else (PID 300)
            | deacon  leave  in its grace period for 5m; a poke waits for its end (rule 6)
        at 3m
            deacon dead 300
            | ! Deacon is gone (PID 300): ended with exit status 1
            | deacon  wait  ended with exit status 1; settling: in 5s (rule 5)
        at 3m5s
            | deacon  restart in place  ended with exit status 1 (rule 5)
        ",
    );
}

#[test]
fn a_restart_by_hand_in_a_new_session_is_one_too() {
    case(
        "
        town seed
        show marks

        at 0s
            deacon alive 100
            | deacon  leave  alive
            | mark %3 for deacon
        at 1m heartbeat
            deacon gone, alive 200
            | ! Deacon was started by somebody else (PID 200)
            | deacon  leave  in its grace period for 5m; a poke waits for its end (rule 6)
            | mark %4 for deacon
        at 6m
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        ",
    );
}

#[test]
fn a_pid_that_is_used_again_is_another_program() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m heartbeat
            deacon reborn
            | ! Deacon was started by somebody else (PID 100)
            | deacon  leave  in its grace period for 5m; a poke waits for its end (rule 6)
        ",
    );
}

#[test]
fn a_look_after_sleep_opens_a_grace_period_for_every_agent_that_is_there() {
    case(
        "
        town seed: alpha

        at 0s
            deacon alive 100
            alpha/witness alive 200
            | deacon         leave  alive
            | alpha/witness  leave  alive
        at 8h heartbeat
            machine slept
            alpha/witness gone
            | ! witness for alpha is gone (PID 200): no session
            | deacon         leave  in its grace period for 5m; a poke waits for its end (rule 6)
            | alpha/witness  wait   no session; settling: in 5s (rule 4)
        at 485m
            | deacon         poke     HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  restart  no session (rule 4)
        ",
    );
}

#[test]
fn the_grace_period_can_be_set() {
    case(
        r#"
        town seed
        config {"gtd":{"restart":{"grace":"0s"}}}

        at 0s
            | deacon  start  no session (rule 4)
        at 2s heartbeat
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        "#,
    );
}

#[test]
fn a_poke_that_waited_for_the_end_of_grace_is_not_sent_to_one_that_reports_stuck() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 4m heartbeat
            deacon reports stuck
            | deacon  leave  in its grace period for 1m; a poke waits for its end (rule 6)
        at 5m
            | deacon  leave  reports stuck, but its program lives (rule 8)
        ",
    );
}
