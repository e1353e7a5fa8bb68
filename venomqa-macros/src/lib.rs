//! The attribute macros of VenomQA: `#[action]`, `#[invariant]` and `#[exploration]`.
//!
//! Use them through the crate `venomqa`, which re-exports them: what they expand to names `::venomqa::__private`.
//!
//! The files are the stages of a small compiler: [`attr`] reads the options, [`ast`] the function, [`valid`] checks them
//! against each other, [`expand`] writes the registration. After a mistake [`fallback`] keeps the function, so that the
//! mistake is the only error.

mod ast;
mod attr;
mod editor;
mod entry;
mod expand;
mod fallback;
mod near;
mod source;
mod valid;
mod value;
mod wrapper;

use attr::Kind;
use proc_macro::TokenStream;

/// Makes an action of a function.
#[proc_macro_attribute]
pub fn action(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(Kind::Action, options.into(), item.into(), editor::asks()).into()
}

/// Makes an invariant of a function.
#[proc_macro_attribute]
pub fn invariant(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(Kind::Invariant, options.into(), item.into(), editor::asks()).into()
}

/// Makes an exploration of a function.
#[proc_macro_attribute]
pub fn exploration(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(
        Kind::Exploration,
        options.into(),
        item.into(),
        editor::asks(),
    )
    .into()
}
