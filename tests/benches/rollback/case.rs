/// How much is stored and how much changes.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// In each of ten tables.
    pub(crate) rows: usize,
    pub(crate) changed: usize,
}

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "a",
        rows: 100,
        changed: 3,
    },
    Case {
        name: "b",
        rows: 10_000,
        changed: 3,
    },
    Case {
        name: "c",
        rows: 10_000,
        changed: 1000,
    },
];

impl Case {
    pub(crate) fn legend(&self) -> String {
        let Self {
            name,
            rows,
            changed,
            ..
        } = self;
        format!("({name}) 10 tables with {rows} rows each, of which {changed} change")
    }
}
