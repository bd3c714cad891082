//! The subject's side of the tests in `tests/ipc/`: hands them the functions of the exercise.
//!
//! Only this file is compiled when you edit your code.

use ipc::{descriptor, framing, ring::Ring, sleeping, worker::Worker};
use ipc_tests::{Learner, StartedWorker};
use std::io;
use std::process::ExitCode;

struct Started(Worker);

impl StartedWorker for Started {
    fn call(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.0.call(request)
    }

    fn stop(self: Box<Self>) -> io::Result<()> {
        self.0.stop()
    }
}

fn main() -> ExitCode {
    ipc_tests::run(Learner {
        header: framing::header,
        send_frame: |mut stream, body| framing::send_frame(&mut stream, body),
        recv_frame: |mut stream, limit| framing::recv_frame(&mut stream, limit),
        start_worker: |serve| Ok(Box::new(Started(Worker::start(serve)?))),
        call: descriptor::call,
        serve: |socket, answer| descriptor::serve(socket, answer),
        try_send: |memory, message| Ring::new(memory).try_send(message),
        try_recv: |memory| Ring::new(memory).try_recv(),
        send: |memory, message, peer| sleeping::send(Ring::new(memory), message, peer),
        recv: |memory, peer| sleeping::recv(Ring::new(memory), peer),
    })
}
