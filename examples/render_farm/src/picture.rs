//! The picture: a part of the Mandelbrot set.

use std::fmt;

/// The columns of the picture.
pub const COLUMNS: u32 = 100;
/// The rows of the picture.
pub const ROWS: u32 = 40;
/// The steps after which a point counts as a part of the set.
const STEPS: u32 = 200_000;

/// Renders a row: the number of steps for each column.
pub fn row(number: u32) -> Vec<u32> {
    let y = 2.4 * f64::from(number) / f64::from(ROWS) - 1.2;
    (0..COLUMNS).map(|column| steps(3.0 * f64::from(column) / f64::from(COLUMNS) - 2.1, y)).collect()
}

/// Returns the number of steps until the point leaves the circle with the radius 2.
fn steps(x: f64, y: f64) -> u32 {
    let (mut real, mut imaginary) = (0.0_f64, 0.0_f64);
    for step in 0..STEPS {
        if real * real + imaginary * imaginary > 4.0 {
            return step;
        }
        (real, imaginary) = (real * real - imaginary * imaginary + x, 2.0 * real * imaginary + y);
    }
    STEPS
}

/// A picture as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture(pub Vec<Vec<u32>>);

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHADES: &[u8] = b" .:-=+*#%";
        for row in &self.0 {
            for steps in row {
                let shade = if *steps == STEPS { b'@' } else { SHADES[*steps as usize % SHADES.len()] };
                write!(f, "{}", char::from(shade))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
