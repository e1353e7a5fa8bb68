use std::sync::LazyLock;

use venomqa_examples::server::Bug as _;
use venomqa_examples::wallet::Bug;
use venomqa_tests::servers::MariaDb;

use crate::suite::{Expected, Suite};

static MARIADB: LazyLock<MariaDb> = LazyLock::new(MariaDb::start);

const SEQUENCES: Suite = Suite {
    target: "sequences_wallet",
    name: "wallet",
    rules: &[
        "balance_is_the_sum",
        "closed_is_empty",
        "frozen_pays_nothing",
        "no_overdraft",
        "reversed_once",
    ],
    depth: 4,
    variable: "WALLET_BUGS",
    build: "--package venomqa-examples --features live",
    environment: |n, _| {
        vec![
            ("VENOMQA_TEST_MYSQL_URL", MARIADB.url("")),
            ("WALLET_RUN", (1 + n).to_string()),
        ]
    },
};

/// The table in `venomqa_examples::wallet`, in the words of the suite.
fn expected(bug: Bug) -> Expected {
    match bug {
        Bug::SelfTransfer => ("balance_is_the_sum", "deposit-transfer"),
        Bug::DoubleReversal => ("reversed_once", "deposit-transfer-reverse-reverse"),
        Bug::ReversalOverdraws => ("no_overdraft", "deposit-transfer-withdraw-reverse"),
        Bug::FrozenPays => ("frozen_pays_nothing", "freeze-withdraw"),
        Bug::ClosedReceives => ("closed_is_empty", "deposit-close-transfer"),
    }
}

#[test]
fn the_wallet_is_fine_without_bugs_and_each_is_found_with_its_shortest_sequence() {
    SEQUENCES.holds(&[""], "211 states, 461 transitions, depth 4");
    let bugs: Vec<_> = Bug::ALL
        .iter()
        .map(|bug| (bug.name(), expected(*bug)))
        .collect();
    SEQUENCES.finds(&bugs);
}
