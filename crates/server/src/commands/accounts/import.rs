//! Accounts from a file: CSV, or UPYOG's `pg-detail`.

use std::collections::BTreeMap;

use payment_domain::{AccountState, GatewayName};
use payment_service::{AccountField, AccountWish};
use payment_store::StoredAccount;
use secrecy::SecretString;
use serde_json::Value;

use super::{Office, Target, input, refused, tenant};
use crate::cli::AccountsImportArgs;
use crate::failure::{Failure, Outcome};
use crate::terminal::say;

/// A member of `pg-detail`, and the ends of the settings that it may be, by precedence.
const MEMBERS: [(&str, &[&str]); 5] = [
    ("merchantId", &[".merchant.id", ".merchant.key"]),
    ("merchantSecretKey", &[".merchant.secret.key", ".merchant.salt", ".redirect.working.key"]),
    ("merchantUserName", &[".merchant.user", ".redirect.access.code"]),
    ("merchantPassword", &[".merchant.pwd"]),
    ("merchantServiceId", &[".merchant.website", ".merchant.secret.index", ".merchant.access.code"]),
];
const DEFAULT_PRIORITY: u32 = 100;

/// An account of a file.
struct Row {
    wish: AccountWish,
    fields: BTreeMap<String, SecretString>,
}

pub(super) async fn run(office: &Office, args: &AccountsImportArgs) -> Outcome<()> {
    let text = input::file(&args.file)?;
    let rows = match &args.gateway {
        Some(gateway) => {
            let gateway = GatewayName::new(gateway);
            pg_detail(&text, &gateway, &office.fields(gateway.as_str())?)?
        }
        None => csv(&text)?,
    };
    let (mut added, mut present) = (0, 0);
    for row in rows {
        let actor = office.actor(&args.actor, Some(Target::Tenant(&row.wish.tenant_id))).await?;
        let known = office.accounts.list(None).await.map_err(refused)?;
        let id = match known.iter().find(|stored| is_same(stored, &row.wish)) {
            // Its credentials were not entered before the import was cut off.
            Some(stored) if stored.credentials.iter().all(|it| it.entered.is_none()) => {
                stored.account.id.clone()
            }
            Some(_) => {
                present += 1;
                continue;
            }
            None => office.accounts.add(&actor, row.wish).await.map_err(refused)?.account.id,
        };
        if !row.fields.is_empty() {
            office.accounts.enter(&actor, &id, row.fields).await.map_err(refused)?;
        }
        added += 1;
    }
    say(&format!(
        "{added} accounts added, {present} were there already. Verify and activate each: pg-service accounts list"
    ))?;
    Ok(())
}

fn is_same(stored: &StoredAccount, wish: &AccountWish) -> bool {
    let account = &stored.account;
    account.state == AccountState::Open
        && account.tenant_id == wish.tenant_id
        && account.business_service == wish.business_service
        && account.gateway == wish.gateway
        && account.label == wish.label
}

fn csv(text: &str) -> Outcome<Vec<Row>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        Failure::new(format!("line {line} of the file cannot be read as CSV"))
    };
    let header: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let set = header.iter().zip(record.iter()).filter(|(_, value)| !value.is_empty());
        let mut values: BTreeMap<&str, &str> = set.map(|(name, value)| (name.as_str(), value)).collect();
        let mut required = |name: &str| {
            values.remove(name).ok_or_else(|| Failure::new(format!("line {line} has no {name}")))
        };
        let (tenant_id, gateway) = (tenant(required("tenantId")?)?, GatewayName::new(required("gateway")?));
        let label = values.remove("label").unwrap_or(tenant_id.as_str()).to_owned();
        let priority = values.remove("priority").map(str::parse).transpose();
        let priority = priority.map_err(|_| Failure::new(format!("line {line}: priority is no number")))?;
        rows.push(Row {
            wish: AccountWish {
                business_service: values.remove("businessService").map(str::to_owned),
                bank_account_ref: values.remove("bankAccountRef").map(str::to_owned),
                priority: priority.unwrap_or(DEFAULT_PRIORITY),
                key: None,
                tenant_id,
                gateway,
                label,
            },
            fields: values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
        });
    }
    Ok(rows)
}

fn pg_detail(text: &str, gateway: &GatewayName, fields: &[AccountField]) -> Outcome<Vec<Row>> {
    let document: Value =
        serde_json::from_str(text).map_err(|_| Failure::new("the file is no JSON document"))?;
    let mut found = Vec::new();
    details(&document, &mut found);
    if found.is_empty() {
        return Err(Failure::new("the file has no object with tenantId and merchantId"));
    }
    let of_detail = |detail: &serde_json::Map<String, Value>| {
        let text = |name: &str| match detail.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let tenant_id = tenant(&text("tenantId").unwrap_or_default())?;
        let mut entered = BTreeMap::new();
        for (member, ends) in MEMBERS {
            let Some(value) = text(member) else { continue };
            let field = ends.iter().find_map(|end| fields.iter().find(|field| field.name.ends_with(end)));
            let field = field.ok_or_else(|| {
                Failure::new(format!("{member} of {tenant_id} is no field of an account of {gateway}"))
                    .try_this("enter this account by hand: pg-service accounts add")
            })?;
            entered.insert(field.name.to_owned(), SecretString::from(value));
        }
        let wish = AccountWish {
            label: tenant_id.as_str().to_owned(),
            tenant_id,
            business_service: None,
            gateway: gateway.clone(),
            priority: DEFAULT_PRIORITY,
            bank_account_ref: None,
            key: None,
        };
        Ok(Row { wish, fields: entered })
    };
    found.into_iter().map(of_detail).collect()
}

/// The objects that are accounts, however deep.
fn details<'a>(value: &'a Value, found: &mut Vec<&'a serde_json::Map<String, Value>>) {
    match value {
        Value::Object(object) if object.contains_key("tenantId") && object.contains_key("merchantId") => {
            found.push(object);
        }
        Value::Object(object) => object.values().for_each(|value| details(value, found)),
        Value::Array(values) => values.iter().for_each(|value| details(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use payment_gateways::ADAPTERS;
    use secrecy::ExposeSecret;

    use super::*;

    fn fields(gateway: &str) -> Vec<AccountField> {
        let adapter = ADAPTERS.iter().find(|adapter| adapter.name == gateway).unwrap();
        let field = |setting: &'static dyn payment_settings::Declared| AccountField {
            name: setting.spec().key,
            secret: setting.spec().secret,
            doc: "",
        };
        adapter.fields().map(field).collect()
    }

    fn exposed(row: &Row) -> Vec<(&str, &str)> {
        row.fields.iter().map(|(name, text)| (name.as_str(), text.expose_secret())).collect()
    }

    #[test]
    fn a_line_of_csv_is_an_account_with_its_fields() {
        let text = "\u{feff}tenantId,businessService,gateway,label,priority,paytm.merchant.id,paytm.merchant.secret.key\n\
                    pb.amritsar,PT,paytm,\"Amritsar, PT\",5,M1,a\"b\npb,,PAYTM,,,M2,\n";
        let rows = csv(text).unwrap();
        let wish = &rows[0].wish;
        assert_eq!((wish.label.as_str(), wish.priority, wish.gateway.as_str()), ("Amritsar, PT", 5, "PAYTM"));
        assert_eq!(exposed(&rows[0]), [("paytm.merchant.id", "M1"), ("paytm.merchant.secret.key", "a\"b")]);
        assert_eq!((rows[1].wish.label.as_str(), rows[1].wish.priority), ("pb", 100));
        assert!(csv("tenantId,gateway\npb\n").is_err() && csv("gateway\nPAYTM\n").is_err());
    }

    #[test]
    fn pg_detail_is_read_wherever_it_stands_and_nothing_of_it_is_dropped() {
        let text = r#"{"tenantId":"pb","pg-detail":[{"tenantId":"pb.amritsar","merchantId":"M1",
            "merchantSecretKey":"s","merchantUserName":"u","merchantPassword":"p","merchantServiceId":""}]}"#;
        let rows = pg_detail(text, &GatewayName::new("AXIS"), &fields("AXIS")).unwrap();
        let expected = [
            ("axis.merchant.id", "M1"),
            ("axis.merchant.pwd", "p"),
            ("axis.merchant.secret.key", "s"),
            ("axis.merchant.user", "u"),
        ];
        assert_eq!(exposed(&rows[0]), expected);
        assert!(pg_detail(text, &GatewayName::new("STRIPE"), &fields("STRIPE")).is_err());
        assert!(pg_detail("{}", &GatewayName::new("AXIS"), &fields("AXIS")).is_err());
    }
}
