import { z } from 'zod';
import { SimulatorEvent, SimulatorState } from './simulator-state.ts';

const Counters = z.object({ httpCalls: z.number(), smapiCalls: z.number() });

/** The simulator's control interface, as tests and operators use it (docs/simulator.md). */
export class Control {
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async state(): Promise<SimulatorState> {
    return SimulatorState.parse(await this.ask('GET', 'state'));
  }

  async events(): Promise<SimulatorEvent[]> {
    return SimulatorEvent.array().parse(await this.ask('GET', 'events'));
  }

  async counters(): Promise<z.infer<typeof Counters>> {
    return Counters.parse(await this.ask('GET', 'counters'));
  }

  /** Send a request with or without a body. Throws an Error when it is not answered by success. */
  async ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`simulator: ${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}
