use crate::{
    BoxFuture, Checked, Error, IntoChecked, IntoOutcome, IntoWorld, Outcome, Result, World,
};

// Generated code calls these with the return type that the user wrote, so that a type that is not allowed is one error,
// at that type.

/// What an action's function returned.
///
/// Boxed: to await a type that stands for `impl Future` of a wrong `T` would be a second error.
pub fn outcome<'a, T: IntoOutcome + 'a>(returned: T) -> BoxFuture<'a, Outcome> {
    Box::pin(returned.into_outcome())
}

/// What an invariant's function returned.
pub fn checked<T: IntoChecked>(returned: T) -> Checked {
    returned.into_checked()
}

/// What an exploration's function returned.
pub fn world<T: IntoWorld>(returned: T) -> Result<World> {
    returned.into_world()
}

/// A rule whose arguments cannot be taken says nothing.
pub fn not_checked(error: Error) -> Checked {
    Checked::NotChecked(error.to_string())
}
