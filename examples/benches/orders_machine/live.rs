use std::path::{Path, PathBuf};

use venomqa::prelude::*;
use venomqa_examples::orders_machine::live;

use crate::place::Place;

/// The `machine` server, with the database of this URL.
pub(crate) struct Database {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    /// For what an adapter keeps outside of the database.
    pub(crate) folder: PathBuf,
}

const MACHINE: &str = env!("CARGO_BIN_EXE_machine");

impl Place for Database {
    fn name(&self) -> &str {
        self.name
    }

    async fn world(&self, unrelated: u32) -> World {
        live::renew(&self.url, unrelated).await.unwrap();
        live::world(Path::new(MACHINE), &self.url, 3, &self.folder)
            .await
            .unwrap()
    }

    async fn server(&self) -> Server {
        live::renew(&self.url, 0).await.unwrap();
        live::server(Path::new(MACHINE), &self.url, 3)
            .await
            .unwrap()
    }
}
