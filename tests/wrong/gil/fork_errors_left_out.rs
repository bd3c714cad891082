//! Wrong: goes on without the programs whose fork failed
//! Changes: around
//! Fails: around::a_fork_that_fails_is_an_error
//! Section: memory/exercise.md#wait-for-your-children

pub fn run_in_processes(programs: &[Program], settings: Settings) -> io::Result<Vec<Vec<i64>>> {
    // All are forked before the first is waited for, so that they run at the same time.
    let mut children = Vec::new();
    let mut failed = None;
    for program in programs {
        let run = || Ok(machine::run(std::slice::from_ref(program), settings).variables);
        match process::fork(run) {
            Ok(child) => children.push(child),
            Err(_) => break,
        }
    }
    let mut all = Vec::new();
    for child in children {
        match child.wait() {
            Ok(variables) => all.push(variables),
            Err(error) => failed = failed.or(Some(error)), // and wait for the others
        }
    }
    failed.map_or(Ok(all), Err)
}
