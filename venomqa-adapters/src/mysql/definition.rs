use mysql_async::Row as SqlRow;

use super::link::Link;
use super::schema::{literal, quoted};
use super::stop::Stop;

/// One table, view, trigger, routine or event, or what the database itself is set to.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) kind: What,
    pub(super) name: String,
    /// The bytes of the statement, in the character set of the client that made it. Empty where this account may not read it.
    pub(super) statement: Vec<u8>,
    /// What the session was set to when it was made, as `SET` takes it.
    pub(super) settings: String,
    /// What the database gave new tables then, for what remembers that.
    pub(super) collation: String,
    /// The place of a trigger among those of the same event. The statement does not tell it.
    pub(super) place: u64,
}

/// In the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Database,
    Table,
    Function,
    Procedure,
    View,
    Trigger,
    Event,
}

/// Where `SHOW CREATE` has what.
struct Columns {
    statement: usize,
    mode: Option<usize>,
    /// The first of two.
    charset: Option<usize>,
    collation: Option<usize>,
    zone: Option<usize>,
}

impl What {
    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Database,
            Self::Table,
            Self::Function,
            Self::Procedure,
            Self::View,
            Self::Trigger,
            Self::Event,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// As a statement names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Database => "DATABASE",
            Self::Table => "TABLE",
            Self::Function => "FUNCTION",
            Self::Procedure => "PROCEDURE",
            Self::View => "VIEW",
            Self::Trigger => "TRIGGER",
            Self::Event => "EVENT",
        }
    }

    fn columns(self) -> Columns {
        let (statement, mode, charset, collation, zone) = match self {
            Self::Database | Self::Table => (1, None, None, None, None),
            Self::View => (1, None, Some(2), None, None),
            Self::Function | Self::Procedure | Self::Trigger => {
                (2, Some(1), Some(3), Some(5), None)
            }
            Self::Event => (3, Some(1), Some(4), Some(6), Some(2)),
        };
        Columns {
            statement,
            mode,
            charset,
            collation,
            zone,
        }
    }
}

impl Definition {
    /// What `SHOW CREATE` said, if it said anything.
    pub(super) fn shown(kind: What, name: String, place: u64, mut row: Option<SqlRow>) -> Self {
        let columns = kind.columns();
        let mut take = |column: usize| -> Option<Vec<u8>> {
            row.as_mut()
                .and_then(|row| row.take_opt(column))
                .and_then(Result::ok)
                .flatten()
        };
        let statement = take(columns.statement).unwrap_or_default();
        let mut text = |column: Option<usize>| {
            let bytes = column.and_then(&mut take);
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        // Without a mode of its own a statement is printed in one that is right in this, whatever the mode it is printed in.
        let mode = text(columns.mode).unwrap_or_default();
        let mut settings = format!("sql_mode = {}", literal(&mode));
        let charset = columns.charset;
        for (setting, column) in [
            ("character_set_client", charset),
            ("collation_connection", charset.map(|column| column + 1)),
            ("time_zone", columns.zone),
        ] {
            if let Some(value) = text(column) {
                settings.push_str(&format!(", {setting} = {}", literal(&value)));
            }
        }
        Self {
            kind,
            name,
            statement,
            settings,
            collation: text(columns.collation).unwrap_or_default(),
            place,
        }
    }

    /// As a message names it.
    pub(super) fn called(&self) -> String {
        format!("{} {}", self.kind.name().to_lowercase(), quoted(&self.name))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        fn rest(of: &Definition) -> (What, &str, &str, &str, u64) {
            (of.kind, &of.name, &of.settings, &of.collation, of.place)
        }
        rest(self) == rest(other)
            && without_counter(&self.statement) == without_counter(&other.statement)
    }

    /// Makes it, unless nobody knows how.
    pub(super) async fn make(&self, link: &mut Link) -> Result<(), Stop> {
        if self.statement.is_empty() {
            return Ok(());
        }
        // The server drops an event at once whose time is over, even if it has not been carried out yet.
        let (early, now) = match self.kind {
            What::Event => (", timestamp = 1", "; SET timestamp = DEFAULT"),
            _ => ("", ""),
        };
        link.run(&format!("SET {}{early}", self.settings)).await?;
        let made = link.run(&self.statement).await;
        let usual = link.server.settings();
        made.and(link.run(&format!("{usual}{now}")).await)
    }
}

/// A table's statement without the number that it gives next, which changes with every row.
fn without_counter(statement: &[u8]) -> Vec<u8> {
    const COUNTER: &[u8] = b" AUTO_INCREMENT=";
    let at = statement
        .windows(COUNTER.len())
        .position(|part| part == COUNTER);
    let Some(at) = at else {
        return statement.into();
    };
    let (before, after) = statement.split_at(at);
    let digits = after[COUNTER.len()..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    [before, &after[COUNTER.len() + digits.count()..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_no_part_of_a_table() {
        let statement =
            b"CREATE TABLE `t` (`id` int) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4";
        assert_eq!(
            without_counter(statement),
            b"CREATE TABLE `t` (`id` int) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        );
        assert_eq!(without_counter(b"CREATE TABLE `t`"), b"CREATE TABLE `t`");
    }
}
