//! DIGIT's `RequestInfo`: the caller, as it states itself or as a trusted party does.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The whole `RequestInfo` of a request, so that it can be passed on. Scalars are read leniently:
/// clients send numbers and booleans for strings, and empty strings for nothing.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestInfo(Map<String, Value>);

/// Without its contents, which have a token, names and numbers.
impl std::fmt::Debug for RequestInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RequestInfo(***)")
    }
}

const CITIZEN: &str = "CITIZEN";

/// A user whose identity is proven: the members of a `userInfo`, `uuid` and `type` among them.
#[derive(Clone, PartialEq)]
pub struct UserInfo(Map<String, Value>);

/// Without its contents, which have names and numbers.
impl std::fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserInfo(***)")
    }
}

impl UserInfo {
    /// The user of these members; `None` when `uuid` or `type` is missing.
    pub fn new(members: Map<String, Value>) -> Option<UserInfo> {
        let named = ["uuid", "type"].iter().all(|member| scalar(members.get(*member)).is_some());
        named.then_some(UserInfo(members))
    }
}

fn scalar(value: Option<&Value>) -> Option<Cow<'_, str>> {
    match value? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl RequestInfo {
    /// The user type of this service's jobs.
    pub const SYSTEM: &str = "SYSTEM";

    /// The `RequestInfo` of this service's jobs: the configured system user, of type SYSTEM.
    pub fn system(user_uuid: &str) -> RequestInfo {
        let user = Map::from_iter([
            ("uuid".to_owned(), Value::from(user_uuid)),
            ("type".to_owned(), Value::from(RequestInfo::SYSTEM)),
        ]);
        RequestInfo(Map::from_iter([("userInfo".to_owned(), Value::Object(user))]))
    }

    /// An unconverted field, e.g. `ts`.
    pub fn raw(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// A scalar field as text; `None` when it is missing, null, empty or not a scalar.
    pub fn text(&self, field: &str) -> Option<Cow<'_, str>> {
        scalar(self.0.get(field))
    }

    /// A scalar field of `userInfo` as text, under the same rules.
    pub fn user(&self, field: &str) -> Option<Cow<'_, str>> {
        scalar(self.0.get("userInfo")?.as_object()?.get(field))
    }

    /// The codes of the user's roles with the tenants at which they are held; `None` where a role names none.
    pub fn roles(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let roles = self.0.get("userInfo").and_then(|user| user.get("roles")).and_then(Value::as_array);
        roles.into_iter().flatten().filter_map(|role| {
            let member = |name: &str| role.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            Some((member("code")?, member("tenantId")))
        })
    }

    /// The caller's language, e.g. `en_IN`: the part of `msgId` behind the bar
    /// (`20170310130900|en_IN`). `None` when that is not 1 to 16 letters, digits, `_` and `-`.
    pub fn locale(&self) -> Option<String> {
        let message_id = self.text("msgId")?;
        let (_, locale) = message_id.rsplit_once('|')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        ((1..=16).contains(&locale.len()) && locale.chars().all(plain)).then(|| locale.to_owned())
    }

    /// Replaces the user by a proven one. Of the caller's claims only name, login name, mobile number and
    /// e-mail address stay, each where the proof has none.
    pub fn with_user(&self, user: &UserInfo) -> RequestInfo {
        const DESCRIBING: [&str; 4] = ["userName", "name", "mobileNumber", "emailId"];
        let mut fields = self.0.clone();
        let mut members = match fields.remove("userInfo") {
            Some(Value::Object(claimed)) => claimed,
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))
            | None => Map::new(),
        };
        members.retain(|name, _| DESCRIBING.contains(&name.as_str()));
        members.extend(user.0.clone());
        fields.insert("userInfo".to_owned(), Value::Object(members));
        RequestInfo(fields)
    }

    /// The same with this `correlationId`, where there is none.
    pub fn with_correlation_id(&self, id: &str) -> RequestInfo {
        let mut fields = self.0.clone();
        if scalar(fields.get("correlationId")).is_none() {
            fields.insert("correlationId".to_owned(), Value::from(id));
        }
        RequestInfo(fields)
    }

    /// The same with this user alone: of the caller's claims about itself none stays, its token neither.
    pub fn of_user(&self, user: &UserInfo) -> RequestInfo {
        let mut fields = self.without_token().0;
        fields.insert("userInfo".to_owned(), Value::Object(user.0.clone()));
        RequestInfo(fields)
    }

    /// The same with a user who may do what every citizen may: whatever other type and roles the caller
    /// claims are removed. A caller that claims none is unchanged.
    pub fn as_citizen(&self) -> RequestInfo {
        let mut fields = self.0.clone();
        let Some(Value::Object(user)) = fields.get_mut("userInfo") else { return RequestInfo(fields) };
        user.retain(|name, _| name == "roles" || !name.to_ascii_lowercase().contains("role"));
        if let Some(kind) = user.get_mut("type")
            && scalar(Some(kind)).is_some_and(|kind| !kind.eq_ignore_ascii_case(CITIZEN))
        {
            *kind = Value::from(CITIZEN);
        }
        if let Some(Value::Array(roles)) = user.get_mut("roles") {
            roles.retain(|role| role.get("code").and_then(Value::as_str) == Some(CITIZEN));
        }
        RequestInfo(fields)
    }

    /// The same with this `userInfo.id`, where the user has none.
    pub fn with_user_id(&self, id: u64) -> RequestInfo {
        let mut fields = self.0.clone();
        let mut user = match fields.remove("userInfo") {
            Some(Value::Object(user)) => user,
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))
            | None => Map::new(),
        };
        if scalar(user.get("id")).is_none() {
            user.insert("id".to_owned(), Value::from(id));
        }
        fields.insert("userInfo".to_owned(), Value::Object(user));
        RequestInfo(fields)
    }

    /// The same with `userInfo.type` null, where there is a `userInfo`: it is unproven.
    pub fn without_user_type(&self) -> RequestInfo {
        let mut fields = self.0.clone();
        if let Some(Value::Object(user)) = fields.get_mut("userInfo") {
            user.insert("type".to_owned(), Value::Null);
        }
        RequestInfo(fields)
    }

    /// Removes the caller's token: the part that may be stored and published.
    pub fn without_token(&self) -> RequestInfo {
        let mut fields = self.0.clone();
        if let Some(token) = fields.get_mut("authToken") {
            *token = Value::Null;
        }
        RequestInfo(fields)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn info(value: Value) -> RequestInfo {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn scalars_are_read_as_clients_send_them() {
        let info = info(json!({"did": 1, "ts": "", "key": null, "apiId": "Rainmaker",
            "userInfo": {"mobileNumber": 9_999_999_999u64, "uuid": true}}));
        assert_eq!(info.text("did").as_deref(), Some("1"));
        assert_eq!(info.text("ts"), None);
        assert_eq!(info.text("key"), None);
        assert_eq!(info.text("apiId").as_deref(), Some("Rainmaker"));
        assert_eq!(info.user("mobileNumber").as_deref(), Some("9999999999"));
        assert_eq!(info.user("uuid").as_deref(), Some("true"));
        assert_eq!(info.user("name"), None);
    }

    #[test]
    fn the_language_stands_behind_the_bar_of_the_message_id() {
        for (message_id, locale) in [
            (json!("20170310130900|en_IN"), Some("en_IN")),
            (json!("a|b|pa-IN"), Some("pa-IN")),
            (json!("20170310130900"), None),
            (json!("20170310130900|"), None),
            (json!("x|en_IN&tenantId=other"), None),
            (json!("x|0123456789abcdefg"), None),
            (json!("x|ਪੰਜਾਬੀ"), None),
            (json!(17), None),
            (json!(null), None),
        ] {
            assert_eq!(info(json!({"msgId": message_id})).locale().as_deref(), locale, "{message_id}");
        }
    }

    fn user(value: Value) -> Option<UserInfo> {
        UserInfo::new(value.as_object().unwrap().clone())
    }

    #[test]
    fn a_proven_user_takes_the_place_of_the_claimed_one() {
        let claimed = info(
            json!({"apiId": "a", "userInfo": {"uuid": "victim", "type": "EMPLOYEE", "tenantId": "pb",
            "roles": [{"code": "SUPERUSER"}], "permissions": ["all"], "name": "Asha", "mobileNumber": "9876543210"}}),
        );
        let proof = user(json!({"uuid": "u-1", "type": "CITIZEN", "name": "Asha Rani", "id": 7})).unwrap();
        let expected = json!({"apiId": "a", "userInfo": {"uuid": "u-1", "type": "CITIZEN", "name": "Asha Rani",
            "id": 7, "mobileNumber": "9876543210"}});
        assert_eq!(serde_json::to_value(claimed.with_user(&proof)).unwrap(), expected);
        for without_user in [json!({}), json!({"userInfo": null}), json!({"userInfo": "x"})] {
            assert_eq!(info(without_user).with_user(&proof).user("uuid").as_deref(), Some("u-1"));
        }
        assert!(!format!("{proof:?}").contains("Asha"));
        let alone = json!({"apiId": "a", "userInfo": {"uuid": "u-1", "type": "CITIZEN", "name": "Asha Rani", "id": 7}});
        assert_eq!(serde_json::to_value(claimed.of_user(&proof)).unwrap(), alone);
    }

    #[test]
    fn a_proof_names_a_user_and_their_type() {
        for invalid in
            [json!({}), json!({"uuid": "u"}), json!({"type": "CITIZEN"}), json!({"uuid": "", "type": "x"})]
        {
            assert!(user(invalid.clone()).is_none(), "{invalid}");
        }
    }

    #[test]
    fn a_user_without_an_id_is_given_one() {
        let with_id =
            |user: Value| serde_json::to_value(info(json!({ "userInfo": user })).with_user_id(7)).unwrap();
        for without in
            [json!({"uuid": "u"}), json!({"uuid": "u", "id": null}), json!({"uuid": "u", "id": ""})]
        {
            assert_eq!(with_id(without), json!({"userInfo": {"uuid": "u", "id": 7}}));
        }
        assert_eq!(with_id(json!({"id": 24})), json!({"userInfo": {"id": 24}}));
        assert_eq!(with_id(json!(null)), json!({"userInfo": {"id": 7}}));
    }

    #[test]
    fn claims_to_be_more_than_a_citizen_are_taken_away() {
        let claimed = json!({"uuid": "u", "type": "SYSTEM", "primaryrole": [1], "additionalRoles": [1],
            "roles": [{"code": "SUPERUSER"}, {"code": "CITIZEN", "tenantId": "pb"}, "SUPERUSER"]});
        let citizen =
            json!({"uuid": "u", "type": "CITIZEN", "roles": [{"code": "CITIZEN", "tenantId": "pb"}]});
        let demoted = info(json!({ "userInfo": claimed })).as_citizen();
        assert_eq!(serde_json::to_value(&demoted).unwrap(), json!({ "userInfo": citizen }));
        for unchanged in
            [json!({ "userInfo": citizen }), json!({"userInfo": {"uuid": "u", "type": null}}), json!({})]
        {
            assert_eq!(serde_json::to_value(info(unchanged.clone()).as_citizen()).unwrap(), unchanged);
        }
        let untyped = json!({"userInfo": {"uuid": "u", "type": null, "roles": [{"code": "CITIZEN", "tenantId": "pb"}]}});
        assert_eq!(serde_json::to_value(demoted.without_user_type()).unwrap(), untyped);
        assert_eq!(serde_json::to_value(info(json!({})).without_user_type()).unwrap(), json!({}));
    }

    #[test]
    fn the_token_is_not_passed_into_storage() {
        let info = info(json!({"authToken": "secret", "apiId": "a"}));
        assert_eq!(
            serde_json::to_value(info.without_token()).unwrap(),
            json!({"authToken": null, "apiId": "a"})
        );
        assert!(!format!("{info:?}").contains("secret"));
    }
}
