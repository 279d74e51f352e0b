//! The program: what was typed goes in, an exit status comes out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(gtd::cli::main(std::env::args_os().skip(1)) as u8)
}
