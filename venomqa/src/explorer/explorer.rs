use std::collections::VecDeque;
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_128;

use super::graph::{EdgeId, End, Graph};
use super::ids::{ActionId, Fingerprint, Pair, RuleId, StateId};
use super::ledger::Ledger;
use super::pair_set::PairSet;
use super::paths::{LabelRef, PathLimits, Paths};
use super::reach::Reached;
use super::sighting::{Place, Sighting, Sightings};
use super::strategy::{Offer, Strategy};
use super::subject::{ActionInfo, Performed, RuleInfo, Subject};
use super::{Ended, Event};
use crate::{Config, Error, Result};

/// Explores one subject. There is exactly one loop, [`run`](Explorer::run); a strategy only chooses.
pub(super) struct Explorer<'a, S> {
    pub(super) subject: &'a mut S,
    pub(super) config: &'a Config,
    pub(super) actions: Vec<ActionInfo>,
    pub(super) rules: Vec<RuleInfo>,
    pub(super) graph: Graph,
    pub(super) paths: Paths,
    pub(super) ledger: Ledger,
    pub(super) sightings: Sightings,
    pub(super) divergences: Vec<(Vec<ActionId>, String)>,
    pub(super) observer: &'a mut (dyn FnMut(&Event<'_>) + Send),
    /// The state in which the subject stands, unless something was changed since.
    pub(super) here: Option<StateId>,
    /// Transitions to a state that was known before, other than the one they left.
    pub(super) merges: u64,
    /// Whether it is left to the next restore to find out what the last rules changed.
    pub(super) unsettled: bool,
    /// Where the last action led.
    pub(super) last_edge: Option<EdgeId>,
    strategy: &'a mut dyn Strategy,
    /// What the strategy has chosen.
    taken: PairSet,
    pending: u64,
    left_by_divergence: u64,
}

/// Whether an action can be performed now.
enum Stand {
    Ready,
    /// A rule that is checked before it is broken.
    Forbidden,
    /// Its state cannot be reached any more.
    Diverged,
}

impl<'a, S: Subject> Explorer<'a, S> {
    pub(super) fn new(
        subject: &'a mut S,
        config: &'a Config,
        strategy: &'a mut dyn Strategy,
        observer: &'a mut (dyn FnMut(&Event<'_>) + Send),
    ) -> Self {
        let (actions, rules) = (subject.actions().to_vec(), subject.rules().to_vec());
        let paths = Paths::new(PathLimits::new(config.max_depth, &actions));
        Self {
            ledger: Ledger::new(&actions, &rules),
            sightings: Sightings::new(&actions, &rules),
            graph: Graph::default(),
            paths,
            divergences: Vec::new(),
            here: None,
            merges: 0,
            unsettled: false,
            last_edge: None,
            taken: PairSet::new(actions.len()),
            pending: 0,
            left_by_divergence: 0,
            subject,
            config,
            actions,
            rules,
            strategy,
            observer,
        }
    }

    /// Explores until nothing is left or a limit is reached, and says why it ended.
    ///
    /// # Errors
    ///
    /// The subject could not even begin.
    pub(super) async fn run(&mut self) -> Result<Ended> {
        let (mark, fingerprint) = self.subject.begin().await?;
        let (root, _) = self.graph.state(fingerprint);
        self.graph.at_mut(root).mark = Some(mark);
        let users = self.rules.iter().filter(|rule| !rule.built_in).count();
        (self.observer)(&Event::Started {
            actions: self.actions.len(),
            rules: users,
        });

        match self.check(Place::Initial).await {
            Ok(broken) if broken && !self.config.expand_violating => {}
            Ok(_) => self.spread([LabelRef::ROOT].into()),
            Err(error) => return Ok(self.failed(&error, Vec::new())),
        }
        let begun = self.subject.elapsed();
        loop {
            if self.pending > 0
                && let Some(limit) = self.limit_reached(begun)
            {
                return Ok(limit);
            }
            let Some(pair) = self.strategy.next() else {
                if self.pending > 0 {
                    let lost =
                        Error::set_up(format!("the strategy has lost {} pairs", self.pending));
                    return Ok(self.failed(&lost, Vec::new()));
                }
                return Ok(Ended::Complete);
            };
            if !self.paths.has_admitted(pair) || !self.taken.insert(pair) {
                let odd = Error::set_up(format!(
                    "the strategy has chosen {pair:?}, which it was not offered"
                ));
                return Ok(self.failed(&odd, Vec::new()));
            }
            if let Err(error) = self.attempt(pair).await {
                let sequence = self.labels(&self.found_path(pair));
                return Ok(self.failed(&error, sequence));
            }
        }
    }

    /// The end by an error, with what the server has printed.
    pub(super) fn failed(&self, error: &Error, sequence: Vec<String>) -> Ended {
        Ended::Error {
            message: self.subject.tell(error),
            sequence,
            logs: self.subject.logs(),
        }
    }

    fn limit_reached(&self, begun: Duration) -> Option<Ended> {
        let Config {
            max_steps, budget, ..
        } = self.config;
        if max_steps.is_some_and(|most| self.ledger.transitions >= most) {
            return Some(Ended::MaxSteps);
        }
        let spent = self.subject.elapsed() - begun;
        budget
            .is_some_and(|budget| spent >= budget)
            .then_some(Ended::Budget)
    }

    /// The actions with their arguments, for a person.
    pub(super) fn labels(&self, path: &[ActionId]) -> Vec<String> {
        path.iter()
            .map(|action| self.actions[action.index()].label.clone())
            .collect()
    }

    /// The pairs that were offered and never tried, for whatever reason.
    pub(super) fn pairs_left(&self) -> u64 {
        self.pending + self.left_by_divergence
    }

    async fn attempt(&mut self, pair: Pair) -> Result<()> {
        match self.stand(pair).await? {
            Stand::Ready => self.perform(pair).await?,
            Stand::Forbidden => {
                self.graph.connect(pair, End::Dead, None, None);
            }
            Stand::Diverged => {
                self.left_by_divergence += 1;
                self.finish(pair.state);
                return Ok(());
            }
        }
        self.finish(pair.state);
        (self.observer)(&Event::Progress {
            states: self.graph.len() as u64,
            transitions: self.ledger.transitions,
            pending: self.pending,
            depth: self
                .paths
                .shortest(pair.state)
                .map_or(0, |label| self.paths.depth(label)),
            elapsed: self.subject.elapsed(),
        });
        Ok(())
    }

    /// Goes to where the action is to be performed, and asks the rules that have a say before it.
    async fn stand(&mut self, pair: Pair) -> Result<Stand> {
        self.notice_death(Duration::ZERO).await;
        if self.graph.at(pair.state).diverged || self.reach(pair.state).await? == Reached::Diverged
        {
            return Ok(Stand::Diverged);
        }
        if self.check(Place::Before(pair)).await? {
            return Ok(Stand::Forbidden);
        }
        // What a rule has changed here is undone before the action.
        if self.here != Some(pair.state) && self.reach(pair.state).await? == Reached::Diverged {
            return Ok(Stand::Diverged);
        }
        Ok(Stand::Ready)
    }

    async fn perform(&mut self, pair: Pair) -> Result<()> {
        self.here = None;
        self.ledger.tried(pair.action);
        let previous = self
            .paths
            .shortest(pair.state)
            .and_then(|label| self.paths.last_action(&self.graph, label));
        match self.subject.perform(pair.action).await? {
            Performed::Declined { broken } => {
                let edge =
                    self.graph
                        .connect(pair, End::Declined, None, self.subject.last_record());
                if let Some((rule, message)) = broken {
                    self.sight(Place::Edge(edge), rule, message);
                }
            }
            Performed::Crashed {
                broken: (rule, message),
            } => {
                self.ledger.applied(previous, pair.action, None, false);
                let edge = self
                    .graph
                    .connect(pair, End::Dead, None, self.subject.last_record());
                self.sight(Place::Edge(edge), rule, message);
            }
            Performed::Arrived {
                fingerprint,
                status,
                expected,
                broken,
            } => {
                self.ledger.applied(previous, pair.action, status, expected);
                self.strategy.covered(previous, pair.action);
                let fingerprint = self.identity(pair, fingerprint);
                self.arrive(pair, fingerprint, status, broken).await?;
            }
        }
        Ok(())
    }

    async fn arrive(
        &mut self,
        pair: Pair,
        fingerprint: Fingerprint,
        status: Option<u16>,
        broken: Vec<(RuleId, String)>,
    ) -> Result<()> {
        let (state, new) = self.graph.state(fingerprint);
        self.merges += u64::from(!new && state != pair.state);
        // Before the rules look at it: what they change must not become part of what is saved.
        if self.graph.at(state).mark.is_none()
            && !self.subject.is_full()
            && self.paths.leads_further(pair, state)
        {
            self.save(state).await?;
        }
        self.here = Some(state);

        let record = self.subject.last_record();
        let edge = self.graph.connect(pair, End::At(state), status, record);
        self.last_edge = Some(edge);
        let mut violating = !broken.is_empty();
        for (rule, message) in broken {
            self.sight(Place::Edge(edge), rule, message);
        }
        violating |= self.check(Place::Edge(edge)).await?;
        if !violating || self.config.expand_violating {
            self.graph.let_through(edge);
            let added = self.paths.extend(&self.graph, edge);
            self.spread(added);
        }
        self.release_if_idle(state);
        Ok(())
    }

    /// Offers to the strategy what the labels of this queue admit, and what they lead to over known edges.
    fn spread(&mut self, queue: VecDeque<LabelRef>) {
        let mut admitted = Vec::new();
        self.paths.spread(&self.graph, queue, |label, action| {
            admitted.push((label, action))
        });
        for of_one_state in admitted.chunk_by(|(a, _), (b, _)| a.state == b.state) {
            let offers = of_one_state.iter().map(|(label, action)| Offer {
                pair: Pair {
                    state: label.state,
                    action: *action,
                },
                previous: self.paths.last_action(&self.graph, *label),
                weight: self.actions[action.index()].weight,
            });
            let offers: Vec<_> = offers.collect();
            self.graph.at_mut(of_one_state[0].0.state).pending += offers.len() as u32;
            self.pending += offers.len() as u64;
            self.strategy.offer(&offers);
        }
    }

    pub(super) async fn save(&mut self, state: StateId) -> Result<()> {
        let mark = self.subject.seal().await?;
        self.graph.at_mut(state).mark = Some(mark);
        Ok(())
    }

    fn finish(&mut self, state: StateId) {
        self.pending -= 1;
        self.graph.at_mut(state).pending -= 1;
        self.release_if_idle(state);
    }

    fn release_if_idle(&mut self, state: StateId) {
        if state != StateId::ROOT && self.graph.at(state).pending == 0 {
            self.release(state);
        }
    }

    pub(super) fn release(&mut self, state: StateId) {
        if let Some(mark) = self.graph.at_mut(state).mark.take() {
            self.subject.release(mark);
        }
    }

    /// What identifies the state to which a pair has led.
    pub(super) fn identity(&self, pair: Pair, observed: Fingerprint) -> Fingerprint {
        if self.subject.identifies() {
            return observed;
        }
        let mut bytes = self
            .graph
            .at(pair.state)
            .fingerprint
            .0
            .to_le_bytes()
            .to_vec();
        bytes.extend(pair.action.0.to_le_bytes());
        Fingerprint(xxh3_128(&bytes))
    }

    /// The shortest known way to a state and on with an action.
    fn found_path(&self, pair: Pair) -> Vec<ActionId> {
        let label = self.paths.shortest_admitting(pair.state, pair.action);
        let label = label.or_else(|| self.paths.shortest(pair.state));
        let mut path = label.map_or_else(Vec::new, |label| self.paths.path(&self.graph, label));
        path.push(pair.action);
        path
    }

    /// Notes that a rule is broken. Tells the observer if this looks like something new.
    pub(super) fn sight(&mut self, place: Place, rule: RuleId, message: String) {
        let info = &self.rules[rule.index()];
        if info.built_in {
            self.ledger.rules[rule.index()].broken += 1;
        }
        let sighting = Sighting { place, rule };
        let (from, to) = match place {
            Place::Initial => (None, None),
            Place::Before(pair) => (Some(pair.state), None),
            Place::Edge(edge) => {
                let edge = self.graph.edge(edge);
                (Some(edge.pair.state), edge.state())
            }
        };
        if self.sightings.add_known(sighting, from, to) {
            return;
        }
        let path = match place {
            Place::Initial => Vec::new(),
            Place::Edge(edge) => self.found_path(self.graph.edge(edge).pair),
            Place::Before(pair) => {
                let mut path = self.found_path(pair);
                path.pop();
                path
            }
        };
        if self.sightings.add(sighting, &path, &message) {
            let sequence: Vec<_> = path
                .iter()
                .map(|action| self.actions[action.index()].label.as_str())
                .collect();
            let (severity, rule) = (info.severity, info.name.as_str());
            (self.observer)(&Event::Broken {
                rule,
                severity,
                message: &message,
                sequence: &sequence,
            });
        }
    }
}
