//! Rule 1, as far as people hold agents through `gt`: parked and docked rigs, `auto_restart`, a paused Deacon, `gt down`; and
//! a population that lives elsewhere.

use crate::language::case;

#[test]
fn a_parked_rig_is_neither_started_nor_poked_until_it_is_unparked() {
    case(
        "
        town v1.0: alpha(al) beta(bt)

        at 0s heartbeat
            rig alpha parked
            deacon alive 100
            alpha/witness alive 200
            | deacon         poke   HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  hold   its rig is parked (rule 1)
            | beta/witness   start  no session (rule 4)
        at 1m
            alpha/witness gone
            | ! witness for alpha is gone (PID 200): no session
            | deacon         leave  alive
            | alpha/witness  hold   its rig is parked (rule 1)
            | beta/witness   leave  in its grace period for 4m (rule 6)
        at 2m
            rig alpha unparked
            | deacon         leave    alive
            | alpha/witness  restart  no session (rule 4)
            | beta/witness   leave    in its grace period for 3m (rule 6)
        ",
    );
}

#[test]
fn where_auto_restart_is_off_nobody_is_started_and_who_lives_is_poked() {
    case(
        "
        town v0.2: alpha(al) beta(bt)

        at 0s heartbeat
            rig alpha auto_restart off
            rig beta auto_restart off
            deacon alive 100
            alpha/witness alive 200
            | deacon         poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
            | beta/witness   hold  auto_restart is off for its rig (rule 1)
        at 1m
            alpha/witness gone
            | ! witness for alpha is gone (PID 200): no session
            | deacon         leave  alive
            | alpha/witness  hold   auto_restart is off for its rig (rule 1)
            | beta/witness   hold   auto_restart is off for its rig (rule 1)
        at 2m
            rig alpha auto_restart unset
            beta/witness alive 300
            | ! witness for beta was started by somebody else (PID 300)
            | deacon         leave    alive
            | alpha/witness  restart  no session (rule 4)
            | beta/witness   leave    in its grace period for 5m (rule 6)
        ",
    );
}

#[test]
fn where_auto_restart_is_off_who_does_not_answer_is_left_as_well() {
    case(
        "
        town v0.2: alpha(al)

        at 0s heartbeat
            deacon alive 100
            alpha/witness alive 200, output 20m ago, hangs for good
            | deacon         poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        at 1m
            | deacon         leave  alive
            | alpha/witness  poke   HEARTBEAT: Tip: Agent beads show how your polecats are doing. (rule 10)
        at 70s
            rig alpha auto_restart off
            | deacon         leave  alive
            | alpha/witness  hold   auto_restart is off for its rig (rule 1)
        at 71s
            rig alpha auto_restart unset
            | deacon         leave             alive
            | alpha/witness  restart in place  does not answer: 2 pokes brought no output, and 47 bytes that were typed are unread (rule 7)
        ",
    );
}

#[test]
fn a_docked_rig_is_not_started_and_who_lives_there_is_poked() {
    case(
        "
        town v1.0: alpha(al) beta(bt)

        at 0s heartbeat
            rig alpha docked
            rig beta docked
            deacon alive 100
            alpha/witness alive 200
            | deacon         poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  poke  HEARTBEAT: Tip: Send MERGE_READY when work is done. (rule 10)
            | beta/witness   hold  its rig is docked (status:docked on al-rig-beta) (rule 1)
        at 1m
            alpha/witness gone
            | ! witness for alpha is gone (PID 200): no session
            | deacon         leave  alive
            | alpha/witness  hold   its rig is docked (status:docked on al-rig-alpha) (rule 1)
            | beta/witness   hold   its rig is docked (status:docked on al-rig-beta) (rule 1)
        at 61m
            rig alpha undocked
            rig beta undocked
            | deacon         leave    alive
            | alpha/witness  restart  no session (rule 4)
            | beta/witness   start    no session (rule 4)
        ",
    );
}

#[test]
fn an_outage_of_bd_delays_no_restart_and_holds_who_was_never_started() {
    case(
        "
        town v1.0: alpha(al) beta(bt)

        at 0s
            rig alpha dock unknown bd show: no answer within 5s
            rig beta dock unknown bd show: no answer within 5s
            deacon alive 100
            alpha/witness alive 200
            | deacon         leave  alive
            | alpha/witness  leave  alive
            | beta/witness   hold   whether its rig is docked is not known: bd show: no answer within 5s (rule 1)
        at 1m
            alpha/witness gone
            | ! witness for alpha is gone (PID 200): no session
            | deacon         leave  alive
            | alpha/witness  wait   no session; settling: in 5s (rule 4)
            | beta/witness   hold   whether its rig is docked is not known: bd show: no answer within 5s (rule 1)
        at 65s
            rig beta undocked
            | deacon         leave    alive
            | alpha/witness  restart  no session (rule 4)
            | beta/witness   start    no session (rule 4)
        ",
    );
}

#[test]
fn a_paused_deacon_is_left_alone_and_nobody_else() {
    case(
        "
        town v1.0: alpha(al)

        at 0s heartbeat
            Deacon paused maintenance
            deacon alive 100
            alpha/witness alive 200
            | deacon         hold  the Deacon is paused: maintenance (rule 1)
            | alpha/witness  poke  HEARTBEAT: Tip: Send MERGE_READY when work is done. (rule 10)
        at 1m
            deacon gone
            | ! Deacon is gone (PID 100): no session
            | deacon         hold   the Deacon is paused: maintenance (rule 1)
            | alpha/witness  leave  alive
        at 2m
            Deacon resumed
            | deacon         restart  no session (rule 4)
            | alpha/witness  leave    alive
        ",
    );
}

#[test]
fn while_the_gt_down_of_the_newest_lives_nobody_is_touched() {
    case(
        "
        town v1.0: alpha(al)

        at 0s heartbeat
            shutting-down 4711
            deacon alive 100
            | deacon         hold  the town is being shut down (daemon/shutting-down names PID 4711) (rule 1)
            | alpha/witness  hold  the town is being shut down (daemon/shutting-down names PID 4711) (rule 1)
        at 1m
            shutting-down gone
            | deacon         leave  alive
            | alpha/witness  start  no session (rule 4)
        ",
    );
}

#[test]
fn no_second_population_is_begun_beside_one_that_lives_elsewhere() {
    case(
        "
        town v0.2: alpha(al)

        at 0s heartbeat
            alpha/witness alive 200
            elsewhere hq-deacon lives on the tmux server -L gt-ab12cd: another Gas Town's names
            | deacon         hold  the town's agents live under other names, or on another tmux server (rule 1)
            | alpha/witness  poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
        # A restart is none of that: it was seen to live here.
        at 1m
            alpha/witness gone
            | ! witness for alpha is gone (PID 200): no session
            | deacon         hold  the town's agents live under other names, or on another tmux server (rule 1)
            | alpha/witness  wait  no session; settling: in 5s (rule 4)
        at 65s
            elsewhere unknown the user's tmux server: no answer within 5s
            | deacon         hold     whether this town's agents live on another tmux server is not known: the user's tmux server: no answer within 5s (rule 1)
            | alpha/witness  restart  no session (rule 4)
        at 2m
            elsewhere nobody
            | deacon         start  no session (rule 4)
            | alpha/witness  leave  in its grace period for 4m5s (rule 6)
        ",
    );
}

#[test]
fn who_was_started_here_is_not_started_beside_himself_elsewhere() {
    case(
        "
        town v0.2: alpha(al)

        at 0s
            deacon alive 100
            alpha/witness alive 200
            | deacon         leave  alive
            | alpha/witness  leave  alive
        at 1m
            deacon gone
            alpha/witness gone
            | ! Deacon is gone (PID 100): no session
            | ! witness for alpha is gone (PID 200): no session
            | deacon         wait  no session; settling: in 5s (rule 4)
            | alpha/witness  wait  no session; settling: in 5s (rule 4)
        at 65s
            elsewhere gt-alpha-witness lives on the tmux server -L old
            | deacon         restart  no session (rule 4)
            | alpha/witness  hold     the town's agents live under other names, or on another tmux server (rule 1)
        # His last program may be that very one, which would be ended as a leftover.
        at 70s
            elsewhere where it was unknown the tmux server -L old: no answer within 5s
            | deacon         leave  in its grace period for 4m55s (rule 6)
            | alpha/witness  hold   whether this town's agents live on another tmux server is not known: the tmux server -L old: no answer within 5s (rule 1)
        at 75s
            elsewhere nobody
            | deacon         leave    in its grace period for 4m50s (rule 6)
            | alpha/witness  restart  no session (rule 4)
        ",
    );
}

#[test]
fn agents_of_another_generation_are_others_and_are_not_ended_for_it() {
    case(
        "
        town v0.2: alpha(al)

        at 0s
            deacon alive 100
            alpha/witness alive 200
            | deacon         leave  alive
            | alpha/witness  leave  alive
        at 1m
            gt v1.0
            elsewhere hq-deacon lives on the user's tmux server: another Gas Town's names
            deacon gone
            | deacon         hold  the town's agents live under other names, or on another tmux server (rule 1)
            | alpha/witness  hold  the town's agents live under other names, or on another tmux server (rule 1)
        at 2m
            elsewhere nobody
            | deacon         start  no session (rule 4)
            | alpha/witness  start  no session (rule 4)
        ",
    );
}
