/**
 * Hue, chroma and lightness of colours that are told apart side by side, neighbours most. Chroma is what screens can show. Red is left out: it
 * means drift.
 */
const HUES: readonly (readonly [hue: number, chroma: number, light: number])[] = [
  [262, 1, 0],
  [148, 0.9, 0],
  [75, 0.85, 0.06],
  [325, 1, 0],
  [195, 0.62, -0.04],
  [52, 0.9, -0.02],
  [295, 1, 0],
  [115, 0.8, 0.02],
  [232, 0.7, 0.1],
  [350, 0.8, 0.12],
  [55, 0.5, -0.14],
  [168, 0.65, 0.1],
];
/** A second and a third round are darker and lighter. */
const SHADES: readonly (readonly [shade: number, less: number])[] = [
  [0, 1],
  [-0.14, 0.8],
  [0.09, 0.8],
];
/** Darker is no colour any more. */
const DARKEST = -0.18;
const SLOTS = HUES.length * SHADES.length;
const slots = new Map<number, number>();

/**
 * See that each VLAN has a colour: the one its number gives, or the next that is free. What has one keeps it while the page is open, and two
 * who look at the same VLANs see the same colours.
 */
export function giveColours(vlans: Iterable<number>): void {
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
function nextSlot(slot: number, first: number): number {
  const round = Math.floor(slot / HUES.length);
  const hue = ((slot % HUES.length) + 1) % HUES.length;
  return hue === first ? ((round + 1) % SHADES.length) * HUES.length + hue : round * HUES.length + hue;
}

/** A VLAN's colour; `undefined` stands for untagged. */
export function colourOf(vlan: number | undefined): string {
  if (vlan === undefined) return 'var(--flat)';
  const slot = slots.get(vlan) ?? vlan % HUES.length;
  const [hue, chroma, light] = HUES[slot % HUES.length] ?? [0, 1, 0];
  const [shade, less] = SHADES[Math.floor(slot / HUES.length)] ?? [0, 1];
  const [l, c] = [Math.max(DARKEST, light + shade).toFixed(2), (chroma * less).toFixed(2)];
  return `oklch(calc(var(--vlan-light) + ${l}) calc(var(--vlan-chroma) * ${c}) ${hue})`;
}
