use std::sync::{Arc, PoisonError, RwLock};

/// A function that is told whom a run waits for.
pub type WaitHook = Arc<dyn Fn(&str) + Send + Sync>;

static DEFAULT: RwLock<Option<WaitHook>> = RwLock::new(None);

/// Sets what is told, in this whole process, whom a run waits for while another one holds its database.
///
/// The message is one line and names the database and its holder
/// (`SQLite file orders.db: waiting for checkout-3f2a (process 4711)`). It comes once for each holder. Where a system's own
/// options have such a function, that one is told instead. A later call replaces the function of an earlier one; until the first call
/// nothing is told, and this library never prints.
///
/// ```
/// use std::io::Write;
///
/// venomqa_adapters::on_wait(|message| {
///     let _ = writeln!(std::io::stderr(), "{message}");
/// });
/// ```
pub fn on_wait(told: impl Fn(&str) + Send + Sync + 'static) {
    *DEFAULT.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(told));
}

/// Tells `own`, or else what [`on_wait`] was given.
#[cfg(any(
    feature = "sqlite",
    feature = "postgres",
    feature = "mysql",
    feature = "redis"
))]
pub(crate) fn tell_wait(own: Option<&WaitHook>, message: &str) {
    let default = || {
        let default = DEFAULT.read().unwrap_or_else(PoisonError::into_inner);
        default.clone()
    };
    // Called outside of the lock: it may call `on_wait` itself.
    if let Some(told) = own.cloned().or_else(default) {
        told(message);
    }
}
