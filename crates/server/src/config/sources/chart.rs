//! Variables that DIGIT's chart sets for every Java service and that mean nothing here.

use payment_settings::{Notice, NoticeKind, Origin};

/// Whole names, or beginnings where they end in an underscore.
const NAMES: [&str; 20] = [
    "APP_TIMEZONE",
    "EGOV_BUSINESSDETAILSSERVICE_HOST",
    "EGOV_MDMS_HOST",
    "EGOV_STATE_LIST",
    "FLYWAY_",
    "JAEGER_",
    "JAVA_ARGS",
    "JAVA_ENABLE_DEBUG",
    "JAVA_OPTS",
    "MANAGEMENT_ENDPOINTS_WEB_BASE_PATH",
    "MANAGEMENT_SECURITY_ENABLED",
    "SECURITY_BASIC_ENABLED",
    "SERVER_TOMCAT_",
    "SPRING_DATASOURCE_TOMCAT_",
    "SPRING_FLYWAY_",
    "SPRING_JPA_SHOW_SQL",
    "SPRING_KAFKA_PRODUCER_",
    "STATE_LEVEL_TENANTID_LENGTH",
    "STATE_LEVEL_TENANT_ID",
    "TRACER_OPENTRACING_ENABLED",
];

pub(super) fn sets(name: &str) -> bool {
    NAMES.iter().any(|known| name == *known || (known.ends_with('_') && name.starts_with(known)))
}

pub(super) fn notice(name: &str) -> Notice {
    Notice {
        kind: NoticeKind::Chart,
        key: name.to_owned(),
        origin: Origin::Variable(name.to_owned()),
        text: "has no effect: DIGIT's chart sets it for Java".to_owned(),
    }
}
