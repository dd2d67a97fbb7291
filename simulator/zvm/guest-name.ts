const LETTERS = 'LNX';
const DIGITS = 4;

/**
 * The userid of a simulated guest, by the numbers of its z/VM system and of itself, from 1: `LNX10001`, `LN120001`, `L1200001`. It has eight characters, as
 * z/VM wants it, and is unique among up to 999 systems of one management node with up to 9,999 guests each.
 */
export function guestName(system: number, number: number): string {
  const ofSystem = String(system);
  return `${LETTERS.slice(0, DIGITS - ofSystem.length)}${ofSystem}${String(number).padStart(DIGITS, '0')}`;
}
