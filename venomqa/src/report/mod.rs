//! What people read: text made of results, given to a writer.

mod failure;
mod github;
mod plain;

pub(crate) use failure::{Failure, ReplayCommand, ReplayedSteps};
pub(crate) use github::{Annotation, SummaryRow, write_annotations, write_summary};
pub(crate) use plain::{Plain, cut, excerpt, first_line, plural};
