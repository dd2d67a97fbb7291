/** Hues that are told apart side by side. Red is left out: it means drift. */
const HUES = [255, 150, 85, 310, 205, 62, 285, 128, 345, 228, 178, 105];
/** A second and a third round are lighter and darker. */
const SHADES = [0, 0.13, -0.12];
const SLOTS = HUES.length * SHADES.length;
const slots = new Map();

/**
 * See that each VLAN has a colour: the one its number gives, or the next that is free. What has one keeps it while the page is open, and two
 * who look at the same VLANs see the same colours.
 */
export function giveColours(vlans) {
  const taken = new Set(slots.values());
  for (const vlan of vlans) {
    if (slots.has(vlan)) continue;
    let slot = vlan % HUES.length;
    for (let tried = 0; tried < SLOTS && taken.has(slot); tried += 1) slot = nextSlot(slot, vlan % HUES.length);
    slots.set(vlan, slot);
    taken.add(slot);
  }
}

/** The next hue of a round, then the next round. */
function nextSlot(slot, first) {
  const round = Math.floor(slot / HUES.length);
  const hue = ((slot % HUES.length) + 1) % HUES.length;
  return hue === first ? ((round + 1) % SHADES.length) * HUES.length + hue : round * HUES.length + hue;
}

/** A VLAN's colour; `undefined` stands for untagged. */
export function colourOf(vlan) {
  if (vlan === undefined) return 'var(--flat)';
  const slot = slots.get(vlan) ?? vlan % HUES.length;
  const shade = SHADES[Math.floor(slot / HUES.length)];
  return `oklch(calc(var(--vlan-light) + ${shade}) var(--vlan-chroma) ${HUES[slot % HUES.length]})`;
}
