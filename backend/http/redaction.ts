/**
 * Takes a password out of texts that others write, such as the page of a proxy that repeats the request: as it is, as it stands in a URL, and
 * whatever follows `password=`.
 */
export function redactorOf(password: string): (text: string) => string {
  const forms = [...new Set([password, encodeURIComponent(password), escapeHtml(password)])].filter(
    (form) => form.length >= SHORTEST,
  );
  return (text) =>
    forms
      .reduce((rest, form) => rest.replaceAll(form, HIDDEN), text)
      .replaceAll(/\bpassword=[^&\s"'<>]*/gi, `password=${HIDDEN}`);
}

// A shorter one is part of any text.
const SHORTEST = 4;
const HIDDEN = '***';

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
