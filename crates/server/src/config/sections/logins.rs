//! The logins of the console beside one-time links.

use payment_digit::clients::PasswordConfig;
use payment_domain::{Role, TenantId};
use payment_oidc::ProviderSettings;
use payment_service::{ClaimMapping, ClaimRole};
use payment_settings::parser::{FLAG, Parser, SECRET, TEXT, URL, shorten, text};
use payment_settings::{Declared, Optional, Reader, Setting, own, settings};
use secrecy::SecretString;
use url::Url;

use super::gateway_hosts::is_loopback;
use super::services::DigitServices;

/// As a provider names itself, to the last slash.
const ISSUER: Parser<String> = text(
    |text| {
        let url = Url::parse(text).map_err(|_| "must be an absolute URL".to_owned())?;
        let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        match url.scheme() {
            "https" if is_plain => Ok(text.to_owned()),
            "http" if is_plain && is_loopback(&url) => Ok(text.to_owned()),
            "http" => Err("must be reached over HTTPS, unless it is on this machine".to_owned()),
            _ => Err("must be an https URL without a user, a query and a fragment".to_owned()),
        }
    },
    "an https URL, exactly as the provider names itself",
);

/// The roles that the values of the claim give.
const CLAIM_ROLES: Parser<Vec<ClaimRole>> = text(
    |text| text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(claim_role).collect(),
    "`VALUE=ROLE@TENANT` or `VALUE=ROLE`, separated by commas",
);

fn claim_role(item: &str) -> Result<ClaimRole, String> {
    let wrong = || format!("`{}` is not VALUE=ROLE@TENANT", shorten(item));
    let (value, given) = item.rsplit_once('=').ok_or_else(wrong)?;
    let (code, tenant) = match given.split_once('@') {
        Some((code, tenant)) => (code, Some(TenantId::new(tenant.trim()).map_err(|_| wrong())?)),
        None => (given, None),
    };
    let role = Role::from_code(code.trim());
    let known = || Role::ALL.map(Role::code).join(", ");
    let role = role.ok_or_else(|| format!("`{}` is no role: they are {}", shorten(code), known()))?;
    match value.trim() {
        "" => Err(wrong()),
        value => Ok(ClaimRole { value: value.to_owned(), role, tenant }),
    }
}

settings! {
    /// Logins to the console.
    pub(in crate::config) const LOGINS;
    CONSOLE_URL: Optional<String> = own("console.url", URL,
        "The console's address as browsers reach it, without a path. A login provider sends people back to it.")
        .or_worked_out("`https://` and `console.host`, else that of `server.public-url`, else that on this machine");
    ISSUER_URL: Optional<String> = own("console.oidc.issuer", ISSUER,
        "The OpenID Connect provider at which people log in to the console, e.g. `https://id.example.org/realms/city`. \
         Register `<console's address>/login/provider/back` there as the redirect URI, and `<console's \
         address>/login` as that after logout.");
    CLIENT_ID: Optional<String> = own("console.oidc.client-id", TEXT, "This service's client id at the provider.");
    CLIENT_SECRET: Optional<SecretString> = own("console.oidc.client-secret", SECRET,
        "Its secret there; without one it is a public client.").secret();
    SCOPES: Setting<String> = own("console.oidc.scopes", TEXT,
        "The scopes that are asked for beside `openid`, separated by blanks.").or("profile");
    PROVIDER_NAME: Optional<String> = own("console.oidc.name", TEXT, "The provider's name on the login page.")
        .or_worked_out("the issuer's host");
    ROLES_CLAIM: Setting<String> = own("console.oidc.roles-claim", TEXT,
        "The claim of the ID token with a person's roles or groups. A claim within another is named with dots: \
         `realm_access.roles`.").or("roles");
    OIDC_ROLES: Optional<Vec<ClaimRole>> = own("console.oidc.roles", CLAIM_ROLES,
        "What the values of that claim give, e.g. `finance=PG_REFUND_MAKER@pb.amritsar,audit=PG_AUDITOR@pb`. A role \
         without a tenant is held at the tenants of `console.oidc.tenants-claim`.")
        .or_worked_out("each role by its own code: `PG_VIEWER@pb`, or `PG_VIEWER` at the tenants of the claim");
    TENANTS_CLAIM: Optional<String> = own("console.oidc.tenants-claim", TEXT,
        "The claim with the tenants of roles that are mapped to none.");
    NAME_CLAIM: Setting<String> = own("console.oidc.name-claim", TEXT,
        "The claim with a person's name.").or("name");
    UUID_CLAIM: Optional<String> = own("console.oidc.uuid-claim", TEXT,
        "The claim with a person's uuid at DIGIT, which they must not be able to change. Where `egov.userservice.host` \
         is set, only people who have it make and check refunds after a login at the provider: otherwise one person \
         could be a maker under one name and a checker under another.");
    EMPLOYEES: Optional<bool> = own("console.digit.enabled", FLAG,
        "Whether employees log in to the console with their DIGIT user name and password, or with their access \
         token. Their roles are those of `roles.*`, asked about again each minute.")
        .or_worked_out("on where `egov.userservice.host` is set");
    TOKEN_PATH: Setting<String> = own("egov.userservice.token.path", TEXT,
        "The path of the user service that gives access tokens.").or("user/oauth/token");
    DIGIT_CLIENT: Setting<String> = own("console.digit.client-id", TEXT,
        "The OAuth client of that call.").or("egov-user-client");
    DIGIT_SECRET: Optional<SecretString> = own("console.digit.client-secret", SECRET,
        "Its secret; DIGIT's own client has an empty one.").secret();
}

/// The logins of the console beside one-time links.
#[derive(Debug, Clone, Default)]
pub struct Logins {
    /// The origin of the console's address.
    pub url: Option<String>,
    pub provider: Option<ProviderLogin>,
    /// Of employees of DIGIT.
    pub employees: Option<PasswordConfig>,
}

#[derive(Debug, Clone)]
pub struct ProviderLogin {
    pub name: String,
    pub client: ProviderSettings,
    pub claims: ClaimMapping,
}

pub(super) fn logins(reader: &mut Reader<'_>, services: &DigitServices) -> Logins {
    let url = reader.set(&CONSOLE_URL);
    let has_path = |url: &String| Url::parse(url).is_ok_and(|url| url.path() != "/" || url.query().is_some());
    if url.as_ref().is_some_and(has_path) {
        let fix = "give scheme and host, e.g. https://console.example.org";
        reader.problem(&CONSOLE_URL, "must not have a path", fix);
    }
    Logins { url, provider: provider(reader, services), employees: employees(reader, services) }
}

fn provider(reader: &mut Reader<'_>, services: &DigitServices) -> Option<ProviderLogin> {
    const OTHERS: [&dyn Declared; 10] = [
        &CLIENT_ID,
        &CLIENT_SECRET,
        &SCOPES,
        &PROVIDER_NAME,
        &ROLES_CLAIM,
        &OIDC_ROLES,
        &TENANTS_CLAIM,
        &NAME_CLAIM,
        &UUID_CLAIM,
        &CONSOLE_URL,
    ];
    if !reader.is_set(&ISSUER_URL) {
        reader.idle(&OTHERS, &format!("{} is not set", ISSUER_URL.key));
        return None;
    }
    let client_id = reader.required(&CLIENT_ID);
    let roles = reader.set(&OIDC_ROLES).unwrap_or_default();
    let tenants_claim = reader.set(&TENANTS_CLAIM);
    if tenants_claim.is_none() && roles.iter().any(|role| role.tenant.is_none()) {
        reader.problem(
            &OIDC_ROLES,
            "has a role without a tenant",
            format!("write VALUE=ROLE@TENANT, or set {}", TENANTS_CLAIM.key),
        );
    }
    let uuid_claim = reader.set(&UUID_CLAIM);
    let is_beside_digit = services.tokens.is_some();
    if is_beside_digit && uuid_claim.is_none() {
        let text = "is not set, though people are known at DIGIT, too: a login at the provider does not give the roles \
             PG_REFUND_MAKER and PG_REFUND_CHECKER";
        reader.doubt(&UUID_CLAIM, text);
    }
    let issuer = reader.set(&ISSUER_URL)?;
    let host = || Url::parse(&issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    Some(ProviderLogin {
        name: reader.set(&PROVIDER_NAME).or_else(host).unwrap_or_default(),
        claims: ClaimMapping {
            roles_claim: reader.get(&ROLES_CLAIM),
            tenants_claim,
            name_claim: reader.get(&NAME_CLAIM),
            uuid_claim,
            roles,
            refunds_by_subject: !is_beside_digit,
        },
        client: ProviderSettings {
            issuer,
            client_id: client_id?,
            client_secret: reader.set(&CLIENT_SECRET),
            scopes: reader.get(&SCOPES).split_whitespace().map(str::to_owned).collect(),
        },
    })
}

fn employees(reader: &mut Reader<'_>, services: &DigitServices) -> Option<PasswordConfig> {
    const OTHERS: [&dyn Declared; 3] = [&TOKEN_PATH, &DIGIT_CLIENT, &DIGIT_SECRET];
    let tokens = services.tokens.as_ref();
    match (reader.set(&EMPLOYEES), tokens) {
        (Some(true), None) => {
            reader.problem(
                &EMPLOYEES,
                "is on, and there is no user service that knows employees",
                "set egov.userservice.host, or console.digit.enabled=false",
            );
            None
        }
        (None | Some(true), Some(tokens)) => Some(PasswordConfig {
            host: tokens.host.clone(),
            path: reader.get(&TOKEN_PATH),
            client_id: reader.get(&DIGIT_CLIENT),
            client_secret: reader.set(&DIGIT_SECRET).unwrap_or_else(|| SecretString::from("")),
        }),
        (Some(false), _) | (None, None) => {
            reader.idle(&OTHERS, "no employee logs in to the console (console.digit.enabled)");
            None
        }
    }
}
