use std::cmp::Reverse;

use venomqa_adapters::RowChange;

use super::stage::Stage;
use crate::Cookies;
use crate::http::{REDACTED, Redaction, SHORTEST_LITERAL};

/// What the stage tells, without the secrets that it knows: credentials of its clients, cookies, and what has the name of a secret in
/// the context or in a table.
impl Stage {
    /// A text that the API, a rule or a server made.
    pub(super) fn veiled(&self, mut text: String) -> String {
        for secret in self.secrets() {
            if text.contains(secret) {
                text = text.replace(secret, REDACTED);
            }
        }
        text
    }

    /// A change as reports show it.
    pub(super) fn shown(&self, change: &RowChange) -> String {
        self.veiled(change.shown(|column| self.hides(column)).to_string())
    }

    fn hides(&self, name: &str) -> bool {
        let apis = &self.world.apis;
        apis.iter().any(|(_, api)| api.hides(name)) || Redaction::default().hides(name)
    }

    /// The secrets known in the present state, long ones first: one may be a part of another.
    fn secrets(&self) -> Vec<&str> {
        let declared = self
            .world
            .apis
            .iter()
            .flat_map(|(_, api)| api.credentials());
        let cookies = self
            .cookies
            .iter()
            .flat_map(Cookies::iter)
            .map(|(_, _, value)| value);
        let named = self.context.entries().filter(|(key, _)| self.hides(key));
        let named = named.filter_map(|(_, value)| value.as_str());
        let all = declared.chain(cookies).chain(named);
        let mut all: Vec<_> = all
            .filter(|secret| secret.len() >= SHORTEST_LITERAL)
            .collect();
        all.sort_unstable_by_key(|secret| Reverse(secret.len()));
        all
    }
}
