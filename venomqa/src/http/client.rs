use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::address::Address;
#[cfg(feature = "tower")]
use super::in_process::InProcess;
use super::live::Live;
use super::settings::Settings;
use super::{Cookies, Exchange, Request, Role};
use crate::Result;

/// The client with which actions and rules call the API under test.
///
/// Clones are cheap and share everything that happens: connections, cookies, and the record of what was sent. What is configured
/// (`timeout`, roles, default headers) belongs to the clone.
///
/// ```no_run
/// # use venomqa::{HttpClient, Result, json};
/// # async fn check() -> Result<()> {
/// let api = HttpClient::new("http://127.0.0.1:8080")?;
/// let created = api.post("/orders").json(&json!({ "amount": 100 })).send().await?;
/// assert_eq!(created.status(), 201);
/// let id = &created.json()?["id"];
/// let order = api.get(&format!("/orders/{id}")).send().await?;
/// # Ok(()) }
/// ```
///
/// # What it does not do
///
/// - It follows no redirects: a `Location` is data to be checked.
/// - It ignores `http_proxy` and its relatives.
/// - It talks to this machine only (`127.0.0.0/8`, `::1`, `localhost`, which is never looked up), unless
///   [`allow_remote`](HttpClient::allow_remote) is said.
/// - It sends nothing twice. A connection that the server has closed is replaced before a request is written to it; once a request
///   is on the wire, a lost connection is an error, because the server may have acted on it.
#[derive(Clone)]
pub struct HttpClient {
    pub(super) settings: Arc<Settings>,
    pub(super) live: Arc<Live>,
    pub(super) role: Option<Arc<str>>,
}

impl HttpClient {
    /// A client for the API at this URL, which may have a path under which all requests go (`http://127.0.0.1:8080/api/v1`).
    ///
    /// # Errors
    ///
    /// The URL is none, is not HTTP, or holds credentials. A URL of another machine is refused when the first request is
    /// sent, because [`allow_remote`](HttpClient::allow_remote) may follow.
    pub fn new(base_url: &str) -> Result<Self> {
        Ok(Self {
            settings: Arc::default(),
            live: Arc::new(Live::new(Address::parse(base_url)?)?),
            role: None,
        })
    }

    /// A client for an API in this process: an axum `Router`, or any other [`tower_service::Service`] for HTTP. No socket is opened.
    ///
    /// Everything else is as it is through a connection: the limits, cookies, roles and the record. A handler that panics leaves its
    /// request without an answer; one that blocks its thread blocks the test with it, and no limit ends that. The base URL is
    /// `http://localhost`.
    ///
    /// Requests come with the body `http_body_util::Full<Bytes>`. A service that insists on another takes it with `map_request` of the
    /// crate `tower`. What only a connection has is missing: the address of the client, and the headers `Connection`, `Date` and
    /// `Transfer-Encoding`.
    ///
    /// ```
    /// # use venomqa::{HttpClient, Result};
    /// use axum::{Router, routing::get};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let router: Router = Router::new().route("/health", get(async || "fine"));
    /// let api = HttpClient::in_process(router)?;
    /// assert_eq!(api.get("/health").send().await?.text(), "fine");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The system's TLS cannot be used, which requests to other servers may need.
    #[cfg(feature = "tower")]
    pub fn in_process<S, B>(service: S) -> Result<Self>
    where
        S: tower_service::Service<
                http::Request<http_body_util::Full<bytes::Bytes>>,
                Response = http::Response<B>,
            > + Clone
            + Send
            + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        S::Future: Send,
        B: http_body::Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Ok(Self {
            settings: Arc::default(),
            live: Arc::new(Live::around(InProcess::new(service))?),
            role: None,
        })
    }

    /// Names the API in reports, for worlds with several. The default is `api`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.settings_mut().name = name.into();
        self
    }

    /// How long an answer may take, from the connection to the end of the body. The default is 10 seconds.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.settings_mut().timeout = limit;
        self
    }

    /// How large a response body may be, in bytes. The default is 10 MB.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings_mut().body_limit = bytes;
        self
    }

    /// Sends this header with every request, unless the role or the request has one of that name.
    ///
    /// `Connection: close` opens a connection for each request, for servers that drop kept connections without notice.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let settings = self.settings_mut();
        if let Err(why) = super::headers::put(&mut settings.headers, name, value) {
            settings.wrong.get_or_insert(why);
        }
        self
    }

    /// Sends `Authorization: Bearer …` with every request, unless the role or the request has credentials of its own.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with_header("Authorization", &format!("Bearer {token}"))
    }

    /// Declares a role: a user of the API with credentials and cookies of its own.
    ///
    /// ```no_run
    /// # use venomqa::{HttpClient, Result};
    /// # async fn check() -> Result<()> {
    /// let api = HttpClient::new("http://127.0.0.1:8080")?
    ///     .with_role("alice", |role| role.bearer("alices-token"))
    ///     .with_role("admin", |role| role.basic("root", "hunter2").header("X-Tenant", "1"));
    /// let forbidden = api.role("alice").delete("/users/1").send().await?;
    /// assert_eq!(forbidden.status(), 403);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_role(mut self, name: &str, declare: impl FnOnce(Role) -> Role) -> Self {
        let role = declare(Role::default());
        let settings = self.settings_mut();
        if let Some(why) = &role.wrong {
            settings
                .wrong
                .get_or_insert(format!("role `{name}`: {why}"));
        }
        settings.roles.insert(name.into(), role);
        self
    }

    /// The client of a declared role. A role that was not declared is the error of the first request sent with it.
    #[must_use]
    pub fn role(&self, name: &str) -> Self {
        Self {
            role: Some(name.into()),
            ..self.clone()
        }
    }

    /// The names of the declared roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.settings.roles.keys().map(|name| &**name)
    }

    /// Keeps a field out of reports, wherever it occurs: header, query, JSON or form. Upper case, `-` and `_` do not matter.
    ///
    /// Hidden in any case: `Authorization`, cookies, and names that contain `password`, `secret`, `token`, `api_key` and the like.
    #[must_use]
    pub fn redact(mut self, field: &str) -> Self {
        self.settings_mut().redaction.hide(field);
        self
    }

    /// Allows requests to other machines.
    #[must_use]
    pub fn allow_remote(mut self) -> Self {
        self.settings_mut().allow_remote = true;
        self
    }

    /// A `GET` request.
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    /// A `POST` request.
    pub fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }

    /// A `PUT` request.
    pub fn put(&self, path: &str) -> Request {
        self.request("PUT", path)
    }

    /// A `PATCH` request.
    pub fn patch(&self, path: &str) -> Request {
        self.request("PATCH", path)
    }

    /// A `DELETE` request.
    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    /// A `HEAD` request.
    pub fn head(&self, path: &str) -> Request {
        self.request("HEAD", path)
    }

    /// A request with any method, for a path below the base URL.
    ///
    /// A whole URL is taken too. It must be of the same server, unless [`allow_remote`](HttpClient::allow_remote) was said; then it
    /// goes without this API's default headers, credentials and cookies.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.clone(), method, path)
    }

    /// The name of the API.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The base URL, without a slash at its end.
    pub fn base_url(&self) -> String {
        self.live.address().as_str().to_owned()
    }

    /// The cookies of all roles, as they are now.
    pub fn cookies(&self) -> Cookies {
        self.live.cookies().clone()
    }

    /// Puts the cookies of all roles back to what they were.
    pub fn set_cookies(&self, cookies: Cookies) {
        *self.live.cookies() = cookies;
    }

    /// How many requests were sent so far by this client and its clones, answered or not.
    pub fn requests_sent(&self) -> u64 {
        self.live.requests_sent()
    }

    /// What was sent and answered since the last call, by this client and its clones. At most the last 1000 are kept, and
    /// 64 MB of bodies.
    pub fn take_exchanges(&self) -> Vec<Exchange> {
        self.live.take_exchanges()
    }

    /// The last failure to get an answer (transport, timeout, body too large) since [`take_exchanges`](HttpClient::take_exchanges).
    ///
    /// A rule that turns such a failure into an error of its own was still not evaluated.
    pub fn last_failure(&self) -> Option<String> {
        self.live.last_failure()
    }

    /// Closes the kept connections, so that the next request opens a new one. Called when a server is restarted.
    pub fn forget_connections(&self) {
        self.live.forget_connections();
    }

    /// Makes this client and all its clones talk to another port.
    pub(crate) fn move_to(&self, port: u16) {
        self.live.move_to(port);
    }

    /// Says at once what would otherwise be the error of the first request.
    ///
    /// # Errors
    ///
    /// [`Error::Request`](crate::Error::Request): the configuration is wrong, the role is unknown, or the host is not allowed.
    pub fn check(&self) -> Result<()> {
        self.get("").resolve().map(|_| ())
    }

    /// Whether a field of this name is kept out of reports.
    pub(crate) fn hides(&self, field: &str) -> bool {
        self.settings.redaction.hides(field)
    }

    /// The credentials that it was declared with.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = &str> {
        let roles = self.settings.roles.values().map(|role| &role.headers);
        let all = roles.chain([&self.settings.headers]);
        all.flat_map(|headers| self.settings.redaction.literals(headers))
    }

    fn settings_mut(&mut self) -> &mut Settings {
        Arc::make_mut(&mut self.settings)
    }
}

impl fmt::Debug for HttpClient {
    // Without headers and roles: they hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("name", &self.settings.name)
            .field("base_url", &self.base_url())
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
