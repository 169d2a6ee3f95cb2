// The forms in which an upstream may echo what was sent to it. Pure; texts are latin1.

export interface EchoForm {
  readonly text: string;
  /** How it was encoded, in the words of a finding: `base64`, `json > json`; '' = as it is. */
  readonly chain: string;
}

/** Shorter forms would hit by chance and scrub what is no secret. */
const SHORTEST = 6;
/** Of values beyond this, forms that write each byte as several are left out; in bytes. */
const LONG = 1024;
const NO_BYTE_IS_KEPT = /[^\s\S]/;
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Longest first. Upper and lower case are the same to the search: each form stands here once. */
export function echoForms(values: readonly string[]): readonly EchoForm[] {
  const forms = new Map<string, EchoForm>();
  for (const value of values) {
    for (const [chain, text] of formsOf(value)) {
      const key = text.toLowerCase();
      if (text.length >= SHORTEST && !forms.has(key)) forms.set(key, { text, chain });
    }
  }
  return [...forms.values()].sort((a, b) => b.text.length - a.text.length);
}

function* formsOf(value: string): Generator<readonly [string, string]> {
  const bytes = Buffer.from(value, 'latin1');
  yield ['', value];
  yield ['reversed', Buffer.from(bytes).reverse().toString('latin1')];
  for (const text of base64Cores(bytes)) {
    yield ['base64', text];
    yield ['base64 > percent', percent(text, /[A-Za-z0-9\-_]/)];
    yield ['base64 > json', text.replaceAll('/', '\\/')];
    for (const twice of base64Cores(Buffer.from(text, 'latin1'))) yield ['base64 > base64', twice];
  }
  yield* texts(value, bytes);
  yield ['hex', bytes.toString('hex')];
  // From the first byte that is its own to the last one: the same in both orders for ASCII, and no byte of what stands beside it.
  const wide16 = Buffer.from(bytes.toString('utf8'), 'utf16le');
  yield ['utf16', wide16.toString('latin1').slice(0, -1)];
  yield ['utf16', Buffer.from(wide16).swap16().toString('latin1').slice(1)];
  for (const text of base64Cores(wide16)) yield ['utf16 > base64', text];
  for (let shift = 0; shift < 5; shift++) yield ['base32', base32Core(bytes, shift)];
  if (value.length <= LONG) yield* wide(value, bytes);
  yield* decoded(value);
}

/** Escapes of what a syntax reserves. */
function* texts(value: string, bytes: Buffer): Generator<readonly [string, string]> {
  for (const kept of [/[A-Za-z0-9\-._~]/, /[A-Za-z0-9\-._~!'()*]/]) {
    const once = percent(value, kept);
    yield ['percent', once];
    yield ['percent > percent', once.replaceAll('%', '%25')];
  }
  yield ['quoted-printable', value.replace(/[^ -<>-~]/g, (char) => `=${hexOf(char)}`)];
  const json = JSON.stringify(bytes.toString('utf8')).slice(1, -1);
  const escaped = Buffer.from(json, 'utf8').toString('latin1');
  for (const once of [escaped, escaped.replaceAll('/', '\\/')]) {
    yield ['json', once];
    const twice = JSON.stringify(once).slice(1, -1);
    yield ['json > json', twice];
    yield ['json > json > json', JSON.stringify(twice).slice(1, -1)];
  }
  // Go's encoder writes these three so, .NET's more.
  for (const reserved of [/[<>&]/g, /[&<>'"+`]/g, /[&<>'"+`=/]/g]) {
    // A quotation mark has a backslash before it, or is written in digits as well.
    for (const before of [json, value.replaceAll('\\', '\\\\')]) {
      const once = before.replace(reserved, unicodeEscape);
      yield ['json', once];
      yield ['json > json', once.replaceAll('\\', '\\\\')];
    }
  }
  const html = value.replace(/[&<>]/g, (char) => HTML[char] ?? char);
  for (const [double, single] of [
    ['&quot;', '&#39;'],
    ['&#34;', '&#39;'],
    ['&quot;', '&#x27;'],
    ['&quot;', "'"],
  ] as const) {
    yield ['html', html.replaceAll('"', double).replaceAll("'", single)];
  }
  yield ['html', value.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)];
  yield ['html', value.replace(/[&<>"'=+/`]/g, (char) => `&#x${char.charCodeAt(0).toString(16)};`)];
}

/** Each byte written as several. */
function* wide(value: string, bytes: Buffer): Generator<readonly [string, string]> {
  yield ['percent', percent(value, NO_BYTE_IS_KEPT)];
  const pairs = bytes.toString('hex').match(/../g) ?? [];
  for (const between of [' ', ':', ', 0x', '\\x']) yield ['hex', pairs.join(between)];
  yield ['hex', pairs.map((pair) => `\\\\x${pair}`).join('')];
  yield ['json', Array.from(value, unicodeEscape).join('')];
  yield ['html', Array.from(value, (char) => `&#${char.charCodeAt(0)};`).join('')];
  yield ['html', Array.from(value, (char) => `&#x${char.charCodeAt(0).toString(16)};`).join('')];
  for (const between of [',', ', ']) yield ['bytes', [...bytes].join(between)];
}

/** What a service makes of a value that it takes for encoded text: an agent may put a placeholder where one is decoded. */
function* decoded(value: string): Generator<readonly [string, string]> {
  for (const text of new Set([value, value.replace(/[-_]/g, '')])) {
    if (!/^[A-Za-z0-9+/_-]+=*$/.test(text)) continue;
    for (let skip = 0; skip < 4; skip++) {
      const core = text.replace(/=+$/, '').slice(skip);
      yield ['decoded base64', Buffer.from(core.slice(0, core.length & ~3), 'base64').toString('latin1')];
    }
  }
  for (const hex of [value, value.slice(1)]) {
    if (/^[0-9a-f]+$/i.test(hex)) yield ['decoded hex', Buffer.from(hex, 'hex').toString('latin1')];
  }
  if (/%[0-9a-f]{2}/i.test(value)) {
    const plain = value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    yield ['decoded percent', plain];
  }
}

const hexOf = (char: string): string => char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0');

const unicodeEscape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

const percent = (value: string, kept: RegExp): string =>
  Array.from(value, (char) => (kept.test(char) ? char : `%${hexOf(char)}`)).join('');

/** In both alphabets, behind 0, 1 and 2 bytes: the characters that depend on these bytes alone. */
function base64Cores(bytes: Buffer): readonly string[] {
  const cores = new Set<string>();
  for (let shift = 0; shift < 3; shift++) {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    const core = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    cores.add(core);
    cores.add(core.replaceAll('+', '-').replaceAll('/', '_'));
  }
  // A whole one ends with bits of the value alone.
  const whole = bytes.toString('base64');
  cores.add(whole);
  cores.add(bytes.toString('base64url'));
  return [...cores];
}

function base32Core(bytes: Buffer, shift: number): string {
  let text = '';
  const first = Math.ceil((shift * 8) / 5);
  const last = Math.floor(((shift + bytes.length) * 8) / 5);
  for (let at = first; at < last; at++) {
    let five = 0;
    for (let bit = at * 5 - shift * 8; bit < at * 5 - shift * 8 + 5; bit++) {
      five = (five << 1) | ((bytes[bit >> 3]! >> (7 - (bit & 7))) & 1);
    }
    text += BASE32[five];
  }
  return text;
}
