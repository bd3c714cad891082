//! Serves the book on this machine alone, and reloads the reader's page after each edit.
//!
//! Each build goes to a folder of its own, and the server turns to it when it is whole. So a broken edit leaves the last
//! good book in place, with the error shown in the page, and no reader sees half a page.

mod http;
mod site;

use crate::{Book, Error, stamp::Stamp};
pub use site::running;
use site::{Built, Site};
use std::future::Future;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How often the files are looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long files must rest before a build, since editors save in several steps.
const REST: Duration = Duration::from_millis(30);
/// The longest wait for that rest: somebody may save without end.
const MAX_WAIT: Duration = Duration::from_millis(500);
/// How long a client may take, unless told otherwise.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Where to listen unless told otherwise.
const USUAL_PORT: u16 = 3000;

/// What is served at present.
#[derive(Clone, Debug)]
struct State {
    /// The last good build.
    built: Built,
    /// Why the edit after it did not build.
    error: Option<String>,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// On 3000, or on any free port if 3000 is taken.
    Usual,
    /// On this one and no other; 0 stands for any free one.
    Exactly(u16),
}

/// What a running server reports.
#[derive(Debug)]
pub enum Event<'a> {
    /// The book is built and served.
    Ready {
        /// How long the build took.
        took: Duration,
        /// What mdBook warned about.
        warnings: Vec<String>,
    },
    /// The book is built again.
    Rebuilt {
        /// The files that changed, relative to the book's folder; none if somebody removed the built pages.
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
    client_timeout: Duration,
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
            client_timeout: CLIENT_TIMEOUT,
        })
    }

    /// Sets how long a client may take to send the head of a request, or to take a part of an answer.
    pub fn client_timeout(self, client_timeout: Duration) -> Self {
        Self {
            client_timeout,
            ..self
        }
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
        report: impl FnMut(Event<'_>),
    ) -> Result<(), Error> {
        let mut site = Site::create(self.book.root(), self.address)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io(self.book.root()))?;
        let outcome = runtime.block_on(async {
            tokio::select! {
                outcome = self.serve(&mut site, report) => outcome,
                () = stop => Ok(()),
            }
        });
        drop(runtime); // waits for a build in progress, which writes into the site's folder
        drop(site);
        outcome
    }

    async fn serve(self, site: &mut Site, mut report: impl FnMut(Event<'_>)) -> Result<(), Error> {
        let Self {
            book,
            listener,
            address,
            client_timeout,
            ..
        } = self;
        let seen = Stamp::take(book.root());
        let started = Instant::now();
        let warnings = site.build_next(&book).await?;
        let (turn, current) = watch::channel(State {
            built: site.current(),
            error: None,
        });
        let lost_port = |why| Error::Port {
            port: address.port(),
            why,
        };
        let listener = TcpListener::from_std(listener).map_err(lost_port)?;
        report(Event::Ready {
            took: started.elapsed(),
            warnings,
        });
        tokio::select! {
            served = http::serve(listener, current, client_timeout) => served.map_err(lost_port),
            () = rebuild(&book, seen, site, &turn, report) => Ok(()),
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

/// Watches the files and builds the book again after each edit, for ever.
async fn rebuild(
    book: &Book,
    mut seen: Stamp,
    site: &mut Site,
    turn: &watch::Sender<State>,
    mut report: impl FnMut(Event<'_>),
) {
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        let mut now = look(book).await;
        // A cleaning tool, or `cargo clean`, removes what it finds. While the book is broken there is nothing to build.
        let is_lost = !site.current().is_whole() && turn.borrow().error.is_none();
        if now == seen && !is_lost {
            continue;
        }
        let noticed = Instant::now();
        while noticed.elapsed() < MAX_WAIT {
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
                turn.send_replace(State {
                    built: site.current(),
                    error: None,
                });
                report(Event::Rebuilt {
                    changed: seen.changes(&now),
                    took: started.elapsed(),
                    warnings,
                });
            }
            Err(error) => {
                turn.send_modify(|state| state.error = Some(error.to_string()));
                report(Event::Broken(error));
            }
        }
        seen = now;
    }
}

async fn look(book: &Book) -> Stamp {
    let root = book.root().to_owned();
    let looked = tokio::task::spawn_blocking(move || Stamp::take(&root)).await;
    looked.unwrap_or_else(|_| Stamp::take(book.root()))
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
