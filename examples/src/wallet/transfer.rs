use mysql_async::Transaction;
use mysql_async::prelude::{FromRow, Queryable};
use serde::{Deserialize, Serialize};

use super::account::{Account, enter, locked, post};
use super::bugs::Bug;
use super::store::Wallet;
use crate::server::Refusal;

/// The body of `POST /transfers`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTransfer {
    from: i64,
    to: i64,
    pub(super) amount: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct Transfer {
    id: i64,
    from: i64,
    to: i64,
    amount: i64,
    reversed: bool,
}

impl FromRow for Transfer {
    fn from_row_opt(row: mysql_async::Row) -> Result<Self, mysql_async::FromRowError> {
        let (id, from, to, amount, reversed) = FromRow::from_row_opt(row)?;
        Ok(Self {
            id,
            from,
            to,
            amount,
            reversed,
        })
    }
}

impl Wallet {
    pub(super) async fn transfer(&self, new: NewTransfer) -> Result<Transfer, Refusal> {
        let NewTransfer { from, to, amount } = new;
        let mut tx = self.begin().await?;
        let (payer, payee) = both_locked(&mut tx, from, to).await?;
        payer.require("open")?;
        if !self.bugs.has(Bug::ClosedReceives) {
            payee.require("open")?;
        }
        payer.require_money(amount)?;
        tx.exec_drop(
            "INSERT INTO transfers (payer, payee, amount) VALUES (?, ?, ?)",
            (from, to, amount),
        )
        .await?;
        let id = tx.last_insert_id().unwrap_or_default().cast_signed();
        if self.bugs.has(Bug::SelfTransfer) {
            for (account, amount) in [(payer, -amount), (payee, amount)] {
                enter(&mut tx, account.id, amount, None).await?;
                let update = "UPDATE accounts SET balance = ? WHERE id = ?";
                tx.exec_drop(update, (account.balance + amount, account.id))
                    .await?;
            }
        } else {
            post(&mut tx, from, -amount, None).await?;
            post(&mut tx, to, amount, None).await?;
        }
        tx.commit().await?;
        Ok(Transfer {
            id,
            from,
            to,
            amount,
            reversed: false,
        })
    }

    pub(super) async fn reverse(&self, id: i64) -> Result<Transfer, Refusal> {
        let mut tx = self.begin().await?;
        let select =
            "SELECT id, payer, payee, amount, reversed FROM transfers WHERE id = ? FOR UPDATE";
        let transfer: Option<Transfer> = tx.exec_first(select, (id,)).await?;
        let mut transfer =
            transfer.ok_or_else(|| Refusal::NotFound(format!("there is no transfer {id}")))?;
        if transfer.reversed && !self.bugs.has(Bug::DoubleReversal) {
            let message = format!("transfer {id} was reversed before");
            return Err(Refusal::Conflict(message));
        }
        let Transfer {
            from, to, amount, ..
        } = transfer;
        let (payer, payee) = both_locked(&mut tx, from, to).await?;
        payer.require("open")?;
        payee.require("open")?;
        if !self.bugs.has(Bug::ReversalOverdraws) {
            payee.require_money(amount)?;
        }
        post(&mut tx, to, -amount, Some(id)).await?;
        post(&mut tx, from, amount, Some(id)).await?;
        tx.exec_drop("UPDATE transfers SET reversed = TRUE WHERE id = ?", (id,))
            .await?;
        tx.commit().await?;
        transfer.reversed = true;
        Ok(transfer)
    }
}

/// Both accounts, the one with the lower number locked first: two transfers that cross wait for each other in no other order.
async fn both_locked(
    tx: &mut Transaction<'_>,
    from: i64,
    to: i64,
) -> Result<(Account, Account), Refusal> {
    if from <= to {
        let payer = locked(tx, from).await?;
        Ok((payer, locked(tx, to).await?))
    } else {
        let payee = locked(tx, to).await?;
        Ok((locked(tx, from).await?, payee))
    }
}
