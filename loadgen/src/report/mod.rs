//! What a drill leaves behind: a text for people, and files for programs.
//!
//! | file | for |
//! |---|---|
//! | `report.txt` | people |
//! | `report.json` | programs; `schema_version`, and the unit in every key |
//! | `report.html` | people with a browser: curves over time, and all tables, in one file |
//! | `junit.xml` | continuous integration: one test case a check, an objective, and the generator's health |
//! | `OPERATION-CODE.hgrm` | `HdrHistogram` plotters: percentile distribution of response times, milliseconds |
//! | `reserve.hlog` | `HdrHistogram` log processors: response times of reserves, one histogram a second |

mod baskets;
mod channels;
mod escape;
mod fault;
pub(crate) mod figures;
mod files;
mod html;
mod junit;
mod model;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod words;

pub use baskets::BasketTotals;
pub use fault::{FaultRow, LossRow, PlanRow, UpgradeRow};
pub use files::{default_folder, write};
pub use model::{CheckRow, OperationRow, Percentiles, PhaseRow, Report, SCHEMA_VERSION, SecondRow, Settings};
pub(crate) use model::{check_rows, operation_rows, p99_ms, phase_rows, second_rows};
pub use text::render;
