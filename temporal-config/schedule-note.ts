/** What stands on the page of a host's Schedule as long as nobody has paused it. */
export function reconciliationNote(host: string, everySeconds: number): string {
  return `Compares ${host} with what is recorded every ${everySeconds} s and repairs what differs. Pause it before maintenance, and say why.`;
}
