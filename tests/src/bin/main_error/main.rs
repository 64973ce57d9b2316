//! A program whose `main` returns an error with a cause, as it is or, with an argument, in a box.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// The error of `main`.
#[derive(Debug)]
struct OrderError(std::num::ParseIntError);

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot read the order")
    }
}

impl Error for OrderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 { main_with_boxed_error() } else { main_with_error() }
}

#[greenroom::main]
async fn main_with_error() -> Result<(), OrderError> {
    read_order()
}

#[greenroom::main]
async fn main_with_boxed_error() -> Result<(), Box<dyn Error>> {
    Ok(read_order()?)
}

fn read_order() -> Result<(), OrderError> {
    "ten".parse::<u32>().map(drop).map_err(OrderError)
}
