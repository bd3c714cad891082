//! The ids that `files` gives to headings are those of mdBook's own pages.

mod support;

use support::{Fixture, main_of};

#[test]
fn ids_are_those_of_mdbook() {
    let text = "# Who sees `my` *write*?\n\n## ÜBER ΣΑΣ\n\n## Same\n\n## Same\n\n## Same-1\n\n### Named {#Same}\n\n## Same\n\n\
                Setext `x`\n----------\n\n> ## quoted\n\n- ## in a list\n\n```\n# no heading\n```\n\nterm\n: what it is\n\n## term\n\n## 中文 🐙 x_y-z\n\n## !!!\n\n## !\n";
    let page = Fixture::new(text).page();
    let main = main_of(&page);
    let mut built = Vec::new();
    for level in 1..=6 {
        for part in main.split(&format!("<h{level} id=\"")).skip(1) {
            built.push(part.split('"').next().unwrap().to_owned());
        }
    }
    let mut ours: Vec<_> = files::markdown::headings(text)
        .into_iter()
        .map(|heading| heading.id)
        .collect();
    built.sort();
    ours.sort();
    assert_eq!(ours, built);
}
