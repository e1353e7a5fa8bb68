//! The bugs that can be switched on, and their names.

use std::fmt;
use std::str::FromStr;

/// A mistake that the server makes when told to. The module's table says how each one shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// A refunded order can be refunded again.
    DoubleRefund,
    /// A cancelled order, whose money went back, can be refunded.
    RefundAfterCancel,
    /// A refunded order can be cancelled, which gives the money back again.
    CancelAfterRefund,
    /// A cancelled order, whose money went back, can be shipped.
    ShipUnpaid,
    /// A retry with a known idempotency key is charged again.
    Idempotency,
    /// Nobody checks whether a reference is taken.
    DuplicateCreate,
    /// A delete is answered but never committed.
    GhostAfterDelete,
    /// `GET /orders/{id}` does not ask whose order it is.
    ForeignOrderReadable,
    /// Cancelling leaves the stored balance as it was.
    StaleState,
    /// The list derives the status from the money and takes a cancelled order for a refunded one.
    ListDisagrees,
    /// The average is divided by the number of orders, also when there are none left.
    Crash,
}

impl Bug {
    /// All of them, in the order of the module's table.
    pub const ALL: [Self; 11] = [
        Self::DoubleRefund,
        Self::RefundAfterCancel,
        Self::CancelAfterRefund,
        Self::ShipUnpaid,
        Self::Idempotency,
        Self::DuplicateCreate,
        Self::GhostAfterDelete,
        Self::ForeignOrderReadable,
        Self::StaleState,
        Self::ListDisagrees,
        Self::Crash,
    ];

    /// The name by which `ORDERS_BUGS` knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DoubleRefund => "double_refund",
            Self::RefundAfterCancel => "refund_after_cancel",
            Self::CancelAfterRefund => "cancel_after_refund",
            Self::ShipUnpaid => "ship_unpaid",
            Self::Idempotency => "idempotency",
            Self::DuplicateCreate => "duplicate_create",
            Self::GhostAfterDelete => "ghost_after_delete",
            Self::ForeignOrderReadable => "foreign_order_readable",
            Self::StaleState => "stale_state",
            Self::ListDisagrees => "list_disagrees",
            Self::Crash => "crash",
        }
    }
}

/// The bugs that are switched on: none by default.
///
/// ```
/// use venomqa::demo::orders::{Bug, Bugs};
///
/// let bugs: Bugs = "double_refund,crash".parse()?;
/// assert!(bugs.has(Bug::Crash) && !bugs.has(Bug::Idempotency));
/// # Ok::<(), venomqa::demo::orders::UnknownBug>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bugs(u32);

impl Bugs {
    /// Whether this one is switched on.
    pub fn has(self, bug: Bug) -> bool {
        self.0 & (1 << bug as u32) != 0
    }

    /// The same bugs and this one.
    #[must_use]
    pub fn with(self, bug: Bug) -> Self {
        Self(self.0 | (1 << bug as u32))
    }
}

/// Names separated by commas; nothing and `none` switch nothing on.
impl FromStr for Bugs {
    type Err = UnknownBug;

    fn from_str(names: &str) -> Result<Self, UnknownBug> {
        names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty() && *name != "none")
            .try_fold(Self::default(), |bugs, name| {
                Bug::ALL
                    .into_iter()
                    .find(|bug| bug.name() == name)
                    .map(|bug| bugs.with(bug))
                    .ok_or_else(|| UnknownBug(name.to_owned()))
            })
    }
}

/// A name that is no bug's. Its message lists those that are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownBug(pub String);

impl fmt::Display for UnknownBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown bug `{}`; there are: none", self.0)?;
        Bug::ALL
            .iter()
            .try_for_each(|bug| write!(f, ", {}", bug.name()))
    }
}

impl std::error::Error for UnknownBug {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &str, expected: &[Bug]) {
        let bugs: Bugs = names.parse().unwrap();
        let on: Vec<Bug> = Bug::ALL.into_iter().filter(|bug| bugs.has(*bug)).collect();
        assert_eq!(on, expected, "{names:?}");
    }

    #[test]
    fn names_switch_on_their_bug_and_no_other() {
        check("", &[]);
        check("none", &[]);
        check(" crash , double_refund,", &[Bug::DoubleRefund, Bug::Crash]);
        for bug in Bug::ALL {
            check(bug.name(), &[bug]);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = "crash,tpyo".parse::<Bugs>().unwrap_err().to_string();
        assert!(message.starts_with("unknown bug `tpyo`"), "{message}");
        assert!(
            Bug::ALL.iter().all(|bug| message.contains(bug.name())),
            "{message}"
        );
    }
}
