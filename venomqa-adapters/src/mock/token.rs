use crate::Value;

/// A piece of SQL.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A keyword or a bare name.
    Word(String),
    /// A name in double quotes.
    Name(String),
    Literal(Value),
    /// `?`
    Parameter,
    Symbol(&'static str),
}

impl Token {
    /// How messages show it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Name(text) => text.clone(),
            Self::Literal(value) => value.to_string(),
            Self::Parameter => "?".into(),
            Self::Symbol(symbol) => (*symbol).into(),
        }
    }
}

// The longer ones first.
const SYMBOLS: [&str; 14] = [
    "<=", ">=", "<>", "!=", "(", ")", ",", "*", "=", "<", ">", "+", "-", ";",
];

/// Splits SQL; the error is what it cannot read.
pub(super) fn tokens(sql: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '?' => (Token::Parameter, 1),
            '\'' | '"' => quoted(rest, first)?,
            _ if first.is_ascii_digit() => number(rest)?,
            _ if first.is_alphabetic() || first == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                let word = &rest[..end.unwrap_or(rest.len())];
                (Token::Word(word.into()), word.len())
            }
            _ => {
                let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
                let symbol = symbol.ok_or_else(|| format!("`{first}`"))?;
                (Token::Symbol(symbol), symbol.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn quoted(rest: &str, quote: char) -> Result<(Token, usize), String> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            text.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            let token = match quote {
                '\'' => Token::Literal(text.into()),
                _ => Token::Name(text),
            };
            return Ok((token, at + 1));
        }
    }
    Err(format!("{quote} that is never closed"))
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let digits = &rest[..end.unwrap_or(rest.len())];
    let value = match digits.parse::<i64>() {
        Ok(value) => Value::Int(value),
        Err(_) => Value::Float(
            digits
                .parse()
                .map_err(|_| format!("the number `{digits}`"))?,
        ),
    };
    Ok((Token::Literal(value), digits.len()))
}
