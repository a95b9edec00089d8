//! The export of traces to an OpenTelemetry collector, over HTTP or gRPC.

mod allowed;
mod queue;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanExporter as _};

use self::queue::{Queue, Waiting};
use crate::config::{TraceExport, TraceProtocol, TraceSampler};
use crate::failure::{Failure, Outcome};

pub(crate) use self::queue::Exporting;

/// Traces that begin to be recorded, and wait for their export.
pub(crate) struct Recording {
    pub(crate) tracer: SdkTracer,
    provider: SdkTracerProvider,
    waiting: Waiting,
    export: TraceExport,
    resource: Resource,
}

impl Recording {
    /// `node` is the name of this replica.
    pub(crate) fn begin(export: TraceExport, node: &str) -> Recording {
        let (queue, waiting) = Queue::new();
        let given = export.resource.iter().map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
        let resource = Resource::builder_empty()
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", node.to_owned()))
            .with_attributes(given)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(sampler(export.sampler))
            .with_span_processor(queue)
            .build();
        Recording { tracer: provider.tracer("pg-service"), provider, waiting, export, resource }
    }

    /// Exports from now on; within a runtime.
    ///
    /// # Errors
    /// When there can be no exporter with these settings.
    pub(crate) fn export(self) -> Outcome<Exporting> {
        let mut exporter = exporter(&self.export)?;
        exporter.set_resource(&self.resource);
        payment_trace::turn_on();
        Ok(self.waiting.export_by(exporter, self.export.timeout, self.provider))
    }
}

fn sampler(sampler: TraceSampler) -> Sampler {
    let share = Sampler::TraceIdRatioBased(sampler.share);
    if sampler.follows_parent { Sampler::ParentBased(Box::new(share)) } else { share }
}

fn exporter(export: &TraceExport) -> Outcome<SpanExporter> {
    let built = match export.protocol {
        TraceProtocol::Http => {
            // A process has one default provider; the first client has chosen it.
            let _already_chosen = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder()
                .default_headers(export.headers.clone())
                .redirect(reqwest::redirect::Policy::none())
                .timeout(export.timeout)
                .build()
                .map_err(|error| Failure::new("traces cannot be exported").because(&error))?;
            let builder = SpanExporter::builder().with_http().with_http_client(client);
            builder.with_endpoint(&export.endpoint).with_timeout(export.timeout).build()
        }
        TraceProtocol::Grpc => {
            let builder = SpanExporter::builder().with_tonic().with_endpoint(&export.endpoint);
            let builder = builder.with_metadata(MetadataMap::from_headers(export.headers.clone()));
            let builder = builder.with_timeout(export.timeout);
            let is_secure = export.endpoint.starts_with("https:");
            let builder = match is_secure {
                true => builder.with_tls_config(ClientTlsConfig::new().with_enabled_roots()),
                false => builder,
            };
            builder.build()
        }
    };
    built.map_err(|error| Failure::new("traces cannot be exported").because(&error))
}
