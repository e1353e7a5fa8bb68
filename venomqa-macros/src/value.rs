use std::fmt::Display;
use std::str::FromStr;

use proc_macro2::{Span, TokenTree};
use syn::parse::Parse;
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitBool, LitInt, LitStr, Path, Result, Token};

use crate::attr::Opt;
use crate::near::{listed, nearest};

/// The statuses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

/// The values that options take.
impl Opt<'_> {
    pub(crate) fn text(&self) -> Result<LitStr> {
        self.value("a string")
    }

    pub(crate) fn texts(&self) -> Result<Vec<LitStr>> {
        let what = "strings in parentheses";
        if !self.input.peek(syn::token::Paren) {
            return Err(self.not(what));
        }
        let content;
        let paren = syn::parenthesized!(content in self.input);
        let texts = Punctuated::<LitStr, Token![,]>::parse_terminated(&content)
            .map_err(|error| Error::new(error.span(), self.takes(what)))?;
        if texts.is_empty() {
            return Err(Error::new(paren.span.join(), self.takes(what)));
        }
        Ok(texts.into_iter().collect())
    }

    pub(crate) fn path(&self) -> Result<Path> {
        let what = "a path";
        self.assigned(what)?;
        let fail = self.not(what);
        self.input.call(Path::parse_mod_style).map_err(|_| fail)
    }

    pub(crate) fn flag(&self) -> Result<bool> {
        if !self.input.peek(Token![=]) {
            return Ok(true);
        }
        let value: LitBool = self.value("no value, or `true` or `false`")?;
        Ok(value.value)
    }

    pub(crate) fn whole<N: FromStr<Err: Display> + PartialOrd + From<u8>>(
        &self,
        least: u8,
    ) -> Result<N> {
        let what = match least {
            0 => "a whole number".to_owned(),
            least => format!("a whole number of at least {least}"),
        };
        self.assigned(&what)?;
        let fail = self.not(&what);
        let Ok(literal) = self.input.parse::<LitInt>() else {
            return Err(fail);
        };
        if !literal.suffix().is_empty() || literal.base10_digits().starts_with('-') {
            return Err(fail);
        }
        match literal.base10_parse::<N>() {
            Ok(number) if number >= N::from(least) => Ok(number),
            Ok(_) => Err(fail),
            Err(_) => {
                let message = format!("this is too large for `{}`", self.name);
                Err(Error::new(literal.span(), message))
            }
        }
    }

    /// The variant that the word stands for.
    pub(crate) fn word(&self, words: &[(&'static str, &'static str)]) -> Result<&'static str> {
        let names = || words.iter().map(|(name, _)| *name);
        let what = listed(names(), "or");
        let word: Ident = self.value(&what)?;
        if let Some((_, variant)) = words.iter().find(|(name, _)| word == name) {
            return Ok(variant);
        }
        let meant = nearest(&word.to_string(), names());
        let meant = meant.map_or(String::new(), |word| format!("did you mean `{word}`? "));
        let message = meant + &self.takes(&what);
        Err(Error::new(word.span(), message))
    }

    /// A time, in milliseconds.
    pub(crate) fn duration(&self) -> Result<u64> {
        let what = "a whole number and a unit (ms, s, m, h), or seconds without one";
        self.assigned(what)?;
        // No remark about quotes: here they may be right.
        let fail = Error::new(self.next_span(), self.takes(what));
        let time = if self.input.peek(LitStr) {
            milliseconds(&self.input.parse::<LitStr>()?.value())
        } else {
            self.input
                .parse::<LitInt>()
                .ok()
                .filter(|literal| literal.suffix().is_empty())
                .and_then(|literal| milliseconds(&format!("{}s", literal.base10_digits())))
        };
        time.ok_or(fail)
    }

    pub(crate) fn statuses(&self) -> Result<Vec<Status>> {
        let what = "statuses";
        self.assigned(what)?;
        let mut statuses = Vec::new();
        loop {
            statuses.push(self.status()?);
            if self.input.parse::<Option<Token![|]>>()?.is_none() {
                return Ok(statuses);
            }
        }
    }

    /// `404`, `2xx` or `200-299`.
    fn status(&self) -> Result<Status> {
        let fail = self.not("statuses such as `2xx`, `404` and `200-299`, joined by `|`");
        let Ok(first) = self.input.parse::<LitInt>() else {
            return Err(fail);
        };
        let status = read_status(&first)?;
        if self.input.parse::<Option<Token![-]>>()?.is_none() {
            return Ok(status);
        }
        let last: LitInt = self.input.parse().map_err(|_| fail)?;
        let to = read_status(&last)?;
        if status.first != status.last || to.first != to.last || status.first > to.last {
            return Err(Error::new(
                last.span(),
                "a range goes from a status to a higher one: `200-299`",
            ));
        }
        Ok(Status {
            first: status.first,
            last: to.last,
        })
    }

    /// What comes after the `=`.
    fn value<T: Parse>(&self, what: &str) -> Result<T> {
        self.assigned(what)?;
        let fail = self.not(what);
        self.input.parse().map_err(|_| fail)
    }

    /// Goes past the `=`.
    fn assigned(&self, what: &str) -> Result<()> {
        if self.input.parse::<Option<Token![=]>>()?.is_some() {
            return Ok(());
        }
        Err(Error::new(self.name.span(), self.takes(what)))
    }

    /// After an option comes a comma, or nothing.
    pub(crate) fn end(&self) -> Result<()> {
        if self.input.is_empty() || self.input.peek(Token![,]) {
            return Ok(());
        }
        let message = format!(
            "`{}` is written `{}`; options are separated by `,`",
            self.name, self.example
        );
        Err(Error::new(self.next_span(), message))
    }

    fn not(&self, what: &str) -> Error {
        let quotes = match self.input.peek(LitStr) {
            true => ", without quotes",
            false => "",
        };
        Error::new(self.next_span(), self.takes(what) + quotes)
    }

    fn takes(&self, what: &str) -> String {
        format!("`{}` takes {what}: `{}`", self.name, self.example)
    }

    /// Where the value stands, or the option's name if nothing follows.
    fn next_span(&self) -> Span {
        let next: Option<TokenTree> = self.input.fork().parse().ok();
        next.map_or(self.name.span(), |token| token.span())
    }
}

fn read_status(literal: &LitInt) -> Result<Status> {
    let number = literal.base10_parse::<u16>().unwrap_or(0);
    match literal.suffix() {
        "" if (100..=599).contains(&number) => Ok(Status {
            first: number,
            last: number,
        }),
        "xx" if (1..=5).contains(&number) => Ok(Status {
            first: number * 100,
            last: number * 100 + 99,
        }),
        _ => Err(Error::new(
            literal.span(),
            format!(
                "`{literal}` is no status: they go from 100 to 599, in classes from 1xx to 5xx"
            ),
        )),
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_whole_number_and_a_unit() {
        assert_eq!(milliseconds("30s"), Some(30_000));
        assert_eq!(milliseconds("500ms"), Some(500));
        assert_eq!(milliseconds("2m"), Some(120_000));
        assert_eq!(milliseconds("1h"), Some(3_600_000));
        for wrong in [
            "",
            "s",
            "30",
            "0s",
            "1.5s",
            "30 s",
            "30sec",
            "-1s",
            "99999999999999999h",
        ] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
