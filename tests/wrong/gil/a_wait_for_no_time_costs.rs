//! Wrong: lets a `Wait` for no time at all take as long as an instruction
//! Changes: machine
//! Fails: machine::the_lock_is_given_up_in_a_wait
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
                    Instruction::Wait(time) => {
                        let time = match time.is_zero() {
                            true => self.settings.cost,
                            false => time,
                        };
                        guard.allow_threads(|| thread::sleep(time));
                    }
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
