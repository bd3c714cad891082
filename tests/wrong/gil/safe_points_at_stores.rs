//! Wrong: has a safe point after each `Store`, too
//! Changes: machine
//! Fails: machine::every_instruction_runs_under_the_lock
//! Section: gil/exercise.md#the-loop-of-an-interpreter

impl Machine {
    fn execute(&self, thread: usize, program: &Program) {
        let everywhere = self.settings.safe_points == SafePoints::EveryInstruction;
        let mut guard = self.gil.acquire();
        let mut stack = Vec::new();
        let pop = |stack: &mut Vec<i64>| stack.pop().expect("the program pushes before it pops");
        for _ in 0..program.times {
            for &instruction in &program.body {
                if !matches!(instruction, Instruction::Wait(_)) {
                    thread::sleep(self.settings.cost);
                }
                match instruction {
                    Instruction::Const(number) => stack.push(number),
                    Instruction::Load(x) => stack.push(self.variables[x].load(Ordering::Relaxed)),
                    Instruction::Add => {
                        let (b, a) = (pop(&mut stack), pop(&mut stack));
                        stack.push(a.wrapping_add(b));
                    }
                    Instruction::Store(x) => {
                        self.variables[x].store(pop(&mut stack), Ordering::Relaxed);
                    }
                    Instruction::Call => {}
                    Instruction::Wait(time) => guard.allow_threads(|| thread::sleep(time)),
                }
                self.trace
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(Executed {
                        thread,
                        at: self.start.elapsed(),
                        instruction,
                    });
                if everywhere || matches!(instruction, Instruction::Call | Instruction::Store(_)) {
                    guard.safe_point();
                }
            }
            guard.safe_point(); // the jump back
        }
    }
}
