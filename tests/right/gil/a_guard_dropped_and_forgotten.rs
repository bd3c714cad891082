//! Right: acquires anew when it goes out of scope, and forgets that guard: the old one will give it up
//! Replaces: allow_threads

use crate::switching::{Gil, GilGuard};

struct Reacquire<'a>(&'a Gil);

impl Drop for Reacquire<'_> {
    fn drop(&mut self) {
        std::mem::forget(self.0.acquire());
    }
}

impl GilGuard<'_> {
    pub fn allow_threads<T>(&mut self, work: impl FnOnce() -> T) -> T {
        drop(GilGuard { gil: self.gil });
        let reacquire = Reacquire(self.gil);
        let result = work();
        drop(reacquire);
        result
    }
}
