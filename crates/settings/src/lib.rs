//! Settings as typed constants.
//!
//! A [`Setting`] is a constant: its name, its parser, its default and its purpose. [`settings!`] declares
//! the settings of one section and lists them, so that none is declared and not listed. A [`Reader`] takes
//! the constant and returns the parsed value; a misspelt name does not compile.
//!
//! The texts come from [`Values`], each with its [`Origin`]. Syntax is checked once for all of them
//! ([`Values::invalid`]), also of settings that no code reads; a reader adds problems of their meaning, and
//! continues, so that all problems are reported together.

mod origin;
pub mod parser;
mod reader;
mod setting;
mod values;

pub use origin::{Notice, NoticeKind, Origin, Problem};
pub use parser::Parser;
pub use reader::Reader;
pub use setting::{
    Declared, Defaulted, Fallback, NAME, NameOrigin, OWN_PREFIX, Optional, Setting, Shape, Spec, Support,
    Unset, digit, name_in, own, relaxed, sounds_secret, variable,
};
pub use values::{UNRESOLVED, Value, Values};
