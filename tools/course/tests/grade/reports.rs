//! What becomes of results: `report` and `merge`.

use super::*;

/// Runs `cargo course grade` for what comes after judging.
fn then(fixture: &Fixture, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command.arg("grade").args(args).arg("--root");
    command.arg(fixture.root()).current_dir(fixture.path(""));
    run(command)
}

#[test]
fn a_class_in_shards_is_put_together_and_reported() {
    let fixture = Fixture::new();
    fixture.submit("ann", &[]);
    fixture.submit("bob", &[("src/one.rs", WRONG)]);
    fixture.submit("cyn", &[("src/one.rs", "pub fn next(n: u64) -> u64 {")]);
    let mut shards = Vec::new();
    for number in 1..=2 {
        let output = format!("shard-{number}.jsonl");
        let shard = format!("{number}/2");
        let ran = grade(&fixture, &["class", "--shard", &shard, "--output", &output]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        shards.push(output);
    }
    let then = |args: &[&str]| then(&fixture, args);
    let half = then(&["merge", &shards[0], "--output", "half.jsonl"]);
    assert_eq!(half.code, Some(1), "{half:?}");
    assert!(half.err.contains("missing, such as "), "{half:?}");
    let ran = then(&["merge", &shards[1], &shards[0]]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, "Results: results.jsonl (18 results of 2 shards)\n");
    let names: Vec<_> = lines(&fixture.path("results.jsonl"))
        .into_iter()
        .map(|line| line["submission"].as_str().map(str::to_owned))
        .collect();
    assert!(names.is_sorted(), "{names:?}");

    let ran = then(&[
        "report", "--csv", "a.csv", "--html", "a.html", "--junit", "a.xml",
    ]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let csv = fs::read_to_string(fixture.path("a.csv")).expect("a report");
    assert!(
        csv.contains("\"bob\",\"sums\",\"4\",\"6\",\"0\",\"failed\""),
        "{csv}"
    );
    let html = fs::read_to_string(fixture.path("a.html")).expect("a report");
    assert!(html.contains("Zero is a number, too."), "{html}");
    let ran = then(&["report", "--gradescope", "a.json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("results of one submission"), "{ran:?}");
    assert_eq!(then(&["report"]).code, Some(2), "no report was asked for");
}

#[test]
fn a_wrong_command_line_reports_and_merges_nothing() {
    let fixture = Fixture::new();
    let record = r#"{"submission":"ann","exercise":"sums","step":"one","test":"one::a","status":"passed","seconds":0.1,"message":"","why":null,"section":null,"sandbox":"L3","points":10.0}"#;
    fs::write(fixture.path("results.jsonl"), format!("{record}\n")).expect("room");
    fs::write(fixture.path("other.jsonl"), "no record\n").expect("room");
    let then = |args: &[&str]| then(&fixture, args);
    // Nothing that was asked for: neither results nor a weight nor a book is a report.
    for args in [
        &["report"][..],
        &["report", "results.jsonl"],
        &["report", "--weight", "sums=2"],
        &["report", "--book", "https://example.org"],
    ] {
        let ran = then(args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        for option in ["--csv <FILE>|", "--html <FILE>", "--feedback <DIR>"] {
            assert!(ran.err.contains(option), "{option}: {ran:?}");
        }
        let (_, usage) = ran.err.split_once("Usage: ").expect("a usage");
        assert!(usage.contains("|--annotations>"), "{usage}");
    }
    for (args, code, says) in [
        (
            &["report", "--csv", "a.csv", "--weight", "sum=2"][..],
            2,
            "--weight sum=…: no result is for this exercise (did you mean `sums`? there is: sums)\n",
        ),
        (
            &["report", "no.jsonl", "--csv", "a.csv"],
            2,
            "cannot read no.jsonl: ",
        ),
        (&["merge", "no.jsonl"], 2, "cannot read no.jsonl.shard: "),
        (
            &["merge", "results.jsonl"],
            2,
            "results.jsonl is one of the shards (choose another --output)\n",
        ),
        // There the command line is right, and the file isn't.
        (
            &["report", "other.jsonl", "--csv", "a.csv"],
            1,
            "other.jsonl:1 is no result: ",
        ),
    ] {
        let ran = then(args);
        assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
        assert!(ran.err.starts_with(&format!("error: {says}")), "{ran:?}");
    }
    assert_eq!(left(&fixture), ["course", "other.jsonl", "results.jsonl"]);
}

/// Marks that lie in a clone of the course are one `git add .` from everybody's eyes.
#[test]
fn what_the_recipe_for_a_folder_at_home_writes_is_ignored_by_git() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("src/instructors.md")).expect("the page");
    let recipe = page.split("### A folder at home").nth(1).expect("a recipe");
    let recipe = recipe.split("```").nth(1).expect("commands");
    let ignored = fs::read_to_string(root.join(".gitignore")).expect("a file");
    for written in ["results.jsonl", "class.html", "marks.csv", "feedback/"] {
        assert!(recipe.contains(written), "{recipe}");
        let is_ignored = |line: &str| {
            let line = line.strip_prefix('/').unwrap_or_default();
            line.trim_end_matches('*') == written
        };
        assert!(ignored.lines().any(is_ignored), "{written} is not ignored");
    }
    // Also those of before, and those that are not complete.
    assert!(ignored.contains("\n/results.jsonl*\n"));
}
