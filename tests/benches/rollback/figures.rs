use std::time::Duration;

/// How long something took, many times.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

/// What one case came to.
pub(crate) struct Measured {
    /// The database and how it goes back.
    pub(crate) what: String,
    pub(crate) checkpoint: Times,
    pub(crate) rollback: Times,
    pub(crate) both: Times,
    /// A round trip to the server and back, in the same run.
    pub(crate) bare: Times,
}

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// In milliseconds; so many of a hundred took no longer.
    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent / 100).min(sorted.len() - 1);
        sorted[at].as_secs_f64() * 1e3
    }

    fn shown(&self) -> String {
        format!("{:8.3} / {:7.3}", self.percentile(50), self.percentile(95))
    }
}

/// The first line of the table.
pub(crate) fn heading() -> String {
    let columns = ["checkpoint", "rollback", "both", "bare round trip"];
    let columns: String = columns
        .iter()
        .map(|column| format!("{column:>20}"))
        .collect();
    format!(
        "{:12}{columns}   both / bare   (milliseconds, median / p95)",
        ""
    )
}

impl Measured {
    pub(crate) fn line(&self, name: &str) -> String {
        let columns = [&self.checkpoint, &self.rollback, &self.both, &self.bare];
        let columns: String = columns
            .iter()
            .map(|times| format!("{:>20}", times.shown()))
            .collect();
        let ratio = self.both.percentile(50) / self.bare.percentile(50);
        format!("{name:12}{columns}{ratio:14.1}")
    }
}
