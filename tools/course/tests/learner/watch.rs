//! `watch`: a check for each save.

use super::*;

#[test]
#[cfg(target_os = "linux")]
fn watch_checks_on_each_save_and_ends_on_ctrl_c() {
    let course = Course::new();
    let (running, lines) = watch(&course, &[]);
    wait_for(&lines, "0 of 2 steps solved");
    wait_for(&lines, "Waiting for the next save");
    course.answer("one", ONE_SOLVED);
    wait_for(&lines, "✓ one  solved: 2 tests");
    wait_for(&lines, "Waiting for the next save");
    // Editors write a new file and rename it; what they leave beside it is no save.
    course.write("exercises/alpha/src/.two.rs.swp", "x");
    course.write("two.new", TWO_SOLVED);
    fs::rename(
        course.path("two.new"),
        course.path("exercises/alpha/src/two.rs"),
    )
    .unwrap();
    wait_for(&lines, "Every step of Alpha is solved.");
    wait_for(&lines, "2 of 2 steps solved");
    wait_for(&lines, "Waiting for the next save");
    let ran = running.interrupt();
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn watch_shows_the_step_that_was_saved_before_the_others() {
    let course = Course::new();
    let (running, lines) = watch(&course, &[]);
    wait_for(&lines, "Waiting for the next save");
    course.answer("two", &TWO_SOLVED.replace("2 * n", "n"));
    let said = wait_for(&lines, "Waiting for the next save");
    let place = |what: &str| {
        let found = said.iter().position(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("no {what:?}: {said:#?}"))
    };
    assert!(
        place("✗ two") < place("two::it_doubles failed."),
        "{said:#?}"
    );
    assert!(
        place("two::it_doubles failed.") < place("· one  not started"),
        "{said:#?}"
    );
    assert_eq!(running.interrupt().code, Some(0));
}

#[test]
fn watch_follows_the_chapter_that_was_saved() {
    let course = Course::new();
    course.add_chapter("beta");
    let (running, lines) = watch(&course, &[]);
    wait_for(&lines, "Alpha: the first letter");
    wait_for(&lines, "Waiting for the next save");
    course.write("exercises/beta/src/one.rs", ONE_SOLVED);
    wait_for(&lines, "Beta: the next letter");
    wait_for(&lines, "✓ one  solved: 2 tests");
    wait_for(&lines, "Waiting for the next save");
    course.answer("two", TWO_SOLVED);
    wait_for(&lines, "Alpha: the first letter");
    wait_for(&lines, "✓ two  solved: 1 test");
    assert_eq!(running.interrupt().code, Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_save_in_another_chapter_during_a_run_is_judged_next() {
    let course = Course::new();
    course.add_chapter("beta");
    let pids = course.path("pids");
    course.answer("one", &hanging(&pids));
    let (running, lines) = watch(&course, &[]);
    let judging = wait_for_pids(&pids, 1);
    course.write("exercises/beta/src/one.rs", ONE_SOLVED);
    wait_for(&lines, "Beta: the next letter");
    wait_for(&lines, "✓ one  solved: 2 tests");
    assert_gone(&judging);
    assert_eq!(running.interrupt().code, Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn a_save_during_a_run_starts_it_anew() {
    let course = Course::new();
    let (first, second) = (course.path("first"), course.path("second"));
    course.answer("one", &hanging(&first));
    let (running, lines) = watch(&course, &[]);
    wait_for_pids(&first, 1);
    course.answer("one", &hanging(&second)); // nobody waits for the first to time out
    wait_for_pids(&second, 1);
    assert_gone(&wait_for_pids(&first, 1));
    let ran = running.interrupt();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_gone(&wait_for_pids(&second, 1));
    assert!(!lines.iter().any(|line| line.contains("timeout")));
}

#[test]
#[cfg(target_os = "linux")]
fn watch_outlives_a_broken_state_and_goes_on_after_the_next_save() {
    let course = Course::new();
    let (running, lines) = watch(&course, &[]);
    wait_for(&lines, "Waiting for the next save");
    course.write("progress.toml", "version = ");
    course.answer("one", ONE_SOLVED);
    wait_for(&lines, "progress.toml: line 1: ");
    wait_for(&lines, "Waiting for the next save");
    fs::remove_file(course.path("progress.toml")).unwrap();
    course.answer("two", TWO_SOLVED);
    wait_for(&lines, "Every step of Alpha is solved.");
    assert_eq!(running.interrupt().code, Some(0));
}

#[test]
#[cfg(target_os = "linux")]
fn watch_stays_with_the_step_it_was_given() {
    let course = Course::new();
    let (running, lines) = watch(&course, &["two"]);
    wait_for(&lines, "Waiting for the next save");
    course.answer("two", TWO_SOLVED);
    wait_for(&lines, "two is solved.");
    wait_for(&lines, "Waiting for the next save");
    course.answer("two", TWO);
    let seen = wait_for(&lines, "Waiting for the next save");
    assert!(
        seen.iter().any(|line| line.contains("· two  not started")),
        "{seen:?}"
    );
    assert!(!seen.iter().any(|line| line.contains("· one")), "{seen:?}");
    assert_eq!(running.interrupt().code, Some(0));
}
