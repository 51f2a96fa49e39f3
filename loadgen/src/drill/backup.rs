//! A backup is worth what comes back from it: a server on a copy of the data must say the same of every order and SKU.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use crate::audit::{self, Check, Evidence, Sale};
use crate::exit::Failure;
use crate::journal::Journal;
use crate::net::Control;
use crate::progress;
use crate::target::{Setup, Target};

/// Copies the data of a server that has ended, serves the copy, reads everything back and compares.
pub(super) fn check(
    data: &Path,
    setup: Setup,
    sale: &Sale,
    journal: &Journal,
    evidence: &Evidence,
) -> Result<Check, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not("serve a copy of the data", error);
    progress::step("serving a copy of the data, and comparing");
    let began = Instant::now();
    let elsewhere =
        tempfile::Builder::new().prefix("doorbuster-backup-").tempdir().map_err(|error| failed(&error))?;
    let copy = elsewhere.path().join("data");
    let bytes = copy_folder(data, &copy).map_err(|error| failed(&error))?;
    let mut target = Target::on_data(setup, &copy)?;
    let mut control =
        Control::connect(target.address(), "doorbuster-drill").map_err(|error| failed(&error))?;
    let skus = u32::try_from(sale.skus.end - sale.skus.start).unwrap_or(u32::MAX);
    let stock = audit::read_stock(&mut control, sale.skus.start, skus).map_err(|error| failed(&error))?;
    let orders = audit::read_orders(&mut control, journal).map_err(|error| failed(&error))?;
    drop(control);
    target.stop()?;
    let mib = crate::health::lossy(bytes) / 1_048_576.0;
    progress::step(&format!(
        "copied {mib:.0} MiB, served and read them back in {:.1} s",
        began.elapsed().as_secs_f64()
    ));
    let mut check =
        Check::new("backup", "a server on a copy of the data says the same of every order and SKU");
    for (before, after) in evidence.stock.iter().zip(&stock) {
        check.examined += 1;
        let levels =
            |view: &doorbuster_protocol::StockView| (view.available, view.held, view.sold, view.stocked);
        if levels(before) != levels(after) {
            let (sku, was, is) = (before.sku, levels(before), levels(after));
            check
                .faults
                .note(|| format!("SKU {sku}: available, held, sold, stocked were {was:?} and are {is:?}"));
        }
    }
    for (before, after) in evidence.orders.iter().flatten().zip(orders.iter().flatten()) {
        check.examined += 1;
        if (before.order, before.code, before.state) != (after.order, after.code, after.state) {
            let order = before.order;
            check
                .faults
                .note(|| format!("order {order}: the copy says {after:?}, the original said {before:?}"));
        }
    }
    Ok(check)
}

/// Copies a flat folder; gives the bytes.
fn copy_folder(from: &Path, to: &Path) -> io::Result<u64> {
    fs::create_dir(to)?;
    fs::read_dir(from)?.try_fold(0, |bytes, entry| {
        let entry = entry?;
        Ok(bytes + fs::copy(entry.path(), to.join(entry.file_name()))?)
    })
}
