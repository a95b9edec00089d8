//! The transaction of a request: its fields as they come, their rules, and the well-formed request
//! they make.

use std::borrow::Cow;

use payment_digit::PayerDetails;
use payment_domain::{BillId, Currency, GatewayName, Money, Personal, TenantId};
use payment_service::{BillRequest, CreateRequest, IdempotentRequest, Identity, Subject, upyog};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;
use utoipa::openapi::schema::{ArrayBuilder, Object as ObjectSchema, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::error::ApiError;
use crate::json::{self, Object, Scalar};
use crate::validation::{Field, TextRule, Violations};

/// The bill in the examples of the document.
pub(crate) const EXAMPLE_BILL: &str = "4e7c2a0e-4a3c-4d0e-9b57-6a1f5f0f2b11";

const TENANT_ID: TextRule = TextRule::line(2, 50);
const TXN_AMOUNT: TextRule = TextRule::at_least(1, 64);
const BILL_ID: TextRule = TextRule::at_least(1, BillId::MAX_CHARS);
const MODULE: TextRule = TextRule::at_least(0, 64);
const ORDER_ID: TextRule = TextRule::at_least(0, 128);
const CONSUMER_CODE: TextRule = TextRule::line(1, 128);
const BILLS: TextRule = TextRule::at_least(1, 100);
const PRODUCT_INFO: TextRule = TextRule { lines: true, ..TextRule::line(1, 512) };
const GATEWAY: TextRule = TextRule::at_least(2, 64);
const CALLBACK_URL: TextRule = TextRule::at_least(2, 2048);
const PERSONAL: TextRule = TextRule::at_least(1, 128);
const OPTIONAL_PERSONAL: TextRule = TextRule::at_least(0, 128);
const AMOUNT: TextRule = TextRule::at_least(0, 64);
const USER_TENANT_ID: TextRule = TextRule::line(1, TenantId::MAX_CHARS);
/// Maximal JSON length of `additionalDetails`: they are stored with the transaction and with each of its events.
const ADDITIONAL_DETAILS_BYTES: usize = 16 * 1024;

/// The fields of `Transaction` that a client sets. Fields that the service sets (`txnId`, `txnStatus`,
/// `receipt`, …) are ignored like every other field.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionFields<'a> {
    #[serde(borrow)]
    tenant_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    txn_amount: Option<Scalar<'a>>,
    #[serde(borrow)]
    currency: Option<Scalar<'a>>,
    #[serde(borrow)]
    bill_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    module: Option<Scalar<'a>>,
    #[serde(borrow)]
    business_service: Option<Scalar<'a>>,
    #[serde(borrow)]
    consumer_code: Option<Scalar<'a>>,
    #[serde(borrow)]
    tax_and_payments: Option<Vec<Option<Object<BillFields<'a>>>>>,
    #[serde(borrow)]
    product_info: Option<Scalar<'a>>,
    #[serde(borrow)]
    gateway: Option<Scalar<'a>>,
    #[serde(borrow)]
    callback_url: Option<Scalar<'a>>,
    #[serde(borrow)]
    user: Option<Object<UserFields<'a>>>,
    additional_details: Option<Map<String, Value>>,
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(rename = "TransactionDetails")]
    transaction_details: Option<Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BillFields<'a> {
    #[serde(borrow)]
    tax_amount: Option<Scalar<'a>>,
    #[serde(borrow)]
    amount_paid: Option<Scalar<'a>>,
    #[serde(borrow)]
    bill_id: Option<Scalar<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserFields<'a> {
    #[serde(borrow)]
    uuid: Option<Scalar<'a>>,
    #[serde(borrow)]
    name: Option<Scalar<'a>>,
    #[serde(borrow)]
    user_name: Option<Scalar<'a>>,
    #[serde(borrow)]
    mobile_number: Option<Scalar<'a>>,
    #[serde(borrow)]
    email_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    tenant_id: Option<Scalar<'a>>,
}

const fn field(name: &'static str) -> Field {
    Field("transactionRequest.transaction", name)
}

impl TransactionFields<'_> {
    /// The validated request; all violations are reported together, after those `found` before.
    ///
    /// # Errors
    /// [`ApiError::Invalid`].
    pub(super) fn into_request(
        self,
        identity: Identity,
        idempotent: Option<IdempotentRequest>,
        mut found: Violations,
    ) -> Result<CreateRequest, ApiError> {
        let rules = &mut found;
        let tenant_id = rules.required(field("tenantId"), self.tenant_id, TENANT_ID);
        let amount = rules.required(field("txnAmount"), self.txn_amount, TXN_AMOUNT);
        let currency = read_currency(self.currency, rules);
        let bill_id = rules.required(field("billId"), self.bill_id, BILL_ID);
        let module = rules.optional(field("module"), self.module, MODULE);
        let service = rules.optional(field("businessService"), self.business_service, MODULE);
        let consumer_code = rules.required(field("consumerCode"), self.consumer_code, CONSUMER_CODE);
        let bills = read_bills(self.tax_and_payments, rules);
        let product_info = rules.required(field("productInfo"), self.product_info, PRODUCT_INFO);
        let gateway = rules.required(field("gateway"), self.gateway, GATEWAY);
        let callback_url = rules
            .required(field("callbackUrl"), self.callback_url, CALLBACK_URL)
            .and_then(|text| Some((read_callback_url(&text, rules)?, text.into_owned())));
        let payer = read_payer(self.user, rules);
        let order_id = rules.optional(field("orderId"), self.order_id, ORDER_ID);
        let mut additional_details = self.additional_details.unwrap_or_default();
        let of_upyog = [
            (upyog::ORDER_ID, order_id.map(Value::from)),
            (upyog::BUSINESS_SERVICE, service.as_deref().map(Value::from)),
            (upyog::TRANSACTION_DETAILS, self.transaction_details.map(Value::from)),
        ];
        for (name, value) in of_upyog {
            additional_details.extend(value.map(|value| (name.to_owned(), value)));
        }
        let additional_details = read_additional_details(additional_details, rules);

        let tenant_id = tenant_id.and_then(|text| TenantId::new(text).ok());
        let bill_id = bill_id.and_then(|text| BillId::new(text).ok());
        match (
            tenant_id,
            amount.zip(currency),
            bill_id,
            consumer_code,
            product_info,
            gateway,
            callback_url,
            payer,
        ) {
            (
                Some(tenant_id),
                Some((amount, currency)),
                Some(bill_id),
                Some(consumer_code),
                Some(product_info),
                Some(gateway),
                Some((callback_url, callback_text)),
                Some(payer),
            ) if found.is_empty() => Ok(CreateRequest {
                identity,
                tenant_id,
                amount: plain_amount(amount.into_owned(), currency),
                currency,
                bill_id,
                service: service.or_else(|| module.clone()).map(Cow::into_owned),
                module: module.map(Cow::into_owned),
                consumer_code: consumer_code.into_owned(),
                bills,
                product_info: product_info.into_owned(),
                gateway: GatewayName::new(&gateway),
                callback_url,
                callback_text,
                payer,
                additional_details,
                idempotent,
                subject: Subject::default(),
            }),
            _ => Err(found.into_error()),
        }
    }
}

fn read_bills(
    bills: Option<Vec<Option<Object<BillFields<'_>>>>>,
    rules: &mut Violations,
) -> Vec<BillRequest> {
    let name = field("taxAndPayments");
    let Some(bills) = bills else {
        rules.missing(name);
        return Vec::new();
    };
    if !rules.size(name, bills.len(), BILLS) {
        return Vec::new();
    }
    let mut read = Vec::with_capacity(bills.len());
    for (at, bill) in bills.into_iter().enumerate() {
        let Some(Object(bill)) = bill else {
            rules.missing(format_args!("{name}[{at}]"));
            continue;
        };
        let tax_amount =
            rules.optional(format_args!("{name}[{at}].taxAmount"), filled(bill.tax_amount), AMOUNT);
        let amount_paid =
            rules.required(format_args!("{name}[{at}].amountPaid"), filled(bill.amount_paid), AMOUNT);
        let bill_id = rules.required(format_args!("{name}[{at}].billId"), bill.bill_id, BILL_ID);
        if let (Some(amount_paid), Some(Ok(bill_id))) = (amount_paid, bill_id.map(BillId::new)) {
            read.push(BillRequest {
                tax_amount: tax_amount.map(Cow::into_owned),
                amount_paid: amount_paid.into_owned(),
                bill_id,
            });
        }
    }
    read
}

/// The rupee where the client names none.
fn read_currency(currency: Option<Scalar<'_>>, rules: &mut Violations) -> Option<Currency> {
    let Some(Scalar(code)) = currency else { return Some(Currency::INR) };
    Currency::parse(&code)
        .map_err(|error| rules.add_coded(Currency::NOT_SUPPORTED, format!("currency: {error}")))
        .ok()
}

/// The amount as it is echoed: as the client wrote it, but an exact amount in another form of Java's (`1.0E7`,
/// `100.000`) in plain form.
fn plain_amount(text: String, currency: Currency) -> String {
    let most = usize::from(currency.decimals());
    let plain =
        !text.contains(['e', 'E']) && text.split_once('.').is_none_or(|(_, decimals)| decimals.len() <= most);
    match Money::parse(&text, currency) {
        Ok(amount) if !plain => amount.to_string(),
        Ok(_) | Err(_) => text,
    }
}

/// Numbers keep their values and decimals.
fn read_additional_details(details: Map<String, Value>, rules: &mut Violations) -> Map<String, Value> {
    let name = field("additionalDetails");
    let mut details = details;
    if details.values_mut().try_for_each(json::write_out_numbers).is_err() {
        rules.add("Digits", name, format!("must not hold a number of more than {} digits", json::MAX_DIGITS));
    } else if json::length(&details) > ADDITIONAL_DETAILS_BYTES {
        rules.add("Size", name, format!("must not be longer than {ADDITIONAL_DETAILS_BYTES} bytes of JSON"));
    }
    details
}

/// Java reads an empty text as no number.
fn filled(amount: Option<Scalar<'_>>) -> Option<Scalar<'_>> {
    amount.filter(|Scalar(text)| !text.is_empty())
}

/// An absolute URL for a browser, without user and password.
fn read_callback_url(text: &str, rules: &mut Violations) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    if url.is_none() {
        rules.add_coded(
            "INVALID_CALLBACK_URL",
            "callbackUrl must be an absolute http or https URL without a user or a password in it",
        );
    }
    url
}

fn read_payer(user: Option<Object<UserFields<'_>>>, rules: &mut Violations) -> Option<PayerDetails> {
    let Some(Object(user)) = user else {
        rules.missing(field("user"));
        return None;
    };
    let some = |text: Option<Cow<'_, str>>| text.filter(|text| !text.is_empty()).map(Cow::into_owned);
    let uuid = some(rules.optional(field("user.uuid"), user.uuid, OPTIONAL_PERSONAL));
    let name = rules.required(field("user.name"), user.name, PERSONAL);
    let user_name = some(rules.optional(field("user.userName"), user.user_name, OPTIONAL_PERSONAL));
    let mobile_number = rules.required(field("user.mobileNumber"), user.mobile_number, PERSONAL);
    let email_id = some(rules.optional(field("user.emailId"), user.email_id, OPTIONAL_PERSONAL));
    let tenant_id = rules.required(field("user.tenantId"), user.tenant_id, USER_TENANT_ID);
    Some(PayerDetails {
        name: Personal::new(name?),
        mobile_number: Personal::new(mobile_number?),
        email_id: email_id.map(Personal::new),
        user_name: user_name.map(Personal::new),
        uuid,
        tenant_id: TenantId::new(tenant_id?).ok()?,
    })
}

/// The schema of the transaction in a request, made of the validation rules.
pub(super) struct TransactionSchema;

impl ToSchema for TransactionSchema {
    fn name() -> Cow<'static, str> {
        "NewTransaction".into()
    }
}

impl PartialSchema for TransactionSchema {
    fn schema() -> RefOr<Schema> {
        let fields = [
            ("tenantId", TENANT_ID.schema("The tenant the bills belong to.", "pb.amritsar")),
            ("txnAmount", TXN_AMOUNT.schema("The sum of all amountPaid: a decimal number with at most the decimals of the currency.", "100")),
            ("billId", BILL_ID.schema("The bill, the first one of several.", EXAMPLE_BILL)),
            ("module", MODULE.schema("The application's module.", "PT")),
            ("businessService", MODULE.schema("The service whose merchant account is paid into; `module` where it is absent.", "PT")),
            ("consumerCode", CONSUMER_CODE.schema("What the payment is for in the application.", "PT-107-000123")),
            ("productInfo", PRODUCT_INFO.schema("A description for the payer.", "Property tax 2026-27")),
            ("gateway", GATEWAY.schema("The gateway to pay through, in any letter case.", "SANDBOX")),
            ("callbackUrl", CALLBACK_URL.schema("Where the payer's browser goes in the end: an absolute http or https URL, with or without a query.", "https://city.example.org/payment/done?module=PT")),
        ];
        let mut object = ObjectBuilder::new().description(Some("A payment to be made."));
        for (name, schema) in fields {
            object = object.property(name, schema);
            if !["module", "businessService"].contains(&name) {
                object = object.required(name);
            }
        }
        object
            .property("currency", currency_schema())
            .property("taxAndPayments", bills_schema())
            .required("taxAndPayments")
            .property("user", user_schema())
            .required("user")
            .property(
                "additionalDetails",
                ObjectBuilder::new()
                    .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
                    .description(Some("Anything the application wants to find again: at most 16384 bytes of JSON. Numbers keep their value and decimals."))
                    .examples([json!({"isWhatsapp": false})]),
            )
            .property("orderId", ORDER_ID.schema("The application's own number of the payment, for UPYOG. Kept and returned.", "ORDER-7"))
            .property(
                "TransactionDetails",
                ArrayBuilder::new().items(ObjectBuilder::new()).description(Some("Parts of the payment, for UPYOG. Kept with `additionalDetails`, within its size, and returned.")),
            )
            .into()
    }
}

fn currency_schema() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("The ISO 4217 code of the currency of all amounts, in any letter case: one with two decimals or none that the gateway takes. INR where it is absent or null."))
        .examples(["INR"])
}

fn bills_schema() -> ArrayBuilder {
    let amount = |description, example: i64| {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::Number, Type::String]))
            .description(Some(description))
            .examples([example])
            .build()
    };
    let bill = ObjectBuilder::new()
        .property("taxAmount", amount("What is owed, in units of the currency.", 100))
        .property("amountPaid", amount("What is paid now, in units of the currency.", 100))
        .required("amountPaid")
        .property("billId", BILL_ID.schema("The bill.", EXAMPLE_BILL))
        .required("billId");
    ArrayBuilder::new()
        .items(bill)
        .min_items(Some(BILLS.min))
        .max_items(Some(BILLS.max))
        .description(Some("Every bill that is paid with this payment."))
}

fn user_schema() -> ObjectSchema {
    let uuid = "The user service's id, where it is known.";
    ObjectBuilder::new()
        .description(Some("Who pays."))
        .property("name", PERSONAL.schema("The person's name.", "Asha Rani"))
        .required("name")
        .property("mobileNumber", PERSONAL.schema("The mobile number.", "9876543210"))
        .required("mobileNumber")
        .property(
            "tenantId",
            USER_TENANT_ID.schema("The tenant the payer is registered with.", "pb.amritsar"),
        )
        .required("tenantId")
        .property("uuid", OPTIONAL_PERSONAL.schema(uuid, "a3f0a0a0-2b1b-4a4e-8d53-6a2f1c9d7e01"))
        .property("userName", OPTIONAL_PERSONAL.schema("The login name, where it is known.", "9876543210"))
        .property(
            "emailId",
            OPTIONAL_PERSONAL.schema("The e-mail address, where there is one.", "asha@example.org"),
        )
        .build()
}
