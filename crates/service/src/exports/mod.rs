//! Exports: a list as a file. CSV and JSONL leave while the list is read; XLSX is made in a temporary file first.
//!
//! The audit log has an entry before anything is read, and another, with the number of rows and the digest of the
//! bytes that left, before the last of them leaves: a file that is complete is in the log. One that was cut off never
//! looks complete, and its entry says how much of it has left.

mod body;
mod columns;
mod lines;
mod moments;
mod sheet;
mod source;
mod work;

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{AuditAction, AuditActor, AuditEntry, Personal, TenantId};
use payment_store::{
    AttentionQuery, AuditQuery, EventQuery, NamedQuery, PaymentQuery, RefundQuery, StoreError, StoredAccount,
    TenantScope,
};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

pub use self::body::ExportBody;
pub use self::sheet::MOST_SHEET_ROWS;

use self::columns::Shown;
use self::source::Source;
use self::work::Work;
use crate::audit::act;
use crate::ports::Ports;

/// Exports under way at a time, on this node.
const AT_ONCE: usize = 2;
/// How long an answer waits for the first row, or for a whole sheet: then it begins without them.
const FIRST_PIECE_WAIT: Duration = Duration::from_secs(20);

/// Exports of lists.
#[derive(Clone)]
pub struct Exports {
    ports: Arc<Ports>,
    turns: Arc<Semaphore>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    Csv,
    Xlsx,
    Jsonl,
}

/// A list, by the query of its page. Cursors and limits are left out of account.
#[derive(Debug, Clone)]
pub enum ExportedList {
    Payments(PaymentQuery),
    /// Payments by one of their numbers.
    Found(NamedQuery),
    Refunds(RefundQuery),
    Cases(AttentionQuery),
    Events(EventQuery),
    /// Of a job.
    Runs(String),
    Audit(AuditQuery),
    /// Merchant accounts of these tenants and below.
    Accounts {
        within: Vec<TenantScope>,
        /// Those that take payments of this service.
        service: Option<String>,
    },
}

#[derive(Debug, Clone)]
pub struct ExportRequest {
    pub list: ExportedList,
    pub format: ExportFormat,
    pub actor: AuditActor,
    /// The tenant to which the list is narrowed; `None` for several.
    pub tenant: Option<TenantId>,
    /// The view's parameters, for the audit log: no personal data.
    pub view: Map<String, Value>,
    /// `None`: personal data is starred.
    pub revealed: Option<Revealed>,
}

/// Personal data that is shown.
#[derive(Debug, Clone)]
pub struct Revealed {
    /// In rows of these tenants and below.
    pub within: Vec<TenantScope>,
    pub reason: Personal,
}

/// Why an export has not begun.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("as many exports are under way as may be")]
    Busy,
    #[error("a sheet holds no more than 1,048,575 rows")]
    TooLong,
    /// The text is for the log.
    #[error("the temporary file of the sheet cannot be written: {0}")]
    File(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whether an account takes payments of a service; `None` is any.
pub fn account_takes(stored: &StoredAccount, service: Option<&str>) -> bool {
    let own = stored.account.business_service.as_deref();
    service.is_none_or(|service| own.is_none_or(|own| own == service))
}

impl ExportFormat {
    pub const ALL: [ExportFormat; 3] = [ExportFormat::Csv, ExportFormat::Xlsx, ExportFormat::Jsonl];

    /// Its word, and the ending of its files.
    pub fn as_str(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Xlsx => "xlsx",
            ExportFormat::Jsonl => "jsonl",
        }
    }

    pub fn from_word(word: &str) -> Option<ExportFormat> {
        ExportFormat::ALL.into_iter().find(|format| format.as_str() == word)
    }

    pub fn content_type(self) -> &'static str {
        match self {
            ExportFormat::Csv => "text/csv; charset=utf-8",
            ExportFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ExportFormat::Jsonl => "application/x-ndjson",
        }
    }
}

impl ExportedList {
    pub fn as_str(&self) -> &'static str {
        match self {
            ExportedList::Payments(_) | ExportedList::Found(_) => "payments",
            ExportedList::Refunds(_) => "refunds",
            ExportedList::Cases(_) => "cases",
            ExportedList::Events(_) => "events",
            ExportedList::Runs(_) => "runs",
            ExportedList::Audit(_) => "audit",
            ExportedList::Accounts { .. } => "accounts",
        }
    }
}

impl Exports {
    pub fn new(ports: Arc<Ports>) -> Exports {
        Exports { ports, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Begins an export, after the audit log has it. It ends when its body is dropped, and with `stop`.
    ///
    /// # Errors
    /// [`ExportError`]: nothing has left.
    pub async fn begin(
        &self,
        request: ExportRequest,
        stop: CancellationToken,
    ) -> Result<ExportBody, ExportError> {
        let turn = self.turns.clone().try_acquire_owned().map_err(|_| ExportError::Busy)?;
        let id = uuid::Uuid::new_v4().to_string();
        let entries = self.entries(&id, &request);
        self.ports.store.record(entries).await?;
        let (sender, body) = body::channel();
        let (begun, has_begun) = oneshot::channel();
        let ExportRequest { list, format, actor, tenant, view: _, revealed } = request;
        let work = Work {
            id,
            list: list.as_str(),
            format,
            actor,
            tenant,
            source: Source::of(list, self.ports.store.clone()),
            shown: Shown::within(revealed.map(|revealed| revealed.within)),
            ports: self.ports.clone(),
            sender,
        };
        self.ports.tasks.spawn(async move {
            work.run(begun, stop).await;
            drop(turn);
        });
        match tokio::time::timeout(FIRST_PIECE_WAIT, has_begun).await {
            Ok(Ok(Ok(()))) | Err(_) => Ok(body),
            Ok(Ok(Err(refused))) => Err(refused),
            Ok(Err(_)) => Err(StoreError::Unavailable("an export has broken off".into()).into()),
        }
    }

    /// The entries of its beginning.
    fn entries(&self, id: &str, request: &ExportRequest) -> Vec<AuditEntry> {
        let shown = if request.revealed.is_some() { "shown" } else { "starred" };
        let details = [
            ("list", Value::from(request.list.as_str())),
            ("format", request.format.as_str().into()),
            ("view", Value::Object(request.view.clone())),
            ("personal", shown.into()),
            ("state", "begun".into()),
        ];
        let entry = |action| AuditEntry {
            tenant: request.tenant.clone(),
            reason: request.revealed.as_ref().map(|revealed| revealed.reason.clone()),
            details: details.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            ..act(self.ports.now(), request.actor.clone(), action, "export", id)
        };
        let mut entries = vec![entry(AuditAction::Exported)];
        if request.revealed.is_some() {
            entries.push(entry(AuditAction::Revealed));
        }
        entries
    }
}
