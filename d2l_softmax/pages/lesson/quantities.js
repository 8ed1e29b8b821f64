/** What the parts compute, so that a line of the programs can point at it. */

const quantities = new Map();

/** Say where a quantity is seen, and how its numbers are read now (texts). */
export function provide(name, element, read) {
  quantities.set(name, [...(quantities.get(name) ?? []), { element, read }]);
}

/** Return where a quantity is seen: [{ element, read }], none for a name that no part provides. */
export function placesOf(name) {
  return quantities.get(name) ?? [];
}
