/** A host's view with what has changed of it; all else stays the same objects. */
export function changed(view, { iplTime, findings, guests, vswitches }) {
  return {
    ...view,
    iplTime,
    findings,
    guests: merged(
      view.guests,
      guests,
      ({ userid }) => userid,
      (_, guest) => guest,
    ),
    vswitches: merged(view.vswitches, vswitches, ({ name }) => name, changedVswitch),
  };
}

function merged(items, { now, gone }, keyOf, merge) {
  const all = new Map(items.map((item) => [keyOf(item), item]));
  for (const key of gone) all.delete(key);
  for (const item of now) all.set(keyOf(item), merge(all.get(keyOf(item)), item));
  return [...all].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item);
}

/** Of a VSWITCH that was there before, long lists come as what is new in them and what is no longer. */
function changedVswitch(old, vswitch) {
  return {
    ...vswitch,
    authorisations: changedList(old?.authorisations ?? [], vswitch.authorisations),
    nics: changedList(old?.nics ?? [], vswitch.nics),
  };
}

function changedList(old, { now, gone }) {
  const without = new Set(gone);
  return [...old.filter((item) => !without.has(JSON.stringify(item))), ...now];
}
