//! The launcher of level L1 alone, for the grader's own tests: `course` is one as well.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = grader::sandbox::launcher_requested() {
        return code;
    }
    eprintln!("the sandbox starts this program, people need not");
    ExitCode::FAILURE
}
