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
        points: 2.5,
        self_reported: Vec::new(),
        commit: None,
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
        "submission,exercise,passed,judged,unjudged,worst,sandbox,marks,open,out_of,self_reported,commit,committer_date,note\r\n\
         \"'=HYPERLINK(\"\"x\"\")\",\"memory\",\"1\",\"2\",\"0\",\"failed\",\"L3\",\"2.5\",\"0\",\"5\",\"0\",\"\",\"\",\"\"\r\n\
         \"bob\",\"memory\",\"0\",\"1\",\"1\",\"infrastructure error\",\"L3\",\"0\",\"2.5\",\"5\",\"0\",\"\",\"\",\"\"\r\n"
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
    assert_eq!(report["tests"][0]["score"], 2.5);
    assert_eq!(report["tests"][1]["score"], 0.0);
    assert_eq!(report["tests"][1]["max_score"], 2.5);
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
        page.contains("<td>a::<wbr>y</td><td>memory</td><td class=\"n\">2</td>"),
        "{page}"
    );
    assert!(
        page.contains("<td class=\"m\">A load &lt;and&gt; a store</td><td><a href=\"https://example.org/book/memory.html#lost\">memory.md#lost</a></td><td class=\"n\" data-of=\"submissions\">2</td>"),
        "{page}"
    );
    // Numbers stand below their heading.
    for heading in ["marks", "%", "passed", "submissions"] {
        let cell = format!("<th class=\"n\">{heading}</th>");
        assert!(page.contains(&cell), "{cell}: {page}");
    }
    assert!(!html(&records, Some("javascript:x")).contains("href"));
}

/// What the book writes between backticks is code; what a learner writes there is code, too, and nothing else.
#[test]
fn backticks_are_code() {
    let mut records = vec![record("ann", "a::x", Status::Failed, "no `x` in `<b>`, `y")];
    records[0].why = Some("Use `while`, not `if`: ``, `".to_owned());
    let page = html(&records, None);
    let why = "Use <code>while</code>, not <code>if</code>: ``, `";
    assert!(
        page.contains(&format!("<td class=\"m\">{why}</td>")),
        "{page}"
    );
    let first = "<td class=\"m\">no <code>x</code> in <code>&lt;b&gt;</code>, `y</td>";
    assert!(page.contains(first), "{page}");
    let page = &feedback(&records, None)["ann.html"];
    assert!(page.contains(&format!("<p>{why}</p>")), "{page}");
    // The message stands as it is: code in it is laid out already.
    assert!(page.contains("no `x` in `&lt;b&gt;`, `y</pre>"), "{page}");
}

/// The columns of a schedule stay columns on a phone, and the sentences around them wrap.
#[test]
fn rows_of_a_schedule_do_not_break() {
    let schedule =
        "Under one schedule:\n    A  reads <0>\n    B  reads 0\n\nThat is it.\n    C  ends";
    let records = [record("ann", "a::x", Status::Failed, schedule)];
    let page = &feedback(&records, None)["ann.html"];
    let shown = "<pre>Under one schedule:<span class=\"r\">    A  reads &lt;0&gt;\n    B  reads 0</span>\nThat is it.\
                 <span class=\"r\">    C  ends</span></pre>";
    assert!(page.contains(shown), "{page}");
}

#[test]
fn feedback_names_the_step_to_mend_first() {
    let of = |step: &str, status| {
        let mut one = record("ann", &format!("{step}::x"), status, "");
        one.step = step.to_owned();
        one
    };
    let advice = |records: &[Record]| {
        let page = feedback(records, None).remove("ann.html").expect("a page");
        page.contains(
            "<p>Mend <code>lock</code> first: a later step can fail because of an earlier one.</p>",
        )
    };
    let (failed, passed) = (Status::Failed, Status::Passed);
    let all = [
        of("start", passed),
        of("lock", failed),
        of("around", Status::Timeout),
    ];
    assert!(advice(&all));
    assert!(!advice(&all[..2]), "there is one");
    let broken = ["lock", "around"].map(|step| of(step, Status::CompileError));
    assert!(!advice(&broken), "none was tried");
}

#[test]
fn failures_of_as_many_submissions_are_in_the_order_of_the_course_and_the_rest_is_counted() {
    let of = |who: &str, exercise: &str, test: &str, status| Record {
        exercise: exercise.to_owned(),
        why: (status == Status::Failed).then(|| format!("why {test}")),
        ..record(who, test, status, "")
    };
    let mut records = Vec::new();
    for n in (0..9).rev() {
        records.push(of("ann", "memory", &format!("m::{n}"), Status::Failed));
    }
    for n in (0..8).rev() {
        records.push(of("ann", "gil", &format!("g::{n}"), Status::Failed));
    }
    // Before the others in the file, and not in the course; and one that two have failed.
    records.insert(0, of("al", "gil", "g::7", Status::Passed));
    records.insert(1, of("al", "gil", "g::3", Status::Failed));
    let page = html(&records, None);
    let rows = |begin: &str, end: &str| -> Vec<String> {
        let table = page.split(begin).nth(1).expect("a table");
        let table = table.split("</table>").next().expect("an end");
        let cells = table.split(end).skip(1);
        let name = |cell: &str| cell.split('<').next().unwrap_or_default().to_owned();
        cells.map(name).collect()
    };
    let order = [3, 8, 7, 6, 5, 4, 3, 2, 1, 0, 7, 6];
    let tests = rows("Which tests fail most", "::<wbr>");
    assert_eq!(tests, order.map(|n| n.to_string()));
    let meant = rows("Which misconceptions", "why ");
    let names = (0..12).map(|at| match at {
        1..=9 => format!("m::{}", order[at]),
        _ => format!("g::{}", order[at]),
    });
    assert_eq!(meant, names.collect::<Vec<_>>());
    assert_eq!(page.matches("</div>\n<p>… and 5 more</p>").count(), 2);
    assert!(summary(&records, None, SUMMARY_SIZE).ends_with("\n… and 5 more\n"));
}

/// Whatever a message holds, each format stays what it is.
#[test]
fn no_text_breaks_a_format() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..500 {
        let text: String = (0..random.usize(0..40))
            .map(|_| match random.u8(0..3) {
                0 => *random
                    .choice(&['<', '>', '&', '"', '\'', '`', ']', '=', ',', '\n', '\0'])
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
        assert_eq!(page.matches("<tr>").count(), 8, "{text:?}");
        let (begun, ended) = (page.matches("<code>"), page.matches("</code>"));
        assert_eq!(begun.count(), ended.count(), "{text:?}");
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

#[test]
fn marks_are_shares_of_points_and_what_is_open_is_no_loss() {
    let page = html(&class(), None);
    assert!(
        page.contains("<td>bob</td><td class=\"n\">0/5 (2.5 open)</td><td class=\"n\">0?</td>"),
        "{page}"
    );
    assert!(
        page.contains("<td class=\"n\">2.5/5</td><td class=\"n\">50</td>"),
        "{page}"
    );
    let mut records = class();
    assert!(weigh(&mut records, "memory", 3.0));
    assert!(!weigh(&mut records, "ipc", 3.0));
    assert!(html(&records, None).contains("7.5/15"));
}

/// The class's page, the spreadsheet and the learner's own page name one number of points for a broken archive.
#[test]
fn a_rejected_submission_could_have_reached_what_the_others_could() {
    let whole = |name: &str, status| Record {
        exercise: String::new(),
        step: String::new(),
        points: 0.0,
        why: None,
        section: None,
        ..record(name, "", status, "the archive is damaged")
    };
    let mut records = class();
    records.push(whole("dora", Status::Rejected));
    records.push(whole("zoe", Status::InfrastructureError));
    let page = html(&records, None);
    for row in [
        "<td>dora</td><td class=\"n\">0/5</td><td class=\"n\">0</td>",
        "<td>zoe</td><td class=\"n\">0/5 (5 open)</td><td class=\"n\">0?</td>",
        "<td>dora</td><td>–</td><td class=\"n\" data-of=\"passed\">–</td><td class=\"n\" data-of=\"marks\">0/5</td><td>rejected</td>",
        "<p>4 submissions, 2 exercises: 0 passed every test, 1 could not",
    ] {
        assert!(page.contains(row), "{row}: {page}");
    }
    let table = csv(&records);
    let of = |name: &str| {
        let line = table.lines().find(|line| line.contains(name));
        line.expect("a line").to_owned()
    };
    assert!(of("dora").contains("\"L3\",\"0\",\"0\",\"5\""), "{table}");
    assert!(of("zoe").contains("\"L3\",\"0\",\"5\",\"5\""), "{table}");
    let pages = feedback(&records, None);
    let dora = &pages["dora.html"];
    assert!(
        dora.contains("<strong>0/5</strong>") && dora.contains("<h2>Submission: 0/5</h2>"),
        "{dora}"
    );
    assert!(!dora.contains("<table"), "it has no step: {dora}");
    assert!(weigh(&mut records, "memory", 2.0));
    assert!(feedback(&records, None)["dora.html"].contains("<strong>0/10</strong>"));
}

/// An exercise that others handed in counts, so nobody gains by leaving one out.
#[test]
fn an_exercise_left_out_counts_as_nothing_reached() {
    let mut other = record("ann", "a::x", Status::Passed, "");
    other.exercise = "ipc".to_owned();
    let records = [
        other,
        record("bob", "a::x", Status::Passed, ""),
        record("ann", "a::x", Status::Passed, ""),
    ];
    let page = html(&records, None);
    assert!(
        page.contains("<td>ann</td><td class=\"n\">5/5</td><td class=\"n\">100</td>"),
        "{page}"
    );
    assert!(
        page.contains("<td>bob</td><td class=\"n\">2.5/5</td><td class=\"n\">50</td>"),
        "{page}"
    );
}

#[test]
fn self_reported_tests_are_listed_with_what_they_rest_on() {
    let mut records = class();
    assert!(!html(&records, None).contains("self-reported"));
    records[0].self_reported = vec!["events".to_owned(), "leftovers".to_owned()];
    let page = html(&records, None);
    assert!(
        page.contains(
            "<tr><td>a::<wbr>x</td><td>memory</td><td>events, leftovers</td><td class=\"n\">1</td></tr>"
        ),
        "{page}"
    );
    assert!(
        csv(&records).contains("\"2.5\",\"0\",\"5\",\"1\","),
        "one passed on its word"
    );
    let xml = junit(&records).expect("XML");
    assert!(
        xml.contains("<property name=\"self_reported\" value=\"events leftovers\"/>"),
        "{xml}"
    );
}

#[test]
fn each_learner_gets_a_page_that_names_nobody_else() {
    let mut records = class();
    records.push(record("../Bob", "a::x", Status::Passed, ""));
    records.push(record("BOB", "a::x", Status::Passed, ""));
    let pages = feedback(&records, Some("https://example.org/book"));
    assert_eq!(pages.len(), 4, "{:?}", pages.keys());
    for (file, page) in &pages {
        assert!(
            !file.contains(['/', '=', '"']) && !file.starts_with('.'),
            "{file}"
        );
        assert!(!page.contains("<script") && page.contains("default-src 'none'"));
    }
    let lower: std::collections::BTreeSet<_> =
        pages.keys().map(|name| name.to_lowercase()).collect();
    assert_eq!(lower.len(), 4, "on a disk that ignores case, too");
    let bob = pages
        .values()
        .find(|page| page.contains("Feedback for bob"))
        .expect("bob's");
    assert!(!bob.contains("HYPERLINK"), "{bob}");
    assert!(
        bob.contains("0/5 (2.5 open)") && bob.contains("They are not lost"),
        "{bob}"
    );
    assert!(
        bob.contains(
            "<h3>a::<wbr>y failed</h3>\n<pre>wrong</pre>\n<p>A load &lt;and&gt; a store</p>"
        ),
        "{bob}"
    );
    assert!(
        bob.contains("href=\"https://example.org/book/memory.html#lost\""),
        "{bob}"
    );
}

#[test]
fn a_summary_fits_and_says_what_was_left_out() {
    let many: Vec<_> = (0..30_000)
        .map(|n| record(&format!("learner-{n}"), "a::x", Status::Passed, ""))
        .collect();
    let text = summary(&many, None, SUMMARY_SIZE);
    assert!(text.len() <= SUMMARY_SIZE, "{}", text.len());
    let shown = text.matches("| memory |").count();
    let left = format!("\n{} more rows don't fit", 30_000 - shown);
    assert!(shown > 1000 && text.contains(&left), "{shown}");
    assert!(summary(&class(), None, 500).len() <= 500);
    let whole = summary(&class(), Some("https://example.org"), SUMMARY_SIZE);
    assert!(
        whole.contains("| bob | memory | 0/1? | 0/5 (2.5 open) | infrastructure error |"),
        "{whole}"
    );
    assert!(
        whole.contains("](<https://example.org/memory.html#lost>) | 2 |"),
        "{whole}"
    );
    assert!(!whole.contains("more rows"));
}

#[test]
fn annotations_are_few_and_point_at_the_learners_file() {
    let mut one: Vec<_> = (0..40)
        .map(|n| record("ann", &format!("s{n}::x"), Status::Failed, "50%\r\nof it"))
        .collect();
    for (n, record) in one.iter_mut().enumerate() {
        record.step = format!("s{n}");
    }
    one.push(record("ann", "s0::y", Status::Failed, "the same step"));
    let text = annotations(&one);
    assert_eq!(text.lines().count(), 10, "{text}");
    assert_eq!(
        text.lines().next(),
        Some(
            "::error file=exercises/memory/src/s0.rs,title=memory s0%3A%3Ax%3A failed::50%25%0D%0Aof it%0AA load <and> a store"
        )
    );
    // In a class's job nobody's mistakes are errors; what could not be judged is a warning.
    assert_eq!(
        annotations(&class()),
        "::warning title=bob memory a%3A%3Ax%3A infrastructure error%3A not judged::no memory\n"
    );
}

#[test]
fn the_classroom_gets_points_that_add_up() {
    assert_eq!(classroom(&class()), Err(GradescopeError::Submissions(2)));
    assert!(matches!(
        classroom(&class()[2..]),
        Err(GradescopeError::Unjudged(_))
    ));
    let mut records = class()[..2].to_vec();
    records.push(record(&records[0].submission, "b::x", Status::Passed, ""));
    records[2].step = "b".to_owned();
    let text = classroom(&records).expect("a report");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&report["version"], &report["status"]),
        (&1.into(), &"fail".into())
    );
    assert_eq!(report["max_score"], 7.5);
    let tests = report["tests"].as_array().expect("tests");
    let names: Vec<_> = tests.iter().map(|test| test["name"].as_str()).collect();
    assert_eq!(names, [Some("memory a"), Some("memory b")]);
    assert_eq!(
        (&tests[0]["score"], &tests[0]["status"]),
        (&2.5.into(), &"fail".into())
    );
    assert_eq!(
        (&tests[1]["score"], &tests[1]["message"]),
        (&2.5.into(), &serde_json::Value::Null)
    );
    records[1].status = Status::Passed;
    assert!(
        classroom(&records)
            .expect("a report")
            .contains("\"status\":\"pass\"")
    );
    // Base64 of it is one environment variable, which holds 128 KiB.
    let long = "é".repeat(4000);
    let all: Vec<_> = (0..40)
        .map(|n| {
            let mut one = record("ann", "a::x", Status::Failed, &long);
            one.step = format!("s{n}");
            one
        })
        .collect();
    assert!(classroom(&all).expect("a report").len() < 90_000);
}

/// What the reporter does with its variable: it splits `runners`, parses each result, prints every test, and adds up.
fn as_the_reporter(runners: &str, results: &[&str]) -> (String, bool) {
    let (mut earned, mut out_of, mut failed) = (0.0, 0.0, false);
    let names: Vec<_> = runners
        .split([',', ' '])
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names.len(), results.len());
    for result in results {
        let result: serde_json::Value = serde_json::from_str(result).expect("JSON.parse");
        let tests = result["tests"].as_array().expect("tests.forEach");
        for test in tests {
            assert!(test["name"].is_string(), "printed after its mark: {test}");
            assert!(
                test["message"].is_null() || test["message"].is_string(),
                "{test}"
            );
            assert!(
                ["pass", "fail", "error"].contains(&test["status"].as_str().expect("compared")),
                "{test}"
            );
        }
        // A runner without a `max_score` has no points.
        if let Some(most) = result["max_score"].as_f64().filter(|most| *most != 0.0) {
            out_of += most;
            for test in tests {
                // What is no number would make the sum a text.
                earned += test["score"].as_f64().expect("a number");
            }
        }
        failed |= ["fail", "error"].contains(&result["status"].as_str().expect("compared"));
    }
    (format!("Points {earned}/{out_of}"), failed)
}

#[test]
fn the_classroom_reporter_reads_what_is_written_for_it() {
    let mut records = class()[..2].to_vec();
    let text = classroom(&records).expect("a report");
    assert_eq!(
        as_the_reporter("grade", &[&text]),
        ("Points 2.5/5".to_owned(), true)
    );
    records[1].status = Status::Passed;
    records[1].message = String::new();
    let text = classroom(&records).expect("a report");
    assert_eq!(
        as_the_reporter("grade", &[&text]),
        ("Points 5/5".to_owned(), false)
    );
    // One that does not compile is one test, worth nothing of all.
    let mut refused = record(
        "ann",
        "",
        Status::CompileError,
        "error[E0425]\n  --> src/a.rs",
    );
    refused.step = String::new();
    let text = classroom(&[refused]).expect("a report");
    assert_eq!(
        as_the_reporter("grade", &[&text]),
        ("Points 0/2.5".to_owned(), true)
    );
}

/// A learner's text can't add a row, a command, a link or a tag to what this program writes.
#[test]
fn no_text_breaks_the_outputs_for_github_or_the_learner() {
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..500 {
        let text: String = (0..random.usize(0..60))
            .map(|_| match random.bool() {
                true => *random
                    .choice(&[
                        '<', '>', '&', '"', '|', '`', '[', ']', '(', '!', ':', '%', '\r', '\n',
                        '@', '#', '\u{202e}',
                    ])
                    .expect("some"),
                false => random.char(..),
            })
            .collect();
        let (name, message) = (crate::text::printable(&text), crate::text::message(&text));
        let mut one = record(&name, "a::x", Status::Failed, &message);
        one.why = Some(message.clone());
        let records = [one];
        let markdown = summary(&records, None, SUMMARY_SIZE);
        assert_eq!(markdown.matches('\n').count(), 13, "{text:?}: {markdown}");
        let rows = markdown.lines().filter(|line| line.starts_with("| "));
        for row in rows {
            assert!(
                !row.contains(['<', '`', '[', '!', '@', '*']),
                "{text:?}: {row}"
            );
            assert!(matches!(row.matches('|').count(), 4 | 6), "{text:?}: {row}");
        }
        let commands = annotations(&records);
        assert_eq!(commands.lines().count(), 1, "{text:?}: {commands}");
        assert!(commands.starts_with("::error file=exercises/memory/src/a.rs,title="));
        let pages = feedback(&records, None);
        let (file, page) = pages.first_key_value().expect("a page");
        assert!(file.is_ascii() && file.len() < 120, "{file}");
        assert_eq!(page.matches("<h3>").count(), 1, "{text:?}");
        assert_eq!(
            page.matches('<').count(),
            page.matches('>').count(),
            "{text:?}"
        );
        let json = classroom(&records).expect("a report");
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    }
}
