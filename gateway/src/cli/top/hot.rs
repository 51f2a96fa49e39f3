//! The SKUs that go fastest, as the live board lists them. While somebody asks, the server looks at its SKUs piece by piece.

use serde_json::Value;

use crate::cli::admin_port::At;
use crate::cli::figures::count;

/// SKUs that are shown: the ones to worry about.
const SHOWN: usize = 5;

/// A SKU in the list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HotSku {
    pub(super) sku: String,
    /// Units a second that are taken.
    pub(super) per_second: f64,
    pub(super) available: u64,
    pub(super) held: u64,
    pub(super) sold: u64,
    pub(super) waiting: u64,
}

/// Those that go fastest; none where the server tells of none, as one that was just asked for the first time.
pub(super) fn hottest(at: &At) -> Vec<HotSku> {
    let answer = at.text(&format!("/board/skus?sort=pace&limit={SHOWN}"));
    answer.ok().and_then(|text| read(&text)).unwrap_or_default()
}

/// Reads the board's list; SKUs that stand still are left out.
fn read(text: &str) -> Option<Vec<HotSku>> {
    let document: Value = serde_json::from_str(text).ok()?;
    let row = |sku: &Value| {
        let units = |name: &str| sku[name].as_u64();
        Some(HotSku {
            sku: sku["sku"].as_str()?.to_owned(),
            per_second: sku["per_second"].as_f64()?,
            available: units("available")?,
            held: units("held")?,
            sold: units("sold")?,
            waiting: units("waiting")?,
        })
    };
    let rows = document["skus"].as_array()?.iter().filter_map(row);
    Some(rows.filter(|sku| sku.per_second >= 0.05).take(SHOWN).collect())
}

impl HotSku {
    /// The columns of a list of them.
    pub(super) fn title() -> String {
        format!(
            "{:<24}{:>10}{:>11}{:>11}{:>11}{:>11}",
            "hottest SKU", "units/s", "free", "held", "sold", "waiting"
        )
    }

    /// It, in these columns.
    pub(super) fn line(&self) -> String {
        let units = [self.available, self.held, self.sold, self.waiting].map(|units| count(lossy(units)));
        let [available, held, sold, waiting] = units;
        format!(
            "{:<24}{:>10}{available:>11}{held:>11}{sold:>11}{waiting:>11}",
            self.sku,
            format!("{:.1}", self.per_second)
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count above 2^53 may lose its last digit")]
fn lossy(units: u64) -> f64 {
    units as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boards_list_is_read_and_what_stands_still_is_left_out() {
        let sku = |name: &str, pace: f64| {
            serde_json::json!({ "sku": name, "per_second": pace, "available": 5, "held": 2, "sold": 12_345, "waiting": 0,
                                "frozen": false, "age_ms": 3 })
        };
        let text = serde_json::json!({ "skus": [sku("7/12", 22.25), sku("9", 0.0)] }).to_string();
        let found = read(&text).unwrap();
        assert_eq!(found.len(), 1);
        let words: Vec<String> = found[0].line().split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["7/12", "22.2", "5", "2", "12,345", "0"]);
        assert_eq!(found[0].line().len(), HotSku::title().len());
    }

    #[test]
    fn a_server_that_has_no_such_list_shows_none() {
        for text in ["", "404 page not found", "{}", "{\"skus\":[{}]}"] {
            assert_eq!(read(text).unwrap_or_default(), [], "{text}");
        }
    }
}
