//! The banner after a start: addresses, and a first payment.

use serde_json::Value;

use crate::failure::Outcome;
use crate::sample::create_request;
use crate::service::Running;
use crate::terminal::{Paint, say};

pub(super) fn show(running: &Running, sandbox: bool, docs: bool) -> Outcome {
    let paint = Paint::detect();
    let url = running.public_url();
    let place = |name: &str, path: &str| format!("  {name:9} {}\n", paint.link(&format!("{url}{path}")));
    let mut out = format!("\n{} {}\n\n", paint.title("pg-service"), env!("CARGO_PKG_VERSION"));
    out.push_str(&place("service", ""));
    if docs {
        let docs_url = running.admin_url().unwrap_or(url);
        out.push_str(&format!("  {:9} {}\n", "API", paint.link(&format!("{docs_url}/docs"))));
    }
    out.push_str(&place("health", "/health"));
    if sandbox {
        out.push_str(&place("sandbox", "/sandbox"));
    }
    match (running.console_link(), running.console_url()) {
        (Some(link), _) => {
            out.push_str(&format!("  {:9} {} (once, within ten minutes)\n", "console", paint.link(link)));
        }
        (None, Some(url)) => out.push_str(&format!("  {:9} {}\n", "console", paint.link(url))),
        (None, None) => {}
    }
    out.push_str(&format!("  {:9} {}\n", "data", running.data()));
    if sandbox {
        out.push_str(&format!("\n{}\n\n{}\n", paint.title("A first payment:"), first_payment(url)));
        out.push_str("\nOpen the redirectUrl of the answer in a browser and choose. `pg-service demo` does it all by itself.\n");
    }
    say(&out)?;
    Ok(())
}

/// A command to paste, with a new bill at every start.
fn first_payment(url: &str) -> String {
    let bill = format!("BILL-{}", uuid::Uuid::new_v4().simple());
    let bill = bill.get(..13).unwrap_or(&bill);
    let mut request = create_request(url, bill, "100.00");
    keep(&mut request["RequestInfo"], &["userInfo"]);
    keep(
        &mut request["RequestInfo"]["userInfo"],
        &["uuid", "name", "userName", "mobileNumber", "tenantId", "type"],
    );
    keep(&mut request["Transaction"]["user"], &["name", "mobileNumber", "tenantId"]);
    // It contains no apostrophe, which would end the quotation.
    format!(
        "curl -s '{url}/transaction/v1/_create' -H 'Content-Type: application/json' -d '\n{}'",
        compact(&request)
    )
}

/// Drops optional members.
fn keep(object: &mut Value, names: &[&str]) {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|name, _| names.contains(&name.as_str()));
    }
}

/// JSON with one line per member of the two upper levels.
fn compact(request: &Value) -> String {
    let mut lines = Vec::new();
    for (name, member) in request.as_object().into_iter().flatten() {
        let inner: Vec<String> = member
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("    \"{name}\": {value}"))
            .collect();
        lines.push(format!("  \"{name}\": {{\n{}\n  }}", inner.join(",\n")));
    }
    format!("{{\n{}\n}}", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_paste_carries_the_whole_request() {
        let command = first_payment("http://127.0.0.1:9000/pg-service");
        let (_, body) = command.split_once("-d '").unwrap();
        let body = body.strip_suffix('\'').unwrap();
        assert!(!body.contains('\''));
        let request: Value = serde_json::from_str(body).unwrap();
        assert_eq!(request["Transaction"]["gateway"], "SANDBOX");
        assert!(request["Transaction"]["billId"].as_str().unwrap().starts_with("BILL-"));
        assert_eq!(request["RequestInfo"]["userInfo"]["type"], "CITIZEN");
    }
}
