//! Calls to the API under test, and the record of them.

mod address;
mod causes;
mod client;
mod cookies;
mod exchange;
mod flight;
mod headers;
#[cfg(feature = "tower")]
mod in_process;
mod json_fields;
mod live;
mod multipart;
mod redact;
mod request;
mod response;
mod role;
mod set_cookie;
mod settings;
mod shown;
mod stale;

pub use client::HttpClient;
pub use cookies::Cookies;
pub use exchange::{Exchange, SentRequest};
pub use multipart::Multipart;
pub(crate) use redact::{REDACTED, Redaction, SHORTEST_LITERAL};
pub use request::Request;
pub use response::Response;
pub use role::Role;
pub use shown::{ShownExchange, ShownRequest, ShownResponse};
