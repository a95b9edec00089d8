//! The program `pg-service`.

fn main() {}
