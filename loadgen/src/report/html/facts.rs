//! Where units, requests and money went; how the drill was set up; whether the generator kept up.

use super::markup::Html;
use super::table::{Cell, Head, table};
use crate::report::channels;
use crate::report::model::Report;
use crate::report::words::{self, Field};

/// All of it.
pub(super) fn section(report: &Report, html: &mut Html) {
    html.node("section", &[("id", "account")], |html| {
        html.say("h2", "", "Account");
        let account = [words::account(report), words::operators(report), words::server(report)].concat();
        list("facts", account, html);
        if !report.channels.is_empty() {
            let heads = channels::HEADS.map(Head::Figure);
            let rows = report.channels.iter().map(|row| channels::cells(row).map(Cell::Figure).to_vec());
            html.say("h3", "", "Sales channels");
            table("Sales channels", &[], &heads, rows, html);
        }
    });
    html.node("section", &[("id", "generator")], |html| {
        html.say("h2", "", "Generator and processors");
        list("facts", words::generator(report), html);
    });
    html.node("section", &[("id", "set-up")], |html| {
        html.say("h2", "", "Set-up");
        let machine = ("machine", report.settings.machine.to_string());
        list("facts", [words::setup(report), vec![machine]].concat(), html);
    });
}

/// Names with what is said under them.
pub(super) fn list(class: &str, fields: Vec<Field>, html: &mut Html) {
    html.node("dl", &[("class", class)], |html| {
        for (name, text) in fields {
            html.node("div", &[], |html| {
                html.say("dt", "", name);
                html.say("dd", "", &text);
            });
        }
    });
}
