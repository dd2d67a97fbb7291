import { element } from './dom.js';

/** "How to read it" lies over the details: it closes when something else is clicked. */
export function closeKeyElsewhere() {
  document.addEventListener('click', ({ target }) => {
    if (!element('key').contains(target)) element('key').open = false;
  });
}

/** True when it was open. */
export function closeKey() {
  const { open } = element('key');
  element('key').open = false;
  return open;
}
