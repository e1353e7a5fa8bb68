use std::collections::BTreeMap;

use super::Dice;
use crate::{BoxFuture, Row};

/// All rows of a system by table, sorted; tables without rows may be left out.
pub type Contents = BTreeMap<String, Vec<Row>>;

/// The other side of a system under test: changes it as an API would, and looks at it without its help.
pub trait Workload: Send {
    /// Changes something, through a connection that the system does not know. Nothing may be on its way afterwards.
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()>;

    /// All rows that are part of a state, read by independent means.
    fn contents(&mut self) -> BoxFuture<'_, Contents>;

    /// Everything that must be put back, read by independent means: rows with what is hidden about them, sequences, the schema.
    ///
    /// What the system installs for the time of a run is left out, except after `close`, when nothing of it may be left.
    fn dump(&mut self) -> BoxFuture<'_, String>;
}
