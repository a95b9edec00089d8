//! Sending statements, prepared or unnamed.

use bytes::BytesMut;
use deadpool_postgres::ClientWrapper;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, Statement};

use crate::failure::Failure;
use crate::options::PreparedStatements;

/// The parameters of a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement that can be sent in one message.
pub(super) enum Sendable<'a> {
    Prepared(Statement),
    Unnamed(&'a str),
}

impl<'a> Sendable<'a> {
    /// Prepares the statement, unless the connection has it or none is to be prepared.
    pub(super) async fn new(
        client: &ClientWrapper,
        mode: PreparedStatements,
        sql: &'a str,
    ) -> Result<Sendable<'a>, Failure> {
        Ok(match mode {
            PreparedStatements::Named => Sendable::Prepared(client.prepare_cached(sql).await?),
            PreparedStatements::None => Sendable::Unnamed(sql),
        })
    }

    /// Sends it when polled for the first time.
    pub(super) async fn rows(&self, client: &ClientWrapper, values: Values<'_>) -> Result<Vec<Row>, Failure> {
        match self {
            Sendable::Prepared(statement) => Ok(client.query(statement, values).await?),
            Sendable::Unnamed(sql) => unnamed(client, sql, values).await,
        }
    }
}

/// Parses, plans and executes a statement in one message, which leaves nothing in the session.
pub(super) async fn unnamed(client: &Client, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Failure> {
    let mut typed = Vec::with_capacity(values.len());
    for value in values {
        typed.push((*value, type_of(*value)?));
    }
    Ok(client.query_typed(sql, &typed).await?)
}

/// The type under which a value is sent: the first one that can hold it. Preparing a statement asks the
/// server for the types instead.
fn type_of(value: &(dyn ToSql + Sync)) -> Result<Type, Failure> {
    const TYPES: [Type; 7] = [
        Type::TEXT,
        Type::INT8,
        Type::BOOL,
        Type::BYTEA,
        Type::TEXT_ARRAY,
        Type::INT8_ARRAY,
        Type::BYTEA_ARRAY,
    ];
    let fits = |ty: &Type| value.to_sql_checked(ty, &mut BytesMut::new()).is_ok();
    TYPES.into_iter().find(fits).ok_or_else(|| Failure::Misunderstood("a parameter has no type".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::parameters::Parameter;

    #[test]
    fn every_kind_of_parameter_has_the_type_that_preparing_would_find() {
        let bytes: &[u8] = &[1];
        let values: [(&(dyn ToSql + Sync), Type); 12] = [
            (&"a", Type::TEXT),
            (&Cow::Borrowed("a"), Type::TEXT),
            (&None::<&str>, Type::TEXT),
            (&None::<i64>, Type::INT8),
            (&true, Type::BOOL),
            (&bytes, Type::BYTEA),
            (&vec!["a"], Type::TEXT_ARRAY),
            (&None::<Vec<&str>>, Type::TEXT_ARRAY),
            (&[1_i64].as_slice(), Type::INT8_ARRAY),
            (&vec![Parameter::Number(None), Parameter::number(1)], Type::INT8_ARRAY),
            (&vec![Parameter::Text(None), Parameter::text("a")], Type::TEXT_ARRAY),
            (&vec![Parameter::Bytes(bytes)], Type::BYTEA_ARRAY),
        ];
        for (value, expected) in values {
            assert_eq!(type_of(value).unwrap(), expected, "{value:?}");
        }
    }
}
