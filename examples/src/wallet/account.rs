use mysql_async::Transaction;
use mysql_async::prelude::{FromRow, Queryable};
use serde::Serialize;

use super::bugs::Bug;
use super::store::Wallet;
use crate::server::Refusal;

#[derive(Debug, Serialize)]
pub(super) struct Account {
    pub(super) id: i64,
    owner: String,
    pub(super) balance: i64,
    status: String,
}

impl Account {
    pub(super) fn require(&self, status: &str) -> Result<(), Refusal> {
        if self.status == status {
            return Ok(());
        }
        let Self { id, status: is, .. } = self;
        Err(Refusal::Conflict(format!(
            "account {id} is {is}, not {status}"
        )))
    }

    pub(super) fn require_money(&self, amount: i64) -> Result<(), Refusal> {
        if self.balance >= amount {
            return Ok(());
        }
        let Self { id, balance, .. } = self;
        Err(Refusal::Conflict(format!(
            "account {id} holds {balance}, which is less than {amount}"
        )))
    }
}

impl FromRow for Account {
    fn from_row_opt(row: mysql_async::Row) -> Result<Self, mysql_async::FromRowError> {
        let (id, owner, balance, status) = FromRow::from_row_opt(row)?;
        Ok(Self {
            id,
            owner,
            balance,
            status,
        })
    }
}

impl Wallet {
    pub(super) async fn account(&self, id: i64) -> Result<Account, Refusal> {
        let mut db = self.db.get_conn().await?;
        let select = "SELECT id, owner, balance, status FROM accounts WHERE id = ?";
        let account = db.exec_first(select, (id,)).await?;
        account.ok_or_else(|| no_account(id))
    }

    pub(super) async fn deposit(&self, id: i64, amount: i64) -> Result<Account, Refusal> {
        let mut tx = self.begin().await?;
        let mut account = locked(&mut tx, id).await?;
        account.require("open")?;
        post(&mut tx, id, amount, None).await?;
        tx.commit().await?;
        account.balance += amount;
        Ok(account)
    }

    pub(super) async fn withdraw(&self, id: i64, amount: i64) -> Result<Account, Refusal> {
        let mut tx = self.begin().await?;
        let mut account = locked(&mut tx, id).await?;
        if account.status == "closed" || !self.bugs.has(Bug::FrozenPays) {
            account.require("open")?;
        }
        account.require_money(amount)?;
        post(&mut tx, id, -amount, None).await?;
        tx.commit().await?;
        account.balance -= amount;
        Ok(account)
    }

    pub(super) async fn freeze(&self, id: i64) -> Result<Account, Refusal> {
        self.change(id, "open", "frozen").await
    }

    pub(super) async fn unfreeze(&self, id: i64) -> Result<Account, Refusal> {
        self.change(id, "frozen", "open").await
    }

    pub(super) async fn close(&self, id: i64) -> Result<Account, Refusal> {
        self.change(id, "open", "closed").await
    }

    async fn change(&self, id: i64, from: &str, to: &str) -> Result<Account, Refusal> {
        let mut tx = self.begin().await?;
        let mut account = locked(&mut tx, id).await?;
        account.require(from)?;
        if to == "closed" && account.balance != 0 {
            let message = format!("account {id} still holds {}", account.balance);
            return Err(Refusal::Conflict(message));
        }
        tx.exec_drop("UPDATE accounts SET status = ? WHERE id = ?", (to, id))
            .await?;
        tx.commit().await?;
        account.status = to.to_owned();
        Ok(account)
    }
}

/// The account, which nobody else changes until the transaction ends.
pub(super) async fn locked(tx: &mut Transaction<'_>, id: i64) -> Result<Account, Refusal> {
    let select = "SELECT id, owner, balance, status FROM accounts WHERE id = ? FOR UPDATE";
    let account = tx.exec_first(select, (id,)).await?;
    account.ok_or_else(|| no_account(id))
}

/// Changes a balance, and writes the entry that says why.
pub(super) async fn post(
    tx: &mut Transaction<'_>,
    account: i64,
    amount: i64,
    reversal_of: Option<i64>,
) -> mysql_async::Result<()> {
    enter(tx, account, amount, reversal_of).await?;
    let update = "UPDATE accounts SET balance = balance + ? WHERE id = ?";
    tx.exec_drop(update, (amount, account)).await
}

pub(super) async fn enter(
    tx: &mut Transaction<'_>,
    account: i64,
    amount: i64,
    reversal_of: Option<i64>,
) -> mysql_async::Result<()> {
    let insert = "INSERT INTO entries (account_id, amount, reversal_of) VALUES (?, ?, ?)";
    tx.exec_drop(insert, (account, amount, reversal_of)).await
}

fn no_account(id: i64) -> Refusal {
    Refusal::NotFound(format!("there is no account {id}"))
}
