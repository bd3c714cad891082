//! Reports of records that a learner has tried to break them with.

use super::*;

fn record(submission: &str, test: &str, status: Status, message: &str) -> Record {
    Record {
        submission: submission.to_owned(),
        exercise: "memory".to_owned(),
        step: "a".to_owned(),
        test: test.to_owned(),
        status,
        seconds: 0.5,
        message: message.to_owned(),
        why: (status == Status::Failed).then(|| "A load <and> a store".to_owned()),
        section: Some("memory.md#lost".to_owned()),
        sandbox: "L3".to_owned(),
    }
}

fn class() -> Vec<Record> {
    vec![
        record("=HYPERLINK(\"x\")", "a::x", Status::Passed, ""),
        record(
            "=HYPERLINK(\"x\")",
            "a::y",
            Status::Failed,
            "]]><script>alert(1)</script>",
        ),
        record("bob", "a::x", Status::InfrastructureError, "no memory"),
        record("bob", "a::y", Status::Failed, "wrong"),
    ]
}

#[test]
fn a_spreadsheet_gets_no_formula() {
    let text = csv(&class());
    assert_eq!(
        text,
        "submission,exercise,passed,judged,unjudged,worst,sandbox\r\n\
         \"'=HYPERLINK(\"\"x\"\")\",\"memory\",\"1\",\"2\",\"0\",\"failed\",\"L3\"\r\n\
         \"bob\",\"memory\",\"0\",\"1\",\"1\",\"infrastructure error\",\"L3\"\r\n"
    );
    for start in ["=", "+", "-", "@", "\t", "\r"] {
        let text = csv(&[record(&format!("{start}1+1"), "a::x", Status::Passed, "")]);
        assert!(text.contains(&format!("\r\n\"'{start}1+1\"")), "{text:?}");
    }
}

#[test]
fn junit_counts_what_is_whose_fault() {
    let xml = junit(&class()).expect("XML");
    assert!(
        xml.contains("tests=\"4\" failures=\"2\" errors=\"1\""),
        "{xml}"
    );
    assert!(!xml.contains("<script>"), "{xml}");
    assert!(xml.contains("name=\"bob/memory\""), "{xml}");
}

#[test]
fn gradescope_gets_one_submission_and_never_a_zero_of_ours() {
    assert_eq!(gradescope(&class()), Err(GradescopeError::Submissions(2)));
    assert_eq!(
        gradescope(&class()[2..]),
        Err(GradescopeError::Unjudged("a::x".to_owned()))
    );
    let text = gradescope(&class()[..2]).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["tests"][0]["score"], 1.0);
    assert_eq!(report["tests"][1]["status"], "failed");
    assert_eq!(report["test_output_format"], "text");
    assert!(text.contains("]]><script>"), "it is text, and says so");
}

#[test]
fn a_page_has_no_script_and_counts_people_not_tests() {
    let mut records = class();
    records.push(record("bob", "a::z", Status::Failed, "wrong again"));
    let page = html(&records, Some("https://example.org/book/"));
    assert!(!page.contains("<script"), "{page}");
    assert!(page.contains("default-src 'none'"));
    assert!(
        page.contains("<td>a::y</td><td>memory</td><td class=\"n\">2</td>"),
        "{page}"
    );
    assert!(
        page.contains("<td>A load &lt;and&gt; a store</td><td><a href=\"https://example.org/book/memory.html#lost\">memory.md#lost</a></td><td class=\"n\">2</td>"),
        "{page}"
    );
    assert!(!html(&records, Some("javascript:x")).contains("href"));
}

/// Whatever a message holds, each format stays what it is.
#[test]
fn no_text_breaks_a_format() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..500 {
        let text: String = (0..random.usize(0..40))
            .map(|_| match random.u8(0..3) {
                0 => *random
                    .choice(&['<', '>', '&', '"', '\'', ']', '=', ',', '\n', '\0'])
                    .expect("some"),
                _ => random.char(..),
            })
            .collect();
        let clean = crate::text::message(&text);
        let records = [record(
            &crate::text::printable(&text),
            "a::x",
            Status::Failed,
            &clean,
        )];
        let xml = junit(&records).expect("XML");
        assert_eq!(xml.matches("<testcase").count(), 1, "{text:?}");
        let page = html(&records, None);
        assert_eq!(page.matches("<tr>").count(), 6, "{text:?}");
        assert_eq!(csv(&records).matches("\r\n").count(), 2, "{text:?}");
        let json = gradescope(&records).expect("a report");
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    }
}

#[test]
fn a_file_that_is_no_results_file_is_named_with_the_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results.jsonl");
    let good = serde_json::to_string(&class()[0]).expect("JSON");
    fs::write(&path, format!("{good}\n{{}}\n")).expect("room");
    let error = load(&path).expect_err("refused").to_string();
    assert!(error.contains("results.jsonl:2 is no result"), "{error}");
}
