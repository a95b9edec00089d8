//! Refunds in the books.

use rusqlite::types::Type;
use rusqlite::{Row, Transaction, named_params, params};

use super::{Books, BooksError, current, log};
use crate::money::Currency;
use crate::sandbox::order::State;
use crate::sandbox::refund::{Refund, RefundState, Wish};

/// The result of a request for a refund.
#[derive(Debug)]
pub(crate) enum Asked {
    /// It is in the books: new, or since before.
    Refund(Refund),
    /// Its id is that of another refund.
    IdUsed,
}

impl Books {
    /// Gives money back, once for every id.
    pub(crate) async fn refund(&self, wish: Wish, now_ms: i64, late_ms: i64) -> Result<Asked, BooksError> {
        self.write(move |txn| {
            if let Some(known) = found(txn, &wish.id, now_ms)? {
                let same = known.wish == wish;
                return Ok(if same { Asked::Refund(known) } else { Asked::IdUsed });
            }
            let order = current(txn, &wish.order, now_ms)?;
            let paid = order.as_ref().filter(|order| order.state == State::Paid);
            let paid = paid.filter(|order| order.terms.currency == wish.currency);
            let refused = match paid.and_then(|order| order.paid_paise) {
                None => Some("NOT_PAID"),
                Some(paid) if wish.amount_paise > paid.saturating_sub(given_back(txn, &wish.order)?) => {
                    Some("EXCEEDS_PAYMENT")
                }
                Some(_) => None,
            };
            let mut refund = Refund::new(wish, refused, now_ms, late_ms);
            insert(txn, &mut refund)?;
            if let Some(order) = order {
                let amount = order.terms.amount_of(refund.wish.amount_paise).for_people();
                log(txn, order.sequence, now_ms, &format!("Refund of {amount}: {}", refund.message()))?;
            }
            Ok(Asked::Refund(refund))
        })
        .await
    }

    /// The refund with this id.
    pub(crate) async fn refund_of(&self, id: &str, now_ms: i64) -> Result<Option<Refund>, BooksError> {
        let id = id.to_owned();
        self.write(move |txn| found(txn, &id, now_ms)).await
    }

    /// Up to `limit` refunds behind a place in the books, in order.
    pub(crate) async fn refunds_after(
        &self,
        sequence: i64,
        limit: u32,
        now_ms: i64,
    ) -> Result<Vec<Refund>, BooksError> {
        self.write(move |txn| {
            let rule = format!("WHERE sequence > ?1 ORDER BY sequence LIMIT {limit}");
            let mut page = refunds(txn, &rule, sequence)?;
            for refund in &mut page {
                advance(txn, refund, now_ms)?;
            }
            Ok(page)
        })
        .await
    }
}

/// The refund with everything that has become true by now, which is written down first.
fn found(txn: &Transaction<'_>, id: &str, now_ms: i64) -> Result<Option<Refund>, rusqlite::Error> {
    let Some(mut refund) = refunds(txn, "WHERE refund_id = ?1", id)?.pop() else { return Ok(None) };
    advance(txn, &mut refund, now_ms)?;
    Ok(Some(refund))
}

fn advance(txn: &Transaction<'_>, refund: &mut Refund, now_ms: i64) -> Result<(), rusqlite::Error> {
    if refund.advance(now_ms) {
        txn.prepare_cached("UPDATE refunds SET state = ?2, code = ?3, due_ms = ?4 WHERE sequence = ?1")?
            .execute(params![refund.sequence, refund.state.as_str(), refund.code, refund.due_ms])?;
    }
    Ok(())
}

/// The refunded part of an order, pending refunds included.
fn given_back(txn: &Transaction<'_>, order: &str) -> Result<i64, rusqlite::Error> {
    txn.query_row(
        "SELECT coalesce(sum(amount_paise), 0) FROM refunds
         WHERE order_id = ?1 AND state IN ('PENDING', 'REFUNDED')",
        [order],
        |row| row.get(0),
    )
}

fn insert(txn: &Transaction<'_>, refund: &mut Refund) -> Result<(), rusqlite::Error> {
    txn.prepare_cached(
        "INSERT INTO refunds (refund_id, order_id, amount_paise, currency, state, code, asked_ms, due_ms)
         VALUES (:refund, :order, :amount_paise, :currency, :state, :code, :asked_ms, :due_ms)",
    )?
    .execute(named_params! {
        ":refund": refund.wish.id,
        ":order": refund.wish.order,
        ":amount_paise": refund.wish.amount_paise,
        ":currency": refund.wish.currency.code(),
        ":state": refund.state.as_str(),
        ":code": refund.code,
        ":asked_ms": refund.asked_ms,
        ":due_ms": refund.due_ms,
    })?;
    refund.sequence = txn.last_insert_rowid();
    Ok(())
}

fn refunds(
    txn: &Transaction<'_>,
    rule: &str,
    parameter: impl rusqlite::ToSql,
) -> Result<Vec<Refund>, rusqlite::Error> {
    txn.prepare_cached(&format!(
        "SELECT sequence, refund_id, order_id, amount_paise, currency, state, code, asked_ms, due_ms
         FROM refunds {rule}"
    ))?
    .query_map([parameter], refund_of)?
    .collect()
}

fn refund_of(row: &Row<'_>) -> Result<Refund, rusqlite::Error> {
    let unknown = |column: usize, word: String| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("unknown word {word}").into())
    };
    let currency: String = row.get("currency")?;
    let state: String = row.get("state")?;
    Ok(Refund {
        sequence: row.get("sequence")?,
        wish: Wish {
            id: row.get("refund_id")?,
            order: row.get("order_id")?,
            amount_paise: row.get("amount_paise")?,
            currency: Currency::from_code(&currency).ok_or_else(|| unknown(4, currency))?,
        },
        state: RefundState::from_word(&state).ok_or_else(|| unknown(5, state))?,
        code: row.get("code")?,
        asked_ms: row.get("asked_ms")?,
        due_ms: row.get("due_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[tokio::test]
    async fn books_from_before_refunds_are_opened_and_keep_them_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(include_str!("schema.sql")).unwrap();
        old.execute("INSERT INTO own_values (name, value) VALUES ('form-key', x'00')", []).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        drop(old);
        for _ in 0..2 {
            let books = Books::open(&path).unwrap();
            let (id, order) = ("RF-0000000001".to_owned(), "T1".to_owned());
            let wish = Wish { id, order, amount_paise: 100, currency: Currency::INR };
            let Asked::Refund(refund) = books.refund(wish, 1, 1).await.unwrap() else { panic!("booked") };
            assert_eq!((refund.sequence, refund.code.as_str()), (1, "NOT_PAID"));
        }
    }
}
