use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Error, Expr, FnArg, Ident, Lit, LitStr, Meta, Pat, PatType, Result, ReturnType,
    Signature, Token, Type, Visibility,
};

use crate::near::nearest;

/// The user's function. Its body is never looked into.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// Without the attributes on arguments that are ours.
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
    /// For each argument, its attributes that are ours.
    ours: Vec<Vec<Attribute>>,
}

/// What the wrapper passes for one argument.
pub(crate) struct Argument {
    pub(crate) ty: Type,
    pub(crate) from: From,
}

/// Where an argument's value comes from.
pub(crate) enum From {
    /// What the world has of its type, and of this name.
    World(Option<LitStr>),
    /// One of these values.
    Values {
        attribute: Span,
        name: Ident,
        values: Vec<Expr>,
    },
}

/// The attributes that an argument can have.
const OURS: [&str; 3] = ["system", "api", "values"];

/// The lint attributes, and those that rustc knows on arguments, are never misspelt ones of ours.
const FOREIGN: [&str; 8] = [
    "allow", "cfg", "cfg_attr", "deny", "doc", "expect", "forbid", "warn",
];

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let mut signature: Signature = input.parse()?;
        if !input.peek(syn::token::Brace) {
            return Err(input.error("this function has no body"));
        }
        let ours = signature.inputs.iter_mut().map(take_ours).collect();
        Ok(Self {
            attrs,
            visibility,
            signature,
            body: input.parse()?,
            ours,
        })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attrs);
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

impl Function {
    /// Its name, without `r#`.
    pub(crate) fn name(&self) -> String {
        self.signature.ident.unraw().to_string()
    }

    /// The first paragraph of its documentation, as one line.
    pub(crate) fn about(&self) -> String {
        let texts: Vec<_> = self.attrs.iter().filter_map(doc).collect();
        let first = texts
            .iter()
            .flat_map(|text| text.split('\n'))
            // Rustdoc drops the stars of a block comment.
            .map(|line| line.trim())
            .map(|line| line.strip_prefix("* ").unwrap_or(line))
            .map(|line| if line == "*" { "" } else { line })
            .skip_while(|line| line.is_empty())
            .take_while(|line| !line.is_empty());
        first.collect::<Vec<_>>().join(" ")
    }

    /// The attributes under which it exists at all.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.attrs.iter().filter(|attr| attr.path().is_ident("cfg"))
    }

    /// The return type, if it has one.
    pub(crate) fn output(&self) -> Option<&Type> {
        match &self.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// Its arguments other than `self`, which is refused elsewhere.
    pub(crate) fn arguments(&self) -> Result<Vec<Argument>> {
        let inputs = self.signature.inputs.iter().zip(&self.ours);
        inputs
            .filter_map(|(input, ours)| match input {
                FnArg::Receiver(_) => None,
                FnArg::Typed(typed) => Some(argument(typed, ours)),
            })
            .collect()
    }
}

/// The text of a documentation attribute, unless a macro makes it.
fn doc(attr: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attr.meta else {
        return None;
    };
    match &meta.value {
        Expr::Lit(value) if meta.path.is_ident("doc") => match &value.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn take_ours(input: &mut FnArg) -> Vec<Attribute> {
    let attrs = match input {
        FnArg::Receiver(receiver) => &mut receiver.attrs,
        FnArg::Typed(typed) => &mut typed.attrs,
    };
    attrs.extract_if(.., |attr| meant(attr).is_some()).collect()
}

/// Which of our attributes it is, or was probably meant to be.
fn meant(attr: &Attribute) -> Option<&'static str> {
    let name = attr.path().get_ident()?.to_string();
    if FOREIGN.contains(&name.as_str()) {
        return None;
    }
    nearest(&name, OURS)
}

fn argument(typed: &PatType, ours: &[Attribute]) -> Result<Argument> {
    let ty = (*typed.ty).clone();
    let Some(attr) = ours.first() else {
        return Ok(Argument {
            ty,
            from: From::World(None),
        });
    };
    let name = meant(attr).unwrap_or_default();
    if !attr.path().is_ident(name) {
        let message = format!("unknown attribute on an argument, did you mean `#[{name}(..)]`?");
        return Err(Error::new_spanned(attr.path(), message));
    }
    if let Some(second) = ours.get(1) {
        let message = "an argument takes one of `#[system(..)]`, `#[api(..)]` and `#[values(..)]`";
        return Err(Error::new_spanned(second.path(), message));
    }
    let from = match name {
        "values" => values(typed, attr)?,
        name => From::World(Some(named(name, attr)?)),
    };
    Ok(Argument { ty, from })
}

fn named(name: &str, attr: &Attribute) -> Result<LitStr> {
    let example = match name {
        "api" => "#[api(\"billing\")]",
        _ => "#[system(\"cache\")]",
    };
    let message = format!("say the name that it has in the world: `{example}`");
    attr.parse_args()
        .map_err(|_| Error::new_spanned(attr.path(), message))
}

fn values(typed: &PatType, attr: &Attribute) -> Result<From> {
    let written = match &attr.meta {
        Meta::List(list) => list.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated),
        Meta::Path(_) | Meta::NameValue(_) => Ok(Punctuated::new()),
    }?;
    if written.is_empty() {
        let message = "say the values that the argument takes: `#[values(1, 0, -1)]`";
        return Err(Error::new_spanned(attr.path(), message));
    }
    let Pat::Ident(pattern) = &*typed.pat else {
        let message = "an argument with values has a plain name, under which reports show it";
        return Err(Error::new_spanned(&typed.pat, message));
    };
    Ok(From::Values {
        attribute: attr.path().segments[0].ident.span(),
        name: pattern.ident.clone(),
        values: written.into_iter().collect(),
    })
}

/// The type with these lifetimes left to inference, as a function body needs it.
pub(crate) fn inferred(ty: &Type, lifetimes: &[String]) -> TokenStream {
    fn replace(tokens: TokenStream, lifetimes: &[String]) -> TokenStream {
        let mut after_quote = false;
        tokens
            .into_iter()
            .map(|token| {
                let lifetime = std::mem::take(&mut after_quote);
                match token {
                    TokenTree::Group(group) => {
                        let mut replaced = proc_macro2::Group::new(
                            group.delimiter(),
                            replace(group.stream(), lifetimes),
                        );
                        replaced.set_span(group.span());
                        replaced.into()
                    }
                    TokenTree::Ident(name) if lifetime && lifetimes.contains(&name.to_string()) => {
                        Ident::new("_", name.span()).into()
                    }
                    TokenTree::Punct(punct) => {
                        after_quote = punct.as_char() == '\'';
                        punct.into()
                    }
                    token => token,
                }
            })
            .collect()
    }
    replace(ty.to_token_stream(), lifetimes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, about: &str) {
        let function: Function = syn::parse_str(source).unwrap();
        assert_eq!(function.about(), about, "{source}");
    }

    #[test]
    fn the_first_paragraph_says_what_a_function_is_about() {
        check("fn f() {}", "");
        check("/// Pays.\nfn f() {}", "Pays.");
        check(
            "///\n/// Pays\n///   all.\n///\n/// More.\nfn f() {}",
            "Pays all.",
        );
        check(
            "/**\n * Pays\n * all.\n *\n * More.\n */\nfn f() {}",
            "Pays all.",
        );
        check(
            "#[doc = include_str!(\"x\")]\n/// Pays.\nfn f() {}",
            "Pays.",
        );
    }

    #[test]
    fn named_lifetimes_are_left_to_inference() {
        let ty = syn::parse_str("&'a Shelf<'b, 'static, fn(&'a a)>").unwrap();
        let inferred = inferred(&ty, &["a".into(), "b".into()]);
        let expected = "&'_ Shelf<'_, 'static, fn(&'_ a)>";
        assert_eq!(crate::source::text(inferred), expected);
    }
}
