use super::ids::{ActionId, RuleId};
use super::subject::{Next, Performed, Settled, Subject};
use crate::{Checked, Error, Result, Step};

/// What came of executing one given sequence.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Replay {
    /// The steps that were performed, in order. The last one may have been declined, see `stopped`.
    pub steps: Vec<Step>,
    /// The rules that were broken.
    pub broken: Vec<Breach>,
    /// The rules that could not be evaluated, and why the first time.
    pub not_checked: Vec<(String, String)>,
    /// Why the sequence could not be executed to its end, if it could not.
    pub stopped: Option<String>,
    /// What the servers of the world printed.
    pub logs: String,
}

/// A rule that was broken in a [`Replay`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Breach {
    /// The rule.
    pub rule: String,
    /// The number of steps after which it was broken.
    pub after: usize,
    /// Why, in its own words.
    pub message: String,
}

/// Executes a sequence from the root, and checks all rules after every step.
pub(crate) async fn replay<S: Subject>(subject: &mut S, sequence: &[String]) -> Result<Replay> {
    let actions = actions(subject, sequence)?;
    subject.begin().await?;
    let mut replay = Replay::default();
    let mut settled = check(subject, &mut replay, true).await?;
    for (done, &action) in actions.iter().enumerate() {
        match settled {
            Settled::Untouched => {}
            Settled::Changed | Settled::Left => {
                // As a confirmation does it: a process that has seen the steps already may answer otherwise.
                subject.start_clean().await?;
                for earlier in &actions[..done] {
                    subject.perform(*earlier).await?;
                }
            }
            Settled::Crashed { .. } => {
                replay.stopped = Some(format!("after step {done}: the server died"));
                break;
            }
        }
        let performed = subject.perform(action).await?;
        replay.steps.push(subject.last_step());
        let (broken, stopped) = match performed {
            Performed::Arrived { broken, .. } => (broken, None),
            Performed::Declined { broken } => (Vec::from_iter(broken), Some("it does not apply")),
            Performed::Crashed { broken } => (vec![broken], Some("the server died")),
        };
        for (rule, message) in broken {
            breach(subject, &mut replay, rule, message);
        }
        if let Some(why) = stopped {
            replay.stopped = Some(format!("step {}: {why}", replay.steps.len()));
            break;
        }
        settled = check(subject, &mut replay, false).await?;
    }
    replay.logs = subject.logs();
    Ok(replay)
}

fn actions<S: Subject>(subject: &S, sequence: &[String]) -> Result<Vec<ActionId>> {
    let known = subject.actions();
    let find = |label: &String| {
        let names = known.iter().map(|action| (&*action.name, &*action.label));
        meant(names, label)
            .map(|position| ActionId(position as u32))
            .ok_or_else(|| {
                let labels: Vec<_> = known.iter().map(|action| action.label.as_str()).collect();
                Error::set_up(format!(
                    "there is no action `{label}`; there are: {}",
                    labels.join(", ")
                ))
            })
    };
    sequence.iter().map(find).collect()
}

/// The position of the action that is meant, among the names and labels of all: its label, or the name alone where an action has
/// one instance only.
pub(crate) fn meant<'a>(
    known: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    asked: &str,
) -> Option<usize> {
    let by_label = known.clone().position(|(_, label)| label == asked);
    by_label.or_else(|| {
        let mut named = known.enumerate().filter(|(_, (name, _))| *name == asked);
        let (position, _) = named.next()?;
        named.next().is_none().then_some(position)
    })
}

async fn check<S: Subject>(subject: &mut S, replay: &mut Replay, initial: bool) -> Result<Settled> {
    for rule in (0..subject.rules().len() as u32).map(RuleId) {
        let info = &subject.rules()[rule.index()];
        if info.built_in || (initial && info.takes_step) {
            continue;
        }
        let name = info.name.clone();
        match subject.check(rule).await {
            Checked::Held => {}
            Checked::Broken(message) => breach(subject, replay, rule, message),
            Checked::NotChecked(why) => {
                if !replay.not_checked.iter().any(|(known, _)| *known == name) {
                    replay.not_checked.push((name, why));
                }
            }
        }
    }
    let settled = subject.settle(Next::Anything).await?;
    if let Settled::Crashed {
        broken: (rule, message),
    } = &settled
    {
        breach(subject, replay, *rule, message.clone());
    }
    Ok(settled)
}

fn breach<S: Subject>(subject: &S, replay: &mut Replay, rule: RuleId, message: String) {
    let rule = subject.rules()[rule.index()].name.clone();
    replay.broken.push(Breach {
        rule,
        after: replay.steps.len(),
        message,
    });
}
