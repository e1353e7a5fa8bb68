use std::error::Error;
use std::io::{self, Write};

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Anything that can go wrong behind a server.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What a handler answers: JSON, or why not.
pub(crate) type Answer<T> = Result<Json<T>, Refusal>;

/// A request that is not granted, with the message for the client.
#[derive(Debug)]
pub(crate) enum Refusal {
    NotFound(String),
    Conflict(String),
    Unprocessable(String),
    /// What axum says of a body or a path that it cannot read.
    Unreadable(StatusCode, String),
    /// Something behind the server failed.
    Internal(Failure),
}

#[derive(Serialize)]
struct Body {
    error: &'static str,
    message: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, message) = match self {
            Self::NotFound(message) => (StatusCode::NOT_FOUND, "not_found", message),
            Self::Conflict(message) => (StatusCode::CONFLICT, "conflict", message),
            Self::Unprocessable(message) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", message)
            }
            Self::Unreadable(status, message) => (status, "unreadable", message),
            Self::Internal(error) => {
                // The client learns nothing of the databases; with stderr gone there is nobody left to tell.
                let _ = writeln!(io::stderr(), "failed: {error}");
                let message = "something behind this server failed".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
            }
        };
        (status, Json(Body { error, message })).into_response()
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::Unreadable(rejection.status(), rejection.body_text())
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Internal(failure)
    }
}

/// Makes `?` turn the errors of what is behind a server into a 500.
macro_rules! internal {
    ($($error:ty),*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::Internal(error.into())
            }
        }
    )*};
}

internal!(
    mysql_async::Error,
    redis::RedisError,
    reqwest::Error,
    rusqlite::Error,
    serde_json::Error,
    sqlx::Error
);

/// The `{id}` of a path. Takes the place of `Path<i64>` so that a bad one is answered in JSON like everything else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id(pub(crate) i64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let id: Result<Path<i64>, PathRejection> = Path::from_request_parts(parts, state).await;
        match id {
            Ok(Path(id)) => Ok(Self(id)),
            Err(rejection) => Err(Refusal::Unreadable(
                rejection.status(),
                rejection.body_text(),
            )),
        }
    }
}
