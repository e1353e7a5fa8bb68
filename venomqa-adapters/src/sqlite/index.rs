use rusqlite::Connection;

use super::schema::quoted;

/// What no two rows of a table may have in common.
#[derive(Debug)]
pub(super) struct UniqueIndex {
    terms: Vec<Term>,
    /// The `WHERE` of a partial index.
    filter: Option<String>,
}

#[derive(Debug)]
enum Term {
    Column { name: String, collation: String },
    Expression { sql: String, collation: String },
}

impl UniqueIndex {
    /// The unique indexes of a table, or the name of one that is beyond understanding.
    pub(super) fn all(db: &Connection, table: &str) -> rusqlite::Result<Result<Vec<Self>, String>> {
        let mut indexes = Vec::new();
        let mut list = db.prepare_cached(
            "SELECT name, partial, (SELECT sql FROM sqlite_schema s WHERE s.type = 'index' AND s.name = i.name) \
             FROM pragma_index_list(?1) i WHERE \"unique\" ORDER BY seq",
        )?;
        let mut rows = list.query([table])?;
        while let Some(row) = rows.next()? {
            let (name, partial): (String, bool) = (row.get(0)?, row.get(1)?);
            let sql: Option<String> = row.get(2)?;
            let parsed = sql.as_deref().and_then(parse);
            let mut terms = Vec::new();
            let mut columns = db.prepare_cached(
                "SELECT cid, name, coll FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno",
            )?;
            let mut columns = columns.query([&name])?;
            while let Some(column) = columns.next()? {
                let collation = column.get(2)?;
                terms.push(match column.get::<_, i64>(0)? {
                    0.. => Term::Column {
                        name: column.get(1)?,
                        collation,
                    },
                    _ => match parsed.as_ref().and_then(|index| index.0.get(terms.len())) {
                        Some(sql) => Term::Expression {
                            sql: sql.clone(),
                            collation,
                        },
                        None => return Ok(Err(name)),
                    },
                });
            }
            let filter = parsed.and_then(|index| index.1);
            if partial && filter.is_none() {
                return Ok(Err(name));
            }
            indexes.push(Self { terms, filter });
        }
        Ok(Ok(indexes))
    }

    /// The condition that a stored row is in the way of the row NEW of a trigger.
    ///
    /// `new` gives the value that a column of the new row will have, `new_row` a subquery with all of them under their names.
    pub(super) fn conflict(&self, new: impl Fn(&str) -> String, new_row: &str) -> String {
        let equal = |term: &Term| match term {
            Term::Column { name, collation } => {
                format!(
                    "{} COLLATE {} = {}",
                    quoted(name),
                    quoted(collation),
                    new(name)
                )
            }
            // The names in the expression mean the stored row on the left, and the new one inside the subquery.
            Term::Expression { sql, collation } => {
                format!(
                    "({sql}) COLLATE {} = (SELECT {sql} FROM {new_row})",
                    quoted(collation)
                )
            }
        };
        let mut conditions: Vec<_> = self.terms.iter().map(equal).collect();
        conditions.extend(self.filter.iter().map(|filter| format!("({filter})")));
        conditions.join(" AND ")
    }
}

/// The terms of a `CREATE INDEX` and its `WHERE`.
fn parse(sql: &str) -> Option<(Vec<String>, Option<String>)> {
    let mut terms = Vec::new();
    let (mut depth, mut start, mut end) = (0, 0, None);
    let mut at = 0;
    while let Some(&byte) = sql.as_bytes().get(at) {
        let after = skip(sql, at);
        if after > at + 1 {
            at = after;
            continue;
        }
        match byte {
            b'(' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
            }
            b',' if depth == 1 => {
                terms.push(without_direction(&sql[start..at]));
                start = at + 1;
            }
            b')' => {
                depth -= 1;
                if depth == 0 {
                    terms.push(without_direction(&sql[start..at]));
                    end = Some(at + 1);
                    break;
                }
            }
            _ => {}
        }
        at = after;
    }
    let rest = uncommented(sql.get(end?..)?);
    let rest = rest.trim();
    let filter = match rest.get(..5) {
        Some(word) if word.eq_ignore_ascii_case("where") => Some(rest[5..].trim().to_owned()),
        _ => None,
    };
    Some((terms, filter))
}

/// The end of the quoted name, string or comment that begins here; else of the one character.
fn skip(sql: &str, at: usize) -> usize {
    let rest = &sql[at..];
    let until = |end: &str, from: usize| {
        let found = rest[from..].find(end);
        at + found.map_or(rest.len(), |found| from + found + end.len())
    };
    match rest.as_bytes() {
        // A doubled quote ends one string and begins the next, which comes to the same.
        [b'\'', ..] => until("'", 1),
        [b'"', ..] => until("\"", 1),
        [b'`', ..] => until("`", 1),
        [b'[', ..] => until("]", 1),
        [b'-', b'-', ..] => until("\n", 2),
        [b'/', b'*', ..] => until("*/", 2),
        _ => at + rest.chars().next().map_or(1, char::len_utf8),
    }
}

fn uncommented(sql: &str) -> String {
    let (mut clean, mut at) = (String::new(), 0);
    while at < sql.len() {
        let after = skip(sql, at);
        let piece = &sql[at..after];
        clean.push_str(match piece {
            comment if comment.starts_with("--") || comment.starts_with("/*") => " ",
            piece => piece,
        });
        at = after;
    }
    clean
}

fn without_direction(term: &str) -> String {
    let term = uncommented(term);
    let term = term.trim();
    let word = term.rsplit(char::is_whitespace).next().unwrap_or(term);
    let direction = word.eq_ignore_ascii_case("asc") || word.eq_ignore_ascii_case("desc");
    match direction && word.len() < term.len() {
        true => term[..term.len() - word.len()].trim().to_owned(),
        false => term.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, terms: &[&str], filter: Option<&str>) {
        let (found, found_filter) = parse(sql).expect("an index with terms");
        assert_eq!(found, terms);
        assert_eq!(found_filter.as_deref(), filter);
    }

    #[test]
    fn the_terms_of_an_index_are_found_in_its_text() {
        check("CREATE UNIQUE INDEX i ON t(a)", &["a"], None);
        check(
            "create unique index \"i(,\" on [t)(] ( lower(a || ',)') desc, \"b\"\"(\" COLLATE nocase ASC )",
            &["lower(a || ',)')", "\"b\"\"(\" COLLATE nocase"],
            None,
        );
        check(
            "CREATE UNIQUE INDEX i ON t(a -- not, this)\n, /* nor ) */ coalesce(b, (c + 1))) where a > 0 AND b IN (1, 2)",
            &["a", "coalesce(b, (c + 1))"],
            Some("a > 0 AND b IN (1, 2)"),
        );
    }
}
