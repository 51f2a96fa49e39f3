//! `/metrics`, for Prometheus. Counters are read where they stand when somebody asks;
//! serving an order touches no registry.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use doorbuster_engine::shard::ReleaseLag;
use doorbuster_ledger::{CampaignSnapshot, LAG_BOUNDS_MS, Stage, Standing};
use doorbuster_protocol::{Class, Code};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::buckets::Buckets;
use super::{breaking, emergencies, exposition, pressure};
use crate::reactor::{OpStats, ReactorStats};
use crate::server::Shared;

pub(super) async fn metrics(State(shared): State<Arc<Shared>>, asked: HeaderMap) -> impl IntoResponse {
    let mut registry = Registry::with_prefix("doorbuster");
    registry.register_collector(Box::new(Sources(shared)));
    let mut text = String::new();
    let encoded = prometheus_client::encoding::text::encode(&mut text, &registry);
    debug_assert!(encoded.is_ok(), "writing into a string can't fail");
    if exposition::wants_open_metrics(&asked) {
        ([(CONTENT_TYPE, exposition::OPEN_METRICS)], text)
    } else {
        ([(CONTENT_TYPE, exposition::TEXT)], exposition::to_text(&text))
    }
}

#[derive(Debug)]
struct Sources(Arc<Shared>);

impl Collector for Sources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let shared = &self.0;
        {
            let labels = [("version", env!("CARGO_PKG_VERSION"))];
            let gauge = ConstGauge::new(1_i64);
            let mut family =
                encoder.encode_descriptor("build_info", "The version that runs", None, MetricType::Gauge)?;
            gauge.encode(family.encode_family(&labels)?)?;
        }
        {
            let mut family = encoder.encode_descriptor(
                "requests",
                "Operations answered, by kind and code",
                None,
                MetricType::Counter,
            )?;
            for (kind, code, count) in requests(shared) {
                ConstCounter::new(count).encode(family.encode_family(&[("op", kind), ("outcome", code)])?)?;
            }
        }
        encode_refusals(shared, &mut encoder)?;
        encode_connections_refused(shared, &mut encoder)?;
        {
            let mut family = encoder.encode_descriptor(
                "request_duration",
                "Time from the read of a request to the write of its answer",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?;
            for ((kind, outcome), buckets) in durations(shared) {
                buckets.encode(family.encode_family(&[("op", kind), ("outcome", outcome)])?)?;
            }
        }
        pressure::encode(shared, &mut encoder)?;
        breaking::encode(shared, &mut encoder)?;
        emergencies::encode(shared, &mut encoder)?;
        let engine = &shared.engine;
        let (totals, counters, journal) = (engine.totals(), engine.counters(), engine.journal());
        {
            let family = encoder.encode_descriptor(
                "log_sync",
                "Time to write a block of the log and to sync it, where the durability level asks for it",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?;
            Buckets::of(&journal.stats().times()).encode(family)?;
        }
        {
            let behind = Duration::from_millis(shared.clock_behind_ms());
            let gauge = ConstGauge::new(behind.as_secs_f64());
            gauge.encode(encoder.encode_descriptor(
                "clock_behind",
                "How far the machine's clock is behind the latest time in the log; normally 0",
                Some(&Unit::Seconds),
                MetricType::Gauge,
            )?)?;
        }
        {
            let most = Duration::from_millis(counters.release_lag_max_ms);
            ConstGauge::new(most.as_secs_f64()).encode(encoder.encode_descriptor(
                "release_lag_max",
                "The most that a hold was past its deadline",
                Some(&Unit::Seconds),
                MetricType::Gauge,
            )?)?;
        }
        encode_release_lag(&engine.release_lag(), &mut encoder)?;
        encode_campaigns(shared, &mut encoder)?;
        let watched: u64 = shared.stats.iter().map(|stats| stats.orders_watched()).sum();
        let connections: u64 = shared.stats.iter().map(|stats| stats.connections()).sum();
        let gauges = [
            ("connections", "Connections open", connections),
            ("skus", "SKUs set up", totals.skus),
            (
                "orders_in_memory",
                "Orders in memory, ended ones within their retention included",
                totals.orders,
            ),
            ("open_holds", "Holds that are open", totals.holds),
            ("orders_waiting", "Orders that wait for units to come back", totals.waiting),
            ("units_available", "Units free for new holds", totals.available),
            ("units_held", "Units in open holds", totals.held),
            ("units_sold", "Units paid", totals.sold),
            ("orders_watched", "Orders that wait and that a connection watches", watched),
            ("log_decided_position", "Log position of what was decided", journal.decided()),
            ("log_durable_position", "Log position of what is durable", journal.durable()),
            ("ledger_bytes", "Bytes that the ledgers' tables use", engine.ledger_bytes()),
            ("log_poisoned", "1 when the log has failed", u64::from(journal.poisoned().is_some())),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        encode_counts(shared, &mut encoder)
    }
}

/// How late holds ended, as a histogram.
fn encode_release_lag(lag: &ReleaseLag, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let seconds = |ms: u64| Duration::from_millis(ms).as_secs_f64();
    let bounds = LAG_BOUNDS_MS.into_iter().map(seconds).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(lag.counts).collect();
    encoder
        .encode_descriptor(
            "release_lag",
            "How far holds were past their deadlines when their units went back",
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?
        .encode_histogram::<NoLabelSet>(seconds(lag.sum_ms), lag.counts.iter().sum(), &buckets, None)
}

/// A figure of a campaign.
type OfCampaign<'a> = &'a dyn Fn(&CampaignSnapshot) -> i64;

/// Where campaigns stand, those that are not over.
fn encode_campaigns(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let (board, now) = (shared.engine.campaigns(), shared.engine.now());
    let figures = board.figures();
    let stage = |campaign: &CampaignSnapshot| match (campaign.standing, campaign.stage) {
        (Standing::Paused, _) => -1,
        (_, Stage::Warmup) => 0,
        (_, Stage::Live) => 1,
        (_, Stage::Sustain) => 2,
        (_, Stage::Wrapup) => 3,
        (_, Stage::Closed) => 4,
    };
    let missing =
        |campaign: &CampaignSnapshot| i64::try_from(board.missing_prices(campaign, now)).unwrap_or(i64::MAX);
    let gauges: [(&str, &str, OfCampaign<'_>); 2] = [
        (
            "campaign_stage",
            "What a campaign is to shoppers: 0 warm-up, 1 live, 2 sustain, 3 wrap-up, 4 closed; -1 paused",
            &stage,
        ),
        (
            "campaign_missing_prices",
            "SKUs of a campaign without a price that counts within server.price_alarm_ms, or already",
            &missing,
        ),
    ];
    for (name, help, of) in gauges {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for campaign in &figures {
            let id = campaign.campaign.raw().to_string();
            ConstGauge::new(of(campaign)).encode(family.encode_family(&[("campaign", id.as_str())])?)?;
        }
    }
    Ok(())
}

/// What has been counted since the start.
fn encode_counts(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let (engine, journal) = (&shared.engine, shared.engine.journal());
    let counters = engine.counters();
    let accepted: u64 = shared.stats.iter().map(|stats| stats.accepted()).sum();
    let pushes: u64 = shared.stats.iter().map(|stats| stats.pushes()).sum();
    let faults: u64 = shared.stats.iter().map(|stats| stats.faults()).sum();
    let sold_out: u64 = shared.stats.iter().map(|stats| stats.sold_out_from_directory()).sum();
    let slow_readers: u64 = shared.stats.iter().map(|stats| stats.slow_readers()).sum();
    let drilled: u64 = shared.stats.iter().map(|stats| stats.drill_operations()).sum();
    let counts = [
        ("connections_accepted", "Connections ever taken", accepted),
        ("faults", "Error frames sent", faults),
        ("slow_readers", "Connections closed because they took nothing of their answers", slow_readers),
        ("drill_operations", "Operations that a drill asked for, counted among all others", drilled),
        ("sold_out_from_directory", "Requests answered from the sold-out directory, by no shard", sold_out),
        ("events", "Events decided", counters.events),
        ("holds_expired", "Holds that ended by their deadline", counters.expired),
        ("orders_offered", "Orders that waited and were offered units", counters.offered),
        ("orders_lapsed", "Orders that waited in vain", counters.lapsed),
        ("pushes", "Connections told that an order waits no more", pushes),
        ("pushes_missed", "Notes of such orders that a full queue dropped", engine.notices_missed()),
        ("orders_evicted", "Ended orders that left memory", counters.evicted),
        (
            "release_alarms",
            "Visits that ended a hold later past its deadline than server.release_alarm_ms",
            engine.release_lag().alarms,
        ),
        ("log_blocks", "Blocks written to the log", journal.stats().blocks()),
        ("log_bytes", "Bytes of events written to the log", journal.stats().bytes()),
    ];
    for (name, help, value) in counts {
        ConstCounter::new(value).encode(encoder.encode_descriptor(
            name,
            help,
            None,
            MetricType::Counter,
        )?)?;
    }
    Ok(())
}

/// Counts by kind and code, added up over the reactors.
fn requests(shared: &Shared) -> Vec<(&'static str, &'static str, u64)> {
    let mut sums: Vec<(&'static str, &'static str, u64)> = Vec::new();
    for op in shared.stats.iter().flat_map(|stats| stats.ops()) {
        for (code, count) in op.outcomes() {
            let known = sums.iter_mut().find(|sum| (sum.0, sum.1) == (op.kind.name(), code.name()));
            match known {
                Some(sum) => sum.2 += count,
                None => sums.push((op.kind.name(), code.name(), count)),
            }
        }
    }
    sums
}

/// Answers that refused, by their code, over all kinds. Those that never came are told, too: where a series begins with 1, no
/// `increase` sees it, and the first of something is what an alert is for.
fn encode_refusals(shared: &Shared, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let refusing = Code::ALL.iter().filter(|code| code.class() != Class::Done);
    let mut sums: Vec<(Code, u64)> = refusing.map(|code| (*code, 0)).collect();
    for (code, count) in shared.stats.iter().flat_map(|stats| stats.ops()).flat_map(OpStats::outcomes) {
        if let Some(sum) = sums.iter_mut().find(|sum| sum.0 == code) {
            sum.1 += count;
        }
    }
    let help = "Operations refused, by why; class says what a caller may do";
    let mut family = encoder.encode_descriptor("refusals", help, None, MetricType::Counter)?;
    for (code, count) in sums {
        let labels = [("reason", code.name()), ("class", code.class().name())];
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

/// Connections that never came to a request.
fn encode_connections_refused(
    shared: &Shared,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let help = "Connections refused: full, as many as may be; address, as many from there as may be; tls, no keys were agreed on";
    let mut family = encoder.encode_descriptor("connections_refused", help, None, MetricType::Counter)?;
    let sum = |of: fn(&ReactorStats) -> u64| shared.stats.iter().map(|stats| of(stats)).sum::<u64>();
    for (reason, count) in [
        ("full", sum(ReactorStats::turned_away)),
        ("address", shared.callers.refused()),
        ("tls", sum(ReactorStats::unagreed)),
    ] {
        ConstCounter::new(count).encode(family.encode_family(&[("reason", reason)])?)?;
    }
    Ok(())
}

/// Service times by kind and what came of it, added up over the reactors.
fn durations(shared: &Shared) -> Vec<((&'static str, &'static str), Buckets)> {
    let mut sums: Vec<((&'static str, &'static str), Buckets)> = Vec::new();
    for op in shared.stats.iter().flat_map(|stats| stats.ops()) {
        for (verdict, took) in op.took() {
            let (of, buckets) = ((op.kind.name(), verdict.name()), Buckets::of(&took));
            match sums.iter_mut().find(|sum| sum.0 == of) {
                Some(sum) => sum.1 = sum.1.and(buckets),
                None => sums.push((of, buckets)),
            }
        }
    }
    sums
}
