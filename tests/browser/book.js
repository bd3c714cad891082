// A copy of the book, served by `cargo course` for the tests: they edit it, and the real one stays as it is.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export const PROJECT = resolve(import.meta.dirname, "../..");
const PARTS = ["book.toml", "src", "theme", "records/reference", "records/bench", "Cargo.toml"];

/**
 * The `course` program: the one that COURSE_BIN names, or a fresh build.
 *
 * @returns {string}
 */
function course() {
  if (process.env.COURSE_BIN) {
    return process.env.COURSE_BIN;
  }
  const args = ["build", "--package", "course", "--message-format", "json-render-diagnostics"];
  const built = spawnSync("cargo", args, { cwd: PROJECT, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 28 });
  if (built.status !== 0) {
    throw new Error("cargo could not build the course command");
  }
  const made = built.stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  const program = made.findLast((message) => message.target?.name === "course" && message.executable)?.executable;
  if (typeof program !== "string") {
    throw new Error("cargo did not say where the course command is");
  }
  return program;
}

/** A served copy of the book. */
export class Book {
  /**
   * @param {string} program
   * @param {string} folder
   * @param {import("node:child_process").ChildProcess} server
   * @param {string} address
   */
  constructor(program, folder, server, address) {
    this.program = program;
    this.folder = folder;
    this.server = server;
    this.address = address;
    this.complaints = createInterface({ input: /** @type {import("node:stream").Readable} */ (server.stderr) });
  }

  /** The next line that the server writes to stderr. @returns {Promise<string>} */
  complains() {
    return new Promise((heard) => this.complaints.once("line", heard));
  }

  /** @param {(folder: string) => void} [prepare] changes the copy before it is served */
  static async serve(prepare) {
    const program = course();
    const folder = mkdtempSync(join(tmpdir(), "course-browser-"));
    for (const part of PARTS.filter((part) => existsSync(join(PROJECT, part)))) {
      cpSync(join(PROJECT, part), join(folder, part), { recursive: true });
    }
    mkdirSync(join(folder, "exercises"));
    prepare?.(folder);
    const server = spawn(program, ["serve", "--port", "0", "--root", folder], { stdio: ["ignore", "pipe", "pipe"] });
    // However the tests end, neither the server nor the copy stays.
    process.on("exit", () => {
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    });
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.on(signal, () => process.exit(1));
    }
    /** @type {Promise<string>} */
    const address = new Promise((found, lost) => {
      createInterface({ input: server.stdout }).on("line", (line) => {
        const match = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
        if (match) {
          found(match[0]);
        }
      });
      let said = "";
      server.stderr.on("data", (text) => (said += text));
      server.on("exit", (code) => lost(new Error(`the server ended with exit code ${code}: ${said}`)));
    });
    return new Book(program, folder, server, await address);
  }

  /** Builds the whole copy beside the server. @returns {Promise<number>} how many milliseconds that took */
  async build() {
    const began = performance.now();
    const built = spawn(this.program, ["build", "--root", this.folder, "--dest", join(this.folder, "built")], { stdio: "ignore" });
    const [code] = await once(built, "exit");
    if (code !== 0) {
      throw new Error(`\`course build\` ended with exit code ${code}`);
    }
    return performance.now() - began;
  }

  /** Ends the server as Ctrl-C does, and says how it ended. @returns {Promise<number | null>} */
  async stop() {
    const ended = new Promise((end) => this.server.on("exit", end));
    this.server.kill("SIGINT");
    const code = await ended;
    return /** @type {number | null} */ (code);
  }
}
