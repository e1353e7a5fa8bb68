use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Ports given to servers of this process: between our look and the server's `bind` nobody else of us may get the same.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A loopback port on which nobody listens, and which no other server of this process was given.
pub(super) fn free() -> io::Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Held until the choice is made, so that the system does not offer the same again.
    let mut refused = Vec::new();
    loop {
        let listener = TcpListener::bind(at(0))?;
        let port = listener.local_addr()?.port();
        if given.insert(port) {
            return Ok(port);
        }
        refused.push(listener);
        if refused.len() > 100 {
            given.clear();
        }
    }
}

/// Whether somebody listens there. A look is not enough: on macOS one may bind beside a listener on all addresses.
pub(super) fn is_taken(port: u16) -> bool {
    TcpListener::bind(at(port)).is_err() || answers(at(port))
}

/// Whether somebody accepts connections there.
pub(super) fn answers(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok_and(|stream| {
        // A connection from a port to itself succeeds without anybody listening, if the system happens to choose that port for our end.
        matches!((stream.local_addr(), stream.peer_addr()), (Ok(ours), Ok(theirs)) if ours != theirs)
    })
}

pub(super) fn at(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
