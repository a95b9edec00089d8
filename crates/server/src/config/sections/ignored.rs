//! Names in files and charts of DIGIT that have no effect here, each with the reason.

use payment_settings::parser::TEXT;
use payment_settings::{Declared, Optional, digit};

const SPRINGS_OWN: &str = "there is no Spring here that would read it";
const JAVAS_OWN: &str = "there is no Java here that would read it";
const ITS_OWN_DUTY: &str = "the service brings its database up to date by itself, see `pg-service migrate`";
const NO_RECEIPTS_INTERFACE: &str =
    "receipts are issued through the payments interface, see egov.collectionservice.payment.create.path";

const fn ignored(key: &'static str, why: &'static str, doc: &'static str) -> Optional<String> {
    digit(key, TEXT, doc).ignored(why)
}

pub(in crate::config) const IGNORED: &[&dyn Declared] = &[
    &ignored("spring.flyway", ITS_OWN_DUTY, "How Flyway migrates the database.").and_below(),
    &ignored("flyway", ITS_OWN_DUTY, "How Flyway migrates the database.").and_below(),
    &ignored(
        "spring.datasource",
        "connections are pooled as database.pool-size and its neighbours say",
        "How Java pools connections.",
    )
    .and_below(),
    &ignored(
        "spring.kafka",
        "the Kafka client is tuned with kafka.client.<property of librdkafka>",
        "How Java's Kafka client is tuned.",
    )
    .and_below(),
    &ignored(
        "kafka",
        "the Kafka client is tuned with kafka.client.<property of librdkafka>",
        "How Java's Kafka client is tuned.",
    )
    .and_below(),
    &ignored("spring.quartz", QUARTZ, "How Quartz is set up.").and_below(),
    &ignored("org.quartz", QUARTZ, "How Quartz is set up.").and_below(),
    &ignored("spring", SPRINGS_OWN, "How Spring is set up.").and_below(),
    &ignored("logging", "see log.level and log.format", "How Spring logs.").and_below(),
    &ignored(
        "management",
        "health and metrics are served as /health and /prometheus below server.context-path",
        "Spring's health pages.",
    )
    .and_below(),
    &ignored("security", SPRINGS_OWN, "Who may see Spring's health pages.").and_below(),
    &ignored(
        "server.ssl",
        "TLS ends in front of this service, at the ingress or load balancer",
        "Spring's own TLS.",
    )
    .and_below(),
    &ignored("server.tomcat", "see the limits", "How Spring's server is tuned.").and_below(),
    &ignored("tracer", SPRINGS_OWN, "DIGIT's tracing library.").and_below(),
    &ignored("otel", JAVAS_OWN, "The Java agent of OpenTelemetry, beside the settings of traces.")
        .and_below(),
    &ignored("app.timezone", "see time-zone", "Java's time zone."),
    &ignored(
        "egov.collectionservice.create.path",
        NO_RECEIPTS_INTERFACE,
        "The path of an older interface of the collection service.",
    ),
    &ignored(
        "egov.collectionservice.validate.path",
        NO_RECEIPTS_INTERFACE,
        "The path of an older interface of the collection service.",
    ),
    &ignored(
        "egov.billingservice.path",
        "bills are found at egov.bill.searchendpoint",
        "The path of an older interface of the billing service.",
    ),
    &ignored(
        "egov.localization.statelevel",
        "texts are always those of the state",
        "Whether texts are kept for whole states.",
    ),
    &ignored("egov.businessdetailsservice", NOT_ASKED, "A service of master data.").and_below(),
    &ignored("egov.mdms", NOT_ASKED, "A service of master data.").and_below(),
    &ignored(
        "egov.state.list",
        "one database holds the payments of all states",
        "The schemas of a central instance's database.",
    ),
    &ignored("state.level.tenant.id", FIRST_SEGMENT, "The tenant of the state."),
    &ignored("state.level.tenantid.length", FIRST_SEGMENT, "How many segments the id of a state has."),
    &ignored(
        "internal.microservice",
        "the service acts as egov.pg.reconciliation.system.user.uuid",
        "The user as whom reconciliation acts in some versions.",
    )
    .and_below(),
];

const FIRST_SEGMENT: &str = "the state is always the first segment of a payment's tenant";
const QUARTZ: &str = "the service has a scheduler of its own, see scheduler.lease-ms";
const NOT_ASKED: &str = "payments need nothing from this service";
