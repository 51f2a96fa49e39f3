//! The figures of anomalies and emergency plans in `/metrics`.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::server::Shared;

/// Appends the figures.
pub(super) fn encode(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let figures = shared.emergency.figures();
    {
        let help = "Times that a rule found the order rate out of the ordinary";
        let mut family = encoder.encode_descriptor("anomaly_fired", help, None, MetricType::Counter)?;
        for (rule, fired, _) in &figures.rules {
            ConstCounter::new(*fired).encode(family.encode_family(&[("rule", rule.as_str())])?)?;
        }
    }
    {
        let help = "The order rate of what a rule looks at, of what is usual; the highest of all";
        let mut family = encoder.encode_descriptor("anomaly_rate_ratio", help, None, MetricType::Gauge)?;
        for (rule, _, ratio) in &figures.rules {
            ConstGauge::new(*ratio).encode(family.encode_family(&[("rule", rule.as_str())])?)?;
        }
    }
    {
        let help = "Runs of an emergency plan that are in force";
        let mut family =
            encoder.encode_descriptor("emergency_plans_active", help, None, MetricType::Gauge)?;
        for (plan, active) in &figures.plans {
            let gauge = ConstGauge::new(i64::try_from(*active).unwrap_or(i64::MAX));
            gauge.encode(family.encode_family(&[("plan", plan.as_str())])?)?;
        }
    }
    let help = "Actions of emergency plans, by what came of them";
    let mut family = encoder.encode_descriptor("emergency_actions", help, None, MetricType::Counter)?;
    for ((action, outcome), count) in &figures.actions {
        let labels = [("action", *action), ("outcome", *outcome)];
        ConstCounter::new(*count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
