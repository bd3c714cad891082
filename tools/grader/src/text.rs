//! Cuts text to a length that fits a table or a result line.

/// The most bytes that a message keeps: enough for a diagnostic, too few to fill a disk.
pub(crate) const MESSAGE: usize = 8 * 1024;

/// Trims `text` and cuts it to [`MESSAGE`] bytes, with a note of how much is missing.
pub(crate) fn message(text: &str) -> String {
    cut(text.trim(), MESSAGE)
}

fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit)
        .rfind(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    format!("{}\n… ({} more bytes)", &text[..end], text.len() - end)
}

/// Escapes control characters, so that a name can't control a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let visible = if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            };
            visible.into_iter()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_falls_between_characters_and_is_said() {
        let text = "é".repeat(10);
        assert_eq!(cut(&text, 5), "éé\n… (16 more bytes)");
        assert_eq!(cut(&text, 20), text);
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(printable("a\u{1b}[2Jß\n"), "a\\u{1b}[2Jß\\n");
    }
}
