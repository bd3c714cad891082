//! Checks the workflows, and those that the book shows: actions pinned by commit, no token left behind, no needless rights.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every workflow of the repository and of the book, each with the name of its place.
fn workflows() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(".github/workflows")).expect("the workflows are there") {
        let path = entry.expect("a folder can be listed").path();
        let text = fs::read_to_string(&path).expect("a workflow is UTF-8");
        found.push((path.display().to_string(), text));
    }
    let page = fs::read_to_string(root().join("src/instructors.md")).expect("the page is UTF-8");
    let blocks = page.split("```yaml\n").skip(1);
    for (index, block) in blocks.enumerate() {
        let text = block.split("```").next().unwrap_or_default();
        found.push((
            format!("src/instructors.md, block {}", index + 1),
            text.into(),
        ));
    }
    assert!(found.len() >= 5, "{} workflows", found.len());
    found
}

/// What is wrong with a workflow.
fn problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.lines().any(|line| line == "permissions:") {
        problems.push("says nothing about permissions: add `permissions:`".into());
    }
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start().trim_start_matches("- ");
        let Some(action) = trimmed.strip_prefix("uses: ") else {
            continue;
        };
        // The caller of our workflow decides which version it teaches.
        let ours = action.starts_with("OWNER/COURSE/") || action.starts_with("./");
        if !ours && !is_pinned(action) {
            problems.push(format!(
                "`{action}` is not pinned: write `@<commit> # v<version>`"
            ));
        }
        let indent = line.len() - line.trim_start().len();
        // The step ends where the next one begins, or something further out.
        let step = lines[number + 1..].iter().take_while(|later| {
            let later_indent = later.len() - later.trim_start().len();
            later_indent > indent
                || (later_indent == indent && !later.trim_start().starts_with('-'))
        });
        if action.starts_with("actions/checkout@")
            && !step
                .into_iter()
                .any(|later| later.trim() == "persist-credentials: false")
        {
            problems.push(format!(
                "line {}: a checkout leaves its token behind: add `persist-credentials: false`",
                number + 1
            ));
        }
    }
    problems
}

/// Whether an action is named as `owner/name@<40 hex digits> # v<version>`.
fn is_pinned(action: &str) -> bool {
    let Some((_, version)) = action.split_once('@') else {
        return false;
    };
    let (commit, comment) = version.split_once(" # v").unwrap_or((version, ""));
    commit.len() == 40
        && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
        && comment.starts_with(|first: char| first.is_ascii_digit())
}

#[test]
fn workflows_are_pinned_and_leave_no_token() {
    let problems: Vec<String> = workflows()
        .iter()
        .flat_map(|(place, text)| {
            let problems = problems(text);
            problems
                .into_iter()
                .map(move |problem| format!("{place}: {problem}"))
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn what_is_wrong_is_found() {
    let commit = "3d3c42e5aac5ba805825da76410c181273ba90b1";
    let kept = "        with:\n          persist-credentials: false\n";
    let step = |version: &str, with: &str| {
        format!(
            "permissions:\n  contents: read\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@{version}\n{with}      - run: true\n"
        )
    };
    let good = step(&format!("{commit} # v7.0.1"), kept);
    assert_eq!(problems(&good), [""; 0]);

    let tag = problems(&step("v7", kept));
    assert!(tag[0].contains("not pinned"), "{tag:?}");
    let short = problems(&step("3d3c42e # v7.0.1", kept));
    assert!(short[0].contains("not pinned"), "{short:?}");
    let no_comment = problems(&step(commit, kept));
    assert!(no_comment[0].contains("not pinned"), "{no_comment:?}");

    let leaves = step(&format!("{commit} # v7.0.1"), "");
    // What another step sets does not count.
    let leaves = problems(&format!("{leaves}      - uses: ./a\n{kept}"));
    assert!(leaves[0].contains("leaves its token"), "{leaves:?}");
    let silent = problems(&good.replace("permissions:", "env:"));
    assert!(silent[0].contains("permissions"), "{silent:?}");
}
