//! The report for people.

use std::fmt::Write;
use std::path::Path;

use super::baskets::BasketTotals;
use super::fault::FaultRow;
use super::figures::{grouped, milliseconds, rate, rounded, seconds};
use super::model::Report;
use super::table::{self, WIDTH};

/// Columns of a field's name.
const NAME: usize = 12;

/// Appends a line to a text in memory, which can't fail.
macro_rules! say {
    ($out:expr, $($arg:tt)*) => { writeln!($out, $($arg)*).unwrap_or_default() };
}

/// The whole text; `folder` is where the report's files are, if they were written.
pub fn render(report: &Report, folder: Option<&Path>) -> String {
    let mut out = String::new();
    say!(out, "{}", headline(report));
    if let Some(losses) = losses(report) {
        say!(out, "{losses}");
    }
    say!(out, "");
    settings(report, &mut out);
    say!(out, "");
    out.push_str(&table::render(report));
    say!(out, "");
    field(
        &mut out,
        "times",
        "response time counts from when a request was due, service time from when it was sent; a request belongs to \
         the phase in which it was due",
    );
    stock(report, &mut out);
    besides(report, &mut out);
    audit(report, &mut out);
    generator(report, &mut out);
    for fault in &report.faults {
        field(&mut out, "fault", &suffered(fault));
    }
    for objective in &report.objectives {
        let (name, limit) = (&objective.name, objective.limit);
        let text = match objective.measured {
            None => format!("{name:<19} not measured, limit {limit}"),
            Some(measured) => {
                let word = if objective.met { "met" } else { "MISSED" };
                format!("{name:<19} {measured:.3}, limit {limit} ({word})")
            }
        };
        field(&mut out, "objective", &text);
    }
    say!(out, "");
    if let Some(lost) = &report.lost {
        field(&mut out, "target", &format!("lost: {lost}"));
    }
    if let Some(folder) = folder {
        field(&mut out, "report", &folder.display().to_string());
    }
    field(&mut out, "verdict", &format!("{} (exit code {})", report.verdict, report.exit_code));
    out
}

/// What a fault did, and how long it took to get over it.
fn suffered(fault: &FaultRow) -> String {
    let FaultRow { kind, at_s, until_s, before_share, lowest_share, recovery_s, limit_s } = fault;
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
fn losses(report: &Report) -> Option<String> {
    let budget = report.losses.first()?.budget;
    let each = report.losses.iter().map(|loss| {
        let share = loss.share.map_or_else(|| "?".to_owned(), |share| format!("{:.2} %", share * 100.0));
        let over = if loss.share.is_some_and(|share| share > loss.budget) { " OVER" } else { "" };
        format!("{} {share}{over}", loss.name)
    });
    Some(format!("loss budget {} %: {}", rate(budget * 100.0), each.collect::<Vec<_>>().join(" · ")))
}

/// A field's name and its text, broken between words where a line would be too wide. Only a word that is too long by
/// itself, such as a folder's path, goes beyond.
fn field(out: &mut String, name: &str, text: &str) {
    let mut line = format!("{name:<NAME$}");
    let mut empty = true;
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            say!(out, "{}", line.trim_end());
            line = " ".repeat(NAME + 2);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    say!(out, "{}", line.trim_end());
}

/// `OVERSOLD 0 · LOST 0 · goodput 12,345/s · p99 6.7 ms`.
fn headline(report: &Report) -> String {
    let or_unknown = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), grouped);
    let p99 = report
        .operations
        .iter()
        .find(|row| row.operation == "reserve" && row.outcome == "OK")
        .and_then(|row| row.response_us)
        .map_or_else(|| "-".to_owned(), |percentiles| format!("{} ms", milliseconds(percentiles.p99)));
    format!(
        "OVERSOLD {} · LOST {} · goodput {}/s · p99 {p99}",
        or_unknown(report.oversold_units),
        or_unknown(report.lost_effects),
        rounded(report.goodput_per_second)
    )
}

fn settings(report: &Report, out: &mut String) {
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
    field(out, "scenario", &course);
    let pace = format!(
        "time_scale {}: holds last {} ms, the median shopper pays after {} ms",
        scenario.time_scale,
        grouped(u64::from(settings.hold_ms)),
        rounded(scenario.shoppers.pay_median_seconds * scenario.time_scale * 1_000.0)
    );
    field(out, "pace", &pace);
    let shoppers = format!(
        "{} on {} connections, {} SKUs of {} units",
        grouped(u64::from(scenario.shoppers.users)),
        grouped(u64::from(scenario.load.connections)),
        grouped(u64::from(scenario.stock.skus)),
        grouped(settings.units_each)
    );
    field(out, "shoppers", &shoppers);
    let sync = report.server_sync_p99_us.filter(|&us| us > 0);
    let target = format!(
        "{}; durability {}, disk sync p99 {}",
        settings.target,
        settings.durability,
        sync.map_or_else(|| "unknown".to_owned(), |us| format!("{} us", grouped(us)))
    );
    field(out, "target", &target);
}

fn stock(report: &Report, out: &mut String) {
    let text = report.stock.as_ref().map_or_else(
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
    field(out, "stock", &text);
    let requests = format!("{} sent, {} unanswered", grouped(report.requests), grouped(report.unanswered));
    let again = match (report.retries, report.given_up) {
        (0, 0) => String::new(),
        (retries, given_up) => {
            format!("; \"try again\": {} sent again, {} given up", grouped(retries), grouped(given_up))
        }
    };
    field(out, "requests", &(requests + &again));
}

/// What only some scenarios have.
fn besides(report: &Report, out: &mut String) {
    if let Some(waited) = &report.waited {
        let text = format!(
            "{} waited: {} got units, {} of them paid; {} still wait",
            grouped(waited.waited),
            grouped(waited.offered),
            grouped(waited.paid),
            grouped(waited.waiting)
        );
        field(out, "waitlist", &text);
    }
    if let Some(money) = report.money.as_ref().filter(|money| money.payments > 0) {
        let text = format!(
            "{} payments, {} = {} for orders + {} to be refunded + {} undecided",
            grouped(money.payments),
            amount(money.paid_minor),
            amount(money.bought_minor),
            amount(money.refund_minor),
            amount(money.undecided_minor())
        );
        field(out, "money", &text);
    }
    if let Some(baskets) = &report.baskets {
        field(out, "orders", &several_lines(baskets));
    }
    channels(report, out);
    for delivery in &report.deliveries {
        let refused = match delivery.refused {
            0 => String::new(),
            refused => format!(", refused for {} SKUs", grouped(refused)),
        };
        let text = format!(
            "{} units at {:.1} s, acknowledged after {:.1} ms, {} waited{refused}",
            grouped(delivery.units),
            delivery.at_s,
            delivery.acknowledged_ms,
            grouped(delivery.waiting)
        );
        field(out, "delivery", &text);
    }
    if let Some(lag) = &report.release_lag {
        let text = format!(
            "{} holds ran out; past their deadlines by p50 {}, p99 {}, at most {}",
            grouped(lag.holds),
            up_to(Some(lag.p50_ms)),
            up_to(Some(lag.p99_ms)),
            up_to(lag.max_ms)
        );
        field(out, "release lag", &text);
    }
    if let Some(resident) = &report.resident {
        let text = format!(
            "resident {:.1} MiB at first, {:.1} at last, {:.1} at most; {:+.1} over the second half",
            resident.first_mib, resident.last_mib, resident.most_mib, resident.growth_mib
        );
        field(out, "memory", &text);
    }
    if let Some(bytes) = report.log_bytes {
        field(out, "log", &format!("{:.1} MiB", crate::health::lossy(bytes) / 1_048_576.0));
    }
}

/// Orders with several lines.
fn several_lines(baskets: &BasketTotals) -> String {
    let orders = crate::health::lossy(baskets.orders.max(1));
    let share =
        |count: u64| format!("{} ({:.1} %)", grouped(count), crate::health::lossy(count) / orders * 100.0);
    format!(
        "{} acknowledged, with {:.1} SKUs each; over several of {} shards {}; a SKU twice {}, gifts {}; part paid {}, part \
         given back {}, instead of another {}",
        grouped(baskets.orders),
        crate::health::lossy(baskets.lines) / orders,
        baskets.shards,
        share(baskets.over_shards),
        share(baskets.same_sku),
        share(baskets.gifts),
        share(baskets.part_paid),
        share(baskets.cut),
        share(baskets.swapped)
    )
}

/// A table with a row for each sales channel, and what was moved between them.
fn channels(report: &Report, out: &mut String) {
    if !report.channels.is_empty() {
        let heads = [
            "channel",
            "requests",
            "reserved",
            "exhausted",
            "sold out",
            "guarantee",
            "at release",
            "at the end",
        ];
        let cells = heads.map(|head| format!("{head:>12}")).concat();
        say!(out, "{:<NAME$}{cells}", "channels");
    }
    for row in &report.channels {
        let at_release = row.taken_before_release_units.map_or_else(|| "?".to_owned(), grouped);
        let cells = [
            row.channel.to_string(),
            grouped(row.requests),
            grouped(row.reserved),
            grouped(row.exhausted),
            grouped(row.sold_out),
            grouped(row.guarantee_units),
            at_release,
            grouped(row.taken_units),
        ];
        say!(out, "{:<NAME$}{}", "", cells.map(|cell| format!("{cell:>12}")).concat());
    }
    for moved in &report.moves {
        let refused = match moved.refused {
            0 => String::new(),
            refused => format!("; none for {} SKUs", grouped(refused)),
        };
        let text = format!(
            "{} of {} guaranteed units from channel {} to {} at {:.1} s{refused}",
            grouped(moved.units),
            grouped(moved.asked_units),
            moved.from,
            moved.to,
            moved.at_s
        );
        field(out, "rebalance", &text);
    }
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

fn audit(report: &Report, out: &mut String) {
    for check in &report.checks {
        let word =
            if check.faults == 0 { "holds".to_owned() } else { format!("BROKEN {}x", grouped(check.faults)) };
        let examined = grouped(check.examined);
        field(out, "audit", &format!("{:<9} {word}, {examined} examined: {}", check.name, check.rule));
        for example in &check.examples {
            field(out, "", &format!("- {example}"));
        }
    }
}

fn generator(report: &Report, out: &mut String) {
    let cpu = &report.cpu;
    let lag = format!(
        "send lag p99 {:.3} ms (limit {:.1}), {} held back, {} reconnects",
        report.send_lag_p99_ms,
        report.send_lag_limit_ms,
        grouped(report.held_back),
        grouped(report.reconnects)
    );
    field(out, "generator", &lag);
    let used = format!(
        "{:.0} cores: generator {:.2}, server {:.2}, others {:.2}, stolen {:.2}",
        cpu.cores, cpu.generator_cores, cpu.server_cores, cpu.others_cores, cpu.stolen_cores
    );
    field(out, "processors", &used);
}
