use venomqa::Ended;
use venomqa::prelude::*;

use crate::lab::{
    Lab, assert_clean, assert_tells, create_order, found, refund_order, shop, write_note,
};

#[tokio::test]
async fn an_api_that_lets_nobody_in_is_not_green() {
    let lab = Lab::new("all=401");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("write_note", write_note))
        .invariant(Invariant::new(
            "holds",
            async |_: &HttpClient, _: &Context| true,
        ));
    let exploration = agent.explore().await.unwrap();
    let shortcomings = exploration.shortcomings();
    assert_eq!(shortcomings.len(), 2, "{shortcomings:?}");
    for (told, action) in shortcomings.iter().zip(["create_order", "write_note"]) {
        assert_tells(
            told,
            &[action, "never got a status that it expects, only 401"],
        );
    }
    assert_eq!(found(&exploration), [""; 0]);
}

fn only(status: u16) -> StatusRange {
    StatusRange {
        first: status,
        last: status,
    }
}

#[tokio::test]
async fn what_may_fail_or_is_expected_is_green() {
    let lab = Lab::new("all=401");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order).may_fail())
        .action(Action::new("write_note", write_note).expect([only(401)]));
    let exploration = agent.explore().await.unwrap();
    assert_eq!(
        exploration.shortcomings(),
        [""; 0],
        "{}",
        exploration.summary()
    );
}

#[tokio::test]
async fn an_action_that_never_applies_is_not_green() {
    let lab = Lab::new("");
    let agent = Agent::new(lab.world().await)
        .action(Action::new("write_note", write_note))
        .action(Action::new("refund_order", refund_order));
    let exploration = agent.explore().await.unwrap();
    assert_tells(
        &exploration.shortcomings().join("\n"),
        &["action `refund_order` never applied in 2 states"],
    );
}

#[tokio::test]
async fn a_5xx_is_a_finding_of_its_shortest_sequence_and_exploring_goes_on() {
    let lab = Lab::new("second_refund=fail limit=2");
    let agent = shop(lab.world().await).action(Action::new("write_note", write_note));
    let exploration = agent.explore().await.unwrap();
    let told = exploration.summary();
    assert_eq!(
        found(&exploration),
        ["no_server_error: create_order -> refund_order -> refund_order"],
        "{told}"
    );
    let last = exploration.violations[0].sequence.last().unwrap();
    assert_eq!(last.status, Some(500));
    assert!(
        last.exchanges[0]
            .shown()
            .response
            .unwrap()
            .body
            .contains("division by zero")
    );
    assert_eq!(exploration.ended, Ended::Complete);
    assert_eq!(exploration.shortcomings(), [""; 0], "{told}");
}

#[tokio::test]
async fn a_5xx_that_is_expected_is_none() {
    let lab = Lab::new("second_refund=fail");
    let statuses = [only(200), only(404), only(500)];
    let agent = Agent::new(lab.world().await)
        .action(Action::new("create_order", create_order))
        .action(Action::new("refund_order", refund_order).expect(statuses));
    assert_clean(&agent.explore().await.unwrap());
}

async fn nobody_is_there(_: &HttpClient, _: &Context) -> bool {
    false
}

#[tokio::test]
async fn a_rule_that_is_broken_from_the_start_is_told_as_the_reason_why_nothing_was_tried() {
    let lab = Lab::new("");
    let rule = Invariant::new("nobody_is_there", nobody_is_there);
    let exploration = shop(lab.world().await).invariant(rule);
    let exploration = exploration.explore().await.unwrap();
    let told = exploration.shortcomings();
    assert_eq!(told.len(), 1, "{told:?}");
    let parts = [
        "never tried: `create_order`, `refund_order`, `delete_order`; ",
        "`nobody_is_there` is broken in the initial state",
        "`expand_violating`",
    ];
    assert_tells(&told[0], &parts);
}
