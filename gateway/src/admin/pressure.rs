//! What is asked for beside what is done: the figures of overload in `/metrics`.
//!
//! At any moment that nothing moves, operations offered = operations answered, by whatever code, + operations in flight.

use doorbuster_protocol::FULL_LOAD;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::reactor::Pressure;
use crate::server::Shared;

type Figure = fn(&Pressure) -> f64;

/// Figures of each reactor.
const GAUGES: [(&str, &str, Figure); 5] = [
    ("backlog_limit_seconds", "Work that may wait in a reactor before new holds are refused", |of| {
        of.target.as_secs_f64()
    }),
    ("backlog_seconds", "Work that waits in a reactor", |of| of.backlog.as_secs_f64()),
    ("operation_cost_seconds", "What an operation costs a reactor", |of| of.cost.as_secs_f64()),
    ("load_ratio", "How much is asked for, of what may wait; above 1, requests are refused", |of| {
        f64::from(of.load) / f64::from(FULL_LOAD)
    }),
    ("overloaded", "1 while requests are refused", |of| f64::from(u8::from(of.overloaded))),
];

/// Appends the figures.
pub(super) fn encode(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    {
        let mut family = encoder.encode_descriptor(
            "offered",
            "Operations that were asked for, by kind: those that were answered and those in flight",
            None,
            MetricType::Counter,
        )?;
        for (kind, count) in offered(shared) {
            ConstCounter::new(count).encode(family.encode_family(&[("op", kind)])?)?;
        }
    }
    let pressures: Vec<(String, Pressure)> =
        (0..).zip(&shared.stats).map(|(n, stats): (u32, _)| (n.to_string(), stats.pressure())).collect();
    {
        let help = "Operations that have no answer yet";
        let mut family = encoder.encode_descriptor("in_flight", help, None, MetricType::Gauge)?;
        for (reactor, pressure) in &pressures {
            let gauge = ConstGauge::new(i64::try_from(pressure.in_flight).unwrap_or(i64::MAX));
            gauge.encode(family.encode_family(&[("reactor", reactor.as_str())])?)?;
        }
    }
    for (name, help, of) in GAUGES {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (reactor, pressure) in &pressures {
            ConstGauge::new(of(pressure)).encode(family.encode_family(&[("reactor", reactor.as_str())])?)?;
        }
    }
    {
        let help = "What was lost in a reactor's last second: L1 goodput against the most of a second lately, L3 of what was \
                    let in, L4 of payments and cancels";
        let mut family = encoder.encode_descriptor("loss_ratio", help, None, MetricType::Gauge)?;
        for (reactor, Pressure { lost, .. }) in &pressures {
            for (loss, share) in [("L1", lost.goodput), ("L3", lost.admitted), ("L4", lost.settled)] {
                let labels = [("reactor", reactor.as_str()), ("loss", loss)];
                ConstGauge::new(f64::from(share) / 1e4).encode(family.encode_family(&labels)?)?;
            }
        }
    }
    {
        let help = "How much of each kind may be lost before less may wait";
        let family = encoder.encode_descriptor("loss_budget_ratio", help, None, MetricType::Gauge)?;
        ConstGauge::new(f64::from(shared.emergency.regime.standing().losses.budget) / 1e4).encode(family)?;
    }
    {
        let help = "Shoppers that were forgotten who had asked faster than they may: the table is too small";
        let mut family = encoder.encode_descriptor("shoppers_forgotten", help, None, MetricType::Counter)?;
        for (reactor, pressure) in &pressures {
            let counter = ConstCounter::new(pressure.forgotten);
            counter.encode(family.encode_family(&[("reactor", reactor.as_str())])?)?;
        }
    }
    let help = "How long requests were refused, in all";
    let mut family =
        encoder.encode_descriptor("overloaded_time", help, Some(&Unit::Seconds), MetricType::Counter)?;
    for (reactor, pressure) in &pressures {
        let counter = ConstCounter::new(pressure.overloaded_for.as_secs_f64());
        counter.encode(family.encode_family(&[("reactor", reactor.as_str())])?)?;
    }
    Ok(())
}

/// Operations by kind, added up over the reactors.
fn offered(shared: &Shared) -> Vec<(&'static str, u64)> {
    let mut sums: Vec<(&str, u64)> = Vec::new();
    for op in shared.stats.iter().flat_map(|stats| stats.ops()).filter(|op| op.offered() > 0) {
        match sums.iter_mut().find(|(kind, _)| *kind == op.kind.name()) {
            Some((_, sum)) => *sum += op.offered(),
            None => sums.push((op.kind.name(), op.offered())),
        }
    }
    sums
}
