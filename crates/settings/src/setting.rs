//! A setting: its name, its parser, its default and its purpose.

use std::marker::PhantomData;
use std::ops::Deref;

use crate::parser::Parser;

/// The default of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// None.
    Unset,
    /// This value.
    Value(&'static str),
    /// Worked out by the service, in words for people.
    WorkedOut(&'static str),
}

/// The support of a setting in this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It takes effect.
    Supported,
    /// The name is known and has no effect, for this reason.
    Ignored(&'static str),
}

/// The origin of a setting's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameOrigin {
    /// `egov-pg-service` or Spring: `axis.merchant.id`.
    Digit,
    /// This service: `order.life-mins`.
    Own,
}

/// Whether the name is that of one setting or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One setting of exactly this name.
    Single,
    /// One setting per tenant, named `<key>.<tenant>`; without a tenant it is that of all others.
    PerTenant,
    /// One setting per name given by operators: [`NAME`] in the key is replaced.
    Named,
    /// Every name below this one.
    Below,
}

/// Stands in a key for the name that operators give.
pub const NAME: &str = "<name>";

/// All of a setting but its parser.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Its name, or the beginning of its names; see [`Spec::shape`].
    pub key: &'static str,
    /// Another name for it.
    pub alias: Option<&'static str>,
    pub shape: Shape,
    pub fallback: Fallback,
    /// Whether its value is never shown.
    pub secret: bool,
    pub support: Support,
    pub name_origin: NameOrigin,
    /// Whether its variable counts only with our prefix, because other programs have such variables.
    pub only_prefixed: bool,
    /// Its purpose: a sentence.
    pub doc: &'static str,
}

/// Marks a setting with a default.
pub enum Defaulted {}
/// Marks a setting without one.
pub enum Unset {}

/// A setting with a default: [`Reader::get`](crate::Reader::get) returns a `T`.
pub struct Setting<T: 'static, D = Defaulted> {
    spec: Spec,
    parser: Parser<T>,
    default: PhantomData<fn() -> D>,
}

/// A setting without a default: [`Reader::set`](crate::Reader::set) returns an `Option<T>`.
pub type Optional<T> = Setting<T, Unset>;

/// A setting of this service.
pub const fn own<T>(key: &'static str, parser: Parser<T>, doc: &'static str) -> Optional<T> {
    named_by(NameOrigin::Own, key, parser, doc)
}

/// A setting that `egov-pg-service` or Spring has under the same name.
pub const fn digit<T>(key: &'static str, parser: Parser<T>, doc: &'static str) -> Optional<T> {
    named_by(NameOrigin::Digit, key, parser, doc)
}

const fn named_by<T>(
    name_origin: NameOrigin,
    key: &'static str,
    parser: Parser<T>,
    doc: &'static str,
) -> Optional<T> {
    let spec = Spec {
        key,
        alias: None,
        shape: Shape::Single,
        fallback: Fallback::Unset,
        secret: false,
        support: Support::Supported,
        name_origin,
        only_prefixed: false,
        doc,
    };
    Setting { spec, parser, default: PhantomData }
}

impl<T> Optional<T> {
    /// With this default.
    pub const fn or(self, value: &'static str) -> Setting<T> {
        let spec = Spec { fallback: Fallback::Value(value), ..self.spec };
        Setting { spec, parser: self.parser, default: PhantomData }
    }

    /// With a default that the service works out.
    pub const fn or_worked_out(self, how: &'static str) -> Optional<T> {
        let spec = Spec { fallback: Fallback::WorkedOut(how), ..self.spec };
        self.with(spec)
    }
}

impl<T, D> Setting<T, D> {
    const fn with(self, spec: Spec) -> Setting<T, D> {
        Setting { spec, ..self }
    }

    /// Its value is never shown.
    pub const fn secret(self) -> Setting<T, D> {
        self.with(Spec { secret: true, ..self.spec })
    }

    /// One per tenant.
    pub const fn per_tenant(self) -> Setting<T, D> {
        self.with(Spec { shape: Shape::PerTenant, ..self.spec })
    }

    /// One per named thing. Only with our prefix: any variable may have such a name in its middle.
    pub const fn named(self) -> Setting<T, D> {
        self.with(Spec { shape: Shape::Named, only_prefixed: true, ..self.spec })
    }

    /// Its variable counts only with our prefix: other programs have one of this name.
    pub const fn only_prefixed(self) -> Setting<T, D> {
        self.with(Spec { only_prefixed: true, ..self.spec })
    }

    /// Stands for every name below it.
    pub const fn and_below(self) -> Setting<T, D> {
        self.with(Spec { shape: Shape::Below, ..self.spec })
    }

    /// Has another name as well.
    pub const fn also(self, alias: &'static str) -> Setting<T, D> {
        self.with(Spec { alias: Some(alias), ..self.spec })
    }

    /// Changes nothing in this build.
    pub const fn ignored(self, why: &'static str) -> Setting<T, D> {
        self.with(Spec { support: Support::Ignored(why), ..self.spec })
    }

    pub(crate) fn parser(&self) -> &Parser<T> {
        &self.parser
    }
}

impl<T, D> Clone for Setting<T, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, D> Copy for Setting<T, D> {}

impl<T, D> Deref for Setting<T, D> {
    type Target = Spec;

    fn deref(&self) -> &Spec {
        &self.spec
    }
}

/// A setting of any type.
pub trait Declared: Sync {
    fn spec(&self) -> &Spec;

    /// Checks a text; the problem is in words that follow the setting's name.
    ///
    /// # Errors
    /// When the setting does not accept it.
    fn check(&self, text: &str) -> Result<(), String>;

    /// The texts it accepts, in words for people; empty where it accepts any.
    fn accepts(&self) -> String;

    /// A value as it is shown: without the password it may hold.
    fn shown(&self, text: &str) -> String;

    /// Whether it holds the address of a host that is called.
    fn is_address(&self) -> bool;
}

impl<T: Clone + Sync, D> Declared for Setting<T, D> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn check(&self, text: &str) -> Result<(), String> {
        self.parser.parse(text).map(|_| ())
    }

    fn accepts(&self) -> String {
        self.parser.accepts()
    }

    fn shown(&self, text: &str) -> String {
        self.parser.shown(text)
    }

    fn is_address(&self) -> bool {
        self.parser.is_address()
    }
}

impl Deref for dyn Declared + '_ {
    type Target = Spec;

    fn deref(&self) -> &Spec {
        self.spec()
    }
}

/// Declares settings, and a constant with all of them in this order.
#[macro_export]
macro_rules! settings {
    ($(#[$attribute:meta])* $visibility:vis const $all:ident; $($name:ident: $type:ty = $setting:expr;)*) => {
        $($visibility const $name: $type = $setting;)*
        $(#[$attribute])* $visibility const $all: &[&'static dyn $crate::Declared] = &[$(&$name),*];
    };
}

impl Spec {
    /// Whether the value of this name is never shown. Properties that are passed on to a client are judged
    /// by their names.
    pub fn is_secret(&self, name: &str) -> bool {
        self.secret || (self.shape == Shape::Below && sounds_secret(name))
    }

    /// Whether a name is one of this setting's.
    pub fn covers(&self, name: &str) -> bool {
        if name == self.key || self.alias == Some(name) {
            return true;
        }
        let below = name.strip_prefix(self.key).and_then(|rest| rest.strip_prefix('.'));
        match self.shape {
            Shape::Single => false,
            Shape::PerTenant | Shape::Below => below.is_some_and(|rest| !rest.is_empty()),
            Shape::Named => name_in(self.key, NAME, name).is_some_and(|given| !given.contains('.')),
        }
    }

    /// Its name for the thing that another name is about, if things have names.
    pub fn beside(&self, name: &str) -> String {
        let given = name.split('.').nth(1).filter(|_| self.shape == Shape::Named);
        given.map_or_else(|| self.key.to_owned(), |given| self.key.replace(NAME, given))
    }

    /// The names of its variable in the environment, by precedence: with our prefix, then as Spring binds
    /// it without, unless that name is too common; dashes dropped, written as underscores or kept.
    pub fn variables(&self) -> Vec<String> {
        let spellings = |key: &str| {
            let (dropped, underscored) = (variable(key), variable(&key.replace('-', ".")));
            let as_they_are = key.replace('.', "_").to_uppercase();
            let mut names = vec![dropped, underscored, as_they_are];
            names.dedup();
            names
        };
        let plain = spellings(self.key);
        let own: Vec<String> = plain.iter().map(|name| format!("{OWN_PREFIX}{name}")).collect();
        let alias = self.alias.map(spellings).unwrap_or_default();
        if self.only_prefixed { [own, alias].concat() } else { [own, plain, alias].concat() }
    }

    /// The names without our prefix that are not read, although Spring would bind them.
    pub fn variables_left_alone(&self) -> Vec<String> {
        if !self.only_prefixed {
            return Vec::new();
        }
        let with_prefix = self.variables();
        with_prefix.iter().filter_map(|name| name.strip_prefix(OWN_PREFIX)).map(str::to_owned).collect()
    }
}

/// The part of `text` in the place of `placeholder` in `pattern`.
pub fn name_in<'a>(pattern: &str, placeholder: &str, text: &'a str) -> Option<&'a str> {
    let (before, behind) = pattern.split_once(placeholder)?;
    text.strip_prefix(before)?.strip_suffix(behind).filter(|name| !name.is_empty())
}

/// Whether a client's property is a secret by its name. Hiding too much does no harm.
pub fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passphrase", "secret", "jaas"].iter().any(|word| name.contains(word))
        || [".key", ".pem", "token", "oauthbearer.config"].iter().any(|end| name.ends_with(end))
}

/// A name as Spring compares its own: without regard to letter case, dashes and underscores.
pub fn relaxed(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

/// The prefix of this service's variables.
pub const OWN_PREFIX: &str = "PG_SERVICE_";

/// The form in which Spring binds a name from the environment: upper case, dots to underscores,
/// dashes dropped.
pub fn variable(key: &str) -> String {
    key.chars().filter(|&c| c != '-').map(|c| if c == '.' { '_' } else { c.to_ascii_uppercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::{TEXT, URL};

    #[test]
    fn variables_are_named_as_spring_binds_them() {
        for (key, name) in [
            ("axis.merchant.id", "AXIS_MERCHANT_ID"),
            ("pg.earlyReconcileJobRunInterval.mins", "PG_EARLYRECONCILEJOBRUNINTERVAL_MINS"),
            ("server.context-path", "SERVER_CONTEXTPATH"),
            ("kafka.config.bootstrap_server_config", "KAFKA_CONFIG_BOOTSTRAP_SERVER_CONFIG"),
        ] {
            assert_eq!(variable(key), name);
        }
        let common = own("data.dir", TEXT, "").only_prefixed();
        assert_eq!(common.variables(), ["PG_SERVICE_DATA_DIR"]);
        assert_eq!(common.variables_left_alone(), ["DATA_DIR"]);
        assert_eq!(
            own("server.public-url", URL, "").variables(),
            [
                "PG_SERVICE_SERVER_PUBLICURL",
                "PG_SERVICE_SERVER_PUBLIC_URL",
                "PG_SERVICE_SERVER_PUBLIC-URL",
                "SERVER_PUBLICURL",
                "SERVER_PUBLIC_URL",
                "SERVER_PUBLIC-URL",
            ]
        );
        assert_eq!(
            own("database.pool-size", TEXT, "").also("spring.pool-size").variables(),
            [
                "PG_SERVICE_DATABASE_POOLSIZE",
                "PG_SERVICE_DATABASE_POOL_SIZE",
                "PG_SERVICE_DATABASE_POOL-SIZE",
                "DATABASE_POOLSIZE",
                "DATABASE_POOL_SIZE",
                "DATABASE_POOL-SIZE",
                "SPRING_POOLSIZE",
                "SPRING_POOL_SIZE",
                "SPRING_POOL-SIZE",
            ]
        );
        assert_eq!(digit("server.port", TEXT, "").variables(), ["PG_SERVICE_SERVER_PORT", "SERVER_PORT"]);
    }

    #[test]
    fn a_passed_on_property_is_secret_by_its_name() {
        let client = own("kafka.client", TEXT, "").and_below();
        for hidden in [
            "sasl.password",
            "ssl.key.password",
            "ssl.key.pem",
            "ssl.keystore.key",
            "sasl.jaas.config",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.config",
        ] {
            assert!(client.is_secret(&format!("kafka.client.{hidden}")), "{hidden}");
        }
        for shown in ["sasl.mechanism", "sasl.username", "ssl.ca.location", "ssl.key.location", "client.id"] {
            assert!(!client.is_secret(&format!("kafka.client.{shown}")), "{shown}");
        }
        assert!(!own("x.password-hint", TEXT, "").is_secret("x.password-hint"));
    }

    #[test]
    fn a_setting_per_tenant_covers_the_names_below_it() {
        let hosts = own("callback.allowed-hosts", TEXT, "").per_tenant();
        assert!(hosts.covers("callback.allowed-hosts") && hosts.covers("callback.allowed-hosts.pb.amritsar"));
        assert!(!hosts.covers("callback.allowed-hosts.") && !hosts.covers("callback.allowed-hostsx.pb"));
        assert!(!own("data.dir", TEXT, "").covers("data.dir.x"));
    }

    #[test]
    fn a_setting_of_named_things_covers_each_name() {
        let url = own("remote.<name>.base-url", URL, "").named();
        assert!(url.covers("remote.citypay.base-url"));
        for other in ["remote.base-url", "remote..base-url", "remote.a.b.base-url", "remote.citypay.secret"] {
            assert!(!url.covers(other), "{other}");
        }
        assert_eq!(url.beside("remote.citypay.base_url"), "remote.citypay.base-url");
    }
}
