//! Right: runs by a program counter, with the safe point before the next instruction
//! Changes: machine

pub fn increment(x: usize) -> Vec<Instruction> {
    use Instruction::{Add, Const, Load, Store};
    [Load(x), Const(1), Add, Store(x)].into()
}

impl Machine {
    fn execute(&self, thread: usize, program: &Program) {
        let mut guard = Some(self.gil.acquire());
        let mut stack: Vec<i64> = Vec::with_capacity(8);
        let (mut counter, mut pass) = (0, 0);
        let mut safe = false;
        while pass < program.times && !program.body.is_empty() {
            if safe {
                guard.as_mut().unwrap().safe_point();
            }
            let instruction = program.body[counter];
            if let Instruction::Wait(time) = instruction {
                guard
                    .as_mut()
                    .unwrap()
                    .allow_threads(move || thread::sleep(time));
            } else {
                thread::sleep(self.settings.cost);
            }
            match instruction {
                Instruction::Const(n) => stack.push(n),
                Instruction::Load(x) => stack.push(self.variables[x].load(Ordering::SeqCst)),
                Instruction::Store(x) => {
                    let value = stack.pop().unwrap();
                    self.variables[x].store(value, Ordering::SeqCst);
                }
                Instruction::Add => {
                    let sum = stack.pop().unwrap().wrapping_add(stack.pop().unwrap());
                    stack.push(sum);
                }
                Instruction::Call | Instruction::Wait(_) => (),
            }
            let at = Instant::now().duration_since(self.start);
            self.trace.lock().unwrap().push(Executed {
                thread,
                at,
                instruction,
            });
            counter += 1;
            safe = self.settings.safe_points == SafePoints::EveryInstruction
                || instruction == Instruction::Call;
            if counter == program.body.len() {
                (counter, pass, safe) = (0, pass + 1, true);
            }
        }
        guard = None;
        drop(guard);
    }
}
