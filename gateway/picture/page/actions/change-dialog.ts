import type { FullOperation, Problem } from '../api.ts';
import { courseOf, problemParts, stateSentence, stepList, warningParts } from '../details/operation-parts.ts';
import { type Child, element, focusOn, isStyled, make } from '../dom.ts';
import { getOperation, Refusal, request, send } from '../session.ts';
import type { Ask, Change, Values } from './change.ts';
import { field, type NetworkFields, networkFields } from './network-fields.ts';
import { type ShownResult, shownResult } from './operation-result.ts';

const LOOK_MS = 700;
const MOST_REASON = 500;
/** Answers to a look that say nothing of the operation: it is looked at again. */
const PASSING = new Set([429, 503, 504]);

/** The stage of a change: asked for, planned, carried out. */
type Stage =
  | { is: 'asking' }
  | { is: 'planning'; operation?: FullOperation }
  | { is: 'planned'; result: ShownResult }
  | { is: 'running'; operation?: FullOperation }
  | { is: 'ended'; operation: FullOperation }
  | { is: 'taken'; text: string }
  | { is: 'refused'; problem: Problem };

/** Open the dialog of a change: its fields, its plan, then its run. `show` opens an operation in the details. */
export function openChange(change: Change, show: (operation: FullOperation) => void): void {
  const dialog = element('change');
  if (dialog.open) return;
  new ChangeDialog(dialog, change, show).open();
}

class ChangeDialog {
  readonly #dialog: HTMLDialogElement;
  readonly #change: Change;
  readonly #show: (operation: FullOperation) => void;
  readonly #fields: NetworkFields | undefined;
  readonly #reason: ReturnType<typeof reasonField>;
  readonly #status = make('p', { class: 'status', role: 'status' });
  readonly #report = make('div', { class: 'report' });
  readonly #buttons = make('footer');
  readonly #closed = new AbortController();
  /** One plan starts one operation, however often the request for it is sent. */
  #key = '';
  #values: Values = {};
  /** The action of the button that goes on, and of Enter. */
  #goOn = () => {};
  #plan: string | undefined;

  constructor(dialog: HTMLDialogElement, change: Change, show: (operation: FullOperation) => void) {
    this.#dialog = dialog;
    this.#change = change;
    this.#show = show;
    this.#fields = change.network && networkFields(change.network);
    this.#reason = reasonField(change.needsReason);
  }

  open(): void {
    const { title, about } = this.#change;
    const focused = isStyled(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    const form = document.createElement('form');
    form.noValidate = true;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#goOn();
    });
    const close = make('button', { type: 'button', class: 'close', 'aria-label': 'Close', onclick: this.#close }, '×');
    const parts: Child[] = [
      make('header', {}, make('h2', { id: 'change-title' }, title), close),
      make('p', { class: 'soft', id: 'change-about' }, about),
      this.#fields?.node,
      this.#status,
      this.#report,
      this.#reason.line,
      this.#buttons,
    ];
    form.append(...parts.filter((part) => part !== undefined && part !== false));
    this.#dialog.replaceChildren(form);
    this.#dialog.onclose = () => {
      this.#closed.abort();
      // The details are made anew meanwhile: the button that was pressed is another element.
      if (focused !== undefined) focusOn(document.body, focused);
    };
    this.#dialog.showModal();
    if (this.#fields !== undefined) this.#enter({ is: 'asking' });
    else void this.#showPlan();
    if (this.#fields === undefined) this.#reason.input.focus();
  }

  readonly #close = () => this.#dialog.close();

  readonly #showPlan = async () => {
    const { notice } = this.#change;
    this.#values = this.#fields?.values() ?? {};
    // Browsers give randomUUID to pages over HTTPS and of this machine alone.
    this.#key = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('');
    if (this.#fields !== undefined && this.#values.network === undefined) return;
    if (notice !== undefined) {
      const { steps = [] } = this.#change;
      return this.#enter({
        is: 'planned',
        result: { steps, plan: undefined, interrupts: false, failures: [], warnings: [] },
      });
    }
    await this.#follow({ dryRun: true, values: this.#values }, 'planning', (operation) => {
      if (operation.state !== 'completed') return { is: 'ended', operation };
      return { is: 'planned', result: shownResult(operation) };
    });
  };

  readonly #start = () => {
    const { taken, needsReason = false } = this.#change;
    if (needsReason && this.#reason.input.value.trim() === '') return this.#reason.input.reportValidity();
    return taken === undefined ? this.#startOperation() : this.#say(taken);
  };

  /** Send a change that is no operation. */
  async #say(taken: string): Promise<void> {
    this.#enter({ is: 'running' });
    try {
      const reason = this.#reason.input.value.trim();
      const { path, ...asked } = this.#change.request({ values: {}, dryRun: false, reason });
      await request(path, undefined, { ...asked, reason });
      this.#enter({ is: 'taken', text: taken });
    } catch (error) {
      this.#enter({ is: 'refused', problem: error instanceof Refusal ? error.problem : unanswered(error) });
    }
  }

  readonly #startOperation = () =>
    this.#follow({ dryRun: false, values: this.#values, plan: this.#plan }, 'running', (operation) => ({
      is: 'ended',
      operation,
    }));

  /** Send the change, look at its operation until that has ended, and enter the stage after it. */
  async #follow(
    ask: Omit<Ask, 'reason'>,
    is: 'planning' | 'running',
    after: (ended: FullOperation) => Stage,
  ): Promise<void> {
    const { signal } = this.#closed;
    this.#enter({ is });
    try {
      const reason = this.#reason.input.value.trim();
      const { path, ...asked } = this.#change.request({ ...ask, reason });
      const once = ask.dryRun ? {} : { key: this.#key };
      const ended = await untilEnded(await send(path, { ...asked, ...once, reason }), signal, (operation) =>
        this.#enter({ is, operation }),
      );
      if (!signal.aborted) this.#enter(after(ended));
    } catch (error) {
      if (signal.aborted) return;
      const problem = error instanceof Refusal ? error.problem : unanswered(error);
      this.#enter({ is: 'refused', problem });
    }
  }

  #enter(stage: Stage): void {
    const { is } = stage;
    if (stage.is === 'planned') this.#plan = stage.result.plan;
    else if (stage.is === 'planning') this.#plan = undefined;
    if (this.#fields !== undefined) this.#fields.node.disabled = is !== 'asking';
    this.#reason.line.hidden = is === 'running' || is === 'ended' || is === 'taken';
    const status = sentenceOf(stage, this.#change);
    // Screen readers say a text again when it is written again.
    if (this.#status.textContent !== status) this.#status.textContent = status;
    this.#status.className = `status ${lookOf(stage)}`;
    this.#report.replaceChildren(...reportOf(stage).filter((part) => part !== undefined && part !== false));
    this.#dialog.setAttribute('aria-busy', String(is === 'planning' || is === 'running'));
    const before = this.#buttons.dataset.stage;
    if (before === is) return;
    this.#buttons.dataset.stage = is;
    this.#goOn = () => {};
    this.#buttons.replaceChildren(...this.#buttonsOf(stage));
    this.#keepFocus(is);
  }

  /** The focus stays in the dialog when its element has gone: on the button that goes on. */
  #keepFocus(is: Stage['is']): void {
    const { activeElement } = document;
    if (is === 'asking') this.#fields?.node.querySelector<HTMLElement>('#change-vlans:enabled, select')?.focus();
    else if (!this.#dialog.contains(activeElement) || activeElement?.matches('dialog, [hidden] *') === true)
      this.#nextStop(is).focus();
  }

  /** The reason while one can be given: Enter goes on from there. */
  #nextStop(is: Stage['is']): HTMLElement {
    if (is === 'planning' || is === 'planned') return this.#reason.input;
    const last = this.#buttons.querySelector<HTMLElement>('.primary') ?? this.#buttons.querySelector('button');
    return last ?? this.#dialog;
  }

  #buttonsOf(stage: Stage): HTMLElement[] {
    const close = (text = 'Close') => button(text, this.#close);
    const back = this.#fields === undefined ? [] : [button('Back', () => this.#enter({ is: 'asking' }))];
    const plan = (text: string) => this.#primary(text, () => void this.#showPlan());
    switch (stage.is) {
      case 'asking':
        return [close(), plan('Show the plan')];
      case 'planning':
        return [close()];
      case 'planned': {
        const { notice, start } = this.#change;
        if (stage.result.steps.length === 0 && notice === undefined)
          return [...back, this.#primary('Close', this.#close)];
        const isDangerous = stage.result.interrupts || notice !== undefined;
        return [...back, close(), this.#primary(start, () => void this.#start(), isDangerous ? 'danger' : '')];
      }
      case 'running':
        return [close('Close: it goes on')];
      case 'taken':
        return [this.#primary('Close', this.#close)];
      case 'ended': {
        const { operation } = stage;
        const open = button('Show the operation', () => {
          this.#close();
          this.#show(operation);
        });
        if (isOvertaken(operation)) return [open, close(), plan('Show the new plan')];
        const isPlan = operation.state !== 'completed' && this.#plan === undefined;
        return [...(isPlan ? back : []), open, this.#primary('Close', this.#close)];
      }
      case 'refused':
        return [...back, close(), plan('Try again')];
    }
  }

  /** The button that goes on; Enter presses it too. */
  #primary(text: string, onclick: () => void, kind = ''): HTMLElement {
    this.#goOn = onclick;
    return make('button', { type: 'submit', class: `primary ${kind}` }, text);
  }
}

/** Look at an operation until it has ended, or nobody looks any more. */
async function untilEnded(
  started: FullOperation,
  signal: AbortSignal,
  tell: (operation: FullOperation) => void,
): Promise<FullOperation> {
  let operation = started;
  while (operation.state === 'running' && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    operation = await getOperation(operation.id, operation.runId).catch((error: unknown) => {
      if (!(error instanceof Refusal) || PASSING.has(error.problem.status)) return operation;
      throw error;
    });
    if (operation.state === 'running' && !signal.aborted) tell(operation);
  }
  return operation;
}

function reasonField(required = false): { line: HTMLElement; input: HTMLInputElement } {
  const input = document.createElement('input');
  Object.assign(input, { id: 'change-reason', maxLength: MOST_REASON, autocomplete: 'off', required });
  input.placeholder = 'a ticket, or a sentence; kept with the operation';
  return { line: field('Reason', input), input };
}

function sentenceOf(stage: Stage, { notice }: Change): string {
  switch (stage.is) {
    case 'asking':
      return '';
    case 'planning':
      return stage.operation?.outcome === 'waiting' ? stateSentence(stage.operation) : 'Planning …';
    case 'planned': {
      const { steps, interrupts, failures } = stage.result;
      if (notice !== undefined) return notice;
      if (steps.length === 0) return failures.length > 0 ? 'Nothing can be done.' : 'Nothing would change.';
      const count = `${steps.length} ${steps.length === 1 ? 'step' : 'steps'} would be carried out.`;
      return interrupts ? `${count} The NIC is live: it is off the network for a moment.` : count;
    }
    case 'running':
      return stage.operation === undefined ? 'Sent …' : stateSentence(stage.operation);
    case 'taken':
      return stage.text;
    case 'ended':
      if (isOvertaken(stage.operation)) return 'The guest has changed since the plan: nothing was touched.';
      return stateSentence(stage.operation);
    case 'refused':
      return stage.problem.status === 0 ? 'The gateway does not answer.' : 'The gateway refuses the request.';
  }
}

function lookOf(stage: Stage): string {
  if (stage.is === 'refused') return 'bad';
  if (stage.is === 'planned') return stage.result.interrupts ? 'warn' : '';
  if (stage.is === 'running' || stage.is === 'planning') return 'busy';
  if (stage.is === 'taken') return 'good';
  if (stage.is !== 'ended') return '';
  return stage.operation.state === 'completed' && stage.operation.outcome !== 'failed' ? 'good' : 'bad';
}

function reportOf(stage: Stage): Child[] {
  if (stage.is === 'planned')
    return [
      stage.result.steps.length > 0 && stepList(stage.result.steps),
      ...warningParts(stage.result.warnings),
      ...stage.result.failures.map((text) => make('p', { class: 'bad' }, text)),
    ];
  if (stage.is === 'refused') return problemParts(stage.problem);
  if (stage.is === 'running' || stage.is === 'ended') return stage.operation ? courseOf(stage.operation) : [];
  return [];
}

/** It was refused since the plan that was shown is no longer the plan. */
function isOvertaken({ failure }: FullOperation): boolean {
  return failure?.refusals.some(({ field }) => field.startsWith('onlyIf.')) === true;
}

function unanswered(error: unknown): Problem {
  const detail = error instanceof Error ? error.message : String(error);
  return { type: '', title: '', status: 0, detail, instance: '' };
}

function button(text: string, onclick: () => void): HTMLElement {
  return make('button', { type: 'button', onclick }, text);
}
