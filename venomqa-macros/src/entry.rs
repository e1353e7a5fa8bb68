use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use crate::ast::From;
use crate::attr::{ActionOptions, ExplorationOptions, InvariantOptions};
use crate::source;
use crate::value::Status;
use crate::wrapper::{Wrapper, option};

/// The wrapper and the registration of an action.
pub(crate) fn action(wrapper: &Wrapper<'_>, options: &ActionOptions) -> TokenStream {
    let Wrapper {
        private,
        ident,
        name,
        parts,
        choice,
        ..
    } = wrapper;
    let ActionOptions {
        requires, may_fail, ..
    } = options;
    let body = wrapper.body(
        "ActionArgument",
        &quote!(#private::Outcome::Failed),
        &quote!(#private::outcome),
        &quote!(.await),
    );
    let (mutable, place) = (wrapper.mutable(), wrapper.place());
    let (function, about) = (wrapper.function.name(), wrapper.function.about());
    let max_calls = option(options.max_calls);
    let expect = match &options.expect {
        None => quote!(#private::StatusRange::DEFAULT),
        Some(statuses) => {
            let statuses = statuses.iter().map(|Status { first, last }| {
                quote!(#private::StatusRange { first: #first, last: #last })
            });
            quote!(&[#(#statuses),*])
        }
    };
    let weight = options.weight.unwrap_or(1);
    let arguments = wrapper.arguments.iter();
    let arguments = arguments.filter_map(|argument| match &argument.from {
        From::World(_) => None,
        From::Values { name, values, .. } => {
            let name = name.unraw().to_string();
            let values = values
                .iter()
                .map(|value| source::text(value.to_token_stream()));
            Some(quote!(#private::ValuesArgument { name: #name, values: &[#(#values),*] }))
        }
    });
    quote! {
        fn #ident<'venomqa>(
            #mutable #parts: #private::Parts<'venomqa>,
            #choice: &'venomqa [usize],
        ) -> #private::BoxFuture<'venomqa, #private::Outcome> {
            #body
        }
        #private::inventory::submit! {
            #private::ActionEntry {
                name: #name,
                function: #function,
                place: #place,
                about: #about,
                requires: &[#(#requires),*],
                max_calls: #max_calls,
                expect: #expect,
                may_fail: #may_fail,
                weight: #weight,
                arguments: &[#(#arguments),*],
                call: #ident,
            }
        }
    }
}

/// The wrapper and the registration of an invariant.
pub(crate) fn invariant(wrapper: &Wrapper<'_>, options: &InvariantOptions) -> TokenStream {
    let Wrapper {
        private,
        ident,
        name,
        parts,
        ..
    } = wrapper;
    let body = wrapper.body(
        "InvariantArgument",
        &quote!(#private::not_checked),
        &quote!(#private::checked),
        &TokenStream::new(),
    );
    let (mutable, place) = (wrapper.mutable(), wrapper.place());
    let (function, about) = (wrapper.function.name(), wrapper.function.about());
    let severity = format_ident!("{}", options.severity.unwrap_or("Medium"));
    let when = format_ident!("{}", options.when.unwrap_or("After"));
    let needs_step = wrapper.arguments.iter().map(|argument| {
        let ty = wrapper.inferred(&argument.ty);
        quote_spanned!(argument.ty.span()=> <#ty as #private::InvariantArgument<'_>>::NEEDS_STEP)
    });
    quote! {
        fn #ident<'venomqa>(
            #mutable #parts: #private::Parts<'venomqa>,
        ) -> #private::BoxFuture<'venomqa, #private::Checked> {
            #body
        }
        #private::inventory::submit! {
            #private::InvariantEntry {
                name: #name,
                function: #function,
                place: #place,
                about: #about,
                severity: #private::Severity::#severity,
                when: #private::When::#when,
                takes_step: false #(|| #needs_step)*,
                call: #ident,
            }
        }
    }
}

/// The wrapper and the registration of an exploration.
pub(crate) fn exploration(wrapper: &Wrapper<'_>, options: &ExplorationOptions) -> TokenStream {
    let Wrapper {
        private,
        ident,
        name,
        ..
    } = wrapper;
    let none = TokenStream::new();
    let body = wrapper.body("IntoWorld", &none, &quote!(#private::world), &none);
    let place = wrapper.place();
    let settings = settings(options, private);
    let config = format_ident!("__venomqa_config_{}", wrapper.function.name());
    quote! {
        fn #ident() -> #private::BoxFuture<'static, #private::Result<#private::World>> {
            #body
        }
        #[allow(clippy::needless_update)]
        fn #config() -> #private::Config {
            #private::Config {
                #settings
                ..::core::default::Default::default()
            }
        }
        #private::inventory::submit! {
            #private::ExplorationEntry {
                name: #name,
                place: #place,
                config: #config,
                world: #ident,
            }
        }
    }
}

/// The fields of `Config` that the options set.
fn settings(options: &ExplorationOptions, private: &TokenStream) -> TokenStream {
    let variant = |variant: &str| format_ident!("{variant}");
    let strategy = options.strategy.map(variant).into_iter();
    let max_depth = options.max_depth.into_iter();
    let max_steps = options
        .max_steps
        .map(|steps| option(Some(steps)))
        .into_iter();
    let budget = options.budget_ms.into_iter();
    let budget = budget.map(|ms| option(Some(quote!(::core::time::Duration::from_millis(#ms)))));
    let seed = options.seed.into_iter();
    let complete = options.complete.then_some(true).into_iter();
    let expand_violating = options.expand_violating.then_some(true).into_iter();
    let fail_on = options.fail_on.map(variant).into_iter();
    quote! {
        #(strategy: #private::StrategyKind::#strategy,)*
        #(max_depth: #max_depth,)*
        #(max_steps: #max_steps,)*
        #(budget: #budget,)*
        #(seed: #seed,)*
        #(complete: #complete,)*
        #(expand_violating: #expand_violating,)*
        #(fail_on: #private::Severity::#fail_on,)*
    }
}
