use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue, USER_AGENT};

use super::Role;
use super::redact::Redaction;

/// What is configured of a client. Shared by its clones until one of them is configured further.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) name: Arc<str>,
    pub(super) headers: HeaderMap,
    pub(super) roles: BTreeMap<Arc<str>, Role>,
    pub(super) timeout: Duration,
    pub(super) body_limit: usize,
    pub(super) allow_remote: bool,
    pub(super) redaction: Redaction,
    /// The first mistake in the configuration. It fails every request, so that configuring needs no `?` per line.
    pub(super) wrong: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let agent = HeaderValue::from_static(concat!("venomqa/", env!("CARGO_PKG_VERSION")));
        Self {
            name: "api".into(),
            headers: HeaderMap::from_iter([(USER_AGENT, agent)]),
            roles: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            body_limit: 10_000_000,
            allow_remote: false,
            redaction: Redaction::default(),
            wrong: None,
        }
    }
}
