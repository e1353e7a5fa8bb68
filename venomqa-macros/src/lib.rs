//! The attribute macros of VenomQA.
use proc_macro::TokenStream;
/// stub
#[proc_macro_attribute]
pub fn action(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
/// stub
#[proc_macro_attribute]
pub fn invariant(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
/// stub
#[proc_macro_attribute]
pub fn exploration(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
