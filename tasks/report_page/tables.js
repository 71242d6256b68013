// Tables that sort by any heading, and rows that are shown by name and verdict.
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function sortKey(row, column) {
  const cell = row.cells[column];
  return cell ? (cell.dataset.sort ?? cell.textContent.trim()) : "";
}

function compare(one, other) {
  const [a, b] = [Number(one), Number(other)];
  return Number.isNaN(a) || Number.isNaN(b) ? collator.compare(one, other) : a - b;
}

// What stands first is what one looks for: names from A, everything measured from the worst (`data-first` says which
// end that is). What was not measured stands last, whichever way.
function sortBy(table, heading) {
  const column = heading.cellIndex;
  const first = heading.dataset.first ?? (column === 0 ? "ascending" : "descending");
  const opposite = first === "ascending" ? "descending" : "ascending";
  const order = heading.getAttribute("aria-sort") === first ? opposite : first;
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row, place) => ({ row, place, key: sortKey(row, column) }));
  keyed.sort((a, b) => (a.key === "") - (b.key === "") || sign * compare(a.key, b.key) || a.place - b.place);
  body.append(...keyed.map((one) => one.row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const button of table.querySelectorAll("button.sort")) {
    button.addEventListener("click", () => sortBy(table, button.closest("th")));
  }
}

// A language's column is hidden by its name; then a row counts by what its shown squares say.
for (const form of document.querySelectorAll("form.filter")) {
  const rows = [...document.querySelectorAll("[data-level][data-name]")];
  const table = form.parentElement.querySelector("table.sortable");
  const headings = [...table.tHead.rows[0].cells].filter((heading) => heading.dataset.column);
  const shown = form.querySelector(".shown");
  const columnBox = form.querySelector(".column");
  let columnWanted = "";

  const showColumns = () => {
    columnWanted = columnBox.value.trim().toLowerCase();
    for (const heading of headings) {
      heading.hidden = !heading.dataset.column.includes(columnWanted);
      for (const row of table.tBodies[0].rows) row.cells[heading.cellIndex].hidden = heading.hidden;
    }
  };
  const isOf = (row, levels) => {
    if (!columnWanted || !table.contains(row)) return levels.has(row.dataset.level);
    const squares = [...row.querySelectorAll(".cell:not([hidden])")];
    return squares.some((square) => [...levels].some((level) => square.classList.contains(level)));
  };
  const apply = () => {
    if (columnBox && columnBox.value.trim().toLowerCase() !== columnWanted) showColumns();
    const wanted = form.querySelector(".name").value.trim().toLowerCase();
    const levels = new Set([...form.querySelectorAll(".level:checked")].map((box) => box.value));
    const names = new Set();
    const shownNames = new Set();
    for (const row of rows) {
      row.hidden = !(row.dataset.name.includes(wanted) && isOf(row, levels));
      names.add(row.dataset.name);
      if (!row.hidden) shownNames.add(row.dataset.name);
    }
    shown.textContent = shownNames.size === names.size ? "" : `${shownNames.size} of ${names.size} shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
}
