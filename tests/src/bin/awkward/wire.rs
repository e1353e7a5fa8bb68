use std::io::{BufRead, Write};

use serde_json::Value;

use crate::mishap::Mishap;

/// What the shop looks at of a request.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) cookie: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

/// What it answers.
pub(crate) enum Reply {
    Json {
        status: u16,
        body: Value,
        headers: Vec<String>,
    },
    Mishap(Mishap),
}

impl Reply {
    pub(crate) fn of(status: u16, body: Value) -> Self {
        Self::Json {
            status,
            body,
            headers: Vec::new(),
        }
    }
}

/// The next request of a connection, or `None` at its end.
pub(crate) fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let (mut length, mut cookie, mut authorization) = (0, String::new(), String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "cookie" => cookie = value.into(),
            "authorization" => authorization = value.into(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        path,
        cookie,
        authorization,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

/// Writes a response. Returns whether the connection can be used again.
pub(crate) fn write(out: &mut impl Write, status: u16, headers: &[String], body: &[u8]) -> bool {
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n");
    for header in headers {
        head += &format!("{header}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    out.write_all(&[head.as_bytes(), body].concat()).is_ok()
}
