//! Finding transactions, for those who may see them.

use std::sync::Arc;

use payment_domain::Transaction;
use payment_store::{Mine, SearchQuery, StoreError, TenantScope};

use crate::identity::Identity;
use crate::ports::Ports;

/// Finds transactions.
#[derive(Clone)]
pub struct Search {
    ports: Arc<Ports>,
}

/// What is searched for, by whom.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// Who asks.
    pub identity: Identity,
    /// The conditions and the page; the scope is set here, by who asks.
    pub query: SearchQuery,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct SearchResult {
    /// The transactions, newest first.
    pub transactions: Vec<Transaction>,
    /// Whether what strangers may not know is to be masked.
    pub masked: bool,
}

/// Why nothing was searched.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A caller without proof must name what they look for.
    #[error("at least one of txnId, billId, consumerCode and receipt is required of a caller without proof")]
    ScopeRequired,
    /// The same, and the caller may have a proof that could not be checked.
    #[error("who asks could not be checked with the user service")]
    Unverifiable,
    /// The transaction behind which the page begins is none that the caller can see.
    #[error("the transaction behind which the page begins was not found")]
    UnknownPlace,
    /// The database is away.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a caller may see.
enum Scope {
    All,
    Mine(Mine),
    Within(TenantScope),
    Named,
}

impl Search {
    pub(crate) fn new(ports: Arc<Ports>) -> Search {
        Search { ports }
    }

    /// Finds what matches and what the caller may see.
    ///
    /// # Errors
    /// A [`SearchError`].
    pub async fn search(&self, request: SearchRequest) -> Result<SearchResult, SearchError> {
        let SearchRequest { identity, mut query } = request;
        let masked = match self.scope(&identity) {
            Scope::All => false,
            Scope::Mine(mine) => {
                query.mine = Some(mine);
                false
            }
            Scope::Within(tenant) => {
                query.within = Some(tenant);
                false
            }
            Scope::Named => {
                let named = query.txn_id.is_some()
                    || query.bill_id.is_some()
                    || query.consumer_code.is_some()
                    || query.receipt.is_some();
                match (named, identity.is_unverifiable()) {
                    (true, _) => {}
                    (false, true) => return Err(SearchError::Unverifiable),
                    (false, false) => return Err(SearchError::ScopeRequired),
                }
                true
            }
        };
        if let Some(after) = &query.after {
            let place = self.ports.store.transaction(after).await?;
            if !place.is_some_and(|txn| is_in_scope(&txn, &query)) {
                return Err(SearchError::UnknownPlace);
            }
        }
        Ok(SearchResult { transactions: self.ports.store.search(&query).await?, masked })
    }

    /// Whether the caller may know the payer of this transaction; otherwise their data is masked.
    pub fn knows_payer(&self, identity: &Identity, txn: &Transaction) -> bool {
        match self.scope(identity) {
            Scope::All => true,
            Scope::Mine(Mine { uuid }) => txn.payer.uuid == uuid || txn.audit.created_by == uuid,
            Scope::Within(TenantScope { root }) => txn.tenant_id.is_within(&root),
            Scope::Named => false,
        }
    }

    fn scope(&self, identity: &Identity) -> Scope {
        if !self.ports.settings.search_scope {
            return Scope::All;
        }
        if !identity.is_proven() {
            return Scope::Named;
        }
        let info = identity.info();
        let kind = info.user("type").unwrap_or_default().to_uppercase();
        let uuid = info.user("uuid").map(|uuid| uuid.into_owned());
        let tenant = info.user("tenantId").map(|tenant| tenant.into_owned());
        match (kind.as_str(), uuid, tenant) {
            ("EMPLOYEE", _, Some(root)) => Scope::Within(TenantScope { root }),
            ("CITIZEN", Some(uuid), _) => Scope::Mine(Mine { uuid }),
            // Whoever is neither, or is not said to belong anywhere, is a stranger.
            _ => Scope::Named,
        }
    }
}

/// Whether the scope of a query includes a transaction.
fn is_in_scope(txn: &Transaction, query: &SearchQuery) -> bool {
    let is_mine = |mine: &Mine| txn.payer.uuid == mine.uuid || txn.audit.created_by == mine.uuid;
    query.mine.as_ref().is_none_or(is_mine)
        && query.within.as_ref().is_none_or(|scope| txn.tenant_id.is_within(&scope.root))
}
