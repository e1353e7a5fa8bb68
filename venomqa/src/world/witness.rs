use venomqa_adapters::RowChange;

use super::World;
use crate::Exchange;

/// Whether the systems see anything of what the API writes. If they look at another database than it writes to, nothing is rolled back,
/// and all states look the same.
#[derive(Debug, Default)]
pub(super) struct Witness {
    /// Whether any system ever told a change.
    changed: bool,
    /// The first request of an action that should have written something.
    write: Option<String>,
}

impl Witness {
    /// Takes in what was sent, and what the systems saw of it.
    pub(super) fn note(&mut self, changes: &[Vec<RowChange>], exchanges: &[Exchange]) {
        self.changed |= changes.iter().any(|changes| !changes.is_empty());
        if !self.changed && self.write.is_none() {
            let write = exchanges.iter().find(|exchange| writes(exchange));
            self.write = write.map(ToString::to_string);
        }
    }

    /// Why a run in this world proves nothing, if no system saw anything.
    pub(super) fn doubt(&self, world: &World) -> Option<String> {
        let write = self.write.as_ref().filter(|_| !self.changed)?;
        let watched: Vec<_> = world
            .systems
            .iter()
            .map(|(name, system)| (name, system.about()))
            .filter(|(_, about)| about.sees_foreign_commits)
            .map(|(name, about)| format!("`{name}`, {}", about.name))
            .collect();
        if watched.is_empty() {
            return None;
        }
        Some(format!(
            "nothing ever changed in {}, not even by `{write}`: does the server write to another database? A system that this API \
             does not change does not belong to the world",
            watched.join(", nor in ")
        ))
    }
}

fn writes(exchange: &Exchange) -> bool {
    let reads = matches!(exchange.method(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
    !reads && matches!(exchange.status(), Some(200..=299))
}
