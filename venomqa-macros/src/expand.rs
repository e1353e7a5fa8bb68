use proc_macro2::TokenStream;
use quote::quote;
use syn::Result;

use crate::ast::Function;
use crate::attr::{self, Kind, Options};
use crate::wrapper::Wrapper;
use crate::{entry, fallback, valid};

/// Expands an attribute; `lens` says whether an editor asks, which wants to see tests.
pub(crate) fn attribute(
    kind: Kind,
    options: TokenStream,
    item: TokenStream,
    lens: bool,
) -> TokenStream {
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(_) => return fallback::item(&valid::no_function(kind, &item), item),
    };
    match registration(kind, options, &function) {
        Ok(registration) => {
            let test = (lens && kind != Kind::Action).then(|| quote!(#[test]));
            quote! {
                #test
                #function
                #registration
            }
        }
        Err(error) => {
            // A second attribute of ours would report the mistake again.
            function.attrs.retain(|attr| valid::another(attr).is_none());
            fallback::function(&error, &function)
        }
    }
}

fn registration(kind: Kind, options: TokenStream, function: &Function) -> Result<TokenStream> {
    let (shared, options) = attr::parse(kind, options)?;
    let arguments = function.arguments()?;
    valid::check(kind, &shared, function, &arguments)?;
    let wrapper = Wrapper::new(&shared, function, &arguments);
    let entry = match &options {
        Options::Action(options) => entry::action(&wrapper, options),
        Options::Invariant(options) => entry::invariant(&wrapper, options),
        Options::Exploration(options) => entry::exploration(&wrapper, options),
    };
    let conditions = function.conditions();
    Ok(quote! {
        #(#conditions)*
        const _: () = {
            #entry
        };
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, lens: bool, expected: bool) {
        let item = quote!(
            /// Its documentation.
            fn function() -> bool {
                true
            }
        );
        let expanded = attribute(kind, TokenStream::new(), item, lens);
        let file: syn::File = syn::parse2(expanded).unwrap();
        let syn::Item::Fn(function) = &file.items[0] else {
            panic!("the function comes first");
        };
        let test = function
            .attrs
            .iter()
            .any(|attr| attr.path().is_ident("test"));
        assert_eq!(test, expected, "{kind:?}");
    }

    #[test]
    fn only_an_editor_sees_tests_and_an_action_is_none() {
        for kind in Kind::ALL {
            check(kind, false, false);
        }
        check(Kind::Invariant, true, true);
        check(Kind::Exploration, true, true);
        check(Kind::Action, true, false);
    }
}
