//! Wrong: pushes 1 before the variable: not what CPython does
//! Changes: machine
//! Fails: machine::x_plus_one_is_four_instructions
//! Section: gil/exercise.md#x--1-in-four-instructions

pub fn increment(x: usize) -> Vec<Instruction> {
    vec![
        Instruction::Const(1),
        Instruction::Load(x),
        Instruction::Add,
        Instruction::Store(x),
    ]
}
