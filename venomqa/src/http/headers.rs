use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// Sets a header, replacing one of that name.
pub(super) fn put(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
        return Err(format!("{name:?} is no name of a header"));
    };
    // Without the value: it may be a secret.
    let Ok(value) = HeaderValue::from_str(value) else {
        return Err(format!(
            "the value of the header `{name}` holds a character that no header can hold"
        ));
    };
    headers.insert(name, value);
    Ok(())
}

pub(super) fn put_bearer(headers: &mut HeaderMap, token: &str) -> Result<(), String> {
    put(headers, AUTHORIZATION.as_str(), &format!("Bearer {token}"))
}

pub(super) fn put_basic(headers: &mut HeaderMap, user: &str, password: &str) -> Result<(), String> {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    put(headers, AUTHORIZATION.as_str(), &format!("Basic {encoded}"))
}

/// Lays one set of headers over another: all values of a name are replaced.
pub(super) fn lay_over(below: &mut HeaderMap, above: &HeaderMap) {
    for name in above.keys() {
        below.remove(name);
        for value in above.get_all(name) {
            below.append(name, value.clone());
        }
    }
}
