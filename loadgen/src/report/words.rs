//! What the text and the page say in the same words: sentences under a name.

use super::baskets::BasketTotals;
use super::fault::{FaultRow, PlanRow, UpgradeRow};
use super::figures::{grouped, milliseconds, rate, rounded, seconds};
use super::model::Report;
use crate::health::lossy;

/// A name, and what is said under it.
pub(super) type Field = (&'static str, String);

/// A count, or that it is unknown.
pub(super) fn or_unknown(count: Option<u64>) -> String {
    count.map_or_else(|| "?".to_owned(), grouped)
}

/// The 99th percentile of the reserves that got units; `-` if there were none.
pub(super) fn reserve_p99(report: &Report) -> String {
    report
        .operations
        .iter()
        .find(|row| row.operation == "reserve" && row.outcome == "OK")
        .and_then(|row| row.response_us)
        .map_or_else(|| "-".to_owned(), |percentiles| format!("{} ms", milliseconds(percentiles.p99)))
}

/// How the drill was set up.
pub(super) fn setup(report: &Report) -> Vec<Field> {
    let settings = &report.settings;
    let scenario = &settings.scenario;
    let calibrated = settings.calibrated_per_second.map_or_else(String::new, |capacity| {
        let share = scenario.load.utilisation * 100.0;
        format!(" ({share:.0} % of the {}/s that the calibration found)", rounded(capacity))
    });
    let course = format!(
        "{}, seed {}; {} s, T0 at {} s, peak {} arrivals/s{calibrated}",
        scenario.name,
        scenario.seed,
        seconds(settings.phases_seconds),
        seconds(settings.t0_seconds),
        rounded(settings.peak_per_second)
    );
    let pace = format!(
        "time_scale {}: holds last {} ms, the median shopper pays after {} ms",
        scenario.time_scale,
        grouped(u64::from(settings.hold_ms)),
        rounded(scenario.shoppers.pay_median_seconds * scenario.time_scale * 1_000.0)
    );
    let shoppers = format!(
        "{} on {} connections, {} SKUs of {} units",
        grouped(u64::from(scenario.shoppers.users)),
        grouped(u64::from(scenario.load.connections)),
        grouped(u64::from(scenario.stock.skus)),
        grouped(settings.units_each)
    );
    let sync = report.server_sync_p99_us.filter(|&us| us > 0);
    let target = format!(
        "{}; durability {}, disk sync p99 {}",
        settings.target,
        settings.durability,
        sync.map_or_else(|| "unknown".to_owned(), |us| format!("{} us", grouped(us)))
    );
    vec![("scenario", course), ("pace", pace), ("shoppers", shoppers), ("target", target)]
}

/// Where units, requests and money went.
pub(super) fn account(report: &Report) -> Vec<Field> {
    let stock = report.stock.as_ref().map_or_else(
        || "unknown: the server's accounts couldn't be read".to_owned(),
        |stock| {
            format!(
                "stocked {} = available {} + held {} + sold {}; {} SKUs empty",
                grouped(stock.stocked_units),
                grouped(stock.available_units),
                grouped(stock.held_units),
                grouped(stock.sold_units),
                grouped(stock.empty_skus)
            )
        },
    );
    let requests = format!("{} sent, {} unanswered", grouped(report.requests), grouped(report.unanswered));
    let again = match (report.retries, report.given_up) {
        (0, 0) => String::new(),
        (retries, given_up) => {
            format!("; \"try again\": {} sent again, {} given up", grouped(retries), grouped(given_up))
        }
    };
    let mut out = vec![("stock", stock), ("requests", requests + &again)];
    out.extend(report.waited.as_ref().map(|waited| {
        let text = format!(
            "{} waited: {} got units, {} of them paid; {} still wait",
            grouped(waited.waited),
            grouped(waited.offered),
            grouped(waited.paid),
            grouped(waited.waiting)
        );
        ("waitlist", text)
    }));
    out.extend(report.money.as_ref().filter(|money| money.payments > 0).map(|money| {
        let text = format!(
            "{} payments, {} = {} for orders + {} to be refunded + {} undecided",
            grouped(money.payments),
            amount(money.paid_minor),
            amount(money.bought_minor),
            amount(money.refund_minor),
            amount(money.undecided_minor())
        );
        ("money", text)
    }));
    out.extend(report.baskets.as_ref().map(|baskets| ("orders", several_lines(baskets))));
    out
}

/// What operators did on the way: guarantees that moved, units that came in.
pub(super) fn operators(report: &Report) -> Vec<Field> {
    let refused = |skus: u64, what: &str| match skus {
        0 => String::new(),
        skus => format!("{what} for {} SKUs", grouped(skus)),
    };
    let moves = report.moves.iter().map(|moved| {
        let text = format!(
            "{} of {} guaranteed units from channel {} to {} at {:.1} s{}",
            grouped(moved.units),
            grouped(moved.asked_units),
            moved.from,
            moved.to,
            moved.at_s,
            refused(moved.refused, "; none")
        );
        ("rebalance", text)
    });
    let deliveries = report.deliveries.iter().map(|delivery| {
        let text = format!(
            "{} units at {:.1} s, acknowledged after {:.1} ms, {} waited{}",
            grouped(delivery.units),
            delivery.at_s,
            delivery.acknowledged_ms,
            grouped(delivery.waiting),
            refused(delivery.refused, ", refused")
        );
        ("delivery", text)
    });
    moves.chain(deliveries).collect()
}

/// What is known of a server of the drill's own.
pub(super) fn server(report: &Report) -> Vec<Field> {
    let lag = report.release_lag.as_ref().map(|lag| {
        let text = format!(
            "{} holds ran out; past their deadlines by p50 {}, p99 {}, at most {}",
            grouped(lag.holds),
            up_to(Some(lag.p50_ms)),
            up_to(Some(lag.p99_ms)),
            up_to(lag.max_ms)
        );
        ("release lag", text)
    });
    let memory = report.resident.as_ref().map(|resident| {
        let text = format!(
            "resident {:.1} MiB at first, {:.1} at last, {:.1} at most; {:+.1} over the second half",
            resident.first_mib, resident.last_mib, resident.most_mib, resident.growth_mib
        );
        ("memory", text)
    });
    let log = report.log_bytes.map(|bytes| ("log", format!("{:.1} MiB", lossy(bytes) / 1_048_576.0)));
    lag.into_iter().chain(memory).chain(log).collect()
}

/// Whether the generator kept up, and who used the processors.
pub(super) fn generator(report: &Report) -> Vec<Field> {
    let cpu = &report.cpu;
    let lag = format!(
        "send lag p99 {:.3} ms (limit {:.1}), {} held back, {} reconnects",
        report.send_lag_p99_ms,
        report.send_lag_limit_ms,
        grouped(report.held_back),
        grouped(report.reconnects)
    );
    let used = format!(
        "{:.0} cores: generator {:.2}, server {:.2}, others {:.2}, stolen {:.2}",
        cpu.cores, cpu.generator_cores, cpu.server_cores, cpu.others_cores, cpu.stolen_cores
    );
    vec![("generator", lag), ("processors", used)]
}

/// What each fault did.
pub(super) fn faults(report: &Report) -> Vec<Field> {
    report.faults.iter().map(|fault| ("fault", suffered(fault))).collect()
}

/// What each upgrade looked like.
pub(super) fn upgrades(report: &Report) -> Vec<Field> {
    let rows = report.faults.iter().filter_map(|fault| fault.upgrade.as_ref());
    rows.flat_map(|row| {
        let UpgradeRow { from, to, .. } = row;
        let programs = format!(
            "from {} ({}) to {} ({})",
            from.version,
            from.path.display(),
            to.version,
            to.path.display()
        );
        [("upgrade", programs), ("", swapped(row, report.lost_effects))]
    })
    .collect()
}

/// How long an upgrade kept shoppers waiting, and what became of their requests.
fn swapped(row: &UpgradeRow, lost_effects: Option<u64>) -> String {
    let at = row.gap_at_s.map_or_else(String::new, |at_s| format!(" from {at_s:.3} s on"));
    let refused = match row.refused_at_s {
        Some(at_s) => format!("for {} from {at_s:.3} s on", ms(row.refused_s)),
        None => "never".to_owned(),
    };
    format!(
        "longest gap between two answers {}{at}; new connections refused {refused}; the first program stopped within {}, the \
         next one was ready after {}; {} requests sent again, lost {}",
        longest(row.longest_gap_s),
        ms(row.stop_s),
        ms(row.start_s),
        grouped(row.sent_again),
        or_unknown(lost_effects)
    )
}

/// The longest gap between two answers that an upgrade made; none where nothing was upgraded.
pub(super) fn longest_gap(report: &Report) -> Option<String> {
    let rows = report.faults.iter().filter_map(|fault| fault.upgrade.as_ref());
    let gap = rows.map(|row| row.longest_gap_s).reduce(|one, other| {
        // What isn't known may be the longest.
        one.zip(other).map(|(one, other)| one.max(other))
    });
    gap.map(longest)
}

fn longest(gap_s: Option<f64>) -> String {
    gap_s.map_or_else(|| "?".to_owned(), ms)
}

/// Seconds as whole milliseconds.
fn ms(seconds: f64) -> String {
    format!("{} ms", rounded(seconds * 1_000.0))
}

/// What each emergency plan did.
pub(super) fn plans(report: &Report) -> Vec<Field> {
    let told = report.plans.iter().map(|row| {
        let PlanRow { plan, cause, at_s, state, steps } = row;
        format!("{plan} at {at_s:.1} s, for {cause}: {}; {state}", steps.join(", "))
    });
    told.map(|text| ("plan", text)).collect()
}

/// What a fault did, and how long it took to get over it.
fn suffered(fault: &FaultRow) -> String {
    let FaultRow { kind, at_s, until_s, before_share, lowest_share, recovery_s, limit_s, upgrade: _ } = fault;
    let percent = |share: &f64| format!("{:.1} %", share * 100.0);
    let recovered =
        recovery_s.map_or_else(|| "not recovered".to_owned(), |s| format!("recovered after {s:.1} s"));
    let limit = limit_s.map_or_else(String::new, |limit| format!(", limit {} s", seconds(limit)));
    format!(
        "{kind} from {at_s:.1} to {until_s:.1} s: decided in time {} before, {} at the least; {recovered}{limit}",
        percent(before_share),
        percent(lowest_share)
    )
}

/// `loss budget 3 %: L1 0.4 % · L2 0.0 % (gated) · L3 …`: how much of each kind was lost.
pub(super) fn losses(report: &Report) -> Option<String> {
    let budget = report.losses.first()?.budget;
    let each = report.losses.iter().map(|loss| {
        let share = loss.share.map_or_else(|| "?".to_owned(), |share| format!("{:.2} %", share * 100.0));
        let over = if loss.share.is_some_and(|share| share > loss.budget) { " OVER" } else { "" };
        format!("{} {share}{over}", loss.name)
    });
    Some(format!("loss budget {} %: {}", rate(budget * 100.0), each.collect::<Vec<_>>().join(" · ")))
}

/// Orders with several lines.
fn several_lines(baskets: &BasketTotals) -> String {
    let orders = lossy(baskets.orders.max(1));
    let share = |count: u64| format!("{} ({:.1} %)", grouped(count), lossy(count) / orders * 100.0);
    format!(
        "{} acknowledged, with {:.1} SKUs each; over several of {} shards {}; a SKU twice {}, gifts {}; part paid {}, part \
         given back {}, instead of another {}",
        grouped(baskets.orders),
        lossy(baskets.lines) / orders,
        baskets.shards,
        share(baskets.over_shards),
        share(baskets.same_sku),
        share(baskets.gifts),
        share(baskets.part_paid),
        share(baskets.cut),
        share(baskets.swapped)
    )
}

/// A time that is at most this many milliseconds; the server's buckets end at 5 s.
fn up_to(ms: Option<f64>) -> String {
    match ms.filter(|ms| ms.is_finite()) {
        Some(ms) => format!("{ms:.0} ms"),
        None => "more than 5 s".to_owned(),
    }
}

/// Minor units as an amount.
fn amount(minor: u64) -> String {
    format!("{}.{:02}", grouped(minor / 100), minor % 100)
}
