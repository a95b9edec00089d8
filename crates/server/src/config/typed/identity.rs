//! How callers prove who they are.

use axum::http::HeaderName;
use secrecy::{ExposeSecret, SecretString};

use super::Server;
use crate::config::reader::Reader;

const PROOF: &str = "identity.proof";
const NAME: &str = "identity.header.name";
const SECRET: &str = "identity.header.secret";

/// The shortest secret of a header, in characters: nobody must guess it.
const SHORTEST_SECRET: usize = 32;

/// How callers prove who they are.
#[derive(Debug, Clone)]
pub enum IdentityProof {
    /// By their access token, about which the user service is asked.
    Token,
    /// By a header that the API gateway adds.
    Header {
        /// Its name.
        name: HeaderName,
        /// What it must hold.
        secret: SecretString,
    },
    /// Not at all.
    Believed,
}

impl IdentityProof {
    /// The word for it in the configuration.
    pub(super) fn word(&self) -> &'static str {
        match self {
            IdentityProof::Token => "token",
            IdentityProof::Header { .. } => "header",
            IdentityProof::Believed => "believed",
        }
    }
}

/// `users` says whether a user service is called.
pub(super) fn identity(reader: &mut Reader<'_>, server: &Server, users: bool) -> IdentityProof {
    let proof = match (reader.set(PROOF), users) {
        (Some("header"), _) => header(reader).unwrap_or(IdentityProof::Believed),
        (Some("believed"), _) | (None, false) => {
            tell_beyond_loopback(reader, server);
            IdentityProof::Believed
        }
        (Some("token"), false) => {
            reader.problem(
                PROOF,
                "is `token`, and no user service is there to be asked whose a token is",
                "set egov.userservice.host, or another identity.proof",
            );
            IdentityProof::Token
        }
        // What is none of the choices was reported.
        (Some(_), _) | (None, true) => IdentityProof::Token,
    };
    let idle: &[&str] = match proof {
        IdentityProof::Token => &[NAME, SECRET],
        IdentityProof::Header { .. } => &["egov.userservice.details.path"],
        IdentityProof::Believed => &[NAME, SECRET, "egov.userservice.details.path"],
    };
    if reader.set(PROOF) != Some("header") || matches!(proof, IdentityProof::Header { .. }) {
        reader.idle(idle.iter().copied(), &format!("{PROOF} is {}", proof.word()));
    }
    proof
}

fn header(reader: &mut Reader<'_>) -> Option<IdentityProof> {
    let name = reader.text(NAME).parse::<HeaderName>().ok();
    if name.is_none() {
        reader.problem(NAME, "cannot be the name of a header", "give letters, digits and dashes");
    }
    let secret = reader.secret(SECRET).filter(|secret| {
        let text = secret.expose_secret();
        text.len() >= SHORTEST_SECRET && text.bytes().all(|byte| byte.is_ascii_graphic())
    });
    if secret.is_none() {
        let wrong = if reader.set(SECRET).is_some() {
            "cannot be used"
        } else {
            "must be set with identity.proof=header"
        };
        let fix = format!(
            "give at least {SHORTEST_SECRET} letters, digits and signs without spaces, e.g. from `openssl rand -hex 24`"
        );
        reader.problem(SECRET, wrong, fix);
    }
    Some(IdentityProof::Header { name: name?, secret: secret? })
}

fn tell_beyond_loopback(reader: &mut Reader<'_>, server: &Server) {
    if server.address.is_loopback() {
        return;
    }
    let text = format!(
        "is `believed`, and the service listens on {}: whoever reaches it may claim to be an employee of any tenant. \
         Beside DIGIT set egov.userservice.host, which makes it `token`; or set it to `header` behind an API gateway \
         that knows who its callers are",
        server.address
    );
    reader.doubt(PROOF, text);
}
