use super::entry::Place;
use super::follow::Follow;
use super::recover::file_failed;
use super::run::RootCopy;
use super::session::{STOP_WORKERS, Session, taken_at_once};
use super::tree::Tree;
use crate::{Error, Result, RowChange};

const DOING: &str = "return to the root";

/// How often all keys are compared with the root, if others write meanwhile.
const COMPARISONS: usize = 3;

/// The end of a run.
impl Session {
    /// Returns to the root and removes what led back to it. Tells the first key that changed and was not heard of, if there is one.
    pub(super) async fn retire(&mut self) -> Result<Option<RowChange>> {
        match self.return_to_root().await {
            Err(Error::Database { system, source, .. }) => Err(Error::NotRestored {
                system,
                why: source.to_string(),
                remedy: format!("once the server takes it, {}", self.try_again()),
            }),
            outcome => outcome,
        }
    }

    /// What to do later, once it can succeed.
    fn try_again(&self) -> String {
        format!(
            "connect again or call `RedisOptions::cleanup`: the keys from before the run are kept in {}",
            self.location.folder().display()
        )
    }

    async fn return_to_root(&mut self) -> Result<Option<RowChange>> {
        let mut missed = None;
        for _ in 0..COMPARISONS {
            self.look(DOING).await?;
            self.restarted = false;
            let announced = self.announced;
            self.put_back(Vec::new()).await?;
            self.compare().await?;
            // Otherwise somebody is writing just now, and it cannot be told what else changed.
            if self.announced == announced {
                missed = self.told(&self.changes).into_iter().next();
                break;
            }
        }
        // At last, because from then on time goes on.
        let volatile: Vec<_> = self.contents.volatile().cloned().collect();
        self.put_back(volatile).await?;
        for &database in &self.options.databases {
            let path = self.location.root_copy(database);
            RootCopy::remove(&path).map_err(|error| {
                let failed = file_failed(&self.options, "remove", &path, error);
                failed.into_error(&self.options.system(), DOING)
            })?;
        }
        Ok(missed)
    }

    /// Puts back the root as far as it is known to differ, and the time that these keys have left.
    async fn put_back(&mut self, volatile: Vec<Place>) -> Result<()> {
        let way = self.way(Tree::ROOT);
        self.write(&way, volatile, true, DOING).await?;
        self.changes.clear();
        self.untold.clear();
        self.tree.move_to(Tree::ROOT);
        match self.taken(&way).await? {
            None => Ok(()),
            // Another attempt would only feed it once more.
            Some(first) => Err(Error::NotRestored {
                system: self.options.system(),
                why: taken_at_once(&first),
                remedy: format!("{STOP_WORKERS}, then {}", self.try_again()),
            }),
        }
    }

    /// Reads all keys, for there may be writes that nobody told of.
    async fn compare(&mut self) -> Result<()> {
        match self.follow {
            Follow::Tracking(_) => {
                self.pending.everything = true;
                self.look(DOING).await
            }
            Follow::Dump => Ok(()),
        }
    }
}
