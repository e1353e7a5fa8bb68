use std::collections::HashSet;

use super::ids::{ActionId, RuleId};
use super::subject::{ActionInfo, RuleInfo};
use super::{ActionReport, RuleReport};
use crate::Checked;

/// What is counted during an exploration: coverage of actions, and what became of the rules.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) transitions: u64,
    pub(super) actions: Vec<ActionReport>,
    pub(super) rules: Vec<RuleReport>,
    /// For each action instance the position of its report.
    report_of: Vec<usize>,
    /// Pairs of consecutive actions, by report.
    successions: HashSet<(usize, usize)>,
}

impl Ledger {
    pub(super) fn new(actions: &[ActionInfo], rules: &[RuleInfo]) -> Self {
        let mut reports: Vec<ActionReport> = Vec::new();
        let report_of = actions.iter().map(|action| {
            reports
                .iter()
                .position(|report| report.name == action.name)
                .unwrap_or_else(|| {
                    reports.push(ActionReport {
                        name: action.name.clone(),
                        may_fail: action.may_fail,
                        ..ActionReport::default()
                    });
                    reports.len() - 1
                })
        });
        let report_of = report_of.collect();
        let rules = rules.iter().map(|rule| RuleReport {
            name: rule.name.clone(),
            severity: rule.severity,
            built_in: rule.built_in,
            ..RuleReport::default()
        });
        Self {
            transitions: 0,
            actions: reports,
            rules: rules.collect(),
            report_of,
            successions: HashSet::new(),
        }
    }

    pub(super) fn tried(&mut self, action: ActionId) {
        self.report(action).tried += 1;
    }

    pub(super) fn applied(
        &mut self,
        previous: Option<ActionId>,
        action: ActionId,
        status: Option<u16>,
        expected: bool,
    ) {
        self.transitions += 1;
        if let Some(previous) = previous {
            self.successions.insert((
                self.report_of[previous.index()],
                self.report_of[action.index()],
            ));
        }
        let report = self.report(action);
        report.applied += 1;
        report.expected += u64::from(expected);
        if let Some(status) = status {
            *report.statuses.entry(status).or_default() += 1;
        }
    }

    /// Counts one evaluation of a rule, and says why it is broken if it is.
    pub(super) fn checked(&mut self, rule: RuleId, checked: Checked) -> Option<String> {
        let report = &mut self.rules[rule.index()];
        match checked {
            Checked::Held => report.checks += 1,
            Checked::Broken(message) => {
                report.checks += 1;
                report.broken += 1;
                return Some(message);
            }
            Checked::NotChecked(why) => {
                report.not_checked += 1;
                report.why_not.get_or_insert(why);
            }
        }
        None
    }

    /// The pairs of consecutive actions performed, out of all there are.
    pub(super) fn action_pairs(&self) -> (u64, u64) {
        let all = self.actions.len() as u64;
        (self.successions.len() as u64, all * all)
    }

    fn report(&mut self, action: ActionId) -> &mut ActionReport {
        &mut self.actions[self.report_of[action.index()]]
    }
}
