//! Where a subject hangs, by the kernel's account.

use std::collections::HashMap;
use std::path::Path;

/// A process or thread of the subject's group that has not ended.
struct Task {
    id: u32,
    process: u32,
    /// Whether its process has a child, a dead one included.
    is_parent: bool,
    state: char,
    /// The kernel function in which it sleeps, where the kernel tells.
    channel: String,
}

/// What the group's processes do at this moment, in words; and what that means, where that alone tells.
pub(crate) fn where_it_waits(group: u32) -> (String, Option<String>) {
    let mut seen: Vec<(String, &str)> = Vec::new();
    for task in tasks(group) {
        let (what, why) = task.describe();
        let who = if task.process != group {
            "a child process"
        } else if task.id == group {
            "it"
        } else {
            "a thread"
        };
        let sentence = format!("{who} {what}");
        if !seen.iter().any(|(other, _)| *other == sentence) {
            seen.push((sentence, why));
        }
    }
    // What a child does explains why its parent waits: the innermost last.
    let why = seen
        .iter()
        .rev()
        .map(|(_, why)| *why)
        .find(|why| !why.is_empty());
    let sentences: Vec<String> = seen.into_iter().map(|(sentence, _)| sentence).collect();
    if sentences.is_empty() {
        return ("no answer came".into(), None);
    }
    (sentences.join("; "), why.map(str::to_owned))
}

impl Task {
    fn describe(&self) -> (&'static str, &'static str) {
        let channel = self.channel.as_str();
        if matches!(self.state, 'R' | 'D') {
            return (
                "computes",
                "A loop never ends, or takes far too long: is its condition ever false?",
            );
        }
        if self.state == 'T' {
            return (
                "is stopped",
                "A process that SIGSTOP stops goes on only when another one sends it SIGCONT.",
            );
        }
        if channel.contains("nanosleep") {
            return (
                "sleeps",
                "Don't sleep to wait for somebody else: wait for the event itself.",
            );
        }
        if channel.contains("futex") {
            return (
                "waits for a lock or for a thread to end",
                "The lock is never released, or the thread never ends.",
            );
        }
        if channel == "do_wait" || channel.contains("wait4") || channel.contains("waitid") {
            return ("waits for a child process", "");
        }
        if channel.contains("pipe_write") {
            return (
                "waits for room in a pipe",
                "A pipe that is full makes its writer wait until somebody reads from it.",
            );
        }
        if channel.contains("pipe") {
            return (
                // `os_core::process::Child::wait` reads what the child returns.
                match self.is_parent {
                    true => "waits for a child process or reads from a pipe",
                    false => "reads from a pipe",
                },
                "A pipe ends for its reader when every process has closed the writing end, including the reader itself, its siblings, and any \
                 process that waits for the reader.",
            );
        }
        if channel.contains("unix_stream") {
            return ("reads from a socket", "");
        }
        if channel.contains("wait_for_partner") {
            return ("waits for somebody to open the other end of a pipe", "");
        }
        if channel.contains("lock") {
            return (
                "waits for a file lock",
                "The holder of the lock never releases it: a guard is kept, leaked or forgotten.",
            );
        }
        ("waits", "")
    }
}

/// The tasks of all processes in the group; empty where there is no `/proc`.
fn tasks(group: u32) -> Vec<Task> {
    let processes: HashMap<u32, [u32; 2]> = numbers(Path::new("/proc"))
        .into_iter()
        .filter_map(|process| {
            let (_, family) = stat(&Path::new("/proc").join(process.to_string()))?;
            Some((process, family))
        })
        .collect();
    let mut found = Vec::new();
    for (&process, _) in processes.iter().filter(|(_, [_, of])| *of == group) {
        let folder = Path::new("/proc").join(process.to_string());
        let is_parent = processes.values().any(|[parent, _]| *parent == process);
        for id in numbers(&folder.join("task")) {
            let folder = folder.join("task").join(id.to_string());
            let Some((state, _)) = stat(&folder) else {
                continue;
            };
            if matches!(state, 'Z' | 'X') {
                continue;
            }
            found.push(Task {
                id,
                process,
                is_parent,
                state,
                channel: std::fs::read_to_string(folder.join("wchan")).unwrap_or_default(),
            });
        }
    }
    found.sort_by_key(|task| (task.process != group, task.process, task.id));
    found
}

/// The state, and the numbers after it: parent and group.
fn stat(folder: &Path) -> Option<(char, [u32; 2])> {
    // `pid (name) state ppid pgrp …`, where the name may hold anything.
    let text = std::fs::read_to_string(folder.join("stat")).ok()?;
    let mut words = text.rsplit_once(") ")?.1.split(' ');
    let state = words.next()?.chars().next()?;
    let mut number = || words.next()?.parse().ok();
    Some((state, [number()?, number()?]))
}

fn numbers(folder: &Path) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}
