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
        let server = Server::bind(fixture.book(), Port::Exactly(0)).unwrap();
        let address = server.address();
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = thread::spawn(move || {
            let stopped = async { drop(stopped.await) };
            server.run(stopped, |event| {
                let text = match event {
                    Event::Ready { .. } => "ready".to_owned(),
                    Event::Rebuilt { changed, .. } => format!("rebuilt {}", changed[0].display()),
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

    fixture.write("src/chapter.md", "# Mended\n");
    assert_eq!(server.next(), "rebuilt src/chapter.md");
    assert_eq!(
        socket.read().unwrap(),
        Message::text("reload"),
        "told once the book is whole, not before"
    );
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
