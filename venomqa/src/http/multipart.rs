use bytes::Bytes;

use super::redact::{REDACTED, as_text};

/// Fields and files to be sent as `multipart/form-data`.
///
/// ```no_run
/// # use venomqa::{HttpClient, Multipart, Result};
/// # async fn check(api: &HttpClient) -> Result<()> {
/// let parts = Multipart::new()
///     .text("title", "Invoice")
///     .file("document", "invoice.pdf", "application/pdf", &b"%PDF-1.7"[..]);
/// api.post("/documents").multipart(parts).send().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Multipart {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    head: String,
    content: Bytes,
}

impl Multipart {
    /// No parts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    #[must_use]
    pub fn text(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parts.push(Part {
            head: format!(
                "Content-Disposition: form-data; name=\"{}\"\r\n",
                quoted(name)
            ),
            content: value.into().into(),
        });
        self
    }

    /// Adds a file with its name, its content type and its contents.
    #[must_use]
    pub fn file(
        mut self,
        name: &str,
        file_name: &str,
        content_type: &str,
        contents: impl Into<Bytes>,
    ) -> Self {
        self.parts.push(Part {
            head: format!(
                "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n",
                quoted(name),
                quoted(file_name),
                content_type.replace(['\r', '\n'], " "),
            ),
            content: contents.into(),
        });
        self
    }

    /// The content type with the boundary, and the body.
    pub(super) fn encode(&self) -> (String, Bytes) {
        // Not random, so that the same parts are the same request in every run.
        let boundary = (0_u32..)
            .map(|n| format!("venomqa-part-{n}"))
            .find(|boundary| {
                self.parts
                    .iter()
                    .all(|part| !contains(&part.content, boundary))
            })
            .expect("a body is finite");
        let mut body = Vec::new();
        for part in &self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n{}\r\n", part.head).as_bytes());
            body.extend_from_slice(&part.content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (
            format!("multipart/form-data; boundary={boundary}"),
            body.into(),
        )
    }
}

/// The boundary that a content type tells, if it is multipart.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let parameters = content_type.strip_prefix("multipart/")?;
    let (_, boundary) = parameters.split_once("boundary=")?;
    Some(boundary.split(';').next()?.trim().trim_matches('"'))
}

/// A multipart body as text: files that are no text are told by their size, and fields that `hides` names are hidden.
pub(super) fn shown(body: &[u8], boundary: &str, hides: impl Fn(&str) -> bool) -> String {
    let delimiter = format!("--{boundary}");
    let mut shown = String::new();
    for part in split(body, delimiter.as_bytes()) {
        let Some(end_of_head) = find(part, b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&part[..end_of_head]);
        let content = &part[end_of_head + 4..];
        let content = content.strip_suffix(b"\r\n").unwrap_or(content);
        let name = head
            .split("name=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let content = match as_text(content) {
            _ if name.is_some_and(&hides) => REDACTED.into(),
            Some(text) => text.to_owned(),
            None => format!("{} bytes of binary", content.len()),
        };
        shown.push_str(&format!("{delimiter}{head}\r\n\r\n{content}\r\n"));
    }
    shown + &delimiter + "--"
}

/// As browsers write names (<https://html.spec.whatwg.org/#multipart-form-data>).
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn contains(bytes: &[u8], text: &str) -> bool {
    find(bytes, text.as_bytes()).is_some()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn split<'a>(mut bytes: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while let Some(at) = find(bytes, delimiter) {
        pieces.push(&bytes[..at]);
        bytes = &bytes[at + delimiter.len()..];
    }
    pieces.push(bytes);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_occurs_in_no_part() {
        let parts = Multipart::new().text("a", "--venomqa-part-0\r\n--venomqa-part-1");
        assert_eq!(
            parts.encode().0,
            "multipart/form-data; boundary=venomqa-part-2"
        );
    }

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        let (_, body) = Multipart::new().text("a\"\r\nX: 1", "b").encode();
        assert!(contains(&body, "name=\"a%22%0D%0AX: 1\"\r\n\r\nb\r\n"));
    }

    #[test]
    fn it_is_shown_without_secrets_and_binary() {
        let (content_type, body) = Multipart::new()
            .text("title", "Invoice")
            .text("password", "hunter2")
            .file("f", "a.bin", "application/octet-stream", &[0_u8, 159][..])
            .encode();
        let boundary = boundary(&content_type).expect("a boundary");
        let shown = shown(&body, boundary, |name| name == "password");
        assert!(shown.contains("\r\n\r\nInvoice\r\n"), "{shown}");
        assert!(shown.contains("\r\n\r\n[redacted]\r\n"), "{shown}");
        assert!(shown.contains("\r\n\r\n2 bytes of binary\r\n"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
