//! What holds, for people and for programs.

use serde_json::json;
use toml::Value;

use crate::config::{Effective, Key, Origin};

/// Widest that a column grows for the sake of one value.
const WIDEST: usize = 40;

/// A line for each key, in columns.
pub(super) fn text(effective: &Effective, changed: bool) -> String {
    let mut rows = vec![["key", "value", "from", "reload"].map(str::to_owned)];
    for (key, value, origin) in chosen(effective, changed) {
        rows.push([
            key.name.to_owned(),
            with_unit(key, value),
            origin.to_string(),
            key.reload.name().to_owned(),
        ]);
    }
    if rows.len() == 1 {
        return "every key is at its default".to_owned();
    }
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).filter(|width| *width <= WIDEST).max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    let line = |[key, value, from, reload]: &[String; 4]| {
        format!("{key:<0$}  {value:<1$}  {from:<2$}  {reload}", widths[0], widths[1], widths[2])
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// One document with all of them.
pub(super) fn json(effective: &Effective, changed: bool) -> String {
    let keys: Vec<serde_json::Value> = chosen(effective, changed)
        .map(|(key, value, origin)| {
            json!({
                "key": key.name,
                "value": value,
                "unit": key.unit(),
                "layer": origin.layer(),
                "from": origin.to_string(),
                "reload": key.reload.name(),
                "variable": key.variable(),
                "range": key.need,
                "meaning": key.meaning,
            })
        })
        .collect();
    json!({ "schema_version": 1, "keys": keys }).to_string()
}

fn chosen(effective: &Effective, changed: bool) -> impl Iterator<Item = (&'static Key, &Value, &Origin)> {
    effective.values().filter(move |(_, _, origin)| !changed || **origin != Origin::Default)
}

/// A value with the unit that it counts; of a list, how long it is.
fn with_unit(key: &Key, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => {
            let name = |entry: &Value| entry.get("name").and_then(Value::as_str).unwrap_or("?").to_owned();
            list.iter().map(name).collect::<Vec<_>>().join(", ")
        }
        other if key.unit().is_empty() => other.to_string(),
        other => format!("{other} {}", key.unit()),
    }
}
