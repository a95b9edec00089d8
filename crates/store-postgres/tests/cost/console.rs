//! Questions of the console and of operators: cases, sessions, forms, tokens, merchant accounts.

use std::collections::BTreeMap;

use payment_domain::{
    AccountId, AccountState, AttentionKind, CredentialState, GatewayName, Grant, MerchantAccount,
    MerchantCredential, Personal, Role, TenantId,
};
use payment_store::contract::sample::{self, at, txn_id};
use payment_store::{
    AccountChange, AccountStored, ApiTokenQuery, ApiTokens, Attention, AttentionQuery, CaseState, CaseStep,
    CaseWork, CaseWorked, FormClaim, HolderKind, Issued, LoginMethod, MerchantAccounts, NewAccount,
    NewApiToken, NewCase, NewLoginLink, NewSession, OwnedBy, Resolution, Resolved, ReviewCases, Revocation,
    Revoked, SentForm, SentForms, SessionBegun, SessionEnd, SessionHolder, Sessions, TenantScope,
    TokenHolder, TokenReach, Transactions,
};

use crate::question::{Question, question};
use crate::{FAR, entries, pending, within, written};

pub(crate) fn all(round: i64) -> Vec<Question> {
    let mut all = cases(round);
    all.extend(sessions(round));
    all.extend(forms(round));
    all.extend(tokens(round));
    all.extend(accounts(round));
    all
}

fn lists_of_cases() -> Vec<Question> {
    let of = |state, kind| AttentionQuery { state, kind, limit: 5, ..AttentionQuery::default() };
    let seen = |state| AttentionQuery { within: Some(within("pb")), ..of(state, None) };
    let one = Some(txn_id("T777"));
    let queries = [
        ("open cases", of(CaseState::Open, None)),
        ("open cases of a kind", of(CaseState::Open, Some(AttentionKind::LateSuccess))),
        ("resolved cases", of(CaseState::Resolved, None)),
        ("resolved cases of a kind", of(CaseState::Resolved, Some(AttentionKind::Refunded))),
        ("all cases", of(CaseState::All, None)),
        ("all cases of a kind", of(CaseState::All, Some(AttentionKind::Refunded))),
        ("open cases of a state", seen(CaseState::Open)),
        // More than there are, so that the whole list is read.
        ("number of open cases of a state", AttentionQuery { limit: 200, ..seen(CaseState::Open) }),
        ("open cases without an owner", AttentionQuery { owner: OwnedBy::Unowned, ..seen(CaseState::Open) }),
        ("old cases", AttentionQuery { raised_before: Some(FAR), ..seen(CaseState::Open) }),
        ("cases of a state", seen(CaseState::All)),
        ("cases of a payment", AttentionQuery { txn_id: one.clone(), ..of(CaseState::All, None) }),
        ("cases of a payment in a state", AttentionQuery { txn_id: one, ..seen(CaseState::All) }),
    ];
    let ask = |(name, query)| {
        Question::by(name, query, move |store, query: AttentionQuery| async move {
            assert!(!store.attention_cases(&query).await.unwrap().is_empty(), "{name}");
        })
    };
    queries.into_iter().map(ask).collect()
}

fn cases(round: i64) -> Vec<Question> {
    let step = |id, work| CaseStep { id, at: FAR, by: "operator".to_owned(), work, audit: entries() };
    let mut all = lists_of_cases();
    all.extend([
        question!("attention", |store| assert_eq!(store.attention(&txn_id("T777")).await.unwrap().len(), 1)),
        question!("attention case", |store| store.attention_case(77).await.unwrap()),
        question!("horizon of cases", |store| {
            let open = AttentionQuery { state: CaseState::Open, ..AttentionQuery::default() };
            assert!(store.cases_horizon(&open, 5).await.unwrap().is_some())
        }),
        question!("case history", |store| assert_eq!(store.case_history(77).await.unwrap().len(), 1)),
        question!("raise, work on and resolve a case", |store| {
            let txn = store.transaction(&pending(round, 3)).await.unwrap().unwrap();
            let case = Attention {
                txn_id: txn.id.clone(),
                kind: AttentionKind::Contradiction,
                raised_at: FAR,
                evidence: serde_json::json!({}),
            };
            let history = sample::change(&txn).history;
            let new = NewCase {
                case,
                history: history.clone(),
                events: Vec::new(),
                hold: txn.bill_keys(),
                fence: None,
            };
            assert!(store.raise_attention(new).await.unwrap());
            let kind = Some(AttentionKind::Contradiction);
            let of_it =
                AttentionQuery { txn_id: Some(txn.id.clone()), kind, limit: 9, ..AttentionQuery::default() };
            let id = store.attention_cases(&of_it).await.unwrap()[0].id;
            for work in [
                CaseWork::Take { version: 1 },
                CaseWork::Note { text: Personal::new("n"), key: Some("k".to_owned()) },
                CaseWork::Release { version: 2 },
            ] {
                assert_eq!(store.work_on_case(step(id, work)).await.unwrap(), CaseWorked::Stored);
            }
            let resolution = Resolution { at: FAR, by: "b".to_owned(), reason: "r".to_owned() };
            let bills = txn.bill_keys();
            let resolved =
                store.resolve_attention(id.into(), resolution, history, Vec::new(), entries(), &bills).await;
            assert_eq!(resolved.unwrap(), Resolved::Now);
        }),
    ]);
    all
}

fn grants() -> Vec<Grant> {
    vec![Grant { role: Role::Operator, tenant: TenantId::new("pb").unwrap() }]
}

fn digest(kind: u8, round: i64) -> [u8; 32] {
    let mut digest = [kind; 32];
    digest[0] = u8::try_from(round).unwrap();
    digest
}

fn sessions(round: i64) -> Vec<Question> {
    let holder = || SessionHolder { uuid: "operator".to_owned(), name: Personal::new("n"), grants: grants() };
    let listed = [("valid sessions", None), ("valid sessions of one", Some("operator-0"))];
    let ask = |(name, uuid): (&'static str, Option<&'static str>)| {
        Question::by(name, uuid, move |store, uuid| async move {
            assert!(!store.valid_sessions(uuid, at(1), 200).await.unwrap().is_empty(), "{name}");
        })
    };
    let mut all: Vec<Question> = listed.into_iter().map(ask).collect();
    all.push(question!("begin, note and end a session", |store| {
        let link = NewLoginLink {
            digest: digest(1, round),
            holder: holder(),
            issued_at: at(0),
            expires_at: at(1_000_000),
            audit: entries(),
        };
        store.store_login_link(link).await.unwrap();
        assert!(store.login_link(&digest(1, round), at(1)).await.unwrap().is_some());
        let id = written("session", round);
        let session = NewSession {
            id: id.clone(),
            digest: digest(2, round),
            link: Some(digest(1, round)),
            attempt: Some(digest(3, round)),
            method: LoginMethod::Link,
            holder: holder(),
            address: None,
            started_at: at(1),
            expires_at: at(1_000_000),
            sealed: None,
            audit: entries(),
        };
        assert_eq!(store.begin_session(session).await.unwrap(), SessionBegun::Stored);
        assert!(store.session(&digest(2, round)).await.unwrap().is_some());
        store.note_session_use(&id, at(70_000)).await.unwrap();
        let ended = SessionEnd { at: at(70_001), by: "operator".to_owned() };
        assert!(store.end_session(&id, Some("operator"), ended, entries()).await.unwrap());
    }));
    all
}

fn forms(round: i64) -> Vec<Question> {
    let form = move || SentForm { key: digest(4, round), digest: [1; 32], sent_at: at(1) };
    vec![question!("claim and answer a form", |store| {
        assert_eq!(store.claim_form(&form(), at(0)).await.unwrap(), FormClaim::Ours);
        store.answer_form(&form(), None).await.unwrap();
        assert_eq!(store.claim_form(&form(), at(0)).await.unwrap(), FormClaim::Ours);
        store.answer_form(&form(), Some("/refunds")).await.unwrap();
        let answered = store.claim_form(&form(), at(0)).await.unwrap();
        assert_eq!(answered, FormClaim::Answered("/refunds".to_owned()));
    })]
}

fn tokens(round: i64) -> Vec<Question> {
    let reaches = [
        ("tokens", TokenReach::All),
        ("tokens of one", TokenReach::Of { uuid: "u-7".to_owned() }),
        ("tokens of a state", TokenReach::Within { scopes: within("pb"), own_uuid: "u-7".to_owned() }),
    ];
    let ask = |(name, reach)| {
        Question::by(name, reach, move |store, reach| async move {
            let query = ApiTokenQuery { reach, valid_at: Some(FAR), limit: 5 };
            assert!(!store.api_tokens(&query).await.unwrap().is_empty(), "{name}");
        })
    };
    let mut all: Vec<Question> = reaches.into_iter().map(ask).collect();
    all.push(question!("issue, use and revoke a token", |store| {
        let id = written("pgs", round);
        let name = Personal::new(id.as_str());
        let holder = TokenHolder { uuid: id.clone(), name, kind: HolderKind::Person };
        let new = NewApiToken {
            id: id.clone(),
            digest: digest(5, round),
            label: "l".to_owned(),
            holder,
            grants: grants(),
            issued_at: at(1),
            issued_by: "root".to_owned(),
            expires_at: FAR,
            audit: entries(),
        };
        assert_eq!(store.issue_api_token(new).await.unwrap(), Issued::Now);
        assert!(store.api_token(&digest(5, round)).await.unwrap().is_some());
        store.note_api_token_use(&id, at(2)).await.unwrap();
        let revocation = Revocation { at: at(3), by: "root".to_owned() };
        let revoked = store.revoke_api_token(&id, &TokenReach::All, revocation, entries()).await.unwrap();
        assert_eq!(revoked, Revoked::Now);
    }));
    all
}

fn account(id: &str, version: u32) -> MerchantAccount {
    MerchantAccount {
        id: AccountId::new(id).unwrap(),
        tenant_id: TenantId::new("pb.7").unwrap(),
        business_service: None,
        gateway: GatewayName::new("PAYTM"),
        label: "l".to_owned(),
        priority: 1,
        state: AccountState::Open,
        bank_account_ref: None,
        merchant: None,
        created_by: "a".to_owned(),
        created_at: at(1),
        modified_by: "a".to_owned(),
        modified_at: at(i64::from(version)),
        version,
    }
}

fn credential(id: &str) -> MerchantCredential {
    MerchantCredential {
        account: AccountId::new(id).unwrap(),
        version: 1,
        state: CredentialState::Created,
        options: BTreeMap::new(),
        hints: BTreeMap::new(),
        sealed: None,
        fingerprint: None,
        created_by: "a".to_owned(),
        created_at: at(1),
        entered: None,
        verified: None,
        approved: None,
        second_person: true,
        retired: None,
        wiped_at: None,
    }
}

fn accounts(round: i64) -> Vec<Question> {
    let state = || TenantScope { root: "pb".to_owned() };
    vec![
        question!("revision of the accounts", |store| store.accounts_revision().await.unwrap()),
        question!("merchant accounts", |store| assert!(
            !store.merchant_accounts().await.unwrap().accounts.is_empty()
        )),
        question!("accounts of a state", |store| assert!(
            !store.accounts_within(&state()).await.unwrap().is_empty()
        )),
        question!("add and change an account", |store| {
            let id = written("new", round);
            let new = NewAccount { account: account(&id, 1), credential: credential(&id), audit: entries() };
            assert_eq!(store.add_account(new).await.unwrap(), AccountStored::Stored);
            let change = AccountChange {
                account: account(&id, 2),
                credentials: vec![credential(&id)],
                audit: entries(),
            };
            assert_eq!(store.change_account(change).await.unwrap(), AccountStored::Stored);
            let stored = store.account(&AccountId::new(id.as_str()).unwrap(), &state()).await.unwrap();
            assert_eq!(stored.unwrap().account.version, 2);
        }),
    ]
}
