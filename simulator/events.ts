export type SimulatorEvent = { seq: number; time: string; type: string; system?: string; userid?: string } & Record<
  string,
  unknown
>;

/** Everything that happened, in order; tests and operators read it to see what a client really did. */
export class EventLog {
  readonly counters = { httpCalls: 0, smapiCalls: 0 };
  private readonly entries: SimulatorEvent[] = [];

  /** Appends one entry and returns it. */
  record(type: string, fields: Record<string, unknown> = {}): SimulatorEvent {
    const entry = { seq: this.entries.length + 1, time: new Date().toISOString(), type, ...fields };
    this.entries.push(entry);
    return entry;
  }

  /** Entries with a sequence number above the given one. */
  since(seq: number): SimulatorEvent[] {
    return this.entries.slice(Math.max(0, seq));
  }
}
