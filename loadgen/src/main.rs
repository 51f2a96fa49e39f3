//! `doorbuster-drill`: see the library.

use std::process::ExitCode;

use doorbuster_loadgen::{cli, program, target};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    match arguments.nth(1) {
        Some(first) if first == target::SERVE => {
            target::end_with_parent();
            doorbuster_gateway::cli::serve_embedded()
        }
        Some(first) if first == target::COMMAND => {
            target::end_with_parent();
            doorbuster_gateway::cli::main(std::iter::once("doorbuster".into()).chain(arguments))
        }
        Some(first) if first == program::IN_PLACE => program::run_in_place(arguments),
        _ => cli::main(std::env::args_os()),
    }
}
