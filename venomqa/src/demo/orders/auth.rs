//! Who is asking: the bearer token of a user.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::api::Shop;
use super::refusal::Refusal;

/// The user whose token came with the request. A handler that takes one cannot be called without.
#[derive(Debug, Clone, Copy)]
pub(super) struct User {
    pub(super) id: i64,
}

impl FromRequestParts<Shop> for User {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shop: &Shop) -> Result<Self, Refusal> {
        let token = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|header| header.to_str().ok())
            .and_then(|header| header.strip_prefix("Bearer "))
            .ok_or(Refusal::Unauthorized)?;
        shop.store().user(token)?.ok_or(Refusal::Unauthorized)
    }
}
