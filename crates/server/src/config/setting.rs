//! What a setting is: its name, what it accepts, what it stands at by itself, and what it is for.

/// What a setting accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number between two bounds.
    Number {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A path of the file system.
    Path,
    /// An IP address.
    Address,
    /// A host name or an absolute `http` or `https` URL; `https` where no scheme is named.
    Url,
    /// Names of hosts, separated by commas.
    Hosts,
    /// The host of a service of DIGIT: a name or an `http` or `https` URL; `http` where no scheme
    /// is named, as services of one cluster speak with each other.
    Service,
    /// A JDBC or `postgres` URL. Shown without the password it may hold.
    DatabaseUrl,
    /// Addresses of Kafka's brokers, separated by commas.
    Brokers,
    /// The name of a topic.
    Topic,
    /// A regular expression.
    Pattern,
    /// Lengths of time, each longer than the one before, separated by commas.
    Distances,
    /// A cron expression.
    Cron,
}

impl Kind {
    /// What it accepts, in words for people.
    pub fn accepts(self) -> String {
        match self {
            Kind::Text => "text".to_owned(),
            Kind::Flag => "`true` or `false`".to_owned(),
            Kind::Number { min, max: u64::MAX } => format!("a whole number from {min}"),
            Kind::Number { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Choice(words) => {
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ")
            }
            Kind::Path => "a path".to_owned(),
            Kind::Address => "an IP address".to_owned(),
            Kind::Url => "a host name or an http(s) URL".to_owned(),
            Kind::Hosts => "host names, separated by commas".to_owned(),
            Kind::Service => "a host name or an http(s) URL, `http` where no scheme is named".to_owned(),
            Kind::DatabaseUrl => {
                "`jdbc:postgresql://HOST:PORT/DATABASE` or `postgres://HOST:PORT/DATABASE`".to_owned()
            }
            Kind::Brokers => "`HOST:PORT`, separated by commas".to_owned(),
            Kind::Topic => "the name of a topic".to_owned(),
            Kind::Pattern => "a regular expression".to_owned(),
            Kind::Distances => "growing lengths of time such as `30m,1h,2h`".to_owned(),
            Kind::Cron => {
                "a cron expression of five fields, or of six with the seconds first, the days of the week by their names"
                    .to_owned()
            }
        }
    }
}

/// What a setting stands at when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing.
    Unset,
    /// This value.
    Value(&'static str),
    /// What the service works out, in words for people.
    WorkedOut(&'static str),
}

/// What this build does with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes effect.
    Used,
    /// The name is known, but there is nothing here for it to change. Why, in words for people.
    Idle(&'static str),
}

/// Where a name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A name of `egov-pg-service` or of Spring, such as `axis.merchant.id`.
    Digit,
    /// A name of this service, such as `order.life-mins`.
    Own,
}

/// Whether the name stands for one setting or for many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One setting of exactly this name.
    Single,
    /// One setting a tenant, named `<key>.<tenant>`; without a tenant it is that of all others.
    PerTenant,
    /// One setting of each thing that people give a name: [`NAME`] in the key stands for it.
    Named,
    /// Every name below this one.
    Below,
}

/// What stands in a key for the name that people give.
pub const NAME: &str = "<name>";

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name, or the beginning of its names; see [`Setting::shape`].
    pub key: &'static str,
    /// Another name under which it is known.
    pub alias: Option<&'static str>,
    /// Whether there is one or many of it.
    pub shape: Shape,
    /// What it accepts.
    pub kind: Kind,
    /// What it stands at by itself.
    pub fallback: Fallback,
    /// Whether its value is never shown.
    pub secret: bool,
    /// What this build does with it.
    pub standing: Standing,
    /// Where the name comes from.
    pub family: Family,
    /// Whether its variable counts only with our prefix, because other programs have such variables.
    pub only_prefixed: bool,
    /// What it is for: a sentence.
    pub doc: &'static str,
}

impl Setting {
    /// A setting of this service, by its name, what it accepts and what it is for.
    pub const fn own(key: &'static str, kind: Kind, doc: &'static str) -> Setting {
        Setting {
            key,
            alias: None,
            shape: Shape::Single,
            kind,
            fallback: Fallback::Unset,
            secret: false,
            standing: Standing::Used,
            family: Family::Own,
            only_prefixed: false,
            doc,
        }
    }

    /// A setting that `egov-pg-service` or Spring knows under the same name.
    pub const fn digit(key: &'static str, kind: Kind, doc: &'static str) -> Setting {
        Setting { family: Family::Digit, ..Setting::own(key, kind, doc) }
    }

    /// It stands at this value by itself.
    pub const fn or(self, value: &'static str) -> Setting {
        Setting { fallback: Fallback::Value(value), ..self }
    }

    /// It is worked out when nobody sets it.
    pub const fn or_worked_out(self, how: &'static str) -> Setting {
        Setting { fallback: Fallback::WorkedOut(how), ..self }
    }

    /// Whether the value of this name is never shown. What is passed on to a client under the
    /// client's own names is judged by the name.
    pub fn is_secret(&self, name: &str) -> bool {
        self.secret || (self.shape == Shape::Below && sounds_secret(name))
    }

    /// Its value is never shown.
    pub const fn secret(self) -> Setting {
        Setting { secret: true, ..self }
    }

    /// There is one for each tenant.
    pub const fn per_tenant(self) -> Setting {
        Setting { shape: Shape::PerTenant, ..self }
    }

    /// There is one for each thing that has a name. Only with our prefix: any variable may have such a
    /// name in its middle.
    pub const fn named(self) -> Setting {
        Setting { shape: Shape::Named, only_prefixed: true, ..self }
    }

    /// Its variable counts only with our prefix: others have one of this name for themselves.
    pub const fn only_prefixed(self) -> Setting {
        Setting { only_prefixed: true, ..self }
    }

    /// It stands for every name below it.
    pub const fn and_below(self) -> Setting {
        Setting { shape: Shape::Below, ..self }
    }

    /// It is known under another name as well.
    pub const fn also(self, alias: &'static str) -> Setting {
        Setting { alias: Some(alias), ..self }
    }

    /// It changes nothing in this build.
    pub const fn idle(self, why: &'static str) -> Setting {
        Setting { standing: Standing::Idle(why), ..self }
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

    /// Its name as it would stand beside another one: that of the same thing, if things have names.
    pub fn beside(&self, name: &str) -> String {
        let given = name.split('.').nth(1).filter(|_| self.shape == Shape::Named);
        given.map_or_else(|| self.key.to_owned(), |given| self.key.replace(NAME, given))
    }

    /// The names of its variable in the environment, the one that counts most first: with our prefix,
    /// and as Spring binds it without, unless that name is too common; dashes dropped, written as
    /// underscores or as they are.
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

/// The name in `text` that stands where `placeholder` stands in `pattern`.
pub fn name_in<'a>(pattern: &str, placeholder: &str, text: &'a str) -> Option<&'a str> {
    let (before, behind) = pattern.split_once(placeholder)?;
    text.strip_prefix(before)?.strip_suffix(behind).filter(|name| !name.is_empty())
}

/// Whether a name of a client's setting is that of a secret. Hiding too much does no harm.
pub(super) fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passphrase", "secret", "jaas"].iter().any(|word| name.contains(word))
        || [".key", ".pem", "token", "oauthbearer.config"].iter().any(|end| name.ends_with(end))
}

/// A name as Spring compares its own: without regard to letter case, dashes and underscores.
pub(super) fn relaxed(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

/// What the variables of this service begin with.
pub const OWN_PREFIX: &str = "PG_SERVICE_";

/// The form in which Spring binds a name from the environment: upper case, dots to underscores,
/// dashes dropped.
pub fn variable(key: &str) -> String {
    key.chars().filter(|&c| c != '-').map(|c| if c == '.' { '_' } else { c.to_ascii_uppercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let common = Setting::own("data.dir", Kind::Path, "").only_prefixed();
        assert_eq!(common.variables(), ["PG_SERVICE_DATA_DIR"]);
        assert_eq!(common.variables_left_alone(), ["DATA_DIR"]);
        assert_eq!(
            Setting::own("server.public-url", Kind::Url, "").variables(),
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
            Setting::own("database.pool-size", Kind::Text, "").also("spring.pool-size").variables(),
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
        assert_eq!(
            Setting::digit("server.port", Kind::Text, "").variables(),
            ["PG_SERVICE_SERVER_PORT", "SERVER_PORT"]
        );
    }

    #[test]
    fn what_is_passed_on_is_secret_by_its_name() {
        let client = Setting::own("kafka.client", Kind::Text, "").and_below();
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
        assert!(!Setting::own("x.password-hint", Kind::Text, "").is_secret("x.password-hint"));
    }

    #[test]
    fn a_setting_per_tenant_covers_the_names_below_it() {
        let hosts = Setting::own("callback.allowed-hosts", Kind::Hosts, "").per_tenant();
        assert!(hosts.covers("callback.allowed-hosts") && hosts.covers("callback.allowed-hosts.pb.amritsar"));
        assert!(!hosts.covers("callback.allowed-hosts.") && !hosts.covers("callback.allowed-hostsx.pb"));
        assert!(!Setting::own("data.dir", Kind::Path, "").covers("data.dir.x"));
    }

    #[test]
    fn a_setting_of_named_things_covers_each_name() {
        let url = Setting::own("remote.<name>.base-url", Kind::Url, "").named();
        assert!(url.covers("remote.citypay.base-url"));
        for other in ["remote.base-url", "remote..base-url", "remote.a.b.base-url", "remote.citypay.secret"] {
            assert!(!url.covers(other), "{other}");
        }
        assert_eq!(url.beside("remote.citypay.base_url"), "remote.citypay.base-url");
    }
}
