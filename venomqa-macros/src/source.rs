use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The tokens as a person writes them in a short expression: `-1`, `Kind::Paid`, `f(1, "x")`.
///
/// Tokens print with a space between any two, and the source text of several tokens is not to be had on stable Rust.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    let mut after_word = false;
    for token in tokens {
        let word = matches!(token, TokenTree::Ident(_) | TokenTree::Literal(_));
        if after_word && word {
            text.push(' ');
        }
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                text.push_str(&self::text(group.stream()));
                text.push_str(close);
            }
            TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';') => {
                text.push(punct.as_char());
                text.push(' ');
            }
            token => text.push_str(&token.to_string()),
        }
        after_word = word;
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_look_as_they_were_written() {
        for source in [
            "-1",
            "Kind::Paid",
            "\"a b\"",
            "f(1, &x)[0].y",
            "vec![1, 2]",
            "a as u8",
        ] {
            assert_eq!(text(source.parse().unwrap()), source);
        }
    }
}
