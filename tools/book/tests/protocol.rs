//! What stock mdBook says to a command preprocessor, and what we answer.

mod support;

use serde_json::{Value, json};
use support::{EVIDENCE, Fixture};

/// What mdBook 0.5 writes to the preprocessor's stdin.
fn question(fixture: &Fixture, content: &str) -> Vec<u8> {
    let context = json!({
        "root": fixture.root(),
        "config": {
            "book": { "title": "T", "authors": [], "language": "en", "src": "src" },
            "preprocessor": { "admonish": { "command": "course preprocess admonish", "assets_version": "3.1.0", "on_failure": "bail" } },
            "output": { "html": {} },
        },
        "renderer": "html",
        "mdbook_version": "0.5.4",
    });
    let book = json!({ "items": [
        { "PartTitle": "Part" },
        "Separator",
        { "Chapter": {
            "name": "Chapter", "content": content, "number": [1], "sub_items": [],
            "path": "chapter.md", "source_path": "chapter.md", "parent_names": []
        } },
        { "Chapter": { "name": "Draft", "content": "", "number": [2], "sub_items": [], "path": null, "source_path": null, "parent_names": [] } },
    ] });
    serde_json::to_vec(&json!([context, book])).unwrap()
}

fn answer(name: &str, content: &str) -> Result<Value, String> {
    let fixture = Fixture::new(content);
    let mut answer = Vec::new();
    let book = book::Book::new(fixture.root(), EVIDENCE);
    book.preprocess(name, question(&fixture, content).as_slice(), &mut answer)
        .map_err(|error| error.to_string())?;
    Ok(serde_json::from_slice(&answer).unwrap())
}

#[test]
fn the_chapter_comes_back_changed_and_the_rest_as_it_was() {
    let content = "{{#figure M1/pages}}\n\n```admonish note\nText.\n```\n";
    let directives = answer("directives", content).unwrap();
    let text = directives["items"][2]["Chapter"]["content"]
        .as_str()
        .unwrap();
    assert!(
        text.contains("class=\"measured\"") && text.contains("```admonish note"),
        "{text}"
    );
    let admonish = answer("admonish", content).unwrap();
    let text = admonish["items"][2]["Chapter"]["content"].as_str().unwrap();
    assert!(
        text.contains("admonish-note") && text.contains("{{#figure M1/pages}}"),
        "{text}"
    );
    for book in [directives, admonish] {
        assert_eq!(book["items"][0], json!({ "PartTitle": "Part" }));
        assert_eq!(book["items"][1], json!("Separator"));
        assert_eq!(book["items"][3]["Chapter"]["name"], json!("Draft"));
    }
}

#[test]
fn which_renderers_have_anything_to_gain() {
    let book = book::Book::new(".", EVIDENCE);
    assert!(book.supports("directives", "html").unwrap());
    assert!(book.supports("admonish", "html").unwrap());
    assert!(!book.supports("directives", "markdown").unwrap());
}

#[test]
fn bad_input_is_an_error_in_one_line() {
    let book = book::Book::new(".", EVIDENCE);
    for input in ["", "{}", "[{},", "[1,2]"] {
        let error = book
            .preprocess("directives", input.as_bytes(), Vec::new())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot talk to mdbook: ") && !error.contains('\n'),
            "{error}"
        );
    }
    let error = book
        .preprocess("emoji", b"".as_slice(), Vec::new())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no preprocessor is called `emoji`"),
        "{error}"
    );
    assert_eq!(
        answer("directives", "\n{{#chart M9}}\n").unwrap_err(),
        "src/chapter.md:2: {{#chart M9}}: no claim is called M9 (there is M1)"
    );
}
