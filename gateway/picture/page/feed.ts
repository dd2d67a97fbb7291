import type { HostEvents } from './api.ts';
import { Refusal, request } from './session.ts';

/** A function for each event of a host, and for the connection. */
export type Listener = { [Event in keyof HostEvents]: (data: HostEvents[Event]) => void } & {
  connected: () => void;
  lost: (word: string, error: unknown) => void;
};

/** The gateway says something every ten seconds: after this time without a word the gateway counts as gone. */
const SILENT_MS = 25_000;
const AGAIN_MS = 2_000;
/** A refused request is likely to be refused again. */
const REFUSED_MS = 15_000;
/** A hidden tab gives its connection back: browsers allow few to one host. */
const HIDDEN_MS = 60_000;

/**
 * A host's server-sent events, over fetch since EventSource cannot send a token. Comes back after a failure; rests while the page is hidden.
 * Answers the function that ends it.
 */
export function followHost(host: string, on: Listener): () => void {
  const ended = new AbortController();
  void (async () => {
    while (!ended.signal.aborted) {
      const pause = new AbortController();
      const stopWatching = pauseWhenHidden(pause);
      let again = AGAIN_MS;
      const signal = AbortSignal.any([ended.signal, pause.signal]);
      try {
        await readEvents(host, on, signal);
      } catch (error) {
        if (ended.signal.aborted) return;
        if (error instanceof Refusal) again = REFUSED_MS;
        on.lost(pause.signal.aborted ? 'paused' : 'not connected', error);
      } finally {
        stopWatching();
      }
      await (document.hidden ? shownAgain() : new Promise((resolve) => setTimeout(resolve, again)));
    }
  })();
  return () => ended.abort();
}

function pauseWhenHidden(pause: AbortController): () => void {
  let timer: number | undefined;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = window.setTimeout(() => pause.abort(), HIDDEN_MS);
  };
  document.addEventListener('visibilitychange', look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
}

function shownAgain(): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', look);
      resolve();
    };
    document.addEventListener('visibilitychange', look);
    look();
  });
}

async function readEvents(host: string, on: Listener, signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  let timer: number | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => silence.abort(new Error('the gateway is silent')), SILENT_MS);
  };
  try {
    const both = AbortSignal.any([signal, silence.signal]);
    heard();
    const answer = await request(`/v1/hosts/${encodeURIComponent(host)}/events`, both);
    on.connected();
    if (answer.body === null) throw new Error('the gateway has sent no events');
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    const parse = eventParser(on);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error('the gateway has ended the connection');
      heard();
      parse(value);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A whole host comes in many pieces: they are joined once, at the end of their event. */
function eventParser(on: Listener): (text: string) => void {
  let pieces: string[] = [];
  return (text) => {
    let from = 0;
    for (;;) {
      // An event's end may be cut in two.
      const straddles = from === 0 && text.startsWith('\n') && pieces.at(-1)?.endsWith('\n') === true;
      const end = straddles ? 1 : text.indexOf('\n\n', from);
      if (end < 0) break;
      pieces.push(text.slice(from, end));
      tell(pieces.join(''), on);
      pieces = [];
      from = straddles ? 1 : end + 2;
    }
    if (from < text.length) pieces.push(text.slice(from));
  };
}

const EVENTS = {
  state: true,
  changes: true,
  operations: true,
  reconciliation: true,
  hold: true,
  problem: true,
  alive: true,
} as const satisfies Record<keyof HostEvents, true>;

function isEvent(name: string | undefined): name is keyof HostEvents {
  return name !== undefined && Object.hasOwn(EVENTS, name);
}

function tell(block: string, on: Listener): void {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()] as const;
    }),
  );
  const data = fields.get('data');
  const event = fields.get('event');
  if (data !== undefined && isEvent(event)) on[event](JSON.parse(data));
}
