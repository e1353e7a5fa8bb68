use std::io::Write;
use std::time::Duration;

use crate::wire;

/// A way in which an answer goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mishap {
    Abort,
    Exit,
    /// Answers first and dies then.
    LateExit,
    Hang,
    Html,
    Truncated,
    NotHttp,
    Enormous,
    Endless,
    LongLength,
    ShortLength,
    Escapes,
    Fail,
}

impl Mishap {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "abort" => Self::Abort,
            "exit" => Self::Exit,
            "late_exit" => Self::LateExit,
            "hang" => Self::Hang,
            "html" => Self::Html,
            "truncated" => Self::Truncated,
            "not_http" => Self::NotHttp,
            "enormous" => Self::Enormous,
            "endless" => Self::Endless,
            "long_length" => Self::LongLength,
            "short_length" => Self::ShortLength,
            "escapes" => Self::Escapes,
            "fail" => Self::Fail,
            other => panic!("no mishap {other}"),
        }
    }

    /// Lets it happen. Returns whether the connection can be used again.
    pub(crate) fn happen(self, out: &mut impl Write) -> bool {
        match self {
            Self::Abort => {
                eprintln!("thread 'main' panicked: attempt to subtract with overflow");
                std::process::abort();
            }
            Self::Exit => {
                eprintln!("fatal: ledger out of balance");
                std::process::exit(3);
            }
            Self::LateExit => {
                wire::write(out, 200, &[], b"{}");
                eprintln!("fatal: ledger out of balance");
                std::process::exit(3);
            }
            Self::Hang => loop {
                std::thread::sleep(Duration::from_secs(3600));
            },
            Self::Html => {
                let page = "<html><h1>Bad gateway</h1></html>";
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n",
                    page.len()
                );
                raw(out, (head + page).as_bytes(), true)
            }
            Self::Truncated => raw(
                out,
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{\"id\":",
                false,
            ),
            Self::NotHttp => raw(out, b"220 mail.example.com ESMTP\r\n", false),
            Self::Enormous => {
                let body = vec![b' '; 40_000_000];
                wire::write(out, 200, &[], &body);
                false
            }
            Self::Endless => {
                let begun = raw(
                    out,
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n",
                    true,
                );
                while begun && out.write_all(&[b'x'; 4096]).is_ok() {}
                false
            }
            Self::LongLength => raw(
                out,
                b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{}",
                false,
            ),
            Self::ShortLength => raw(
                out,
                b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{\"id\": 1}",
                true,
            ),
            Self::Escapes => wire::write(
                out,
                200,
                &[],
                "\u{1b}[2J\u{1b}[31mred\u{7}\u{8}\u{9b}0m \r\n::error::injected".as_bytes(),
            ),
            Self::Fail => wire::write(out, 500, &[], b"{\"error\": \"division by zero\"}"),
        }
    }
}

fn raw(out: &mut impl Write, bytes: &[u8], keep: bool) -> bool {
    out.write_all(bytes).is_ok() && keep
}
