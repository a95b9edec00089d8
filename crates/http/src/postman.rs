//! The Postman collection (format 2.1), generated from the OpenAPI document.

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::transaction::create::EXAMPLE_BILL;

const METHODS: [&str; 2] = ["get", "post"];
/// Parameters that name a transaction: the one created last is filled in.
const TRANSACTION_PARAMETERS: [&str; 3] = ["transactionId", "txnId", "eg_pg_txnid"];
/// Before a create: a new bill.
const NEW_BILL: &str = "pm.collectionVariables.set('billId', pm.variables.replaceIn('{{$guid}}'));";
/// After a create: keeps its id.
const REMEMBER_TRANSACTION: &str = "if (pm.response.code === 200) pm.collectionVariables.set('txnId', pm.response.json().Transaction.txnId);";

/// A collection with one request per operation, in a folder per tag. Variables: `baseUrl`, `operatorToken`, `apiToken`. Each create
/// is for a new bill; the other requests are about the transaction created last.
pub fn postman(document: &OpenApi) -> Value {
    let document = serde_json::to_value(document).unwrap_or_default();
    let base_path = document.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
    let folders: Vec<Value> = array(&document["tags"])
        .iter()
        .map(|tag| {
            json!({
                "name": tag["name"],
                "description": tag["description"],
                "item": requests(&document, &tag["name"]),
            })
        })
        .collect();
    json!({
        "info": {
            "name": document.pointer("/info/title"),
            "description": document.pointer("/info/description"),
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "variable": [
            {"key": "baseUrl", "value": format!("http://localhost:9000{}", base_path.trim_end_matches('/'))},
            {"key": "billId", "value": ""},
            {"key": "txnId", "value": ""},
            {"key": "operatorToken", "value": ""},
            {"key": "apiToken", "value": ""},
        ],
        "item": folders,
    })
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn requests(document: &Value, tag: &Value) -> Vec<Value> {
    let mut requests = Vec::new();
    for (path, operations) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = operations.get(method) else { continue };
            if array(&operation["tags"]).contains(tag) {
                requests.push(request(document, path, method, operation));
            }
        }
    }
    requests
}

fn request(document: &Value, path: &str, method: &str, operation: &Value) -> Value {
    let mut headers: Vec<Value> = parameters(operation, "header").collect();
    if !array(&operation["security"]).is_empty() {
        let is_shared = array(&operation["security"]).iter().any(|way| way.get("operatorToken").is_some());
        let token = if is_shared { "Bearer {{operatorToken}}" } else { "Bearer {{apiToken}}" };
        headers.push(json!({"key": "Authorization", "value": token}));
    }
    let body = body(document, &operation["requestBody"]);
    if body.is_some() {
        headers.push(json!({"key": "Content-Type", "value": "application/json"}));
    }
    let query: Vec<Value> = parameters(operation, "query").collect();
    let variables: Vec<Value> = parameters(operation, "path").collect();
    let segments: Vec<String> = path
        .split('/')
        .skip(1)
        .map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => format!(":{name}"),
            None => segment.to_owned(),
        })
        .collect();
    let shown: Vec<String> = query
        .iter()
        .filter(|parameter| parameter["disabled"] == json!(false))
        .map(|parameter| {
            format!(
                "{}={}",
                parameter["key"].as_str().unwrap_or_default(),
                parameter["value"].as_str().unwrap_or_default()
            )
        })
        .collect();
    let question = if shown.is_empty() { "" } else { "?" };
    let mut request = Map::from_iter([
        ("method".to_owned(), method.to_uppercase().into()),
        ("description".to_owned(), description(operation)),
        ("header".to_owned(), headers.into()),
        (
            "url".to_owned(),
            json!({
                "raw": format!("{{{{baseUrl}}}}/{}{question}{}", segments.join("/"), shown.join("&")),
                "host": ["{{baseUrl}}"],
                "path": segments,
                "query": query,
                "variable": variables,
            }),
        ),
    ]);
    if let Some(body) = body {
        request.insert("body".to_owned(), body);
    }
    let name = operation["summary"].as_str().unwrap_or_default().trim_end_matches('.');
    let mut item = json!({ "name": name, "request": request });
    if operation["operationId"] == "createTransaction" {
        let script = |listen: &str, line: &str| json!({"listen": listen, "script": {"type": "text/javascript", "exec": [line]}});
        item["event"] = json!([script("prerequest", NEW_BILL), script("test", REMEMBER_TRANSACTION)]);
    }
    item
}

fn description(operation: &Value) -> Value {
    operation.get("description").or(operation.get("summary")).cloned().unwrap_or_default()
}

/// The parameters of one place; optional ones are disabled.
fn parameters<'a>(operation: &'a Value, place: &'a str) -> impl Iterator<Item = Value> + 'a {
    array(&operation["parameters"]).iter().filter(move |parameter| parameter["in"] == place).map(parameter)
}

fn parameter(parameter: &Value) -> Value {
    let remembered = TRANSACTION_PARAMETERS.iter().any(|name| parameter["name"] == *name);
    let value = match parameter.get("example").or(parameter.pointer("/schema/default")) {
        _ if remembered => "{{txnId}}".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    json!({
        "key": parameter["name"],
        "value": value,
        "description": parameter.get("description"),
        "disabled": !remembered && parameter["required"] != json!(true),
    })
}

fn body(document: &Value, request_body: &Value) -> Option<Value> {
    let schema = request_body.pointer("/content/application~1json/schema")?;
    let example = example(document, schema);
    if example.is_null() {
        return None;
    }
    let text = serde_json::to_string_pretty(&example).unwrap_or_default().replace(EXAMPLE_BILL, "{{billId}}");
    Some(json!({"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}))
}

/// A value of the schema, made of the examples in it.
fn example(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.trim_start_matches('#'));
        return target.map(|target| example(document, target)).unwrap_or_default();
    }
    if let Some(given) = schema.get("example").or(schema.pointer("/examples/0")) {
        return given.clone();
    }
    if let Some(one) = array(&schema["oneOf"]).iter().find(|one| one["type"] != "null") {
        return example(document, one);
    }
    if let Some(items) = schema.get("items") {
        return json!([example(document, items)]);
    }
    match schema["properties"].as_object() {
        Some(properties) => {
            properties.iter().map(|(name, property)| (name.clone(), example(document, property))).collect()
        }
        None => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::ContextPath;

    #[test]
    fn the_collection_in_the_repository_is_the_one_this_code_makes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/postman/payment-gateway.postman_collection.json");
        let collection = postman(&crate::document(&ContextPath::default()));
        let made = format!("{}\n", serde_json::to_string_pretty(&collection).unwrap());
        if std::env::var_os("UPDATE_POSTMAN").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "{} differs from the API; write it anew with: UPDATE_POSTMAN=1 cargo test -p payment-http postman",
            path.display()
        );
    }

    #[test]
    fn a_request_is_ready_to_be_sent() {
        let collection = postman(&crate::document(&ContextPath::default()));
        let create = &collection["item"][0]["item"][0]["request"];
        assert_eq!(create["url"]["raw"], "{{baseUrl}}/transaction/v1/_create");
        let body: Value = serde_json::from_str(create["body"]["raw"].as_str().unwrap()).unwrap();
        assert_eq!(body["Transaction"]["txnAmount"], "100");
        assert_eq!(body["Transaction"]["taxAndPayments"][0]["billId"], "{{billId}}");
        assert_eq!(body["Transaction"]["taxAndPayments"][0]["amountPaid"], 100);
        assert_eq!(body["RequestInfo"]["userInfo"]["type"], "CITIZEN");
        let search = &collection["item"][0]["item"][1]["request"];
        assert_eq!(search["url"]["raw"], "{{baseUrl}}/transaction/v1/_search?txnId={{txnId}}");
    }
}
