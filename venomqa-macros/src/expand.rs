use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, Result, Type};

use crate::ast::{Argument, From, Function, inferred};
use crate::attr::{
    self, ActionOptions, ExplorationOptions, InvariantOptions, Kind, Options, Shared,
};
use crate::{fallback, source, valid};

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
    match register(kind, options, &function) {
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

fn register(kind: Kind, options: TokenStream, function: &Function) -> Result<TokenStream> {
    let (shared, options) = attr::parse(kind, options)?;
    let arguments = function.arguments()?;
    valid::check(kind, &shared, function, &arguments)?;
    let generated = Generated::new(&shared, function, &arguments);
    let entry = match &options {
        Options::Action(options) => generated.action(options),
        Options::Invariant(options) => generated.invariant(options),
        Options::Exploration(options) => generated.exploration(options),
    };
    let conditions = function.conditions();
    Ok(quote! {
        #(#conditions)*
        const _: () = {
            #entry
        };
    })
}

/// What is needed to write a registration.
struct Generated<'a> {
    function: &'a Function,
    arguments: &'a [Argument],
    /// `::venomqa::__private`, at the function's name, so that errors about the whole function point there.
    private: TokenStream,
    name: String,
    /// The wrapper's name, which differs from that of every function beside it.
    wrapper: Ident,
    parts: Ident,
    choice: Ident,
}

impl<'a> Generated<'a> {
    fn new(shared: &Shared, function: &'a Function, arguments: &'a [Argument]) -> Self {
        let private = match &shared.krate {
            Some(path) => quote!(#path::__private),
            None => quote!(::venomqa::__private),
        };
        let name = shared.name.as_ref();
        Self {
            function,
            arguments,
            private,
            name: name.map_or_else(|| function.name(), syn::LitStr::value),
            wrapper: format_ident!("__venomqa_{}", function.name()),
            // Hygienic: the user's values and the user's own names do not see these.
            parts: Ident::new("__venomqa_parts", Span::mixed_site()),
            choice: Ident::new("__venomqa_choice", Span::mixed_site()),
        }
    }

    fn action(&self, options: &ActionOptions) -> TokenStream {
        let Self {
            private,
            wrapper,
            parts,
            choice,
            name,
            ..
        } = self;
        let failed = quote!(#private::Outcome::Failed);
        let (takes, call) = self.call(&quote!(ActionArgument), &failed);
        let outcome = self.converted(&quote!(IntoOutcome), &quote!(into_outcome), &call);
        let (function, place, about) = self.described();
        let ActionOptions {
            requires, may_fail, ..
        } = options;
        let max_calls = option(options.max_calls);
        let expect = match &options.expect {
            None => quote!(#private::StatusRange::DEFAULT),
            Some(statuses) => {
                let first = statuses.iter().map(|status| status.first);
                let last = statuses.iter().map(|status| status.last);
                quote!(&[#(#private::StatusRange { first: #first, last: #last }),*])
            }
        };
        let weight = options.weight.unwrap_or(1);
        let arguments = self
            .arguments
            .iter()
            .filter_map(|argument| match &argument.from {
                From::World(_) => None,
                From::Values { name, values, .. } => {
                    let name = syn::ext::IdentExt::unraw(name).to_string();
                    let values = values
                        .iter()
                        .map(|value| source::text(value.to_token_stream()));
                    Some(quote!(#private::ValuesArgument { name: #name, values: &[#(#values),*] }))
                }
            });
        let boxed = self.boxed(&quote! {
            #takes
            #outcome.await
        });
        let mutable = self.mutable();
        quote! {
            fn #wrapper<'venomqa>(
                #mutable #parts: #private::Parts<'venomqa>,
                #choice: &'venomqa [usize],
            ) -> #private::BoxFuture<'venomqa, #private::Outcome> {
                #boxed
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
                    call: #wrapper,
                }
            }
        }
    }

    fn invariant(&self, options: &InvariantOptions) -> TokenStream {
        let Self {
            private,
            wrapper,
            parts,
            name,
            ..
        } = self;
        let (takes, call) = self.call(&quote!(InvariantArgument), &quote!(#private::not_checked));
        let checked = self.converted(&quote!(IntoChecked), &quote!(into_checked), &call);
        let (function, place, about) = self.described();
        let variant = |ty: &str, variant: Option<&str>| match variant {
            None => quote!(::core::default::Default::default()),
            Some(variant) => {
                let (ty, variant) = (format_ident!("{ty}"), format_ident!("{variant}"));
                quote!(#private::#ty::#variant)
            }
        };
        let severity = variant("Severity", options.severity.or(Some("Medium")));
        let when = variant("When", options.when.or(Some("After")));
        let needs_step = self.arguments.iter().map(|argument| {
            let ty = self.inferred(&argument.ty);
            quote_spanned!(argument.ty.span()=> <#ty as #private::InvariantArgument<'_>>::NEEDS_STEP)
        });
        let boxed = self.boxed(&quote! {
            #takes
            #checked
        });
        let mutable = self.mutable();
        quote! {
            fn #wrapper<'venomqa>(
                #mutable #parts: #private::Parts<'venomqa>,
            ) -> #private::BoxFuture<'venomqa, #private::Checked> {
                #boxed
            }
            #private::inventory::submit! {
                #private::InvariantEntry {
                    name: #name,
                    function: #function,
                    place: #place,
                    about: #about,
                    severity: #severity,
                    when: #when,
                    takes_step: false #(|| #needs_step)*,
                    call: #wrapper,
                }
            }
        }
    }

    fn exploration(&self, options: &ExplorationOptions) -> TokenStream {
        let Self {
            private,
            wrapper,
            name,
            ..
        } = self;
        let (_, call) = self.call(&TokenStream::new(), &TokenStream::new());
        let world = self.converted(&quote!(IntoWorld), &quote!(into_world), &call);
        let boxed = self.boxed(&world);
        let (_, place, _) = self.described();
        let set = settings(options, private);
        quote! {
            fn #wrapper() -> #private::BoxFuture<'static, #private::Result<#private::World>> {
                #boxed
            }
            #private::inventory::submit! {
                #private::ExplorationEntry {
                    name: #name,
                    place: #place,
                    config: || #private::Config {
                        #set
                        ..::core::default::Default::default()
                    },
                    world: #wrapper,
                }
            }
        }
    }

    /// The statements that take the arguments, and the call of the user's function.
    fn call(&self, extractor: &TokenStream, failed: &TokenStream) -> (TokenStream, TokenStream) {
        let Self {
            private,
            parts,
            choice,
            ..
        } = self;
        let mut position = 0_usize;
        let mut takes = TokenStream::new();
        let mut locals = Vec::new();
        for (index, argument) in self.arguments.iter().enumerate() {
            let ty = self.inferred(&argument.ty);
            let local = format_ident!("__venomqa_{}", index, span = Span::mixed_site());
            takes.extend(match &argument.from {
                From::World(named) => {
                    let named = option(named.as_ref());
                    let take = quote_spanned!(argument.ty.span()=> <#ty as #private::#extractor<'_>>::take);
                    quote! {
                        let #local = match #take(&mut #parts, #named) {
                            ::core::result::Result::Ok(taken) => taken,
                            ::core::result::Result::Err(error) => return #failed(error),
                        };
                    }
                }
                From::Values { values, .. } => {
                    let chosen = position;
                    position += 1;
                    let positions = 0..values.len();
                    quote! {
                        let #local: #ty = match #choice[#chosen] {
                            #(#positions => #values,)*
                            _ => ::core::unreachable!(),
                        };
                    }
                }
            });
            locals.push(local);
        }
        let function = &self.function.signature.ident;
        let wait = self.function.signature.asyncness.map(|_| quote!(.await));
        (takes, quote!(#function(#(#locals),*) #wait))
    }

    /// What the function returned, as what the explorer understands. An error points to the return type.
    fn converted(
        &self,
        conversion: &TokenStream,
        method: &TokenStream,
        call: &TokenStream,
    ) -> TokenStream {
        let private = &self.private;
        match self.function.output() {
            Some(Type::ImplTrait(ty)) => {
                quote_spanned!(ty.span()=> #private::#conversion::#method(#call))
            }
            Some(ty) => {
                let inferred = self.inferred(ty);
                let convert =
                    quote_spanned!(ty.span()=> <#inferred as #private::#conversion>::#method);
                quote!(#convert(#call))
            }
            None => quote!(<() as #private::#conversion>::#method(#call)),
        }
    }

    fn boxed(&self, body: &TokenStream) -> TokenStream {
        // A future that is not `Send` is an error about the function as a whole.
        let span = self
            .function
            .signature
            .ident
            .span()
            .resolved_at(Span::mixed_site());
        quote_spanned!(span=> ::std::boxed::Box::pin(async move { #body }))
    }

    /// The function's name, its place and its documentation.
    fn described(&self) -> (String, TokenStream, String) {
        let private = &self.private;
        // `line!` and `column!` say where their own tokens stand.
        let place = quote_spanned! {self.function.signature.ident.span()=>
            #private::Place {
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
                column: ::core::column!(),
            }
        };
        (self.function.name(), place, self.function.about())
    }

    fn inferred(&self, ty: &Type) -> TokenStream {
        let lifetimes = self.function.signature.generics.lifetimes();
        let lifetimes: Vec<_> = lifetimes
            .map(|param| param.lifetime.ident.to_string())
            .collect();
        inferred(ty, &lifetimes)
    }

    /// `mut` where the wrapper takes anything out of the parts.
    fn mutable(&self) -> Option<TokenStream> {
        let takes = |argument: &Argument| matches!(argument.from, From::World(_));
        self.arguments.iter().any(takes).then(|| quote!(mut))
    }
}

/// The fields of `Config` that the options set.
fn settings(options: &ExplorationOptions, private: &TokenStream) -> TokenStream {
    let variant = |ty: &str, variant: &str| {
        let (ty, variant) = (format_ident!("{ty}"), format_ident!("{variant}"));
        quote!(#private::#ty::#variant)
    };
    let mut set = TokenStream::new();
    let mut field = |name: &str, value: Option<TokenStream>| {
        let name = format_ident!("{name}");
        set.extend(value.map(|value| quote!(#name: #value,)));
    };
    field(
        "strategy",
        options.strategy.map(|word| variant("StrategyKind", word)),
    );
    field("max_depth", options.max_depth.map(|depth| quote!(#depth)));
    field(
        "max_steps",
        options.max_steps.map(|_| option(options.max_steps)),
    );
    field(
        "budget",
        options
            .budget_ms
            .map(|ms| option(Some(quote!(::core::time::Duration::from_millis(#ms))))),
    );
    field("seed", options.seed.map(|seed| quote!(#seed)));
    field("complete", options.complete.then(|| quote!(true)));
    field(
        "expand_violating",
        options.expand_violating.then(|| quote!(true)),
    );
    field(
        "fail_on",
        options.fail_on.map(|word| variant("Severity", word)),
    );
    set
}

fn option(value: Option<impl quote::ToTokens>) -> TokenStream {
    match value {
        None => quote!(::core::option::Option::None),
        Some(value) => quote!(::core::option::Option::Some(#value)),
    }
}
