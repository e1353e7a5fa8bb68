use std::iter::Peekable;
use std::vec::IntoIter;

use super::token::{Token, tokens};
use crate::Value;

/// A statement of the subset that the mock understands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Statement {
    Create {
        table: String,
        columns: Vec<String>,
        key: Vec<String>,
    },
    Insert {
        table: String,
        /// Empty for all, in the order of the table.
        columns: Vec<String>,
        rows: Vec<Vec<Value>>,
        replace: bool,
    },
    Select {
        table: String,
        what: What,
        filter: Vec<Condition>,
        /// Columns, and whether from the greatest down.
        order: Vec<(String, bool)>,
        limit: Option<usize>,
    },
    Update {
        table: String,
        set: Vec<(String, Assigned)>,
        filter: Vec<Condition>,
    },
    Delete {
        table: String,
        filter: Vec<Condition>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Everything,
    Columns(Vec<String>),
    /// `COUNT(*)`, and under which name.
    Count(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) column: String,
    pub(super) operator: &'static str,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Assigned {
    Value(Value),
    /// A column, and what is added to it.
    Sum(String, Value),
}

/// Reads one statement with its parameters; the error says what is outside of the subset.
pub(super) fn parse(sql: &str, params: Vec<Value>) -> Result<Statement, String> {
    let mut parser = Parser {
        tokens: tokens(sql)?.into_iter().peekable(),
        params: params.into_iter(),
    };
    let statement = parser.statement()?;
    parser.symbol(";");
    if let Some(token) = parser.tokens.next() {
        return Err(format!("`{}`", token.shown()));
    }
    match parser.params.next() {
        Some(_) => Err("more parameters than placeholders".into()),
        None => Ok(statement),
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    params: IntoIter<Value>,
}

impl Parser {
    fn statement(&mut self) -> Result<Statement, String> {
        if self.word("SELECT") {
            self.select()
        } else if self.word("INSERT") {
            let replace = self.word("OR");
            if replace {
                self.expect_word("REPLACE")?;
            }
            self.insert(replace)
        } else if self.word("UPDATE") {
            let table = self.name()?;
            self.expect_word("SET")?;
            let set = self.list(Self::assignment)?;
            let filter = self.filter()?;
            Ok(Statement::Update { table, set, filter })
        } else if self.word("DELETE") {
            self.expect_word("FROM")?;
            let (table, filter) = (self.name()?, self.filter()?);
            Ok(Statement::Delete { table, filter })
        } else if self.word("CREATE") {
            self.expect_word("TABLE")?;
            self.create()
        } else {
            Err(self.unexpected())
        }
    }

    fn select(&mut self) -> Result<Statement, String> {
        let what = if self.symbol("*") {
            What::Everything
        } else if self.word("COUNT") {
            for symbol in ["(", "*", ")"] {
                self.expect_symbol(symbol)?;
            }
            let named = self.word("AS");
            What::Count(if named {
                self.name()?
            } else {
                "COUNT(*)".into()
            })
        } else {
            What::Columns(self.list(Self::name)?)
        };
        self.expect_word("FROM")?;
        let (table, filter) = (self.name()?, self.filter()?);
        let mut order = Vec::new();
        if self.word("ORDER") {
            self.expect_word("BY")?;
            order = self.list(|parser| {
                let column = parser.name()?;
                let down = parser.word("DESC");
                if !down {
                    parser.word("ASC");
                }
                Ok((column, down))
            })?;
        }
        let limit = match self.word("LIMIT") {
            true => Some(match self.value()? {
                Value::Int(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
                other => return Err(format!("LIMIT {other}")),
            }),
            false => None,
        };
        Ok(Statement::Select {
            table,
            what,
            filter,
            order,
            limit,
        })
    }

    fn insert(&mut self, replace: bool) -> Result<Statement, String> {
        self.expect_word("INTO")?;
        let table = self.name()?;
        let mut columns = Vec::new();
        if self.symbol("(") {
            columns = self.list(Self::name)?;
            self.expect_symbol(")")?;
        }
        self.expect_word("VALUES")?;
        let rows = self.list(|parser| {
            parser.expect_symbol("(")?;
            let row = parser.list(Self::value)?;
            parser.expect_symbol(")")?;
            Ok(row)
        })?;
        Ok(Statement::Insert {
            table,
            columns,
            rows,
            replace,
        })
    }

    /// Types are read over: a column holds any value.
    fn create(&mut self) -> Result<Statement, String> {
        let table = self.name()?;
        self.expect_symbol("(")?;
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        self.list(|parser| {
            if parser.word("PRIMARY") {
                parser.expect_word("KEY")?;
                parser.expect_symbol("(")?;
                key = parser.list(Self::name)?;
                return parser.expect_symbol(")");
            }
            let column = parser.name()?;
            const TYPES: [&str; 8] = [
                "INTEGER", "INT", "BIGINT", "TEXT", "REAL", "BLOB", "BOOLEAN", "NUMERIC",
            ];
            TYPES.iter().any(|name| parser.word(name));
            if parser.word("PRIMARY") {
                parser.expect_word("KEY")?;
                key = vec![column.clone()];
            }
            columns.push(column);
            Ok(())
        })?;
        self.expect_symbol(")")?;
        Ok(Statement::Create {
            table,
            columns,
            key,
        })
    }

    fn assignment(&mut self) -> Result<(String, Assigned), String> {
        let column = self.name()?;
        self.expect_symbol("=")?;
        if !matches!(self.tokens.peek(), Some(Token::Word(_) | Token::Name(_)))
            || self.peeks_constant()
        {
            return Ok((column, Assigned::Value(self.value()?)));
        }
        let from = self.name()?;
        let minus = self.symbol("-");
        if !minus {
            self.expect_symbol("+")?;
        }
        let value = self.value()?;
        let value = if minus { negative(value)? } else { value };
        Ok((column, Assigned::Sum(from, value)))
    }

    fn filter(&mut self) -> Result<Vec<Condition>, String> {
        let mut conditions = Vec::new();
        if !self.word("WHERE") {
            return Ok(conditions);
        }
        loop {
            let column = self.name()?;
            let operators = ["=", "<>", "!=", "<=", ">=", "<", ">"];
            let operator = operators.into_iter().find(|operator| self.symbol(operator));
            let operator = operator.ok_or_else(|| self.unexpected())?;
            let value = self.value()?;
            conditions.push(Condition {
                column,
                operator,
                value,
            });
            if !self.word("AND") {
                return Ok(conditions);
            }
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        if self.symbol("-") {
            return negative(self.value()?);
        }
        for (word, value) in CONSTANTS {
            if self.word(word) {
                return Ok(value);
            }
        }
        match self
            .tokens
            .next_if(|token| matches!(token, Token::Literal(_) | Token::Parameter))
        {
            Some(Token::Literal(value)) => Ok(value),
            Some(_) => self
                .params
                .next()
                .ok_or_else(|| "fewer parameters than placeholders".into()),
            None => Err(self.unexpected()),
        }
    }

    fn peeks_constant(&mut self) -> bool {
        let Some(Token::Word(word)) = self.tokens.peek() else {
            return false;
        };
        CONSTANTS
            .iter()
            .any(|(constant, _)| word.eq_ignore_ascii_case(constant))
    }

    fn list<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let mut list = vec![one(self)?];
        while self.symbol(",") {
            list.push(one(self)?);
        }
        Ok(list)
    }

    fn name(&mut self) -> Result<String, String> {
        match self
            .tokens
            .next_if(|token| matches!(token, Token::Word(_) | Token::Name(_)))
        {
            Some(Token::Word(name) | Token::Name(name)) => Ok(name),
            _ => Err(self.unexpected()),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let is =
            |token: &Token| matches!(token, Token::Word(found) if found.eq_ignore_ascii_case(word));
        self.tokens.next_if(is).is_some()
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let is = |token: &Token| matches!(token, Token::Symbol(found) if *found == symbol);
        self.tokens.next_if(is).is_some()
    }

    fn expect_word(&mut self, word: &str) -> Result<(), String> {
        if self.word(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), String> {
        if self.symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&mut self) -> String {
        let found = self.tokens.peek();
        found.map_or("an end so early".into(), |token| {
            format!("`{}`", token.shown())
        })
    }
}

const CONSTANTS: [(&str, Value); 3] = [
    ("NULL", Value::Null),
    ("TRUE", Value::Bool(true)),
    ("FALSE", Value::Bool(false)),
];

fn negative(value: Value) -> Result<Value, String> {
    match value {
        Value::Int(value) => Ok(Value::Int(-value)),
        Value::Float(value) => Ok(Value::Float(-value)),
        other => Err(format!("minus {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, refused: &str) {
        let error = parse(sql, Vec::new()).expect_err(sql);
        assert!(error.contains(refused), "{sql}: {error}");
    }

    #[test]
    fn what_is_outside_of_the_subset_is_named() {
        check("SELECT * FROM a JOIN b", "`JOIN`");
        check("SELECT sum(x) FROM a", "`(`");
        check("SELECT * FROM a WHERE x = 1 OR y = 2", "`OR`");
        check("SELECT * FROM a WHERE x LIKE 'a'", "`LIKE`");
        check("CREATE TABLE a(x TEXT UNIQUE)", "`UNIQUE`");
        check("DROP TABLE a", "`DROP`");
        check("DELETE FROM", "an end so early");
        check("SELECT * FROM a WHERE x = 'open", "never closed");
        check("SELECT * FROM a WHERE x = ?", "fewer parameters");
        check("SELECT 'a' FROM a", "`a`");
    }

    #[test]
    fn quotes_and_signs_are_read() {
        let statement = parse(
            "update \"my table\" SET n = n - 2, s = 'it''s' where \"a b\" <> -1.5;",
            vec![],
        );
        let expected = Statement::Update {
            table: "my table".into(),
            set: vec![
                ("n".into(), Assigned::Sum("n".into(), Value::Int(-2))),
                ("s".into(), Assigned::Value("it's".into())),
            ],
            filter: vec![Condition {
                column: "a b".into(),
                operator: "<>",
                value: Value::Float(-1.5),
            }],
        };
        assert_eq!(statement, Ok(expected));
    }
}
