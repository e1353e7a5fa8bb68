/// Something that the user leaves out of what identifies a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ignore {
    /// What the user wrote, for reports.
    pub(crate) text: String,
    pub(crate) target: Target,
    /// A JSON pointer below the target, if only a part of it is left out.
    pub(crate) pointer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Table(String),
    Column { table: String, column: String },
    Context(String),
    Cookies,
    Observed,
}

impl Ignore {
    /// Parses what [`World::ignore`](crate::World::ignore) documents. Everything parses; what matches nothing is found out in the run.
    pub(crate) fn parse(text: &str) -> Self {
        let (path, pointer) = match text.find('/') {
            Some(slash) => (&text[..slash], Some(text[slash..].to_owned())),
            None => (text, None),
        };
        let target = match path.rsplit_once('.') {
            Some(("context", key)) => Target::Context(key.into()),
            Some((table, column)) => Target::Column {
                table: table.into(),
                column: column.into(),
            },
            None if path == "cookies" => Target::Cookies,
            None if path == "observed" => Target::Observed,
            None => Target::Table(path.into()),
        };
        Self {
            text: text.into(),
            target,
            pointer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, target: Target, pointer: Option<&str>) {
        let expected = Ignore {
            text: text.into(),
            target,
            pointer: pointer.map(Into::into),
        };
        assert_eq!(Ignore::parse(text), expected);
    }

    #[test]
    fn every_documented_form_parses() {
        let column = |table: &str, column: &str| Target::Column {
            table: table.into(),
            column: column.into(),
        };
        check("sessions", Target::Table("sessions".into()), None);
        check("orders.created_at", column("orders", "created_at"), None);
        check(
            "billing.orders.created_at",
            column("billing.orders", "created_at"),
            None,
        );
        check(
            "orders.payload/a/b",
            column("orders", "payload"),
            Some("/a/b"),
        );
        check("context.token", Target::Context("token".into()), None);
        check("cookies", Target::Cookies, None);
        check("observed/now", Target::Observed, Some("/now"));
    }
}
