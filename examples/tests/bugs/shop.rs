use std::sync::LazyLock;

use venomqa_examples::server::Bug as _;
use venomqa_examples::shop::Bug;
use venomqa_tests::servers::{Postgres, Redis};

use crate::suite::{Expected, Suite};

static SERVERS: LazyLock<(Postgres, Redis)> = LazyLock::new(|| (Postgres::start(), Redis::start()));

const SEQUENCES: Suite = Suite {
    target: "sequences_shop",
    name: "shop",
    rules: &[
        "cancelled_ends",
        "charged_once",
        "count_is_consistent",
        "deleted_is_gone",
        "stock_is_not_negative",
    ],
    depth: 4,
    variable: "SHOP_BUGS",
    build: "--package venomqa-examples --features live",
    environment: |n, _| {
        let (postgres, redis) = &*SERVERS;
        vec![
            ("VENOMQA_TEST_POSTGRES_URL", postgres.url("")),
            ("VENOMQA_TEST_REDIS_URL", redis.server_url()),
            ("SHOP_RUN", (1 + n).to_string()),
        ]
    },
};

/// The table in `venomqa_examples::shop`, in the words of the suite.
fn expected(bug: Bug) -> Expected {
    match bug {
        Bug::StaleCache => ("deleted_is_gone", "read_product-delete_product"),
        Bug::IgnoredKey => ("charged_once", "place_order-pay_order-pay_order"),
        Bug::LateRenewal => (
            "cancelled_ends",
            "subscribe-cancel_subscription-run_billing",
        ),
        Bug::Oversold => (
            "stock_is_not_negative",
            "place_order-cancel_order-place_order-reorder",
        ),
        Bug::Miscounted => (
            "count_is_consistent",
            "place_order-cancel_order-cancel_order",
        ),
    }
}

#[test]
fn the_shop_is_fine_without_bugs_and_each_is_found_with_its_shortest_sequence() {
    SEQUENCES.holds(&[""], "64 states, 214 transitions, depth 4");
    let bugs: Vec<_> = Bug::ALL
        .iter()
        .map(|bug| (bug.name(), expected(*bug)))
        .collect();
    SEQUENCES.finds(&bugs);
}
