// The one extension that messages may use: permessage-deflate (RFC 7692), for it is the one that we can read. Pure.
import { withField, withoutFields } from '../h1/fields.ts';
import { Malformed } from '../h1/malformed.ts';

/** As both ends agreed on it. */
export interface Deflation {
  readonly agent: DeflateSide;
  readonly upstream: DeflateSide;
}

/** How one of them compresses what it sends. */
export interface DeflateSide {
  /** A message may refer back to the messages before it. */
  readonly keepsWindow: boolean;
  /** Base-2 logarithm of the window's size. */
  readonly windowBits: number;
}

const FIELD = 'Sec-WebSocket-Extensions';
const NAME = 'permessage-deflate';
const SERVER_RESETS = 'server_no_context_takeover';
const CLIENT_RESETS = 'client_no_context_takeover';
const SERVER_BITS = 'server_max_window_bits';
const CLIENT_BITS = 'client_max_window_bits';
const MAX_BITS = 15;

/** null = without a value. */
type Parameters = ReadonlyMap<string, string | null>;

/** The agent's fields with nothing offered but what we understand: anything else would hide the messages. */
export function withReadableOffers(rawHeaders: readonly string[]): readonly string[] {
  const elements = elementsOf(rawHeaders);
  const kept = elements.filter((element) => parseOffer(element) !== null);
  if (kept.length === elements.length) return rawHeaders;
  const name = FIELD.toLowerCase();
  return kept.length === 0 ? withoutFields(rawHeaders, [name]) : withField(rawHeaders, FIELD, kept.join(', '));
}

/** What an upstream's answer (its fields) makes of the offers (the fields that it got); null = no compression. */
export function agreeOn(offered: readonly string[], answered: readonly string[]): Deflation | null | Malformed {
  const elements = elementsOf(answered);
  if (elements.length === 0) return null;
  const answer = elements.length === 1 ? parseAnswer(elements[0]!) : null;
  const isOffered =
    answer !== null &&
    elementsOf(offered).some((element) => {
      const offer = parseOffer(element);
      return offer !== null && answersOffer(answer, offer);
    });
  if (answer === null || !isOffered) return new Malformed('ws-extension', 'an extension that was not offered');
  return {
    agent: { keepsWindow: !answer.has(CLIENT_RESETS), windowBits: bitsOf(answer, CLIENT_BITS) },
    upstream: { keepsWindow: !answer.has(SERVER_RESETS), windowBits: bitsOf(answer, SERVER_BITS) },
  };
}

/** RFC 7692, 7.1: what an answer must say again, and what it must not say by itself. */
function answersOffer(answer: Parameters, offer: Parameters): boolean {
  if (offer.has(SERVER_RESETS) && !answer.has(SERVER_RESETS)) return false;
  if (offer.has(SERVER_BITS)) {
    if (!answer.has(SERVER_BITS) || bitsOf(answer, SERVER_BITS) > bitsOf(offer, SERVER_BITS)) return false;
  }
  return (
    !answer.has(CLIENT_BITS) || (offer.has(CLIENT_BITS) && bitsOf(answer, CLIENT_BITS) <= bitsOf(offer, CLIENT_BITS))
  );
}

function bitsOf(parameters: Parameters, name: string): number {
  const value = parameters.get(name) ?? null;
  return value === null ? MAX_BITS : Number(value);
}

/** An offer may say that a client's window can be limited without saying how far. */
const parseOffer = (element: string): Parameters | null => parseElement(element, true);
const parseAnswer = (element: string): Parameters | null => parseElement(element, false);

function parseElement(element: string, isOffer: boolean): Parameters | null {
  const [name, ...rest] = element.split(';').map((part) => part.trim());
  if (name!.toLowerCase() !== NAME) return null;
  const parameters = new Map<string, string | null>();
  for (const part of rest) {
    const [, key, value] = /^([a-z_]+)(?:[ \t]*=[ \t]*("?[0-9]+"?))?$/.exec(part) ?? [];
    if (key === undefined || parameters.has(key)) return null;
    const bits = value === undefined ? null : (/^"?(8|9|1[0-5])"?$/.exec(value)?.[1] ?? '');
    if (!isValid(key, bits, isOffer)) return null;
    parameters.set(key, bits);
  }
  return parameters;
}

function isValid(key: string, bits: string | null, isOffer: boolean): boolean {
  switch (key) {
    case SERVER_RESETS:
    case CLIENT_RESETS:
      return bits === null;
    case SERVER_BITS:
      return bits !== null && bits !== '';
    case CLIENT_BITS:
      return bits === null ? isOffer : bits !== '';
    default:
      return false;
  }
}

/** Everything that fields of this name list, in order. */
function elementsOf(rawHeaders: readonly string[]): readonly string[] {
  const elements: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.toLowerCase() !== FIELD.toLowerCase()) continue;
    for (const part of rawHeaders[i + 1]!.split(',')) if (part.trim() !== '') elements.push(part.trim());
  }
  return elements;
}
