//! The figures as they are shown: sums of them, days with pending payments, and readings of the gateways' calls.

use payment_domain::Timestamp;

use super::Figures;
use crate::TenantScope;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiguresQuery {
    pub within: Vec<TenantScope>,
    pub from_day: String,
    /// Included.
    pub to_day: String,
    pub by: FiguresBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FiguresBy {
    Tenant,
    Gateway,
    DayAndGateway,
    MonthAndGateway,
}

impl FiguresBy {
    /// Expressions of the columns period, tenant and gateway.
    pub fn columns(self) -> [&'static str; 3] {
        match self {
            FiguresBy::Tenant => ["''", "tenant_id", "''"],
            FiguresBy::Gateway => ["''", "''", "gateway"],
            FiguresBy::DayAndGateway => ["day", "''", "gateway"],
            FiguresBy::MonthAndGateway => ["substr(day, 1, 7)", "''", "gateway"],
        }
    }
}

/// Empty texts stand for what was summed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureSum {
    /// The day, or the month: `2026-11`.
    pub period: String,
    pub tenant: String,
    pub gateway: String,
    pub currency: String,
    pub figures: Figures,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDay {
    pub day: String,
    pub tenant: String,
    pub pending: i64,
}

/// The calls of one replica to a gateway in an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayReading {
    pub until: Timestamp,
    pub from: Timestamp,
    pub gateway: String,
    pub node: String,
    pub calls: i64,
    /// Without a usable answer.
    pub failed: i64,
    /// How many calls took at most so long, by the limits of the guard; the last one has none.
    pub buckets: Vec<i64>,
    /// Whether the breaker was open at the end.
    pub is_open: bool,
}
