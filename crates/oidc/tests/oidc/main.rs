//! The client against a pretend provider: what is accepted, and every lie that must not be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod lies;
mod outages;

use std::sync::Arc;
use std::time::Duration;

use payment_domain::{Clock, ManualClock, Timestamp};
use payment_http_client::{Client, Limits};
use payment_oidc::{Answer, OidcError, Proven, Provider, ProviderSettings};
use payment_testing::provider::{CLIENT, LoginProvider, SECRET};
use secrecy::ExposeSecret;
use serde_json::json;

const NOW: i64 = 1_795_343_400;
const RETURN: &str = "https://pay.example.org/pg-service/console/login/provider/back";

struct World {
    honest: LoginProvider,
    clock: Arc<ManualClock>,
    client: Provider,
}

async fn world() -> World {
    let honest = LoginProvider::start(NOW).await;
    honest.set_person(json!({"sub": "s-1", "name": "Asha Rani", "roles": ["PG_VIEWER@pb"], "updated_at": 17,
        "email_verified": true}));
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(NOW * 1_000)));
    let limits = Limits {
        connect_timeout: Duration::from_millis(500),
        total_timeout: Duration::from_millis(500),
        max_body_bytes: 64 * 1024,
    };
    let client = client(&honest.url(), limits, clock.clone());
    World { honest, clock, client }
}

fn client(issuer: &str, limits: Limits, clock: Arc<dyn Clock>) -> Provider {
    let settings = ProviderSettings {
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: Some(SECRET.into()),
        scopes: vec!["openid".to_owned(), "profile".to_owned()],
    };
    Provider::new(settings, Client::new(limits).unwrap(), clock).unwrap()
}

impl World {
    /// A whole login.
    async fn log_in(&self) -> Result<Proven, OidcError> {
        let begun = self.client.begin(RETURN).await?;
        let back = self.honest.visit(&begun.url);
        assert!(begun.attempt.is_answered_by(&back.state, self.clock.now()));
        self.client.finish(RETURN, &begun.attempt, Answer { code: &back.code, issuer: None }).await
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.honest.set_now(self.clock.now().as_millis() / 1_000);
    }
}

#[tokio::test]
async fn a_person_is_proven_with_their_claims() {
    let world = world().await;
    let proven = world.log_in().await.unwrap();
    assert_eq!((proven.subject.as_str(), &proven.claims["roles"]), ("s-1", &json!(["PG_VIEWER@pb"])));
    let logout =
        world.client.logout_url(Some(&proven.id_token), "https://pay.example.org/out").await.unwrap();
    assert!(logout.starts_with(&format!("{}/logout?id_token_hint=", world.honest.url())), "{logout}");
    assert!(logout.contains(proven.id_token.expose_secret()), "{logout}");
    assert!(
        logout
            .ends_with("&client_id=pg-console&post_logout_redirect_uri=https%3A%2F%2Fpay.example.org%2Fout")
    );
    let again = world.log_in().await.unwrap();
    assert_eq!((again.subject, world.honest.described()), (proven.subject, 1));
    assert!(!format!("{:?}", world.client).contains(SECRET));
}
