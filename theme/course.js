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
