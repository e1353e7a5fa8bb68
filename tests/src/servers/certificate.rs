use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::process::Home;
use super::program::{find, succeed};

/// A certificate for this machine that nobody has signed, as servers make them for themselves, and its key.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) file: String,
    pub(super) key: String,
}

impl Certificate {
    /// Makes one in the folder of a server.
    ///
    /// # Panics
    ///
    /// OpenSSL is not installed.
    pub(super) fn make(home: &Home) -> Self {
        let folders = ["/usr/bin", "/opt/homebrew/bin", "/usr/local/bin"].map(PathBuf::from);
        let program = find("openssl", &folders, "openssl");
        let at = |name: &str| home.path().join(name).display().to_string();
        let (file, key) = (at("certificate.pem"), at("key.pem"));
        succeed(home.command(program).args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=127.0.0.1",
            "-keyout",
            &key,
            "-out",
            &file,
        ]));
        // Not every OpenSSL does so, and PostgreSQL refuses a key that others can read.
        let owners = Permissions::from_mode(0o600);
        std::fs::set_permissions(&key, owners).expect("the key is there");
        Self { file, key }
    }
}
