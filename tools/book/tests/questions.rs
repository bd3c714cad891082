//! Predictions, recall questions, pictures and the legend, as they come out on the built page, and what is said of those that
//! are incomplete.

mod support;

use support::{Fixture, main_of};

const RECALL: &str = r#"[[predict]]
name = "read_all"
question = "How *much*?"
options = ["Almost none", "About `half`", "Nearly all"]
answer = 2
measured = "It was {{#figure M1/pages}}."
why = "A read is a write."
wrong = ["It counts.", "There is no half, see [here](chapter.md#title).", ""]

[[recall]]
question = "Who sees it?"
options = ["All threads", "All processes"]
answer = 0
why = "One address space."
wrong = ["", "Each has its own, see [the chapter](chapter.md#title)."]
"#;

const PAGE: &str = "# Title\n\n{{#predict read_all}}\n\n*Then*\n\n{{#recall}}\n";

fn with_questions(chapter: &str, recall: &str) -> Fixture {
    let fixture = Fixture::new(chapter);
    fixture.write("src/chapter/recall.toml", recall);
    fixture
}

#[test]
fn a_prediction_shows_question_options_and_a_folded_answer_from_the_record() {
    let page = with_questions(PAGE, RECALL).page();
    let main = main_of(&page);
    for expected in [
        "<course-question id=\"chapter-predict-read_all\" data-key=\"chapter/read_all\">",
        "<p>How <em>much</em>?</p>",
        "data-answer=\"2\"",
        "<p>About <code>half</code></p>",
        "<summary>What was measured</summary>",
        "It was <span class=\"measured\" title=\"measured: M1/pages\">2,560 pages &amp; &lt;more&gt;</span>.",
        "<p>A read is a write.</p>",
        "<a href=\"chapter.html#title\">here</a>",
        "<p><em>Then</em></p>",
    ] {
        assert!(main.contains(expected), "{expected} in {main}");
    }
    assert!(
        !main.contains("<details class=\"question-answer\" open"),
        "the answer is folded: {main}"
    );
    assert_eq!(
        main.matches("<dt data-option").count(),
        3,
        "each wrong option, and no right one, is explained: {main}"
    );
}

#[test]
fn recall_asks_every_question_of_the_chapter() {
    let page = with_questions(PAGE, RECALL).page();
    let (_, recall) = main_of(&page).split_once("<course-recall").unwrap();
    assert_eq!(recall.matches("class=\"recall-question\"").count(), 1);
    assert!(recall.contains("<p>Who sees it?</p>"), "{recall}");
    assert!(recall.contains("<summary>The answer</summary>"), "{recall}");
}

#[test]
fn a_prediction_is_graded_on_another_page_if_that_one_says_so() {
    let fixture = with_questions("{{#predict read_all}}\n\n{{#recall}}\n\n# Title\n", RECALL);
    fixture.write(
        "src/SUMMARY.md",
        "# Summary\n\n- [Chapter](chapter.md)\n  - [Deep](chapter/deep.md)\n",
    );
    fixture.write(
        "src/chapter/deep.md",
        "1. Item\n\n   {{#graded read_all}}\n",
    );
    let page = fixture.page();
    let main = main_of(&page);
    let (asked, _) = main.split_once("<course-recall").unwrap();
    assert!(
        asked.contains("data-graded=\"chapter/deep.html#chapter-graded-read_all\""),
        "{asked}"
    );
    assert!(
        !asked.contains("2,560"),
        "not graded where it is asked: {asked}"
    );
    let deep = std::fs::read_to_string(fixture.path("out/chapter/deep.html")).unwrap();
    let deep = main_of(&deep);
    assert!(
        deep.contains("data-ask=\"../chapter.html#chapter-predict-read_all\""),
        "{deep}"
    );
    assert!(
        deep.contains("<a href=\"../chapter.html#title\">here</a>"),
        "links start at src/: {deep}"
    );
    assert!(deep.contains("2,560"), "{deep}");
    let question = asked.split("<div class=\"question\">").nth(1).unwrap();
    let question = question.split("</div>").next().unwrap();
    assert!(deep.contains(question), "which question it is: {deep}");
    assert_eq!(book::links::check(&fixture.path("out")).unwrap(), [""; 0]);
}

#[test]
fn an_incomplete_question_names_file_and_line() {
    let file = "src/chapter/recall.toml";
    let cases = [
        (
            "answer = 2",
            "answer = 3",
            5,
            "answer = 3, and the options are 0 to 2",
        ),
        ("answer = 2", "answer = -1", 5, "-1"),
        (
            "answer = 2",
            "answer = 2\nanser = 1",
            6,
            "unknown field `anser`",
        ),
        ("answer = 2", "answer = = 2", 5, ""),
        (
            "measured = \"It was {{#figure M1/pages}}.\"\n",
            "",
            1,
            "missing field `measured`",
        ),
        (
            "{{#figure M1/pages}}",
            "{{#figure M9}}",
            6,
            "{{#figure M9}}: no such figure",
        ),
        (
            "{{#figure M1/pages}}",
            "{{#chart M1}}",
            6,
            "{{#chart}} cannot stand here",
        ),
        (
            "\"It counts.\"",
            "\"\"",
            8,
            "wrong[0] is empty (say why option 0 is wrong)",
        ),
        (
            "\"It counts.\", ",
            "",
            8,
            "`wrong` has 2 texts for 3 options",
        ),
        (
            "[here](chapter.md#title).\", \"\"]",
            "here.\", \"x\"]",
            8,
            "wrong[2] speaks of the answer, which is right",
        ),
        ("read_all", "read all", 2, "`read all` is no name"),
        ("A read is a write.", " ", 7, "`why` is empty"),
        ("How *much*?", "", 3, "`question` is empty"),
        (
            "[\"All threads\", \"All processes\"]",
            "[\"All threads\"]",
            11,
            "at least two options",
        ),
        (
            "[the chapter](chapter.md#title)",
            "above",
            15,
            "wrong[1] has no link",
        ),
    ];
    for (old, new, line, expected) in cases {
        assert!(RECALL.contains(old), "{old}");
        let error = with_questions(PAGE, &RECALL.replacen(old, new, 1)).error();
        assert!(
            error.starts_with(&format!("{file}:{line}: ")),
            "{new}: {error}"
        );
        assert!(error.contains(expected), "{new}: {error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}

#[test]
fn every_question_is_placed_once() {
    let (predict, recall) = RECALL.split_once("[[recall]]").unwrap();
    let twice = format!("{predict}{predict}[[recall]]{recall}");
    let cases = [
        (
            "{{#recall}}\n",
            RECALL,
            "src/chapter/recall.toml:2: no page of `chapter` asks this prediction",
        ),
        (
            "{{#predict read_all}}\n",
            RECALL,
            "src/chapter/recall.toml:11: no page of `chapter` asks the recall",
        ),
        (
            "x\n\n{{#predict gone}}\n",
            RECALL,
            "src/chapter.md:3: {{#predict gone}}: src/chapter/recall.toml has no [[predict]] of that name (there is read_all)",
        ),
        (
            "{{#graded read_all}}\n",
            RECALL,
            "src/chapter.md:1: {{#graded read_all}}: no page asks it",
        ),
        (
            "{{#predict read_all}}\n\n{{#predict read_all}}\n",
            RECALL,
            "src/chapter.md:3: {{#predict read_all}} stands in src/chapter.md:1 already",
        ),
        (
            "{{#recall now}}\n",
            RECALL,
            "src/chapter.md:1: {{#recall now}}: recall takes no argument",
        ),
        (
            "{{#recall}}\n",
            "",
            "src/chapter.md:1: {{#recall}}: src/chapter/recall.toml has no [[recall]]",
        ),
        (
            "See {{#predict read_all}}\n\n{{#recall}}\n",
            RECALL,
            "src/chapter.md:1: {{#predict read_all}} must stand alone",
        ),
        (
            PAGE,
            &twice,
            "src/chapter/recall.toml:11: the prediction of line 2 is called `read_all` too",
        ),
    ];
    for (page, recall, expected) in cases {
        let error = with_questions(page, recall).error();
        assert!(error.starts_with(expected), "{page}: {error}");
    }
    let error = Fixture::new("{{#recall}}\n").error();
    assert!(
        error.contains("there is no src/chapter/recall.toml"),
        "{error}"
    );
}

#[test]
fn a_question_in_code_is_none() {
    let page = with_questions(&format!("`{{{{#predict gone}}}}`\n\n{PAGE}"), RECALL).page();
    assert!(main_of(&page).contains("<code>{{#predict gone}}</code>"));
}

#[test]
fn a_picture_is_inside_the_page_with_its_caption() {
    let fixture =
        Fixture::new("{{#picture chapter/idea.svg Two *threads*, one process.}}\n\n{{#legend}}\n");
    fixture.write(
        "src/chapter/idea.svg",
        "<svg role=\"img\" viewBox=\"0 0 9 9\">\n<title>An idea</title>\n\n<rect class=\"x\"/>\n</svg>\n",
    );
    let page = fixture.page();
    let main = main_of(&page);
    assert!(
        main.contains("<figure class=\"picture\">\n<svg role=\"img\""),
        "{main}"
    );
    assert!(main.contains("<rect class=\"x\""), "{main}");
    assert!(
        main.contains("<p>Two <em>threads</em>, one process.</p>"),
        "{main}"
    );
    assert!(main.contains("<ul class=\"legend\">"), "{main}");
}

#[test]
fn a_picture_needs_a_caption_and_a_title() {
    let cases = [
        ("chapter/idea.svg", "write the caption after the file"),
        ("chapter/gone.svg It.", "src/chapter/gone.svg: No such file"),
        ("chapter/idea.svg It.", "have a <title>"),
        ("../idea.svg It.", "an .svg file inside src/"),
        ("chapter/idea.png It.", "an .svg file inside src/"),
        ("", "needs an argument"),
    ];
    for (argument, expected) in cases {
        let fixture = Fixture::new(&format!("{{{{#picture {argument}}}}}\n"));
        fixture.write("src/chapter/idea.svg", "<svg role=\"img\"></svg>");
        let error = fixture.error();
        assert!(error.starts_with("src/chapter.md:1: "), "{error}");
        assert!(error.contains(expected), "{argument}: {error}");
    }
}
