//! Payers at egov-user: `user/_search` by name and mobile number, `user/users/_createnovalidate` for
//! unknown ones.
//!
//! A payment names a payer and does not prove their identity. So a new entry gets a login name of its own,
//! never the mobile number or a name from the client: no login is taken by paying in its owner's name. The
//! login name follows from state, number and name, so that two concurrent registrations of one payer make one
//! entry: the service refuses a known login name, and the payer is looked up again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use payment_domain::{Clock, Payer, Personal, RequestInfo};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::Client;
use super::cache::Cache;
use super::http::{Endpoint, InvalidAddress, Nature, OwnError};
use super::json;
use crate::payer_key::PayerKey;
use crate::{DigitError, PayerDetails, Payers};

const SERVICE: &str = "egov-user";
/// The type of users that payers are, and the code of their one role.
const CITIZEN: &str = "CITIZEN";
const NOT_FOUND_OUT: OwnError =
    OwnError { code: "USER_SEARCH_FAILED", message: "Failed to look up the payer at the user service" };
const NOT_CREATED: OwnError =
    OwnError { code: "USER_CREATION_FAILED", message: "Failed to register the payer at the user service" };
const UNKNOWN: OwnError =
    OwnError { code: "INVALID_USER_DETAILS", message: "The payer is not known to the user service" };
/// The name space of the login names that are made here.
const LOGIN_NAMES: Uuid = Uuid::from_u128(0x4a1d_6c0e_58f3_4f0b_9d27_6b0a_3e91_c5d4);
const REMEMBERED: u64 = 8_192;

#[derive(Debug, Clone)]
pub struct UserConfig {
    /// `egov.userservice.host`.
    pub host: String,
    /// `egov.userservice.search.path`.
    pub search_path: String,
    /// `egov.userservice.create.path`.
    pub create_path: String,
    /// `pg.is.user.create.enabled`: whether unknown payers are registered.
    pub create_enabled: bool,
    /// How long a payer is cached; zero for not at all.
    pub cache_life: Duration,
}

impl UserConfig {
    /// The service at this host, with the original's paths; payers are registered, and cached for ten
    /// minutes.
    pub fn at(host: impl Into<String>) -> UserConfig {
        UserConfig {
            host: host.into(),
            search_path: "user/_search".to_owned(),
            create_path: "user/users/_createnovalidate".to_owned(),
            create_enabled: true,
            cache_life: Duration::from_secs(600),
        }
    }
}

pub struct UserService {
    search: Endpoint,
    create: Option<Endpoint>,
    cache_life: Duration,
    recent: Cache<PayerKey, Payer>,
}

impl UserService {
    /// The service at that address; the clock limits how long a payer is cached.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn new(
        config: &UserConfig,
        client: &Client,
        clock: Arc<dyn Clock>,
    ) -> Result<UserService, InvalidAddress> {
        let endpoint = |path: &str, nature, refusal| {
            Endpoint::new(client, SERVICE, (&config.host, path), nature, refusal)
        };
        let create = endpoint(&config.create_path, Nature::Acts, NOT_CREATED)?;
        Ok(UserService {
            search: endpoint(&config.search_path, Nature::Asks, NOT_FOUND_OUT)?,
            create: config.create_enabled.then_some(create),
            cache_life: config.cache_life,
            recent: Cache::new(clock, REMEMBERED),
        })
    }

    async fn look_up_or_register(&self, info: &RequestInfo, wanted: &PayerKey) -> Result<Payer, DigitError> {
        if let Some(payer) = self.look_up(info, wanted).await? {
            return Ok(payer);
        }
        let Some(create) = &self.create else { return Err(UNKNOWN.into()) };
        let registered = create.post(Some(info), &[], &NewUserBody::new(info, wanted), read).await;
        let failure = match registered {
            Ok(users) => match choose(users, wanted) {
                Some(payer) => return Ok(payer),
                None => NOT_CREATED.into(),
            },
            Err(failure) => failure,
        };
        match &failure {
            DigitError::NotSent { .. } => Err(failure),
            // The payer may have been registered meanwhile, by another caller or by this call.
            DigitError::Unanswered { .. } | DigitError::Refused { .. } | DigitError::Incomplete { .. } => {
                match self.look_up(info, wanted).await {
                    Ok(Some(payer)) => Ok(payer),
                    Ok(None) | Err(_) => Err(failure),
                }
            }
        }
    }

    async fn look_up(&self, info: &RequestInfo, wanted: &PayerKey) -> Result<Option<Payer>, DigitError> {
        let body = SearchBody {
            info,
            name: wanted.name.expose(),
            mobile_number: wanted.mobile.expose(),
            user_type: CITIZEN,
            tenant_id: &wanted.state,
        };
        let users = self.search.post(Some(info), &[], &body, read).await?;
        Ok(choose(users, wanted))
    }
}

impl std::fmt::Debug for UserService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserService").field("search", &self.search).finish_non_exhaustive()
    }
}

#[async_trait]
impl Payers for UserService {
    async fn find_or_create(&self, info: &RequestInfo, details: &PayerDetails) -> Result<Payer, DigitError> {
        let wanted = PayerKey::of(details);
        let ask = async {
            let payer = self.look_up_or_register(info, &wanted).await?;
            Ok((payer, self.cache_life))
        };
        self.recent.get_or_ask(wanted.clone(), ask).await
    }
}

/// The login name of an entry that is made for a payer: always the same one.
fn login_name(wanted: &PayerKey) -> String {
    let (mobile, name) = (wanted.mobile.expose(), wanted.name.expose());
    let payer = format!("{}:{}:{mobile}:{name}", wanted.state, mobile.len());
    Uuid::new_v5(&LOGIN_NAMES, payer.as_bytes()).to_string()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchBody<'a> {
    #[serde(rename = "RequestInfo")]
    info: &'a RequestInfo,
    name: &'a str,
    mobile_number: &'a str,
    user_type: &'static str,
    tenant_id: &'a str,
}

#[derive(Serialize)]
struct NewUserBody<'a> {
    #[serde(rename = "RequestInfo")]
    info: &'a RequestInfo,
    user: NewUser<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewUser<'a> {
    name: &'a str,
    mobile_number: &'a str,
    user_name: String,
    active: bool,
    #[serde(rename = "type")]
    user_type: &'static str,
    tenant_id: &'a str,
    roles: [Role<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Role<'a> {
    code: &'static str,
    name: &'static str,
    tenant_id: &'a str,
}

impl<'a> NewUserBody<'a> {
    fn new(info: &'a RequestInfo, wanted: &'a PayerKey) -> NewUserBody<'a> {
        let tenant_id = wanted.state.as_str();
        NewUserBody {
            info,
            user: NewUser {
                name: wanted.name.expose(),
                mobile_number: wanted.mobile.expose(),
                user_name: login_name(wanted),
                active: true,
                user_type: CITIZEN,
                tenant_id,
                roles: [Role { code: CITIZEN, name: "Citizen", tenant_id }],
            },
        }
    }
}

/// A user as an answer shows them.
struct Shown {
    uuid: String,
    user_name: String,
    name: String,
    mobile: String,
    email: Option<String>,
    tenant: Option<String>,
}

/// The match of a user with the payer; the better first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Exact,
    /// The same but for letter case, or as far as visible: the service masks what the caller may not read.
    AsFarAsSeen,
}

impl Shown {
    fn fit(&self, wanted: &PayerKey) -> Option<Fit> {
        let state_fits = self.tenant.as_deref().is_none_or(|tenant| {
            tenant
                .strip_prefix(wanted.state.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let name = agreement(&self.name, wanted.name.expose())?;
        let mobile = agreement(&self.mobile, wanted.mobile.expose())?;
        state_fits.then_some(name.max(mobile))
    }
}

fn agreement(theirs: &str, ours: &str) -> Option<Fit> {
    if theirs == ours {
        return Some(Fit::Exact);
    }
    let same = theirs.contains('*') || theirs.trim().to_lowercase() == ours.trim().to_lowercase();
    same.then_some(Fit::AsFarAsSeen)
}

/// The payer among these users: the best match, and among equal ones always the same. `None` when none
/// matches: a payment is never booked on another payer.
fn choose(users: Vec<Shown>, wanted: &PayerKey) -> Option<Payer> {
    let (_, chosen) = users
        .into_iter()
        .filter_map(|user| Some((user.fit(wanted)?, user)))
        .min_by(|(fit, user), (other_fit, other)| (fit, &user.uuid).cmp(&(other_fit, &other.uuid)))?;
    let name = if chosen.name.contains('*') { wanted.name.clone() } else { Personal::new(chosen.name) };
    Some(Payer {
        uuid: chosen.uuid,
        user_name: Personal::new(chosen.user_name),
        name,
        mobile_number: wanted.mobile.clone(),
        email_id: chosen.email.map(Personal::new),
        tenant_id: chosen.tenant.unwrap_or_else(|| wanted.state.clone()),
    })
}

/// The users of an answer who can be payers; `None` when it is unreadable.
fn read(answer: &[u8]) -> Option<Vec<Shown>> {
    let answer = json::object(answer)?;
    Some(json::list(&answer, "user")?.iter().filter_map(read_user).collect())
}

/// An active citizen with everything that a payer must have.
fn read_user(user: &Value) -> Option<Shown> {
    let citizen = json::text(user, "type").is_none_or(|user_type| user_type == CITIZEN);
    let active = user.get("active").and_then(Value::as_bool).unwrap_or(true);
    if !citizen || !active {
        return None;
    }
    Some(Shown {
        uuid: json::text(user, "uuid")?,
        user_name: json::text(user, "userName")?,
        name: json::text(user, "name")?,
        mobile: json::text(user, "mobileNumber")?,
        email: json::text(user, "emailId").filter(|email| !email.contains('*')),
        tenant: json::text(user, "tenantId"),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn wanted() -> PayerKey {
        PayerKey {
            state: "pb".to_owned(),
            mobile: Personal::new("9876543210"),
            name: Personal::new("Asha Rani"),
        }
    }

    fn user(uuid: &str, changes: Value) -> Value {
        let mut user = json!({"uuid": uuid, "userName": "u", "name": "Asha Rani", "mobileNumber": "9876543210",
            "emailId": null, "type": "CITIZEN", "tenantId": "pb", "active": true});
        for (field, value) in changes.as_object().unwrap() {
            user[field] = value.clone();
        }
        user
    }

    fn chosen(users: &[Value]) -> Option<Payer> {
        choose(read(json!({ "user": users }).to_string().as_bytes()).unwrap(), &wanted())
    }

    #[test]
    fn of_several_the_choice_is_always_the_same() {
        let users = [
            user("c", json!({})),
            user("a", json!({"name": "asha rani"})),
            user("b", json!({})),
            user("0", json!({"mobileNumber": "98******10"})),
        ];
        assert_eq!(chosen(&users).unwrap().uuid, "b", "exact before similar, then by uuid");
        let backwards: Vec<Value> = users.iter().rev().cloned().collect();
        assert_eq!(chosen(&backwards).unwrap().uuid, "b");
    }

    #[test]
    fn another_user_is_never_taken_for_the_payer() {
        for changes in [
            json!({"name": "Ravi"}),
            json!({"mobileNumber": "9876543211"}),
            json!({"tenantId": "ka"}),
            json!({"tenantId": "pbx"}),
            json!({"type": "EMPLOYEE"}),
            json!({"active": false}),
            json!({"uuid": null}),
            json!({"mobileNumber": null}),
            json!({"userName": ""}),
        ] {
            assert!(chosen(&[user("a", changes.clone())]).is_none(), "{changes}");
        }
    }

    #[test]
    fn starred_data_is_not_stored_in_place_of_the_payers_own() {
        let starred =
            user("a", json!({"name": "A***", "mobileNumber": "98******10", "emailId": "a***@x.org"}));
        let payer = chosen(&[starred]).unwrap();
        assert_eq!(payer.name, Personal::new("Asha Rani"));
        assert_eq!(payer.mobile_number, Personal::new("9876543210"));
        assert_eq!(payer.email_id, None);
    }

    #[test]
    fn a_number_may_come_as_a_number() {
        let users = [user("a", json!({"mobileNumber": 9_876_543_210_u64, "tenantId": "pb.amritsar"}))];
        assert_eq!(chosen(&users).unwrap().tenant_id, "pb.amritsar");
    }

    #[test]
    fn a_login_name_belongs_to_one_payer_and_fits_the_service() {
        let name = login_name(&wanted());
        assert_eq!(name, login_name(&wanted()));
        assert_eq!(name.len(), 36);
        let other =
            PayerKey { mobile: Personal::new("9876543210:"), name: Personal::new("Asha Rani"), ..wanted() };
        assert_ne!(name, login_name(&other));
    }

    proptest! {
        #[test]
        fn no_answer_panics(name in "\\PC{0,300}", mobile in "\\PC{0,300}", noise: Vec<u8>) {
            let _ = read(&noise);
            let one = user("a", json!({ "name": name, "mobileNumber": mobile }));
            if let Some(payer) = chosen(&[one]) {
                prop_assert_eq!(payer.mobile_number, Personal::new("9876543210"));
            }
        }
    }
}
