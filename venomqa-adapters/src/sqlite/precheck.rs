use std::path::Path;

use super::location::Location;
use crate::database::safety;
use crate::{Error, Result};

/// Refuses a database whose name says that people depend on it.
pub(super) fn refuse_production(system: &str, path: &Path) -> Result<()> {
    // The folder counts, because `/srv/live/orders.db` says it there.
    let names = path
        .file_name()
        .into_iter()
        .chain(path.parent().and_then(Path::file_name));
    let what = format!("its path {}", path.display());
    names
        .into_iter()
        .try_for_each(|name| safety::refuse_production(system, &what, &name.to_string_lossy()))
}

/// Refuses to begin where the API has not created its file.
pub(super) fn expect_file(location: &Location) -> Result<()> {
    if location.in_memory() || location.target.exists() {
        return Ok(());
    }
    Err(Error::Refused {
        system: location.name.clone(),
        why: "there is no such file yet".into(),
        remedy: "see that the server has started, writes to this path, and creates its database when it starts"
            .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_the_server_has_not_created_is_told() {
        let missing = std::env::temp_dir().join("venomqa-no-such-file.db");
        let told = expect_file(&Location::file(&missing).unwrap()).unwrap_err();
        assert!(
            told.to_string()
                .contains("see that the server has started, writes to this path"),
            "{told}"
        );
        expect_file(&Location::memory()).unwrap();
    }

    fn check(path: &str, refused: bool) {
        let answer = refuse_production("SQLite", Path::new(path));
        assert_eq!(answer.is_err(), refused, "{path}");
    }

    #[test]
    fn only_whole_words_look_like_production() {
        check("/srv/orders-prod.db", true);
        check("/srv/Production.sqlite", true);
        check("/srv/live/orders.db", true);
        check("/srv/products.db", false);
        check("/srv/delivery/olive.db", false);
        check("/production/app/target/orders.db", false);
    }
}
