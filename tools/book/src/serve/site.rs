//! The built pages on disk, and where other commands find the server that shows them.

use super::http::RELOAD;
use crate::{Book, Error};
use files::scratch::{Scratch, held};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const PREFIX: &str = "served-book-";
const ADDRESS: &str = "address";

/// The address of a server that shows the book in `root` now, such as `http://127.0.0.1:3000`; `None` if none runs.
pub fn running(root: &Path) -> Option<String> {
    let held = held(&parent(root), PREFIX).into_iter();
    let address = held.filter_map(|folder| std::fs::read_to_string(folder.join(ADDRESS)).ok());
    address.map(|address| format!("http://{address}")).next()
}

fn folder(root: &Path, address: SocketAddr) -> Result<Scratch, Error> {
    // In `target`, which git ignores; where the checkout cannot be written, in the system's place.
    let folder = Scratch::create(&parent(root), PREFIX)
        .or_else(|_| Scratch::create(&std::env::temp_dir(), PREFIX))
        .map_err(Error::io(std::env::temp_dir()))?;
    std::fs::write(folder.path().join(ADDRESS), address.to_string())
        .map_err(Error::io(folder.path()))?;
    Ok(folder)
}

fn parent(root: &Path) -> PathBuf {
    root.join("target")
}

/// The folder of the builds. It goes when the server goes.
pub(super) struct Site {
    folder: Scratch,
    address: SocketAddr,
    number: u64,
}

/// One build.
#[derive(Clone, Debug)]
pub(super) struct Built {
    /// Counts the builds of this server.
    pub number: u64,
    /// The folder of its pages.
    pub pages: PathBuf,
}

impl Site {
    /// Makes the folder, in which other commands find the address of this server.
    pub fn create(root: &Path, address: SocketAddr) -> Result<Self, Error> {
        Ok(Self {
            folder: folder(root, address)?,
            address,
            number: 0,
        })
    }

    fn at(&self, number: u64) -> Built {
        Built {
            number,
            pages: self.folder.path().join(number.to_string()),
        }
    }

    pub fn current(&self) -> Built {
        self.at(self.number)
    }

    /// Builds the book into a folder of its own; then that is the current one.
    pub async fn build_next(&mut self, book: &Book) -> Result<Vec<String>, Error> {
        if !self.folder.path().is_dir() {
            self.folder = folder(book.root(), self.address)?; // somebody removed it
        }
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
    /// Whether nobody has removed its pages.
    pub fn is_whole(&self) -> bool {
        self.pages.join("index.html").is_file()
    }

    fn remove(&self) {
        // What cannot be removed now goes with the whole folder.
        let _ = std::fs::remove_dir_all(&self.pages);
    }
}
