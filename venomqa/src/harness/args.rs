use std::num::NonZeroUsize;

use super::Stop;

/// The command line as `cargo test` users write it, of which libtest-mimic understands a part.
#[derive(Debug)]
pub(crate) struct Args {
    /// What libtest-mimic understands, without filters.
    pub(crate) libtest: libtest_mimic::Arguments,
    /// The filters; a test that matches one of them is selected. Empty: all are.
    pub(crate) filters: Vec<String>,
    /// What is said about flags without effect.
    pub(crate) notes: Vec<String>,
}

/// The options whose value is the next argument.
const WITH_VALUE: &[&str] = &[
    "--test-threads",
    "--logfile",
    "--skip",
    "--color",
    "--format",
    "-Z",
];

/// What libtest has and libtest-mimic has not. Tests are run in order and take no time of their own here, for exploring comes first.
const WITHOUT_EFFECT: &[&str] = &[
    "--shuffle",
    "--shuffle-seed",
    "--report-time",
    "--ensure-time",
    "--exclude-should-panic",
    "--force-run-in-process",
];

impl Args {
    /// Reads the arguments, the program's name first.
    ///
    /// A bad flag ends the process with status 2, as `--help` does with 0.
    ///
    /// # Errors
    ///
    /// The number of threads makes no sense.
    pub(crate) fn read(
        arguments: impl IntoIterator<Item = String>,
        rust_test_threads: Option<String>,
    ) -> Result<Self, Stop> {
        let Normalised {
            kept,
            filters,
            notes,
        } = normalise(arguments);
        let mut libtest = libtest_mimic::Arguments::from_iter(kept);
        if libtest.test_threads == Some(0) {
            return Err(Stop::usage("--test-threads must not be 0"));
        }
        if libtest.test_threads.is_none() {
            let from_environment = rust_test_threads.map(|value| {
                value.parse::<NonZeroUsize>().map_err(|_| {
                    Stop::usage(format!(
                        "RUST_TEST_THREADS is `{value}`, it should be a positive number"
                    ))
                })
            });
            // Only regressions do anything here, and they have the machine to themselves.
            libtest.test_threads = Some(from_environment.transpose()?.map_or(1, Into::into));
        }
        Ok(Self {
            libtest,
            filters,
            notes,
        })
    }

    /// Whether tests are run at all.
    pub(crate) fn runs(&self) -> bool {
        !self.libtest.list && !self.libtest.bench && !self.libtest.ignored
    }

    /// Whether a test of this name is selected. Its aliases are paths of functions: they count in full only (`--exact`).
    pub(crate) fn select(&self, name: &str, aliases: &[String]) -> bool {
        let matches = |filter: &String| {
            if self.libtest.exact {
                name == filter || aliases.contains(filter)
            } else {
                name.contains(filter.as_str())
            }
        };
        (self.filters.is_empty() || self.filters.iter().any(matches))
            && !self.libtest.skip.iter().any(matches)
    }

    /// What makes libtest-mimic leave exactly these tests out.
    pub(crate) fn leaving_out(&self, names: Vec<String>) -> libtest_mimic::Arguments {
        libtest_mimic::Arguments {
            filter: None,
            exact: true,
            skip: names,
            ..self.libtest.clone()
        }
    }
}

struct Normalised {
    kept: Vec<String>,
    filters: Vec<String>,
    notes: Vec<String>,
}

fn normalise(arguments: impl IntoIterator<Item = String>) -> Normalised {
    let mut arguments = arguments.into_iter();
    let mut kept: Vec<String> = arguments.next().into_iter().collect();
    let (mut filters, mut notes) = (Vec::new(), Vec::new());
    while let Some(argument) = arguments.next() {
        let flag = argument.split('=').next().unwrap_or_default();
        if argument == "--" {
            filters.extend(arguments.by_ref());
        } else if argument == "--no-capture" {
            kept.push("--nocapture".into());
        } else if WITHOUT_EFFECT.contains(&flag) {
            if flag == "--shuffle-seed" && argument == flag {
                arguments.next();
            }
            notes.push(format!("{flag} has no effect on these tests"));
        } else if WITH_VALUE.contains(&argument.as_str()) {
            kept.push(argument);
            kept.extend(arguments.next());
        } else if argument.starts_with('-') {
            kept.push(argument);
        } else {
            filters.push(argument);
        }
    }
    Normalised {
        kept,
        filters,
        notes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        let words = std::iter::once("t").chain(line.split_whitespace());
        Args::read(words.map(String::from), None).unwrap()
    }

    fn check(line: &str, selected: &[&str]) {
        let args = args(line);
        let tests = [
            ("orders::explore", "orders"),
            ("orders::no_over_refund", "rules::no_over_refund"),
            ("users::explore", "users"),
        ];
        let names: Vec<_> = tests
            .iter()
            .filter(|(name, alias)| args.select(name, &[(*alias).to_owned()]))
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(names, selected, "{line}");
    }

    #[test]
    fn filters_are_united() {
        check(
            "",
            &[
                "orders::explore",
                "orders::no_over_refund",
                "users::explore",
            ],
        );
        check(
            "refund users",
            &["orders::no_over_refund", "users::explore"],
        );
        check("explore --skip users", &["orders::explore"]);
        check("--exact orders::explore", &["orders::explore"]);
        check("--exact explore", &[]);
        check("-- -odd-", &[]);
    }

    #[test]
    fn the_path_of_a_function_counts_in_full_only() {
        check(
            "rules::no_over_refund --exact --nocapture",
            &["orders::no_over_refund"],
        );
        check("rules::no_over", &[]);
    }

    #[test]
    fn what_libtest_has_and_libtest_mimic_has_not_is_accepted() {
        let args = args(
            "--no-capture --shuffle --shuffle-seed 3 --report-time=plain --test-threads 4 a b",
        );
        assert!(args.libtest.nocapture);
        assert_eq!(args.libtest.test_threads, Some(4));
        assert_eq!(args.filters, ["a", "b"]);
        assert_eq!(args.notes.len(), 3);
    }

    #[test]
    fn a_number_of_threads_that_would_hang_is_refused() {
        let read = |line: &[&str], variable: Option<&str>| {
            Args::read(
                line.iter().map(|&word| word.to_owned()),
                variable.map(Into::into),
            )
        };
        assert!(read(&["t", "--test-threads=0"], None).is_err());
        assert!(read(&["t"], Some("0")).is_err());
        assert!(read(&["t"], Some("many")).is_err());
        let read = read(&["t"], Some("3")).unwrap();
        assert_eq!(read.libtest.test_threads, Some(3));
    }
}
