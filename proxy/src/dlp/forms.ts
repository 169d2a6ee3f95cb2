// The forms in which a known value is looked for byte by byte, without decoding anything.
import { asNumber, BASE32, BASE85, blocks85, EBCDIC, RADIX, stableBits } from './alphabets.ts';

export interface Form {
  /** Name in the chain of views; '' for the value itself. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly anyCase: boolean;
}

/** Values shorter than this are looked for as they are and nothing else: their encodings are too common. */
const ENCODED_FROM_BYTES = 8;
/** From here on a value is unmistakable in any letter case (host names, header names and some logs fold it). */
const ANY_CASE_FROM_BYTES = 12;
/** From here on values are looked for in rare encodings too. */
const RARE_FROM_BYTES = 16;
/** Fewest characters of an encoding that must be free of neighbours' bits. */
const STABLE_CHARS = 8;

export function valueForms(value: string): Form[] {
  const raw = Buffer.from(value);
  const anyCase = raw.length >= ANY_CASE_FROM_BYTES;
  const forms: Form[] = [{ name: '', bytes: raw, anyCase }];
  const add = (name: string, text: string, withAnyCase = false): void => {
    const bytes = Buffer.from(text);
    if (!forms.some((form) => form.bytes.equals(bytes))) forms.push({ name, bytes, anyCase: withAnyCase });
  };
  const json = JSON.stringify(value).slice(1, -1);
  add('json', json);
  add('json', json.replaceAll('/', '\\/'));
  // JSON as a string inside JSON: tool calls are written so.
  add('json', JSON.stringify(json).slice(1, -1));
  add('entities', escapeEntities(value));
  add('form', value.replaceAll(' ', '+'));
  if (/[\x80-\xff]/.test(value) && /^[\x00-\xff]*$/.test(value)) add('latin1', value);
  if (raw.length < ENCODED_FROM_BYTES) return forms;
  for (let shift = 0; shift < 3; shift++) {
    const std = stableBase64(raw, shift).text;
    if (std.length < STABLE_CHARS) continue;
    add('base64', std);
    add('base64', std.replaceAll('+', '-').replaceAll('/', '_'));
  }
  add('hex', raw.toString('hex'), true);
  const encoded = forms.filter(({ name }) => name === 'base64' || name === 'hex');
  for (const form of [forms[0]!, ...encoded]) {
    const name = form.name === '' ? 'reversed' : `reversed > ${form.name}`;
    forms.push({ name, bytes: Buffer.from(form.bytes).reverse(), anyCase: form.anyCase });
  }
  if ((value.match(/[a-z]/gi) ?? []).length >= ENCODED_FROM_BYTES) add('rot13', rot13(value), anyCase);
  for (const [name, alphabet] of Object.entries(BASE32)) {
    for (let shift = 0; shift < 5; shift++) {
      const text = stableBits(raw, shift, 5, alphabet);
      if (text.length >= STABLE_CHARS + 4) add(name, text, true);
    }
  }
  if (raw.length < RARE_FROM_BYTES) return forms;
  for (const [name, alphabet] of Object.entries(RADIX)) add(name.split(' ')[0]!, asNumber(raw, alphabet));
  for (const [name, alphabet] of Object.entries(BASE85)) {
    for (let skip = 0; skip < 4; skip++) {
      const text = blocks85(raw, skip, alphabet);
      // As it stands, and as a JSON string has it.
      if (text.length < STABLE_CHARS) continue;
      add(name, text);
      add(name, JSON.stringify(text).slice(1, -1));
    }
  }
  for (let shift = 0; shift < 3; shift++) {
    const text = stableBits(raw, shift, 6, UUENCODE);
    add('uuencode', text);
    add('uuencode', text.replaceAll('`', ' '));
  }
  const ebcdic = Buffer.from(raw.map((byte) => Math.max(0, EBCDIC.indexOf(byte))));
  if (!ebcdic.includes(0)) forms.push({ name: 'ebcdic', bytes: ebcdic, anyCase: false });
  add('rot47', rot47(value));
  add('atbash', atbash(value));
  for (let by = 1; by < 26; by++) if (by !== 13) add('caesar', rotated(value, by), anyCase);
  return forms;
}

/** Values whose forms are remembered. */
const REMEMBERED = 1024;

/** The forms, worked out once for each value: with every new secret all of them are compiled again. */
export function rememberForms(): (value: string) => readonly Form[] {
  const known = new Map<string, readonly Form[]>();
  return (value) => {
    const forms = known.get(value) ?? valueForms(value);
    // The one that was asked for longest ago comes first.
    known.delete(value);
    known.set(value, forms);
    if (known.size > REMEMBERED) known.delete(known.keys().next().value!);
    return forms;
  };
}

/** The same forms with everything but letters and digits left out: for values whose pieces are separated by anything else. */
export function squeezedForms(forms: readonly Form[]): Form[] {
  const kinds = new Set(['', 'base64', 'hex', 'reversed']);
  return forms
    .filter(({ name }) => kinds.has(name))
    .map(({ name, bytes, anyCase }) => ({ name, anyCase, bytes: squeeze(bytes) }))
    .filter(({ bytes }) => bytes.length >= ANY_CASE_FROM_BYTES);
}

export const squeeze = (bytes: Uint8Array): Buffer =>
  Buffer.from(
    Buffer.from(bytes)
      .toString('latin1')
      .replaceAll(/[^A-Za-z0-9]/g, ''),
    'latin1',
  );

/**
 * Base64 of `bytes` where `shift` unknown bytes precede them, without the characters that hold bits of the neighbours. `skip` is how many
 * characters of the first quartets are left out.
 */
export function stableBase64(bytes: Buffer, shift: number): { readonly text: string; readonly skip: number } {
  const whole = btoa(UNKNOWN[shift]! + bytes.toString('latin1'));
  const skip = Math.ceil((shift * 8) / 6);
  return { text: whole.slice(skip, Math.floor(((shift + bytes.length) * 8) / 6)), skip };
}

const UNKNOWN = ['', '\0', '\0\0'];
const UUENCODE = String.fromCharCode(96, ...Array.from({ length: 63 }, (_, i) => 33 + i));

export const rot13 = (text: string): string => rotated(text, 13);

const rotated = (text: string, by: number): string =>
  text.replaceAll(/[a-z]/gi, (char) => {
    const base = char <= 'Z' ? 65 : 97;
    return String.fromCharCode(((char.charCodeAt(0) - base + by) % 26) + base);
  });

const rot47 = (text: string): string =>
  text.replaceAll(/[!-~]/g, (char) => String.fromCharCode(33 + ((char.charCodeAt(0) + 14) % 94)));

const atbash = (text: string): string =>
  text.replaceAll(/[a-z]/gi, (char) => String.fromCharCode((char <= 'Z' ? 155 : 219) - char.charCodeAt(0)));

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeEntities = (text: string): string => text.replaceAll(/[&<>"']/g, (char) => ENTITIES[char]!);
