//! Rule 1: what keeps gtd from an agent, but for what people tell `gt`: see `gt_holds`.

use crate::language::case;

#[test]
fn an_estop_holds_everybody_and_gives_its_reason() {
    case(
        "
        town seed: alpha

        at 0s
            deacon alive 100
            | deacon         leave  alive
            | alpha/witness  start  no session (rule 4)
        at 1m heartbeat
            ESTOP costs too much
            deacon gone
            | ! Deacon is gone (PID 100): no session
            | deacon         hold  ESTOP: costs too much (rule 1)
            | alpha/witness  hold  ESTOP: costs too much (rule 1)
        # Lifted after an hour: whoever has been gone for so long need not settle.
        at 61m
            ESTOP lifted
            | deacon         restart  no session (rule 4)
            | alpha/witness  leave    alive
        at 62m
            ESTOP
            | deacon         hold  ESTOP (rule 1)
            | alpha/witness  hold  ESTOP (rule 1)
        ",
    );
}

#[test]
fn the_estop_of_a_rig_holds_that_rig_alone() {
    case(
        "
        town seed: alpha beta

        at 0s heartbeat
            ESTOP.alpha is there
            | deacon         start  no session (rule 4)
            | alpha/witness  hold   the rig has an ESTOP of its own: is there (rule 1)
            | beta/witness   start  no session (rule 4)
        at 1m
            ESTOP.alpha lifted
            | deacon         leave  in its grace period for 4m (rule 6)
            | alpha/witness  start  no session (rule 4)
            | beta/witness   leave  in its grace period for 4m (rule 6)
        ",
    );
}

#[test]
fn a_town_that_is_being_shut_down_is_left_alone() {
    case(
        "
        town seed: alpha

        at 0s
            deacon alive 100
            alpha/witness alive 200
            | deacon         leave  alive
            | alpha/witness  leave  alive
        at 1m
            shutdown.lock held
            deacon gone
            alpha/witness gone
            | ! Deacon is gone (PID 100): no session
            | ! witness for alpha is gone (PID 200): no session
            | deacon         hold  the town is being shut down (daemon/shutdown.lock is held) (rule 1)
            | alpha/witness  hold  the town is being shut down (daemon/shutdown.lock is held) (rule 1)
        at 2m
            shutdown.lock free
            | deacon         restart  no session (rule 4)
            | alpha/witness  restart  no session (rule 4)
        ",
    );
}

#[test]
fn a_patrol_that_is_switched_off_is_not_supervised() {
    case(
        r#"
        town seed: alpha beta
        config {"patrols":{"deacon":{"enabled":false},"witness":{"enabled":true,"rigs":["beta"]}}}

        at 0s heartbeat
            deacon alive 100
            | deacon         hold   its patrol is switched off in mayor/daemon.json (rule 1)
            | alpha/witness  hold   not in patrols.witness.rigs of mayor/daemon.json (rule 1)
            | beta/witness   start  no session (rule 4)
        "#,
    );
}

#[test]
fn refineries_are_supervised_where_their_patrol_is_switched_on() {
    case(
        r#"
        town seed: alpha beta
        config {"patrols":{"refinery":{"enabled":true,"rigs":["alpha"]}}}

        at 0s heartbeat
            deacon alive 100
            alpha/witness alive 200
            beta/witness alive 300
            alpha/refinery alive 400
            | deacon          poke  HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness   poke  HEARTBEAT: Time to patrol! Check your polecats. (rule 10)
            | beta/witness    poke  HEARTBEAT: Tip: Look at a polecat's git state before you end it. (rule 10)
            | alpha/refinery  poke  HEARTBEAT: Check what waits to be merged. (rule 10)
            | beta/refinery   hold  not in patrols.refinery.rigs of mayor/daemon.json (rule 1)
        "#,
    );
}

#[test]
fn an_agent_without_its_directory_is_held_until_it_is_there() {
    case(
        "
        town seed: alpha

        at 0s
            deacon alive 100
            alpha/witness directory gone
            | deacon         leave  alive
            | alpha/witness  hold   its directory /home/owner/gt/alpha/witness is not there (rule 1)
        at 1m
            alpha/witness directory back
            | deacon         leave  alive
            | alpha/witness  start  no session (rule 4)
        ",
    );
}

#[test]
fn two_agents_with_one_session_name_are_both_held() {
    case(
        "
        town v1.0: alpha(gt) beta(gt) gamma(ga)

        at 0s heartbeat
            deacon alive 100
            | deacon         poke   HEARTBEAT: Thanks for keeping the town running! (rule 10)
            | alpha/witness  hold   beta/witness has the same session name (rule 1)
            | beta/witness   hold   alpha/witness has the same session name (rule 1)
            | gamma/witness  start  no session (rule 4)
        ",
    );
}

#[test]
fn one_prefix_for_two_rigs_does_no_harm_where_sessions_bear_the_rigs_names() {
    case(
        "
        town v0.2: alpha(gt) beta(gt)

        at 0s
            | deacon         start  no session (rule 4)
            | alpha/witness  start  no session (rule 4)
            | beta/witness   start  no session (rule 4)
        ",
    );
}

#[test]
fn agents_are_held_while_nobody_knows_which_gas_town_this_is() {
    case(
        "
        town v0.2: alpha
        gt is unknown

        at 0s heartbeat
            deacon gone
            | deacon         hold  Gas Town's generation is not known: there is no gt to ask (rule 1)
            | alpha/witness  hold  Gas Town's generation is not known: there is no gt to ask (rule 1)
        at 1m
            gt v0.2
            | deacon         start  no session (rule 4)
            | alpha/witness  start  no session (rule 4)
        ",
    );
}

#[test]
fn a_held_agent_is_neither_marked_nor_poked() {
    case(
        "
        town seed
        show marks

        at 0s heartbeat
            ESTOP moving house
            deacon alive 100
            | deacon  hold  ESTOP: moving house (rule 1)
        at 1m
            ESTOP lifted
            | deacon  leave  alive
            | mark %3 for deacon
        at 2m
            | deacon  leave  alive
        ",
    );
}

#[test]
fn of_several_holds_one_is_named() {
    case(
        r#"
        town seed: alpha
        config {"patrols":{"witness":{"enabled":false}}}

        at 0s
            ESTOP costs
            ESTOP.alpha is there
            shutdown.lock held
            alpha/witness directory gone
            | deacon         hold  ESTOP: costs (rule 1)
            | alpha/witness  hold  ESTOP: costs (rule 1)
        at 1m
            ESTOP lifted
            | deacon         hold  the town is being shut down (daemon/shutdown.lock is held) (rule 1)
            | alpha/witness  hold  the rig has an ESTOP of its own: is there (rule 1)
        at 2m
            ESTOP.alpha lifted
            | deacon         hold  the town is being shut down (daemon/shutdown.lock is held) (rule 1)
            | alpha/witness  hold  the town is being shut down (daemon/shutdown.lock is held) (rule 1)
        at 3m
            shutdown.lock free
            | deacon         start  no session (rule 4)
            | alpha/witness  hold   its patrol is switched off in mayor/daemon.json (rule 1)
        "#,
    );
}
