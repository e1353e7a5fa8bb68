use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Attribute, Error, FnArg, GenericParam, Generics, Result, Safety};

use crate::ast::{Argument, From, Function};
use crate::attr::{Kind, Shared};

/// Checks the function against the attribute and its options.
pub(crate) fn check(
    kind: Kind,
    shared: &Shared,
    function: &Function,
    arguments: &[Argument],
) -> Result<()> {
    function
        .attrs
        .iter()
        .try_for_each(|attr| neighbour(kind, attr))?;
    signature(kind, function)?;
    name(kind, shared, function)?;
    match kind {
        Kind::Action => Ok(()),
        Kind::Invariant => arguments.iter().try_for_each(without_values),
        Kind::Exploration => exploration(function),
    }
}

/// An attribute that cannot stand beside ours.
fn neighbour(kind: Kind, attr: &Attribute) -> Result<()> {
    let Some(last) = attr.path().segments.last() else {
        return Ok(());
    };
    let last = last.ident.to_string();
    let error = |message| Err(Error::new_spanned(attr.path(), message));
    match another(attr) {
        Some(other) if other == kind => {
            return error(format!("`#[{last}]` is given twice: leave one out"));
        }
        Some(_) => {
            let own = kind.name();
            return error(format!(
                "a function is one of both: remove `#[{own}]` or `#[{last}]`"
            ));
        }
        None => {}
    }
    match last.as_str() {
        "test" => error(format!(
            "{} is no test by itself, `venomqa::main!()` runs it: remove this attribute",
            kind.noun()
        )),
        "ignore" | "should_panic" => {
            error(format!("this has no effect on {}: remove it", kind.noun()))
        }
        _ => Ok(()),
    }
}

/// Which attribute of ours this is.
pub(crate) fn another(attr: &Attribute) -> Option<Kind> {
    let segments = &attr.path().segments;
    let ours = segments.len() == 1 || segments.first()?.ident == "venomqa";
    let last = &segments.last()?.ident;
    Kind::ALL
        .into_iter()
        .find(|kind| ours && last == kind.name())
}

fn signature(kind: Kind, function: &Function) -> Result<()> {
    let noun = kind.noun();
    let signature = &function.signature;
    if let Some(receiver) = signature.receiver() {
        let message =
            format!("{noun} is a function of its own, not a method: move it out of the `impl`");
        return Err(Error::new_spanned(receiver, message));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        let message = format!("{noun} is called by the explorer, so it must be safe to call");
        return Err(Error::new_spanned(token, message));
    }
    if let Some(variadic) = &signature.variadic {
        let message = format!("{noun} takes a fixed number of arguments");
        return Err(Error::new_spanned(variadic, message));
    }
    generics(noun, &signature.generics)?;
    signature.inputs.iter().try_for_each(|input| match input {
        FnArg::Receiver(_) => Ok(()),
        FnArg::Typed(typed) => {
            if let Some(cfg) = typed.attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
                let message = "an argument cannot be conditional: write the function twice, with `#[cfg]` on each";
                return Err(Error::new_spanned(cfg.path(), message));
            }
            match find_impl(typed.ty.to_token_stream()) {
                None => Ok(()),
                Some(token) => Err(Error::new_spanned(
                    token,
                    format!(
                        "{noun} takes its arguments by their types: name the type instead of `impl`"
                    ),
                )),
            }
        }
    })
}

fn generics(noun: &str, generics: &Generics) -> Result<()> {
    let generic = generics
        .params
        .iter()
        .find(|param| !matches!(param, GenericParam::Lifetime(_)));
    match generic {
        None => Ok(()),
        Some(param) => {
            let message = format!(
                "{noun} is called by the explorer, so its types must be known: remove this parameter"
            );
            Err(Error::new_spanned(param, message))
        }
    }
}

fn find_impl(tokens: TokenStream) -> Option<TokenTree> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "impl" => Some(ident.into()),
        TokenTree::Group(group) => find_impl(group.stream()),
        _ => None,
    })
}

/// Names become test names: `<suite>::<invariant>::<action>-<action>[<argument>=<value>]`.
fn name(kind: Kind, shared: &Shared, function: &Function) -> Result<()> {
    let (name, span) = match &shared.name {
        Some(given) => (given.value(), given.span()),
        None => (function.name(), function.signature.ident.span()),
    };
    let error = |message| Err(Error::new(span, message));
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return error("a name starts with a letter or `_`".into());
    }
    if let Some(c) = name
        .chars()
        .find(|c| !(c.is_alphanumeric() || matches!(c, '_' | '.')))
    {
        return error(format!(
            "{c:?} cannot stand in a name, which becomes part of a test's name: use letters, digits, `_` and `.`"
        ));
    }
    if kind == Kind::Invariant && matches!(name.as_str(), "explore" | "regressions") {
        return error(format!(
            "every suite has a test `{name}` of its own: give this invariant another name"
        ));
    }
    Ok(())
}

fn without_values(argument: &Argument) -> Result<()> {
    match &argument.from {
        From::World(_) => Ok(()),
        From::Values { attribute, .. } => Err(Error::new(
            *attribute,
            "only actions take values: an invariant is one rule, checked in every state",
        )),
    }
}

fn exploration(function: &Function) -> Result<()> {
    if let Some(input) = function.signature.inputs.first() {
        let message =
            "an exploration takes no arguments: it makes the world in which they are found";
        return Err(Error::new_spanned(input, message));
    }
    if function.output().is_none() {
        let message = "an exploration returns the world: add `-> Result<World>` or `-> World`";
        return Err(Error::new_spanned(&function.signature.ident, message));
    }
    Ok(())
}

/// The error about an item that is no function, or has no body.
pub(crate) fn no_function(kind: Kind, item: &TokenStream) -> Error {
    let example = match kind {
        Kind::Action => "async fn create_order(api: &HttpClient) -> ActionResult { .. }",
        Kind::Invariant => "async fn no_debt(api: &HttpClient) -> Verdict { .. }",
        Kind::Exploration => "async fn orders() -> Result<World> { .. }",
    };
    let message = format!("`#[{}]` goes on a function: `{example}`", kind.name());
    let keyword = (|input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<syn::Visibility>()?;
        let keyword = input.parse::<TokenTree>()?;
        input.parse::<TokenStream>()?;
        Ok(keyword)
    })
    .parse2(item.clone());
    match keyword {
        Ok(keyword) => Error::new(keyword.span(), message),
        Err(_) => Error::new_spanned(item, message),
    }
}
