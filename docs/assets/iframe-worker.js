// The search runs in a worker, which a browser refuses to a page that was opened as a file. There a hidden frame takes
// the worker's place. The theme looks for the name IFrameWorker.
window.IFrameWorker = class extends EventTarget {
  constructor(url) {
    super();
    this.frame = Object.assign(document.createElement("iframe"), { hidden: true });
    document.body.append(this.frame);
    const inside = this.frame.contentWindow;
    inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
    inside.importScripts = async (...urls) => {
      for (const each of urls) {
        await run(inside.document, each);
      }
    };
    this.started = run(inside.document, url);
  }

  async postMessage(data) {
    await this.started;
    const inside = this.frame.contentWindow;
    inside.dispatchEvent(new inside.MessageEvent("message", { data: structuredClone(data) }));
  }

  terminate() {
    this.frame.remove();
  }
};

// Ends when the script has run.
function run(page, url) {
  return new Promise((done, failed) => {
    page.body.append(Object.assign(page.createElement("script"), { src: url, onload: done, onerror: failed }));
  });
}

if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker;
}
