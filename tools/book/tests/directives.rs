//! Our directives, as they come out on the built page, and what is said of those that cannot be carried out.

mod support;

use support::{Fixture, main_of};

const OUT: &str = "# Python 3.13.0 (GIL), Linux 6.18 x86_64\nchild: 2\nparent: <1>\n";

fn with_listing(chapter: &str) -> Fixture {
    let fixture = Fixture::new(chapter);
    fixture.write(
        "src/memory/fork.py",
        "import os\nif a < b:\n\n    print(f\"{{#chart M1}}\", '~~~~')\n",
    );
    fixture.write("src/memory/fork.out", OUT);
    fixture
}

#[test]
fn a_listing_shows_the_program_and_who_printed_what() {
    let page = with_listing("Before.\n\n{{#listing memory/fork.py}}\n\n*After.*\n").page();
    let main = main_of(&page);
    assert!(
        main.contains(
            "<figcaption><a href=\"memory/fork.py\" download=\"\">memory/fork.py</a></figcaption>"
        ),
        "{main}"
    );
    // Whole, escaped, highlighted as Python; what looks like a directive inside a program is none.
    let code = "<pre><code class=\"language-python\">import os\nif a &lt; b:\n\n    print(f\"{{#chart M1}}\", '~~~~')\n</code></pre>";
    assert!(main.contains(code), "{main}");
    assert!(
        main.contains("<figcaption>Printed by Python 3.13.0 (GIL), Linux 6.18 x86_64</figcaption>"),
        "{main}"
    );
    assert!(
        main.contains(
            "<pre><code class=\"language-text\">child: 2\nparent: &lt;1&gt;\n</code></pre>"
        ),
        "{main}"
    );
    assert!(
        main.contains("<p><em>After.</em></p>"),
        "Markdown goes on after a listing: {main}"
    );
}

#[test]
fn a_listing_of_a_region_shows_it_first_and_all_of_it_in_a_fold() {
    let fixture = with_listing("{{#listing memory/part.py shown}}\n");
    fixture.write(
        "src/memory/part.py",
        "import os\n# region: shown\nos.fork()\n# endregion\nprint()\n",
    );
    fixture.write("src/memory/part.out", OUT);
    let page = fixture.page();
    let main = main_of(&page);
    let (part, whole) = main
        .split_once("<details class=\"listing-whole\">")
        .unwrap();
    assert!(
        part.contains("<code class=\"language-python\">os.fork()\n</code>"),
        "{main}"
    );
    assert!(
        whole.contains("<summary>The whole program, 3 lines</summary>"),
        "{main}"
    );
    assert!(
        whole.contains("<code class=\"language-python\">import os\nos.fork()\nprint()\n</code>"),
        "without the markers: {main}"
    );
}

#[test]
fn a_listing_stays_in_its_list_item_and_in_its_admonish_block() {
    let page = with_listing("1. First\n\n   {{#listing memory/fork.py}}\n\n2. Second\n\n```admonish tip title=\"Try\"\n{{#listing memory/fork.py}}\n\nThen {{#figure M1/pages}}.\n```\n").page();
    let main = main_of(&page);
    assert_eq!(main.matches("<ol>").count(), 1, "one list, not two: {main}");
    assert_eq!(
        main.matches("<code class=\"language-python\">import os")
            .count(),
        2,
        "{main}"
    );
    let admonition = main.split_once("admonish-tip").unwrap().1;
    assert!(
        admonition.contains("<code class=\"language-text\">child: 2"),
        "{main}"
    );
    assert!(
        admonition.contains("Then <span class=\"measured\""),
        "{main}"
    );
}

#[test]
fn a_program_that_printed_nothing_says_so() {
    let fixture = with_listing("{{#listing memory/fork.py}}\n");
    fixture.write(
        "src/memory/fork.out",
        "# Python 3.13.0 (GIL), Linux 6.18 x86_64\n",
    );
    assert!(main_of(&fixture.page()).contains("It printed nothing."));
}

#[test]
fn a_listing_is_found_from_a_chapter_in_a_folder() {
    let fixture = with_listing("text\n");
    fixture.write(
        "src/SUMMARY.md",
        "# Summary\n\n- [Chapter](chapter.md)\n- [Deep](deep/er/page.md)\n",
    );
    fixture.write("src/deep/er/page.md", "{{#listing memory/fork.py}}\n");
    fixture.page();
    let deep = std::fs::read_to_string(fixture.path("out/deep/er/page.html")).unwrap();
    assert!(deep.contains("href=\"../../memory/fork.py\""), "{deep}");
}

#[test]
fn a_benchmark_becomes_a_table() {
    let page = Fixture::new("Before.\n\n{{#bench memory}}\n\n*After.*\n").page();
    let main = main_of(&page);
    assert!(main.contains("<table class=\"peers\">"), "{main}");
    assert!(main.contains("<p><em>After.</em></p>"), "{main}");
}

#[test]
fn a_chart_is_one_block_and_a_figure_names_its_source() {
    let page = Fixture::new("{{ #chart M1 }}\n\nIt took *{{#figure M1/pages}}*.\n").page();
    let main = main_of(&page);
    assert!(
        main.contains("<svg role=\"img\"><title>pages</title></svg>\n</figure>"),
        "no blank line ends the block: {main}"
    );
    assert!(!main.contains("&lt;svg"), "{main}");
    let figure = "It took <em><span class=\"measured\" title=\"measured: M1/pages\">2,560 pages &amp; &lt;more&gt;</span></em>.";
    assert!(main.contains(figure), "{main}");
}

#[test]
fn code_comments_and_escapes_are_left_alone() {
    let chapter = "`{{#chart M9}}`\n\n```text\n{{#nonsense}}\n```\n\n    {{#indented}}\n\n<!-- {{#listing gone.py}} -->\n\n\\{{#figure M9}}\n\n````admonish note\n```text\n{{#nested}}\n```\n````\n";
    let page = Fixture::new(chapter).page();
    let main = main_of(&page);
    for shown in [
        "<code>{{#chart M9}}</code>",
        "{{#nonsense}}",
        "{{#indented}}",
        "<p>{{#figure M9}}</p>",
        "{{#nested}}",
    ] {
        assert!(main.contains(shown), "{shown} in {main}");
    }
}

#[test]
fn what_cannot_be_carried_out_names_chapter_line_and_thing() {
    let cases = [
        (
            "{{#lisitng memory/fork.py}}",
            "no directive is called {{#lisitng}}",
        ),
        (
            "{{#listing memory/gone.py}}",
            "src/memory/gone.py: No such file",
        ),
        (
            "{{#listing memory/bare.py}}",
            "src/memory/bare.out: No such file",
        ),
        ("{{#listing memory/bare.py}}", "COURSE_BLESS=1"),
        (
            "{{#listing memory/odd.py}}",
            "the first line must say who printed it",
        ),
        ("{{#listing ../book.toml}}", "the path must lie inside src/"),
        ("{{#listing /etc/passwd}}", "the path must lie inside src/"),
        (
            "{{#listing memory/fork.out}}",
            "a listing is a .py, .rs or .c file",
        ),
        (
            "See {{#listing memory/fork.py}}",
            "must stand alone on its line",
        ),
        (
            "{{#listing memory/fork.py shown}}",
            "src/memory/fork.py:1: no region is called `shown`",
        ),
        (
            "{{#listing memory/fork.py two regions}}",
            "a file and at most one region",
        ),
        (
            "{{#bench nobody}}",
            "{{#bench nobody}}: no record of nobody",
        ),
        ("{{#chart M1}} shows", "must stand alone on its line"),
        ("{{#chart}}", "{{#chart}} needs an argument"),
        (
            "{{#chart M9}}",
            "{{#chart M9}}: no claim is called M9 (there is M1)",
        ),
        (
            "{{#figure M9}}",
            "{{#figure M9}}: no such figure (there is M1/pages)",
        ),
        ("{{#include gone.md}}", "gone.md: No such file"),
        (
            "{{#include memory/fork.py:part}}",
            "no line with `ANCHOR: part`",
        ),
        ("```admonish tip\n{{#figure M9}}\n```", "no such figure"),
    ];
    for (directive, expected) in cases {
        let fixture = with_listing(&format!("# Title\n\nText.\n\n{directive}\n"));
        fixture.write("src/memory/bare.py", "print()\n");
        fixture.write("src/memory/odd.py", "print()\n");
        fixture.write("src/memory/odd.out", "3.14\n");
        let error = fixture.error();
        let line = if directive.starts_with("```") { 6 } else { 5 };
        assert!(
            error.starts_with(&format!("src/chapter.md:{line}: ")),
            "{directive}: {error}"
        );
        assert!(error.contains(expected), "{directive}: {error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}

#[test]
fn mdbooks_own_directives_still_work() {
    let fixture = with_listing(
        "{{#title A title}}\n\n{{#include part.md:wanted}}\n\n```rust\n{{#include part.rs:2}}\n```\n",
    );
    fixture.write("src/part.md", "no\n<!-- ANCHOR: wanted -->\n**yes** and {{#figure M1/pages}}\n<!-- ANCHOR_END: wanted -->\nno\n");
    fixture.write("src/part.rs", "one\ntwo\n");
    let page = fixture.page();
    let main = main_of(&page);
    assert!(page.contains("<title>A title</title>"));
    assert!(main.contains("<strong>yes</strong>"), "{main}");
    assert!(main.contains("two"), "{main}");
}

#[test]
fn no_code_gets_a_play_button() {
    // mdBook's script puts one on code with these classes, and sends the code to a foreign host.
    let page = Fixture::new("```rust\nfn main() {}\n```\n").page();
    assert!(!main_of(&page).contains("playground"), "{}", main_of(&page));
}

#[test]
fn what_nobody_closes_is_an_error_with_its_line() {
    for (text, line, says) in [
        ("# A\n\n{{#listing a.py\n", 3, "no `}}` closes it"),
        (
            "# A\n\nIt is {{#figure M1/pages }.\n",
            3,
            "no `}}` closes it",
        ),
        ("# A\n\n{{#include a.py\n", 3, "no `}}` closes it"),
        (
            "# A\n\n```rust\nlet a;\n",
            3,
            "the code block ````rust` is never closed",
        ),
        (
            "# A\n\n~~~\na\n```\n",
            3,
            "the code block `~~~` is never closed",
        ),
        (
            "# A\n\n````\na\n```\n",
            3,
            "the code block `````` is never closed",
        ),
        ("> ```\n> a\n\ntext\n", 1, "is never closed"),
        ("# A\n\n```admonish tip\ntext\n", 3, "is never closed"),
        (
            "# A\n\n```admonish tip\n~~~\ntext\n```\n",
            4,
            "the code block `~~~` is never closed",
        ),
        ("# A\n\n```", 3, "is never closed"),
    ] {
        let error = Fixture::new(text).error();
        let start = format!("src/chapter.md:{line}: ");
        assert!(
            error.starts_with(&start) && error.contains(says),
            "{text:?}: {error}"
        );
    }
    for closed in [
        "```\n```\n",
        "```rust\na\n  ```  \n",
        "> ```\n> a\n> ```\n",
        "1. list\n\n   ````text\n   ```\n   ````\n",
        "```admonish tip\n~~~\na\n~~~\n```\n",
        "    indented code\n",
        "`{{#figure` in code, and \\{{#figure escaped\n",
    ] {
        let fixture = Fixture::new(closed);
        let built = fixture.book().build(&fixture.path("out"), None);
        assert!(built.is_ok(), "{closed:?}: {built:?}");
    }
}
