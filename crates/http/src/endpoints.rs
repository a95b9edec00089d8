//! The documented endpoints.

use std::sync::{Arc, LazyLock};

use axum::routing::MethodRouter;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::{account, gateway, operations, operators, refund, tokens, transaction};

/// The documented endpoints, by their paths below the context path. Describing them takes longer than all else
/// that a router needs, so that it is done once.
pub(crate) static ROUTES: LazyLock<Vec<(String, MethodRouter<Arc<App>>)>> = LazyLock::new(|| {
    let routes = |(_, paths, methods): UtoipaMethodRouter<Arc<App>>| {
        paths.paths.into_keys().map(move |path| (path, methods.clone()))
    };
    endpoints().into_iter().flat_map(routes).collect()
});

/// The same with their documentation.
pub(crate) fn endpoints() -> Vec<UtoipaMethodRouter<Arc<App>>> {
    vec![
        routes!(transaction::create::create),
        routes!(transaction::update::post, transaction::update::get),
        routes!(transaction::redirect::post, transaction::redirect::get),
        routes!(transaction::search::search),
        routes!(gateway::search::search),
        routes!(gateway::status::status),
        routes!(gateway::callback::post, gateway::callback::get),
        routes!(gateway::pay::pay),
        routes!(gateway::pay::get_named, gateway::pay::post_named),
        routes!(operators::search_jobs::search),
        routes!(operators::job_history::history),
        routes!(operators::run_job::run),
        routes!(operators::search_attention::search),
        routes!(operators::show_attention::show),
        routes!(operators::resolve_attention::resolve),
        routes!(operators::run_reconciliation::run),
        routes!(operators::search_audit::search),
        routes!(operators::show_audit::show),
        routes!(operators::export_audit::export),
        routes!(operators::verify_audit::verify),
        routes!(operators::verify_audit::checkpoint),
        routes!(refund::create::create),
        routes!(refund::search::search),
        routes!(refund::search::count),
        routes!(refund::update::post, refund::update::get),
        routes!(refund::decide::approve),
        routes!(refund::decide::reject),
        routes!(refund::decide::withdraw),
        routes!(tokens::issue::issue),
        routes!(tokens::search::search),
        routes!(tokens::revoke::revoke),
        routes!(account::search::search),
        routes!(account::search::fields),
        routes!(account::create::create),
        routes!(account::enter::enter),
        routes!(account::import::import),
        routes!(account::change::verify),
        routes!(account::change::activate),
        routes!(account::change::retire),
        routes!(operations::health::health),
        routes!(operations::health::liveness),
        routes!(operations::health::readiness),
        routes!(operations::prometheus::prometheus),
    ]
}
