//! Who a request comes from. What a caller says of itself decides nothing until it is proven.

use std::borrow::Cow;

use payment_domain::{RequestInfo, UserInfo};

/// The party on whose behalf something is done: its `RequestInfo`, and how far that is to be believed.
#[derive(Debug, Clone)]
pub struct Identity {
    info: RequestInfo,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing is proven.
    Unproven,
    /// The proof could not be checked: repeating the request makes sense.
    Unverifiable,
    /// `userInfo` is true.
    Proven,
    /// One of our own jobs, or a gateway by its callback: no caller waits for the answer.
    System,
}

impl Identity {
    /// A caller without proof: nobody in particular. Towards DIGIT's services it is a citizen at most.
    pub fn unproven(info: &RequestInfo) -> Identity {
        Identity { info: info.as_citizen(), standing: Standing::Unproven }
    }

    /// A caller whose proof cannot be checked at the moment: without proof until it can.
    pub fn unverifiable(info: &RequestInfo) -> Identity {
        Identity { standing: Standing::Unverifiable, ..Identity::unproven(info) }
    }

    /// A caller proven to be this user. The system user is never a caller: who claims to be it is
    /// without proof, whatever vouches for it.
    pub fn proven(info: &RequestInfo, user: &UserInfo) -> Identity {
        Identity::vouched(info.with_user(user))
    }

    /// A caller whose `userInfo` was set by a party that is trusted with it. See [`Identity::proven`].
    pub fn vouched(info: RequestInfo) -> Identity {
        match info.user("type") {
            Some(kind) if kind.trim().eq_ignore_ascii_case(RequestInfo::SYSTEM) => Identity::unproven(&info),
            Some(_) | None => Identity { info, standing: Standing::Proven },
        }
    }

    /// Ourselves, as the user that our jobs act as.
    pub fn system(user_uuid: &str) -> Identity {
        Identity { info: RequestInfo::system(user_uuid), standing: Standing::System }
    }

    /// What goes along with calls to DIGIT's services.
    pub fn info(&self) -> &RequestInfo {
        &self.info
    }

    /// The user whose identity is proven, by uuid.
    pub fn proven_uuid(&self) -> Option<Cow<'_, str>> {
        if self.is_proven() { self.info.user("uuid") } else { None }
    }

    /// Whether it is proven who the caller is.
    pub(crate) fn is_proven(&self) -> bool {
        self.standing == Standing::Proven
    }

    /// Whether there may be a proof that could not be checked.
    pub(crate) fn is_unverifiable(&self) -> bool {
        self.standing == Standing::Unverifiable
    }

    /// Whether we act by ourselves.
    pub(crate) fn is_system(&self) -> bool {
        self.standing == Standing::System
    }

    /// The `RequestInfo` that is stored and published: without the token, which must not open any door,
    /// and without a user type that nobody has proven.
    pub(crate) fn published_info(&self) -> RequestInfo {
        let info = self.info.without_token();
        match self.standing {
            Standing::Unproven | Standing::Unverifiable => info.without_user_type(),
            Standing::Proven | Standing::System => info,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn info(user: Value) -> RequestInfo {
        serde_json::from_value(json!({"apiId": "a", "authToken": "secret", "userInfo": user})).unwrap()
    }

    fn published(identity: &Identity) -> Value {
        serde_json::to_value(identity.published_info()).unwrap()
    }

    #[test]
    fn the_system_user_is_never_a_caller() {
        for kind in ["SYSTEM", "system", " System "] {
            let claimed = info(json!({"uuid": "u", "type": kind, "roles": [{"code": "SYSTEM"}]}));
            let members = json!({"uuid": "u", "type": kind}).as_object().unwrap().clone();
            let proof = UserInfo::new(members).unwrap();
            for identity in [Identity::vouched(claimed.clone()), Identity::proven(&claimed, &proof)] {
                assert!(!identity.is_proven() && !identity.is_system());
                assert_eq!(identity.proven_uuid(), None);
                assert_eq!(identity.info().user("type").as_deref(), Some("CITIZEN"));
                assert_eq!(published(&identity)["userInfo"]["type"], Value::Null);
            }
        }
    }

    #[test]
    fn what_is_published_tells_no_token_and_no_type_that_is_not_proven() {
        let employee = info(json!({"uuid": "u", "type": "EMPLOYEE"}));
        for identity in [Identity::unproven(&employee), Identity::unverifiable(&employee)] {
            let untyped = json!({"apiId": "a", "authToken": null, "userInfo": {"uuid": "u", "type": null}});
            assert_eq!(published(&identity), untyped);
        }
        let proven = Identity::vouched(employee);
        assert_eq!(published(&proven)["userInfo"]["type"], "EMPLOYEE");
        assert_eq!(published(&proven)["authToken"], Value::Null);
        assert_eq!(
            proven.info().text("authToken").as_deref(),
            Some("secret"),
            "DIGIT's services are given it"
        );
        assert_eq!(published(&Identity::system("s"))["userInfo"], json!({"uuid": "s", "type": "SYSTEM"}));
    }
}
