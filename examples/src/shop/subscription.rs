use serde::Serialize;

use super::bugs::Bug;
use super::store::Shop;
use crate::server::Refusal;

/// What a period of a subscription costs.
const PRICE: i64 = 10;

/// A subscription in its current period, of which it is known, once it is cancelled, that it is the last one.
#[derive(Debug, Serialize, sqlx::FromRow)]
pub(super) struct Subscription {
    id: i64,
    period: i64,
    ends_after: Option<i64>,
}

impl Shop {
    pub(super) async fn subscriptions(&self) -> Result<Vec<Subscription>, Refusal> {
        let all = sqlx::query_as("SELECT id, period, ends_after FROM subscriptions ORDER BY id");
        Ok(all.fetch_all(&self.db).await?)
    }

    pub(super) async fn subscribe(&self) -> Result<Subscription, Refusal> {
        let mut tx = self.db.begin().await?;
        // Two customers at a time would both see that there is none.
        sqlx::query("LOCK TABLE subscriptions IN SHARE ROW EXCLUSIVE MODE")
            .execute(&mut *tx)
            .await?;
        let subscribed: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM subscriptions)")
            .fetch_one(&mut *tx)
            .await?;
        if subscribed {
            let message = "there is a subscription already".to_owned();
            return Err(Refusal::Conflict(message));
        }
        let new: Subscription = sqlx::query_as(
            "INSERT INTO subscriptions DEFAULT VALUES RETURNING id, period, ends_after",
        )
        .fetch_one(&mut *tx)
        .await?;
        self.charge_period(&new).await?;
        tx.commit().await?;
        Ok(new)
    }

    pub(super) async fn cancel_subscription(&self, id: i64) -> Result<Subscription, Refusal> {
        let cancelled = sqlx::query_as(
            "UPDATE subscriptions SET ends_after = period WHERE id = $1 AND ends_after IS NULL
             RETURNING id, period, ends_after",
        )
        .bind(id)
        .fetch_optional(&self.db)
        .await?;
        if let Some(cancelled) = cancelled {
            return Ok(cancelled);
        }
        let known: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM subscriptions WHERE id = $1)")
                .bind(id)
                .fetch_one(&self.db)
                .await?;
        Err(if known {
            Refusal::Conflict(format!("subscription {id} is cancelled already"))
        } else {
            Refusal::NotFound(format!("there is no subscription {id}"))
        })
    }

    /// Takes every subscription that goes on into its next period, and returns how many these are.
    pub(super) async fn renew(&self) -> Result<usize, Refusal> {
        let mut tx = self.db.begin().await?;
        let renew = if self.bugs.has(Bug::LateRenewal) {
            "UPDATE subscriptions SET period = period + 1 WHERE ends_after IS NULL OR period <= ends_after
             RETURNING id, period, ends_after"
        } else {
            "UPDATE subscriptions SET period = period + 1 WHERE ends_after IS NULL OR period < ends_after
             RETURNING id, period, ends_after"
        };
        let renewed: Vec<Subscription> = sqlx::query_as(renew).fetch_all(&mut *tx).await?;
        for subscription in &renewed {
            self.charge_period(subscription).await?;
        }
        tx.commit().await?;
        Ok(renewed.len())
    }

    async fn charge_period(&self, subscription: &Subscription) -> Result<(), Refusal> {
        let Subscription { id, period, .. } = subscription;
        let reference = format!("subscription {id}, period {period}");
        self.provider.charge(&reference, PRICE).await?;
        Ok(())
    }
}
