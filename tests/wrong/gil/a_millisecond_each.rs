//! Wrong: lets every instruction take a millisecond, whatever the settings say
//! Changes: machine
//! Fails: machine::programs_of_all_kinds_run_as_specified
//! Section: gil/exercise.md#the-loop-of-an-interpreter

impl Machine {
    /// Executes a program on the thread with this number: the loop at the heart of an interpreter.
    ///
    /// The thread holds the lock while it executes an instruction, from its beginning to its end, and gives it up
    /// only at safe points, in a `Wait`, and at the end. Every instruction but `Wait` first takes its time, with
    /// `thread::sleep(cost)`, and then has its effect. Each one is added to the trace when it is done.
    fn execute(&self, thread: usize, program: &Program) {
        let everywhere = self.settings.safe_points == SafePoints::EveryInstruction;
        let mut guard = self.gil.acquire();
        let mut stack = Vec::new();
        let pop = |stack: &mut Vec<i64>| stack.pop().expect("the program pushes before it pops");
        for _ in 0..program.times {
            for &instruction in &program.body {
                if !matches!(instruction, Instruction::Wait(_)) {
                    if !self.settings.cost.is_zero() {
                        thread::sleep(Duration::from_millis(1));
                    }
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
                if everywhere || instruction == Instruction::Call {
                    guard.safe_point();
                }
            }
            guard.safe_point(); // the jump back
        }
    }
}
