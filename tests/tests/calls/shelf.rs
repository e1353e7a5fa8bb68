use venomqa::{BoxFuture, System};
use venomqa_adapters::{About, Checkpoint, Result, Root, RowChange, RowVisitor, Sealed};

/// A system that is there to be taken as an argument; nothing is ever rolled back here.
#[derive(Debug)]
pub(crate) struct Shelf<const KIND: u8>(pub(crate) &'static str);

impl<const KIND: u8> System for Shelf<KIND> {
    fn about(&self) -> About {
        unreachable!()
    }
    fn begin<'a>(&'a self, _visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        unreachable!()
    }
    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        unreachable!()
    }
    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        unreachable!()
    }
    fn can_restore(&self, _to: Checkpoint) -> bool {
        unreachable!()
    }
    fn restore(&self, _to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        unreachable!()
    }
    fn release(&self, _checkpoint: Checkpoint) {
        unreachable!()
    }
    fn memory(&self) -> usize {
        unreachable!()
    }
    fn close(&self) -> BoxFuture<'_, Result<()>> {
        unreachable!()
    }
}
