//! `docs/configuration.md`, written from the table.

use std::fmt::Write;

use payment_settings::{Declared, Fallback, Shape, Support};

use super::table::SECTIONS;

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `pg-service config-reference`; a test compares. Change the table in the code. -->

Nothing has to be configured: without any setting the service runs on 127.0.0.1:9000 with an embedded
database, the sandbox gateway and embedded implementations for DIGIT's services. The sandbox is there by default only as long as
nothing real is configured.

A *problem* stops the start; a *warning*, about something that is perhaps not meant, never does.

## Where settings come from

From these places; a later one counts more:

1. the defaults below;
2. a TOML file: `--config FILE`, or `pg-service.toml` in the working folder. Tables are flattened, so
   that `port = 8080` under `[server]` is `server.port`; where one name goes on behind another
   (`payu.url`, `payu.url.status`) it is quoted: `\"url.status\" = \"…\"` under `[payu]`;
3. a Java properties file, such as that of `egov-pg-service`: `--properties FILE`;
4. the environment: `server.port` is `SERVER_PORT` as Spring binds it (upper case, dots to underscores,
   dashes dropped, written as underscores or kept), and every setting has a name of its own with the prefix
   `PG_SERVICE_`, which counts more: `PG_SERVICE_SERVER_PORT`. **Only** with the prefix are read those whose plain
   names other programs use: `data.dir`, `log.level` and `log.format` (`PG_SERVICE_LOG_LEVEL`),
   `kafka.client.…` and `remote.<name>.…`. A variable with such a plain name is reported as a warning;
5. the command line: `--data-dir`, `--port` and others (see `pg-service --help`), and `--set NAME=VALUE`
   for every setting except secrets.

A blank value is no value: it takes back what an earlier place has set. Names that begin with `spring.`
are read as Spring reads them, without regard to letter case and dashes.

`${NAME:default}` in a value is replaced as Spring replaces it: `NAME` is a variable of the environment or another
property, looked up in the environment first, then in the files; behind the first `:` stands what is taken where
there is neither. Names and defaults may hold placeholders themselves. One that comes to nothing is a problem that
names its line. A plain `${` is written `\\${` (in a properties file, where a backslash is doubled, `\\\\${`).
The content of a secret's file is taken as it is.

```properties
spring.datasource.url=jdbc:postgresql://${DB_HOST:localhost}:5432/${DB_NAME:payments}
```

Settings *per tenant* are named `<name>.<tenant>`, and `<name>` alone (or `<name>.*`) stands for all other
tenants. In the environment the name of a remote gateway is written in upper case with underscores for
dashes: `base-url` of `city-pay` is `PG_SERVICE_REMOTE_CITY_PAY_BASE_URL`. Of a name that ends in `…` below
everything behind the dot is passed on; in the environment its dots are underscores.

`pg-service check-config` shows every problem together with the file and line, the variable or the flag it
came from, the settings in effect with their origins, which names are unknown, and which have no effect
and why. Other programs have variables, too: of those without the prefix it names the ones that begin as this
service's do (`EGOV_`, `PAYU_` and so on) and are none, or nearly one of its names. It ends with exit code 1 when there is a problem.

## Secrets

A **secret** is never shown and never taken from the command line. Each can be kept in a file of its own,
named by `<name>.file`, or by `<VARIABLE>_FILE` in the environment:

```sh
SPRING_DATASOURCE_PASSWORD_FILE=/run/secrets/database-password
PG_SERVICE_KAFKA_CLIENT_SASL_PASSWORD_FILE=/run/secrets/kafka-password
```

```toml
[axis.merchant]
secret.key.file = \"/run/secrets/axis-key\"
```

The file holds the value and nothing else, at most 64 KiB; a line break at its end is cut off. One place that
gives both the value and its file is a problem; a file in a later place counts more than a value in an
earlier one.

## PostgreSQL

The service uses the embedded database until `spring.datasource.url`, or `database.url`, names another:

```properties
spring.datasource.url=jdbc:postgresql://db.example:5432/payments
spring.datasource.username=payments
spring.datasource.password.file=/run/secrets/database-password
```

`jdbc:postgresql:`, `jdbc:otel:postgresql:`, `postgres://` and `postgresql://` are understood, several hosts
separated by commas as well. A user or a password that is set beside the address counts more than one in it; an
address is shown without its password. Parameters of the address that mean nothing here, such as `sslfactory`, are
told by `check-config` and at the start. An encrypted connection to a server that proves who it is:

```toml
[database]
ssl-mode = \"verify-full\"
ssl-root-cert = \"/etc/pg-service/ca.pem\"
# Where the server wants a certificate of the client, too:
ssl-cert = \"/etc/pg-service/client.pem\"
ssl-key = \"/etc/pg-service/client.pk8\"
```

## Kafka

Events are published as soon as brokers are set. Whatever else the client needs is passed on to it, by
librdkafka's names below `kafka.client`, or by the names that Spring and Java's client have for it:

```toml
[kafka]
config.bootstrap_server_config = \"kafka-1.example:9093,kafka-2.example:9093\"

[kafka.client]
security.protocol = \"SASL_SSL\"
sasl.mechanism = \"SCRAM-SHA-512\"
sasl.username = \"pg-service\"
sasl.password.file = \"/run/secrets/kafka-password\"
ssl.ca.location = \"/etc/pg-service/kafka-ca.pem\"
```

```properties
kafka.config.bootstrap_server_config=kafka-1.example:9093,kafka-2.example:9093
spring.kafka.security.protocol=SSL
spring.kafka.ssl.trust-store-location=file:/etc/pg-service/kafka-ca.pem
spring.kafka.ssl.key-store-type=PEM
spring.kafka.ssl.key-store-location=file:/etc/pg-service/kafka-client.pem
```

## Services of DIGIT

Each service is called where its host is set, and replaced by an embedded implementation otherwise. Any mix works:

| Service | It is called when this is set | Otherwise |
|---|---|---|
| id generation | `egov.idgen.host` | ids of `egov.idgen.ack.format` from a sequence in the database |
| collection service | `egov.collectionservice.host` | every bill can be paid once, receipts from a numbered register in the database |
| user service | `egov.userservice.host` | a directory of payers in the database, to which unknown ones are added |
| bank accounts | `egov.bankaccountservice.host` | `bank-account` |
| billing service | `egov.billing.service.host` | links in messages without a business service |
| localization | `egov.localization.host` | built-in English texts |
| URL shortener | `egov.url.shortner.host` | long links |

A host may go without a scheme (`http` is taken) and may end with a slash. The last three are called only
where text messages are sent: `notification.sms.enabled`, which needs Kafka. Where any of these hosts is set and
one of the first three is not, `check-config` and the log of every start ask whether that is meant.

## Where payers are sent back to, and gateways are called

`_create` accepts a `callbackUrl` only on a host of `callback.allowed-hosts`. Where that is not set, beside DIGIT
it is the host of `notification.url`, which DIGIT's chart sets, and a problem where that is not set either; alone
it is this machine and the service's own host.

A gateway that is switched on without any credential (`payu.active=true` with a blank key and salt, as the
original's packaged file has it) is left out with a warning; one with some of them and not all is a problem.
Gateways are called over `https`. `http://` is accepted for this machine, and for the hosts in
`gateways.http-hosts`.

# Reference

";

/// The whole document.
pub fn document() -> String {
    let mut out = INTRODUCTION.to_owned();
    for section in SECTIONS.iter() {
        let _ = writeln!(out, "## {}\n", section.title);
        let used: Vec<_> =
            section.settings.iter().filter(|setting| setting.support == Support::Supported).collect();
        if !used.is_empty() {
            out.push_str("| Setting | Default | What it is for |\n|---|---|---|\n");
            used.iter().for_each(|setting| row(&mut out, **setting));
            out.push('\n');
        }
        let idle: Vec<_> =
            section.settings.iter().filter(|setting| setting.support != Support::Supported).collect();
        if !idle.is_empty() {
            out.push_str("Names that are known and have no effect:\n\n| Setting | What it is for | Why it has no effect |\n|---|---|---|\n");
            idle.iter().for_each(|setting| idle_row(&mut out, **setting));
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn row(out: &mut String, setting: &dyn Declared) {
    let default = match setting.fallback {
        Fallback::Unset => String::new(),
        Fallback::Value(value) => format!("`{value}`"),
        Fallback::WorkedOut(how) => how.to_owned(),
    };
    let secret = if setting.secret { " **Secret.**" } else { "" };
    let accepts = setting.accepts();
    let accepts = if accepts.is_empty() { String::new() } else { format!(" Accepts {accepts}.") };
    let _ = writeln!(out, "| {} | {default} | {}{accepts}{secret} |", name(setting), setting.doc);
}

fn idle_row(out: &mut String, setting: &dyn Declared) {
    let why = match setting.support {
        Support::Supported => "it takes effect",
        Support::Ignored(why) => why,
    };
    let _ = writeln!(out, "| {} | {} | {why} |", name(setting), setting.doc);
}

fn name(setting: &dyn Declared) -> String {
    let alias = setting.alias.map(|alias| format!(" (or `{alias}`)")).unwrap_or_default();
    let below = match setting.shape {
        // The name is part of the key.
        Shape::Single | Shape::Named => "",
        Shape::PerTenant => "[.<tenant>]",
        Shape::Below => ".…",
    };
    format!("`{}{below}`{alias}", setting.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{NoticeKind, Sources, load};

    /// The examples of the introduction in one language.
    fn examples(language: &str) -> Vec<&'static str> {
        let (fence, end) = (format!("```{language}\n"), "```");
        let mut found = Vec::new();
        for (at, _) in INTRODUCTION.match_indices(&fence) {
            let example = &INTRODUCTION[at + fence.len()..];
            found.push(&example[..example.find(end).unwrap()]);
        }
        assert!(!found.is_empty(), "{language}");
        found
    }

    #[test]
    fn the_examples_are_understood_as_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example");
        let of_file = |text: &str| {
            std::fs::write(&path, text).unwrap();
            path.clone()
        };
        let toml = examples("toml")
            .into_iter()
            .map(|text| load(&Sources { toml_file: Some(of_file(text)), ..Sources::default() }));
        let properties = examples("properties")
            .into_iter()
            .map(|text| load(&Sources { properties_file: Some(of_file(text)), ..Sources::default() }));
        let variables = examples("sh").into_iter().map(|text| {
            let pair =
                |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            load(&Sources { environment: text.lines().filter_map(pair).collect(), ..Sources::default() })
        });
        for loaded in toml.chain(properties).chain(variables) {
            // The files that the examples name are on no machine of ours.
            let wrong: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
            assert!(wrong.iter().all(|problem| problem.contains("cannot be read")), "{wrong:#?}");
            let unknown = loaded.notices.iter().find(|notice| notice.kind == NoticeKind::Unknown);
            assert!(unknown.is_none(), "{unknown:?}");
        }
    }

    #[test]
    fn every_setting_is_in_the_document() {
        let document = document();
        for setting in crate::config::table::all() {
            assert!(document.contains(&format!("`{}", setting.key)), "{}", setting.key);
        }
    }
}
