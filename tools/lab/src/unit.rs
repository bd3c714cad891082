//! Units: what a metric counts, and how its values are written.

/// What a metric counts or measures. A claim may define its own.
///
/// ```
/// use lab::Unit;
/// const PAGES: Unit = Unit::count("page", "pages");
/// assert_eq!(PAGES.quantity(2560.0), "2,560 pages");
/// assert_eq!(Unit::MICROS.quantity(1240.0), "1.24 ms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// Its name in records, and after any number but one: `pages`, `µs`.
    pub name: &'static str,
    /// Its name after the number one: `page`.
    pub one: &'static str,
    /// Whether values are whole numbers. Others are written with three significant digits.
    pub whole: bool,
    /// Other units of the same kind, smallest first: how many of this unit make one, and its name.
    pub others: &'static [(f64, &'static str)],
}

impl Unit {
    /// Microseconds; written as nanoseconds, milliseconds or seconds where that is shorter.
    pub const MICROS: Self = Self::measure("µs", &[(1e-3, "ns"), (1e3, "ms"), (1e6, "s")]);

    /// Bytes, counted one by one.
    pub const BYTES: Self = Self::count("byte", "bytes");

    /// KiB of memory; written as MiB and GiB where that is shorter.
    pub const KIB: Self = Self::measure("KiB", &[(1024.0, "MiB"), (1_048_576.0, "GiB")]);

    /// Things that are counted: `count("page", "pages")`.
    #[must_use]
    pub const fn count(one: &'static str, many: &'static str) -> Self {
        Self {
            name: many,
            one,
            whole: true,
            others: &[],
        }
    }

    /// A physical quantity, with the other units that it may be written in, smallest first.
    #[must_use]
    pub const fn measure(name: &'static str, others: &'static [(f64, &'static str)]) -> Self {
        Self {
            name,
            one: name,
            whole: false,
            others,
        }
    }

    /// The largest unit of which `value` makes at least one, or else the smallest that there is: its size and its name.
    #[must_use]
    pub fn scale_for(&self, value: f64) -> (f64, &'static str) {
        let own = (1.0, self.name);
        if value == 0.0 {
            return own;
        }
        let all = || self.others.iter().copied().chain([own]);
        let larger = |a: &(f64, &str), b: &(f64, &str)| a.0.total_cmp(&b.0);
        let fitting = all()
            .filter(|(size, _)| value.abs() >= *size)
            .max_by(larger);
        fitting.or_else(|| all().min_by(larger)).unwrap_or(own)
    }

    /// Formats a value with this unit: `2,560 pages`.
    #[must_use]
    pub fn quantity(&self, value: f64) -> String {
        crate::format::quantity(value, self)
    }
}
