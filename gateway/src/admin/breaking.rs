//! The figures of circuit breakers in `/metrics`.

use std::time::{Duration, Instant};

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::overload::breaker::{Report, State};
use crate::server::Shared;

/// A state as a number: the higher, the more is refused.
const fn number(state: State) -> i64 {
    match state {
        State::Disabled => -1,
        State::Closed => 0,
        State::Ramp => 1,
        State::HalfOpen => 2,
        State::Open => 3,
        State::ForcedOpen => 4,
    }
}

type Figure = fn(&Report) -> i64;

/// Figures of each breaker.
const GAUGES: [(&str, &str, Figure); 2] = [
    (
        "breaker_state",
        "Where a circuit breaker stands: 0 closed, 1 ramp, 2 half-open, 3 open, 4 forced open, -1 disabled",
        |of| number(of.state),
    ),
    ("breaker_probes", "Operations that find out whether a circuit breaker may let more through", |of| {
        i64::from(of.probes)
    }),
];

/// Appends the figures.
pub(super) fn encode(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let now = shared.moment(Instant::now());
    let reports: Vec<(String, &str, Report)> = shared
        .breakers
        .each()
        .map(|(scope, class, gate)| (scope.to_string(), class.name(), gate.report(now)))
        .collect();
    for (name, help, of) in GAUGES {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (scope, class, report) in &reports {
            let labels = [("scope", scope.as_str()), ("class", class)];
            ConstGauge::new(of(report)).encode(family.encode_family(&labels)?)?;
        }
    }
    {
        let help = "How long a circuit breaker refused all, in all";
        let mut family =
            encoder.encode_descriptor("breaker_open", help, Some(&Unit::Seconds), MetricType::Counter)?;
        for (scope, class, report) in &reports {
            let open = Duration::from_micros(report.time_open.us());
            let labels = [("scope", scope.as_str()), ("class", class)];
            ConstCounter::new(open.as_secs_f64()).encode(family.encode_family(&labels)?)?;
        }
    }
    let help = "Times that a circuit breaker went from one state to another, by why it did";
    let mut family = encoder.encode_descriptor("breaker_transitions", help, None, MetricType::Counter)?;
    for (scope, class, report) in &reports {
        for (reason, count) in report.history.counts().filter(|(_, count)| *count > 0) {
            let labels = [("scope", scope.as_str()), ("class", class), ("reason", reason.name())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
