// Shows the rows whose name contains what is typed, in all tables of the page.
const field = document.querySelector(".filter input");
field?.closest(".filter").removeAttribute("hidden");
field?.addEventListener("input", () => {
  const part = field.value.trim().toLowerCase();
  for (const row of document.querySelectorAll("main tr:not(:first-child)")) {
    row.hidden = !row.cells[0].textContent.toLowerCase().includes(part);
  }
});
