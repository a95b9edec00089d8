//! The identity of a caller. What a caller says of itself decides nothing until it is proven.

use std::borrow::Cow;

use payment_domain::{RequestInfo, UserInfo};

/// A `RequestInfo`, and the proof of it.
#[derive(Debug, Clone)]
pub struct Identity {
    info: RequestInfo,
    proof: Proof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Unproven,
    /// Could not be checked: repeating the request makes sense.
    Unverifiable,
    Proven,
    /// A job, or a gateway's callback: no caller waits for the answer.
    System,
}

impl Identity {
    /// A caller without proof. Towards DIGIT's services it is at most a citizen.
    pub fn unproven(info: &RequestInfo) -> Identity {
        Identity { info: info.as_citizen(), proof: Proof::Unproven }
    }

    /// A caller whose proof cannot be checked now, and counts as none.
    pub fn unverifiable(info: &RequestInfo) -> Identity {
        Identity { proof: Proof::Unverifiable, ..Identity::unproven(info) }
    }

    /// A caller proven to be this user. The system user is never a caller: a claim to be it is unproven,
    /// whatever vouches for it.
    pub fn proven(info: &RequestInfo, user: &UserInfo) -> Identity {
        Identity::vouched(info.with_user(user))
    }

    /// A caller whose `userInfo` was set by a trusted party. See [`Identity::proven`].
    pub fn vouched(info: RequestInfo) -> Identity {
        match info.user("type") {
            Some(kind) if kind.trim().eq_ignore_ascii_case(RequestInfo::SYSTEM) => Identity::unproven(&info),
            Some(_) | None => Identity { info, proof: Proof::Proven },
        }
    }

    /// Jobs, as their user.
    pub fn system(user_uuid: &str) -> Identity {
        Identity { info: RequestInfo::system(user_uuid), proof: Proof::System }
    }

    /// Goes with calls to DIGIT's services.
    pub fn info(&self) -> &RequestInfo {
        &self.info
    }

    /// The uuid of a proven user.
    pub fn proven_uuid(&self) -> Option<Cow<'_, str>> {
        if self.is_proven() { self.info.user("uuid") } else { None }
    }

    pub(crate) fn is_proven(&self) -> bool {
        self.proof == Proof::Proven
    }

    pub(crate) fn is_unverifiable(&self) -> bool {
        self.proof == Proof::Unverifiable
    }

    pub(crate) fn is_system(&self) -> bool {
        self.proof == Proof::System
    }

    /// The `RequestInfo` that is stored and published: without the token, and without an unproven user type.
    pub(crate) fn published_info(&self) -> RequestInfo {
        let info = self.info.without_token();
        match self.proof {
            Proof::Unproven | Proof::Unverifiable => info.without_user_type(),
            Proof::Proven | Proof::System => info,
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
