//! The Pythons for which a listing is written, as its second line says.

use crate::python::Python;

/// What a listing needs to print what the book shows.
#[derive(Debug, Default, PartialEq)]
pub struct Needs {
    /// As the listing says it.
    pub text: String,
    /// The first version and the first too new, as 3.13 is (3, 13).
    from: Option<(u32, u32)>,
    before: Option<(u32, u32)>,
    gil: bool,
    linux: bool,
}

impl Needs {
    /// Reads the header of a listing.
    pub fn of(listing: &str) -> Result<Self, String> {
        let mut lines = listing.lines();
        let first = lines.next().unwrap_or("");
        if !(first.len() > 6 && first.starts_with("\"\"\"") && first.ends_with("\"\"\"")) {
            return Err("its first line must be a docstring that says what it shows".into());
        }
        let text = lines
            .next()
            .and_then(|line| line.strip_prefix("# needs: "))
            .ok_or("its second line must be like `# needs: python >= 3.10, gil`")?;
        let mut needs = Self {
            text: text.into(),
            ..Self::default()
        };
        for need in text.split(',').map(str::trim) {
            let words: Vec<&str> = need.split_whitespace().collect();
            match words[..] {
                ["gil"] => needs.gil = true,
                ["linux"] => needs.linux = true,
                ["python", ">=", version] => needs.from = Some(minor(version)?),
                ["python", "<", version] => needs.before = Some(minor(version)?),
                _ => return Err(format!("`# needs: {need}` is unknown")),
            }
        }
        Ok(needs)
    }

    /// Whether the listing is written for this Python.
    pub fn met_by(&self, python: &Python) -> bool {
        let (major, minor, _) = python.release();
        self.met_by_version((major, minor), python.gil)
    }

    fn met_by_version(&self, version: (u32, u32), gil: bool) -> bool {
        self.from.is_none_or(|from| version >= from)
            && self.before.is_none_or(|before| version < before)
            && (!self.gil || gil)
            && (!self.linux || cfg!(target_os = "linux"))
    }
}

fn minor(version: &str) -> Result<(u32, u32), String> {
    version
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| format!("`{version}` is no version like 3.10"))
}

fn needs(line: &str) -> Result<Needs, String> {
    Needs::of(&format!("\"\"\"Shows.\"\"\"\n# needs: {line}\n"))
}

#[test]
fn needs_are_read_and_compared() {
    let both = needs("python >= 3.10, python < 3.14, gil").unwrap();
    assert!(both.met_by_version((3, 10), true));
    assert!(both.met_by_version((3, 13), true));
    assert!(!both.met_by_version((3, 9), true));
    assert!(!both.met_by_version((3, 14), true));
    assert!(!both.met_by_version((3, 13), false));
    let linux = needs("linux").unwrap();
    assert_eq!(
        linux.met_by_version((3, 13), true),
        cfg!(target_os = "linux")
    );
}

#[test]
fn an_unclear_header_is_refused() {
    assert!(needs("python >= three").is_err());
    assert!(needs("python == 3.10").is_err());
    assert!(needs("pypy").is_err());
    assert!(Needs::of("import os\n# needs: gil\n").is_err());
    assert!(Needs::of("\"\"\"Shows.\"\"\"\nimport os\n").is_err());
}
