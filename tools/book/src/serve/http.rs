//! Answers requests: the pages of the current build, and the word to reload.

use super::State as Served;
use crate::links::decode;
use axum::Router;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;
use tower_http::services::{ServeDir, ServeFile};
use tower_service::Service as _;

/// Where mdBook's pages listen for the word to reload.
pub(super) const RELOAD: &str = "__reload";
/// What the server says there about an edit that does not build; `theme/course.js` shows it in the page.
const BUILD_ERROR: &str = "build-error: ";
/// The longest path that is looked up: what Linux takes for a path.
const PATH_MAX: usize = 4096;
/// The longest name of a file.
const NAME_MAX: usize = 255;

/// Serves until the port is lost.
pub(super) async fn serve(
    listener: TcpListener,
    current: watch::Receiver<Served>,
    client_timeout: Duration,
) -> io::Result<()> {
    let app = Router::new()
        .route(&format!("/{RELOAD}"), get(reload))
        .fallback(page)
        .with_state(current)
        .layer(middleware::from_fn(guard));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The client went before we came, or there are too many: neither is the listener's end.
            Err(error) if is_transient(&error) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let app = app.clone();
        tokio::spawn(async move {
            let mut stream = TimeoutStream::new(stream);
            stream.set_write_timeout(Some(client_timeout));
            let answer = service_fn(move |request| app.clone().call(request));
            // What goes wrong with one connection is its client's business.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(client_timeout)
                .serve_connection(TokioIo::new(Box::pin(stream)), answer)
                .with_upgrades()
                .await;
        });
    }
}

fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    let is_full = matches!(error.raw_os_error(), Some(23 | 24)); // ENFILE, EMFILE
    is_full
        || matches!(
            error.kind(),
            ConnectionAborted | ConnectionReset | Interrupted
        )
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
async fn page(State(current): State<watch::Receiver<Served>>, request: Request) -> Response {
    let path = request.uri().path();
    if path.len() > PATH_MAX {
        let text = "This address is too long for any page of the book.\n";
        return (StatusCode::URI_TOO_LONG, text).into_response();
    }
    // The file system calls these errors; to a reader the page is just not there.
    let cannot_exist = |name: &str| {
        let name = decode(name);
        name.len() > NAME_MAX || name.contains('\0')
    };
    let request = if path.split('/').any(cannot_exist) {
        let mut nowhere = Request::new(Body::empty());
        *nowhere.uri_mut() = axum::http::Uri::from_static("/-");
        nowhere
    } else {
        request
    };
    let pages = current.borrow().built.pages.clone();
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

/// Says "reload" to a page as soon as there is a newer build than its own, and why there is none.
async fn reload(
    State(current): State<watch::Receiver<Served>>,
    Query(loaded): Query<Loaded>,
    socket: WebSocketUpgrade,
) -> Response {
    let loaded = loaded
        .built
        .unwrap_or_else(|| current.borrow().built.number);
    socket.on_upgrade(async move |socket| tell_news(socket, current, loaded).await)
}

async fn tell_news(mut socket: WebSocket, mut current: watch::Receiver<Served>, loaded: u64) {
    current.mark_changed(); // what was there before this page is news to it
    loop {
        tokio::select! {
            changed = current.changed() => {
                let news = {
                    let served = current.borrow_and_update();
                    match &served.error {
                        _ if served.built.number > loaded => Some("reload".to_owned()),
                        Some(error) => Some(format!("{BUILD_ERROR}{error}")),
                        None => None,
                    }
                };
                let is_last = changed.is_err() || news.as_deref() == Some("reload");
                if let Some(news) = news && socket.send(Message::text(news)).await.is_err() {
                    return; // a page that is gone needs no news
                }
                if is_last {
                    return;
                }
            }
            // Answers pings, and ends when the page goes.
            message = socket.recv() => if !matches!(message, Some(Ok(_))) { return },
        }
    }
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
