//! Rule 9: who is awake needs no poke.

use crate::language::case;

#[test]
fn an_agent_to_which_a_person_typed_within_a_minute_is_not_poked() {
    case(
        "
        town seed: a b c

        at 0s heartbeat
            deacon alive 100, attached, typed 59s ago
            a/witness alive 101, attached, typed 60s ago
            b/witness alive 102, attached, typed 1h ago
            c/witness alive 103, typed now
            | deacon     no poke  a person is typing there (rule 9)
            | a/witness  poke     HEARTBEAT: Tip: Send MERGE_READY when work is done. (rule 10)
            | b/witness  poke     HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
            | c/witness  poke     HEARTBEAT: Tip: Agent beads show how your polecats are doing. (rule 10)
        ",
    );
}

#[test]
fn an_agent_that_put_something_out_since_the_last_look_and_a_moment_ago_is_at_work() {
    case(
        "
        town seed: a b

        at 0s
            deacon alive 100, output 1h ago
            a/witness alive 101, output 1h ago
            b/witness alive 102, output 1h ago
            | deacon     leave  alive
            | a/witness  leave  alive
            | b/witness  leave  alive
        at 1m heartbeat
            deacon output 10s ago
            a/witness output 11s ago
            | deacon     no poke  it is at work (rule 9)
            | a/witness  poke     HEARTBEAT: Tip: Send MERGE_READY when work is done. (rule 10)
            | b/witness  poke     HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        ",
    );
}

#[test]
fn the_echo_of_a_poke_is_no_work_and_what_comes_later_is() {
    case(
        "
        town seed: alpha

        at 0s heartbeat
            deacon alive 100
            alpha/witness alive 200
            | deacon         poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        at 8s heartbeat
            deacon output 3s ago
            alpha/witness output 2s ago
            | deacon         poke     HEARTBEAT: You are Gas Town's most critical role. (rule 10)
            | alpha/witness  no poke  it is at work (rule 9)
        ",
    );
}

#[test]
fn an_agent_that_is_awake_at_a_heartbeat_is_poked_at_the_next() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m heartbeat
            deacon output 1s ago
            | deacon  no poke  it is at work (rule 9)
        at 2m
            | deacon  leave  alive
        at 6m heartbeat
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        ",
    );
}

#[test]
fn an_owed_poke_is_not_sent_to_one_that_is_awake() {
    case(
        "
        town seed

        at 0s
            | deacon  start  no session (rule 4)
        at 4m heartbeat
            | deacon  leave  in its grace period for 1m; a poke waits for its end (rule 6)
        at 5m
            deacon output 2s ago
            | deacon  no poke  it is at work (rule 9)
        at 6m
            | deacon  leave  alive
        ",
    );
}

#[test]
fn the_first_output_of_a_program_is_no_sign_of_work() {
    case(
        "
        town seed

        at 0s
            deacon alive 100
            | deacon  leave  alive
        at 1m
            deacon alive 200
            | ! Deacon was started by somebody else (PID 200)
            | deacon  leave  in its grace period for 5m (rule 6)
        at 6m heartbeat
            | deacon  poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
        ",
    );
}
