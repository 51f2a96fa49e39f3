//! The two dialects in which figures are told: `OpenMetrics`, for a Prometheus that asks for it, and the older text format, for
//! `curl`, `promtool check metrics` and whatever else doesn't.
//!
//! The encoder speaks `OpenMetrics`. There a counter `x` has the sample `x_total`; in the older format its description is about
//! `x_total`, too, and there are neither units nor an end mark. Nothing else differs in what is told here: no sample has a time or an
//! exemplar.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// What the first is called.
pub(super) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the second is called.
pub(super) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether whoever asks understands `OpenMetrics`. A Prometheus prefers it whenever it names it.
pub(super) fn wants_open_metrics(asked: &HeaderMap) -> bool {
    let accepted = asked.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepted.into_iter().any(|accept| accept.contains("application/openmetrics-text"))
}

/// A text in `OpenMetrics` in the older format.
pub(super) fn to_text(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut counters: Vec<&str> = Vec::new();
    for line in open_metrics.lines() {
        if let Some(name) =
            line.strip_prefix("# TYPE ").and_then(|described| described.strip_suffix(" counter"))
        {
            counters.push(name);
        }
    }
    for line in open_metrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let described = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
        match described.and_then(|described| described.split_once(' ')) {
            Some((name, rest)) if counters.contains(&name) => {
                text.extend([&line[..7], name, "_total ", rest, "\n"]);
            }
            Some(_) | None => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_counters_are_called_otherwise() {
        let open_metrics = "# HELP a Things.\n# TYPE a counter\na_total{b=\"a\"} 1\n# HELP c_seconds Time.\n# TYPE c_seconds histogram\n\
                            # UNIT c_seconds seconds\nc_seconds_bucket{le=\"+Inf\"} 2\n# EOF\n";
        let text = "# HELP a_total Things.\n# TYPE a_total counter\na_total{b=\"a\"} 1\n# HELP c_seconds Time.\n\
                    # TYPE c_seconds histogram\nc_seconds_bucket{le=\"+Inf\"} 2\n";
        assert_eq!(to_text(open_metrics), text);
    }

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        let wants = |accept: &'static str| {
            let mut asked = HeaderMap::new();
            asked.insert(ACCEPT, HeaderValue::from_static(accept));
            wants_open_metrics(&asked)
        };
        assert!(wants(
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"
        ));
        assert!(
            !wants("text/plain;version=0.0.4") && !wants("*/*") && !wants_open_metrics(&HeaderMap::new())
        );
    }
}
