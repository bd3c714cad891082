// Lets the keyboard scroll what is wider than the screen: code, output, tables.
//
// Such a box gets a tab stop while it overflows, and keeps the left and right arrows, which mdBook takes for "next chapter".

(() => {
  const boxes = document.querySelectorAll("main :is(pre > code, .table-wrapper, figure.chart)");
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) {
        target.setAttribute("tabindex", "0");
        target.setAttribute("data-scrolls", "");
      } else if (target.hasAttribute("data-scrolls")) {
        target.removeAttribute("tabindex");
        target.removeAttribute("data-scrolls");
      }
    }
  });
  for (const box of boxes) {
    watch.observe(box);
    box.addEventListener("keydown", (event) => {
      if (event instanceof KeyboardEvent && event.key.startsWith("Arrow") && box.hasAttribute("data-scrolls")) {
        event.stopPropagation();
      }
    });
  }
})();

// While `cargo course` serves the book, mdBook's own script keeps a socket to it in `socket`; a published page has none.
// An edit that does not build is told there, and shown here until the next good build reloads the page.

(() => {
  if (typeof socket === "undefined") {
    return;
  }
  const start = "build-error: ";
  socket.addEventListener("message", (event) => {
    if (typeof event.data !== "string" || !event.data.startsWith(start)) {
      return;
    }
    document.querySelector(".build-error")?.remove();
    const error = document.createElement("p");
    error.className = "build-error";
    error.setAttribute("role", "alert");
    error.textContent = `The last edit does not build, so this page is the one before it. ${event.data.slice(start.length)}`;
    document.querySelector("main")?.before(error);
  });
})();
