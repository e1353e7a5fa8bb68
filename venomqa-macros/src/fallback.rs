use proc_macro2::TokenStream;
use quote::quote;
use syn::Error;

use crate::ast::Function;

/// The function as it would be without the attribute, and the mistake. Whatever calls the function still compiles, so
/// that the mistake is the only error.
pub(crate) fn function(error: &Error, function: &Function) -> TokenStream {
    let error = error.to_compile_error();
    quote! {
        #error
        #[allow(dead_code)]
        #function
    }
}

/// The item as it was, and the mistake.
pub(crate) fn item(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}
