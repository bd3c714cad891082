//! Wrong: leaves out the children that failed
//! Changes: around
//! Fails: around::a_killed_child_is_an_error
//! Section: memory/exercise.md#wait-for-your-children

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
    for child in children {
        match child.wait() {
            Ok(variables) => all.push(variables),
            Err(_) => {}
        }
    }
    failed.map_or(Ok(all), Err)
}
