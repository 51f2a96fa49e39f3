//! What this machine can do, so that a laptop and a server each get a fair drill.
//!
//! Two seconds of a closed loop, single requests, as many at a time as the drill has connections. The drill's
//! peak is a share of that. A closed loop is the right tool here, and only here: it asks how much can be carried,
//! not how long a shopper waits.

use std::time::Duration;

use crate::exit::Failure;
use crate::ids::{IdMaker, mix};
use crate::saturate::{Closed, Load, Operation, Terms, set_up};
use crate::target::Target;

/// Measured time, after the loop's own warm-up of 0.3 s.
const MEASURED: Duration = Duration::from_millis(1_700);

/// Hold time of calibration's reserves: they are gone when the doors open.
const HOLD_MS: u32 = 1_000;

/// SKUs and units of the calibration: never sold out.
const SKUS: u64 = 1_000;
const UNITS: u64 = 1 << 32;

/// Shoppers of the calibration.
const USERS: u64 = 1 << 20;

/// Measures how many single reserves a second the target answers.
///
/// # Errors
/// If the target can't be set up or breaks a connection.
pub fn calibrate(target: &Target, connections: u32) -> Result<f64, Failure> {
    let first_sku = mix(IdMaker::fresh_nonce()) >> 24 << 20;
    set_up(target.peer(), first_sku, SKUS, UNITS)?;
    let load = Load {
        op: Operation::Reserve,
        connections,
        in_flight: 1,
        batch: 1,
        users: USERS,
        first_sku,
        skus: SKUS,
        shards: 0,
        seconds: MEASURED,
        hold_ms: HOLD_MS,
        terms: Terms::default(),
        drill: true,
    };
    let failed = |error| Failure::could_not("calibrate", &error);
    let measured = Closed::connect(&load, target.peer()).map_err(failed)?.drive().map_err(failed)?;
    let done = measured.tally.of(doorbuster_protocol::Code::Ok);
    if done == 0 {
        return Err(Failure::could_not("calibrate", &"the target accepted no reserve in two seconds"));
    }
    Ok(measured.rate())
}
