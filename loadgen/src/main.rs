//! `doorbuster-drill`: see the library.

use std::process::ExitCode;

use doorbuster_loadgen::{cli, target};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    if arguments.nth(1).is_some_and(|first| first == target::SERVE) {
        target::end_with_parent();
        return doorbuster_gateway::cli::serve_embedded();
    }
    cli::main(std::env::args_os())
}
