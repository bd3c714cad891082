//! Wrong: runs all programs on threads of one process
//! Changes: around
//! Fails: around::every_program_has_a_process_of_its_own
//! Section: gil/exercise.md#a-process-has-a-lock-of-its-own

pub fn run_in_processes(programs: &[Program], settings: Settings) -> io::Result<Vec<Vec<i64>>> {
    let mut children = Vec::new();
    let mut failed = None;
    for _ in programs.iter().take(1) {
        let run = || Ok(machine::run(programs, settings).variables);
        match process::fork(run) {
            Ok(child) => children.push(child),
            Err(error) => {
                failed = Some(error);
                break;
            }
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
