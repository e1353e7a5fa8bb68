use super::Stop;
use crate::explorer::meant;
use crate::registry::Suite;
use crate::report::Plain;

/// The empty sequence, in `VENOMQA_REPLAY` as in the names of tests.
pub(crate) const INITIAL_STATE: &str = "initial_state";

/// The actions of one suite by their names and labels, to read a sequence that a person or one of our commands wrote.
///
/// Labels hold arguments as the source has them, commas, quotes and brackets included: only who knows the labels can tell where one ends.
#[derive(Debug)]
pub(crate) struct Known {
    names_and_labels: Vec<(String, String)>,
}

impl Known {
    pub(crate) fn of(suite: &Suite) -> Self {
        let actions = suite.instances();
        Self {
            names_and_labels: actions.map(|action| (action.name, action.label)).collect(),
        }
    }

    /// Whether this is a label, or the name of an action that has one instance only.
    pub(crate) fn has(&self, asked: &str) -> bool {
        let known = self.names_and_labels.iter();
        meant(known.map(|(name, label)| (&**name, &**label)), asked).is_some()
    }

    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        self.names_and_labels.iter().map(|(_, label)| &**label)
    }

    /// Reads a sequence: labels or names with commas between them.
    ///
    /// # Errors
    ///
    /// The part that is no action of the suite.
    pub(crate) fn read(&self, text: &str) -> Result<Vec<String>, String> {
        if text.trim() == INITIAL_STATE {
            return Ok(Vec::new());
        }
        let mut sequence = Vec::new();
        let mut rest = text;
        loop {
            let Some((label, behind)) = self.first(rest) else {
                return Err(self.unknown_part(rest).into());
            };
            sequence.push(label);
            match behind {
                Some(behind) => rest = behind,
                None => return Ok(sequence),
            }
        }
    }

    /// The longest label or name at the beginning, and what follows the comma behind it.
    fn first<'a>(&self, text: &'a str) -> Option<(String, Option<&'a str>)> {
        let text = text.trim_start();
        let spelled = self.names_and_labels.iter().flat_map(|(name, label)| {
            let by_name = self.has(name).then(|| (name.clone(), label));
            // As the command shows it.
            let shown = Plain(label, 4).to_string();
            [Some((label.clone(), label)), Some((shown, label)), by_name]
        });
        spelled
            .flatten()
            .filter_map(|(spelled, label)| {
                let behind = text.strip_prefix(&*spelled)?.trim_start();
                let next = behind.strip_prefix(',');
                (next.is_some() || behind.is_empty()).then(|| (spelled.len(), label.clone(), next))
            })
            .max_by_key(|(length, ..)| *length)
            .map(|(_, label, next)| (label, next))
    }

    /// What begins with no action, up to where one follows.
    fn unknown_part<'a>(&self, text: &'a str) -> &'a str {
        let follows = |at: &usize| self.first(&text[at + 1..]).is_some();
        let mut commas = text.match_indices(',').map(|(at, _)| at);
        let end = commas.find(follows).unwrap_or(text.len());
        text[..end].trim()
    }
}

/// Says which actions there are, where a sequence names one that no suite has.
pub(crate) fn unreadable(text: &str, unable: &[(&Suite, String)]) -> Stop {
    if text.split(',').any(|part| part.trim().is_empty()) {
        return Stop::usage(format!(
            "VENOMQA_REPLAY is `{text}`, it should be the names of actions with commas between them, such as \
             `create_order[amount=0],refund_order`"
        ));
    }
    let lines: Vec<_> = unable
        .iter()
        .map(|(suite, gone)| {
            let known = Known::of(suite);
            format!(
                "suite `{}` has no action `{}`; it has {}",
                suite.name(),
                Plain(gone, 2),
                known.labels().collect::<Vec<_>>().join(", ")
            )
        })
        .collect();
    Stop::usage(format!("VENOMQA_REPLAY: {}", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReplayCommand;

    fn known(labels: &[&str]) -> Known {
        let with_name = |label: &&str| {
            let name = label.split('[').next().unwrap_or_default();
            (name.to_owned(), (*label).to_owned())
        };
        Known {
            names_and_labels: labels.iter().map(with_name).collect(),
        }
    }

    #[test]
    fn every_sequence_that_is_printed_can_be_read() {
        let labels = [
            "refund",
            "refund_all",
            "a[x=1, y=(2, 3)]",
            "a[x=1, y=(2, 3)],b]",
            "b[c='[']",
            "b[c='\"']",
            r##"b[c=r#"""],a"#]"##,
            "b[c=r\"\\\"]",
            "b[c=\"é\u{7}\nx\"]",
        ];
        let known = known(&labels);
        for first in labels {
            for second in labels {
                let sequence = [first.to_owned(), second.to_owned()];
                let command = ReplayCommand {
                    target: "t".into(),
                    suite: "s".into(),
                    exact: false,
                };
                let printed = Plain(&command.of(&sequence), 4).to_string();
                let quoted = printed.strip_prefix("VENOMQA_REPLAY='").unwrap();
                let (quoted, _) = quoted.rsplit_once("' cargo").unwrap();
                let text = quoted.replace(r"'\''", "'");
                assert_eq!(known.read(&text).unwrap(), sequence, "{printed}");
            }
        }
    }

    #[test]
    fn a_person_may_write_spaces_and_names() {
        let known = known(&["create[amount=0]", "refund", "two[a=1]", "two[a=2]"]);
        let check = |text: &str, labels: &[&str]| assert_eq!(known.read(text).unwrap(), labels);
        check(
            "create, refund ,refund",
            &["create[amount=0]", "refund", "refund"],
        );
        check("initial_state", &[]);
        let check = |text: &str, part: &str| assert_eq!(known.read(text).unwrap_err(), part);
        check("create,two,refund", "two");
        check("two[a=1],refunds", "refunds");
        check("two[a=3, b=4],refund", "two[a=3, b=4]");
        check("create[,refund", "create[");
        check("create,", "");
    }
}
