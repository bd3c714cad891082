//! Snapshots by insta, told to a learner in our words: they have no use for `cargo insta`.

use crate::failure;
use std::path::Path;

/// Compares `value` with `<folder>/<name>.snap`. With `INSTA_UPDATE` set, insta itself does, and may write the file.
#[doc(hidden)]
#[track_caller]
pub fn compare(folder: &str, name: &str, value: &str) {
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update != "no") {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(folder);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, value));
        return;
    }
    let path = Path::new(folder).join(format!("{name}.snap"));
    let stored = match insta::Snapshot::from_file(&path) {
        Ok(stored) => stored
            .contents()
            .as_text()
            .map(ToString::to_string)
            .unwrap_or_default(),
        Err(error) => failure::infrastructure(format!("{}: {error}", path.display())),
    };
    assert!(
        stored.trim_end() == value.trim_end(),
        "{}",
        difference(&stored, value)
    );
}

fn difference(expected: &str, yours: &str) -> String {
    let diff = similar::TextDiff::from_lines(expected.trim_end(), yours.trim_end());
    let mut text = String::from("This is not what was expected (- expected, + yours):\n");
    for change in diff.iter_all_changes() {
        text += &format!(
            "    {} {}\n",
            change.tag(),
            change.value().trim_end_matches('\n')
        );
    }
    text
}
