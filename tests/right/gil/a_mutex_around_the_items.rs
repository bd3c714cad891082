//! Right: has a mutex around the items for a lock
//! Replaces: around

use crate::machine::{Program, Settings, run};
use os::process::{Child, fork};
use os::sync::Mutex;
use std::io;

pub fn run_in_processes(programs: &[Program], settings: Settings) -> io::Result<Vec<Vec<i64>>> {
    let children: Vec<io::Result<Child<Vec<i64>>>> = programs
        .iter()
        .map(|program| fork(|| Ok(run(&[program.clone()], settings).variables)))
        .collect();
    let results: Vec<io::Result<Vec<i64>>> = children
        .into_iter()
        .map(|child| child.and_then(Child::wait))
        .collect();
    results.into_iter().collect()
}

#[derive(Debug)]
pub struct List {
    capacity: usize,
    items: Mutex<Vec<i64>>,
}

impl List {
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            items: Mutex::new(Vec::with_capacity(capacity)),
        }
    }

    pub fn append(&self, item: i64) -> bool {
        let mut items = self.items.lock().unwrap();
        let fits = items.len() < self.capacity;
        if fits {
            items.push(item);
        }
        fits
    }

    #[must_use]
    pub fn items(&self) -> Vec<i64> {
        self.items.lock().unwrap().clone()
    }
}
