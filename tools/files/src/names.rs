//! What an error says in place of a name that it does not know.

/// How alike two names must be, from 0 to 1, for one to be a typo of the other.
const ALIKE: f64 = 0.6;

/// The known name that `asked` is most likely a typo of.
#[must_use]
pub fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let asked = asked.to_lowercase();
    let rated = known.into_iter().map(|name| {
        let likeness = strsim::normalized_damerau_levenshtein(&asked, &name.to_lowercase());
        let likeness = if asked.len() >= 3 && name.to_lowercase().starts_with(&asked) {
            likeness.max(ALIKE) // the beginning of a long name
        } else {
            likeness
        };
        (likeness, name)
    });
    rated
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `did you mean a? there are: a, b`: what an error offers in place of `asked`.
#[must_use]
pub fn offer(asked: &str, known: &[String]) -> String {
    let list = list_available(known);
    match nearest(asked, known.iter().map(String::as_str)) {
        Some(name) => format!("did you mean `{name}`? {list}"),
        None => list,
    }
}

/// `there is: a`, `there are: a, b`, `there is none`.
#[must_use]
pub fn list_available(known: &[String]) -> String {
    let verb = match known {
        [] => return "there is none".to_owned(),
        [_] => "is",
        _ => "are",
    };
    format!("there {verb}: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_met_with_the_name_that_was_meant() {
        let known = ["lost_updates", "copy_on_write", "memory"].map(str::to_owned);
        for (asked, offered) in [
            ("lost_update", Some("lost_updates")),
            ("lsot_updates", Some("lost_updates")),
            ("Memory", Some("memory")),
            ("memroy", Some("memory")),
            ("copy", Some("copy_on_write")),
            ("ipc", None),
            ("", None),
            ("m", None),
        ] {
            let known = known.iter().map(String::as_str);
            assert_eq!(nearest(asked, known), offered, "{asked}");
        }
        assert_eq!(offer("x", &known[..1]), "there is: lost_updates");
        assert_eq!(
            offer("memry", &known[1..]),
            "did you mean `memory`? there are: copy_on_write, memory"
        );
        assert_eq!(offer("x", &[]), "there is none");
    }
}
