use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Ident, LitStr, Path, Result};

use crate::near::{listed, nearest};
use crate::value::Status;

/// Which attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Action,
    Invariant,
    Exploration,
}

/// An option's name, and an example that shows its form.
type Known = (&'static str, &'static str);

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Action, Self::Invariant, Self::Exploration];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Invariant => "invariant",
            Self::Exploration => "exploration",
        }
    }

    /// With its article, to begin or to go on with a sentence.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Action => "an action",
            Self::Invariant => "an invariant",
            Self::Exploration => "an exploration",
        }
    }

    fn known(self) -> &'static [Known] {
        match self {
            Self::Action => &[
                ("name", "name = \"pay\""),
                ("requires", "requires(\"order_id\")"),
                ("max_calls", "max_calls = 3"),
                ("expect", "expect = 2xx | 409"),
                ("may_fail", "may_fail"),
                ("weight", "weight = 5"),
                ("crate", "crate = my::venomqa"),
            ],
            Self::Invariant => &[
                ("name", "name = \"no_debt\""),
                ("severity", "severity = critical"),
                ("when", "when = before"),
                ("crate", "crate = my::venomqa"),
            ],
            Self::Exploration => &[
                ("name", "name = \"orders\""),
                ("strategy", "strategy = dfs"),
                ("max_depth", "max_depth = 6"),
                ("max_steps", "max_steps = 1000"),
                ("budget", "budget = \"30s\""),
                ("seed", "seed = 42"),
                ("complete", "complete"),
                ("expand_violating", "expand_violating"),
                ("fail_on", "fail_on = high"),
                ("crate", "crate = my::venomqa"),
            ],
        }
    }
}

/// What all three attributes can say.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) name: Option<LitStr>,
    pub(crate) krate: Option<Path>,
}

/// The options of `#[action]`.
#[derive(Default)]
pub(crate) struct ActionOptions {
    pub(crate) requires: Vec<LitStr>,
    pub(crate) max_calls: Option<u32>,
    pub(crate) expect: Option<Vec<Status>>,
    pub(crate) may_fail: bool,
    pub(crate) weight: Option<u32>,
}

/// The options of `#[invariant]`; words are the names of variants.
#[derive(Default)]
pub(crate) struct InvariantOptions {
    pub(crate) severity: Option<&'static str>,
    pub(crate) when: Option<&'static str>,
}

/// The options of `#[exploration]`; words are the names of variants.
#[derive(Default)]
pub(crate) struct ExplorationOptions {
    pub(crate) strategy: Option<&'static str>,
    pub(crate) max_depth: Option<u32>,
    pub(crate) max_steps: Option<u64>,
    pub(crate) budget_ms: Option<u64>,
    pub(crate) seed: Option<u64>,
    pub(crate) complete: bool,
    pub(crate) expand_violating: bool,
    pub(crate) fail_on: Option<&'static str>,
}

/// The options of one attribute.
pub(crate) enum Options {
    Action(ActionOptions),
    Invariant(InvariantOptions),
    Exploration(ExplorationOptions),
}

const SEVERITIES: &[(&str, &str)] = &[
    ("critical", "Critical"),
    ("high", "High"),
    ("medium", "Medium"),
    ("low", "Low"),
];
const WHEN: &[(&str, &str)] = &[("before", "Before"), ("after", "After"), ("both", "Both")];
const STRATEGIES: &[(&str, &str)] = &[
    ("bfs", "Bfs"),
    ("dfs", "Dfs"),
    ("coverage_guided", "CoverageGuided"),
    ("random", "Random"),
    ("weighted", "Weighted"),
];

/// An option whose name was read, and whose value comes next.
pub(crate) struct Opt<'a> {
    pub(crate) name: Ident,
    pub(crate) example: &'static str,
    pub(crate) input: ParseStream<'a>,
}

/// Reads the options of an attribute.
pub(crate) fn parse(kind: Kind, tokens: TokenStream) -> Result<(Shared, Options)> {
    let mut shared = Shared::default();
    let options = match kind {
        Kind::Action => {
            let mut to = ActionOptions::default();
            each(kind, tokens, &mut shared, |name, option| {
                match name {
                    "requires" => to.requires = option.texts()?,
                    "max_calls" => to.max_calls = Some(option.whole(1)?),
                    "expect" => to.expect = Some(option.statuses()?),
                    "may_fail" => to.may_fail = option.flag()?,
                    _ => to.weight = Some(option.whole(1)?),
                }
                Ok(())
            })?;
            Options::Action(to)
        }
        Kind::Invariant => {
            let mut to = InvariantOptions::default();
            each(kind, tokens, &mut shared, |name, option| {
                match name {
                    "severity" => to.severity = Some(option.word(SEVERITIES)?),
                    _ => to.when = Some(option.word(WHEN)?),
                }
                Ok(())
            })?;
            Options::Invariant(to)
        }
        Kind::Exploration => {
            let mut to = ExplorationOptions::default();
            each(kind, tokens, &mut shared, |name, option| {
                match name {
                    "strategy" => to.strategy = Some(option.word(STRATEGIES)?),
                    "max_depth" => to.max_depth = Some(option.whole(1)?),
                    "max_steps" => to.max_steps = Some(option.whole(1)?),
                    "budget" => to.budget_ms = Some(option.duration()?),
                    "seed" => to.seed = Some(option.whole(0)?),
                    "complete" => to.complete = option.flag()?,
                    "expand_violating" => to.expand_violating = option.flag()?,
                    _ => to.fail_on = Some(option.word(SEVERITIES)?),
                }
                Ok(())
            })?;
            Options::Exploration(to)
        }
    };
    Ok((shared, options))
}

/// Reads each option of the attribute once; those that are not shared go to `read`, by their known names.
fn each(
    kind: Kind,
    tokens: TokenStream,
    shared: &mut Shared,
    mut read: impl FnMut(&'static str, &Opt<'_>) -> Result<()>,
) -> Result<()> {
    begin_with_names(kind, &tokens)?;
    let mut seen = Vec::new();
    let parser = syn::meta::parser(|meta| {
        let written = meta.path.segments.iter();
        let written = written.map(|segment| segment.ident.unraw().to_string());
        let written = written.collect::<Vec<_>>().join("::");
        let Some((name, example)) = kind.known().iter().find(|(name, _)| *name == written) else {
            return Err(meta.error(unknown(kind, &written)));
        };
        if seen.contains(name) {
            return Err(meta.error(format_args!("`{name}` is given twice: leave one out")));
        }
        seen.push(name);
        let option = Opt {
            name: meta.path.segments[0].ident.clone(),
            example,
            input: meta.input,
        };
        match *name {
            "name" => shared.name = Some(option.text()?),
            "crate" => shared.krate = Some(option.path()?),
            name => read(name, &option)?,
        }
        option.end()
    });
    parser.parse2(tokens)
}

/// What stands where an option begins must be a name; syn's own message does not say what options look like.
fn begin_with_names(kind: Kind, tokens: &TokenStream) -> Result<()> {
    let mut begins = true;
    for token in tokens.clone() {
        if begins && !matches!(token, TokenTree::Ident(_)) {
            let (_, example) = kind.known()[0];
            let message = format!("`#[{}]` takes options such as `{example}`", kind.name());
            return Err(Error::new(token.span(), message));
        }
        begins = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',');
    }
    Ok(())
}

fn unknown(kind: Kind, written: &str) -> String {
    let names = || kind.known().iter().map(|(name, _)| *name);
    let meant = nearest(written, names());
    let meant = meant.map_or(";".to_owned(), |name| format!(", did you mean `{name}`?"));
    let (name, names) = (kind.name(), listed(names(), "and"));
    format!("unknown option `{written}`{meant} `#[{name}]` takes {names}")
}
