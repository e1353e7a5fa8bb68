//! Panics in the user's functions, caught and told as text instead of printed.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::pin::pin;
use std::sync::Once;
use std::task::Poll;

/// What a panic said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panicked {
    /// Its message.
    pub(crate) message: String,
    /// Where it happened (`src/orders.rs:10:5`), unless somebody replaced our panic hook.
    pub(crate) location: Option<String>,
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.location {
            Some(location) => write!(f, " (panicked at {location})"),
            None => f.write_str(" (panicked)"),
        }
    }
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panicked>> = const { RefCell::new(None) };
}

/// The output of the future, or the panic that it ended with, of which nothing is printed.
///
/// A function that panics before it returns its future is caught only inside the future given here:
/// `catch(async { function().await })`. Panics of threads and tasks that the future spawns are not caught.
pub(crate) async fn catch<F: Future>(future: F) -> Result<F::Output, Panicked> {
    install_hook();
    let mut future = pin!(future);
    poll_fn(|cx| match guarded(|| future.as_mut().poll(cx)) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    // A future may poll another caught future, so the flag is put back, not cleared.
    let outer = CATCHING.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    CATCHING.set(outer);
    result.map_err(|payload| {
        LAST.take().unwrap_or_else(|| Panicked {
            message: message_of(&*payload),
            location: None,
        })
    })
}

fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            if CATCHING.get() {
                LAST.set(Some(Panicked {
                    message: message_of(info.payload()),
                    location: info.location().map(ToString::to_string),
                }));
            } else {
                previous(info);
            }
        }));
    });
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(catch(future))
    }

    #[test]
    fn a_panic_is_told_with_its_place_also_after_an_await() {
        let panicked = caught(async {
            tokio::task::yield_now().await;
            assert_eq!(1 + 1, 3, "arithmetic");
        })
        .unwrap_err();
        assert!(panicked.message.contains("arithmetic"), "{panicked}");
        assert!(panicked.to_string().contains("panics.rs:"), "{panicked}");
    }

    #[test]
    fn an_inner_catch_does_not_end_the_outer_one() {
        let panicked = caught(async {
            let inner = catch(async { panic!("inner") }).await;
            assert_eq!(inner.unwrap_err().message, "inner");
            panic!("outer")
        });
        assert_eq!(panicked.unwrap_err().message, "outer");
    }

    #[test]
    fn what_does_not_panic_passes_through() {
        assert_eq!(caught(async { 7 }), Ok(7));
    }
}
