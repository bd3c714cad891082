//! Wrong: always increments variable 0
//! Changes: machine
//! Fails: machine::x_plus_one_is_four_instructions
//! Section: gil/exercise.md#x--1-in-four-instructions

pub fn increment(x: usize) -> Vec<Instruction> {
    vec![
        Instruction::Load(0),
        Instruction::Const(1),
        Instruction::Add,
        Instruction::Store(x),
    ]
}
