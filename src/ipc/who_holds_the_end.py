"""EOF comes when the last write end is closed, not when yours is."""
# needs: python >= 3.9, linux

from multiprocessing import Pipe, get_context

# region: shown
def reader(messages, answers, unused=None):
    if unused:
        unused.close()
    try:
        while True:
            answers.send(messages.recv())
    except EOFError:
        answers.send("EOF")


def last_answer(method, close_unused=False):
    messages, writer = Pipe(duplex=False)
    inbox, answers = Pipe(duplex=False)
    args = [messages, answers] + [writer] * close_unused
    child = get_context(method).Process(target=reader, args=args)
    child.start()
    writer.send("hello")
    inbox.recv()  # the child sent “hello” back, and waits for more
    writer.close()
    answer = inbox.recv() if inbox.poll(2) else "nothing in 2 s"
# endregion
    child.kill()
    child.join()
    return answer


# region: shown
def main():
    print("forkserver           :", last_answer("forkserver"))
    print("fork                 :", last_answer("fork"))
    print("fork, closes its copy:", last_answer("fork", close_unused=True))
# endregion


if __name__ == "__main__":
    main()
