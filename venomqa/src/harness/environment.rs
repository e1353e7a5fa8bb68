use std::str::FromStr;
use std::time::Duration;

use super::Stop;
use crate::{Config, StrategyKind};

/// What environment variables say about a run.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    max_steps: Option<u64>,
    max_depth: Option<u32>,
    budget: Option<Duration>,
    seed: Option<u64>,
    strategy: Option<StrategyKind>,
    /// The sequence to execute instead of exploring.
    pub(crate) replay: Option<String>,
    /// What is done with new violations.
    pub(crate) update: Update,
    /// Whether this is continuous integration.
    pub(crate) ci: bool,
    /// Whether GitHub reads what is printed.
    pub(crate) github: bool,
    /// Where GitHub wants the summary of the step.
    pub(crate) github_summary: Option<String>,
    /// The process runs one test of a run of nextest.
    pub(crate) nextest: Option<Nextest>,
}

/// What nextest says about the run to which this process belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nextest {
    /// What is the same in all processes that share an exploration.
    pub(crate) run: Option<String>,
    /// The number of the attempt, from 1.
    pub(crate) attempt: u32,
}

/// What is done with a violation that has no file among the regressions yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Update {
    /// It is written beside the manifest, in continuous integration under `target/venomqa`.
    #[default]
    Auto,
    /// It is written beside the manifest, over an older one too.
    Always,
    /// Nothing is written.
    No,
}

impl Environment {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// A value is not what its variable takes.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Stop> {
        let read = Reader(&variable);
        let flag = |name| variable(name).is_some_and(|v| !matches!(&*v, "" | "0" | "false"));
        Ok(Self {
            max_steps: read.number("VENOMQA_MAX_STEPS")?,
            max_depth: read.number("VENOMQA_MAX_DEPTH")?,
            budget: read.value(
                "VENOMQA_BUDGET",
                "a time such as `30s`, `2m` or `500ms`",
                budget,
            )?,
            seed: read.number("VENOMQA_SEED")?,
            strategy: read.value(
                "VENOMQA_STRATEGY",
                "one of bfs, dfs, coverage_guided, random, weighted",
                strategy,
            )?,
            replay: variable("VENOMQA_REPLAY")
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty()),
            update: read
                .value("VENOMQA_UPDATE", "one of auto, always, no", update)?
                .unwrap_or_default(),
            ci: flag("CI"),
            github: flag("GITHUB_ACTIONS"),
            github_summary: variable("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()),
            nextest: flag("NEXTEST").then(|| nextest(&variable)),
        })
    }

    /// The configuration under these variables.
    pub(crate) fn over(&self, config: Config) -> Config {
        Config {
            max_steps: self.max_steps.or(config.max_steps),
            max_depth: self.max_depth.unwrap_or(config.max_depth),
            budget: self.budget.or(config.budget),
            seed: self.seed.unwrap_or(config.seed),
            strategy: self.strategy.unwrap_or(config.strategy),
            ..config
        }
    }
}

struct Reader<'a, V>(&'a V);

impl<V: Fn(&str) -> Option<String>> Reader<'_, V> {
    fn value<T>(
        &self,
        name: &str,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Stop> {
        // Set to nothing counts as not set, as continuous integration leaves variables.
        let Some(value) = (self.0)(name).filter(|value| !value.trim().is_empty()) else {
            return Ok(None);
        };
        let parsed = parse(value.trim());
        let bad = || Stop::usage(format!("{name} is `{value}`, it should be {wanted}"));
        parsed.map(Some).ok_or_else(bad)
    }

    fn number<T: FromStr + Default + PartialEq>(&self, name: &str) -> Result<Option<T>, Stop> {
        if name == "VENOMQA_SEED" {
            return self.value(name, "a whole number", |value| value.parse().ok());
        }
        self.value(name, "a whole number from 1", |value| {
            value.parse().ok().filter(|number| *number != T::default())
        })
    }
}

fn nextest(variable: &impl Fn(&str) -> Option<String>) -> Nextest {
    let parts = [
        "NEXTEST_RUN_ID",
        "NEXTEST_BINARY_ID",
        "NEXTEST_STRESS_CURRENT",
    ];
    let parts: Vec<_> = parts.iter().filter_map(|name| variable(name)).collect();
    Nextest {
        run: variable("NEXTEST_RUN_ID").map(|_| parts.join("-")),
        attempt: variable("NEXTEST_ATTEMPT")
            .and_then(|attempt| attempt.parse().ok())
            .unwrap_or(1),
    }
}

/// A number with a unit, several added up: `1m30s`.
fn budget(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |end| digits + end);
        let number: u64 = rest[..digits].parse().ok()?;
        let part = match rest[digits..unit_end].trim() {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" | "min" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = &rest[unit_end..];
    }
    (!total.is_zero()).then_some(total)
}

fn strategy(text: &str) -> Option<StrategyKind> {
    match text.to_lowercase().replace('-', "_").as_str() {
        "bfs" => Some(StrategyKind::Bfs),
        "dfs" => Some(StrategyKind::Dfs),
        "coverage_guided" => Some(StrategyKind::CoverageGuided),
        "random" => Some(StrategyKind::Random),
        "weighted" => Some(StrategyKind::Weighted),
        _ => None,
    }
}

fn update(text: &str) -> Option<Update> {
    match text {
        "auto" => Some(Update::Auto),
        "always" => Some(Update::Always),
        "no" => Some(Update::No),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, value: &str) -> Result<Environment, String> {
        Environment::read(|asked| (asked == name).then(|| value.into()))
            .map_err(|stop| stop.to_string())
    }

    #[test]
    fn a_bad_value_is_an_error_that_names_what_is_wanted() {
        let check = |name: &str, value: &str, wanted: &str| {
            let error = read(name, value).unwrap_err();
            assert!(error.contains(name) && error.contains(wanted), "{error}");
        };
        check("VENOMQA_MAX_STEPS", "many", "a whole number");
        check("VENOMQA_MAX_STEPS", "0", "from 1");
        check("VENOMQA_MAX_DEPTH", "-1", "a whole number");
        check("VENOMQA_BUDGET", "30", "`30s`");
        check("VENOMQA_BUDGET", "0s", "`30s`");
        check("VENOMQA_SEED", "x", "a whole number");
        check("VENOMQA_STRATEGY", "best", "bfs, dfs");
        check("VENOMQA_UPDATE", "yes", "auto, always, no");
    }

    #[test]
    fn good_values_override_the_configuration() {
        let config = |name, value| read(name, value).unwrap().over(Config::default());
        assert_eq!(config("VENOMQA_MAX_STEPS", "5").max_steps, Some(5));
        assert_eq!(config("VENOMQA_MAX_DEPTH", "3").max_depth, 3);
        assert_eq!(config("VENOMQA_SEED", "0").seed, 0);
        let budget = |text| config("VENOMQA_BUDGET", text).budget.unwrap();
        assert_eq!(budget("30s"), Duration::from_secs(30));
        assert_eq!(budget("1m30s"), Duration::from_secs(90));
        assert_eq!(budget("500ms"), Duration::from_millis(500));
        assert_eq!(
            config("VENOMQA_STRATEGY", "coverage-guided").strategy,
            StrategyKind::CoverageGuided
        );
    }

    #[test]
    fn a_sequence_is_left_to_who_knows_the_actions() {
        let replay = |text| read("VENOMQA_REPLAY", text).unwrap().replay;
        assert_eq!(replay(" a[c='['],b ").as_deref(), Some("a[c='['],b"));
        assert_eq!(replay(""), None);
    }

    #[test]
    fn processes_of_one_run_of_nextest_know_each_other() {
        let of = |stress: &str| {
            let environment = Environment::read(|name| match name {
                "NEXTEST" => Some("1".into()),
                "NEXTEST_RUN_ID" => Some("run".into()),
                "NEXTEST_BINARY_ID" => Some("a::t".into()),
                "NEXTEST_STRESS_CURRENT" => Some(stress.into()),
                "NEXTEST_ATTEMPT" => Some("2".into()),
                _ => None,
            });
            environment.unwrap().nextest.unwrap()
        };
        assert_eq!(of("none").run.as_deref(), Some("run-a::t-none"));
        assert_ne!(of("1").run, of("2").run);
        assert_eq!(of("none").attempt, 2);
    }
}
