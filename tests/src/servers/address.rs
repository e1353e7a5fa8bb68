/// The address of a server: a URL without a database.
#[derive(Debug)]
pub(super) struct Address {
    /// Up to the slash before a database.
    base: String,
    /// What follows a database, with its question mark.
    query: String,
}

impl Address {
    pub(super) fn of(base: String) -> Self {
        Self {
            base,
            query: String::new(),
        }
    }

    /// The server that a variable names, if it is set.
    ///
    /// # Panics
    ///
    /// It names one of the server's databases: the tests take more than that.
    pub(super) fn named_by(variable: &str) -> Option<Self> {
        let url = std::env::var(variable).ok()?;
        Some(Self::parse(variable, &url))
    }

    fn parse(variable: &str, url: &str) -> Self {
        let (url, query) = url.split_at(url.find('?').unwrap_or(url.len()));
        let from = url.find("://").map_or(0, |scheme| scheme + 3);
        let (base, database) = match url[from..].find('/') {
            None => (url, ""),
            Some(slash) => (&url[..from + slash], &url[from + slash + 1..]),
        };
        assert!(
            database.is_empty(),
            "{variable} names the database `{database}`, and the tests make, empty and remove several: name a server that is for nothing \
             else, without a database"
        );
        Self {
            base: base.to_owned(),
            query: query.to_owned(),
        }
    }

    /// The URL of a database, or of the server for none.
    pub(super) fn url(&self, database: &str) -> String {
        format!("{}/{database}{}", self.base, self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_database_goes_between_a_server_and_its_settings() {
        let check = |url: &str, expected: &str| {
            assert_eq!(Address::parse("VARIABLE", url).url("shop"), expected);
        };
        check("redis://127.0.0.1:6379", "redis://127.0.0.1:6379/shop");
        check(
            "mysql://root:pw@localhost/",
            "mysql://root:pw@localhost/shop",
        );
        check(
            "postgres://me@localhost?sslmode=require",
            "postgres://me@localhost/shop?sslmode=require",
        );
    }

    #[test]
    #[should_panic(expected = "names the database `5`")]
    fn a_database_of_a_server_is_not_taken_for_the_whole_server() {
        Address::parse("VENOMQA_TEST_REDIS_URL", "redis://127.0.0.1:6379/5");
    }
}
