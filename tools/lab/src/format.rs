//! Formats measured numbers: thousands separated, a unit that fits, no digit that is noise.

use crate::{Measurement, Unit};

/// Formats a value with its unit: `2,560 pages`, `1.20 ms`.
#[must_use]
pub fn quantity(value: f64, unit: &Unit) -> String {
    let (scale, name) = unit.scale_for(value);
    let number = number(value / scale, unit);
    let name = if number == "1" { unit.one } else { name };
    format!("{number} {name}")
}

/// Formats the median with its unit, and the 10th and 90th percentiles: `41.3 µs (38.2–51.0)`.
#[must_use]
pub fn spread(one: &Measurement, unit: &Unit) -> String {
    let (scale, _) = unit.scale_for(one.median);
    let median = quantity(one.median, unit);
    let (low, high) = (number(one.p10 / scale, unit), number(one.p90 / scale, unit));
    if low == high {
        median
    } else {
        format!("{median} ({low}–{high})")
    }
}

fn number(value: f64, unit: &Unit) -> String {
    if unit.whole {
        count(value)
    } else {
        digits(value)
    }
}

/// Formats a whole number, thousands separated: `1,240`.
#[must_use]
pub fn count(value: f64) -> String {
    let rounded = value.round();
    let digits = format!("{:.0}", rounded.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if rounded < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// Formats three significant digits, or all before the point: `0.052`, `1.24`, `12.4`, `124`, `1,240`.
#[must_use]
pub fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    let places = (2.0 - magnitude).clamp(0.0, 3.0) as usize;
    if places == 0 {
        count(value)
    } else {
        format!("{value:.places$}")
    }
}

/// Escapes text for use between tags and in attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_well() {
        const PAGES: Unit = Unit::count("page", "pages");
        let cases = [
            (2560.0, PAGES, "2,560 pages"),
            (1.0, PAGES, "1 page"),
            (0.0, PAGES, "0 pages"),
            (1_234_567.4, Unit::BYTES, "1,234,567 bytes"),
            (0.0, Unit::MICROS, "0 µs"),
            (0.000_2, Unit::MICROS, "0.200 ns"),
            (0.1, Unit::MICROS, "100 ns"),
            (0.0524, Unit::MICROS, "52.4 ns"),
            (1.0, Unit::MICROS, "1.00 µs"),
            (41.27, Unit::MICROS, "41.3 µs"),
            (999.0, Unit::MICROS, "999 µs"),
            (1240.0, Unit::MICROS, "1.24 ms"),
            (70_583.2, Unit::MICROS, "70.6 ms"),
            (2_500_000.0, Unit::MICROS, "2.50 s"),
            (1536.0, Unit::KIB, "1.50 MiB"),
        ];
        for (value, unit, text) in cases {
            assert_eq!(quantity(value, &unit), text);
        }
        let one = Measurement::new("x", "µs", &[1100.0, 1200.0, 1300.0]).unwrap();
        assert_eq!(spread(&one, &Unit::MICROS), "1.20 ms (1.12–1.28)");
        let none = Measurement::new("x", "pages", &[0.0, 0.0]).unwrap();
        assert_eq!(spread(&none, &PAGES), "0 pages");
        assert_eq!(count(-1234.0), "-1,234");
        assert_eq!(digits(1240.0), "1,240");
        assert_eq!(escape("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
    }
}
