//! One kit of checks for every implementation of [`System`].
//!
//! It walks at random through a tree of checkpoints, while a [`Workload`] changes the system as an API would, and compares
//! what the system tells with what the workload sees by independent means.
//!
//! ```
//! use venomqa_adapters::conformance::{Conformance, Contents, Dice, Workload};
//! use venomqa_adapters::{BoxFuture, MockSystem};
//!
//! struct Api<'a>(&'a MockSystem);
//!
//! impl Workload for Api<'_> {
//!     fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
//!         let row = (dice.below(5) as i64, dice.below(3) as i64);
//!         Box::pin(async move { self.0.put("orders", row).unwrap() })
//!     }
//!     fn contents(&mut self) -> BoxFuture<'_, Contents> {
//!         let rows = self.0.rows("orders").unwrap();
//!         Box::pin(async { [("orders".into(), rows)].into() })
//!     }
//!     fn dump(&mut self) -> BoxFuture<'_, String> {
//!         Box::pin(async { format!("{:?}", self.0.rows("orders")) })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let system = MockSystem::new().with_table("orders", &["id", "paid"], &["id"]);
//! let walk = Conformance::default().check(&system, &mut Api(&system)).await;
//! assert!(walk.jumps > 300);
//! # }
//! ```

mod dice;
mod model;
mod workload;

pub use dice::Dice;
pub use workload::{Contents, Workload};

use crate::{Checkpoint, Error, RowChange, Sealed, System};
use model::{Orders, add_row, apply, difference, normal};

/// How long to walk, and where.
#[derive(Clone, Debug)]
pub struct Conformance {
    /// Repeats a walk.
    pub seed: u64,
    /// How many times to change something and jump.
    pub steps: usize,
    /// About how many checkpoints are kept at a time.
    pub checkpoints: usize,
}

impl Default for Conformance {
    fn default() -> Self {
        Self {
            seed: 1,
            steps: 300,
            checkpoints: 40,
        }
    }
}

/// What a walk consisted of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Checkpoints gone to and found complete.
    pub jumps: usize,
    /// Checkpoints sealed.
    pub seals: usize,
    /// Checkpoints released.
    pub releases: usize,
    /// Checkpoints that the system said to be out of reach, and that were.
    pub refusals: usize,
    /// Changes told, and found to be right.
    pub changes: usize,
}

impl Conformance {
    /// Checks a system that has not begun, and closes it.
    ///
    /// # Panics
    ///
    /// The system breaks a promise of the contract; the message names it with the seed and the step.
    pub async fn check(&self, system: &dyn System, workload: &mut dyn Workload) -> Walk {
        let untouched = workload.dump().await;
        let mut walk = Walker::begin(self, system, workload).await;
        for step in 1..=self.steps {
            walk.step = step;
            walk.step().await;
        }
        let figures = walk.end().await;
        let left = workload.dump().await;
        assert_eq!(
            left, untouched,
            "seed {}: close left something else than begin found",
            self.seed
        );
        system.close().await.expect("closing again does nothing");
        figures
    }
}

struct Walker<'a> {
    seed: u64,
    keep: usize,
    step: usize,
    dice: Dice,
    system: &'a dyn System,
    workload: &'a mut dyn Workload,
    nodes: Vec<Node>,
    position: Node,
    /// The contents as the system has told them up to now.
    told: Contents,
    orders: Orders,
    walk: Walk,
}

#[derive(Clone)]
struct Node {
    checkpoint: Checkpoint,
    contents: Contents,
    dump: String,
}

impl<'a> Walker<'a> {
    async fn begin(
        plan: &Conformance,
        system: &'a dyn System,
        workload: &'a mut dyn Workload,
    ) -> Self {
        let mut contents = Contents::new();
        let root = system
            .begin(&mut |table, row| add_row(&mut contents, table, row.clone()))
            .await;
        let root = root.expect("a system that has not begun can begin");
        for name in contents.keys() {
            assert!(
                root.tables.iter().any(|table| table.name == *name),
                "seed {}: begin told rows of `{name}`, but not the table",
                plan.seed
            );
        }
        let node = Node {
            checkpoint: root.checkpoint,
            contents: contents.clone(),
            dump: workload.dump().await,
        };
        let walker = Self {
            seed: plan.seed,
            keep: plan.checkpoints,
            step: 0,
            dice: Dice::new(plan.seed),
            system,
            workload,
            nodes: vec![node.clone()],
            position: node,
            told: contents.clone(),
            orders: Orders::default(),
            walk: Walk::default(),
        };
        let found = normal(walker.workload.contents().await);
        walker.same(&found, &contents, "begin told other rows than there are");
        walker
    }

    async fn step(&mut self) {
        self.change(4).await;
        self.look().await;
        if self.dice.percent(60) {
            if self.dice.percent(30) {
                // These arrive after the changes were told, and are sealed all the same.
                self.change(3).await;
            }
            self.seal().await;
        }
        if self.dice.percent(30) {
            // These arrive outside a step, and nobody asks for them before the jump.
            self.change(3).await;
        }
        let to = self.dice.below(self.nodes.len());
        self.jump(to).await;
        while self.nodes.len() > 1 && self.dice.below(self.nodes.len()) * 2 > self.keep {
            self.release(1);
        }
        if self.nodes.len() > 1 && self.dice.percent(20) {
            self.release(1);
        }
    }

    async fn change(&mut self, at_most: usize) {
        for _ in 0..self.dice.below(at_most) {
            self.workload.change(&mut self.dice).await;
        }
    }

    /// Asks for the changes, twice, and compares them with the truth.
    async fn look(&mut self) {
        let changes = self.system.changes().await;
        let changes = self.done("changes", changes);
        let again = self.system.changes().await;
        self.holds(
            self.done("changes", again) == changes,
            "asking again told other changes",
        );
        let agree = self.orders.agree(&changes);
        self.holds(agree, "the same changes were told in another order");
        let found = normal(self.workload.contents().await);
        let expected = self.after(self.position.contents.clone(), &changes);
        self.same(
            &expected,
            &found,
            "the changes do not add up to what there is",
        );
        self.walk.changes += changes.len();
        self.told = expected;
    }

    async fn seal(&mut self) {
        let found = normal(self.workload.contents().await);
        let sealed = self.system.seal().await;
        let Sealed { checkpoint, untold } = self.done("seal", sealed);
        self.told = self.after(self.told.clone(), &untold);
        self.same(
            &found,
            &self.told,
            "seal did not tell what it sealed and nobody had been told",
        );
        self.walk.changes += untold.len();
        let new = self.nodes.iter().all(|node| node.checkpoint != checkpoint);
        self.holds(new, "seal returned a checkpoint that there was already");
        let contents = self.told.clone();
        let dump = self.workload.dump().await;
        self.position = Node {
            checkpoint,
            contents,
            dump,
        };
        self.nodes.push(self.position.clone());
        self.walk.seals += 1;
        // At other times the next jump is what must not tell it again.
        if self.dice.percent(50) {
            let changes = self.system.changes().await;
            let changes = self.done("changes", changes);
            self.holds(changes.is_empty(), "changes told what was sealed");
        }
    }

    async fn jump(&mut self, to: usize) {
        let before = normal(self.workload.contents().await);
        let mut node = self.nodes[to].clone();
        if !self.system.can_restore(node.checkpoint) {
            let refused = self.system.restore(node.checkpoint).await;
            self.holds(
                refused.is_err(),
                "a checkpoint was restored that was said to be out of reach",
            );
            let found = normal(self.workload.contents().await);
            self.same(&before, &found, "restore failed, but not without a trace");
            self.walk.refusals += 1;
            let reachable = self
                .nodes
                .iter()
                .find(|node| self.system.can_restore(node.checkpoint));
            node = reachable
                .expect("the root at least can be restored")
                .clone();
        }
        let untold = self.system.restore(node.checkpoint).await;
        let untold = self.done("restore a checkpoint that it said to reach", untold);
        let arrived = self.after(self.told.clone(), &untold);
        self.same(
            &before,
            &arrived,
            "restore did not tell what nobody had been told",
        );
        let dump = self.workload.dump().await;
        assert!(
            dump == node.dump,
            "{}: restored something else\n--- sealed\n{}\n--- found\n{dump}",
            self.place(),
            node.dump
        );
        self.told = node.contents.clone();
        self.position = node;
        self.walk.jumps += 1;
    }

    /// Releases one of the checkpoints from the given one on, which may be the position.
    fn release(&mut self, from: usize) {
        let gone = from + self.dice.below(self.nodes.len() - from);
        let gone = self.nodes.swap_remove(gone).checkpoint;
        self.system.release(gone);
        self.holds(
            !self.system.can_restore(gone),
            "a released checkpoint was said to be in reach",
        );
        self.walk.releases += 1;
    }

    async fn end(mut self) -> Walk {
        self.change(4).await;
        let held = self.system.memory();
        while self.nodes.len() > 1 {
            self.release(1);
        }
        self.jump(0).await;
        self.holds(
            self.system.memory() <= held,
            "released checkpoints still take memory",
        );
        self.change(4).await;
        let closed = self.system.close().await;
        self.done("close", closed);
        self.walk
    }

    fn after(&self, mut contents: Contents, changes: &[RowChange]) -> Contents {
        if let Err(why) = apply(&mut contents, changes) {
            panic!("{}: {why}", self.place());
        }
        normal(contents)
    }

    fn done<T>(&self, doing: &str, outcome: Result<T, Error>) -> T {
        outcome.unwrap_or_else(|error| panic!("{}: failed to {doing}: {error}", self.place()))
    }

    fn holds(&self, holds: bool, broken: &str) {
        assert!(holds, "{}: {broken}", self.place());
    }

    fn same(&self, expected: &Contents, found: &Contents, broken: &str) {
        let show = |contents: &Contents| normal(contents.clone());
        let (expected, found) = (show(expected), show(found));
        let place = self.place();
        assert!(
            expected == found,
            "{place}: {broken}\n{}",
            difference(&expected, &found)
        );
    }

    fn place(&self) -> String {
        format!("seed {}, step {}", self.seed, self.step)
    }
}
