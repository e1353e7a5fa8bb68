//! What must hold whatever happens to the money.

use venomqa::prelude::*;

/// A balance is the sum of what was entered.
#[invariant(severity = critical)]
async fn balance_is_the_sum(db: &MySqlAdapter) -> Verdict {
    let differing = "SELECT owner, balance, entered FROM accounts JOIN
        (SELECT account_id, CAST(SUM(amount) AS SIGNED) AS entered FROM entries GROUP BY account_id) sums
        ON accounts.id = account_id WHERE balance <> entered ORDER BY owner";
    for account in db.query(differing, ()).await? {
        let (owner, balance, entered) =
            (&account["owner"], &account["balance"], &account["entered"]);
        ensure!(
            false,
            "{owner} holds {balance}, and the entries add up to {entered}"
        );
    }
    Ok(())
}

/// No more is reversed than was transferred.
#[invariant(severity = critical)]
async fn reversed_once(db: &MySqlAdapter) -> Verdict {
    let more =
        "SELECT transfers.id, transfers.amount, CAST(SUM(entries.amount) AS SIGNED) AS reversed
        FROM transfers JOIN entries ON reversal_of = transfers.id AND entries.amount > 0
        GROUP BY transfers.id, transfers.amount HAVING reversed > transfers.amount";
    for transfer in db.query(more, ()).await? {
        let (id, amount, reversed) = (&transfer["id"], &transfer["amount"], &transfer["reversed"]);
        ensure!(false, "transfer {id}: {reversed} of {amount} reversed");
    }
    Ok(())
}

/// Nobody owes the wallet anything.
#[invariant(severity = critical)]
async fn no_overdraft(api: &HttpClient) -> Verdict {
    for id in [1, 2, 3] {
        let account = read(api, id).await?;
        ensure!(
            account.balance >= 0,
            "account {id} holds {}",
            account.balance
        );
    }
    Ok(())
}

/// A frozen account pays nothing.
#[invariant(severity = high)]
async fn frozen_pays_nothing(api: &HttpClient, ctx: &Context) -> Verdict {
    if let Some(frozen_with) = ctx.get::<i64>("frozen_with")? {
        let now = read(api, 2).await?.balance;
        ensure!(
            now >= frozen_with,
            "account 2 was frozen with {frozen_with}, and holds {now}"
        );
    }
    Ok(())
}

/// A closed account is empty.
#[invariant(severity = high)]
async fn closed_is_empty(api: &HttpClient) -> Verdict {
    let account = read(api, 3).await?;
    ensure!(
        account.status != "closed" || account.balance == 0,
        "account 3 is closed, and holds {}",
        account.balance
    );
    Ok(())
}

#[derive(serde::Deserialize)]
struct Account {
    balance: i64,
    status: String,
}

async fn read(api: &HttpClient, id: i64) -> Result<Account> {
    api.get(&format!("/accounts/{id}")).send().await?.json_as()
}
