//! `cargo course`, `build` and `preprocess` as they are used: the program itself, its output, its exit codes, its signals.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

/// A course with a small book, and nothing to build for it.
struct Course(tempfile::TempDir);

impl Course {
    fn new(chapter: &str) -> Self {
        let course = Self(tempfile::tempdir().unwrap());
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        // The real book's settings and all that they name, but no head.hbs: that one wants the widgets.
        let theme = fs::read_dir(project.join("theme")).unwrap();
        let theme = theme.map(|entry| format!("theme/{}", entry.unwrap().file_name().display()));
        let theme = theme.filter(|file| !file.ends_with(".hbs"));
        for file in theme.chain(["book.toml".to_owned()]) {
            course.write(&file, &fs::read_to_string(project.join(&file)).unwrap());
        }
        course.write("Cargo.toml", "");
        course.write("exercises/none", "");
        course.write("src/SUMMARY.md", "# Summary\n\n- [Chapter](chapter.md)\n");
        course.write("src/chapter.md", chapter);
        course
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
        // Its temporary files go where the test can look for what is left.
        fs::create_dir_all(self.path("tmp")).unwrap();
        command
            .args(args)
            .arg("--root")
            .arg(self.0.path())
            .env("TMPDIR", self.path("tmp"));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// How many servers have their built pages here.
    fn built_pages(&self) -> usize {
        fs::read_dir(self.path("target")).map_or(0, Iterator::count)
    }

    fn temporary_files(&self) -> usize {
        fs::read_dir(self.path("tmp")).unwrap().count()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A server that does not outlive its test.
struct Serving(Child, BufReader<std::process::ChildStdout>);

impl Serving {
    fn start(course: &Course, args: &[&str]) -> Self {
        Self::of(course.command(args))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self(child, lines)
    }

    /// The first line with `part` in it, and those before.
    fn said(&mut self, part: &str) -> String {
        let mut said = String::new();
        while !said.contains(part) {
            if self.1.read_line(&mut said).unwrap() == 0 {
                let mut complaint = String::new();
                self.0
                    .stderr
                    .take()
                    .unwrap()
                    .read_to_string(&mut complaint)
                    .unwrap();
                panic!("ended without saying {part:?}: {said}{complaint}");
            }
        }
        said
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
fn interrupt(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn serving_ends_cleanly_at_ctrl_c_also_with_a_page_open() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let course = Course::new("# Chapter\n");
        let mut serving = Serving::start(&course, &["serve", "--port", "0"]);
        let said = serving.said("Ctrl-C");
        let address = said
            .split_once("http://")
            .unwrap()
            .1
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned();
        let mut page = TcpStream::connect(&address).unwrap();
        page.write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
            .unwrap();
        let mut first = [0; 12];
        page.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        assert_eq!(course.built_pages(), 1);
        assert_eq!(course.temporary_files(), 0);

        interrupt(&serving.0, signal);
        assert_eq!(serving.0.wait().unwrap().code(), Some(0), "{signal}");
        assert_eq!(
            course.temporary_files() + course.built_pages(),
            0,
            "left behind"
        );
        assert!(TcpStream::connect(&address).is_err(), "the port is free");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_opens_the_browser_is_waited_for() {
    for variable in ["PATH", "BROWSER"] {
        let course = Course::new("# Chapter\n");
        let opener = opener(&course, "echo \"$1\" >\"$0.got\"");
        let mut command = course.command(&["serve", "--port", "0", "--open"]);
        command.env_remove("BROWSER").env("PATH", course.path(""));
        match variable {
            "PATH" => command.env("PATH", opener.parent().unwrap()),
            _ => command.env("BROWSER", &opener),
        };
        let mut serving = Serving::of(command);
        let said = serving.said("Ctrl-C");
        let got = opener.with_extension("got");
        until(|| fs::read_to_string(&got).is_ok_and(|got| got.ends_with('\n')));
        let address = fs::read_to_string(&got).unwrap();
        assert!(said.contains(address.trim()), "{address:?} in {said}");
        until(|| children(serving.0.id()).is_empty()); // a zombie would stay among them
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_browser_that_cannot_be_opened_is_one_line() {
    let course = Course::new("# Chapter\n");
    let opener = opener(&course, "exit 3");
    for path in [opener.parent().unwrap(), &course.path("tmp")] {
        let mut command = course.command(&["serve", "--port", "0", "--open"]);
        command.env_remove("BROWSER").env("PATH", path);
        let mut serving = Serving::of(command);
        serving.said("Ctrl-C");
        let mut complaint = String::new();
        let stderr = serving.0.stderr.take().unwrap();
        BufReader::new(stderr).read_line(&mut complaint).unwrap();
        assert_eq!(
            complaint,
            "warning: no browser could be opened; the address is above\n"
        );
        until(|| children(serving.0.id()).is_empty());
    }
}

/// A stand-in for the system's `xdg-open`, in a folder of its own.
#[cfg(target_os = "linux")]
fn opener(course: &Course, body: &str) -> PathBuf {
    let path = course.path("bin/xdg-open");
    fs::create_dir(path.parent().unwrap()).unwrap();
    // Written by another process: a file that some thread of ours still holds open for writing cannot be started.
    let mut writer = Command::new("sh")
        .args(["-c", "cat >\"$0\" && chmod +x \"$0\""])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let script = format!("#!/bin/sh\n{body}\n");
    let mut stdin = writer.stdin.take().unwrap();
    stdin.write_all(script.as_bytes()).unwrap();
    drop(stdin);
    assert!(writer.wait().unwrap().success());
    path
}

/// The processes that `pid` has started and not collected.
#[cfg(target_os = "linux")]
fn children(pid: u32) -> Vec<String> {
    let parent_of = |stat: &str| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok();
    let stats = fs::read_dir("/proc").unwrap().flatten();
    stats
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter(|stat| parent_of(stat) == Some(pid))
        .collect()
}

#[cfg(target_os = "linux")]
#[track_caller]
fn until(mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !happened() {
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn without_a_command_it_serves_and_goes_around_a_taken_port() {
    let course = Course::new("# Chapter\n");
    // Not while another test lets go of it; and then, whoever has it, it is taken.
    let turn =
        fs::File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("port-3000.lock")).unwrap();
    turn.lock().unwrap();
    let _usual = TcpListener::bind("127.0.0.1:3000");
    let mut command = Command::new(env!("CARGO_BIN_EXE_course"));
    command
        .current_dir(course.0.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.args(["--root", "."]).env("TMPDIR", course.0.path());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    let mut serving = Serving(child, lines);
    let said = serving.said("Ctrl-C");
    assert!(
        said.contains("Port 3000 is taken") && said.contains("http://127.0.0.1:"),
        "{said}"
    );
    assert!(!said.contains("127.0.0.1:3000"), "{said}");
}

#[test]
fn a_port_that_was_asked_for_and_is_taken_is_an_error() {
    let course = Course::new("# Chapter\n");
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let output = course.run(&["--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with(&format!("error: port {port}: ")),
        "{}",
        stderr(&output)
    );
    assert!(stderr(&output).contains("--port"), "{}", stderr(&output));
}

#[test]
fn build_writes_the_site_or_says_why_not_in_one_line() {
    let course = Course::new("# Chapter\n");
    let output = course.run(&["build"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(course.path("book/chapter.html").is_file());

    let elsewhere = course.path("else where/site");
    let output = course.run(&["build", "--dest", elsewhere.to_str().unwrap()]);
    assert!(
        output.status.success() && elsewhere.join("index.html").is_file(),
        "{}",
        stderr(&output)
    );

    course.write("src/chapter.md", "# Chapter\n\n{{#chart no-such-claim}}\n");
    let output = course.run(&["build"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("error: src/chapter.md:3: "),
        "{}",
        stderr(&output)
    );
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(
        course.path("book/chapter.html").is_file(),
        "the old site stays"
    );
}

#[test]
fn a_wrong_command_line_is_2_and_a_wrong_folder_is_1() {
    let course = Course::new("# Chapter\n");
    for args in [
        &["sevre"][..],
        &["--port", "high"],
        &["build", "--nowhere"],
        &["preprocess"],
    ] {
        let output = course.run(args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            stderr(&output)
        );
    }
    let output = Command::new(env!("CARGO_BIN_EXE_course"))
        .args(["build", "--root", "/"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("error: /: not the folder of the course"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn help_names_every_command_and_survives_a_closed_pipe() {
    let output = Command::new(env!("CARGO_BIN_EXE_course"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for command in [
        "serve", "build", "check", "watch", "hint", "reset", "solution", "lab", "bench", "grade",
        "doctor",
    ] {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command} in {help}"
        );
        let output = Command::new(env!("CARGO_BIN_EXE_course"))
            .args([command, "--help"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{command} --help");
    }
    assert!(
        !help.contains("preprocess"),
        "mdbook's affair, not the reader's"
    );

    let course = Course::new("# Chapter\n");
    let mut child = course
        .command(&["build"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take()); // as `| true` does
    let output = child.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "", "no panic, no complaint");
}

#[test]
fn preprocess_answers_as_mdbook_asks() {
    let course = Course::new("");
    for (renderer, code) in [("html", 0), ("markdown", 1)] {
        let mut asked = course.command(&["preprocess", "directives", "supports", renderer]);
        assert_eq!(
            asked.output().unwrap().status.code(),
            Some(code),
            "{renderer}"
        );
    }
    let ask = |name: &str, text: &str| {
        let question = serde_json::json!([
            {
                "root": course.0.path(), "renderer": "html", "mdbook_version": "0.5.4",
                "config": { "book": { "src": "src" }, "preprocessor": { "admonish": { "assets_version": "3.1.0" } } },
            },
            { "items": [{ "Chapter": {
                "name": "Chapter", "content": text, "number": [1], "sub_items": [],
                "path": "chapter.md", "source_path": "chapter.md", "parent_names": [],
            } }] },
        ]);
        let mut child = course
            .command(&["preprocess", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(question.to_string().as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    let output = ask("admonish", "```admonish tip\nText.\n```\n");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = answer["items"][0]["Chapter"]["content"].as_str().unwrap();
    assert!(text.contains("admonish-tip"), "{text}");

    let output = ask("directives", "\n{{#listing gone.py}}\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with("error: src/chapter.md:2: "),
        "{}",
        stderr(&output)
    );
    assert!(output.stdout.is_empty(), "half an answer is none");
}
