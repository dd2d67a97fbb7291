import { element } from './dom.js';
import { dayAndTimeText } from './times.js';

/** When reconciliation could compare the host last, and why it cannot now. */
export function showReconciled({ lastSuccess, failure } = {}) {
  const node = element('reconciled');
  node.className = failure === undefined ? '' : 'bad';
  const last = lastSuccess === undefined ? 'never' : dayAndTimeText(lastSuccess);
  node.textContent =
    failure === undefined
      ? lastSuccess === undefined
        ? ''
        : `reconciled ${last}`
      : `reconciliation fails: ${failure.reason} (${dayAndTimeText(failure.at)}; last success: ${last})`;
}
