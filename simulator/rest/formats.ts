import type { Element } from '../xcat/tables.ts';

/** The body of an answer in a format that the CGI knows (docs/reference/xcat.md 1.1), from xcatd's elements. */
export function formatted(format: string, elements: readonly Element[], splitCommas: boolean): string {
  if (format === 'xml') return elements.map(asXml).join('');
  if (format === 'html') return elements.map((element) => asHtml(element, splitCommas)).join('\n');
  return JSON.stringify({ data: elements });
}

function asXml(element: Element): string {
  return Object.entries(element)
    .flatMap(([key, value]) => texts(value).map((text) => `<${key}>${escaped(text)}</${key}>\n`))
    .join('');
}

/** Tables of cells, as a person at a browser sees them; text is not escaped, as the CGI does not. */
function asHtml(element: Element, splitCommas: boolean): string {
  const cells = (values: readonly string[]) => `<tr>${values.map((value) => `<td>${value}</td>`).join('')}</tr>\n`;
  const rows: Record<string, (text: string) => string> = {
    data: (text) => {
      const [name = '', ...rest] = text.split(':');
      const values = rest.length === 0 ? [name] : [name, rest.join(':')];
      return cells(splitCommas ? values.flatMap((value) => value.split(',')) : values);
    },
    info: (text) => {
      const [, name = text.trim(), value = ''] = /^\s*([^=:]*?)[=:]\s*(.*?)\s*$/.exec(text) ?? [];
      return cells(value === '' ? [name] : [name, value]);
    },
    error: (text) => cells([text]).trimEnd(),
  };
  return Object.entries(rows)
    .flatMap(([key, row]) => {
      const found = texts(element[key]);
      return found.length === 0 ? [] : [`<table border=1>${found.map(row).join('')}</table>`];
    })
    .join('\n');
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map((each) => (typeof each === 'string' ? each : '')) : [];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
