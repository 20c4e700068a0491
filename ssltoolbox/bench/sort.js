// Sorts a table by a click on a head: first the best number, by its arrow, then the other way round.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.querySelectorAll("th")];
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim().replace("\u2212", "-").replace(/,/g, "");
    const number = parseFloat(text);
    return column === 0 ? text : Number.isNaN(number) ? null : number;
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort");
      const first = column === 0 || head.textContent.includes("\u2193") ? "ascending" : "descending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = was === first ? other : first;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const rows = [...table.querySelectorAll("tr")].slice(1);
      const sign = order === "ascending" ? 1 : -1;
      rows.sort((one, two) => {
        const [a, b] = [value(one, column), value(two, column)];
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (a < b ? -1 : a > b ? 1 : 0);
      });
      rows[0]?.parentNode.append(...rows);
    });
  });
}
