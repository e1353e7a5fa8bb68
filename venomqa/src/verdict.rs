use std::any::Any;
use std::error::Error as StdError;
use std::fmt::{self, Display};

use crate::Error;

/// What a rule returns when it says why it is broken: `Ok(())`, or [`ensure!`](crate::ensure)'s [`Broken`].
pub type Verdict = std::result::Result<(), Broken>;

/// Why a rule is broken, or could not be evaluated.
///
/// Made by [`ensure!`](crate::ensure), from a message, or by `?` from any error. An [`Error`] of VenomQA through `?`, such
/// as a request that got no answer, means "not checked": it says nothing about the rule. So does an error that has one for a
/// [`source`](std::error::Error::source).
#[derive(Debug)]
pub struct Broken(Finding);

#[derive(Debug)]
enum Finding {
    Broken(String),
    NotChecked(String),
}

impl Broken {
    /// A rule broken for this reason.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Finding::Broken(message.into()))
    }
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Finding::Broken(message) | Finding::NotChecked(message) => f.write_str(message),
        }
    }
}

// `Broken` is no `std::error::Error`, so that every error converts to it.
impl<E: StdError + Send + Sync + 'static> From<E> for Broken {
    fn from(error: E) -> Self {
        let message = error.to_string();
        Self(if is_ours(&error) {
            Finding::NotChecked(message)
        } else {
            Finding::Broken(message)
        })
    }
}

/// Whether the error, or what it says it came from, is one of VenomQA's.
fn is_ours(error: &(dyn StdError + 'static)) -> bool {
    let ours = error.is::<Error>() || error.is::<venomqa_adapters::Error>();
    ours || error.source().is_some_and(is_ours)
}

/// The error in a type that is only known to be displayable: one of ours, or a box of any.
fn as_error(any: &dyn Any) -> Option<&(dyn StdError + 'static)> {
    if let Some(error) = any.downcast_ref::<Error>() {
        return Some(error);
    }
    if let Some(error) = any.downcast_ref::<venomqa_adapters::Error>() {
        return Some(error);
    }
    if let Some(error) = any.downcast_ref::<Box<dyn StdError + Send + Sync>>() {
        return Some(&**error);
    }
    if let Some(error) = any.downcast_ref::<Box<dyn StdError + Send>>() {
        return Some(&**error);
    }
    any.downcast_ref::<Box<dyn StdError>>()
        .map(|error| &**error)
}

/// What came of checking a rule once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The rule holds.
    Held,
    /// The rule is broken, for this reason.
    Broken(String),
    /// The rule could not be evaluated, for this reason.
    NotChecked(String),
}

/// What a function may return to be an invariant.
#[diagnostic::on_unimplemented(
    message = "an invariant cannot return `{Self}`",
    label = "not a verdict",
    note = "an invariant returns `bool`, `Verdict`, `Result<(), E>` where `E` can be displayed, or `()` if it asserts"
)]
pub trait IntoChecked {
    /// The verdict.
    fn into_checked(self) -> Checked;
}

#[diagnostic::do_not_recommend]
impl IntoChecked for bool {
    fn into_checked(self) -> Checked {
        if self {
            Checked::Held
        } else {
            Checked::Broken("the rule returned false".into())
        }
    }
}

#[diagnostic::do_not_recommend]
impl IntoChecked for () {
    fn into_checked(self) -> Checked {
        Checked::Held
    }
}

#[diagnostic::do_not_recommend]
impl<E: Display + 'static> IntoChecked for std::result::Result<(), E> {
    fn into_checked(self) -> Checked {
        let Err(error) = self else {
            return Checked::Held;
        };
        let message = error.to_string();
        let any = &error as &dyn Any;
        let ours = as_error(any).is_some_and(is_ours)
            || matches!(any.downcast_ref(), Some(Broken(Finding::NotChecked(_))));
        if ours {
            Checked::NotChecked(message)
        } else {
            Checked::Broken(message)
        }
    }
}

/// Returns from an invariant with a [`Broken`] unless the condition holds.
///
/// ```
/// # use venomqa::{ensure, Verdict};
/// fn never_too_much(refunded: i64, paid: i64) -> Verdict {
///     ensure!(refunded <= paid, "refunded {refunded} of {paid}");
///     Ok(())
/// }
/// assert_eq!(never_too_much(200, 100).unwrap_err().to_string(), "refunded 200 of 100");
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr $(,)?) => {
        $crate::ensure!($condition, "{}", concat!("not true: ", stringify!($condition)))
    };
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return ::core::result::Result::Err($crate::Broken::new(::std::format!($($message)+)));
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verdict: impl IntoChecked, expected: Checked) {
        assert_eq!(verdict.into_checked(), expected);
    }

    #[test]
    fn an_error_of_ours_says_nothing_about_the_rule() {
        let missing = || Error::MissingKey { key: "id".into() };
        let not_checked = Checked::NotChecked("the context has no key `id`".into());
        check(Err::<(), _>(missing()), not_checked.clone());
        check((|| -> Verdict { Err(missing())? })(), not_checked);
    }

    #[test]
    fn an_error_of_ours_is_seen_in_a_box_and_behind_another() {
        #[derive(Debug, thiserror::Error)]
        #[error("no order")]
        struct NoOrder(#[source] Error);

        let missing = || Error::MissingKey { key: "id".into() };
        let not_checked = |message: &str| Checked::NotChecked(message.into());
        let told = "the context has no key `id`";
        check(
            (|| -> Result<(), Box<dyn StdError>> { Err(missing())? })(),
            not_checked(told),
        );
        check(
            (|| -> Result<(), Box<dyn StdError + Send + Sync>> { Err(missing())? })(),
            not_checked(told),
        );
        check(
            (|| -> Result<(), Box<dyn StdError>> { Err(NoOrder(missing()))? })(),
            not_checked("no order"),
        );
        check(
            (|| -> Verdict { Err(NoOrder(missing()))? })(),
            not_checked("no order"),
        );
        check(
            (|| -> Result<(), Box<dyn StdError>> { Err("odd")? })(),
            Checked::Broken("odd".into()),
        );
    }

    #[test]
    fn an_error_of_the_rule_breaks_it() {
        check(Err::<(), _>("odd"), Checked::Broken("odd".into()));
        let parse = || -> Verdict { "x".parse::<i64>().map(drop).map_err(Into::into) };
        check(
            parse(),
            Checked::Broken("invalid digit found in string".into()),
        );
        check(false, Checked::Broken("the rule returned false".into()));
        check(true, Checked::Held);
    }
}
