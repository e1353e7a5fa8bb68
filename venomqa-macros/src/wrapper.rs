use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Ident, LitStr, Type};

use crate::ast::{Argument, From, Function, inferred};
use crate::attr::Shared;

/// The function through which the explorer calls the user's function.
pub(crate) struct Wrapper<'a> {
    pub(crate) function: &'a Function,
    pub(crate) arguments: &'a [Argument],
    /// `::venomqa::__private`.
    pub(crate) private: TokenStream,
    /// The name under which the user's function is registered.
    pub(crate) name: String,
    /// Its own name, which differs from that of every function beside it.
    pub(crate) ident: Ident,
    /// Its parameters.
    pub(crate) parts: Ident,
    pub(crate) choice: Ident,
}

impl<'a> Wrapper<'a> {
    pub(crate) fn new(shared: &Shared, function: &'a Function, arguments: &'a [Argument]) -> Self {
        let private = match &shared.krate {
            Some(path) => quote!(#path::__private),
            None => quote!(::venomqa::__private),
        };
        let name = shared.name.as_ref();
        Self {
            function,
            arguments,
            private,
            name: name.map_or_else(|| function.name(), LitStr::value),
            ident: format_ident!("__venomqa_{}", function.name()),
            parts: local("parts"),
            choice: local("choice"),
        }
    }

    /// Its body: takes the arguments, calls the user's function and converts what it returns.
    ///
    /// `argument` is the trait by which arguments are taken; `failed` makes a result of why one cannot be taken, `convert`
    /// makes it of what was returned, `then` is what is left to do with it.
    pub(crate) fn body(
        &self,
        argument: &str,
        failed: &TokenStream,
        convert: &TokenStream,
        then: &TokenStream,
    ) -> TokenStream {
        let locals: Vec<_> = (0..self.arguments.len())
            .map(|index| local(&format!("argument_{index}")))
            .collect();
        let takes = self.takes(&format_ident!("{argument}"), failed, &locals);
        let function = &self.function.signature.ident;
        let wait = self.function.signature.asyncness.map(|_| quote!(.await));
        let converted = self.converted(convert, &quote!(#function(#(#locals),*) #wait));
        // A future that is not `Send` is an error about the function as a whole.
        let span = function.span().resolved_at(Span::mixed_site());
        quote_spanned! {span=>
            ::std::boxed::Box::pin(async move {
                #takes
                #converted #then
            })
        }
    }

    fn takes(&self, extractor: &Ident, failed: &TokenStream, locals: &[Ident]) -> TokenStream {
        let Self {
            private,
            parts,
            choice,
            ..
        } = self;
        let mut chosen = 0_usize..;
        let arguments = self.arguments.iter().zip(locals);
        arguments
            .map(|(argument, local)| {
                let ty = self.inferred(&argument.ty);
                match &argument.from {
                    From::World(named) => {
                        let named = option(named.as_ref());
                        let take = quote_spanned! {argument.ty.span()=>
                            <#ty as #private::#extractor<'_>>::take
                        };
                        quote_spanned! {Span::mixed_site()=>
                            let #local = match #take(&mut #parts, #named) {
                                ::core::result::Result::Ok(taken) => taken,
                                ::core::result::Result::Err(error) => return #failed(error),
                            };
                        }
                    }
                    From::Values { values, .. } => {
                        let chosen = chosen.next();
                        let positions = 0..values.len();
                        quote_spanned! {Span::mixed_site()=>
                            let #local: #ty = match #choice[#chosen] {
                                #(#positions => {
                                    let value: #ty = #values;
                                    value
                                })*
                                _ => ::core::unreachable!(),
                            };
                        }
                    }
                }
            })
            .collect()
    }

    /// What the function returned, converted. An error points to the return type.
    fn converted(&self, convert: &TokenStream, call: &TokenStream) -> TokenStream {
        match self.function.output() {
            // Such a type cannot be named: the value stands for it.
            Some(Type::ImplTrait(ty)) => {
                let returned = Ident::new("returned", ty.span().resolved_at(Span::mixed_site()));
                quote! {
                    let #returned = #call;
                    #convert(#returned)
                }
            }
            Some(ty) => {
                let ty = self.inferred(ty);
                quote!(#convert::<#ty>(#call))
            }
            None => quote!(#convert::<()>(#call)),
        }
    }

    /// Where the function's name stands.
    pub(crate) fn place(&self) -> TokenStream {
        let private = &self.private;
        // `line!` and `column!` say where their own tokens stand.
        quote_spanned! {self.function.signature.ident.span()=>
            #private::Place {
                module: ::core::module_path!(),
                file: ::core::file!(),
                line: ::core::line!(),
                column: ::core::column!(),
            }
        }
    }

    /// The type as a function body needs it.
    pub(crate) fn inferred(&self, ty: &Type) -> TokenStream {
        let lifetimes = self.function.signature.generics.lifetimes();
        let lifetimes: Vec<_> = lifetimes
            .map(|param| param.lifetime.ident.to_string())
            .collect();
        inferred(ty, &lifetimes)
    }

    /// `mut` where anything is taken out of the parts.
    pub(crate) fn mutable(&self) -> Option<TokenStream> {
        let takes = |argument: &Argument| matches!(argument.from, From::World(_));
        self.arguments.iter().any(takes).then(|| quote!(mut))
    }
}

/// A name that neither the user's values nor the user's items can see or be mistaken for.
fn local(name: &str) -> Ident {
    format_ident!("__venomqa_{name}", span = Span::mixed_site())
}

/// The expression of this option.
pub(crate) fn option(value: Option<impl quote::ToTokens>) -> TokenStream {
    match value {
        None => quote!(::core::option::Option::None),
        Some(value) => quote!(::core::option::Option::Some(#value)),
    }
}
