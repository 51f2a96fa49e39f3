//! A report as a page that stands alone: one file, nothing loaded from elsewhere, no script. It prints, fits a phone, and is dark
//! where the reader's screen is.

use std::fmt::{self, Display, Formatter};

use super::interval::{Intervals, Section};
use super::problems::Weight;
use super::sale::Sale;
use super::svg;
use super::words::{self, Cell, Table};

const STYLE: &str = include_str!("page.css");

/// A report, as a page.
#[derive(Debug)]
pub(crate) struct Page<'a, R>(pub(crate) &'a R);

/// Text in a page: what would be markup is none.
struct Safe<'a>(&'a str);

impl Display for Safe<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                letter => write!(f, "{letter}")?,
            }
        }
        Ok(())
    }
}

fn head(f: &mut Formatter<'_>, title: &str, facts: &str) -> fmt::Result {
    write!(
        f,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{title}</title><style>\n{STYLE}</style></head>\n<body><header><h1>{title}</h1><p>{facts}</p></header><main>\n",
        title = Safe(title),
        facts = Safe(facts)
    )
}

fn foot(f: &mut Formatter<'_>, unknown: &[&str]) -> fmt::Result {
    f.write_str("<section><h2>What a log doesn't know</h2><ul>")?;
    unknown.iter().try_for_each(|line| write!(f, "<li>{}</li>", Safe(line)))?;
    f.write_str("</ul></section>\n</main></body></html>\n")
}

impl Display for Page<'_, Intervals> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        head(f, &words::title(report), &words::facts(&report.log))?;
        let orders = |part: &Section| (part.counts.holds + part.counts.waits, part.counts.paid());
        let bars: Vec<(u64, u64)> = report.sections.iter().map(orders).collect();
        f.write_str("<section><h2>In all</h2>")?;
        chart(f, svg::sections(&bars), "Orders in each interval", &[("placed", "placed"), ("paid", "paid")])?;
        part(f, &report.total, report.log.decimals)?;
        f.write_str("</section>\n")?;
        for one in &report.sections {
            write!(f, "<section><h2>{}</h2>", Safe(&words::span(one.from, one.to, report.t0)))?;
            part(f, one, report.log.decimals)?;
            f.write_str("</section>\n")?;
        }
        foot(f, &report.unknown)
    }
}

impl Display for Page<'_, Sale> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (sale, effect) = (self.0, &self.0.effect);
        let decimals = sale.log.decimals;
        head(
            f,
            &format!("The sale from {}", words::span(sale.from, sale.to, None)),
            &words::facts(&sale.log),
        )?;
        f.write_str("<section><h2>Goals</h2>")?;
        match &sale.goals {
            None => f.write_str("<p>None were named; <code>--targets</code> reads a file of them.</p>")?,
            Some(goals) => {
                write!(f, "<p>{}</p>", Safe(&words::plan(goals)))?;
                words::goals(goals, decimals).iter().try_for_each(|one| table(f, one))?;
            }
        }
        f.write_str("</section>\n<section><h2>Execution</h2>")?;
        for (of, one) in [
            ("No campaign.", words::phases(sale)),
            ("Nobody changed anything meanwhile.", words::actions(sale)),
        ] {
            if one.rows.is_empty() {
                write!(f, "<p>{of}</p>")?;
            } else {
                table(f, &one)?;
            }
        }
        f.write_str("</section>\n<section><h2>Effect</h2>")?;
        lines(f, &words::effect(sale))?;
        let stock = [("sold", "sold"), ("held", "held"), ("free", "free")];
        chart(f, svg::stock(&effect.course), "Stock", &stock)?;
        chart(f, svg::orders(&effect.course), "Orders", &[("placed", "placed"), ("paid", "paid")])?;
        chart(f, svg::times(&effect.times), "Orders by time from hold to payment", &[])?;
        table(f, &words::channels(&effect.channels, decimals))?;
        table(f, &words::sku_lines(&effect.skus, effect.more_skus, decimals))?;
        f.write_str("</section>\n<section><h2>Problems</h2><ul class=\"findings\">")?;
        for problem in &sale.problems {
            let class = match problem.weight {
                Weight::Good => "good",
                Weight::Note => "note",
                Weight::Bad => "bad",
            };
            write!(f, "<li class=\"{class}\">{}</li>", Safe(&problem.words))?;
        }
        f.write_str("</ul></section>\n<section><h2>Improvements</h2>")?;
        if sale.improvements.is_empty() {
            f.write_str("<p>The numbers suggest none.</p>")?;
        } else {
            f.write_str("<ul>")?;
            sale.improvements.iter().try_for_each(|hint| write!(f, "<li>{}</li>", Safe(&hint.words)))?;
            f.write_str("</ul>")?;
        }
        f.write_str("</section>\n")?;
        foot(f, &sale.unknown)
    }
}

fn part(f: &mut Formatter<'_>, part: &Section, decimals: u8) -> fmt::Result {
    if part.is_quiet() {
        return f.write_str("<p>Nothing happened.</p>");
    }
    lines(f, &words::section(part, decimals))?;
    if let Some(goals) = &part.goals {
        write!(f, "<h3>Goals: {}</h3>", Safe(&words::plan(goals)))?;
        words::goals(goals, decimals).iter().try_for_each(|one| table(f, one))?;
    }
    table(f, &words::channels(&part.channels, decimals))?;
    table(f, &words::skus(&part.skus, part.more_skus, decimals))
}

fn lines(f: &mut Formatter<'_>, lines: &[words::Line]) -> fmt::Result {
    f.write_str("<dl>")?;
    lines.iter().try_for_each(|(label, line)| write!(f, "<dt>{label}</dt><dd>{}</dd>", Safe(line)))?;
    f.write_str("</dl>")
}

/// A chart with its legend; nothing where there is nothing to draw.
fn chart(f: &mut Formatter<'_>, svg: Option<String>, title: &str, legend: &[(&str, &str)]) -> fmt::Result {
    let Some(svg) = svg else { return Ok(()) };
    write!(f, "<figure><figcaption>{title}")?;
    legend.iter().try_for_each(|(class, name)| write!(f, " <span class=\"key {class}\"></span>{name}"))?;
    write!(f, "</figcaption>{svg}</figure>")
}

fn table(f: &mut Formatter<'_>, table: &Table) -> fmt::Result {
    if table.rows.is_empty() {
        return Ok(());
    }
    let wordy = if table.columns.first() == Some(&"when") { " class=\"words\"" } else { "" };
    write!(f, "<div class=\"wide\"><table{wordy}><thead><tr>")?;
    table.columns.iter().try_for_each(|column| write!(f, "<th scope=\"col\">{column}</th>"))?;
    f.write_str("</tr></thead><tbody>")?;
    for row in &table.rows {
        f.write_str("<tr>")?;
        for cell in row {
            match cell {
                Cell::Text(text) => write!(f, "<td>{}</td>", Safe(text))?,
                Cell::Marked(text) => write!(f, "<td class=\"bad\">{}</td>", Safe(text))?,
                Cell::Spark(values) => write!(f, "<td>{}</td>", svg::spark(values))?,
            }
        }
        f.write_str("</tr>")?;
    }
    f.write_str("</tbody></table></div>")?;
    table.note.iter().try_for_each(|note| write!(f, "<p class=\"note\">{}</p>", Safe(note)))
}
