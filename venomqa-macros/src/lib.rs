//! The attribute macros of VenomQA.
