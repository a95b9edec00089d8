//! The properties that point a service's adapters here.

use payment_simulator::providers::{Providers, ProvidersSettings};

#[test]
fn every_account_and_address_has_its_property() {
    let providers = Providers::new(ProvidersSettings::new("http://localhost:9000")).unwrap();
    let properties = providers.properties("http://127.0.0.1:9000/");
    insta::assert_snapshot!(
        properties.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
    );
}
