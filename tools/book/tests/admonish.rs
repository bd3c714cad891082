//! The bridge to mdbook-admonish: its blocks come out as it makes them under mdBook 0.4, and its errors as ours.

mod support;

use support::{Fixture, main_of};

#[test]
fn a_block_becomes_an_admonition() {
    let page = Fixture::new("```admonish warning title=\"Mind the *fork*\"\nText with `code` and [a link](chapter.md).\n```\n\nAfter.\n").page();
    let main = main_of(&page);
    assert!(
        main.contains("class=\"admonition admonish-warning\" role=\"note\""),
        "{main}"
    );
    assert!(main.contains("Mind the <em>fork</em>"), "{main}");
    assert!(
        main.contains(
            "<p>Text with <code>code</code> and <a href=\"chapter.html\">a link</a>.</p>"
        ),
        "{main}"
    );
    assert!(main.contains("<p>After.</p>"), "{main}");
    assert!(page.contains("mdbook-admonish"), "its style is linked");
}

#[test]
fn admonitions_look_as_they_did() {
    let text = "# A\n\n```admonish tip title=\"Short\" collapsible=true\nOne *word*.\n\n- a list\n```\n\n~~~admonish warning\n```rust,ignore\nlet a;\n```\n~~~\n";
    insta::assert_snapshot!(main_of(&Fixture::new(text).page()));
}

#[test]
fn every_chapter_has_its_own_ids_and_none_is_lost() {
    let block = "```admonish note\none\n```\n\n```admonish note\ntwo\n```\n";
    let fixture = Fixture::new(block);
    fixture.write(
        "src/SUMMARY.md",
        "# Summary\n\n- [Chapter](chapter.md)\n  - [Inner](inner.md)\n- [Draft]()\n",
    );
    fixture.write("src/inner.md", block);
    fixture.page();
    for page in ["chapter.html", "inner.html"] {
        let page = std::fs::read_to_string(fixture.path("out").join(page)).unwrap();
        let main = main_of(&page);
        assert!(
            main.contains("id=\"admonition-note\"") && main.contains("id=\"admonition-note-1\""),
            "{main}"
        );
    }
}

#[test]
fn a_bad_block_is_an_error_that_names_the_chapter() {
    let error = Fixture::new("```admonish warning title=\"open\nText\n```\n").error();
    assert!(error.starts_with("src/chapter.md: "), "{error}");
    assert!(!error.contains('\n'), "one line: {error}");
}

#[test]
fn code_in_a_title_takes_a_fence_of_tildes() {
    // The second block makes the number of fences even again: without a check, both would come out as text and code.
    let both = "```admonish title=\"`join` first\"\nText\n```\n\n```admonish\nText\n```\n";
    let error = Fixture::new(both).error();
    assert!(
        error.starts_with("src/chapter.md: ```admonish")
            && error.ends_with("(fence this one with ~~~)"),
        "{error}"
    );
    let page = Fixture::new("~~~admonish warning title=\"`join` first\"\nText\n~~~\n").page();
    assert!(page.contains("<code>join</code> first"), "{page}");
}

#[test]
fn the_style_is_of_the_version_that_the_code_asks_for() {
    for (version, expected) in [
        ("2.0.0", "required mdbook-admonish assets version"),
        ("three", "assets_version = \"three\""),
    ] {
        let fixture = Fixture::new("text\n");
        let toml = std::fs::read_to_string(fixture.path("book.toml")).unwrap();
        let changed = toml.replace(
            "assets_version = \"3.1.0\"",
            &format!("assets_version = \"{version}\""),
        );
        assert_ne!(toml, changed);
        fixture.write("book.toml", &changed);
        let error = fixture.error();
        assert!(error.contains(expected) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn unknown_settings_are_an_error() {
    let fixture = Fixture::new("text\n");
    let toml = std::fs::read_to_string(fixture.path("book.toml")).unwrap();
    fixture.write(
        "book.toml",
        &toml.replace("on_failure = \"bail\"", "on_failure = \"explode\""),
    );
    assert!(
        fixture.error().contains("on_failure"),
        "{}",
        fixture.error()
    );
}

#[test]
fn an_admonition_that_folds_has_no_role_that_html_forbids() {
    let page = Fixture::new(
        "```admonish note collapsible=true\nText.\n```\n\n```admonish note\nText.\n```\n",
    )
    .page();
    let main = main_of(&page);
    let fold = main
        .split_once("<details")
        .unwrap()
        .1
        .split_once('>')
        .unwrap()
        .0;
    assert!(
        fold.contains("class=\"admonition") && !fold.contains("role="),
        "{fold}"
    );
    assert!(main.contains("role=\"note\""), "others keep theirs: {main}");
}
