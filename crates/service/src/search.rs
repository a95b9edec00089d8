//! Search for transactions, within the caller's scope.

use std::borrow::Cow;
use std::sync::Arc;

use payment_domain::{TenantId, Transaction, TxnId};
use payment_store::{Mine, SearchQuery, StoreError, TenantScope};

use crate::audit::CountedActs;
use crate::identity::Identity;
use crate::ports::Ports;

#[derive(Clone)]
pub struct Search {
    ports: Arc<Ports>,
    counted: CountedActs,
}

#[derive(Debug, Clone)]
pub struct SearchRequest {
    pub identity: Identity,
    /// Its scope is set here, by the caller's identity.
    pub query: SearchQuery,
}

#[derive(Debug, Clone)]
pub struct SearchResult {
    /// Newest first.
    pub transactions: Vec<Transaction>,
    /// Whether personal data is to be masked.
    pub masked: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A caller without proof must name the transactions.
    #[error("at least one of txnId, billId, consumerCode and receipt is required of a caller without proof")]
    ScopeRequired,
    /// As `ScopeRequired`, for a caller whose proof could not be checked.
    #[error("who asks could not be checked with the user service")]
    Unverifiable,
    /// The cursor is no transaction in the caller's scope.
    #[error("the transaction behind which the page begins was not found")]
    UnknownPlace,
    #[error(transparent)]
    Store(#[from] StoreError),
}

enum Scope {
    All,
    Mine(Mine),
    Within(TenantScope),
    Named,
}

impl Search {
    pub(crate) fn new(ports: Arc<Ports>, counted: CountedActs) -> Search {
        Search { ports, counted }
    }

    /// Finds the transactions that match, within the caller's scope.
    ///
    /// # Errors
    /// A [`SearchError`].
    pub async fn search(&self, request: SearchRequest) -> Result<SearchResult, SearchError> {
        let SearchRequest { identity, mut query } = request;
        let masked = match self.scope(&identity) {
            Scope::All => {
                self.counted.searched(&uuid_of(&identity), query.tenant_id.clone());
                false
            }
            Scope::Mine(mine) => {
                query.mine = Some(mine);
                false
            }
            Scope::Within(tenant) => {
                self.counted.searched(&uuid_of(&identity), TenantId::new(tenant.root.as_str()).ok());
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

    /// The tenant of a transaction, where that is one of these or below; `None` is every tenant.
    ///
    /// # Errors
    /// [`StoreError`] when the database is unavailable.
    pub async fn tenant_of(
        &self,
        id: &TxnId,
        within: Option<&[TenantScope]>,
    ) -> Result<Option<TenantId>, StoreError> {
        let txn = self.ports.store.transaction(id).await?;
        let is_within = |tenant: &TenantId| {
            within.is_none_or(|scopes| scopes.iter().any(|scope| tenant.is_within(&scope.root)))
        };
        Ok(txn.map(|txn| txn.tenant_id).filter(is_within))
    }

    /// Whether the caller may see the payer's data, which is masked otherwise.
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
            // Neither, or without a tenant.
            _ => Scope::Named,
        }
    }
}

/// The proven caller.
fn uuid_of(identity: &Identity) -> String {
    identity.proven_uuid().map_or_else(|| "anonymous".to_owned(), Cow::into_owned)
}

/// Whether the scope of a query includes a transaction.
fn is_in_scope(txn: &Transaction, query: &SearchQuery) -> bool {
    let is_mine = |mine: &Mine| txn.payer.uuid == mine.uuid || txn.audit.created_by == mine.uuid;
    query.mine.as_ref().is_none_or(is_mine)
        && query.within.as_ref().is_none_or(|scope| txn.tenant_id.is_within(&scope.root))
}
