//! `cargo course grade` as an instructor meets it: exit codes, table, results file, bad paths, Ctrl-C, a full disk.

#[path = "../../grader/tests/common/mod.rs"]
mod common;
#[path = "grade/reports.rs"]
mod reports;

use common::Fixture;
use std::{
    fs,
    io::Read,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn command(fixture: &Fixture, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command
        .arg("grade")
        .arg("--root")
        .arg(fixture.root())
        .args(args)
        // Submissions of these tests are ours, and some of them talk to the test through files.
        .arg("--no-sandbox");
    command
        .current_dir(fixture.path(""))
        .env_remove("RUST_BACKTRACE");
    command
}

fn run(mut command: Command) -> Ran {
    let output = command.output().expect("course starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

fn grade(fixture: &Fixture, args: &[&str]) -> Ran {
    run(command(fixture, args))
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).expect("results");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What is in the folder that the command runs in.
fn left(fixture: &Fixture) -> Vec<String> {
    let entries = fs::read_dir(fixture.path("")).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .collect();
    names.sort();
    names
}

const WRONG: &str = "pub fn next(n: u64) -> u64 { n * 2 }";

#[test]
fn a_class_is_judged_whatever_the_marks() {
    let fixture = Fixture::new();
    fixture.submit("ann", &[]);
    fixture.submit("bob", &[("src/one.rs", WRONG)]);
    fixture.submit("eve", &[("src/one.rs", "pub fn next(n: u64) -> u64 {")]);
    let ran = grade(&fixture, &["class"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let table = "\
sums
  submission  one  many  all  marks     worst
  ann         3/3  3/3   6/6  20/20     passed
  bob         1/3  3/3   4/6  13.33/20  failed
  eve         0/3  0/3   0/6  0/20      compile error

eve: compile error: this file contains an unclosed delimiter
3 exercises: 1 passed every test, 2 did not, 0 could not be judged in full. Sandbox: none.
Results: results.jsonl
";
    assert_eq!(ran.out, table);
    assert!(
        ran.err
            .starts_with("sandbox: none: submissions run as you do\n"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains(" bob sums: 4/6 failed\n"), "{}", ran.err);
    let ended = ran.err.lines().filter_map(|line| line.split_once("/3 "));
    let ended: Vec<_> = ended.map(|(number, _)| number).collect();
    assert_eq!(ended, ["1", "2", "3"], "{}", ran.err);

    let results = lines(&fixture.path("results.jsonl"));
    assert_eq!(results.len(), 18);
    assert!(
        results
            .iter()
            .all(|line| line["sandbox"] == "none" && line["exercise"] == "sums")
    );
    let bob = results
        .iter()
        .find(|line| line["submission"] == "bob")
        .expect("bob's first test");
    assert_eq!(
        (
            bob["step"].as_str(),
            bob["test"].as_str(),
            bob["status"].as_str()
        ),
        (Some("one"), Some("one::after_zero"), Some("failed"))
    );
    assert_eq!(
        (
            bob["message"].as_str(),
            bob["why"].as_str(),
            bob["section"].as_str()
        ),
        (
            Some("the answer is 0, not 1"),
            Some("Zero is a number, too."),
            Some("sums.md#one-more-or-none")
        )
    );

    // Once more, for one alone: the results of before are kept.
    let ran = grade(&fixture, &["class/ann", "--exercise", "sums"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .ends_with("Results: results.jsonl (the older ones: results.jsonl.1)\n"),
        "{}",
        ran.out
    );
    assert_eq!(lines(&fixture.path("results.jsonl.1")), results);
    assert_eq!(lines(&fixture.path("results.jsonl")).len(), 6);

    let mut narrow = command(&fixture, &["class"]);
    narrow.env("COLUMNS", "52");
    let narrow = run(narrow).out;
    let table = "\
sums
  submission  1    2    all  marks     worst
  ann         3/3  3/3  6/6  20/20     passed
";
    assert!(narrow.starts_with(table), "{narrow}");
    assert!(narrow.contains("\n  steps: 1 one, 2 many\n"), "{narrow}");
    // Where there is no room for that, either, no heading and no number breaks.
    let mut narrow = command(&fixture, &["class"]);
    narrow.env("COLUMNS", "30");
    let narrow = run(narrow).out;
    let table = "\
sums
  submission  1    2    all  marks     worst
  ann         3/3  3/3  6/6  20/20     passed
";
    assert!(narrow.starts_with(table), "{narrow}");
}

/// How an instructor leaves a bonus out.
#[test]
fn a_step_without_points_is_judged_and_changes_no_mark() {
    let fixture = Fixture::new();
    for place in ["exercises", "solutions"] {
        let steps = "steps = [\"one\", \"many\"]";
        let manifest = format!("{place}/sums/Cargo.toml");
        fixture.replace(
            &manifest,
            steps,
            &format!("{steps}\npoints = {{ many = 0 }}"),
        );
    }
    let sum = "pub fn sum(_: &[u64]) -> u64 { 0 }";
    fixture.submit("bob", &[("src/many.rs", sum)]);
    let ran = grade(&fixture, &["class"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let row = "  bob         3/3  1/3   4/6  10/10  failed\n";
    assert!(ran.out.contains(row), "{ran:?}");
}

#[test]
fn without_insisting_nothing_runs_outside_a_sandbox() {
    let fixture = Fixture::new();
    let mark = fixture.path("mark");
    let code = format!(
        "pub fn next(n: u64) -> u64 {{ let _ = std::fs::write({:?}, \"\"); n + 1 }}",
        mark.display().to_string()
    );
    fixture.submit("ann", &[("src/one.rs", &code)]);
    let plain = |path: &str, level: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
        command
            .args(["grade", "class", "--root"])
            .arg(fixture.root())
            .args(level);
        command.current_dir(fixture.path("")).env("PATH", path);
        run(command)
    };
    // No bubblewrap can be found where there is nothing; the places that are looked at all the same are the system's.
    if !Path::new("/usr/bin/bwrap").exists() && !Path::new("/usr/local/bin/bwrap").exists() {
        let ran = plain("/nowhere", &["--level", "L2"]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(
            ran.err.starts_with("error: no sandbox works here: "),
            "{ran:?}"
        );
    }
    // The strongest that works, which may be L1 where there is no bubblewrap; and L1 because it is asked for.
    let asked: [(&str, &[&str]); 2] = [("bwrap", &[]), ("landlock", &["--level", "L1"])];
    for (needed, level) in asked {
        let ran = plain(&std::env::var("PATH").expect("a PATH"), level);
        if ran.code == Some(2) {
            let refused = "error: no sandbox works here: ";
            assert!(ran.err.starts_with(refused), "{ran:?}");
            common::skip(needed, ran.err.trim());
            continue;
        }
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let passes = "ann         3/3  3/3   6/6  20/20  passed";
        assert!(ran.out.contains(passes), "{ran:?}");
        for line in lines(&fixture.path("results.jsonl")) {
            let found = line["sandbox"].as_str().expect("a level");
            assert_ne!(found, "none");
            assert!(level.is_empty() || found == "L1", "{line}");
        }
    }
    assert!(!mark.exists(), "a submission reached outside");
}

#[test]
fn what_could_not_be_judged_is_told_by_the_exit_code() {
    let fixture = Fixture::new();
    fixture.submit("ann", &[]);
    fs::create_dir_all(fixture.path("class/notes")).expect("a folder");
    fixture.replace("tests/sums/many.rs", "&[7], 7,", "&[7], 8,");
    let ran = grade(&fixture, &["class", "--output", "marks.jsonl"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    for line in [
        "  ann         3/3  2/2?  5/5?  16.67/20 (3.33 open)  infrastructure error\n",
        "notes: rejected: it has no exercises/<slug>/src\n",
        "?: tests that could not be judged; they must not count as a zero. The same command tries them again\n",
        "1 exercise: 0 passed every test, 0 did not, 1 could not be judged in full. 1 submission held no exercise that could be judged. Sandbox: none.\n",
    ] {
        assert!(ran.out.contains(line), "{line:?} is not in:\n{}", ran.out);
    }
    assert!(ran.err.contains("/2 notes: rejected\n"), "{}", ran.err);
    assert_eq!(lines(&fixture.path("marks.jsonl")).len(), 7);
}

#[test]
fn a_wrong_command_line_judges_nothing() {
    let fixture = Fixture::new();
    fixture.submit("ann", &[]);
    fs::create_dir_all(fixture.path("empty")).expect("a folder");
    fs::write(fixture.path("file"), "").expect("a file");
    fs::create_dir_all(fixture.path("links")).expect("a folder");
    symlink(fixture.path("class/ann"), fixture.path("links/ann")).expect("a symlink");
    fs::write(fixture.path("results.jsonl"), "old\n").expect("older results");
    for (args, says) in [
        (&["missing"][..], "cannot read missing: "),
        (&["class", "missing"], "cannot read missing: "),
        (&["empty"], "empty holds no submission"),
        (&["file"], "file is not a folder or an archive"),
        (
            &["links"],
            "links holds no submission, only symlinks (name the folders that they point to)",
        ),
        (
            &["class", "--exercise", "sum"],
            "no exercise is called `sum` (did you mean `sums`? there is: sums)",
        ),
        (
            &["class", "--output", "missing/results.jsonl"],
            "cannot write missing/results.jsonl: ",
        ),
        (
            &["class", "--output", "empty"],
            "cannot write empty: it is not a regular file",
        ),
        (
            &["class", "--output", "/dev/null"],
            "cannot write /dev/null: it is not a regular file",
        ),
    ] {
        let ran = grade(&fixture, args);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(2), ""),
            "{args:?}: {ran:?}"
        );
        assert!(
            ran.err.starts_with(&format!("error: {says}")) && ran.err.lines().count() == 1,
            "{args:?}: {}",
            ran.err
        );
    }
    assert_eq!(grade(&fixture, &[]).code, Some(2));
    assert!(
        !fixture.root().join("target").exists(),
        "something was built"
    );
    assert_eq!(
        left(&fixture),
        ["class", "course", "empty", "file", "links", "results.jsonl"]
    );
}

/// A function that leaves a byte in a file for each call.
fn counted(file: &Path) -> String {
    format!(
        "pub fn next(n: u64) -> u64 {{ use std::io::Write; std::fs::OpenOptions::new().append(true).create(true).open({:?}).unwrap().write_all(b\"x\").unwrap(); n + 1 }}",
        file.display().to_string()
    )
}

#[test]
fn a_killed_grader_loses_nothing_and_judges_nobody_twice() {
    let fixture = Fixture::new();
    let calls = fixture.path("calls");
    fs::create_dir(&calls).expect("a folder");
    // Without a sandbox nobody ends it once its grader was killed, so it ends when its judge has.
    let hang = format!(
        "pub fn next(_: u64) -> u64 {{ use std::os::unix::process::parent_id; std::fs::write({:?}, \"\").unwrap(); let judge = parent_id(); while parent_id() == judge {{ std::thread::sleep(std::time::Duration::from_millis(50)) }} 0 }}",
        calls.join("hangs").display().to_string()
    );
    fixture.submit("ann", &[("src/one.rs", &counted(&calls.join("ann")))]);
    fixture.submit("bob", &[("src/one.rs", &counted(&calls.join("bob")))]);
    fixture.submit("cyn", &[("src/one.rs", "pub fn next(n: u64) -> u64 {")]);
    fixture.submit("dan", &[("src/one.rs", &hang)]);
    let partial = fixture.path("results.jsonl.partial");
    let units = || {
        let text = fs::read_to_string(&partial).unwrap_or_default();
        text.matches('\n').count()
    };

    let mut course = command(&fixture, &["class"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("course starts");
    wait_for(|| (calls.join("hangs").exists() && units() == 3).then_some(()));
    // Nobody else writes there meanwhile.
    let second = grade(&fixture, &["class/ann"]);
    assert_eq!(second.code, Some(2), "{second:?}");
    assert!(
        second
            .err
            .starts_with("error: another grader is writing results.jsonl"),
        "{second:?}"
    );
    course.kill().expect("it runs");
    course.wait().expect("it was killed");
    assert!(!fixture.path("results.jsonl").exists());

    // As if it had been killed in the middle of a line, too.
    let mut torn = fs::OpenOptions::new()
        .append(true)
        .open(&partial)
        .expect("the journal");
    std::io::Write::write_all(&mut torn, b"{\"unit\":\"12").expect("room");
    drop(torn);
    let before = ["ann", "bob"].map(|name| fs::read(calls.join(name)).expect("calls"));
    fixture.submit("dan", &[("src/one.rs", WRONG)]);
    let ran = grade(&fixture, &["class"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.err
            .contains("3 exercises judged before: continuing from there\n"),
        "{ran:?}"
    );
    for line in [
        "  ann         3/3  3/3   6/6  20/20     passed\n",
        "  bob         3/3  3/3   6/6  20/20     passed\n",
        "  cyn         0/3  0/3   0/6  0/20      compile error\n",
        "  dan         1/3  3/3   4/6  13.33/20  failed\n",
    ] {
        assert!(ran.out.contains(line), "{line:?} is not in:\n{}", ran.out);
    }
    let after = ["ann", "bob"].map(|name| fs::read(calls.join(name)).expect("calls"));
    assert_eq!(before, after, "somebody was judged twice");
    assert!(!partial.exists());
    assert_eq!(lines(&fixture.path("results.jsonl")).len(), 24);

    // What the verdict depends on has changed: nobody's old one counts.
    fixture.replace("tests/sums/one.rs", "Step 1.", "Step one.");
    let ran = grade(&fixture, &["class/ann"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.err.contains("judged before"), "{ran:?}");
}

#[test]
fn what_lies_beside_submissions_is_told() {
    let fixture = Fixture::new();
    fixture.submit("ann", &[]);
    for name in ["bob.rar", "roster.csv"] {
        fs::write(fixture.path("class").join(name), "?").expect("a file");
    }
    let ran = grade(&fixture, &["class"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in [
        "bob.rar: rejected: it is no folder, .zip or .tar.gz (hand in one of these)\n",
        "Passed over: 1 file (roster.csv)\n",
    ] {
        assert!(ran.out.contains(line), "{line:?} is not in:\n{}", ran.out);
    }
}

#[test]
fn ctrl_c_leaves_no_process_and_no_file() {
    let fixture = Fixture::new();
    let pids = fixture.path("pids");
    fs::create_dir(&pids).expect("a folder");
    let hang = format!(
        "pub fn next(_: u64) -> u64 {{ std::fs::write(format!(\"{{}}/{{}}\", {:?}, std::process::id()), \"\").unwrap(); loop {{ std::thread::park() }} }}",
        pids.display().to_string()
    );
    fixture.submit("hangs", &[("src/one.rs", &hang)]);
    fs::write(fixture.path("results.jsonl"), "old\n").expect("older results");

    let mut course = command(&fixture, &["class"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("course starts");
    let running = wait_for(|| numbers(&pids).first().copied());
    let status = Command::new("kill")
        .arg("-INT")
        .arg(course.id().to_string())
        .status()
        .expect("kill");
    assert!(status.success());
    let ended = wait_for(|| course.try_wait().expect("a child"));
    assert_eq!(ended.code(), Some(130));
    let mut said = String::new();
    course
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut said)
        .expect("text");
    assert!(
        said.ends_with("interrupted: nothing was written to results.jsonl\n"),
        "{said}"
    );

    wait_for(|| (!lives(running)).then_some(()));
    assert!(numbers(&pids).into_iter().all(|pid| !lives(pid)));
    assert_eq!(
        fs::read_to_string(fixture.path("results.jsonl")).expect("kept"),
        "old\n"
    );
    assert_eq!(left(&fixture), ["class", "course", "pids", "results.jsonl"]);
    let mut kept: Vec<_> = fs::read_dir(fixture.root().join("target/grade"))
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    kept.sort();
    assert_eq!(kept, ["lock", "slot"]);
}

fn numbers(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .filter_map(|entry| entry.expect("an entry").file_name().to_str()?.parse().ok())
        .collect()
}

fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !matches!(
        stat.rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next()),
        None | Some('Z' | 'X')
    )
}

fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_full_disk_is_told_and_costs_nothing() {
    let fixture = Fixture::new();
    fixture.submit("ann", &[]);
    fs::write(fixture.path("results.jsonl"), "old\n").expect("older results");
    let course = command(&fixture, &["class"]);
    let mut shell = Command::new("sh");
    // No file may grow past zero bytes; ignored, the signal becomes an error of the write.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]);
    shell
        .arg(course.get_program())
        .args(course.get_args())
        .current_dir(fixture.path(""));
    let ran = run(shell);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    let place = fixture
        .root()
        .canonicalize()
        .expect("a folder")
        .join("target/grade/slot");
    let error = ran.err.lines().last().unwrap_or_default();
    assert!(
        error.starts_with(&format!("error: cannot use {}", place.display()))
            && error.ends_with("(is the disk full?)"),
        "{error}"
    );
    assert_eq!(
        fs::read_to_string(fixture.path("results.jsonl")).expect("kept"),
        "old\n"
    );
    assert_eq!(left(&fixture), ["class", "course", "results.jsonl"]);
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let fixture = Fixture::new();
    fixture.submit("ann\u{1b}[31m", &[]);
    let ran = grade(&fixture, &["class"]);
    assert!(
        !ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'),
        "{ran:?}"
    );
    assert!(ran.out.contains("ann\\u{1b}[31m"), "{ran:?}");
    assert!(fixture.path("results.jsonl").exists());
}

/// Marks, the last commit before a deadline, a roster and the reports for a class on GitHub, as an instructor asks for them.
#[test]
fn a_classroom_is_judged_at_its_deadline() {
    let fixture = Fixture::new();
    let git = |folder: &Path, date: &str, args: &[&str]| {
        let done = Command::new("git")
            .current_dir(folder)
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_COMMITTER_DATE", date)
            .output()
            .expect("git starts");
        assert!(done.status.success(), "{done:?}");
    };
    let ann = fixture.submit("lab1-ann", &[("src/one.rs", WRONG)]);
    git(&ann, "@0 +0000", &["init", "-q"]);
    git(&ann, "@0 +0000", &["add", "--all"]);
    git(&ann, "2026-11-20T12:00:00Z", &["commit", "-qm", "wrong"]);
    fixture.submit("lab1-ann", &[]);
    git(
        &ann,
        "2026-11-22T12:00:00Z",
        &["commit", "-qam", "right, and late"],
    );
    fixture.submit("lab1-zip", &[]);
    let roster = "identifier,github_username\nAnn A.,ann\nBob B.,bob\nZoe Z.,zip\n";
    fs::write(fixture.path("roster.csv"), roster).expect("room");
    let deadline = "2026-11-20T23:59:59+01:00";
    let args = ["class", "--roster", "roster.csv", "--deadline", deadline];
    let ran = grade(&fixture, &args);
    assert_eq!(
        ran.code,
        Some(3),
        "one has no history, which is no zero: {ran:?}"
    );
    assert!(
        ran.out.contains("Handed in nothing: Bob B.\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("Ann A.: commit "), "{}", ran.out);
    assert!(
        ran.out.contains("1 later on its branch left out"),
        "{}",
        ran.out
    );
    let results = lines(&fixture.path("results.jsonl"));
    let of = |name: &'static str| {
        results
            .iter()
            .filter(move |line| line["submission"] == name)
    };
    let earned: f64 = of("Ann A.")
        .filter(|line| line["status"] == "passed")
        .filter_map(|line| line["points"].as_f64())
        .sum();
    assert!((earned - 40.0 / 3.0).abs() < 1e-9, "{earned}");
    assert_eq!(
        of("Ann A.").next().expect("one")["commit"]["committer_date"],
        "2026-11-20T12:00:00Z"
    );
    assert!(of("Zoe Z.").all(|line| line["status"] == "infrastructure_error"));

    fs::write(fixture.path("summary.md"), "before\n").expect("room");
    let mut report = Command::new(env!("CARGO_BIN_EXE_course"));
    report
        .current_dir(fixture.path(""))
        .args(["grade", "report", "--feedback", "feedback"])
        .args([
            "--summary",
            "summary.md",
            "--annotations",
            "--weight",
            "sums=2",
            "--root",
        ])
        .arg(fixture.root());
    let ran = run(report);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let summary = fs::read_to_string(fixture.path("summary.md")).expect("a summary");
    assert!(summary.starts_with("before\n## Results\n"), "{summary}");
    assert!(
        summary.contains("| Ann A. | sums | 4/6 | 26.67/40 | failed |"),
        "{summary}"
    );
    assert!(ran.out.contains("::warning title=Zoe Z."), "{}", ran.out);
    assert!(!ran.out.contains("::error"), "{}", ran.out);
    assert_eq!(
        fs::read_dir(fixture.path("feedback"))
            .expect("a folder")
            .count(),
        2
    );
}
