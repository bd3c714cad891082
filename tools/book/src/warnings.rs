//! Collects what mdBook and mdbook-admonish log while they build: they have no other way to say it.

use crate::error::one_line;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;

/// Something mdBook said in passing.
pub struct Warning {
    /// mdBook calls it an error, and yet goes on.
    pub is_error: bool,
    /// What it said, in one line.
    pub text: String,
}

thread_local! {
    // mdBook builds on one thread, so two builds at once do not mix their warnings.
    static HEARD: RefCell<Option<Vec<Warning>>> = const { RefCell::new(None) };
}

struct Ear;

impl Log for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn && metadata.target().starts_with("mdbook")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let text = one_line(&record.args().to_string());
            HEARD.with_borrow_mut(|heard| {
                if let Some(heard) = heard {
                    heard.push(Warning {
                        is_error: record.level() == Level::Error,
                        text,
                    });
                }
            });
        }
    }

    fn flush(&self) {}
}

/// Runs `build` and returns what was logged meanwhile on this thread.
pub fn collect<T>(build: impl FnOnce() -> T) -> (T, Vec<Warning>) {
    if log::set_logger(&Ear).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
    HEARD.set(Some(Vec::new()));
    let built = build();
    (built, HEARD.take().unwrap_or_default())
}
