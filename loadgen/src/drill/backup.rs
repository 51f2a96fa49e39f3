//! A backup is worth what comes back from it: a server on what was restored must say the same of every order and SKU.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::audit::{self, Check, Evidence, Sale};
use crate::exit::Failure;
use crate::journal::Journal;
use crate::net::Control;
use crate::progress;
use crate::target::{COMMAND, Setup, Target};

/// Backs the data of a server up, restores the backup, serves what was restored, reads everything back and compares.
pub(super) fn check(
    data: &Path,
    setup: Setup,
    sale: &Sale,
    journal: &Journal,
    evidence: &Evidence,
) -> Result<Check, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not("serve a restored backup", error);
    progress::step("taking a backup, restoring and serving it, and comparing");
    let began = Instant::now();
    let elsewhere =
        tempfile::Builder::new().prefix("doorbuster-backup-").tempdir().map_err(|error| failed(&error))?;
    let (backup, copy) = (elsewhere.path().join("backup"), elsewhere.path().join("data"));
    let word = OsStr::new;
    doorbuster([word("backup"), word("--data"), data.as_os_str(), word("--to"), backup.as_os_str()])?;
    let asked = [word("restore"), word("--from"), backup.as_os_str(), word("--data"), copy.as_os_str()];
    let restored = doorbuster(asked)?;
    let mut target = Target::on_data(setup, &copy)?;
    let mut control = Control::connect(target.peer(), "doorbuster-drill").map_err(|error| failed(&error))?;
    let skus = u32::try_from(sale.skus.end - sale.skus.start).unwrap_or(u32::MAX);
    let stock = audit::read_stock(&mut control, sale.skus.start, skus).map_err(|error| failed(&error))?;
    let orders = audit::read_orders(&mut control, journal).map_err(|error| failed(&error))?;
    drop(control);
    target.stop()?;
    let took = began.elapsed().as_secs_f64();
    progress::step(&format!("{}; served and read back, all in {took:.1} s", restored.trim_end()));
    let mut check =
        Check::new("backup", "a server on a restored backup says the same of every order and SKU");
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
                .note(|| format!("order {order}: the backup says {after:?}, the original said {before:?}"));
        }
    }
    Ok(check)
}

/// Runs a command of the server's own program, which this one holds; gives what it printed.
fn doorbuster<'a>(arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<String, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not("back the data up and restore it", error);
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let output =
        Command::new(program).arg(COMMAND).args(arguments).output().map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr).trim_end()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
