//! `doorbuster status`: how a server does, on one screen.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::admin_port::At;
use super::figures::{Figures, count, time};
use super::{fail, say};

/// Most outcomes that are listed; the rarer ones are counted together.
const MOST_OUTCOMES: usize = 6;

/// What a server says that can't say more yet.
const RECOVERING: &str = "recovering";

/// Show how a server does: ready or not, its log, stock, orders, load, and what needs attention.
#[derive(Debug, Args)]
pub(super) struct StatusOptions {
    /// Say only whether it is ready, which needs no key: 0 as exit code if it is, else 7.
    #[arg(long)]
    ready: bool,
    #[command(flatten)]
    at: At,
}

/// What a server says of itself.
#[derive(Debug)]
pub(super) struct Standing {
    /// `ready`, or why not.
    pub(super) ready: String,
    pub(super) figures: Figures,
    /// Breakers that are not closed: scope, class, state.
    pub(super) breakers: Vec<(String, String, String)>,
}

impl Standing {
    /// Asks the admin port.
    ///
    /// # Errors
    /// Why it can't be asked.
    pub(super) fn ask(at: &At) -> Result<Self, String> {
        let ready = at.text("/readyz")?;
        if ready.starts_with(RECOVERING) {
            return Err(format!("{at} is {}", ready.trim()));
        }
        let figures = Figures::read(&at.text("/metrics")?);
        let breakers = at.text("/breakers")?;
        let breakers: Value = serde_json::from_str(&breakers)
            .map_err(|error| format!("{at} answers, but not as a Doorbuster server does: {error}"))?;
        let text = |breaker: &Value, name: &str| breaker[name].as_str().unwrap_or("?").to_owned();
        let all = breakers["breakers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let breakers = all
            .iter()
            .filter(|breaker| breaker["state"] != "CLOSED")
            .map(|breaker| (text(breaker, "scope"), text(breaker, "class"), text(breaker, "state")))
            .collect();
        Ok(Self { ready: ready.trim().to_owned(), figures, breakers })
    }

    /// What needs attention, a line each.
    pub(super) fn alarms(&self) -> Vec<String> {
        let figures = &self.figures;
        let mut alarms = Vec::new();
        if figures.sum("doorbuster_log_poisoned") > 0.0 {
            alarms.push(
                "the log has failed: nothing is acknowledged; see its disk, then start again".to_owned(),
            );
        }
        let behind = figures.sum("doorbuster_clock_behind_seconds");
        if behind > 0.0 {
            alarms.push(format!(
                "the clock is {behind:.1} s behind the log: no hold runs out until it has caught up"
            ));
        }
        if figures.sum("doorbuster_overloaded") > 0.0 {
            alarms.push(
                "more is asked for than can be done: requests are refused (see docs/overload.md)".to_owned(),
            );
        }
        for (campaign, missing) in figures.by("doorbuster_campaign_missing_prices", "campaign") {
            if missing > 0.0 {
                alarms.push(format!(
                    "campaign {campaign} lacks prices of {} SKUs: write them with campaign apply",
                    count(missing)
                ));
            }
        }
        for (plan, runs) in figures.by("doorbuster_emergency_plans_active", "plan") {
            if runs > 0.0 {
                alarms.push(format!(
                    "emergency plan {plan} is in force, {} times: doorbuster plan show",
                    count(runs)
                ));
            }
        }
        let late = figures.sum("doorbuster_release_alarms_total");
        if late > 0.0 {
            alarms.push(format!("{} times since the start units went back too late", count(late)));
        }
        alarms
    }

    /// The breakers that are not closed, in words.
    pub(super) fn breakers(&self) -> String {
        if self.breakers.is_empty() {
            return "all closed".to_owned();
        }
        let one = |(scope, class, state): &(String, String, String)| format!("{scope} {class} {state}");
        self.breakers.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Answers by their code, the most frequent first.
    pub(super) fn outcomes(&self) -> Vec<(String, f64)> {
        let mut outcomes: Vec<_> =
            self.figures.by("doorbuster_requests_total", "outcome").into_iter().collect();
        outcomes.retain(|(_, answers)| *answers > 0.0);
        outcomes.sort_by(|one, other| other.1.total_cmp(&one.1));
        outcomes
    }
}

/// Whether it is ready.
fn ready(at: &At) -> ExitCode {
    match at.text("/readyz") {
        Ok(said) if said.trim() == "ready" => {
            say(&if at.json {
                json!({ "schema_version": 1, "ready": true }).to_string()
            } else {
                said.trim().to_owned()
            });
            ExitCode::SUCCESS
        }
        Ok(said) => fail(7, &format_args!("{at} is not ready: {}", said.trim())),
        Err(why) => fail(7, &why),
    }
}

pub(super) fn run(options: &StatusOptions) -> ExitCode {
    if options.ready {
        return ready(&options.at);
    }
    let standing = match Standing::ask(&options.at) {
        Ok(standing) => standing,
        Err(why) => return fail(7, &why),
    };
    if options.at.json {
        say(&document(&standing));
    } else {
        say(&screen(&standing, &options.at.to_string()));
    }
    ExitCode::SUCCESS
}

fn screen(standing: &Standing, at: &str) -> String {
    let figures = &standing.figures;
    let all = |name: &str| count(figures.sum(name));
    let sync = |share| time(figures.quantile(None, "doorbuster_log_sync_seconds", None, share));
    let outcomes = standing.outcomes();
    let mut answers: Vec<String> = outcomes
        .iter()
        .take(MOST_OUTCOMES)
        .map(|(code, answers)| format!("{} {code}", count(*answers)))
        .collect();
    let rest: f64 = outcomes.iter().skip(MOST_OUTCOMES).map(|(_, answers)| answers).sum();
    if rest > 0.0 {
        answers.push(format!("{} others", count(rest)));
    }
    if answers.is_empty() {
        answers.push("none since the start".to_owned());
    }
    let alarms = standing.alarms();
    let lines = [
        (
            "server",
            format!(
                "doorbuster {} on {at}: {}",
                figures.label("doorbuster_build_info", "version").unwrap_or("of unknown version"),
                standing.ready
            ),
        ),
        (
            "log",
            format!(
                "position {} decided, {} durable; half of the syncs within {}, 99 % within {}",
                all("doorbuster_log_decided_position"),
                all("doorbuster_log_durable_position"),
                sync(0.5),
                sync(0.99)
            ),
        ),
        (
            "stock",
            format!(
                "{} SKUs: {} units available, {} held, {} sold",
                all("doorbuster_skus"),
                all("doorbuster_units_available"),
                all("doorbuster_units_held"),
                all("doorbuster_units_sold")
            ),
        ),
        (
            "orders",
            format!(
                "{} in memory: {} open holds, {} waiting",
                all("doorbuster_orders_in_memory"),
                all("doorbuster_open_holds"),
                all("doorbuster_orders_waiting")
            ),
        ),
        (
            "load",
            format!(
                "{:.0} % of what may wait, {} in flight, {} connections",
                figures.most("doorbuster_load_ratio") * 100.0,
                all("doorbuster_in_flight"),
                all("doorbuster_connections")
            ),
        ),
        ("answers", answers.join(", ")),
        ("breakers", standing.breakers()),
        ("alarms", if alarms.is_empty() { "none".to_owned() } else { alarms.join("\n          ") }),
    ];
    lines.map(|(name, text)| format!("{name:<8}  {text}")).join("\n")
}

fn document(standing: &Standing) -> Value {
    let figures = &standing.figures;
    let ms = |share| {
        let seconds = figures.quantile(None, "doorbuster_log_sync_seconds", None, share);
        seconds.filter(|seconds| seconds.is_finite()).map(|seconds| seconds * 1e3)
    };
    let breakers: Vec<Value> = standing
        .breakers
        .iter()
        .map(|(scope, class, state)| json!({ "scope": scope, "class": class, "state": state }))
        .collect();
    let whole = |name: &str| json!(figures.sum(name));
    json!({
        "schema_version": 1,
        "ready": standing.ready == "ready",
        "state": standing.ready,
        "version": figures.label("doorbuster_build_info", "version"),
        "log": {
            "decided": whole("doorbuster_log_decided_position"),
            "durable": whole("doorbuster_log_durable_position"),
            "sync_p50_ms": ms(0.5),
            "sync_p99_ms": ms(0.99),
        },
        "skus": whole("doorbuster_skus"),
        "units": {
            "available": whole("doorbuster_units_available"),
            "held": whole("doorbuster_units_held"),
            "sold": whole("doorbuster_units_sold"),
        },
        "orders": {
            "in_memory": whole("doorbuster_orders_in_memory"),
            "open_holds": whole("doorbuster_open_holds"),
            "waiting": whole("doorbuster_orders_waiting"),
        },
        "load_ratio": figures.most("doorbuster_load_ratio"),
        "in_flight": whole("doorbuster_in_flight"),
        "connections": whole("doorbuster_connections"),
        "answers": standing.outcomes().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "breakers_not_closed": breakers,
        "alarms": standing.alarms(),
    })
}
