// Errors for unknown names, with the nearest names that exist.

const MAX_LISTED = 30; // a message lists all names if there are at most this many

/** Returns the error for a name that does not exist. `all` says where all names are, if they are too many to list. */
export function unknownName(kind, name, known, all) {
  const nearest = nearestNames(name, known).map(quoted);
  const hint = nearest.length ? ` Did you mean ${nearest.join(" or ")}?` : "";
  const listed = known.length <= MAX_LISTED ? `There are: ${known.join(", ")}` : all;
  return new RangeError(`no ${kind} ${quoted(name)}.${hint} ${listed}`);
}

export const quoted = (name) => JSON.stringify(String(name));

/** Returns up to three names that become `name` by the fewest edits; none if even half of the letters differ. */
function nearestNames(name, known) {
  const ranked = known.map((other) => [edits(name, other), other]).sort(([a], [b]) => a - b);
  const limit = Math.min(ranked[0]?.[0], Math.floor(name.length / 2));
  return ranked.filter(([distance]) => distance <= limit).slice(0, 3).map(([, other]) => other);
}

/** Returns the Levenshtein distance: the number of letters to insert, delete or replace. */
function edits(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
