//! Contract suite over SQLite.
fn main() {}
