//! One frame of `top`: pure text, from two answers of a server and the time between them.

use std::time::Duration;

use serde_json::{Value, json};

use super::hot::HotSku;
use crate::cli::figures::{Figures, count, time};
use crate::cli::status::Standing;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

/// Lines beside those of the table of answers.
const OTHER_LINES: usize = 11;

/// Lines of that table that SKUs leave to it at least.
const LEAST_ANSWERS: usize = 6;

/// Characters and lines of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { columns: 80, rows: 24 }
    }
}

/// What a frame shows.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) at: &'a str,
    pub(super) before: &'a Standing,
    pub(super) now: &'a Standing,
    /// The SKUs that go fastest, as far as the server tells.
    pub(super) hot: &'a [HotSku],
    /// The time between the two.
    pub(super) over: Duration,
    pub(super) colours: bool,
}

/// Answers of one kind and code: a second, and in all.
#[derive(Debug)]
struct Row {
    op: String,
    outcome: String,
    per_second: f64,
    all: f64,
}

impl Frame<'_> {
    /// The frame, no line longer than the terminal is wide and no more lines than it has.
    pub(super) fn text(&self, size: Size) -> String {
        let (then, now) = (&self.before.figures, &self.now.figures);
        let rate = |name: &str| self.per_second(then.sum(name), now.sum(name));
        let ready = if self.now.ready == "ready" { GREEN } else { RED };
        let within = |op: &str, share: f64| {
            let histogram = "doorbuster_request_duration_seconds";
            time(now.quantile(Some(then), histogram, Some(("op", op)), share))
        };
        let sync = |share| time(now.quantile(Some(then), "doorbuster_log_sync_seconds", None, share));
        let behind = now.sum("doorbuster_log_decided_position") - now.sum("doorbuster_log_durable_position");
        let load = now.most("doorbuster_load_ratio");
        let mut lines = vec![
            format!(
                "{}  {}  {}",
                self.coloured(
                    BOLD,
                    &format!("doorbuster {}", now.label("doorbuster_build_info", "version").unwrap_or("?"))
                ),
                self.at,
                self.coloured(ready, &self.now.ready)
            ),
            format!(
                "load      {} of what may wait; {} in flight, {} connections",
                self.coloured(if load > 1.0 { RED } else { BOLD }, &format!("{:.0} %", load * 100.0)),
                count(now.sum("doorbuster_in_flight")),
                count(now.sum("doorbuster_connections"))
            ),
            format!(
                "log       {} events/s, {} groups/s, {} behind; sync p50 {}, p99 {}",
                count(rate("doorbuster_events_total")),
                count(rate("doorbuster_log_blocks_total")),
                count(behind),
                sync(0.5),
                sync(0.99)
            ),
            format!(
                "stock     {} SKUs: {} available, {} held, {} sold",
                count(now.sum("doorbuster_skus")),
                count(now.sum("doorbuster_units_available")),
                count(now.sum("doorbuster_units_held")),
                count(now.sum("doorbuster_units_sold"))
            ),
            format!(
                "orders    {} open holds, {} waiting; {}/s expired, {}/s offered",
                count(now.sum("doorbuster_open_holds")),
                count(now.sum("doorbuster_orders_waiting")),
                count(rate("doorbuster_holds_expired_total")),
                count(rate("doorbuster_orders_offered_total"))
            ),
            {
                let state = self.now.breakers();
                let colour = if self.now.breakers.is_empty() { PLAIN } else { RED };
                format!("breakers  {}", self.coloured(colour, &cut(&state, size.columns.saturating_sub(10))))
            },
            {
                let alarms = self.now.alarms();
                let colour = if alarms.is_empty() { PLAIN } else { RED };
                let text = if alarms.is_empty() { "none".to_owned() } else { alarms.join("; ") };
                format!("alarms    {}", self.coloured(colour, &cut(&text, size.columns.saturating_sub(10))))
            },
            String::new(),
            self.coloured(
                BOLD,
                &format!(
                    "{:<16}{:<20}{:>10}{:>14}{:>9}{:>9}",
                    "operation", "answer", "a second", "in all", "p50", "p99"
                ),
            ),
        ];
        let rows = self.rows();
        let hot = self.hottest(size);
        let room = size.rows.saturating_sub(OTHER_LINES + hot.len());
        let mut told = None;
        for row in rows.iter().take(room) {
            // Times are of an operation, whatever its answer: they are said once.
            let times = if told.as_ref() == Some(&&row.op) {
                [String::new(), String::new()]
            } else {
                [within(&row.op, 0.5), within(&row.op, 0.99)]
            };
            told = Some(&row.op);
            let [p50, p99] = times.map(|time| time.replace(" ms", "ms").replace(" s", "s"));
            lines.push(format!(
                "{:<16}{:<20}{:>10}{:>14}{:>9}{:>9}",
                cut(&row.op, 15),
                cut(&row.outcome, 19),
                count(row.per_second),
                count(row.all),
                p50,
                p99
            ));
        }
        if rows.is_empty() {
            lines.push("nothing was asked for since the start".to_owned());
        } else if rows.len() > room {
            lines.push(format!("and {} more kinds of answers", rows.len() - room));
        }
        lines.extend(hot);
        lines.iter().map(|line| fitted(line, size.columns)).collect::<Vec<_>>().join("\n")
    }

    /// The SKUs that go fastest, below the rest. Answers come first: on a small terminal nothing is left for these.
    fn hottest(&self, size: Size) -> Vec<String> {
        let room = size.rows.saturating_sub(OTHER_LINES + LEAST_ANSWERS + 2);
        if self.hot.is_empty() || room == 0 {
            return Vec::new();
        }
        let title = [String::new(), self.coloured(BOLD, &HotSku::title())];
        title.into_iter().chain(self.hot.iter().take(room).map(HotSku::line)).collect()
    }

    /// The same for programs.
    pub(super) fn document(&self) -> Value {
        let rows: Vec<Value> = self
            .rows()
            .iter()
            .map(|row| {
                json!({ "op": row.op, "outcome": row.outcome, "per_second": row.per_second, "total": row.all })
            })
            .collect();
        json!({
            "schema_version": 1,
            "state": self.now.ready,
            "seconds": self.over.as_secs_f64(),
            "load_ratio": self.now.figures.most("doorbuster_load_ratio"),
            "answers": rows,
            "alarms": self.now.alarms(),
            "hottest": self.hot.iter().map(|sku| json!({
                "sku": sku.sku, "per_second": sku.per_second, "available": sku.available, "held": sku.held, "sold": sku.sold,
                "waiting": sku.waiting,
            })).collect::<Vec<_>>(),
        })
    }

    /// Answers by operation and code; operations in alphabetical order, of each the most frequent first.
    fn rows(&self) -> Vec<Row> {
        const NAME: &str = "doorbuster_requests_total";
        let of = |figures: &Figures, op: &str| figures.by_where(NAME, "outcome", ("op", op));
        let (then, now) = (&self.before.figures, &self.now.figures);
        let mut rows = Vec::new();
        for (op, _) in now.by(NAME, "op") {
            let old = of(then, &op);
            let mut answers: Vec<(String, f64)> =
                of(now, &op).into_iter().filter(|(_, all)| *all > 0.0).collect();
            answers.sort_by(|one, other| other.1.total_cmp(&one.1));
            for (outcome, all) in answers {
                let before = old.get(&outcome).copied().unwrap_or(0.0);
                rows.push(Row { op: op.clone(), outcome, per_second: self.per_second(before, all), all });
            }
        }
        rows
    }

    /// How much more a second. A server that was started again counts from 0.
    fn per_second(&self, before: f64, now: f64) -> f64 {
        let more = if now < before { now } else { now - before };
        more / self.over.as_secs_f64().max(0.001)
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.colours && colour != PLAIN { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}

/// The beginning of a text without colours.
fn cut(text: &str, columns: usize) -> String {
    text.chars().take(columns).collect()
}

/// The beginning of a line, colours not counted; none of them is left on.
fn fitted(line: &str, columns: usize) -> String {
    let (mut out, mut width, mut code) = (String::new(), 0, false);
    for letter in line.chars() {
        if letter == '\x1b' {
            code = true;
        }
        if code {
            out.push(letter);
            code = letter != 'm';
        } else if width < columns {
            out.push(letter);
            width += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answered so many reserves, and some else.
    fn standing(reserved: u32, breakers: Vec<(String, String, String)>) -> Standing {
        let late = reserved / 10;
        let text = format!(
            "doorbuster_build_info{{version=\"0.1.0\"}} 1\n\
             doorbuster_requests_total{{op=\"RESERVE\",outcome=\"RESERVED\"}} {reserved}\n\
             doorbuster_requests_total{{op=\"RESERVE\",outcome=\"SOLD_OUT\"}} 7\n\
             doorbuster_requests_total{{op=\"CONFIRM\",outcome=\"PAID\"}} 5\n\
             doorbuster_request_duration_seconds_bucket{{le=\"0.001\",op=\"RESERVE\"}} {}\n\
             doorbuster_request_duration_seconds_bucket{{le=\"+Inf\",op=\"RESERVE\"}} {reserved}\n\
             doorbuster_load_ratio{{reactor=\"0\"}} 1.5\ndoorbuster_skus 1234\n",
            reserved - late
        );
        Standing { ready: "ready".to_owned(), figures: Figures::read(&text), breakers }
    }

    fn frame<'a>(before: &'a Standing, now: &'a Standing, colours: bool) -> Frame<'a> {
        Frame { at: "127.0.0.1:7701", before, now, hot: &[], over: Duration::from_secs(2), colours }
    }

    #[test]
    fn a_frame_shows_what_happened_between_two_answers() {
        let (before, now) = (standing(1_000, Vec::new()), standing(21_000, Vec::new()));
        let text = frame(&before, &now, false).text(Size::default());
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["doorbuster", "0.1.0", "127.0.0.1:7701", "ready"]);
        assert_eq!(lines[1][..2], ["load", "150"]);
        assert_eq!(lines[5], ["breakers", "all", "closed"]);
        assert_eq!(lines[9], ["CONFIRM", "PAID", "0", "5", "-", "-"]);
        assert_eq!(lines[10][..5], ["RESERVE", "RESERVED", "10,000", "21,000", "1.00ms"]);
        assert_eq!(lines[10][5..], ["over", "5s"]);
        assert_eq!(lines[11], ["RESERVE", "SOLD_OUT", "0", "7"]);
    }

    #[test]
    fn a_frame_fits_its_terminal_with_and_without_colours() {
        let open = (0..64).map(|n| (format!("shard-{n}"), "reserve".to_owned(), "OPEN".to_owned())).collect();
        let (before, now) = (standing(1_000, Vec::new()), standing(21_000, open));
        for (columns, rows) in [(80, 24), (40, 12), (1, 1)] {
            let plain = frame(&before, &now, false).text(Size { columns, rows });
            assert!(plain.lines().all(|line| line.chars().count() <= columns), "{plain}");
            assert!(plain.lines().count() <= rows.max(OTHER_LINES), "{plain}");
            assert!(!plain.contains('\x1b'));
            let coloured = frame(&before, &now, true).text(Size { columns, rows });
            let mut stripped = coloured;
            for code in [BOLD, RED, GREEN, PLAIN] {
                stripped = stripped.replace(code, "");
            }
            assert_eq!(stripped, plain, "colours change nothing else");
        }
    }

    #[test]
    fn the_hottest_skus_stand_below_where_there_is_room() {
        let (before, now) = (standing(1_000, Vec::new()), standing(21_000, Vec::new()));
        let sku = |nth: u32| HotSku {
            sku: nth.to_string(),
            per_second: 9.0,
            available: 1,
            held: 2,
            sold: 3,
            waiting: 4,
        };
        let hot: Vec<HotSku> = (1..=5).map(sku).collect();
        for (rows, shown) in [(24, 5), (21, 2), (19, 0), (1, 0)] {
            let frame = Frame { hot: &hot, ..frame(&before, &now, false) };
            let text = frame.text(Size { columns: 80, rows });
            assert!(text.lines().count() <= rows.max(OTHER_LINES + 1), "{rows}: {text}");
            let below = text.lines().skip_while(|line| !line.starts_with("hottest SKU")).skip(1).count();
            assert_eq!(below, shown, "{rows}: {text}");
        }
        assert_eq!(Frame { hot: &hot, ..frame(&before, &now, false) }.document()["hottest"][1]["sku"], "2");
    }

    #[test]
    fn a_server_that_started_again_counts_from_nothing() {
        let (before, now) = (standing(1_000_000, Vec::new()), standing(2_000, Vec::new()));
        let rows = frame(&before, &now, false).rows();
        assert!(rows.iter().all(|row| row.per_second <= 1_000.0), "{rows:?}");
    }
}
