// What the theme leaves out: boxes that scroll take the keyboard's focus, and each landmark has a name of its own.
document$.subscribe(() => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search the pages");
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .md-typeset pre > code, .formula")) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
    }
  }
  // A list of pages and its title have the same name as the tab above it.
  for (const list of document.querySelectorAll(".md-nav[aria-labelledby]")) {
    const title = document.getElementById(list.getAttribute("aria-labelledby"));
    list.removeAttribute("aria-labelledby");
    list.setAttribute("aria-label", `Pages: ${title?.textContent.trim() ?? ""}`);
  }
});

// The theme adds the copy button of a block of code when the block comes into sight.
new MutationObserver(() => {
  const unnamed = document.querySelectorAll(".md-code__nav:not([aria-label])");
  for (const tools of unnamed) {
    const blocks = [...document.querySelectorAll(".highlight")];
    tools.setAttribute("aria-label", `Tools of code block ${blocks.indexOf(tools.closest(".highlight")) + 1}`);
  }
}).observe(document.body, { childList: true, subtree: true });
