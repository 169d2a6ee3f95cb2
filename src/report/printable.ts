// Makes text of agents and servers safe to show: what steers a terminal or reorders what a person reads is removed.

/** CSI; finished OSC, DCS, APC, PM and SOS strings; two-byte escapes; each also with its one-byte C1 form. */
const ESCAPE_SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])(?:[^\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c))?|\u001b[ -/]*[0-~]?/g;

/** Control, format (bidirectional, zero-width, tags), invisible and line-separating characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** One line of plain text; line breaks and tabs become spaces, lone surrogates the replacement character. */
export function printable(text: string): string {
  return text
    .replace(ESCAPE_SEQUENCES, '')
    .replace(/[\t\n\r]+/g, ' ')
    .replace(UNSEEN, '')
    .toWellFormed();
}

/** The same for text of several lines, which it keeps. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n');
}

/** JSON of the same value in which nothing can steer a terminal: unseen characters are written as \uXXXX. */
export function safeJson(value: unknown, indent?: number): string {
  return escapeUnseen(JSON.stringify(value, null, indent), indent !== undefined);
}

function escapeUnseen(json: string, keepLineBreaks: boolean): string {
  return json.replace(UNSEEN, (char) => {
    if (keepLineBreaks && char === '\n') return char;
    return Array.from(
      { length: char.length },
      (_, unit) => `\\u${char.charCodeAt(unit).toString(16).padStart(4, '0')}`,
    ).join('');
  });
}
