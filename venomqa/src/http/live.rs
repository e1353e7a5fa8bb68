use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use tokio::runtime;

use super::address::Address;
#[cfg(feature = "tower")]
use super::in_process::InProcess;
use super::{Cookies, Exchange};
use crate::{Error, Result};

/// What is kept for a client whose record nobody takes: exchanges, and bytes of their bodies.
const KEPT_EXCHANGES: usize = 1000;
const KEPT_BYTES: usize = 64_000_000;

/// A kept connection is used again for this long. Far below the idle limits of servers (gunicorn 2 s, Node and uvicorn 5 s), so that
/// a request rarely meets a connection that is being closed; a new one on loopback costs 0.1 ms.
const IDLE: Duration = Duration::from_millis(500);

/// What all clones of a client share: where the API is, and what has happened between it and us.
pub(super) struct Live {
    wire: RwLock<Wire>,
    /// The API, if it is in this process.
    #[cfg(feature = "tower")]
    service: Option<InProcess>,
    cookies: Mutex<Cookies>,
    log: Mutex<Log>,
    sent: AtomicU64,
    /// Microseconds from `born` to the end of the last exchange.
    last_used: AtomicU64,
    born: Instant,
}

struct Wire {
    address: Arc<Address>,
    connections: reqwest::Client,
    /// The runtime whose tasks serve the connections.
    runtime: Option<runtime::Id>,
}

#[derive(Default)]
struct Log {
    exchanges: VecDeque<Exchange>,
    bytes: usize,
    last_failure: Option<String>,
}

impl Live {
    pub(super) fn new(address: Address) -> Result<Self> {
        let connections = connections(&address)
            .map_err(|error| Error::set_up(format!("no HTTP client: {error}")))?;
        Ok(Self {
            wire: RwLock::new(Wire {
                address: Arc::new(address),
                connections,
                runtime: None,
            }),
            #[cfg(feature = "tower")]
            service: None,
            cookies: Mutex::default(),
            log: Mutex::default(),
            sent: AtomicU64::new(0),
            last_used: AtomicU64::new(0),
            born: Instant::now(),
        })
    }

    #[cfg(feature = "tower")]
    pub(super) fn around(service: InProcess) -> Result<Self> {
        Ok(Self {
            service: Some(service),
            ..Self::new(Address::parse("http://localhost")?)?
        })
    }

    /// The API in this process, if there is one and this is a URL of its own.
    #[cfg(feature = "tower")]
    pub(super) fn service_at(&self, url: &reqwest::Url) -> Option<&InProcess> {
        let service = self.service.as_ref()?;
        self.address().is_origin_of(url).then_some(service)
    }

    pub(super) fn address(&self) -> Arc<Address> {
        self.wire().address.clone()
    }

    /// The connections of this runtime. One kept from another runtime would make a request wait for tasks that nobody runs.
    pub(super) fn connections(&self) -> reqwest::Client {
        let wire = self.wire();
        if wire.runtime == current_runtime() {
            return wire.connections.clone();
        }
        drop(wire);
        self.forget_connections();
        self.wire().connections.clone()
    }

    pub(super) fn forget_connections(&self) {
        self.rewire(Address::clone);
    }

    pub(super) fn move_to(&self, port: u16) {
        self.rewire(|address| address.at_port(port));
    }

    pub(super) fn cookies(&self) -> MutexGuard<'_, Cookies> {
        lock(&self.cookies)
    }

    pub(super) fn count_request(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn requests_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn record(&self, exchange: Exchange) {
        self.last_used
            .store(self.born.elapsed().as_micros() as u64, Ordering::Relaxed);
        let mut log = lock(&self.log);
        if let Some(failure) = exchange.failure() {
            log.last_failure = Some(format!("{exchange}: {failure}"));
        }
        log.bytes += exchange.body_bytes();
        log.exchanges.push_back(exchange);
        while log.exchanges.len() > KEPT_EXCHANGES || log.bytes > KEPT_BYTES {
            let Some(oldest) = log.exchanges.pop_front() else {
                break;
            };
            log.bytes -= oldest.body_bytes();
        }
    }

    pub(super) fn take_exchanges(&self) -> Vec<Exchange> {
        let mut log = lock(&self.log);
        log.last_failure = None;
        log.bytes = 0;
        log.exchanges.drain(..).collect()
    }

    pub(super) fn last_failure(&self) -> Option<String> {
        lock(&self.log).last_failure.clone()
    }

    /// How long nothing was sent.
    pub(super) fn idle(&self) -> Duration {
        let last = Duration::from_micros(self.last_used.load(Ordering::Relaxed));
        self.born.elapsed().saturating_sub(last)
    }

    fn rewire(&self, change: impl FnOnce(&Address) -> Address) {
        let address = change(&self.address());
        let fresh = connections(&address).expect("the same was built when the client was made");
        *self.wire.write().unwrap_or_else(PoisonError::into_inner) = Wire {
            address: Arc::new(address),
            connections: fresh,
            runtime: current_runtime(),
        };
    }

    fn wire(&self) -> std::sync::RwLockReadGuard<'_, Wire> {
        self.wire.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn current_runtime() -> Option<runtime::Id> {
    runtime::Handle::try_current()
        .ok()
        .map(|handle| handle.id())
}

fn connections(address: &Address) -> reqwest::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .http1_only()
        .tcp_nodelay(true)
        .referer(false)
        .retry(reqwest::retry::never())
        .pool_idle_timeout(IDLE);
    for (host, addresses) in address.pinned() {
        builder = builder.resolve_to_addrs(&host, &addresses);
    }
    builder.build()
}

/// A panic elsewhere leaves these values whole: each is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
