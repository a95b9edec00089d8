//! The use cases of the payment gateway service, a module each.
//!
//! [`Payments`] holds them over one set of [`Ports`]: the store, the gateways, DIGIT's services and the
//! clock. Nothing here depends on their implementations, or on HTTP.

pub mod access;
mod accounts;
mod advice;
mod api_tokens;
mod attention;
pub mod audit;
mod backlog;
mod callback_url;
mod callbacks;
mod claims;
mod create;
mod employees;
mod events;
mod exports;
pub mod figures;
mod gateways;
mod housekeeping;
mod identity;
mod masking;
mod metering;
mod notify;
mod order_life;
mod pace;
mod payment_page;
mod payment_span;
mod ports;
mod questions;
mod readiness;
mod receipts;
mod reconcile;
mod redirects;
mod refunds;
mod roles;
mod scheduler;
mod search;
mod sessions;
mod settle;
mod single_flight;
mod subject;
mod view;

use std::sync::Arc;

pub use accounts::{
    AccountActor, AccountAdapter, AccountAdapters, AccountDirectory, AccountError, AccountField,
    AccountLevel, AccountObstacle, AccountProblem, AccountSettings, AccountStanding, AccountTrouble,
    AccountVerdict, AccountView, AccountWish, Accounts, AccountsJob, CALLBACKS_COME_FOR, CredentialFault,
    GatewayPrecedence, ImportedAccount, KeyEncryptionKey, Keyring, OrderLives, Place, SeenAccount,
    Unverified, VaultError, accounts_of_csv, accounts_of_pg_detail,
};
pub use advice::{Advice, AdviceStep, OtherPayment, advise_all};
pub use api_tokens::{
    IssuedToken, LONGEST_OWN_TOKEN_LIFE, LONGEST_TOKEN_LIFE, PersonalTokens, TOKEN_PREFIX, TokenError,
    TokenFlaw, TokenIssuer, TokenWish,
};
pub use attention::{AttentionDetail, AttentionList, CaseError};
pub use backlog::BacklogGauges;
pub use callback_url::with_transaction_id;
pub use callbacks::{CallbackError, Callbacks, Conclusion};
pub use claims::{ClaimMapping, ClaimRole, ClaimedPerson};
pub use create::{
    BillRequest, CreateError, CreateRequest, CreatedTransaction, Creation, IdempotentRequest, Refusal,
};
pub use employees::{Employee, EmployeeError, Employees};
pub use exports::{
    ExportBody, ExportError, ExportFormat, ExportRequest, ExportedList, Exports, MOST_SHEET_ROWS, Revealed,
    account_takes,
};
pub use gateways::{GatewayStatus, Gateways, Offered, UnknownGateway};
pub use housekeeping::{HousekeepingJob, HousekeepingSettings};
pub use identity::Identity;
pub use masking::{mask, mask_evidence};
pub use notify::{
    InvalidPaymentLink, NotificationPorts, NotificationSettings, Notifications, Notified, NotifyError,
    PaymentLink, UnreadableEvent,
};
pub use pace::{Pace, PaceSettings};
pub use payment_page::{PaymentForm, PaymentPage, PaymentPageError, PaymentPages};
pub use ports::{AllowedCallbackHosts, Ports, Settings, is_host_among};
pub use questions::QuestionSettings;
pub use readiness::Readiness;
pub use receipts::{ReceiptTally, Receipts, ReceiptsJob};
pub use reconcile::{
    ByHand, Check, Checked, DailyJob, EarlyJob, FollowUpJob, GatewaySummary, InvalidAge, NotAsked, Progress,
    Reconciliation, ReconciliationSettings, ReconciliationSummary, Selected, Selection, SelectionError,
    parse_age,
};
pub use redirects::Redirects;
pub use refunds::{
    CancelReceipt, NotCancellable, NotPaid, NotSupported, RefundDecisionRequest, RefundError, RefundRequest,
    RefundSettings, Refunds, RefundsJob, UPSTREAM,
};
pub use roles::{Denied, Rights, RoleCodes};
pub use scheduler::{
    BegunByHand, FinishedRun, InvalidCron, Job, JobError, Looked, Run, RunByHandError, Schedule,
    ScheduledJob, Scheduler, SchedulerSettings, Timing,
};
pub use search::{Search, SearchError, SearchRequest, SearchResult};
pub use sessions::{
    BegunSession, ConsoleSessions, IssuedLink, LINK_LIFE, LoggedIn, LoginWays, ProvenLogin, SessionError,
};
pub use settle::{Asked, Caller, Origin, SettleError, Settled, Settlement};
pub use subject::Subject;
pub use view::{
    ActorView, ApiTokenView, AuditView, BillPaymentView, CaseOwnerView, CaseView, DeadLetterView,
    DuePaymentView, EventView, GrantView, HistoryView, HolderView, JobView, OtherPaymentView, PayerView,
    PersonalData, ReceiptCancellationView, ReceiptTaskView, ReconciledGatewayView, ReconciliationView,
    RefundHistoryView, RefundStory, RefundView, ResolutionView, RunState, RunView, TransactionStory,
    TransactionView, upyog,
};

/// All use cases over one set of ports.
#[derive(Clone)]
pub struct Payments {
    pub ports: Arc<Ports>,
    pub creation: Creation,
    pub settlement: Settlement,
    pub receipts: Receipts,
    pub search: Search,
    pub callbacks: Callbacks,
    pub payment_pages: PaymentPages,
    pub attention: AttentionList,
    pub refunds: Refunds,
    pub readiness: Readiness,
    pub tokens: PersonalTokens,
    /// Of the console.
    pub sessions: ConsoleSessions,
    pub audit: audit::AuditTrail,
    pub exports: Exports,
    /// Searches with unmasked answers.
    pub counted: audit::CountedActs,
}

impl Payments {
    pub fn new(ports: Ports) -> Payments {
        metering::describe();
        backlog::describe();
        figures::describe();
        let ports = Arc::new(ports);
        let receipts = Receipts::new(ports.clone());
        let counted = audit::CountedActs::new(ports.store.clone(), ports.clock.clone());
        let settlement = Settlement::new(ports.clone(), receipts.clone());
        let refunds = Refunds::new(ports.clone(), settlement.clone());
        Payments {
            creation: Creation::new(ports.clone(), receipts.clone(), settlement.clone()),
            search: Search::new(ports.clone(), counted.clone()),
            audit: audit::AuditTrail::new(
                ports.store.clone(),
                ports.clock.clone(),
                ports.settings.checkpoints.clone(),
            ),
            exports: Exports::new(ports.clone()),
            callbacks: Callbacks::new(ports.clone(), settlement.clone(), refunds.clone()),
            payment_pages: PaymentPages::new(ports.clone()),
            refunds,
            attention: AttentionList::new(ports.store.clone(), ports.clock.clone()),
            readiness: Readiness::new(ports.clone()),
            sessions: ConsoleSessions::new(ports.store.clone(), ports.clock.clone()),
            tokens: PersonalTokens::new(ports.store.clone(), ports.clock.clone()),
            counted,
            settlement,
            receipts,
            ports,
        }
    }
}
