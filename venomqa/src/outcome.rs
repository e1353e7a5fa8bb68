use std::future::Future;

use crate::{Error, Response};

/// What an action returns when it ends with one response.
///
/// One that may find that it does not apply returns `Result<Option<Response>>`, with `Ok(None)` for that.
pub type ActionResult<E = Error> = std::result::Result<Response, E>;

/// What came of one call of an action's function.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The API answered; the response's status is the action's.
    Answered(Box<Response>),
    /// The action did its work and has no response to show.
    Done,
    /// The action does not apply in this state.
    NotApplicable,
    /// The action went wrong in a way that it did not handle.
    Failed(Error),
}

impl Outcome {
    /// The outcome of an error of any type: a [missing key](Error::MissingKey) means "does not apply", also as the cause of
    /// another error.
    pub fn of_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = error.into();
        let first: &(dyn std::error::Error + 'static) = &*error;
        let mut causes = std::iter::successors(Some(first), |error| error.source());
        if causes.any(|cause| matches!(cause.downcast_ref(), Some(Error::MissingKey { .. }))) {
            return Self::NotApplicable;
        }
        Self::Failed(match error.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(error) => Error::User(error),
        })
    }
}

/// What a function may return to be an action.
#[diagnostic::on_unimplemented(
    message = "an action cannot return `{Self}`",
    label = "not an outcome of an action",
    note = "an action returns `Response`, an unsent `Request`, `()`, or an `Option` or `Result` of these; \
            the error of a `Result` must convert to `Box<dyn Error + Send + Sync>`; what returns a future is an `async fn`"
)]
pub trait IntoOutcome {
    /// The outcome; an unsent request is sent here.
    fn into_outcome(self) -> impl Future<Output = Outcome> + Send;
}

#[diagnostic::do_not_recommend]
impl IntoOutcome for Response {
    async fn into_outcome(self) -> Outcome {
        Outcome::Answered(Box::new(self))
    }
}

#[diagnostic::do_not_recommend]
impl IntoOutcome for crate::Request {
    async fn into_outcome(self) -> Outcome {
        match self.send().await {
            Ok(response) => Outcome::Answered(Box::new(response)),
            Err(error) => Outcome::Failed(error),
        }
    }
}

#[diagnostic::do_not_recommend]
impl IntoOutcome for () {
    async fn into_outcome(self) -> Outcome {
        Outcome::Done
    }
}

#[diagnostic::do_not_recommend]
impl IntoOutcome for Outcome {
    async fn into_outcome(self) -> Outcome {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoOutcome + Send> IntoOutcome for Option<T> {
    async fn into_outcome(self) -> Outcome {
        match self {
            Some(value) => value.into_outcome().await,
            None => Outcome::NotApplicable,
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T, E> IntoOutcome for std::result::Result<T, E>
where
    T: IntoOutcome + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    async fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome().await,
            Err(error) => Outcome::of_error(error),
        }
    }
}
