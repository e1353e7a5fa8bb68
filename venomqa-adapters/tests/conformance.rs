//! The kit passes systems that keep the contract, and catches those that break it.

use std::panic::AssertUnwindSafe;

use venomqa_adapters::conformance::{Conformance, Contents, Dice, Walk, Workload};
use venomqa_adapters::{
    About, BoxFuture, Checkpoint, Error, MockSystem, Result, Root, RowChange, RowVisitor, Sealed,
    System,
};

/// A system that keeps or breaks promises in the way of `Habit`.
#[derive(Debug)]
struct Bent {
    mock: MockSystem,
    habit: Habit,
    root: Checkpoint,
    /// The checkpoints on the way from the root to the position.
    stack: std::sync::Mutex<Vec<Checkpoint>>,
    /// What the last seal told.
    sealed: std::sync::Mutex<Vec<RowChange>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Habit {
    Straight,
    StackOrder,
    RootOnly,
    ForgetsAChange,
    ForgetsToRestore,
    ReachesLessThanItSays,
    ReachesMoreThanItSays,
    KeepsSilentAboutLateChanges,
    SealsInSilence,
    TellsWhatWasSealed,
    RestoreTellsWhatWasSealed,
    TellsInAnyOrder,
    StaysAfterClose,
}

impl Bent {
    fn on_stack(&self, to: Checkpoint) -> bool {
        self.stack.lock().unwrap().contains(&to)
    }

    fn reach(&self, to: Checkpoint) -> bool {
        match self.habit {
            Habit::StackOrder | Habit::ReachesLessThanItSays | Habit::ReachesMoreThanItSays => {
                self.on_stack(to)
            }
            Habit::RootOnly => to == self.root,
            _ => true,
        }
    }
}

impl System for Bent {
    fn about(&self) -> About {
        self.mock.about()
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        self.mock.begin(visit)
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async {
            let mut changes = self.mock.changes().await?;
            if self.habit == Habit::TellsWhatWasSealed {
                changes.append(&mut self.sealed.lock().unwrap());
            }
            if self.habit == Habit::ForgetsAChange && changes.len() > 1 {
                changes.pop();
            }
            if self.habit == Habit::TellsInAnyOrder {
                let turns = self.stack.lock().unwrap().len() % 2;
                if turns == 0 {
                    changes.reverse();
                }
            }
            Ok(changes)
        })
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        Box::pin(async {
            let mut sealed = self.mock.seal().await?;
            self.stack.lock().unwrap().push(sealed.checkpoint);
            self.sealed.lock().unwrap().clone_from(&sealed.untold);
            if self.habit == Habit::SealsInSilence {
                sealed.untold.clear();
            }
            Ok(sealed)
        })
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        let said = self.habit == Habit::ReachesLessThanItSays || self.reach(to);
        said && self.mock.can_restore(to)
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        Box::pin(async move {
            if !self.reach(to) && self.habit != Habit::ReachesMoreThanItSays {
                return Err(Error::OutOfReach {
                    system: "bent".into(),
                    checkpoint: to,
                    why: "it lies elsewhere",
                });
            }
            let mut stack = self.stack.lock().unwrap().clone();
            if let Some(at) = stack.iter().position(|checkpoint| *checkpoint == to) {
                stack.truncate(at + 1);
            }
            *self.stack.lock().unwrap() = stack;
            let mut late = self.mock.restore(to).await?;
            let sealed = std::mem::take(&mut *self.sealed.lock().unwrap());
            match self.habit {
                Habit::ForgetsToRestore => self.mock.put("rows", (999, 0))?,
                Habit::KeepsSilentAboutLateChanges => return Ok(Vec::new()),
                Habit::RestoreTellsWhatWasSealed => late.extend(sealed),
                _ => {}
            }
            Ok(late)
        })
    }

    fn release(&self, checkpoint: Checkpoint) {
        self.mock.release(checkpoint);
    }

    fn memory(&self) -> usize {
        self.mock.memory()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            self.mock.close().await?;
            if self.habit == Habit::StaysAfterClose {
                self.mock.put("rows", (999, 0))?;
            }
            Ok(())
        })
    }
}

/// Writes to the mock as an API in the same process does.
struct Writer(MockSystem);

impl Workload for Writer {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        Box::pin(async {
            let (key, value) = (dice.below(8) as i64, dice.below(3) as i64);
            match dice.below(5) {
                0 => drop(self.0.delete("rows", key).unwrap()),
                1 => self.0.insert("lines", [value]).unwrap(),
                2 => drop(
                    self.0
                        .update("rows", key, [("value", value.into())])
                        .unwrap(),
                ),
                3 if dice.percent(5) => self.0.clear(),
                _ => self.0.put("rows", (key, value)).unwrap(),
            }
        })
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        let table = |name: &str| (name.to_owned(), self.0.rows(name).unwrap());
        let contents = [table("rows"), table("lines")].into();
        Box::pin(std::future::ready(contents))
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        let dump = format!("{:?} {:?}", self.0.rows("rows"), self.0.rows("lines"));
        Box::pin(std::future::ready(dump))
    }
}

/// Walks with a system of this habit, and returns what the kit said against it.
fn check(habit: Habit) -> std::result::Result<Walk, String> {
    let mock = MockSystem::new()
        .with_table("rows", &["id", "value"], &["id"])
        .with_table("lines", &["line"], &[])
        .with_row("rows", (1, 0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let system = Bent {
        mock: mock.clone(),
        habit,
        root: Checkpoint(0),
        stack: vec![Checkpoint(0)].into(),
        sealed: Vec::new().into(),
    };
    let kit = Conformance::default();
    let walk = AssertUnwindSafe(|| runtime.block_on(kit.check(&system, &mut Writer(mock))));
    std::panic::catch_unwind(walk).map_err(|panic| *panic.downcast::<String>().unwrap())
}

#[test]
fn a_system_that_jumps_anywhere_passes() {
    let walk = check(Habit::Straight).unwrap();
    assert!(
        walk.jumps > 300 && walk.releases > 30 && walk.changes > 100,
        "{walk:?}"
    );
    assert_eq!(walk.refusals, 0);
}

#[test]
fn systems_with_less_reach_pass_if_they_say_so() {
    for habit in [Habit::StackOrder, Habit::RootOnly] {
        let walk = check(habit).unwrap();
        assert!(
            walk.jumps > 300 && walk.refusals > 50,
            "{habit:?}: {walk:?}"
        );
    }
}

#[test]
fn every_broken_promise_is_named() {
    for (habit, said) in [
        (Habit::ForgetsAChange, "do not add up"),
        (Habit::ForgetsToRestore, "restored something else"),
        (
            Habit::ReachesLessThanItSays,
            "failed to restore a checkpoint that it said to reach",
        ),
        (Habit::ReachesMoreThanItSays, "said to be out of reach"),
        (
            Habit::KeepsSilentAboutLateChanges,
            "did not tell what nobody had been told",
        ),
        (
            Habit::SealsInSilence,
            "seal did not tell what it sealed and nobody had been told",
        ),
        (Habit::TellsWhatWasSealed, "changes told what was sealed"),
        (
            Habit::RestoreTellsWhatWasSealed,
            "did not tell what nobody had been told",
        ),
        (Habit::TellsInAnyOrder, "in another order"),
        (Habit::StaysAfterClose, "close left something else"),
    ] {
        let message = check(habit).expect_err("the kit catches it");
        assert!(
            message.contains(said) && message.contains("seed 1"),
            "{habit:?}: {message}"
        );
    }
}
