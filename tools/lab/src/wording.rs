//! Puts measured numbers into words: thousands set apart, a unit that fits, no digit that is noise.

use crate::{Measurement, Unit};

/// A measured value with its unit: `2,560 pages`, `1.2 ms`, `1 MiB`.
pub fn quantity(value: f64, unit: Unit) -> String {
    let plain = |one: &str, many: &str| {
        let number = count(value);
        format!("{number} {}", if number == "1" { one } else { many })
    };
    match unit {
        Unit::Pages => plain("page", "pages"),
        Unit::Faults => plain("fault", "faults"),
        Unit::Additions => plain("addition", "additions"),
        Unit::Objects => plain("object", "objects"),
        Unit::Channels => plain("channel", "channels"),
        Unit::Bytes => plain("byte", "bytes"),
        Unit::Micros if value >= 1e6 => format!("{} s", digits(value / 1e6)),
        Unit::Micros if value >= 1e3 => format!("{} ms", digits(value / 1e3)),
        Unit::Micros => format!("{} µs", digits(value)),
    }
}

/// The median with its unit, and where most samples lie: `41.3 µs (38.2–51.0)`.
pub fn spread(one: &Measurement) -> String {
    let median = quantity(one.median, one.unit);
    let scale = match one.unit {
        Unit::Micros if one.median >= 1e6 => 1e6,
        Unit::Micros if one.median >= 1e3 => 1e3,
        _ => 1.0,
    };
    let number = |value: f64| match one.unit {
        Unit::Micros => digits(value / scale),
        _ => count(value),
    };
    let (low, high) = (number(one.p10), number(one.p90));
    if low == high {
        median
    } else {
        format!("{median} ({low}–{high})")
    }
}

/// A whole number, thousands set apart.
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

/// Three digits, or all before the point: `0.052`, `1.24`, `12.4`, `124`, `1,240`.
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

/// Makes text safe between tags and in attributes.
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
        let cases = [
            (2560.0, Unit::Pages, "2,560 pages"),
            (1.0, Unit::Pages, "1 page"),
            (0.0, Unit::Additions, "0 additions"),
            (1_234_567.4, Unit::Additions, "1,234,567 additions"),
            (0.0524, Unit::Micros, "0.052 µs"),
            (41.27, Unit::Micros, "41.3 µs"),
            (999.0, Unit::Micros, "999 µs"),
            (1240.0, Unit::Micros, "1.24 ms"),
            (70_583.2, Unit::Micros, "70.6 ms"),
            (2_500_000.0, Unit::Micros, "2.50 s"),
        ];
        for (value, unit, text) in cases {
            assert_eq!(quantity(value, unit), text);
        }
        let one = Measurement::new("x", Unit::Micros, &[1100.0, 1200.0, 1300.0]).unwrap();
        assert_eq!(spread(&one), "1.20 ms (1.12–1.28)");
        assert_eq!(
            spread(&Measurement::new("x", Unit::Pages, &[0.0, 0.0]).unwrap()),
            "0 pages"
        );
        assert_eq!(count(-1234.0), "-1,234");
        assert_eq!(digits(1240.0), "1,240");
        assert_eq!(escape("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
    }
}
