//! The proof of callers' identities.

use axum::http::HeaderName;
use payment_digit::clients::TokenConfig;
use payment_domain::Role;
use payment_service::RoleCodes;
use payment_settings::parser::{SECRET, one_of};
use payment_settings::{Optional, Reader, Setting, own, settings};
use secrecy::{ExposeSecret, SecretString};

use super::Server;
use super::services::{DETAILS_PATH, DigitServices};
use crate::config::parsers::{CODES, HEADER};

settings! {
    pub(in crate::config) const IDENTITY;
    PROOF: Optional<Word> = own("identity.proof",
        one_of(&[("token", Word::Token), ("header", Word::Header), ("believed", Word::Believed)]),
        "How a caller proves who they are. `token`: the user service is asked whose the `authToken` of \
         the request is. `header`: `userInfo` counts in requests to which the API gateway has added a \
         secret header. `believed`: `userInfo` is taken at its word, for an installation without DIGIT \
         that no stranger reaches. A caller without proof finds payments by what they can name, with \
         personal data masked.")
        .or_worked_out("`token` where `egov.userservice.host` is set, `believed` otherwise");
    HEADER_NAME: Setting<HeaderName> = own("identity.header.name", HEADER,
        "With `identity.proof=header`: the header that the API gateway adds where it has set `userInfo` \
         itself, and nowhere else.").or("X-Identity-Secret");
    HEADER_SECRET: Optional<SecretString> = own("identity.header.secret", SECRET,
        "With `identity.proof=header`: what that header must hold, at least 32 characters.").secret();
}

/// A setting for each of our roles.
macro_rules! roles {
    ($($name:ident = $key:literal, $gives:literal;)*) => {
        settings! {
            /// The roles of proven callers.
            pub(in crate::config) const ROLES;
            $($name: Optional<Vec<String>> = own(concat!("roles.", $key), CODES, concat!(
                "The codes of the DIGIT roles that give ", $key, ": ", $gives,
                ". A role counts at the tenant that it names and below; one without a tenant gives nothing."))
                .or_worked_out(concat!("`", $key, "`"));)*
        }
    };
}

roles! {
    VIEWER = "PG_VIEWER", "sees payments, cases and refunds";
    OPERATOR = "PG_OPERATOR", "also runs jobs, reconciles and resolves cases";
    REFUND_MAKER = "PG_REFUND_MAKER", "requests refunds and withdraws them";
    REFUND_CHECKER = "PG_REFUND_CHECKER", "approves and rejects the refunds of others";
    AUDITOR = "PG_AUDITOR", "sees everything, personal data masked, and changes nothing";
    ADMIN = "PG_ADMIN", "changes accounts and API tokens, and makes and checks no refunds";
}

const fn setting_of(role: Role) -> &'static Optional<Vec<String>> {
    match role {
        Role::Viewer => &VIEWER,
        Role::Operator => &OPERATOR,
        Role::RefundMaker => &REFUND_MAKER,
        Role::RefundChecker => &REFUND_CHECKER,
        Role::Auditor => &AUDITOR,
        Role::Admin => &ADMIN,
    }
}

/// The DIGIT roles that give ours; `trusted` is the one whose holders' refunds need no checker.
pub(super) fn roles(reader: &Reader<'_>, trusted: Option<String>) -> RoleCodes {
    let codes =
        |role: Role| (role, reader.set(setting_of(role)).unwrap_or_else(|| vec![role.code().to_owned()]));
    RoleCodes::new(Role::ALL.map(codes), trusted)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Word {
    Token,
    Header,
    Believed,
}

/// The shortest secret of a header, in characters: it must not be guessed.
const SHORTEST_SECRET: usize = 32;

#[derive(Debug, Clone)]
pub enum IdentityProof {
    /// By their access token, checked at the user service.
    Token(TokenConfig),
    /// By a header that the API gateway adds.
    Header { name: HeaderName, secret: SecretString },
    /// Not at all.
    Believed,
}

impl IdentityProof {
    /// Its word in the configuration.
    pub(super) fn word(&self) -> &'static str {
        match self {
            IdentityProof::Token(_) => "token",
            IdentityProof::Header { .. } => "header",
            IdentityProof::Believed => "believed",
        }
    }
}

pub(super) fn identity(reader: &mut Reader<'_>, server: &Server, services: &DigitServices) -> IdentityProof {
    let (word, tokens) = (reader.set(&PROOF), services.tokens.clone());
    // A word that is not one of the choices was reported.
    let proof = match (word, tokens) {
        (Some(Word::Header), _) => header(reader).unwrap_or(IdentityProof::Believed),
        (Some(Word::Token) | None, Some(tokens)) => IdentityProof::Token(tokens),
        (Some(Word::Token), None) => {
            reader.problem(
                &PROOF,
                "is `token`, and no user service is there to be asked whose a token is",
                "set egov.userservice.host, or another identity.proof",
            );
            return IdentityProof::Believed;
        }
        (None, None) | (Some(Word::Believed), _) => {
            tell_beyond_loopback(reader, server);
            IdentityProof::Believed
        }
    };
    let why = format!("{} is {}", PROOF.key, proof.word());
    match proof {
        IdentityProof::Token(_) => reader.idle(&[&HEADER_NAME, &HEADER_SECRET], &why),
        IdentityProof::Header { .. } => {}
        IdentityProof::Believed if word == Some(Word::Header) => {}
        IdentityProof::Believed => reader.idle(&[&HEADER_NAME, &HEADER_SECRET], &why),
    }
    // The console asks whose a token is, too.
    if services.tokens.is_none() {
        reader.idle(&[&DETAILS_PATH], "egov.userservice.host is not set");
    }
    proof
}

fn header(reader: &mut Reader<'_>) -> Option<IdentityProof> {
    let name = reader.get(&HEADER_NAME);
    let secret = reader.set(&HEADER_SECRET).filter(|secret| {
        let text = secret.expose_secret();
        text.len() >= SHORTEST_SECRET && text.bytes().all(|byte| byte.is_ascii_graphic())
    });
    if secret.is_none() {
        let wrong = if reader.is_set(&HEADER_SECRET) {
            "cannot be used"
        } else {
            "must be set with identity.proof=header"
        };
        let fix = format!(
            "give at least {SHORTEST_SECRET} letters, digits and signs without spaces, e.g. from `openssl rand -hex 24`"
        );
        reader.problem(&HEADER_SECRET, wrong, fix);
    }
    Some(IdentityProof::Header { name, secret: secret? })
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
    reader.doubt(&PROOF, text);
}
