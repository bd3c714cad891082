// The figures of the chapter on IPC, <byte-stream> and <shared-ring>, as readers use them.
//
//   node --test streams.test.js

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { DESK, Lab, PHONE, SCREENSHOTS, THEMES, missing, staysStill, violations } from "./widgets.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").Locator} Locator */

const why = missing();
if (why) {
  console.error(`skipped: the tests of streams: ${why}`);
}

/**
 * Presses buttons, one after the other.
 *
 * @param {Locator} where
 * @param {...string} names
 */
async function press(where, ...names) {
  for (const name of names) {
    await where.getByRole("button", { name, exact: true }).press("Enter");
  }
}

/**
 * @param {Locator} where
 * @param {string} text
 */
const says = (where, text) => where.getByRole("status").filter({ hasText: text }).waitFor();

describe("streams", { skip: why ?? false, concurrency: false }, () => {
  /** @type {Lab} */
  let lab;
  before(async () => {
    lab = await Lab.start("streams");
  });
  after(async () => {
    await lab.stop();
  });

  /** @param {Page} page */
  const parts = (page) => ({
    bytes: page.locator("byte-stream").first(),
    frames: page.locator("byte-stream").nth(1),
    ring: page.locator("shared-ring"),
  });

  test("bytes: two messages arrive as one that nobody sent, or in pieces", () =>
    lab.open("streams.html", async (page) => {
      const { bytes } = parts(page);
      await press(bytes, "send “hi”", "send “hello”", "read all there is");
      await says(bytes, "“hihello”. Nobody sent it.");
      await bytes.getByText("never sent").waitFor();
      await press(bytes, "start over", "send “hi”", "read all there is");
      await says(bytes, "this time it is one");
      await press(bytes, "send “hello”", "read up to 3", "read up to 3");
      assert.deepEqual(await bytes.locator(".received b").allInnerTexts(), ["hi", "hel", "lo"]);
      await bytes.screenshot({ path: join(SCREENSHOTS, "byte-stream.png") });
    }));

  test("bytes: an empty message leaves no trace, in a frame it arrives", () =>
    lab.open("streams.html", async (page) => {
      const { bytes, frames } = parts(page);
      await press(bytes, "send an empty message");
      await says(bytes, "no byte goes into the kernel");
      await press(bytes, "read all there is");
      await says(bytes, "so the read waits");
      await press(frames, "send an empty message", "read all there is");
      await says(frames, "Now an empty message is whole.");
    }));

  test("frames: however the kernel cuts, every message arrives as it was sent", () =>
    lab.open("streams.html", async (page) => {
      const { frames } = parts(page);
      await press(frames, "send “hi”", "send “hello”");
      for (let read = 0; read < 4; read += 1) {
        await press(frames, "read up to 1");
      }
      await frames.getByText("message: 0 of 2 bytes").waitFor();
      await press(frames, "read up to 3", "read up to 6", "read up to 6");
      assert.deepEqual(await frames.locator(".received").allInnerTexts().then((all) => all.map((one) => one.replaceAll(/\s+/g, " "))), [
        "hi as sent",
        "hello as sent",
      ]);
      // The same with other messages and cuts, and the address tells the same story.
      const wrong = await page.evaluate(async () => {
        // @ts-ignore served by the book
        const { Stream } = await import("/widgets/bytes.js");
        let state = 1;
        const below = (/** @type {number} */ limit) => {
          state = (state * 48271) % 2147483647;
          return state % limit;
        };
        for (let round = 0; round < 500; round += 1) {
          const stream = new Stream("frame");
          while (stream.moves.length < 40) {
            const which = below(3);
            if (stream.hasRoom(["hi", "hello", ""][which])) {
              stream.send(which);
            }
            stream.read([1, 3, 6, 0][below(4)]);
          }
          const text = stream.toText();
          const same = Stream.fromText(text)?.toText() === text;
          stream.read(0);
          const received = stream.received.map((/** @type {{ text: string }} */ one) => one.text);
          if (!same || JSON.stringify(received) !== JSON.stringify(stream.sent)) {
            return text;
          }
        }
        return null;
      });
      assert.equal(wrong, null);
    }));

  test("the end: clean between messages, an error inside one, and unknown to a reader without frames", () =>
    lab.open("streams.html", async (page) => {
      const { bytes, frames } = parts(page);
      await press(frames, "send “hi”", "close", "read all there is");
      await press(frames, "read up to 1");
      await says(frames, "0 bytes. That is EOF between two messages: a clean end.");
      assert.ok(await frames.getByRole("button", { name: "read up to 1" }).isDisabled());
      assert.ok(await frames.getByRole("button", { name: "start over" }).evaluate((one) => one === document.activeElement));
      await press(frames, "start over", "die inside “hello”", "read all there is", "read all there is");
      await says(frames, "That is EOF inside a message: an error");
      assert.equal(await frames.locator(".received").count(), 0);
      await press(bytes, "die inside “hello”", "read all there is", "read up to 3");
      await says(bytes, "can’t know that its last message was cut short");
    }));

  test("ring: full and empty, asleep and woken, and around", () =>
    lab.open("streams.html", async (page) => {
      const { ring } = parts(page);
      await press(ring, "take");
      await says(ring, "The ring is empty");
      await ring.getByRole("group", { name: "consumer" }).getByText("asleep").waitFor();
      assert.ok(await ring.getByRole("button", { name: "take" }).isDisabled());
      await press(ring, "put");
      await says(ring, "asked the kernel to wake it");
      await ring.getByText("System calls to wake somebody: 1.").waitFor();
      await press(ring, "put", "put", "put");
      await ring.getByText("4 of 4").waitFor();
      await press(ring, "put");
      await says(ring, "The ring is full");
      await press(ring, "take", "put");
      await says(ring, "Message 5 is in slot 0 again");
      await ring.getByText("tail 5 → slot 1").waitFor();
      await ring.getByText("head 1 → slot 1").waitFor();
      await ring.screenshot({ path: join(SCREENSHOTS, "shared-ring.png") });
    }));

  test("ring: after a death the other one goes on until it sleeps, and nobody wakes it", () =>
    lab.open("streams.html", async (page) => {
      const { ring } = parts(page);
      await press(ring, "put", "kill the producer", "take");
      await says(ring, "nothing in this memory says so");
      await press(ring, "take");
      await says(ring, "it sleeps forever");
      await ring.getByText("asleep forever").waitFor();
      await press(ring, "start over", "take", "kill the producer");
      await says(ring, "nobody will wake it");
    }));

  test("state: in the address, there again after a reload, and an address that is none of ours begins anew", () =>
    lab.open("streams.html", async (page) => {
      const { bytes, frames, ring } = parts(page);
      await press(bytes, "send “hi”", "read up to 1");
      await press(frames, "send “hello”", "close");
      await press(ring, "put", "kill the consumer");
      assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), { stream: "read.s0.r1", stream2: "frame.s1.c", ring: "pC" });
      await page.reload();
      await bytes.getByText("1 byte", { exact: true }).waitFor();
      await frames.getByText("9 bytes, then EOF").waitFor();
      await ring.getByText("dead").waitFor();
      for (const bad of ["stream=read.r9", "stream=read.c.s0", "stream=read.ra", "stream=x", "ring=Pp", "ring=tt", "ring=q"]) {
        await page.goto(`${lab.book.address}/streams.html?${bad}`);
        await says(bytes, "Send “hi” and “hello”.");
        await says(ring, "The ring is empty: head and tail are equal.");
      }
    }));

  test("arrow keys inside turn no page", () =>
    lab.open("streams.html", async (page) => {
      const { bytes, ring } = parts(page);
      for (const place of [bytes.getByRole("radio").first(), bytes.getByRole("button", { name: "send “hi”" }), ring.getByRole("button", { name: "put" })]) {
        await place.focus();
        for (const key of ["ArrowRight", "ArrowLeft"]) {
          await page.keyboard.press(key);
        }
      }
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      assert.equal(new URL(page.url()).pathname, "/streams.html");
    }));

  test("without JavaScript and on paper the tables are there, and nothing to press", async () => {
    for (const javaScriptEnabled of [true, false]) {
      await lab.open(
        "streams.html",
        async (page) => {
          await page.emulateMedia({ media: javaScriptEnabled ? "print" : "screen" });
          assert.ok(await page.locator("byte-stream table").isVisible());
          assert.ok(await page.locator("shared-ring table").isVisible());
          assert.equal(await page.locator("main :is(button, input):visible").count(), 0);
        },
        { javaScriptEnabled },
      );
    }
  });

  /** @param {Page} page */
  async function play(page) {
    const { bytes, frames, ring } = parts(page);
    await press(bytes, "send “hi”", "send “hello”", "read up to 3", "read up to 1");
    await press(frames, "send “hi”", "send “hello”", "read all there is", "send “hello”", "read up to 6", "die inside “hello”");
    await press(frames, "read all there is", "read all there is");
    await press(ring, "put", "put", "put", "put", "put", "kill the consumer");
  }

  for (const theme of THEMES) {
    test(`${theme}: axe finds nothing`, () =>
      lab.open(
        "streams.html",
        async (page) => {
          await play(page);
          assert.deepEqual(await violations(page), []);
          await page.locator("main").screenshot({ path: join(SCREENSHOTS, `streams-${theme}.png`) });
        },
        { theme },
      ));
  }

  test("in forced colors a full slot, a wrong message and a sleeper are told by shape", () =>
    lab.open(
      "streams.html",
      async (page) => {
        await play(page);
        await parts(page).ring.getByText("asleep forever").waitFor();
        const look = (/** @type {string} */ selector) =>
          page
            .locator(selector)
            .first()
            .evaluate((one) => [getComputedStyle(one).strokeWidth, getComputedStyle(one).borderTopStyle].join(" "));
        assert.notEqual(await look(".received:not(.received-wrong)"), await look(".received-wrong"));
        assert.match(await look(".ring-full"), /^4px/);
        assert.match(await look(".ring-side[data-state=lost]"), /dashed/);
        assert.deepEqual(await violations(page), []);
        await page.locator("main").screenshot({ path: join(SCREENSHOTS, "streams-forced-colors.png") });
      },
      { forcedColors: "active" },
    ));

  test("fits a phone", () =>
    lab.open(
      "streams.html",
      async (page) => {
        await play(page);
        const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        assert.equal(inner, outer);
        const cut = await page.locator(":is(.byte, .received, .ring-side, .ring-state, .ring-counter)").evaluateAll((boxes) =>
          boxes.filter((box) => box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1).map((box) => box.outerHTML),
        );
        assert.deepEqual(cut, []);
        await page.locator("main").screenshot({ path: join(SCREENSHOTS, "streams-phone.png") });
      },
      { viewport: PHONE, hasTouch: true },
    ));

  test("the fixtures don't move while they load", async (t) => {
    for (const viewport of [DESK, PHONE]) {
      await staysStill(lab, "streams.html", viewport, t);
    }
  });
});
