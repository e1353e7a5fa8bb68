//! An order, and what may happen to it.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use super::bugs::{Bug, Bugs};
use super::refusal::Refusal;

/// The largest amount of one order.
const MAX_AMOUNT: i64 = 1_000_000;
/// The longest reference and idempotency key, in bytes.
pub(super) const MAX_NAME: usize = 64;

/// A row of `orders` as its owner sees it. Money is in cents.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Order {
    pub(super) id: i64,
    pub(super) reference: Option<String>,
    pub(super) amount: i64,
    pub(super) status: Status,
    pub(super) paid: i64,
    pub(super) refunded: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    New,
    Paid,
    Shipped,
    Refunded,
    Cancelled,
}

impl Order {
    pub(super) fn pay(&mut self) -> Result<(), Refusal> {
        self.require(self.status == Status::New, "paid")?;
        self.status = Status::Paid;
        self.paid = self.amount;
        Ok(())
    }

    pub(super) fn ship(&mut self, bugs: Bugs) -> Result<(), Refusal> {
        let allowed = match self.status {
            Status::Paid => true,
            Status::Cancelled => bugs.has(Bug::ShipUnpaid),
            Status::New | Status::Shipped | Status::Refunded => false,
        };
        self.require(allowed, "shipped")?;
        self.status = Status::Shipped;
        Ok(())
    }

    pub(super) fn refund(&mut self, bugs: Bugs) -> Result<(), Refusal> {
        let allowed = match self.status {
            Status::Paid | Status::Shipped => true,
            Status::Refunded => bugs.has(Bug::DoubleRefund),
            Status::Cancelled => bugs.has(Bug::RefundAfterCancel),
            Status::New => false,
        };
        self.require(allowed, "refunded")?;
        self.status = Status::Refunded;
        self.refunded += self.paid;
        Ok(())
    }

    pub(super) fn cancel(&mut self, bugs: Bugs) -> Result<(), Refusal> {
        let allowed = match self.status {
            Status::New | Status::Paid => true,
            Status::Refunded => bugs.has(Bug::CancelAfterRefund),
            Status::Shipped | Status::Cancelled => false,
        };
        self.require(allowed, "cancelled")?;
        self.status = Status::Cancelled;
        self.refunded += self.paid;
        Ok(())
    }

    /// Goods that left the house stay on record until their money went back.
    pub(super) fn check_deletable(&self) -> Result<(), Refusal> {
        self.require(self.status != Status::Shipped, "deleted")
    }

    fn require(&self, allowed: bool, change: &str) -> Result<(), Refusal> {
        if allowed {
            return Ok(());
        }
        let Self { id, status, .. } = self;
        Err(Refusal::Conflict(format!(
            "order {id} is {}: it cannot be {change}",
            status.name()
        )))
    }

    /// Reads the columns `id, reference, amount, status, paid, refunded`.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            reference: row.get(1)?,
            amount: row.get(2)?,
            status: row.get(3)?,
            paid: row.get(4)?,
            refunded: row.get(5)?,
        })
    }
}

/// The body of `POST /orders`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrder {
    pub(super) amount: i64,
    pub(super) reference: Option<String>,
    #[serde(default)]
    pub(super) payment: Payment,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Payment {
    #[default]
    Now,
    Later,
}

impl NewOrder {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !(1..=MAX_AMOUNT).contains(&self.amount) {
            let message = format!(
                "amount must be from 1 to {MAX_AMOUNT}, and is {}",
                self.amount
            );
            return Err(Refusal::Unprocessable(message));
        }
        match &self.reference {
            Some(name) if name.is_empty() || name.len() > MAX_NAME => {
                Err(Refusal::Unprocessable(format!(
                    "reference must have 1 to {MAX_NAME} bytes, and has {}",
                    name.len()
                )))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn status(&self) -> Status {
        match self.payment {
            Payment::Now => Status::Paid,
            Payment::Later => Status::New,
        }
    }

    /// What the customer pays with the order.
    pub(super) fn charge(&self) -> i64 {
        match self.payment {
            Payment::Now => self.amount,
            Payment::Later => 0,
        }
    }
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Refunded => "refunded",
            Self::Cancelled => "cancelled",
        }
    }
}

impl ToSql for Status {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for Status {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "new" => Ok(Self::New),
            "paid" => Ok(Self::Paid),
            "shipped" => Ok(Self::Shipped),
            "refunded" => Ok(Self::Refunded),
            "cancelled" => Ok(Self::Cancelled),
            other => Err(FromSqlError::Other(
                format!("`{other}` is no status").into(),
            )),
        }
    }
}
