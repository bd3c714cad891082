//! Serves the book on this machine alone, and reloads the reader's page after each edit.
//!
//! Each build goes to a folder of its own, and the server turns to it when it is whole. So a broken edit leaves the last
//! good book in place, and no reader sees half a page.

use crate::{Book, Error, stamp::Stamp};
use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::future::Future;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::services::{ServeDir, ServeFile};
use tower_service::Service as _;

/// Where mdBook's pages listen for the word to reload.
const RELOAD: &str = "__reload";
/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How long files must rest before a build, since editors save in several steps.
const REST: Duration = Duration::from_millis(30);
/// Where to listen unless told otherwise.
const USUAL_PORT: u16 = 3000;

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// On 3000, or on any free port if 3000 is taken.
    Usual,
    /// On this one and no other; 0 stands for any free one.
    Exactly(u16),
}

/// What a running server has to tell.
#[derive(Debug)]
pub enum Event<'a> {
    /// The book is built and served.
    Ready {
        /// How long the build took.
        took: Duration,
        /// What mdBook warned about.
        warnings: Vec<String>,
    },
    /// The book is built anew.
    Rebuilt {
        /// The files that changed, relative to the book's folder.
        changed: Vec<&'a Path>,
        /// How long the build took.
        took: Duration,
        /// What mdBook warned about.
        warnings: Vec<String>,
    },
    /// An edit broke the book; the last good one is still served.
    Broken(Error),
}

/// A server that has its port.
pub struct Server {
    book: Book,
    listener: std::net::TcpListener,
    address: SocketAddr,
    usual_was_taken: bool,
}

impl Server {
    /// Takes the port.
    pub fn bind(book: Book, port: Port) -> Result<Self, Error> {
        let (listener, usual_was_taken) = listen(port)?;
        let address = listener.local_addr().map_err(|why| Error::Port {
            port: USUAL_PORT,
            why,
        })?;
        Ok(Self {
            book,
            listener,
            address,
            usual_was_taken,
        })
    }

    /// Where the book is going to be served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The usual port, if somebody else has it.
    pub fn taken_port(&self) -> Option<u16> {
        self.usual_was_taken.then_some(USUAL_PORT)
    }

    /// Builds the book, then serves and rebuilds it until `stop` is done. Leaves nothing behind: no thread, no file.
    pub fn run(
        self,
        stop: impl Future<Output = ()>,
        tell: impl FnMut(Event<'_>),
    ) -> Result<(), Error> {
        let mut site = Site::new()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io(self.book.root()))?;
        let outcome = runtime.block_on(async {
            tokio::select! {
                outcome = self.serve(&mut site, tell) => outcome,
                () = stop => Ok(()),
            }
        });
        drop(runtime); // waits for a build in progress, which writes into the site's folder
        drop(site);
        outcome
    }

    async fn serve(self, site: &mut Site, mut tell: impl FnMut(Event<'_>)) -> Result<(), Error> {
        let Self {
            book,
            listener,
            address,
            ..
        } = self;
        let seen = Stamp::take(book.root());
        let started = Instant::now();
        let warnings = site.build_next(&book).await?;
        let (turn, current) = watch::channel(site.current());
        let app = Router::new()
            .route(&format!("/{RELOAD}"), get(reload))
            .fallback(page)
            .with_state(current)
            .layer(middleware::from_fn(guard));
        let lost_port = |why| Error::Port {
            port: address.port(),
            why,
        };
        let listener = TcpListener::from_std(listener).map_err(lost_port)?;
        tell(Event::Ready {
            took: started.elapsed(),
            warnings,
        });
        tokio::select! {
            served = axum::serve(listener, app) => served.map_err(lost_port),
            () = rebuild(&book, seen, site, &turn, tell) => Ok(()),
        }
    }
}

/// The port of this machine alone, and whether the usual one was taken.
fn listen(port: Port) -> Result<(std::net::TcpListener, bool), Error> {
    let (number, is_usual) = match port {
        Port::Usual => (USUAL_PORT, true),
        Port::Exactly(number) => (number, false),
    };
    let bind = |number| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, number));
    let refused = |why| Error::Port { port: number, why };
    let (listener, was_taken) = match bind(number) {
        Err(error)
            if is_usual
                && matches!(
                    error.kind(),
                    ErrorKind::AddrInUse | ErrorKind::PermissionDenied
                ) =>
        {
            (bind(0).map_err(refused)?, true)
        }
        bound => (bound.map_err(refused)?, false),
    };
    listener.set_nonblocking(true).map_err(refused)?;
    Ok((listener, was_taken))
}

/// The folder of the builds. It goes when the server goes.
struct Site {
    folder: tempfile::TempDir,
    number: u64,
}

/// One build.
#[derive(Clone, Debug)]
struct Built {
    number: u64,
    pages: PathBuf,
}

impl Site {
    fn new() -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("course-book-")
            .tempdir()
            .map_err(Error::io(std::env::temp_dir()))?;
        Ok(Self { folder, number: 0 })
    }

    fn at(&self, number: u64) -> Built {
        Built {
            number,
            pages: self.folder.path().join(number.to_string()),
        }
    }

    fn current(&self) -> Built {
        self.at(self.number)
    }

    /// Builds the book into a folder of its own; then that is the current one.
    async fn build_next(&mut self, book: &Book) -> Result<Vec<String>, Error> {
        let (book, next) = (book.clone(), self.at(self.number + 1));
        let (number, pages) = (next.number, next.pages.clone());
        // The number tells a page that comes late that it is old already.
        let build = move || book.build(&pages, Some(&format!("{RELOAD}?built={number}")));
        let built = tokio::task::spawn_blocking(build).await;
        match built.unwrap_or_else(|panic| {
            Err(Error::Build(format!(
                "mdBook gave up on this edit ({panic})"
            )))
        }) {
            Ok(warnings) => {
                // Readers of the last build may still be fetching; those of the one before are gone.
                self.at(self.number.saturating_sub(1)).remove();
                self.number = number;
                Ok(warnings)
            }
            Err(error) => {
                next.remove();
                Err(error)
            }
        }
    }
}

impl Built {
    fn remove(&self) {
        // What cannot be removed now goes with the whole folder.
        let _ = std::fs::remove_dir_all(&self.pages);
    }
}

/// Watches the files and builds the book anew, for ever.
async fn rebuild(
    book: &Book,
    mut seen: Stamp,
    site: &mut Site,
    turn: &watch::Sender<Built>,
    mut tell: impl FnMut(Event<'_>),
) {
    loop {
        tokio::time::sleep(LOOK).await;
        let mut now = look(book).await;
        if now == seen {
            continue;
        }
        loop {
            tokio::time::sleep(REST).await;
            let later = look(book).await;
            if later == now {
                break;
            }
            now = later;
        }
        let started = Instant::now();
        match site.build_next(book).await {
            Ok(warnings) => {
                turn.send_replace(site.current());
                tell(Event::Rebuilt {
                    changed: seen.changes(&now),
                    took: started.elapsed(),
                    warnings,
                });
            }
            Err(error) => tell(Event::Broken(error)),
        }
        seen = now;
    }
}

async fn look(book: &Book) -> Stamp {
    let root = book.root().to_owned();
    let looked = tokio::task::spawn_blocking(move || Stamp::take(&root)).await;
    looked.unwrap_or_else(|_| Stamp::take(book.root()))
}

/// Turns away whoever comes by another name than this machine's own: a foreign site that made its name point here
/// (DNS rebinding), or a foreign page that opens a connection.
async fn guard(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !header(headers, &header::HOST).is_some_and(is_this_machine) {
        return (
            StatusCode::FORBIDDEN,
            "This server answers to 127.0.0.1 and localhost only.\n",
        )
            .into_response();
    }
    let own_origin = match (
        header(headers, &header::ORIGIN),
        header(headers, &header::HOST),
    ) {
        (Some(origin), Some(host)) => origin.strip_prefix("http://") == Some(host),
        _ => true, // the browser's own navigation, or no browser
    };
    if !own_origin {
        return (
            StatusCode::FORBIDDEN,
            "This server answers to its own pages only.\n",
        )
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A page must be the newest, also when two edits fall into one second.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::X_FRAME_OPTIONS,
        HeaderValue::from_static("SAMEORIGIN"),
    );
    response
}

fn header<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a `Host` is ours. Any port will do: it may be forwarded, and a rebound name keeps its name.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    name == "127.0.0.1" || name.eq_ignore_ascii_case("localhost")
}

/// A file of the current build.
async fn page(State(current): State<watch::Receiver<Built>>, request: Request) -> Response {
    let pages = current.borrow().pages.clone();
    let not_found = ServeFile::new(pages.join("404.html"));
    let mut files = ServeDir::new(&pages).not_found_service(not_found);
    match files.call(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

#[derive(serde::Deserialize)]
struct Loaded {
    built: Option<u64>,
}

/// Says "reload" to a page as soon as there is a newer build than its own.
async fn reload(
    State(current): State<watch::Receiver<Built>>,
    Query(loaded): Query<Loaded>,
    socket: WebSocketUpgrade,
) -> Response {
    let loaded = loaded.built.unwrap_or_else(|| current.borrow().number);
    socket.on_upgrade(async move |socket| wait_for_newer(socket, current, loaded).await)
}

async fn wait_for_newer(mut socket: WebSocket, mut current: watch::Receiver<Built>, loaded: u64) {
    let newer = async move {
        current
            .wait_for(|built| built.number > loaded)
            .await
            .is_ok()
    };
    tokio::pin!(newer);
    loop {
        tokio::select! {
            is_newer = &mut newer => {
                if is_newer {
                    // A page that is gone needs no reload.
                    let _ = socket.send(Message::text("reload")).await;
                }
                return;
            }
            // Answers pings, and ends when the page goes.
            message = socket.recv() => if !matches!(message, Some(Ok(_))) { return },
        }
    }
}

/// Done when the person at the keyboard, or the system, asks to stop.
pub async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) = (
            signal(SignalKind::terminate()),
            signal(SignalKind::hangup()),
        ) else {
            let _ = interrupted.await;
            return;
        };
        tokio::select! {
            _ = interrupted => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        for ours in [
            "127.0.0.1",
            "127.0.0.1:3000",
            "localhost",
            "localhost:8080",
            "LocalHost:3000",
        ] {
            assert!(is_this_machine(ours), "{ours}");
        }
        for foreign in [
            "",
            "evil.example",
            "evil.example:3000",
            "127.0.0.1.evil.example",
            "localhost.evil.example:3000",
            "127.0.0.1:x",
            "10.0.0.1:3000",
            "[::1]:3000",
        ] {
            assert!(!is_this_machine(foreign), "{foreign}");
        }
    }
}
