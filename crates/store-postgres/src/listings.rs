//! Lists of payments: a run of an index for each tenant and status, as in [`search`](crate::search), or for each
//! status where there are many tenants. A statement has the conditions that are set, and is planned for them.

use async_trait::async_trait;
use payment_domain::{StatusName, TenantId, Timestamp, Transaction, TxnId};
use payment_store::{
    FEW_TENANTS, Listings, NamedQuery, PaymentQuery, ReceiptState, StoreError, TenantScope, share_of_run,
};
use tokio_postgres::types::ToSql;

use crate::PostgresStore;
use crate::failure::Failure;
use crate::parameters::storable;
use crate::rows;
use crate::search::Place;
use crate::transaction_columns::{self, SELECTED};

/// Every tenant of the scopes $1, each found by one step along the index, and these themselves.
const TENANTS: &str = "
    (SELECT below.tenant_id FROM unnest($1::text[]) AS scope (root) CROSS JOIN LATERAL (
        WITH RECURSIVE known AS (
            (SELECT t.tenant_id COLLATE \"C\" AS tenant_id FROM eg_pg_transactions AS t
             WHERE t.tenant_id COLLATE \"C\" >= scope.root || '.' AND t.tenant_id COLLATE \"C\" < scope.root || '/'
             ORDER BY t.tenant_id COLLATE \"C\" LIMIT 1)
            UNION ALL
            SELECT (SELECT t.tenant_id COLLATE \"C\" FROM eg_pg_transactions AS t
                WHERE t.tenant_id COLLATE \"C\" > known.tenant_id AND t.tenant_id COLLATE \"C\" < scope.root || '/'
                ORDER BY t.tenant_id COLLATE \"C\" LIMIT 1)
            FROM known WHERE known.tenant_id IS NOT NULL)
        SELECT tenant_id FROM known WHERE tenant_id IS NOT NULL
        UNION ALL SELECT scope.root COLLATE \"C\") AS below) AS tenant";

/// Rows `t` of the scopes $1.
pub(crate) const IN_SCOPES: &str = "EXISTS (SELECT 1 FROM unnest($1::text[]) AS scope (root)
    WHERE t.tenant_id = scope.root OR starts_with(t.tenant_id, scope.root || '.'))";

/// Of rows `t`.
const NEWEST_FIRST: &str = "t.created_time DESC NULLS LAST, t.txn_id COLLATE \"C\" DESC";

/// More tenants' runs than this are too many to be merged.
pub(crate) const MOST_TENANTS: usize = 300;

pub(crate) type Bound = Box<dyn ToSql + Sync + Send>;

/// Conditions with the values of their parameters.
struct Conditions {
    sql: String,
    values: Vec<Bound>,
}

impl Conditions {
    fn within(scopes: &[TenantScope]) -> Conditions {
        let roots: Vec<String> = scopes.iter().map(|scope| storable(&scope.root).into_owned()).collect();
        Conditions { sql: String::new(), values: vec![Box::new(roots)] }
    }

    /// The place of a value.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> usize {
        self.values.push(Box::new(value));
        self.values.len()
    }

    /// Rows of these scopes: in a form that no join is made of, which would read a run whole where PostgreSQL has no
    /// statistics.
    fn in_scopes(&mut self, scopes: &[TenantScope]) -> String {
        let each = scopes.iter().map(|scope| {
            let root = storable(&scope.root);
            let (itself, below) = (self.bind(root.clone().into_owned()), self.bind(format!("{root}.")));
            format!("t.tenant_id = ${itself}::text OR starts_with(t.tenant_id, ${below}::text)")
        });
        format!("({})", each.collect::<Vec<_>>().join(" OR "))
    }

    /// The filters of a list but tenants and statuses.
    fn filter(&mut self, query: &PaymentQuery) {
        if let Some(gateway) = &query.gateway {
            let nth = self.bind(storable(gateway.as_str()).into_owned());
            self.sql.push_str(&format!(" AND upper(t.gateway) = upper(${nth}::text)"));
        }
        if let Some(module) = &query.module {
            let nth = self.bind(storable(module).into_owned());
            self.sql.push_str(&format!(" AND t.module = ${nth}::text"));
        }
        for (sign, amount) in [(">=", query.amount_from), ("<=", query.amount_to)] {
            if let Some(amount) = amount {
                let (units, code) =
                    (self.bind(amount.to_string()), self.bind(amount.currency().code().to_owned()));
                self.sql.push_str(&format!(
                    " AND t.txn_amount {sign} ${units}::text::numeric AND coalesce(t.currency, 'INR') = ${code}::text"
                ));
            }
        }
        match query.receipt {
            Some(ReceiptState::Issued) => self.sql.push_str(" AND t.receipt IS NOT NULL"),
            Some(ReceiptState::Pending) => self.sql.push_str(" AND t.receipt IS NULL"),
            Some(ReceiptState::None) | None => {}
        }
        self.times(query);
    }

    /// Those on the moment of creation.
    fn times(&mut self, query: &PaymentQuery) {
        for (sign, at) in [(">=", query.from), ("<", query.before())] {
            if let Some(at) = at {
                let nth = self.bind(at.as_millis());
                self.sql.push_str(&format!(" AND t.created_time {sign} ${nth}::bigint"));
            }
        }
    }

    /// The first places, in the order of the answer, of the rows that meet a condition and these.
    fn head(&self, run: &str, behind: Option<&Behind>, limit: usize) -> String {
        let part = |behind: &str| {
            format!(
                "(SELECT t.txn_id, t.created_time FROM eg_pg_transactions AS t WHERE {run}{}{behind}
                  ORDER BY {NEWEST_FIRST} LIMIT ${limit}::bigint)",
                self.sql
            )
        };
        match behind {
            None => part(""),
            Some(Behind { timed, timeless: None }) => part(timed),
            Some(Behind { timed, timeless: Some(timeless) }) => {
                format!("({} UNION ALL {})", part(timed), part(timeless))
            }
        }
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect()
    }
}

/// The conditions of a row behind a place: of those with a time, and of those without one, which are the oldest.
/// Each is a range of the index.
struct Behind {
    timed: String,
    /// Of a list that is not of some times.
    timeless: Option<String>,
}

impl Behind {
    fn bound(place: Place, is_of_times: bool, all: &mut Conditions) -> Behind {
        let (at, id) = (all.bind(place.created_time), all.bind(place.txn_id));
        let timeless = (!is_of_times).then(|| {
            let nth = all.bind(place.timeless);
            format!(" AND t.created_time IS NULL AND t.txn_id COLLATE \"C\" < ${nth}::text")
        });
        Behind {
            timed: format!(" AND (t.created_time, t.txn_id COLLATE \"C\") < (${at}::bigint, ${id}::text)"),
            timeless,
        }
    }
}

/// The pieces of indexes, in the order of the answer, of which a list is merged.
enum Runs {
    OfTenants(Vec<String>),
    /// Of all tenants: rows of others are left out.
    OfStatuses,
    /// Of all tenants.
    WithoutReceipt,
}

/// The tables by whose rows there are runs, the condition of one, and how many there are.
struct Sources {
    tables: String,
    run: String,
    number: usize,
}

impl Runs {
    fn sources(&self, statuses: Vec<String>, all: &mut Conditions) -> Sources {
        let number = statuses.len();
        match self {
            Runs::OfTenants(tenants) => {
                let (of, by) = (all.bind(tenants.clone()), all.bind(statuses));
                Sources {
                    tables: format!(
                        "unnest(${of}::text[]) AS tenant (name) CROSS JOIN unnest(${by}::text[]) AS status (name)"
                    ),
                    run: "t.tenant_id COLLATE \"C\" = tenant.name AND t.txn_status = status.name".to_owned(),
                    number: number.saturating_mul(tenants.len()),
                }
            }
            Runs::OfStatuses => Sources {
                tables: format!("unnest(${}::text[]) AS status (name)", all.bind(statuses)),
                run: "t.txn_status = status.name".to_owned(),
                number,
            },
            Runs::WithoutReceipt => Sources {
                tables: "(SELECT 1) AS one".to_owned(),
                run: "t.txn_status = 'SUCCESS' AND t.receipt IS NULL".to_owned(),
                number: 1,
            },
        }
    }

    /// Whether each row of a run has one of the tenants.
    fn are_of_tenants(&self) -> bool {
        matches!(self, Runs::OfTenants(_))
    }
}

#[async_trait]
impl Listings for PostgresStore {
    async fn list_payments(&self, query: &PaymentQuery) -> Result<Vec<Transaction>, StoreError> {
        let statuses = statuses(query, &self.foreign_statuses);
        if query.within.is_empty() || statuses.is_empty() {
            return Ok(Vec::new());
        }
        let place = match &query.after {
            Some(id) => match self.place_within(id, &query.within).await? {
                Some(place) => Some(place),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let (sql, conditions) = list(query, &self.runs(query).await?, statuses, place);
        let found = self.db.search(&sql, &conditions.values()).await?;
        Ok(rows::all(&found, transaction_columns::read)?)
    }

    async fn payments_horizon(
        &self,
        query: &PaymentQuery,
        examined: u32,
    ) -> Result<Option<Timestamp>, StoreError> {
        let statuses = statuses(query, &self.foreign_statuses);
        if query.within.is_empty() || statuses.is_empty() {
            return Ok(None);
        }
        let runs = self.runs(query).await?;
        if runs.are_of_tenants() && !query.is_selective() {
            return Ok(None);
        }
        let place = match &query.after {
            Some(id) => self.place_within(id, &query.within).await?,
            None => None,
        };
        let (sql, conditions) = horizon(query, &runs, statuses, place, examined);
        let found = self.db.search(&sql, &conditions.values()).await?;
        Ok(rows::first::<Option<i64>>(&found)?.flatten().map(Timestamp::from_millis))
    }

    async fn payments_named(&self, query: &NamedQuery) -> Result<Vec<Transaction>, StoreError> {
        let place = match &query.after {
            Some(id) => match self.place_within(id, &query.within).await? {
                Some(place) => Some(place),
                None => return Ok(Vec::new()),
            },
            None => None,
        };
        let (sql, conditions) = named(query, place);
        let found = self.db.search(&sql, &conditions.values()).await?;
        Ok(rows::all(&found, transaction_columns::read)?)
    }

    async fn tenants_within(&self, within: &[TenantScope]) -> Result<Vec<TenantId>, StoreError> {
        let mut found = self.tenants(within, i64::MAX).await?;
        found.sort_unstable();
        found.dedup();
        Ok(found.into_iter().map(TenantId::stored).collect())
    }
}

impl PostgresStore {
    async fn place_within(&self, id: &TxnId, within: &[TenantScope]) -> Result<Option<Place>, Failure> {
        let sql =
            format!("SELECT t.txn_id FROM eg_pg_transactions AS t WHERE t.txn_id = $2::text AND {IN_SCOPES}");
        let mut conditions = Conditions::within(within);
        conditions.bind(storable(id.as_str()).into_owned());
        if self.db.planned(&sql, &conditions.values()).await?.is_empty() {
            return Ok(None);
        }
        Place::of(&self.db, id).await
    }

    /// The first tenants of the scopes; one of two scopes twice.
    async fn tenants(&self, within: &[TenantScope], limit: i64) -> Result<Vec<String>, Failure> {
        let mut conditions = Conditions::within(within);
        conditions.bind(limit);
        let sql = format!("SELECT tenant.tenant_id::text FROM {TENANTS} LIMIT $2::bigint");
        let found = self.db.search(&sql, &conditions.values()).await?;
        rows::all(&found, |row| Ok(row.try_get(0)?))
    }

    async fn runs(&self, query: &PaymentQuery) -> Result<Runs, Failure> {
        if query.receipt == Some(ReceiptState::Pending) {
            return Ok(Runs::WithoutReceipt);
        }
        let one_more = i64::try_from(FEW_TENANTS + 1).map_err(|_| Failure::OutOfRange)?;
        let mut tenants = self.tenants(&query.within, one_more).await?;
        if tenants.len() > FEW_TENANTS {
            return Ok(Runs::OfStatuses);
        }
        tenants.sort_unstable();
        tenants.dedup();
        Ok(Runs::OfTenants(tenants))
    }
}

/// The statuses that can match, as the column has them.
fn statuses(query: &PaymentQuery, foreign: &[String]) -> Vec<String> {
    let ours = [StatusName::Pending, StatusName::Success, StatusName::Failure];
    let ours =
        ours.into_iter().filter(|status| query.admits(*status)).map(|status| status.as_str().to_owned());
    let admits_foreign = query.status.is_none()
        && query.pending_before.is_none()
        && query.receipt.is_none_or(|receipt| receipt == ReceiptState::None);
    ours.chain(foreign.iter().filter(|_| admits_foreign).cloned()).collect()
}

/// The tenants that a query can have payments of.
pub(crate) fn tenants(query: &PaymentQuery) -> (String, Vec<Bound>) {
    (format!("SELECT DISTINCT tenant.tenant_id FROM {TENANTS}"), Conditions::within(&query.within).values)
}

/// Whether each payment's tenant lies between the first and the last of these.
pub(crate) fn are_all(tenants: &[String]) -> (String, Vec<Bound>) {
    let end = |direction: &str| {
        format!(
            "(SELECT t.tenant_id COLLATE \"C\" FROM eg_pg_transactions AS t WHERE t.tenant_id IS NOT NULL
                ORDER BY t.tenant_id COLLATE \"C\" {direction} LIMIT 1)"
        )
    };
    let sql = format!("SELECT coalesce({} >= $1::text AND {} <= $2::text, FALSE)", end("ASC"), end("DESC"));
    (sql, vec![Box::new(tenants.iter().min().cloned()), Box::new(tenants.iter().max().cloned())])
}

/// These columns of every payment of a list, in its order: the runs of the index are merged as they are read, and
/// nothing is gathered or sorted. Runs of these tenants, or of all and only of a status. `None` where no payment can
/// match.
pub(crate) fn whole(
    query: &PaymentQuery,
    columns: &str,
    tenants: Option<Vec<String>>,
    foreign: &[String],
) -> Option<(String, Vec<Bound>)> {
    let mut all = Conditions::within(&query.within);
    all.filter(query);
    let statuses: Vec<usize> = statuses(query, foreign).into_iter().map(|status| all.bind(status)).collect();
    let of_status = |status: &usize| format!("t.txn_status = ${status}::text");
    let mut runs = Vec::new();
    if let Some(tenants) = tenants {
        for tenant in tenants {
            let tenant = format!("t.tenant_id COLLATE \"C\" = ${}::text", all.bind(tenant));
            runs.extend(statuses.iter().map(|status| format!("{tenant} AND {}", of_status(status))));
        }
    } else {
        let within = all.in_scopes(&query.within);
        runs.extend(statuses.iter().map(|status| format!("{} AND {within}", of_status(status))));
    }
    let runs: Vec<String> = runs
        .iter()
        .map(|run| {
            format!(
                "(SELECT {columns} FROM eg_pg_transactions AS t WHERE {run}{} ORDER BY {NEWEST_FIRST})",
                all.sql
            )
        })
        .collect();
    let sql = format!("SELECT * FROM ({}) AS t ORDER BY {NEWEST_FIRST}", runs.join(" UNION ALL "));
    (!runs.is_empty()).then_some((sql, all.values))
}

fn list(
    query: &PaymentQuery,
    runs: &Runs,
    statuses: Vec<String>,
    place: Option<Place>,
) -> (String, Conditions) {
    let mut all = Conditions::within(&query.within);
    let Sources { tables, mut run, .. } = runs.sources(statuses, &mut all);
    if !runs.are_of_tenants() {
        run.push_str(" AND ");
        run.push_str(&all.in_scopes(&query.within));
    }
    all.filter(query);
    let limit = all.bind(i64::from(query.limit));
    let is_of_times = query.from.is_some() || query.before().is_some();
    let behind = place.map(|place| Behind::bound(place, is_of_times, &mut all));
    let head = all.head(&run, behind.as_ref(), limit);
    let sql = format!(
        "SELECT {} FROM (
            SELECT t.txn_id, t.created_time FROM {tables} CROSS JOIN LATERAL {head} AS t
            ORDER BY {NEWEST_FIRST} LIMIT ${limit}::bigint) AS place
        JOIN eg_pg_transactions AS t ON t.txn_id = place.txn_id
        ORDER BY {NEWEST_FIRST}",
        *SELECTED
    );
    (sql, all)
}

/// The newest of the moments at which the runs have given their share. Of an offset that is a subquery PostgreSQL assumes
/// a tenth of the rows, and reads the run in its order; of one that exceeds what it believes a run to have it would
/// gather and sort the run. For the same reason the range behind a place has two ends: without statistics PostgreSQL
/// believes such a one to be small.
fn horizon(
    query: &PaymentQuery,
    runs: &Runs,
    statuses: Vec<String>,
    place: Option<Place>,
    examined: u32,
) -> (String, Conditions) {
    let mut all = Conditions::within(&query.within);
    let Sources { tables, run, number } = runs.sources(statuses, &mut all);
    all.times(query);
    let skipped = all.bind(i64::from(share_of_run(examined, number).saturating_sub(1)));
    if let Some(place) = place {
        let nth = all.bind(place.created_time);
        all.sql.push_str(&format!(" AND t.created_time BETWEEN 0 AND ${nth}::bigint"));
    }
    let sql = format!(
        "SELECT max(run.created_time) FROM {tables} CROSS JOIN LATERAL (
            SELECT t.created_time FROM eg_pg_transactions AS t WHERE {run}{}
            ORDER BY {NEWEST_FIRST} OFFSET (SELECT ${skipped}::bigint) LIMIT 1) AS run",
        all.sql
    );
    (sql, all)
}

fn named(query: &NamedQuery, place: Option<Place>) -> (String, Conditions) {
    const KINDS: [&str; 8] = [
        "t.txn_id = name.spelling",
        "lower(t.gateway_txn_id) COLLATE \"C\" = lower(name.spelling) AND t.gateway_txn_id IS NOT NULL",
        "lower(t.pg_bank_transaction_no) COLLATE \"C\" = lower(name.spelling)
            AND t.pg_bank_transaction_no IS NOT NULL",
        "t.txn_id IN (SELECT bill.txn_id FROM eg_pg_transaction_bills AS bill WHERE bill.bill_id = name.spelling)",
        "t.consumer_code = name.spelling",
        "t.receipt = name.spelling AND t.receipt IS NOT NULL",
        "t.txn_id IN (SELECT refund.original_txn_id FROM eg_pg_transaction_refund AS refund
            WHERE refund.refund_id = name.spelling)",
        "t.txn_id IN (SELECT refund.original_txn_id FROM eg_pg_transaction_refund AS refund
            WHERE lower(refund.pg_details ->> 'gatewayRefundId') COLLATE \"C\" = lower(name.spelling)
                AND refund.pg_details ->> 'gatewayRefundId' IS NOT NULL)",
    ];
    let mut all = Conditions::within(&query.within);
    let spellings: Vec<String> =
        query.spellings.iter().map(|spelling| storable(spelling).into_owned()).collect();
    let (spellings, limit) = (all.bind(spellings), all.bind(i64::from(query.limit)));
    let behind = place.map(|place| Behind::bound(place, false, &mut all));
    let mut runs: Vec<String> = KINDS
        .into_iter()
        .map(|kind| {
            let head = all.head(&format!("{kind} AND {IN_SCOPES}"), behind.as_ref(), limit);
            format!("(SELECT run.* FROM unnest(${spellings}::text[]) AS name (spelling) CROSS JOIN LATERAL {head} AS run)")
        })
        .collect();
    if let Some(mobile) = &query.mobile {
        let nth = all.bind(storable(mobile.expose()).into_owned());
        let of = format!(
            "right(translate(t.mobile_number, ' -', ''), 10) COLLATE \"C\" = ${nth}::text AND {IN_SCOPES}"
        );
        runs.push(all.head(&of, behind.as_ref(), limit));
    }
    let sql = format!(
        "SELECT {} FROM (
            SELECT t.txn_id, t.created_time FROM (SELECT DISTINCT txn_id, created_time FROM ({}) AS run) AS t
            ORDER BY {NEWEST_FIRST} LIMIT ${limit}::bigint) AS place
        JOIN eg_pg_transactions AS t ON t.txn_id = place.txn_id
        ORDER BY {NEWEST_FIRST}",
        *SELECTED,
        runs.join(" UNION ALL "),
    );
    (sql, all)
}
