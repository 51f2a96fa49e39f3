//! The report as a page: one file that needs nothing else, no script, no network, and can be mailed, archived and printed.
//!
//! It answers in this order what somebody asks after a rehearsal: did it hold, and if not, why; what happened when; how
//! did each fault pass; and then every figure that the other files have. Its sentences are those of `report.txt`.
//!
//! * Markup is made by [`markup::Html`] alone, which closes what it opens and escapes what it is told. So no text, wherever
//!   it is from, can break the page, and the page is well-formed as XML, too.
//! * Curves are SVG in the page. Their colours come from the style sheet, so that they follow a dark screen and a printer,
//!   and each is drawn twice, for a wide and a narrow screen: a picture that is only made smaller has letters that nobody
//!   can read.
//! * The same report gives the same bytes.

mod again;
mod axis;
mod charts;
mod course;
mod facts;
mod headline;
mod latencies;
mod markup;
mod plot;
mod samples;
mod table;
mod tables;
#[cfg(test)]
mod tests;

use self::markup::Html;
use super::model::Report;

/// The style sheet.
const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn render(report: &Report) -> String {
    let name = &report.settings.scenario.name;
    let mut page = Html::default();
    page.node("html", &[("lang", "en")], |page| {
        page.node("head", &[], |page| {
            page.leaf("meta", &[("charset", "utf-8")]);
            page.leaf("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
            page.leaf("meta", &[("name", "color-scheme"), ("content", "light dark")]);
            page.say("title", "", &format!("{}: {name} · doorbuster-drill", report.verdict));
            page.style(STYLE);
        });
        page.node("body", &[], |page| {
            headline::header(report, page);
            page.node("main", &[], |page| {
                charts::section(report, page);
                tables::faults(report, page);
                tables::plans(report, page);
                tables::objectives(report, page);
                tables::audit(report, page);
                latencies::whole(report, page);
                latencies::phases(report, page);
                facts::section(report, page);
            });
            page.node("footer", &[], |page| {
                let version = env!("CARGO_PKG_VERSION");
                let made = format!(
                    "doorbuster-drill {version}. Beside this page: report.json for programs, report.txt, junit.xml, and \
                     histograms for the plotters and log tools of HdrHistogram."
                );
                page.say("p", "", &made);
            });
        });
    });
    format!("<!DOCTYPE html>\n{}\n", page.into_text())
}
