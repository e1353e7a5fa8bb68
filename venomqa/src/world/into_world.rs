use std::any::Any;
use std::fmt::Display;

use crate::{Error, Result, World};

/// What an exploration's function may return.
#[diagnostic::on_unimplemented(
    message = "an exploration cannot return `{Self}`",
    label = "not a world",
    note = "an exploration returns `World` or `Result<World, E>`, where `E` is any error that can be displayed"
)]
pub trait IntoWorld {
    /// The world, or why there is none.
    ///
    /// # Errors
    ///
    /// The function's own error.
    fn into_world(self) -> Result<World>;
}

#[diagnostic::do_not_recommend]
impl IntoWorld for World {
    fn into_world(self) -> Result<World> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Display + 'static> IntoWorld for Result<World, E> {
    fn into_world(self) -> Result<World> {
        self.map_err(error_of)
    }
}

/// Any error, as one of ours. `Display` is all that `Box<dyn Error>`, `anyhow::Error` and `String` have in common.
fn error_of<E: Display + 'static>(error: E) -> Error {
    // The alternate form shows the causes too, where an error type has one.
    let message = format!("{error:#}");
    let error: Box<dyn Any> = Box::new(error);
    match error.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(_) => Error::User(message.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<E: Display + 'static>(error: E, expected: &str) -> Error {
        let error = Err::<World, E>(error).into_world().unwrap_err();
        assert_eq!(error.to_string(), expected);
        error
    }

    #[test]
    fn any_error_converts_and_ours_stays_what_it_is() {
        let boxed: Box<dyn std::error::Error> = "odd".into();
        check(boxed, "odd");
        check("odd".to_owned(), "odd");
        let ours = check(Error::set_up("no server"), "no server");
        assert!(matches!(ours, Error::SetUp(_)));
    }
}
