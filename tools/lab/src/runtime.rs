//! Runtimes: a Python of some version and build, or the Rust that compiled this crate.

use crate::python::Python;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The language of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// CPython.
    Python,
    /// Rust, compiled by the `rustc` that compiled this crate.
    Rust,
}

/// What ran an experiment. It names no path and no host: records are shipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// The language.
    pub language: Language,
    /// Its version: `3.13.0`.
    pub version: String,
    /// Python: `GIL`, `free-threaded` or `free-threaded, GIL on`; Rust: `opt-level 2`.
    pub build: String,
}

impl Runtime {
    /// Returns the Rust that compiled this crate.
    #[must_use]
    pub fn rust() -> Self {
        Self {
            language: Language::Rust,
            version: env!("LAB_RUSTC").to_owned(),
            build: format!("opt-level {}", env!("LAB_OPT_LEVEL")),
        }
    }

    /// Returns a Python of this version; `gil` says whether it has a GIL, and whether it is on.
    #[must_use]
    pub fn python(version: &str, free_threaded: bool, gil: bool) -> Self {
        let build = match (free_threaded, gil) {
            (false, _) => "GIL",
            (true, false) => "free-threaded",
            (true, true) => "free-threaded, GIL on",
        };
        Self {
            language: Language::Python,
            version: version.to_owned(),
            build: build.to_owned(),
        }
    }

    /// Returns whether it is a Python that runs without the GIL.
    #[must_use]
    pub fn is_free_threaded(&self) -> bool {
        self.build == "free-threaded"
    }

    /// Returns its name in paths: `python-3.13.0`, `python-3.13.5t`, `rust-1.95.0`.
    #[must_use]
    pub fn key(&self) -> String {
        let (language, suffix) = match self.language {
            Language::Rust => ("rust", ""),
            Language::Python if self.is_free_threaded() => ("python", "t"),
            Language::Python if self.build == "GIL" => ("python", ""),
            Language::Python => ("python", "t-gil"),
        };
        format!("{language}-{}{suffix}", self.version)
    }

    /// Returns the runtime that a Python is.
    #[must_use]
    pub fn of(python: &Python) -> Self {
        Self::python(&python.version, python.free_threaded, python.gil)
    }

    /// Returns its name for a chart: `Rust`, `Python 3.13`, `Python 3.13t`.
    #[must_use]
    pub fn short(&self) -> String {
        if self.language == Language::Rust {
            return "Rust".to_owned();
        }
        let line: Vec<_> = self.version.split('.').take(2).collect();
        let suffix = match self.build.as_str() {
            "GIL" => "",
            "free-threaded" => "t",
            _ => "t (GIL on)",
        };
        format!("Python {}{suffix}", line.join("."))
    }

    /// Returns whether it is a Python of this line (`3.13`; all when empty), with the GIL or free-threaded.
    #[must_use]
    pub fn is_of_line(&self, line: &str, free_threaded: bool) -> bool {
        let rest = self.version.strip_prefix(line);
        let fits =
            line.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let build = if free_threaded {
            "free-threaded"
        } else {
            "GIL"
        };
        self.language == Language::Python && self.build == build && fits
    }

    /// Returns the version as numbers, to find the newest: 3.13.0rc1 sorts as 3.13.0.
    #[must_use]
    pub fn release(&self) -> Vec<u32> {
        let digits = |part: &str| {
            let end = part.find(|c: char| !c.is_ascii_digit());
            part[..end.unwrap_or(part.len())].parse().unwrap_or(0)
        };
        self.version.split('.').map(digits).collect()
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.language {
            Language::Rust => write!(f, "Rust {}", self.version),
            Language::Python => write!(f, "Python {} ({})", self.version, self.build),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_builds_apart() {
        assert_eq!(
            Runtime::python("3.13.0", false, true).key(),
            "python-3.13.0"
        );
        assert_eq!(
            Runtime::python("3.13.5", true, false).key(),
            "python-3.13.5t"
        );
        assert_eq!(
            Runtime::python("3.13.5", true, true).key(),
            "python-3.13.5t-gil"
        );
        assert!(Runtime::rust().key().starts_with("rust-1."));
        assert_eq!(
            Runtime::python("3.13.5", true, false).short(),
            "Python 3.13t"
        );
        assert_eq!(Runtime::rust().short(), "Rust");
    }

    #[test]
    fn versions_sort_as_numbers() {
        let release = |version| Runtime::python(version, false, true).release();
        assert!(release("3.9.18") < release("3.13.0"));
        assert_eq!(release("3.14.0rc2"), [3, 14, 0]);
    }
}
