//! Several systems in one world: what is seen of them and saved of them belongs to one moment, and a failure in one leaves none behind.

use std::sync::{Arc, Mutex};

use venomqa::adapters::{About, Checkpoint, Error, Result, Root, RowChange, RowVisitor, Sealed};
use venomqa::prelude::*;
use venomqa::{BoxFuture, Checked, Config, Ended, Exploration, Outcome, When};

/// When an application writes that has answered already.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    Never,
    /// While the systems are asked what changed: the first was asked, the second was not.
    Look,
    /// While they are sealed.
    Seal,
}

/// What an application does late: the same to both databases, the first one first.
type Work = Arc<Mutex<Option<(MockSystem, MockSystem, i64)>>>;

/// A database that something happens to just before it is asked.
#[derive(Clone, Debug)]
struct Watched {
    mock: MockSystem,
    late: Work,
    at: Moment,
    /// After how many restores one fails.
    restores: Arc<Mutex<usize>>,
    /// Whether it fails the next time it is asked what changed, and no more.
    stumbles: Arc<Mutex<bool>>,
    closes: bool,
    diary: Diary,
}

/// What happened, in order.
type Diary = Arc<Mutex<Vec<&'static str>>>;

impl Watched {
    fn new(at: Moment) -> Self {
        Self {
            mock: counter(),
            late: Work::default(),
            at,
            restores: Arc::new(Mutex::new(usize::MAX)),
            stumbles: Arc::default(),
            closes: true,
            diary: Diary::default(),
        }
    }

    fn let_it_work(&self, now: Moment) {
        if self.at == now
            && let Some((left, right, value)) = self.late.lock().unwrap().take()
        {
            left.put("counter", (1, value)).unwrap();
            right.put("counter", (1, value)).unwrap();
        }
    }

    fn failure(&self) -> Error {
        Error::NotRestored {
            system: "the watched database".into(),
            why: "somebody pulled the plug".into(),
            remedy: "put it in again".into(),
        }
    }
}

fn counter() -> MockSystem {
    MockSystem::new()
        .with_table("counter", &["id", "value"], &["id"])
        .with_row("counter", (1, 0))
}

fn value(mock: &MockSystem) -> i64 {
    match mock.get("counter", 1).unwrap().unwrap()[1] {
        venomqa::adapters::Value::Int(value) => value,
        ref other => panic!("{other:?}"),
    }
}

impl System for Watched {
    fn about(&self) -> About {
        self.mock.about()
    }

    fn begin<'a>(&'a self, visit: RowVisitor<'a>) -> BoxFuture<'a, Result<Root>> {
        self.mock.begin(visit)
    }

    fn changes(&self) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        if std::mem::take(&mut *self.stumbles.lock().unwrap()) {
            return Box::pin(async { Err(self.failure()) });
        }
        self.let_it_work(Moment::Look);
        self.mock.changes()
    }

    fn seal(&self) -> BoxFuture<'_, Result<Sealed>> {
        self.diary.lock().unwrap().push("saved");
        self.let_it_work(Moment::Seal);
        self.mock.seal()
    }

    fn can_restore(&self, to: Checkpoint) -> bool {
        self.mock.can_restore(to)
    }

    fn restore(&self, to: Checkpoint) -> BoxFuture<'_, Result<Vec<RowChange>>> {
        self.diary.lock().unwrap().push("went back");
        let mut left = self.restores.lock().unwrap();
        if *left == 0 {
            return Box::pin(async { Err(self.failure()) });
        }
        *left -= 1;
        self.mock.restore(to)
    }

    fn release(&self, checkpoint: Checkpoint) {
        self.mock.release(checkpoint);
    }

    fn memory(&self) -> usize {
        self.mock.memory()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        match self.closes {
            true => self.mock.close(),
            false => Box::pin(async { Err(self.failure()) }),
        }
    }
}

/// Counts up to 3 in both databases, of which the second is watched. `late` says which of the counts come late.
fn count(first: &MockSystem, second: &Watched, late: fn(i64) -> bool) -> Action {
    let (first, second) = (first.clone(), second.clone());
    Action::of_parts("count", move |_| {
        let next = value(&first) + 1;
        if next > 3 {
            return Box::pin(async { Outcome::NotApplicable });
        }
        let (left, right) = (first.clone(), second.mock.clone());
        if late(next) {
            *second.late.lock().unwrap() = Some((left, right, next));
        } else {
            left.put("counter", (1, next)).unwrap();
            right.put("counter", (1, next)).unwrap();
            // A job in the background counts again, if it is given the time.
            *second.late.lock().unwrap() = Some((left, right, next + 1));
        }
        Box::pin(async { Outcome::Done })
    })
}

fn agree(first: &MockSystem, second: &Watched) -> Invariant {
    let (first, second) = (first.clone(), second.mock.clone());
    let rule = Invariant::of_parts("agree", move |_| {
        let (left, right) = (value(&first), value(&second));
        Box::pin(async move {
            match left == right {
                true => Checked::Held,
                false => Checked::Broken(format!("{left} and {right}")),
            }
        })
    });
    rule.when(When::Both)
}

fn explore(agent: Agent) -> Exploration {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        budget: None,
        ..Config::default()
    };
    runtime.block_on(agent.config(config).explore()).unwrap()
}

fn world(first: impl System, second: &Watched) -> World {
    World::without_api()
        .with("first", first)
        .with("second", second.clone())
}

#[test]
fn what_is_seen_of_several_systems_belongs_to_one_moment() {
    let (first, second) = (counter(), Watched::new(Moment::Look));
    let agent = Agent::new(world(first.clone(), &second))
        .action(count(&first, &second, |_| true))
        .invariant(agree(&first, &second));
    let found = explore(agent);
    assert!(found.violations.is_empty(), "{}", found.summary());
    assert_eq!((found.states_visited, found.transitions), (4, 3));
    // Were the first not asked again, its change would be taken for one that a rule made.
    assert_eq!(found.notes, Vec::<String>::new());
}

#[test]
fn a_checkpoint_of_several_systems_belongs_to_one_moment() {
    let (first, second) = (counter(), Watched::new(Moment::Seal));
    let agent = Agent::new(world(first.clone(), &second))
        .action(count(&first, &second, |_| false))
        .invariant(agree(&first, &second));
    let found = explore(agent);
    // Going back to a torn checkpoint would break the rule.
    assert!(found.violations.is_empty(), "{}", found.summary());
    assert!(found.transitions >= 2, "{}", found.summary());
    assert_eq!((value(&first), value(&second.mock)), (0, 0));
}

#[test]
fn a_system_that_cannot_be_restored_ends_the_run_with_all_put_back() {
    let (first, second) = (counter(), Watched::new(Moment::Never));
    *second.restores.lock().unwrap() = 1;
    let agent = Agent::new(world(first.clone(), &second))
        .action(count(&first, &second, |_| false))
        .invariant(agree(&first, &second));
    let found = explore(agent);
    let Ended::Error { message, .. } = &found.ended else {
        panic!("{}", found.summary());
    };
    assert!(
        message.contains("system `second`") && message.contains("pulled the plug"),
        "{message}"
    );
    assert!(found.transitions > 0);
    assert_eq!((value(&first), value(&second.mock)), (0, 0));
}

#[test]
fn every_system_that_could_not_be_put_back_is_named() {
    let mut first = Watched::new(Moment::Never);
    first.closes = false;
    let second = first.clone();
    let third = counter();
    let agent = Agent::new(world(first.clone(), &second).with("third", third.clone()))
        .action(count(&third, &second, |_| false));
    let found = explore(agent);
    let Ended::Error { message, .. } = &found.ended else {
        panic!("{}", found.summary());
    };
    assert!(
        message.contains("system `first`") && message.contains("system `second`"),
        "{message}"
    );
    // The failures of others are no reason not to put it back.
    assert_eq!(value(&third), 0);
}

/// A world with an API that nobody asks anything, so that it can have hooks.
fn world_with_hooks(first: impl System, second: &Watched) -> World {
    let api = HttpClient::new("http://127.0.0.1:1").unwrap();
    World::new(api)
        .with("first", first)
        .with("second", second.clone())
}

#[test]
fn a_teardown_that_fails_does_not_hide_that_a_system_was_not_put_back() {
    let (first, mut second) = (counter(), Watched::new(Moment::Never));
    second.closes = false;
    let world = world_with_hooks(first.clone(), &second)
        .teardown(|_| async { Err(venomqa::Error::set_up("nobody tears this down")) });
    let found = explore(Agent::new(world).action(count(&first, &second, |_| false)));
    let Ended::Error { message, .. } = &found.ended else {
        panic!("{}", found.summary());
    };
    for part in [
        "nobody tears this down",
        "system `second`",
        "pulled the plug",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(value(&first), 0);
}

#[test]
fn before_the_systems_are_saved_or_go_back_the_application_is_asked_whether_it_is_quiet() {
    let (first, second) = (counter(), Watched::new(Moment::Never));
    let diary = |entry: &'static str| {
        let diary = second.diary.clone();
        move || diary.lock().unwrap().push(entry)
    };
    let (acts, reads, asked) = (diary("work"), diary("work"), diary("quiet"));
    let counter = first.clone();
    let counting = Action::of_parts("count", move |_| {
        acts();
        let next = value(&counter) + 1;
        if next <= 3 {
            counter.put("counter", (1, next)).unwrap();
        }
        Box::pin(async { Outcome::Done })
    });
    let rule = Invariant::of_parts("reads", move |_| {
        reads();
        Box::pin(async { Checked::Held })
    });
    let world = world_with_hooks(first.clone(), &second).quiet_when(move |_| {
        asked();
        async { Ok(true) }
    });
    explore(
        Agent::new(world)
            .action(counting)
            .invariant(rule.when(When::Both)),
    );
    let diary = second.diary.lock().unwrap();
    for pair in diary.windows(2) {
        assert!(
            pair[0] != "work" || !["saved", "went back"].contains(&pair[1]),
            "{diary:?}"
        );
    }
    for happened in ["work", "saved", "went back"] {
        assert!(diary.contains(&happened), "{diary:?}");
    }
}

#[test]
fn a_system_that_cannot_tell_what_a_rule_changed_ends_the_run() {
    let (first, second) = (counter(), Watched::new(Moment::Never));
    let (meddled, stumbles) = (first.clone(), second.stumbles.clone());
    let rule = Invariant::of_parts("meddles", move |_| {
        match value(&meddled) {
            // From now on the systems are asked after each rule.
            1 => meddled.put("counter", (2, 0)).unwrap(),
            2 => *stumbles.lock().unwrap() = true,
            _ => {}
        }
        Box::pin(async { Checked::Held })
    });
    let agent = Agent::new(world(first.clone(), &second))
        .action(count(&first, &second, |_| false))
        .invariant(rule);
    let found = explore(agent);
    let Ended::Error { message, .. } = &found.ended else {
        panic!("{}", found.summary());
    };
    assert!(message.contains("pulled the plug"), "{message}");
}
