//! Why a request is refused, and what the client is told.

use std::io::{self, Write};

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A request that is not granted: one variant per status, with the message for the client.
#[derive(Debug)]
pub(super) enum Refusal {
    Unauthorized,
    NotFound(String),
    Conflict(String),
    BadRequest(String),
    Unprocessable(String),
    /// What axum says of a body or a path that it cannot read.
    Unreadable(StatusCode, String),
    MethodNotAllowed,
    Database(rusqlite::Error),
}

#[derive(Serialize)]
struct Body {
    error: &'static str,
    message: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, message) = match self {
            Self::Unauthorized => {
                let message = "send `Authorization: Bearer <token>` with a known token".to_owned();
                let body = answer(StatusCode::UNAUTHORIZED, "unauthorized", message);
                return ([(WWW_AUTHENTICATE, "Bearer")], body).into_response();
            }
            Self::NotFound(message) => (StatusCode::NOT_FOUND, "not_found", message),
            Self::Conflict(message) => (StatusCode::CONFLICT, "conflict", message),
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, "bad_request", message),
            Self::Unprocessable(message) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", message)
            }
            Self::Unreadable(status, message) => (status, "unreadable", message),
            Self::MethodNotAllowed => {
                let message = "this path does not take this method".to_owned();
                (
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    message,
                )
            }
            Self::Database(error) => {
                // The client learns nothing of the database; with stderr gone there is nobody left to tell.
                let _ = writeln!(io::stderr(), "orders: database: {error}");
                let message = "the database failed".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
            }
        };
        answer(status, error, message)
    }
}

fn answer(status: StatusCode, error: &'static str, message: String) -> Response {
    (status, Json(Body { error, message })).into_response()
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        Self::Unreadable(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        Self::Unreadable(rejection.status(), rejection.body_text())
    }
}
