//! Random small machines: a number in each of two systems, and maybe one in the context.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use venomqa::adapters::Value;
use venomqa::prelude::*;
use venomqa::{BoxFuture, Checked, Outcome, Parts};

use crate::system::Limited;

/// The values of each of the three parts: 0, 1, 2; in the context 0 means that the key is missing.
const VALUES: usize = 3;
pub(crate) const STATES: usize = VALUES * VALUES * VALUES;

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) actions: Vec<Move>,
    /// The states that break the rule.
    pub(crate) bad: Vec<bool>,
}

#[derive(Clone, Debug)]
pub(crate) struct Move {
    /// Where it leads from each state; `None` where it does not apply.
    pub(crate) to: Vec<Option<usize>>,
    pub(crate) max_calls: Option<u32>,
    pub(crate) requires_context: bool,
    pub(crate) weight: u32,
}

pub(crate) fn any() -> impl Strategy<Value = Machine> {
    let to = vec(option::weighted(0.8, 0..STATES), STATES);
    let moves = (
        to,
        option::weighted(0.3, 0_u32..=2),
        prop::bool::weighted(0.2),
        0_u32..4,
    );
    let moves = moves.prop_map(|(to, max_calls, requires_context, weight)| Move {
        to,
        max_calls,
        requires_context,
        weight,
    });
    (vec(moves, 1..=4), vec(prop::bool::weighted(0.12), STATES))
        .prop_map(|(actions, bad)| Machine { actions, bad })
}

impl Machine {
    /// Where an action leads from a state, if it applies.
    pub(crate) fn step(&self, state: usize, action: usize) -> Option<usize> {
        let action = &self.actions[action];
        if action.requires_context && state.is_multiple_of(VALUES) {
            return None;
        }
        action.to[state]
    }

    pub(crate) fn actions(&self) -> Vec<Action> {
        let all = self.actions.iter().enumerate().map(|(number, info)| {
            let machine = self.clone();
            let mut action = Action::of_parts(name(number), move |parts| {
                let outcome = machine
                    .perform(number, parts)
                    .unwrap_or_else(Outcome::Failed);
                Box::pin(std::future::ready(outcome)) as BoxFuture<'_, Outcome>
            });
            if let Some(calls) = info.max_calls {
                action = action.max_calls(calls);
            }
            if info.requires_context {
                action = action.requires(["key"]);
            }
            action.weight(info.weight).may_fail()
        });
        all.collect()
    }

    pub(crate) fn rule(&self) -> Invariant {
        let bad = self.bad.clone();
        Invariant::of_parts("good", move |mut parts: Parts<'_>| {
            let checked = match state(&mut parts) {
                Ok(state) if bad[state] => Checked::Broken(format!("state {state} is bad")),
                Ok(_) => Checked::Held,
                Err(error) => Checked::NotChecked(error.to_string()),
            };
            Box::pin(std::future::ready(checked)) as BoxFuture<'_, Checked>
        })
    }

    fn perform(&self, action: usize, mut parts: Parts<'_>) -> Result<Outcome> {
        let (left, right) = (system(&parts, "left")?, system(&parts, "right")?);
        let context = parts.context_mut()?;
        let now = number(left)? * VALUES * VALUES
            + number(right)? * VALUES
            + context.get("key")?.unwrap_or(0);
        let Some(next) = self.step(now, action) else {
            return Ok(Outcome::NotApplicable);
        };
        left.mock
            .put("cell", (1, (next / VALUES / VALUES) as i64))?;
        right
            .mock
            .put("cell", (1, (next / VALUES % VALUES) as i64))?;
        match next % VALUES {
            0 => drop(context.remove("key")),
            key => context.set("key", key),
        }
        Ok(Outcome::Done)
    }
}

pub(crate) fn name(action: usize) -> String {
    format!("a{action}")
}

fn state(parts: &mut Parts<'_>) -> Result<usize> {
    let (left, right) = (
        number(system(parts, "left")?)?,
        number(system(parts, "right")?)?,
    );
    Ok(left * VALUES * VALUES + right * VALUES + parts.context()?.get("key")?.unwrap_or(0))
}

fn system<'a>(parts: &Parts<'a>, name: &str) -> Result<&'a Limited> {
    parts.world().system(Some(name))
}

fn number(system: &Limited) -> Result<usize> {
    match system.mock.get("cell", 1)?.expect("there is one row")[1] {
        Value::Int(number) => Ok(number as usize),
        ref other => panic!("{other} is no number"),
    }
}
