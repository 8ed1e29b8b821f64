/** Where the page shows the numbers that lines of the programs compute. */

const quantities = new Map();

/** Register the element that shows a step's numbers; `read` returns their current texts. */
function provide(name, element, read) {
  quantities.set(name, [...(quantities.get(name) ?? []), { element, read }]);
}

/** Return the elements that show a step's numbers: [{ element, read }], perhaps none. */
function placesOf(name) {
  return quantities.get(name) ?? [];
}
