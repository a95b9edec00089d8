//! Accounts from a file: CSV, or UPYOG's `pg-detail`.

use std::collections::BTreeMap;

use payment_domain::{AccountState, GatewayName, TenantId};
use payment_store::StoredAccount;
use secrecy::SecretString;
use serde_json::Value;

use super::{AccountActor, AccountError, AccountField, AccountProblem, AccountWish, Accounts};

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
#[derive(Debug)]
pub struct ImportedAccount {
    pub wish: AccountWish,
    pub fields: BTreeMap<String, SecretString>,
}

impl Accounts {
    /// Adds an account of a file with its credentials. `None` where there is one of its tenant, service, gateway and
    /// label already; one whose credentials were not entered before an import was cut off takes them.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn import(
        &self,
        actor: &AccountActor,
        account: ImportedAccount,
    ) -> Result<Option<StoredAccount>, AccountError> {
        let ImportedAccount { wish, fields } = account;
        let known = self.list(actor.scope().as_ref()).await?;
        let added = match known.into_iter().find(|stored| is_same(stored, &wish)) {
            Some(stored) if stored.credentials.iter().all(|it| it.entered.is_none()) => stored,
            Some(_) => return Ok(None),
            None => self.add(actor, wish).await?,
        };
        match fields.is_empty() {
            true => Ok(Some(added)),
            false => self.enter(actor, &added.account.id, fields).await.map(Some),
        }
    }
}

fn is_same(stored: &StoredAccount, wish: &AccountWish) -> bool {
    let account = &stored.account;
    account.state == AccountState::Open
        && account.tenant_id == wish.tenant_id
        && account.business_service == wish.business_service
        && account.gateway == wish.gateway
        && account.label == wish.label
}

fn invalid(problem: impl Into<String>) -> AccountError {
    AccountError::Invalid(vec![AccountProblem::OfFile(problem.into())])
}

fn tenant(text: &str) -> Result<TenantId, AccountError> {
    TenantId::new(text).map_err(|error| invalid(format!("this is no tenant: {error}")))
}

/// The accounts of a CSV file with the columns `tenantId`, `businessService`, `gateway`, `label`, `priority`,
/// `bankAccountRef` and names of fields.
///
/// # Errors
/// [`AccountError::Invalid`], which names the line.
pub fn accounts_of_csv(text: &str) -> Result<Vec<ImportedAccount>, AccountError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| {
        let line = error.position().map_or(0, csv::Position::line);
        invalid(format!("line {line} of the file cannot be read as CSV"))
    };
    let header: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, csv::Position::line);
        let set = header.iter().zip(record.iter()).filter(|(_, value)| !value.is_empty());
        let mut values: BTreeMap<&str, &str> = set.map(|(name, value)| (name.as_str(), value)).collect();
        let mut required =
            |name: &str| values.remove(name).ok_or_else(|| invalid(format!("line {line} has no {name}")));
        let (tenant_id, gateway) = (tenant(required("tenantId")?)?, GatewayName::new(required("gateway")?));
        let label = values.remove("label").unwrap_or(tenant_id.as_str()).to_owned();
        let priority = values.remove("priority").map(str::parse).transpose();
        let priority = priority.map_err(|_| invalid(format!("line {line}: priority is no number")))?;
        rows.push(ImportedAccount {
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

/// The accounts of UPYOG's `pg-detail`, wherever they stand in a JSON document, as accounts of a gateway with these
/// fields.
///
/// # Errors
/// [`AccountError::Invalid`].
pub fn accounts_of_pg_detail(
    text: &str,
    gateway: &GatewayName,
    fields: &[AccountField],
) -> Result<Vec<ImportedAccount>, AccountError> {
    let document: Value = serde_json::from_str(text).map_err(|_| invalid("the file is no JSON document"))?;
    let mut found = Vec::new();
    details(&document, &mut found);
    if found.is_empty() {
        return Err(invalid("the file has no object with tenantId and merchantId"));
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
                invalid(format!(
                    "{member} of {tenant_id} is no field of an account of {gateway}: add this account by hand"
                ))
            })?;
            entered.insert(field.name.clone(), SecretString::from(value));
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
        Ok(ImportedAccount { wish, fields: entered })
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
    use secrecy::ExposeSecret;

    use super::*;

    const AXIS: [&str; 5] = [
        "axis.merchant.id",
        "axis.merchant.secret.key",
        "axis.merchant.user",
        "axis.merchant.pwd",
        "axis.merchant.access.code",
    ];

    fn fields(names: &[&'static str]) -> Vec<AccountField> {
        names.iter().map(|name| AccountField { name: (*name).to_owned(), secret: false, doc: "" }).collect()
    }

    fn exposed(row: &ImportedAccount) -> Vec<(&str, &str)> {
        row.fields.iter().map(|(name, text)| (name.as_str(), text.expose_secret())).collect()
    }

    #[test]
    fn a_line_of_csv_is_an_account_with_its_fields() {
        let text = "\u{feff}tenantId,businessService,gateway,label,priority,paytm.merchant.id,paytm.merchant.secret.key\n\
                    pb.amritsar,PT,paytm,\"Amritsar, PT\",5,M1,a\"b\npb,,PAYTM,,,M2,\n";
        let rows = accounts_of_csv(text).unwrap();
        let wish = &rows[0].wish;
        assert_eq!((wish.label.as_str(), wish.priority, wish.gateway.as_str()), ("Amritsar, PT", 5, "PAYTM"));
        assert_eq!(exposed(&rows[0]), [("paytm.merchant.id", "M1"), ("paytm.merchant.secret.key", "a\"b")]);
        assert_eq!((rows[1].wish.label.as_str(), rows[1].wish.priority), ("pb", 100));
        assert!(
            accounts_of_csv("tenantId,gateway\npb\n").is_err()
                && accounts_of_csv("gateway\nPAYTM\n").is_err()
        );
    }

    #[test]
    fn pg_detail_is_read_wherever_it_stands_and_nothing_of_it_is_dropped() {
        let text = r#"{"tenantId":"pb","pg-detail":[{"tenantId":"pb.amritsar","merchantId":"M1",
            "merchantSecretKey":"s","merchantUserName":"u","merchantPassword":"p","merchantServiceId":""}]}"#;
        let rows = accounts_of_pg_detail(text, &GatewayName::new("AXIS"), &fields(&AXIS)).unwrap();
        let expected = [
            ("axis.merchant.id", "M1"),
            ("axis.merchant.pwd", "p"),
            ("axis.merchant.secret.key", "s"),
            ("axis.merchant.user", "u"),
        ];
        assert_eq!(exposed(&rows[0]), expected);
        assert!(
            accounts_of_pg_detail(
                text,
                &GatewayName::new("STRIPE"),
                &fields(&["stripe.secret.key", "stripe.webhook.secret"])
            )
            .is_err()
        );
        assert!(accounts_of_pg_detail("{}", &GatewayName::new("AXIS"), &fields(&AXIS)).is_err());
    }
}
