//! A certificate, as people read it.

use std::cmp::Reverse;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

use doorbuster_auditor::{Certificate, End};

use crate::sku::Sku;
use crate::utc::Utc;

/// A certificate of the log in a folder; tables have at most so many rows.
#[derive(Debug)]
pub(super) struct Words<'a> {
    pub(super) folder: &'a Path,
    pub(super) certificate: &'a Certificate,
    pub(super) top: usize,
}

impl Display for Words<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self { folder, certificate: log, .. } = *self;
        writeln!(out, "The log in {} is sound.", folder.display())?;
        writeln!(out, "log         {}", log.log_id)?;
        let starts = count(log.epochs, "start");
        writeln!(out, "written     {} to {}, by {starts} of a server", Utc(log.first_ms), Utc(log.last_ms))?;
        let (records, blocks) = (count(log.records, "record"), count(log.blocks, "block"));
        let segments = count(log.segments, "segment");
        writeln!(
            out,
            "positions   0 to {}: {records} in {blocks}, {segments}, {} bytes",
            log.records, log.bytes
        )?;
        writeln!(out, "head        {}", log.head)?;
        writeln!(out, "state       {}", log.state)?;
        writeln!(out, "end         {}", EndWords(&log.end, log.records))?;
        match &log.checkpoint {
            None => writeln!(out, "checkpoints none recorded")?,
            Some(latest) => writeln!(
                out,
                "checkpoints {} recorded, the latest {} at position {}; a start compares them, an audit can't",
                log.checkpoints, latest.digest, latest.position
            )?,
        }
        let orders = &log.orders;
        writeln!(
            out,
            "orders      {} placed: {} held, {} paid, {} given back, {} run out, {} replaced, {} waiting, {} waited in vain",
            orders.placed,
            orders.held,
            orders.confirmed,
            orders.cancelled,
            orders.expired,
            orders.superseded,
            orders.waiting,
            orders.lapsed
        )?;
        let money = &log.money;
        writeln!(
            out,
            "payments    {} bought an order, {} minor units, of which {} went back; {} to be refunded, {} minor units",
            money.bought, money.bought_minor, money.paid_back_minor, money.refunds, money.refunds_minor
        )?;
        writeln!(out, "coupons     {} redeemed", log.coupons_redeemed)?;
        self.skus(out)?;
        self.channels(out)?;
        self.budgets(out)?;
        write!(out, "OVERSOLD {}: no account was ever below nothing, and no limit was passed", log.oversold)
    }
}

impl Words<'_> {
    fn skus(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<_> = self.certificate.skus.iter().collect();
        rows.sort_by_key(|row| (Reverse(row.sold), row.sku));
        self.head(out, rows.len(), "SKU", "SKU brought corrected removed available held sold shipped")?;
        for row in rows.into_iter().take(self.top) {
            let units =
                [row.brought, row.corrected, row.removed, row.available, row.held, row.sold, row.shipped];
            line(out, &Sku(row.sku), &units)?;
        }
        Ok(())
    }

    fn channels(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<_> = self.certificate.channels.iter().collect();
        rows.sort_by_key(|row| (Reverse(row.sold), row.sku, row.channel));
        self.head(out, rows.len(), "SKU and channel", "SKU channel held sold")?;
        for row in rows.into_iter().take(self.top) {
            line(out, &Sku(row.sku), &[u64::from(row.channel), row.held, row.sold])?;
        }
        Ok(())
    }

    fn budgets(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<_> = self.certificate.budgets.iter().collect();
        rows.sort_by_key(|row| (Reverse(row.spent), row.budget));
        self.head(out, rows.len(), "budget", "budget funded left reserved spent")?;
        for row in rows.into_iter().take(self.top) {
            line(out, &row.budget, &[row.funded, row.left, row.reserved, row.spent])?;
        }
        Ok(())
    }

    /// A table's first line, if the table has any rows, and how many of them follow.
    fn head(&self, out: &mut Formatter<'_>, rows: usize, of: &str, columns: &str) -> fmt::Result {
        if rows == 0 {
            return Ok(());
        }
        if rows > self.top {
            writeln!(out, "the first {} of {rows} rows, one for each {of}:", self.top)?;
        }
        let mut columns = columns.split(' ');
        write!(out, "{:<20}", columns.next().unwrap_or_default())?;
        columns.try_for_each(|column| write!(out, "{column:>12}"))?;
        writeln!(out)
    }
}

fn line(out: &mut Formatter<'_>, first: &dyn Display, numbers: &[impl Display]) -> fmt::Result {
    write!(out, "{:<20}", first.to_string())?;
    numbers.iter().try_for_each(|number| write!(out, "{number:>12}"))?;
    writeln!(out)
}

fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// How sure the log's end is.
struct EndWords<'a>(&'a End, u64);

impl Display for EndWords<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self(end, records) = *self;
        let End { unproven_blocks, unproven_records, torn, superseded_bytes } = end;
        if *unproven_records == 0 {
            out.write_str("every record is proven durable")?;
        } else {
            write!(
                out,
                "the last {}, from position {} on, {} not proven durable: had one behind been torn off, nothing would show \
                 it",
                count(*unproven_blocks, "block"),
                records - unproven_records,
                if *unproven_blocks == 1 { "is" } else { "are" }
            )?;
        }
        if let Some(torn) = torn {
            write!(
                out,
                "; {} behind, in {} from offset {} on, are no block: a write that a crash cut short, or damage to blocks \
                 that nothing proves durable",
                count(torn.bytes, "byte"),
                torn.file,
                torn.offset
            )?;
        }
        if *superseded_bytes > 0 {
            write!(out, "; {} are an old copy and no part of the log", count(*superseded_bytes, "byte"))?;
        }
        Ok(())
    }
}
