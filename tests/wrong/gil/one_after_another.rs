//! Wrong: waits for each child before it forks the next
//! Changes: around
//! Fails: around::all_processes_run_at_the_same_time
//! Section: gil/exercise.md#a-process-has-a-lock-of-its-own

pub fn run_in_processes(programs: &[Program], settings: Settings) -> io::Result<Vec<Vec<i64>>> {
    let mut children = Vec::new();
    let mut failed = None;
    for program in programs {
        let run = || Ok(machine::run(std::slice::from_ref(program), settings).variables);
        match process::fork(run) {
            Ok(child) => children.push(child.wait()),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let mut all = Vec::new();
    for child in children {
        match child {
            Ok(variables) => all.push(variables),
            Err(error) => failed = failed.or(Some(error)), // and wait for the others
        }
    }
    failed.map_or(Ok(all), Err)
}
