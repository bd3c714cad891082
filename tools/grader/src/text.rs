//! The one sanitizer for text that a learner can make: names, paths, diagnostics, panic messages, output.
//!
//! It shows what would steer a terminal, a log, a browser or a reader's eye. What comes out holds no control character but
//! line ends and tabs, no character that is invisible or reverses the direction of others, and no line that GitHub Actions
//! takes for a command.

/// The most bytes that a message keeps: enough for a diagnostic, too few to fill a disk.
const MESSAGE: usize = 8 * 1024;

/// Makes a message of several lines harmless, trims it and cuts it to [`MESSAGE`] bytes, with a note of how much is missing.
pub(crate) fn message(text: &str) -> String {
    // Cut first: what is escaped may be six times as long.
    let text = cut(text.trim(), MESSAGE);
    let mut clean = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            clean.push('\n');
        }
        let start = line.trim_start();
        if start.starts_with("::") || start.starts_with("##[") {
            clean.push('\u{2024}'); // a one dot leader: the line is no command any more
        }
        push_visible(&mut clean, line, true);
    }
    clean
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

/// Makes a name or path harmless: one line, every hidden character escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    push_visible(&mut clean, text, false);
    clean
}

fn push_visible(to: &mut String, text: &str, tabs: bool) {
    for c in text.chars() {
        if is_hidden(c) && !(tabs && c == '\t') {
            to.extend(c.escape_default());
        } else {
            to.push(c);
        }
    }
}

/// Whether a character is a control, is invisible, ends a line in a way of its own, or changes the order in which others are
/// shown: Unicode's categories Cc and Cf, Zl and Zp, and the variation selectors. Or whether it is none: XML forbids two of those.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xFFFE == 0xFFFE
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}'
            | '\u{8E2}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{FDD0}'..='\u{FDEF}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}'
            | '\u{13430}'..='\u{1345F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
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
        assert_eq!(printable("gpj.\u{202e}ann"), "gpj.\\u{202e}ann");
        assert_eq!(message("a\tb\r\n\u{7}c"), "a\tb\\r\n\\u{7}c");
    }

    #[test]
    fn no_line_is_a_workflow_command() {
        let clean = message("x\n::error::y\n  ::set-output name=a::b\n##[group]z");
        assert_eq!(
            clean,
            "x\n\u{2024}::error::y\n\u{2024}  ::set-output name=a::b\n\u{2024}##[group]z"
        );
    }

    /// Text of random characters, the troublesome ones among them more often than chance would have it.
    fn random_text(random: &mut fastrand::Rng) -> String {
        let troubles = [
            '\u{1b}',
            '\u{202e}',
            '\n',
            '\r',
            '\u{2028}',
            '\u{0}',
            '\u{85}',
            '\u{feff}',
            ':',
            '#',
            '[',
            '\t',
            '\u{fffe}',
            '\u{ffff}',
            '\u{1ffff}',
            '\u{fdd0}',
        ];
        (0..random.usize(0..200))
            .map(|_| match random.bool() {
                true => *random.choice(&troubles).expect("some"),
                false => random.char(..),
            })
            .collect()
    }

    /// The characters that an XML document may hold: <https://www.w3.org/TR/xml/#charsets>.
    fn is_xml(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
    }

    #[test]
    fn whatever_goes_in_what_comes_out_is_visible() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..5000 {
            let text = random_text(&mut random);
            let name = printable(&text);
            assert!(!name.chars().any(is_hidden), "{text:?}");
            assert!(
                name.chars().chain(message(&text).chars()).all(is_xml),
                "{text:?}"
            );
            assert_eq!(
                printable(&name),
                name,
                "escaping what is escaped changes nothing: {text:?}"
            );
            let lines = message(&text);
            for line in lines.split('\n') {
                assert!(!line.chars().any(|c| is_hidden(c) && c != '\t'), "{text:?}");
                let start = line.trim_start();
                assert!(
                    !start.starts_with("::") && !start.starts_with("##["),
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn plain_text_of_any_language_stays_as_it_is() {
        for text in [
            "left: 1\n\tright: 2",
            "Zoë Müller",
            "山田太郎",
            "Οδυσσέας",
            "עברית",
            "🦀",
        ] {
            assert_eq!(message(text), text);
            if !text.contains('\n') {
                assert_eq!(printable(text), text);
            }
        }
    }
}
