// Predictions and recall questions, on the page of fixtures: by mouse and keyboard, without scripts, on paper.
//
//   node --test questions.test.js

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Lab, SCREENSHOTS, missing } from "./widgets.js";

const why = missing();
if (why) {
  console.error(`skipped: the tests of questions: ${why}`);
}

describe("questions", { skip: why ?? false, concurrency: false }, () => {
  /** @type {Lab} */
  let lab;
  before(async () => {
    lab = await Lab.start();
  });
  after(async () => {
    await lab.stop();
  });

  test("prediction: a wrong guess is graded as wrong, beside what was measured", () =>
    lab.open("widgets.html", async (page) => {
      const question = page.locator("course-question").first();
      assert.equal(await question.getByRole("button", { name: "forget my answer" }).count(), 0, "nothing to forget yet");
      assert.ok(await question.getByRole("button", { name: "This is my guess" }).isDisabled());
      assert.equal(await question.getByText("2,597").isVisible(), false, "no answer before the guess");
      await question.getByRole("radio").first().press("Space");
      await question.getByRole("button", { name: "This is my guess" }).press("Enter");
      const grade = question.getByRole("status");
      await grade.getByText("Your guess was not right").waitFor();
      await grade.getByText("2,597 of 2,578 pages").waitFor();
      await grade.getByText("It changes the counts.").waitFor();
      await grade.getByText("a read is a write").waitFor();
      const [said, measured] = await Promise.all([".grade-wrong", ".grade-right"].map((one) => grade.locator(one).innerText()));
      assert.match(said ?? "", /Almost none/);
      assert.match(measured ?? "", /Nearly all/);
      await question.getByRole("button", { name: "forget my answer" }).press("Enter");
      assert.equal(await grade.innerText(), "");
      assert.equal(await question.getByRole("button", { name: "forget my answer" }).count(), 0);
      // The right one is right.
      await question.getByRole("radio").nth(2).press("Space");
      await question.getByRole("button", { name: "This is my guess" }).press("Enter");
      await grade.getByText("Your guess was right").waitFor();
      assert.equal(await grade.locator(".grade-wrong").count(), 0);
    }));

  test("prediction: one that is graded later is kept, and graded there", () =>
    lab.open("widgets.html", async (page) => {
      const [asked, graded] = [page.locator("course-question").nth(1), page.locator("course-graded")];
      await graded.getByText("You have not guessed yet").waitFor();
      assert.equal(await graded.locator(".question").innerText(), await asked.locator(".question").innerText(), "it says which question");
      await asked.getByRole("radio").nth(1).check();
      await asked.getByRole("button", { name: "This is my guess" }).click();
      await asked.getByText("Kept.").waitFor();
      assert.equal(await asked.getByText("1.0 times").count(), 0);
      await graded.getByText("Your guess was not right").waitFor();
      await graded.getByText("1.0 times as long.").first().waitFor();
      await page.reload();
      await graded.getByText("Your guess was not right").waitFor();
    }));

  test("recall: a wrong choice is answered with a link, and can be tried again", () =>
    lab.open("widgets.html", async (page) => {
      const recall = page.locator("course-recall");
      const [first, second] = [recall.locator(".recall-question").first(), recall.locator(".recall-question").nth(1)];
      await first.getByRole("radio").nth(1).check();
      await first.getByRole("button", { name: "Check" }).click();
      await first.getByText("Not right").waitFor();
      assert.match((await first.getByRole("status").getByRole("link").getAttribute("href")) ?? "", /widgets\.html#pages/);
      await first.getByRole("button", { name: "try again" }).click();
      await first.getByRole("radio").first().check();
      await first.getByRole("button", { name: "Check" }).click();
      await second.getByRole("radio").nth(1).check();
      await second.getByRole("button", { name: "Check" }).click();
      await recall.getByText("2 of 2 right. You can explain this chapter.").waitFor();
    }));

  test("without JavaScript each question is whole, and its answer folds out", () =>
    lab.open(
      "widgets.html",
      async (page) => {
        const question = page.locator("course-question").first();
        await question.getByText("About half").first().waitFor();
        assert.equal(await question.getByText("2,597").isVisible(), false);
        await question.locator("summary").click();
        assert.ok(await question.getByText("2,597").isVisible());
        assert.equal(await page.getByRole("button", { name: "This is my guess" }).count(), 0);
        assert.ok(await page.locator("course-question").nth(1).getByRole("link", { name: "What was measured" }).isVisible());
        assert.ok(await page.locator("memory-pages table").isVisible());
        await page.screenshot({ path: join(SCREENSHOTS, "widgets-without-javascript.png"), fullPage: true });
      },
      { javaScriptEnabled: false },
    ));

  test("on paper each question has its answer, and nothing is there to press", async () => {
    for (const javaScriptEnabled of [true, false]) {
      await lab.open(
        "widgets.html",
        async (page) => {
          await page.emulateMedia({ media: "print" });
          for (const text of ["2,597 of 2,578 pages", "1.0 times as long", "Copy on write"]) {
            assert.ok(await page.getByText(text).first().isVisible(), text);
          }
          assert.ok(await page.locator("memory-pages table").isVisible());
          assert.equal(await page.locator("main :is(button, input):visible").count(), 0);
          await page.pdf({ path: join(SCREENSHOTS, "widgets-print.pdf"), format: "A4" });
          await page.screenshot({ path: join(SCREENSHOTS, "widgets-print.png"), fullPage: true });
        },
        { javaScriptEnabled, viewport: { width: 794, height: 1123 } },
      );
    }
  });
});
