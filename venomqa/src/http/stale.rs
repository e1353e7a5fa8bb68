use std::time::Duration;

/// A pause after which a server may have closed a kept connection, or may have been restarted. Neither is done faster than this, and the
/// look takes some 30 µs.
pub(super) const WORTH_A_LOOK: Duration = Duration::from_millis(10);

/// Makes the runtime notice what has arrived on its sockets, so that a connection which the server has closed is known to be closed before
/// a request is written to it. After that nobody could tell whether the server has seen the request, and it could not be sent again.
///
/// The runtime learns of its sockets in the order in which something happened to them. So this makes something happen to one more, and
/// waits until it is told. Yielding would not do: on a runtime with threads, another thread is to look, at a time of its own.
#[cfg(unix)]
pub(super) async fn notice_closed_connections() {
    let Ok((here, there)) = std::os::unix::net::UnixStream::pair() else {
        return;
    };
    drop(there);
    if here.set_nonblocking(true).is_ok()
        && let Ok(here) = tokio::net::UnixStream::from_std(here)
    {
        let _ = here.readable().await;
    }
}

#[cfg(not(unix))]
pub(super) async fn notice_closed_connections() {
    tokio::task::yield_now().await;
}
