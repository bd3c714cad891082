//! Cuts the lines that matter out of a listing.
//!
//! A line `# region: NAME` begins a region and a line `# endregion` ends it (`//` in Rust and C). A region may come in
//! several pieces of the same name. The markers themselves are never shown.

/// What stands between two pieces of a region.
const GAP: &str = "…";

/// The program without its markers.
pub fn whole(code: &str) -> String {
    let lines: Vec<_> = code
        .lines()
        .filter(|line| Marker::of(line).is_none())
        .collect();
    lines.join("\n")
}

/// The lines of the region `wanted`, as far to the left as they go; or the line of the file that is wrong, and what is.
pub fn cut(code: &str, wanted: &str) -> Result<String, (usize, String)> {
    let mut pieces: Vec<Vec<&str>> = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    for (number, line) in (1..).zip(code.lines()) {
        match (Marker::of(line), open) {
            (Some(Marker::Begin(name)), None) => {
                if name.is_empty() {
                    return Err((
                        number,
                        "the region has no name (write `region: NAME`)".into(),
                    ));
                }
                if name == wanted {
                    pieces.push(Vec::new());
                }
                if !names.contains(&name) {
                    names.push(name);
                }
                open = Some((number, name));
            }
            (Some(Marker::Begin(_)), Some((begun, name))) => {
                return Err((
                    number,
                    format!(
                        "the region `{name}` of line {begun} is still open (end it with `endregion` first)"
                    ),
                ));
            }
            (Some(Marker::End), Some(_)) => open = None,
            (Some(Marker::End), None) => {
                return Err((number, "`endregion` ends no region (remove it)".into()));
            }
            (None, Some((_, name))) if name == wanted => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(line);
                }
            }
            (None, _) => {}
        }
    }
    if let Some((begun, name)) = open {
        return Err((
            begun,
            format!("the region `{name}` never ends (write `endregion` after its last line)"),
        ));
    }
    if pieces
        .iter()
        .all(|piece| piece.iter().all(|line| line.trim().is_empty()))
    {
        let known = match names.as_slice() {
            [] => "none is marked: write `region: NAME` in a comment before the lines, `endregion` in one after them".into(),
            names => format!("there is {}", names.join(", ")),
        };
        return Err((
            1,
            format!("no region is called `{wanted}`, or it is empty ({known})"),
        ));
    }
    Ok(join(&pieces))
}

fn join(pieces: &[Vec<&str>]) -> String {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let lines = pieces
        .iter()
        .flatten()
        .filter(|line| !line.trim().is_empty());
    let margin = lines.map(|line| depth(line)).min().unwrap_or(0);
    let shown = pieces.iter().map(|piece| {
        let piece: Vec<_> = piece
            .iter()
            .map(|line| line.get(margin..).unwrap_or(""))
            .collect();
        piece.join("\n").trim_matches('\n').to_owned()
    });
    shown.collect::<Vec<_>>().join(&format!("\n\n{GAP}\n\n"))
}

enum Marker<'l> {
    Begin(&'l str),
    End,
}

impl<'l> Marker<'l> {
    fn of(line: &'l str) -> Option<Self> {
        let line = line.trim();
        let comment = line
            .strip_prefix('#')
            .or_else(|| line.strip_prefix("//"))?
            .trim();
        if comment == "endregion" {
            return Some(Self::End);
        }
        comment
            .strip_prefix("region:")
            .map(|name| Self::Begin(name.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "import os\n# region: shown\ndef f():\n    return 1\n# endregion\nf()\n# region: inner\n    a\n\n        b\n# endregion\n# region: shown\nf()\n# endregion\n";

    #[test]
    fn a_region_is_its_pieces_without_their_margin() {
        assert_eq!(
            cut(CODE, "shown").unwrap(),
            "def f():\n    return 1\n\n…\n\nf()"
        );
        assert_eq!(cut(CODE, "inner").unwrap(), "a\n\n    b");
    }

    #[test]
    fn the_whole_has_no_markers() {
        assert_eq!(
            whole(CODE),
            "import os\ndef f():\n    return 1\nf()\n    a\n\n        b\nf()"
        );
    }

    #[test]
    fn what_is_wrong_with_the_marks_names_its_line() {
        let wrong = |code, name| {
            let (line, what) = cut(code, name).unwrap_err();
            format!("{line}: {what}")
        };
        assert!(wrong(CODE, "sown").ends_with("(there is shown, inner)"));
        assert!(wrong("x\n", "shown").contains("none is marked"));
        assert!(
            wrong("x\n# region: shown\ny\n", "shown")
                .starts_with("2: the region `shown` never ends")
        );
        assert!(
            wrong("# region: a\n# region: b\n", "a")
                .starts_with("2: the region `a` of line 1 is still open")
        );
        assert!(wrong("// endregion\n", "a").starts_with("1: `endregion` ends no region"));
        assert!(wrong("# region:\n", "a").starts_with("1: the region has no name"));
    }
}
