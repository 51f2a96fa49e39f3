//! `/api/v1/admission`: how hard each reactor is pressed, and how much may wait there.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use doorbuster_protocol::FULL_LOAD;
use serde_json::{Value, json};

use super::clerk::document;
use crate::reactor::{Pressure, ReactorStats};
use crate::server::Shared;

pub(super) async fn show(State(shared): State<Arc<Shared>>) -> Response {
    let reactors: Vec<Value> = shared.stats.iter().map(|stats| of(stats)).collect();
    document(&json!({ "schema_version": 1, "reactors": reactors }))
}

fn of(stats: &ReactorStats) -> Value {
    let Pressure { in_flight, backlog, cost, load, overloaded, overloaded_for, forgotten, target, lost } =
        stats.pressure();
    json!({
        "connections": stats.connections(),
        "in_flight": in_flight,
        "backlog_us": backlog.as_micros(),
        "may_wait_us": target.as_micros(),
        "load": f64::from(load) / f64::from(FULL_LOAD),
        "cost_ns": cost.as_nanos(),
        "overloaded": overloaded,
        "overloaded_for_us": overloaded_for.as_micros(),
        "shoppers_forgotten": forgotten,
        "lost_ten_thousandths": { "goodput": lost.goodput, "admitted": lost.admitted, "settled": lost.settled },
    })
}
