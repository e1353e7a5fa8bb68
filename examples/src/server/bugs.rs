use std::fmt;
use std::str::FromStr;

/// A mistake that a server makes when told to.
pub trait Bug: Copy + PartialEq + 'static {
    /// All that this server can make.
    const ALL: &'static [Self];

    /// The name by which the server's variable knows it.
    fn name(self) -> &'static str;
}

/// The bugs that are switched on: none by default.
#[derive(Debug, Clone)]
pub struct Bugs<B>(Vec<B>);

impl<B: Bug> Bugs<B> {
    /// Whether this one is switched on.
    pub fn has(&self, bug: B) -> bool {
        self.0.contains(&bug)
    }
}

impl<B> Default for Bugs<B> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Names separated by commas; nothing and `none` switch nothing on.
impl<B: Bug> FromStr for Bugs<B> {
    type Err = UnknownBug;

    fn from_str(names: &str) -> Result<Self, UnknownBug> {
        let names = names.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty() && *name != "none");
        let bug = |name: &str| {
            let mut all = B::ALL.iter();
            let named = all.find(|bug| bug.name() == name).copied();
            named.ok_or_else(|| UnknownBug {
                name: name.to_owned(),
                known: B::ALL.iter().map(|bug| bug.name()).collect(),
            })
        };
        names.map(bug).collect::<Result<_, _>>().map(Self)
    }
}

/// A name that is no bug's. Its message lists those that are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownBug {
    name: String,
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.join(", ");
        write!(f, "unknown bug `{}`; there are: none, {known}", self.name)
    }
}

impl std::error::Error for UnknownBug {}
