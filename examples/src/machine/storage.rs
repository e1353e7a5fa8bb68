use serde::Serialize;

use crate::orders_machine::after;
use crate::server::Refusal;

#[derive(Debug, Clone, Serialize)]
pub(super) struct Order {
    pub(super) id: i64,
    pub(super) status: String,
    pub(super) paid: i64,
    pub(super) refunded: i64,
}

impl Order {
    /// The order after this was done to it; `None` if that is refused.
    pub(super) fn after(&self, verb: &str) -> Option<Self> {
        let (status, paid, refunded) = after(verb, &self.status, self.paid, self.refunded)?;
        Some(Self {
            id: self.id,
            status: status.to_owned(),
            paid,
            refunded,
        })
    }
}

/// Where the orders are. Each change is one committed transaction.
pub(super) trait Storage: Clone + Send + Sync + 'static {
    /// All orders, by id.
    fn orders(&self) -> impl Future<Output = Result<Vec<Order>, Refusal>> + Send;

    /// One order, if it exists.
    fn order(&self, id: i64) -> impl Future<Output = Result<Option<Order>, Refusal>> + Send;

    /// Adds the order with this id, unless it exists.
    fn add(&self, id: i64) -> impl Future<Output = Result<bool, Refusal>> + Send;

    /// Changes an order, unless it is not any more what it was.
    fn replace(
        &self,
        was: &Order,
        becomes: &Order,
    ) -> impl Future<Output = Result<bool, Refusal>> + Send;

    /// Removes an order, if it exists.
    fn remove(&self, id: i64) -> impl Future<Output = Result<bool, Refusal>> + Send;
}
