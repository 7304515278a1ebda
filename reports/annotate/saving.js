// Changes on their way to the disk: one after the other, none forgotten, and the truth about them on the screen.

const PATIENCE = 10_000; // milliseconds until a silent server counts as gone
const RETRY = 2_000;

async function ask(path, body) {
  const options = { signal: AbortSignal.timeout(PATIENCE) };
  if (body !== undefined) {
    options.method = "POST";
    options.headers = { "Content-Type": "application/json", "X-Labeler": "1" };
    options.body = JSON.stringify(body);
  }
  const response = await fetch(path, options);
  const isJson = (response.headers.get("Content-Type") || "").startsWith("application/json");
  const data = isJson ? await response.json() : { error: await response.text() };
  return { ok: response.ok, status: response.status, data };
}

export const get = (path) => ask(path);

export class Saver {
  #queue = [];
  #busy = false;
  #timer = 0;
  problem = "";

  constructor(onStatus) {
    this.onStatus = onStatus;
  }

  // A change is {path, body(), done(answer), row}; body is called when it is sent, so it can build on earlier answers.
  add(change) {
    this.#queue.push(change);
    this.run();
  }

  get waiting() {
    return this.#queue;
  }

  // What was meant for a row whose earlier change was refused must not be sent blindly.
  drop(row) {
    this.#queue = this.#queue.filter((change) => change.row !== row);
  }

  async run() {
    clearTimeout(this.#timer);
    if (this.#busy) return;
    this.#busy = true;
    this.onStatus();
    while (this.#queue.length) {
      const change = this.#queue[0];
      this.problem = await this.#send(change);
      if (this.problem) break;
    }
    this.#busy = false;
    if (this.problem) this.#timer = setTimeout(() => this.run(), RETRY);
    this.onStatus();
  }

  async #send(change) {
    let answer;
    try {
      answer = await ask(change.path, change.body());
    } catch {
      return "The server does not answer. Is labeler annotate still running?";
    }
    // Anything but a verdict on this very change (the disk is full, another server has this port) may pass.
    if (!answer.ok && answer.status !== 400 && answer.status !== 409) return answer.data.error;
    this.#queue.shift();
    change.done(answer);
    return "";
  }
}
