use redis::{Pipeline, Value};

use super::found::{Deadlines, milliseconds};
use super::heard::Heard;
use super::link::Link;
use super::stop::Stop;

/// How changes come to be known.
#[derive(Debug)]
pub(super) enum Follow {
    /// The server tells the names of keys that change; how often commands were run that it does not tell of.
    Tracking(Option<Counters>),
    /// Nobody tells, so all keys are read every time.
    Dump,
}

/// How often commands were run that change keys in silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// Consumer groups are changed without a message.
    streams: u64,
    /// So are databases that are swapped; and after a reset the counters say nothing.
    swaps: u64,
    /// Keys written by anybody since the server last saved its data.
    writes: u64,
}

impl Follow {
    pub(super) fn deadlines(&self) -> Deadlines {
        match self {
            Self::Tracking(_) => Deadlines::Exact,
            Self::Dump => Deadlines::Counted,
        }
    }

    /// Adds the commands after whose answers everything was heard that others wrote before.
    ///
    /// The server sends what a write changes before it answers the writer, so an application that was answered has been heard.
    pub(super) fn add_fence(&self, commands: &mut Pipeline) {
        commands.cmd("TIME");
        if let Self::Tracking(_) = self {
            commands.cmd("INFO").arg("commandstats").arg("persistence");
        }
    }

    /// How many keys the server had counted as written when the fence was answered, if it was asked.
    pub(super) fn writes(&self) -> Option<u64> {
        match self {
            Self::Tracking(known) => known.map(|counters| counters.writes),
            Self::Dump => None,
        }
    }

    /// What was heard, once the fence is answered, and the server's clock. `first` says whether this begins a look.
    pub(super) fn hear(
        &mut self,
        link: &Link,
        mut answers: impl Iterator<Item = Value>,
        first: bool,
    ) -> Result<(Heard, i64), Stop> {
        let now = milliseconds(answers.next().unwrap_or_default())?;
        let heard = match self {
            Self::Dump if first => Heard::everything(),
            Self::Dump => Heard::default(),
            Self::Tracking(known) => {
                let mut heard = link.heard();
                let statistics: String = super::found::next(&mut answers)?;
                let counters = Counters::read(&statistics);
                let before = known.replace(counters).unwrap_or_default();
                heard.everything |= counters.swaps != before.swaps;
                heard.streams |= counters.streams != before.streams;
                heard
            }
        };
        Ok((heard, now))
    }
}

impl Counters {
    /// From the lines of `INFO commandstats`, such as `cmdstat_xgroup|create:calls=2,usec=18,…`, and of `INFO persistence`.
    fn read(statistics: &str) -> Self {
        let mut counters = Self {
            writes: figure(statistics, "rdb_changes_since_last_save").unwrap_or_default(),
            ..Self::default()
        };
        for line in statistics.lines() {
            let Some((name, figures)) = line
                .strip_prefix("cmdstat_")
                .and_then(|line| line.split_once(":calls="))
            else {
                continue;
            };
            let calls = figures
                .split(',')
                .next()
                .and_then(|calls| calls.parse::<u64>().ok());
            let calls = calls.unwrap_or_default();
            match name {
                "swapdb" | "config|resetstat" => counters.swaps += calls,
                // These are announced, or change nothing; we read with some of them ourselves.
                "xadd" | "xdel" | "xtrim" | "xlen" | "xread" | "xrange" | "xrevrange"
                | "xpending" => {}
                name if name.starts_with("xinfo") => {}
                name if name.starts_with('x') => counters.streams += calls,
                _ => {}
            }
        }
        counters
    }
}

/// A figure of what `INFO` says.
pub(super) fn figure(info: &str, name: &str) -> Option<u64> {
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(own, _)| *own == name)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_that_change_in_silence_count() {
        let check = |statistics: &str, streams: u64, swaps: u64, writes: u64| {
            let counters = Counters {
                streams,
                swaps,
                writes,
            };
            assert_eq!(Counters::read(statistics), counters);
        };
        check(
            "# Commandstats\r\ncmdstat_xgroup|create:calls=2,usec=18,usec_per_call=9.00\r\ncmdstat_xack:calls=3,usec=1\r\n\
             cmdstat_swapdb:calls=1,usec=2\r\ncmdstat_xinfo|stream:calls=40,usec=9\r\ncmdstat_xadd:calls=5,usec=1\r\n\
             cmdstat_get:calls=9,usec=1\r\n# Persistence\r\nloading:0\r\nrdb_changes_since_last_save:12\r\n",
            5,
            1,
            12,
        );
        check("", 0, 0, 0);
    }
}
