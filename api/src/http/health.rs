//! Is the process alive, and can it serve?

use std::time::Duration;

use actix_web::{HttpResponse, web};
use async_trait::async_trait;
use serde::Serialize;

use super::Shared;

/// The longest that a check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How one thing that the service depends on fares.
#[derive(Debug, Clone, Serialize)]
pub struct Component {
    /// What it is: `database`, `cache`, `bus`.
    pub name: &'static str,
    /// Whether it can be used.
    pub ok: bool,
    /// Whether the service cannot do without it.
    pub required: bool,
    /// What is wrong, in general words; details are in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Looks at whatever the service depends on.
#[async_trait]
pub trait Readiness: Send + Sync {
    /// How everything fares.
    async fn check(&self) -> Vec<Component>;
}

/// The process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// `ok`; `degraded` while something is missing that the service can do without; `unavailable`, with status 503, while it
/// cannot.
pub(super) async fn ready(shared: web::Data<Shared>) -> HttpResponse {
    let Ok(components) = tokio::time::timeout(PATIENCE, shared.readiness.check()).await else {
        return HttpResponse::ServiceUnavailable()
            .json(serde_json::json!({ "status": "unavailable", "components": [] }));
    };
    let down = components.iter().any(|component| component.required && !component.ok);
    let degraded = components.iter().any(|component| !component.ok);
    let status = if down {
        "unavailable"
    } else if degraded {
        "degraded"
    } else {
        "ok"
    };
    let body = serde_json::json!({ "status": status, "components": components });
    if down { HttpResponse::ServiceUnavailable().json(body) } else { HttpResponse::Ok().json(body) }
}
