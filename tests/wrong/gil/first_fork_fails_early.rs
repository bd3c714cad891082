//! Wrong: returns at the first fork that fails, and leaves the children
//! Changes: around
//! Fails: around::a_fork_that_fails_is_an_error
//! Section: memory/exercise.md#wait-for-your-children

pub fn run_in_processes(programs: &[Program], settings: Settings) -> io::Result<Vec<Vec<i64>>> {
    let mut children = Vec::new();
    let mut failed = None;
    for program in programs {
        let run = || Ok(machine::run(std::slice::from_ref(program), settings).variables);
        match process::fork(run) {
            Ok(child) => children.push(child),
            Err(error) => return Err(error),
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
