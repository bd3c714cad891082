//! Wrong: waits for the last child first, and returns the results in that order
//! Changes: around
//! Fails: around::results_come_in_the_order_of_the_programs
//! Section: gil/exercise.md#a-process-has-a-lock-of-its-own

pub fn run_in_processes(programs: &[Program], settings: Settings) -> io::Result<Vec<Vec<i64>>> {
    let mut children = Vec::new();
    let mut failed = None;
    for program in programs {
        let run = || Ok(machine::run(std::slice::from_ref(program), settings).variables);
        match process::fork(run) {
            Ok(child) => children.push(child),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let mut all = Vec::new();
    while let Some(child) = children.pop() {
        match child.wait() {
            Ok(variables) => all.push(variables),
            Err(error) => failed = failed.or(Some(error)), // and wait for the others
        }
    }
    failed.map_or(Ok(all), Err)
}
