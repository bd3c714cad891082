//! The tests of chapter `alpha`, with a judge in miniature: the real one is the package `checks`.

use std::{
    collections::HashMap,
    env,
    fs::OpenOptions,
    io::Write,
    panic,
    sync::{Mutex, Once, mpsc},
    thread::{self, ThreadId},
    time::Duration,
};

/// Who waits for word of a panic, by the thread that may panic: the tests run at the same time.
static WAITING: Mutex<Option<HashMap<ThreadId, mpsc::Sender<Option<String>>>>> = Mutex::new(None);

fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("?");
            if let Some(judge) = WAITING.lock().unwrap().get_or_insert_default().get(&thread::current().id()) {
                let _ = judge.send(Some(format!("{place}:\n{message}")));
            }
        }));
    });
}

/// Runs `body` as the judge would run a subject, and reports what became of it under the test's name.
fn judge(test: &'static str, section: &str, body: fn()) {
    report_panics();
    let (told, answer) = mpsc::channel();
    thread::spawn(move || {
        WAITING.lock().unwrap().get_or_insert_default().insert(thread::current().id(), told.clone());
        body();
        let _ = told.send(None);
    });
    let seconds = env::var("ALPHA_PATIENCE").map_or(60.0, |seconds| seconds.parse().unwrap());
    let (status, message) = match answer.recv_timeout(Duration::from_secs_f64(seconds)) {
        Ok(None) => ("passed", String::new()),
        Ok(Some(message)) if message.contains("not yet implemented") => ("unstarted", message),
        Ok(Some(message)) if message.contains("no python3") => ("skipped", message),
        Ok(Some(message)) if message.contains("exit code 0") => ("crash", message),
        Ok(Some(message)) => ("failed", message),
        Err(_) => ("timeout", "no answer".to_owned()),
    };
    let known = match status {
        "failed" => r#""why":"One is the first number.","seed":7"#,
        _ => r#""seed":7"#,
    };
    if let Ok(report) = env::var("CHECKS_REPORT") {
        // In one write: two tests report at the same time, and only whole writes stay apart.
        let line = format!(
            "{{\"test\":{test:?},\"status\":{status:?},\"message\":{message:?},\"section\":{section:?},{known}}}\n"
        );
        OpenOptions::new().append(true).open(report).unwrap().write_all(line.as_bytes()).unwrap();
    }
    if !matches!(status, "passed" | "skipped") {
        panic::resume_unwind(Box::new(status)); // fails the test, past the hook
    }
}

mod one {
    use super::judge;

    #[test]
    fn it_answers() {
        judge("one::it_answers", "alpha.md#what-one-is", || {
            alpha::one::one();
        });
    }

    #[test]
    fn it_is_one() {
        judge("one::it_is_one", "alpha.md#what-one-is", || assert_eq!(alpha::one::one(), 1, "one is one"));
    }
}

mod two {
    use super::judge;

    #[test]
    fn it_doubles() {
        judge("two::it_doubles", "alpha.md#nowhere", || assert_eq!(alpha::two::two(21), 42));
    }
}
