use std::collections::BTreeMap;

/// How the shop misbehaves: words with or without values, `cache second_refund=abort`.
#[derive(Debug)]
pub(crate) struct Quirks(BTreeMap<String, String>);

impl Quirks {
    pub(crate) fn of_environment() -> Self {
        let text = std::env::var("QUIRKS").unwrap_or_default();
        let words = text
            .split_whitespace()
            .map(|word| match word.split_once('=') {
                Some((name, value)) => (name.into(), value.into()),
                None => (word.into(), String::new()),
            });
        Self(words.collect())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.value(name).map(|text| text.parse().expect("a number"))
    }
}
