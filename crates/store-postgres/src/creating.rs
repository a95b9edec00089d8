//! Creating transactions, many in one commit.
//!
//! First the rows that must be unique are inserted: idempotency keys, claims, transactions. A conflict
//! inserts nothing, and the returned rows tell which creates of the group have got all of theirs: the
//! winners. The rows of the losers are taken back, the other rows of the winners are inserted, and all is
//! committed. Only then the losers learn the obstacle, as it is committed by then; where there is none any
//! more, they are tried again.
//!
//! Two of a group with the same key, bill or id are not tried together: the later one waits for the next
//! round. Every group inserts in the same order, so that there is no deadlock.

use std::collections::{HashMap, HashSet};

use payment_domain::{BillKey, StatusName, Transaction};
use payment_store::{Created, NewTransaction};

use crate::clock::Now;
use crate::connections::{Connections, Session, Step};
use crate::failure::Failure;
use crate::parameters::{ColumnLimits, Parameter, Rows};
use crate::transaction_columns::{self, JsonParts};
use crate::{claims, finding, idempotency, outbox, receipts, transactions};

/// The most attempts of a create whose obstacles are gone when they are looked up.
const ROUNDS: usize = 16;
/// The most attempts of a group that collides with another, or whose connection is dead.
const ATTEMPTS: usize = 3;

pub(crate) struct Creation {
    new: NewTransaction,
    json: JsonParts,
    /// Each once and in order.
    claims: Vec<BillKey>,
    /// Every bill by which it is found, each once.
    bills: Vec<BillKey>,
    now: Now,
}

impl Creation {
    pub(crate) fn new(new: NewTransaction, now: Now) -> Result<Creation, Failure> {
        let bills = new.txn.bill_keys();
        let is_live = new.txn.status.name() != StatusName::Failure;
        let claims = if is_live { bills.clone() } else { Vec::new() };
        Ok(Creation { json: JsonParts::of_new(&new)?, claims, bills, new, now })
    }

    fn id(&self) -> &str {
        self.new.txn.id.as_str()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// It is not stored.
    None,
    /// The connection broke during its commit.
    MayBeStored,
}

/// The place of a creation in its group.
type Tried = (usize, Doubt);

/// Stores a group; each is answered in its place.
pub(crate) async fn store(
    db: &Connections,
    column_limits: &ColumnLimits,
    group: Vec<Creation>,
) -> Vec<Result<Created, Failure>> {
    let mut answers: Vec<Option<Result<Created, Failure>>> = group.iter().map(|_| None).collect();
    let mut open: Vec<Tried> = (0..group.len()).map(|place| (place, Doubt::None)).collect();
    for _ in 0..ROUNDS {
        if open.is_empty() {
            break;
        }
        let (tried, mut undecided) = without_competing(&group, &open);
        for (place, outcome) in attempt(db, column_limits, &group, tried).await {
            match outcome {
                Ok(Outcome::Stored) => set(&mut answers, place.0, Ok(Created::Stored)),
                Ok(Outcome::Lost(doubt)) => undecided.push((place.0, doubt)),
                Err(failure) => set(&mut answers, place.0, Err(failure)),
            }
        }
        open.clear();
        undecided.sort_by_key(|(place, _)| *place);
        match against(db, &group, &undecided).await {
            Ok(found) => {
                for ((place, doubt), found) in undecided.into_iter().zip(found) {
                    match found {
                        Some(created) => set(&mut answers, place, Ok(created)),
                        None => open.push((place, doubt)),
                    }
                }
            }
            Err(failure) => {
                for (place, _) in undecided {
                    set(&mut answers, place, Err(failure.clone()));
                }
            }
        }
    }
    answers.into_iter().map(|answer| answer.unwrap_or(Err(Failure::Contended))).collect()
}

fn set<T>(answers: &mut [Option<T>], place: usize, answer: T) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}

/// Creations with no key, bill or id of an earlier one of the group, and the others.
fn without_competing(group: &[Creation], open: &[Tried]) -> (Vec<Tried>, Vec<Tried>) {
    let (mut ids, mut keys, mut bills) = (HashSet::new(), HashSet::new(), HashSet::new());
    open.iter().partition(|(place, _)| {
        let Some(creation) = group.get(*place) else { return false };
        let key = creation.new.idempotency.as_ref().map(|record| &record.key);
        let is_free = !ids.contains(creation.id())
            && key.is_none_or(|key| !keys.contains(key))
            && creation.claims.iter().all(|bill| !bills.contains(bill));
        if is_free {
            ids.insert(creation.id());
            keys.extend(key);
            bills.extend(&creation.claims);
        }
        is_free
    })
}

enum Outcome {
    Stored,
    /// There was a conflict.
    Lost(Doubt),
}

/// Stores those together; if that fails because of one of them, each by itself.
async fn attempt(
    db: &Connections,
    column_limits: &ColumnLimits,
    group: &[Creation],
    tried: Vec<Tried>,
) -> Vec<(Tried, Result<Outcome, Failure>)> {
    match together(db, column_limits, group, &tried).await {
        Ok(outcomes) => tried.into_iter().zip(outcomes.into_iter().map(Ok)).collect(),
        Err(failure) if failure.is_passing() || tried.len() == 1 => {
            tried.into_iter().map(|place| (place, Err(failure.clone()))).collect()
        }
        Err(_) => {
            let mut outcomes = Vec::with_capacity(tried.len());
            for place in tried {
                let outcome = together(db, column_limits, group, &[place]).await;
                outcomes.push((place, outcome.map(|mut one| one.pop().unwrap_or(Outcome::Lost(place.1)))));
            }
            outcomes
        }
    }
}

/// The same, until the outcome is known. After a commit without an answer it is done again: the rows of the
/// first attempt then either exist or never will.
async fn together(
    db: &Connections,
    column_limits: &ColumnLimits,
    group: &[Creation],
    tried: &[Tried],
) -> Result<Vec<Outcome>, Failure> {
    let mut in_doubt = false;
    let mut last = Failure::Contended;
    for _ in 0..ATTEMPTS {
        let creations: Vec<&Creation> = tried.iter().filter_map(|(place, _)| group.get(*place)).collect();
        let session = match db.session().await {
            Ok(session) => session,
            Err(failure) => return Err(if in_doubt { last } else { failure }),
        };
        match commit(session, column_limits, &creations).await {
            Ok(stored) => {
                return Ok(stored
                    .into_iter()
                    .zip(tried)
                    .map(|(stored, (_, doubt))| match stored {
                        true => Outcome::Stored,
                        false if in_doubt => Outcome::Lost(Doubt::MayBeStored),
                        false => Outcome::Lost(*doubt),
                    })
                    .collect());
            }
            Err(failure @ Failure::CommitUnanswered) => {
                in_doubt = true;
                last = failure;
            }
            Err(failure) if failure.is_collision() || failure.is_disconnection() => {
                // The commit without an answer may have stored it.
                if !in_doubt {
                    last = failure;
                }
            }
            Err(failure) => return Err(if in_doubt { last } else { failure }),
        }
    }
    Err(last)
}

/// One database transaction; returns which of the creations it stores.
async fn commit(
    session: Session,
    column_limits: &ColumnLimits,
    creations: &[&Creation],
) -> Result<Vec<bool>, Failure> {
    match within(&session, column_limits, creations).await {
        Ok(stored) => {
            session.give_back();
            Ok(stored)
        }
        Err(failure) if failure.spoils_connection() || matches!(failure, Failure::CommitUnanswered) => {
            Err(failure)
        }
        Err(failure) => {
            session.roll_back().await;
            Err(failure)
        }
    }
}

async fn within(
    session: &Session,
    column_limits: &ColumnLimits,
    creations: &[&Creation],
) -> Result<Vec<bool>, Failure> {
    let wanted = Wanted::of(creations, column_limits);
    let put = wanted.put(session).await?;
    let stored: Vec<bool> = creations.iter().map(|creation| put.is_complete(creation)).collect();
    let (mut winners, mut losers) = (Vec::new(), Vec::new());
    for (creation, is_stored) in creations.iter().zip(&stored) {
        if *is_stored { winners.push(*creation) } else { losers.push(*creation) }
    }
    let (back, rest) = (put.of_losers(&losers), Rest::of(&winners, column_limits));
    let mut steps = back.steps();
    steps.extend(rest.steps());
    steps.push(Step::commit());
    match session.flight(&steps).await {
        Ok(_) => Ok(stored),
        Err(failure) if failure.is_silence() => Err(Failure::CommitUnanswered),
        Err(failure) => Err(failure),
    }
}

/// The rows that must be unique, in the order in which every group inserts them.
struct Wanted<'a> {
    keys: Rows<'a>,
    claims: Rows<'a>,
    transactions: Rows<'a>,
}

impl<'a> Wanted<'a> {
    fn of(creations: &[&'a Creation], column_limits: &ColumnLimits) -> Wanted<'a> {
        let mut wanted =
            Wanted { keys: Rows::default(), claims: Rows::default(), transactions: Rows::default() };
        let mut records: Vec<_> = creations.iter().filter_map(|c| c.new.idempotency.as_ref()).collect();
        records.sort_by(|one, other| (&one.key.scope, &one.key.key).cmp(&(&other.key.scope, &other.key.key)));
        for record in records {
            idempotency::row(&mut wanted.keys, record);
        }
        let mut bills: Vec<(&BillKey, &str)> =
            creations.iter().flat_map(|c| c.claims.iter().map(|bill| (bill, c.id()))).collect();
        bills.sort();
        for (bill, id) in bills {
            claims::row(&mut wanted.claims, bill, id);
        }
        let mut by_id: Vec<&Creation> = creations.to_vec();
        by_id.sort_by(|one, other| one.id().cmp(other.id()));
        for creation in by_id {
            let Creation { new, json, .. } = creation;
            transaction_columns::insert_row(&mut wanted.transactions, &new.txn, json, column_limits);
        }
        wanted
    }

    async fn put(&self, session: &Session) -> Result<Put, Failure> {
        let mut steps = vec![Step::begin()];
        for (rows, sql) in [
            (&self.keys, idempotency::PUT),
            (&self.claims, claims::PUT),
            (&self.transactions, transaction_columns::INSERT.as_str()),
        ] {
            if !rows.is_empty() {
                steps.push(Step::new(sql, rows.values()));
            }
        }
        let answers = session.flight(&steps).await?;
        let mut answers = answers.into_iter().skip(1);
        let mut put = Put::default();
        if !self.keys.is_empty() {
            for row in answers.next().unwrap_or_default() {
                put.keys.insert(row.try_get(0)?);
            }
        }
        if !self.claims.is_empty() {
            for row in answers.next().unwrap_or_default() {
                put.claims.entry(row.try_get(2)?).or_default().push((row.try_get(0)?, row.try_get(1)?));
            }
        }
        for row in answers.next().unwrap_or_default() {
            put.transactions.insert(row.try_get(0)?);
        }
        Ok(put)
    }
}

/// The inserted rows, by transaction.
#[derive(Default)]
struct Put {
    keys: HashSet<String>,
    claims: HashMap<String, Vec<(String, String)>>,
    transactions: HashSet<String>,
}

impl Put {
    fn is_complete(&self, creation: &Creation) -> bool {
        let id = creation.id();
        self.transactions.contains(id)
            && (creation.new.idempotency.is_none() || self.keys.contains(id))
            && self.claims.get(id).map_or(0, Vec::len) == creation.claims.len()
    }

    fn of_losers<'a>(&'a self, losers: &[&'a Creation]) -> TakenBack<'a> {
        let mut back = TakenBack { keys: Rows::default(), claims: Rows::default(), transactions: Vec::new() };
        for loser in losers {
            let id = loser.id();
            if let Some(record) = loser.new.idempotency.as_ref().filter(|_| self.keys.contains(id)) {
                idempotency::freed(&mut back.keys, &record.key, id);
            }
            for (tenant, bill) in self.claims.get(id).into_iter().flatten() {
                back.claims.push([Parameter::text(tenant), Parameter::text(bill), Parameter::text(id)]);
            }
            if self.transactions.contains(id) {
                back.transactions.push(id);
            }
        }
        back
    }
}

struct TakenBack<'a> {
    keys: Rows<'a>,
    claims: Rows<'a>,
    transactions: Vec<&'a str>,
}

impl TakenBack<'_> {
    fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        if !self.keys.is_empty() {
            steps.push(Step::new(idempotency::FREE, self.keys.values()));
        }
        if !self.claims.is_empty() {
            steps.push(Step::new(claims::TAKE_BACK, self.claims.values()));
        }
        if !self.transactions.is_empty() {
            const DELETE: &str = "
                DELETE FROM eg_pg_transactions AS t USING
                (SELECT * FROM unnest($1::text[]) AS elements (txn_id) LIMIT cardinality($1::text[])) AS u
                WHERE t.txn_id = u.txn_id";
            steps.push(Step::new(DELETE, vec![&self.transactions]));
        }
        steps
    }
}

/// The other rows of the winners.
#[derive(Default)]
struct Rest<'a> {
    bills: Rows<'a>,
    history: Rows<'a>,
    dumps: Rows<'a>,
    events: Rows<'a>,
    tasks: Rows<'a>,
}

impl<'a> Rest<'a> {
    fn of(winners: &[&'a Creation], column_limits: &ColumnLimits) -> Rest<'a> {
        let mut rest = Rest::default();
        for creation in winners {
            let Creation { new, json, .. } = creation;
            for key in &creation.bills {
                rest.bills.push([Parameter::text(key.bill.as_str()), Parameter::text(creation.id())]);
            }
            transactions::history_line(&mut rest.history, &new.history, json.evidence());
            transactions::dump(&mut rest.dumps, &new.txn, &new.dump, json, column_limits);
            for event in &new.events {
                outbox::row(&mut rest.events, event, new.history.at);
            }
            if let Some(task) = &new.receipt_task {
                receipts::row(&mut rest.tasks, &new.txn.id, task, creation.now);
            }
        }
        rest
    }

    fn steps(&self) -> Vec<Step<'_>> {
        const PUT_BILLS: &str = "
            INSERT INTO eg_pg_transaction_bills (bill_id, txn_id)
            SELECT u.bill_id, u.txn_id FROM unnest($1::text[], $2::text[]) AS u (bill_id, txn_id)";
        [
            (&self.bills, PUT_BILLS),
            (&self.history, transactions::APPEND_HISTORY),
            (&self.dumps, transactions::STORE_DUMPS),
            (&self.events, outbox::STORE),
            (&self.tasks, receipts::PUT.as_str()),
        ]
        .into_iter()
        .filter(|(rows, _)| !rows.is_empty())
        .map(|(rows, sql)| Step::new(sql, rows.values()))
        .collect()
    }
}

/// The ids among these that are in use.
async fn stored_ids(db: &Connections, ids: &[&str]) -> Result<HashSet<String>, Failure> {
    const STORED: &str = "
        SELECT t.txn_id FROM
        (SELECT * FROM unnest($1::text[]) AS elements (txn_id) LIMIT cardinality($1::text[])) AS u
        JOIN eg_pg_transactions AS t ON t.txn_id = u.txn_id";
    db.ask(STORED, &[&ids]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The obstacle of each of these: the key first, then the bills, then the id. `None` where there is none.
async fn against(
    db: &Connections,
    group: &[Creation],
    undecided: &[Tried],
) -> Result<Vec<Option<Created>>, Failure> {
    if undecided.is_empty() {
        return Ok(Vec::new());
    }
    let creations: Vec<(&Creation, Doubt)> =
        undecided.iter().filter_map(|(place, doubt)| Some((group.get(*place)?, *doubt))).collect();
    let keys: Vec<_> =
        creations.iter().filter_map(|(c, _)| c.new.idempotency.as_ref()).map(|r| &r.key).collect();
    let bills: Vec<BillKey> = creations.iter().flat_map(|(c, _)| c.claims.iter().cloned()).collect();
    let ids: Vec<&str> = creations.iter().map(|(c, _)| c.id()).collect();
    let known_keys: HashMap<_, _> = idempotency::find_all(db, &keys)
        .await?
        .into_iter()
        .map(|record| (record.key.clone(), record))
        .collect();
    let held: HashMap<_, _> =
        claims::held(db, &bills).await?.into_iter().map(|claim| (claim.bill.clone(), claim)).collect();
    let stored = stored_ids(db, &ids).await?;
    let doubtful = creations.iter().filter(|(_, doubt)| *doubt == Doubt::MayBeStored).map(|(c, _)| *c);
    let found = finding::by_id(db, &doubtful.clone().map(Creation::id).collect::<Vec<_>>()).await?;
    let mut found_again = HashSet::new();
    for creation in doubtful {
        if let Some(row) = found.get(creation.id())
            && is_same(&transaction_columns::read(row)?, &creation.new.txn)
        {
            found_again.insert(creation.id());
        }
    }
    let one = |(creation, _): &(&Creation, Doubt)| {
        if found_again.contains(creation.id()) {
            return Some(Created::Stored);
        }
        let key = creation.new.idempotency.as_ref().and_then(|record| known_keys.get(&record.key));
        if let Some(record) = key {
            return Some(Created::KeyTaken(record.clone()));
        }
        let taken: Vec<_> = creation.claims.iter().filter_map(|bill| held.get(bill)).cloned().collect();
        if !taken.is_empty() {
            return Some(Created::BillsTaken(taken));
        }
        stored.contains(creation.id()).then_some(Created::IdTaken)
    };
    Ok(creations.iter().map(one).collect())
}

/// Whether a stored transaction is the one that was to be created, changed since or not.
fn is_same(stored: &Transaction, new: &Transaction) -> bool {
    stored.tenant_id == new.tenant_id
        && stored.amount == new.amount
        && stored.bills == new.bills
        && stored.audit.created_by == new.audit.created_by
        && stored.audit.created_at == new.audit.created_at
        && stored.callback_url == new.callback_url
}
