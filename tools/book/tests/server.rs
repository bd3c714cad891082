//! The server over real sockets: pages, live reload, and whom it turns away.

mod support;

use book::Error;
use book::serve::{Event, Port, Server};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use support::Fixture;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

/// Longer than any answer takes; only a failing test waits so long.
const LONG: Duration = Duration::from_secs(30);

struct Running {
    address: SocketAddr,
    told: Receiver<String>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), Error>>>,
}

impl Running {
    fn start(fixture: &Fixture) -> Self {
        Self::start_with(fixture, |server| server)
    }

    fn start_with(fixture: &Fixture, change: impl FnOnce(Server) -> Server) -> Self {
        let server = change(Server::bind(fixture.book(), Port::Exactly(0)).unwrap());
        let address = server.address();
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            let stopped = async { drop(stopped.await) };
            server.run(stopped, |event| {
                let text = match event {
                    Event::Ready { .. } => "ready".to_owned(),
                    Event::Rebuilt { changed, .. } => {
                        let first = changed.first().map(|path| path.display().to_string());
                        format!("rebuilt {}", first.unwrap_or_default())
                    }
                    Event::Broken(error) => format!("broken {error}"),
                };
                let _ = tell.send(text);
            })
        });
        let running = Self {
            address,
            told,
            stop: Some(stop),
            thread: Some(thread),
        };
        assert_eq!(running.next(), "ready");
        running
    }

    /// What the server says next.
    fn next(&self) -> String {
        self.told
            .recv_timeout(LONG)
            .expect("the server says something")
    }

    /// Sends exactly these lines and returns the whole answer.
    fn say(&self, lines: &[&str]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
            .write_all(format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n")).as_bytes())
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.say(&[
            &format!("GET {path} HTTP/1.1"),
            &format!("Host: {}", self.address),
        ])
    }

    /// Opens the address that mdBook's own script on this page opens.
    fn socket_of(&self, page: &str) -> WebSocket<TcpStream> {
        let script = page
            .split_once("location.host + \"/\" + \"")
            .expect("the page has mdBook's reload script")
            .1;
        let endpoint = script.split_once('"').unwrap().0;
        self.socket(
            &format!("ws://{}/{endpoint}", self.address),
            &format!("http://{}", self.address),
        )
        .unwrap()
    }

    fn socket(&self, url: &str, origin: &str) -> Result<WebSocket<TcpStream>, String> {
        let mut request = url.into_client_request().unwrap();
        request
            .headers_mut()
            .insert("Origin", origin.parse().unwrap());
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        tungstenite::client(request, stream)
            .map(|(socket, _)| socket)
            .map_err(|error| error.to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().unwrap().join();
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

#[test]
fn an_edit_reloads_the_page_and_shows() {
    let fixture = Fixture::new("# Before\n");
    let server = Running::start(&fixture);
    let page = server.get("/chapter.html");
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("Before"),
        "{page}"
    );
    assert!(
        page.to_lowercase().contains("cache-control: no-store"),
        "{page}"
    );
    let mut socket = server.socket_of(&page);

    fixture.write("src/chapter.md", "# After\n");
    assert_eq!(socket.read().unwrap(), Message::text("reload"));
    assert_eq!(server.next(), "rebuilt src/chapter.md");
    assert!(server.get("/chapter.html").contains("After"));

    // A page that loaded before the edit and listens only after it is told at once.
    let mut late = server.socket_of(&page);
    assert_eq!(late.read().unwrap(), Message::text("reload"));
}

#[test]
fn a_broken_edit_keeps_the_last_good_book() {
    let fixture = Fixture::new("# Good\n");
    let server = Running::start(&fixture);
    let page = server.get("/");
    let mut socket = server.socket_of(&page);

    fixture.write("src/chapter.md", "# Bad\n\n{{#chart M9}}\n");
    assert!(server.next().starts_with("broken src/chapter.md:3: "));
    assert!(server.get("/chapter.html").contains("Good"));

    // The page shows why, also one that was opened in between, and reloads once the book is whole.
    let mut late = server.socket_of(&page);
    for socket in [&mut socket, &mut late] {
        let error = socket.read().unwrap().into_text().unwrap();
        assert!(
            error.starts_with("build-error: src/chapter.md:3: "),
            "{error}"
        );
    }
    fixture.write("src/chapter.md", "# Mended\n");
    assert_eq!(server.next(), "rebuilt src/chapter.md");
    for socket in [&mut socket, &mut late] {
        assert_eq!(socket.read().unwrap(), Message::text("reload"));
    }
    assert!(server.get("/chapter.html").contains("Mended"));
}

#[test]
fn every_part_of_the_book_is_watched() {
    let fixture = Fixture::new("# Book\n");
    let server = Running::start(&fixture);
    for part in ["theme/course.css", "records/mine/M1.json", "src/new.py"] {
        fixture.write(part, "/* new */");
        assert_eq!(server.next(), format!("rebuilt {part}"));
    }
    let toml = std::fs::read_to_string(fixture.path("book.toml")).unwrap();
    fixture.write(
        "book.toml",
        &toml.replace("Process vs Thread in Python", "Another title"),
    );
    assert_eq!(server.next(), "rebuilt book.toml");
    assert!(server.get("/chapter.html").contains("Another title"));
}

#[test]
fn what_is_not_there_is_404_and_looks_like_the_book() {
    let fixture = Fixture::new("# Book\n");
    let server = Running::start(&fixture);
    let page = server.get("/deep/nowhere.html");
    assert!(
        page.starts_with("HTTP/1.1 404") && page.contains("<base href=\"/\">"),
        "{page}"
    );
}

#[test]
fn nothing_outside_the_book_is_served() {
    let fixture = Fixture::new("# Book\n");
    fixture.write("secret.txt", "secret of the folder above");
    let server = Running::start(&fixture);
    for path in [
        "/../secret.txt",
        "/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/css/../../secret.txt",
        "//etc/passwd",
        "/..\\secret.txt",
        "/%00",
        "/etc/passwd",
        "/./../../../../../../etc/passwd",
    ] {
        let answer = server.get(path);
        assert!(!answer.starts_with("HTTP/1.1 2"), "{path}: {answer}");
        assert!(
            !answer.contains("secret of") && !answer.contains("root:"),
            "{path}: {answer}"
        );
    }
    assert!(
        server.get("/").starts_with("HTTP/1.1 200"),
        "and it still serves"
    );
}

#[test]
fn a_foreign_host_or_page_is_turned_away() {
    let fixture = Fixture::new("# Secret draft\n");
    let server = Running::start(&fixture);
    let port = server.address.port();
    for host in [
        "evil.example",
        &format!("evil.example:{port}"),
        "127.0.0.1.evil.example",
        "10.1.2.3",
    ] {
        let answer = server.say(&["GET /chapter.html HTTP/1.1", &format!("Host: {host}")]);
        assert!(
            answer.starts_with("HTTP/1.1 403") && !answer.contains("Secret"),
            "{host}: {answer}"
        );
    }
    let nameless = server.say(&["GET /chapter.html HTTP/1.0"]);
    assert!(nameless.starts_with("HTTP/1.0 403"), "{nameless}");
    let localhost = server.say(&[
        "GET /chapter.html HTTP/1.1",
        &format!("Host: localhost:{port}"),
    ]);
    assert!(localhost.starts_with("HTTP/1.1 200"), "{localhost}");

    let url = format!("ws://{}/__reload", server.address);
    let refused = server
        .socket(&url, "http://evil.example")
        .map(drop)
        .unwrap_err();
    assert!(refused.contains("403"), "{refused}");
    server
        .socket(&url, &format!("http://{}", server.address))
        .unwrap();
}

#[test]
fn only_reading_is_allowed() {
    let fixture = Fixture::new("# Book\n");
    let server = Running::start(&fixture);
    for method in ["POST", "PUT", "DELETE"] {
        let answer = server.say(&[
            &format!("{method} /chapter.html HTTP/1.1"),
            &format!("Host: {}", server.address),
            "Content-Length: 0",
        ]);
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
}

#[test]
fn a_taken_port_is_named_or_gone_around() {
    let fixture = Fixture::new("# Book\n");
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let error = Server::bind(fixture.book(), Port::Exactly(port))
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("port {port}")) && error.contains("--port"),
        "{error}"
    );

    // Not while another test lets go of 3000; and then, whoever has it, it is taken.
    let turn = std::fs::File::create(
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("port-3000.lock"),
    )
    .unwrap();
    turn.lock().unwrap();
    let _usual = TcpListener::bind("127.0.0.1:3000");
    let server = Server::bind(fixture.book(), Port::Usual).unwrap();
    assert_eq!(server.taken_port(), Some(3000));
    assert_ne!(server.address().port(), 3000);
    assert!(server.address().ip().is_loopback());
}

#[test]
fn a_book_that_never_built_is_an_error() {
    let fixture = Fixture::new("{{#chart M9}}\n");
    let server = Server::bind(fixture.book(), Port::Exactly(0)).unwrap();
    let error = server
        .run(std::future::pending(), |_| {})
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("src/chapter.md:1: "), "{error}");
}

#[test]
fn many_pages_listen_and_go_without_being_told() {
    let fixture = Fixture::new("# Book\n");
    let server = Running::start(&fixture);
    let page = server.get("/");
    let mut stay = server.socket_of(&page);
    for _ in 0..20 {
        drop(server.socket_of(&page)); // no goodbye: the tab is closed
    }
    fixture.write("src/chapter.md", "# New\n");
    assert_eq!(stay.read().unwrap(), Message::text("reload"));
    // Dropping the server ends it although a socket is open.
}

#[test]
fn no_path_is_the_servers_fault() {
    let fixture = Fixture::new("# Book\n");
    let server = Running::start(&fixture);
    for (path, status) in [
        (format!("/{}", "a".repeat(255)), "404"),
        (format!("/{}.html", "a".repeat(256)), "404"),
        (format!("/{}", "%C3%BC".repeat(128)), "404"), // 256 bytes once decoded
        (format!("/{}", "a/".repeat(2000)), "404"),
        (format!("/{}", "a/".repeat(3000)), "414"),
        (format!("/{}", "a".repeat(70_000)), "414"),
        ("/chapter.html%00".to_owned(), "404"),
        ("/chapter.html/more".to_owned(), "404"),
        ("/%ff%fe".to_owned(), "404"),
    ] {
        let answer = server.get(&path);
        let first = answer.lines().next().unwrap_or_default();
        assert!(first.contains(status), "{:.40}: {first}", path);
    }
}

#[test]
fn a_client_that_sends_too_slowly_is_dropped() {
    let fixture = Fixture::new("# Book\n");
    let server = Running::start_with(&fixture, |server| {
        server.client_timeout(Duration::from_millis(200))
    });
    for head in ["", "GET / HTTP/1.1\r\nHost: 127.0"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // Reading ends only because the server hangs up.
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    assert!(server.get("/").starts_with("HTTP/1.1 200"));
}

#[test]
fn pages_that_somebody_removed_are_built_again() {
    let fixture = Fixture::new("# Book\n");
    let server = Running::start(&fixture);
    let page = server.get("/");
    let mut socket = server.socket_of(&page);
    std::fs::remove_dir_all(fixture.path("target")).unwrap();
    assert_eq!(server.next(), "rebuilt ");
    assert_eq!(socket.read().unwrap(), Message::text("reload"));
    assert!(server.get("/chapter.html").starts_with("HTTP/1.1 200"));
    let address = format!("http://{}", server.address);
    assert_eq!(book::serve::running(fixture.root()), Some(address));
}

#[test]
fn saves_without_end_delay_no_build_for_ever() {
    let fixture = Fixture::new("# Book\n");
    let server = Running::start(&fixture);
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                fixture.write("src/busy.py", &format!("{number}"));
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        let told = server.told.recv_timeout(LONG);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(told.as_deref(), Ok("rebuilt src/busy.py"));
    });
}

#[test]
fn other_commands_find_the_running_server() {
    let fixture = Fixture::new("# Book\n");
    assert_eq!(book::serve::running(fixture.root()), None);
    let server = Running::start(&fixture);
    let address = format!("http://{}", server.address);
    assert_eq!(book::serve::running(fixture.root()), Some(address));
    drop(server);
    assert_eq!(book::serve::running(fixture.root()), None);
    let left: Vec<_> = std::fs::read_dir(fixture.path("target")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_a_killed_server_left_is_swept_by_the_next() {
    let fixture = Fixture::new("# Book\n");
    fixture.write("target/served-book-1-2-3/address", "127.0.0.1:1");
    let _server = Running::start(&fixture);
    assert!(!fixture.path("target/served-book-1-2-3").exists());
}
