//! egov-user: finds and registers users, and knows whose an access token is.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::answer::{Answer, Asked, refused, text};

#[derive(Default)]
pub(crate) struct Users {
    users: Vec<Value>,
    by_mobile: HashMap<String, Vec<usize>>,
    logins: HashSet<[Option<String>; 3]>,
    tokens: HashMap<String, Value>,
    passwords: Vec<(String, Value)>,
}

fn login(user: &Value) -> [Option<String>; 3] {
    ["userName", "type", "tenantId"].map(|field| text(user, field))
}

impl Users {
    pub(crate) fn all(&self) -> &[Value] {
        &self.users
    }

    pub(crate) fn enter(&mut self, user: Value) {
        let mobile = text(&user, "mobileNumber").unwrap_or_default();
        self.by_mobile.entry(mobile).or_default().push(self.users.len());
        self.logins.insert(login(&user));
        self.users.push(user);
    }

    /// An employee is there, with a password.
    pub(crate) fn enter_employee(&mut self, password: String, user: Value) {
        self.passwords.push((password, user));
    }

    /// Whoever has logged in before is given the same token again, as the service does.
    pub(crate) fn log_in_by_password(&mut self, asked: &Asked<'_>) -> Answer {
        let given = |name| text(asked.body, name);
        let is_it = |(password, user): &&(String, Value)| {
            given("password").as_ref() == Some(password)
                && given("username") == text(user, "userName")
                && given("tenantId") == text(user, "tenantId")
                && given("userType") == text(user, "type")
                && given("grant_type").as_deref() == Some("password")
        };
        let Some((_, user)) = self.passwords.iter().find(is_it) else {
            return Answer::Refused(json!({
                "error": "invalid_grant",
                "error_description": "Invalid login credentials",
            }));
        };
        let token = format!("token-of-{}", text(user, "uuid").unwrap_or_default());
        self.tokens.insert(token.clone(), user.clone());
        Answer::Object(json!({
            "access_token": token, "token_type": "bearer", "refresh_token": "refresh", "expires_in": 604_800,
            "scope": "read", "UserRequest": user,
        }))
    }

    /// A user logs in: the token is theirs until they log out.
    pub(crate) fn log_in(&mut self, token: String, user: Value) {
        self.tokens.insert(token, user);
    }

    pub(crate) fn log_out(&mut self, token: &str) {
        self.tokens.remove(token);
    }

    /// The user of an access token, in the flat form of the service.
    pub(crate) fn details(&self, asked: &Asked<'_>) -> Answer {
        match asked.parameter("access_token").and_then(|token| self.tokens.get(token)) {
            Some(user) => Answer::Object(user.clone()),
            None => Answer::Refused(json!({
                "responseInfo": null,
                "error": {"code": 401, "message": "Invalid access token", "description": null, "fields": null},
            })),
        }
    }

    /// Active users whose fields equal the given ones; fields that are not given, or unknown to the service,
    /// are ignored.
    pub(crate) fn search(&self, asked: &Asked<'_>) -> Answer {
        let fits = |user: &&Value| {
            [
                ("name", "name"),
                ("mobileNumber", "mobileNumber"),
                ("userType", "type"),
                ("tenantId", "tenantId"),
            ]
            .into_iter()
            .all(|(criterion, field)| {
                text(asked.body, criterion).is_none_or(|wanted| text(user, field) == Some(wanted))
            }) && user["active"] == json!(true)
        };
        let found = match text(asked.body, "mobileNumber") {
            Some(mobile) => {
                let places = self.by_mobile.get(&mobile).map(Vec::as_slice).unwrap_or_default();
                places.iter().filter_map(|at| self.users.get(*at)).filter(fits).cloned().collect()
            }
            None => self.users.iter().filter(fits).take(100).cloned().collect(),
        };
        Answer::List(found)
    }

    pub(crate) fn create(&mut self, asked: &Asked<'_>) -> Answer {
        let user = &asked.body["user"];
        let mandatory = ["name", "mobileNumber", "userName", "type", "tenantId"];
        if mandatory.iter().any(|field| text(user, field).is_none()) || !user["roles"].is_array() {
            return refused(&[(
                "INVALID_USER",
                "name, mobileNumber, userName, type, tenantId and roles are mandatory",
            )]);
        }
        if self.logins.contains(&login(user)) {
            return user_name_taken();
        }
        let number = self.users.len() + 1;
        let mut user = user.clone();
        user["id"] = json!(number);
        user["uuid"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
        user["emailId"] = json!(text(&user, "emailId"));
        self.enter(user.clone());
        Answer::List(vec![user])
    }
}

/// The service's own form of an error body.
fn user_name_taken() -> Answer {
    let message = "User name already exists";
    Answer::Refused(json!({
        "responseInfo": null,
        "error": {
            "code": 400,
            "message": message,
            "description": null,
            "fields": [{"code": "USER.USER_NAME_ALREADY_EXISTS", "message": message, "field": "User.userName"}],
        },
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn create(users: &mut Users, user_name: &str) -> Answer {
        let body = json!({"user": {"name": "Asha", "mobileNumber": "9876543210", "userName": user_name,
            "type": "CITIZEN", "tenantId": "pb", "active": true, "roles": []}});
        users.create(&Asked { query: &BTreeMap::new(), body: &body })
    }

    fn found(users: &Users, criteria: &Value) -> usize {
        match users.search(&Asked { query: &BTreeMap::new(), body: criteria }) {
            Answer::List(found) => found.len(),
            Answer::Object(_) | Answer::Text(_) | Answer::Refused(_) => unreachable!(),
        }
    }

    #[test]
    fn a_login_name_is_given_once() {
        let mut users = Users::default();
        assert!(matches!(create(&mut users, "asha"), Answer::List(_)));
        assert_eq!(create(&mut users, "asha"), user_name_taken());
        assert!(matches!(create(&mut users, "asha 2"), Answer::List(_)));
        assert_eq!(found(&users, &json!({"name": "Asha", "mobileNumber": "9876543210"})), 2);
        assert_eq!(found(&users, &json!({"name": "Asha", "userType": "EMPLOYEE"})), 0);
        assert_eq!(found(&users, &json!({"mobileNumber": "1"})), 0);
        assert_eq!(
            found(&users, &json!({"tenantid": "ka"})),
            2,
            "a criterion it does not know is not looked at"
        );
    }
}
