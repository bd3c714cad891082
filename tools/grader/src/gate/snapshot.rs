//! What stays the same of a failure's message from run to run, for snapshots.

use crate::runner::TestResult;

/// What a learner is shown of a failure, without what differs between runs and machines: numbers become `N`, the course's
/// folder `<course>`, names of temporary files `<temp>`, and the steps of a schedule `<steps>`: they follow the random input.
#[must_use]
pub fn stable(result: &TestResult, root: &str) -> String {
    let mut text = format!("{}: {}\n\n{}\n", result.test, result.status, result.message);
    if let Some(why) = &result.why {
        text += &format!("\nwhy: {why}\n");
    }
    if let Some(section) = &result.section {
        text += &format!("\nread: {section}\n");
    }
    let text = text.replace(root, "<course>");
    let temp = std::env::temp_dir().display().to_string();
    repeated(&steps(&collapse(&numbers(&paths(&text, &temp)))))
}

/// A line that follows itself is said once: how many children print it follows the random input.
fn repeated(text: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.dedup_by(|line, before| line == before && !line.trim().is_empty());
    lines.concat()
}

/// A table of steps, such as `    A      counter    reads 0`, becomes one line.
fn steps(text: &str) -> String {
    let mut stable = String::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        let is_step = is_step(line);
        match (is_step, inside) {
            (false, _) => stable.push_str(line),
            (true, false) => stable.push_str("    <steps>\n"),
            (true, true) => {}
        }
        inside = is_step;
    }
    stable
}

/// Whether a line begins, indented, with a thread's name and a gap: `main`, or `A`, `B`, …; or says how many more there are.
fn is_step(line: &str) -> bool {
    if line.starts_with("    … and ") && line.trim_end().ends_with("more steps") {
        return true;
    }
    let Some((thread, _)) = line.trim_start().split_once("  ") else {
        return false;
    };
    let is_letters = !thread.is_empty() && thread.chars().all(|c| c.is_ascii_uppercase());
    line.starts_with(' ') && (thread == "main" || (thread.len() <= 2 && is_letters))
}

/// Names in the temporary folder are new in each run.
fn paths(text: &str, temp: &str) -> String {
    let prefix = format!("{temp}/");
    let mut parts = text.split(&prefix);
    let mut stable = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '"' | '\'' | ')' | '`'))
            .unwrap_or(part.len());
        stable += "<temp>";
        stable += &part[end..];
    }
    stable
}

/// Numbers become `N` and bytes `0xN`, unless they are part of a name such as `u64`.
fn numbers(text: &str) -> String {
    let mut stable = String::new();
    let mut rest = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        if !c.is_ascii_digit() || before.is_alphanumeric() || before == '_' {
            stable.push(c);
            before = c;
            continue;
        }
        if c == '0' && rest.peek() == Some(&'x') {
            rest.next();
            while rest.next_if(char::is_ascii_hexdigit).is_some() {}
            stable.push_str("0xN");
            before = 'N';
            continue;
        }
        // `2,048` and `0.5` are one number, `1, 2` and `1.` are not.
        let mut ahead = rest.clone();
        while let Some(c) = ahead.next() {
            let joins = matches!(c, '.' | ',') && ahead.peek().is_some_and(char::is_ascii_digit);
            if !c.is_ascii_digit() && !joins {
                break;
            }
            rest.next();
        }
        stable.push('N');
        before = 'N';
    }
    stable
}

/// A list of numbers, or of such lists, becomes `[…]`, a tuple `(…)`: how long they are follows the random input.
fn collapse(text: &str) -> String {
    let mut stable = String::new();
    // Where brackets that are still open begin in `stable`.
    let mut open = Vec::new();
    for c in text.chars() {
        match c {
            '[' | '(' => open.push(stable.len()),
            ']' | ')' => {
                if let Some(start) = open.pop() {
                    let inside = &stable[start + 1..];
                    let is_numbers = inside
                        .chars()
                        .all(|c| matches!(c, 'N' | '…' | '-' | ',' | ' ' | '[' | ']' | '(' | ')'));
                    // `f(N)` is a call, not a tuple.
                    if is_numbers && (c == ']' || inside.contains(',')) {
                        stable.truncate(start + 1);
                        stable.push('…');
                    }
                }
            }
            _ => {}
        }
        stable.push(c);
    }
    stable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_n_and_names_stay() {
        assert_eq!(
            numbers("counted 2,048 of 4096 u64 in 0.5 s, at a.rs:47:5."),
            "counted N of N u64 in N s, at a.rs:N:N."
        );
        assert_eq!(numbers("0xff00ae, 0x"), "0xN, 0xN");
        assert_eq!(numbers("[1, 2], x_1, -3"), "[N, N], x_1, -N");
    }

    #[test]
    fn a_line_that_follows_itself_is_said_once() {
        assert_eq!(repeated("a\nb\nb\n\n\nb\n"), "a\nb\n\n\nb\n");
    }

    #[test]
    fn a_schedule_becomes_one_line() {
        let text = "lost:\n\n    main       starts A\n    A      x   reads N\n    A          ends\n\nThe end.\n";
        assert_eq!(steps(text), "lost:\n\n    <steps>\n\nThe end.\n");
        let cut = "    A  counter  reads N\n    … and N more steps\n";
        assert_eq!(steps(cut), "    <steps>\n");
        assert_eq!(steps("  Add  two\n"), "  Add  two\n");
    }

    #[test]
    fn lists_and_temporary_names_are_shortened() {
        assert_eq!(
            collapse("Ok(N), [N, -N] and [[(N, N)], []], [A, N] :)"),
            "Ok(N), […] and […], [A, N] :)"
        );
        assert_eq!(paths("open /tmp/x-1/y: no", "/tmp"), "open <temp>: no");
    }
}
