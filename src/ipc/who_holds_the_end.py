"""EOF comes when the last write end is closed, not when yours is."""
# needs: python >= 3.9, linux

from multiprocessing import get_context

# region: shown
def reader(messages, answers, extra=None):
    if extra:
        extra.close()
    answers.send(messages.recv())
    try:
        messages.recv()
    except EOFError:
        answers.send("EOF")


def last_answer(method, give_extra=False):
    context = get_context(method)
    messages, writer = context.Pipe(duplex=False)
    inbox, answers = context.Pipe(duplex=False)
    args = (messages, answers, writer) if give_extra else (messages, answers)
    child = context.Process(target=reader, args=args)
    child.start()
    writer.send("hello")
    inbox.recv()  # the child is at its second recv, or will be
    writer.close()
    answer = inbox.recv() if inbox.poll(2) else "still waiting after 2 s"
    child.kill()
    child.join()
    return answer


def main():
    print("forkserver        :", last_answer("forkserver"))
    print("fork              :", last_answer("fork"))
    print("fork, closes extra:", last_answer("fork", give_extra=True))
# endregion


if __name__ == "__main__":
    main()
