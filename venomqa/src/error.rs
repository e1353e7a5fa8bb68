use std::time::Duration;

/// What can keep VenomQA from doing its work. A broken rule is no error: it is a [`Violation`](crate::Violation).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The context holds no such key. From an action this means: it does not apply in this state.
    #[error("the context has no key `{key}`")]
    MissingKey {
        /// The key asked for.
        key: String,
    },

    /// The context holds a value of another type.
    #[error("context key `{key}` holds {found}, which is not a `{wanted}`: {source}")]
    WrongType {
        /// The key asked for.
        key: String,
        /// The JSON that it holds.
        found: String,
        /// The Rust type asked for.
        wanted: &'static str,
        /// What did not fit.
        source: serde_json::Error,
    },

    /// The API gave no answer: connection refused, reset, or closed before the response was whole.
    #[error("{method} {url}: no answer from the API: {cause}")]
    Transport {
        /// The method of the request.
        method: String,
        /// The URL of the request.
        url: String,
        /// The chain of causes, joined.
        cause: String,
    },

    /// The API did not answer in time.
    #[error(
        "{method} {url}: no answer within {limit:?}; raise it with `HttpClient::timeout` if the API may take this long"
    )]
    Timeout {
        /// The method of the request.
        method: String,
        /// The URL of the request.
        url: String,
        /// The limit that was in force.
        limit: Duration,
    },

    /// The request could not be built; nothing was sent.
    #[error("{method} {url}: not sent: {why}")]
    Request {
        /// The method of the request.
        method: String,
        /// The URL of the request.
        url: String,
        /// What is wrong with it.
        why: String,
    },

    /// The API answered with something else than what was asked for.
    #[error("{method} {url} answered {status}: {why}")]
    Body {
        /// The method of the request.
        method: String,
        /// The URL of the request.
        url: String,
        /// The status of the response.
        status: u16,
        /// What is wrong with the body, with its beginning.
        why: String,
    },

    /// A server under test did not start, or could not be stopped.
    #[error("server `{program}`: {why}{}", logs_note(.logs))]
    Server {
        /// The program.
        program: String,
        /// What happened.
        why: String,
        /// The last lines that it printed.
        logs: String,
    },

    /// A system failed.
    #[error("system `{name}`: {source}")]
    System {
        /// Its name in the world.
        name: String,
        /// What it said.
        source: venomqa_adapters::Error,
    },

    /// A system's own query failed, in an action or a rule.
    #[error(transparent)]
    Query(#[from] venomqa_adapters::Error),

    /// The world, the suite or its configuration is not usable.
    #[error("{0}")]
    SetUp(String),

    /// A file of ours could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },

    /// An error of the user's own code, from a world function or a hook.
    #[error("{0}")]
    User(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A set-up error with this message, for worlds that cannot be built.
    pub fn set_up(message: impl Into<String>) -> Self {
        Self::SetUp(message.into())
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::User(Box::new(error))
    }
}

fn logs_note(logs: &str) -> String {
    if logs.is_empty() {
        String::new()
    } else {
        format!("\nits last output:\n{logs}")
    }
}

/// The result of everything that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
