//! The command line: libtest's, as far as cargo, nextest and editors use it.

use std::ffi::OsString;

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub filters: Vec<String>,
    pub skip: Vec<String>,
    pub exact: bool,
    pub list: bool,
    /// Names the tests and says nothing else: nextest takes every line for a test.
    pub terse: bool,
    pub help: bool,
    /// Asks for the tests that are ignored: there are none.
    pub ignored_only: bool,
    /// Shows every failure in full.
    pub verbose: bool,
    /// How many tests run at the same time.
    pub threads: Option<usize>,
}

impl Options {
    /// The filters that select none of these tests, given as a step and a full name each.
    pub fn unmatched(&self, tests: &[(&str, String)]) -> Vec<&str> {
        let fits = |filter: &str| {
            let selects = |(step, name): &(&str, String)| self.fits(filter, &[step], name);
            tests.iter().any(selects)
        };
        let filters = self.filters.iter().map(String::as_str);
        filters.filter(|filter| !fits(filter)).collect()
    }

    fn fits(&self, filter: &str, steps: &[&str], name: &str) -> bool {
        if self.exact {
            name == filter
        } else if steps.contains(&filter) {
            name.split_once("::")
                .is_some_and(|(step, _)| step == filter)
        } else {
            name.contains(filter)
        }
    }

    /// Whether this test of a step is to run; the step's name selects its tests and no other step's.
    pub fn wants(&self, steps: &[&str], name: &str) -> bool {
        let fits = |filter: &String| self.fits(filter, steps, name);
        !self.ignored_only
            && (self.filters.is_empty() || self.filters.iter().any(fits))
            && !self.skip.iter().any(fits)
    }
}

pub(super) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let arg = arg
            .into_string()
            .map_err(|arg| format!("the argument {arg:?} is not valid UTF-8"))?;
        if !arg.starts_with('-') {
            options.filters.push(arg);
            continue;
        }
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let mut value = || {
            let next = || args.next().and_then(|value| value.into_string().ok());
            inline
                .clone()
                .or_else(next)
                .ok_or_else(|| format!("{name} needs a value"))
        };
        match name {
            "--exact" => options.exact = true,
            "--list" => options.list = true,
            "--help" | "-h" => options.help = true,
            "--ignored" => options.ignored_only = true,
            "--verbose" | "-v" | "--show-output" | "--nocapture" | "--no-capture" => {
                options.verbose = true;
            }
            "--quiet" | "-q" | "--include-ignored" | "--test" | "--bench" => {}
            "--skip" => options.skip.push(value()?),
            "--test-threads" => {
                let value = value()?;
                let count = value.parse().ok().filter(|count| *count > 0);
                options.threads = Some(count.ok_or_else(|| {
                    format!("--test-threads takes a number from 1 on, not {value:?}")
                })?);
            }
            "--format" => options.terse = value()? == "terse",
            "--color" | "-Z" | "--logfile" => {
                value()?;
            }
            _ => return Err(format!("there is no option {name}; --help lists them")),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Options, String> {
        parse(args.iter().map(OsString::from))
    }

    #[test]
    fn names_select_tests_by_substring_or_exactly() {
        let wants = |options: &Options, name| options.wants(&["ring", "sleeping"], name);
        let options = parsed(&["ring", "--skip", "ring::slow"]).unwrap();
        assert!(wants(&options, "ring::one") && !wants(&options, "sleeping::two"));
        assert!(!wants(&options, "ring::slow"));
        assert!(
            !wants(&options, "sleeping::the_ring_is_full"),
            "a step's name selects its tests alone"
        );
        let options = parsed(&["the_ring"]).unwrap();
        assert!(wants(&options, "sleeping::the_ring_is_full"));
        let options = parsed(&["--exact", "ring::one", "ring::two"]).unwrap();
        assert!(wants(&options, "ring::one") && wants(&options, "ring::two"));
        assert!(!wants(&options, "ring::one_more"));
    }

    #[test]
    fn what_cargo_and_nextest_pass_is_understood() {
        let options = parsed(&["--list", "--format", "terse", "--ignored"]).unwrap();
        assert!(options.list && options.terse && !options.wants(&[], "step::one"));
        let options = parsed(&["--test-threads=3", "--nocapture", "--color", "never"]).unwrap();
        assert_eq!(options.threads, Some(3));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for bad in [
            &["--exakt"][..],
            &["--test-threads"],
            &["--test-threads", "0"],
        ] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
