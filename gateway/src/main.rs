//! The `doorbuster` binary.

use std::process::ExitCode;

/// Answers are allocated on one thread and freed on the same; mimalloc makes that cheap, and cross-thread frees cheaper.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    doorbuster_gateway::cli::main(std::env::args_os())
}
