//! Runs the experiments behind the book's claims. To come; these are the two functions that the book calls.

use std::path::Path;

/// Why there is no chart or figure.
#[derive(Debug)]
pub struct Error(String);

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// The chart of a claim, as HTML with inline SVG.
pub fn chart(_root: &Path, claim: &str) -> Result<String, Error> {
    Ok(format!("<figure class=\"chart\"><figcaption>The chart of {claim} is still to come.</figcaption></figure>"))
}

/// A measured figure, as plain text.
pub fn figure(_root: &Path, path: &str) -> Result<String, Error> {
    Ok(format!("({path}, still to come)"))
}
