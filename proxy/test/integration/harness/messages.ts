// Random legal HTTP/1.1 messages, how they look on the wire, and how they must look on the other side of the proxy. Written from RFC 9110
// and 9112, not from the proxy's code: it knows neither its parser nor its writer.

/** Repeatable random numbers. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 <= n < below */
  roll(below: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  chance(percent: number): boolean {
    return this.roll(100) < percent;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.roll(from.length)]!;
  }

  text(from: string, least: number, most: number): string {
    let text = '';
    for (let n = least + this.roll(most - least + 1); n > 0; n--) text += from[this.roll(from.length)];
    return text;
  }

  /** The text in pieces of one to many characters. */
  pieces(text: string): string[] {
    const pieces: string[] = [];
    const most = this.pick([1, 7, 100, 3000, 100_000]);
    // One byte at a time through a whole body would take long.
    const least = text.length > 2000 && most < 3000 ? Math.ceil(text.length / 40) : 1;
    for (let at = 0; at < text.length; ) {
      const size = least + this.roll(most);
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    return pieces;
  }
}

export type Field = readonly [name: string, value: string];

/** One message, both as it was sent and as it has to arrive. All texts latin1. */
export interface Planned {
  readonly wire: string;
  /** The first lines with their end, without framing that the next hop may choose for itself. */
  readonly firstLine: string;
  readonly fields: readonly Field[];
  readonly body: string;
  readonly trailers: readonly Field[];
}

export interface PlannedRequest extends Planned {
  readonly id: number;
  readonly method: string;
  readonly isHttp10: boolean;
  readonly closes: boolean;
  /** Length of the head on the wire when the client waits there for a 100; 0 = it does not. */
  readonly waitsAt: number;
}

export interface PlannedResponse extends Planned {
  /** Heads of 1xx before it, as they have to arrive. */
  readonly interims: readonly string[];
  /** Sent before the request's body is there. */
  readonly isEarly: boolean;
  readonly endsConnection: boolean;
}

const TOKEN = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const VISIBLE = Array.from({ length: 94 }, (_, n) => String.fromCharCode(0x21 + n)).join('');
const OBS_TEXT = Array.from({ length: 128 }, (_, n) => String.fromCharCode(0x80 + n)).join('');
const INSIDE = `${VISIBLE}${OBS_TEXT}   \t`;
const PATH = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_~!$'()*+,=:@";
const QUERY = `${PATH}/?&%20"<>[]{}|^\``.replaceAll('%20', '');

function value(dice: Dice): string {
  if (dice.chance(8)) return '';
  const ends = VISIBLE + OBS_TEXT;
  return (
    dice.text(ends, 1, 1) +
    (dice.chance(70) ? dice.text(INSIDE, 0, dice.pick([5, 40, 400])) + dice.text(ends, 1, 1) : '')
  );
}

/** End-to-end fields that mean nothing to anybody, in odd case and with duplicates. */
function endToEnd(dice: Dice): Field[] {
  const fields: Field[] = [];
  for (let n = dice.roll(8); n > 0; n--) {
    const name =
      dice.chance(20) && fields.length > 0 ? dice.pick(fields)[0].toUpperCase() : `x${dice.text(TOKEN, 1, 12)}`;
    fields.push([name, value(dice)]);
  }
  if (dice.chance(30))
    fields.push([dice.pick(['Accept', 'accept', 'ACCEPT']), '*/*'], ['Cookie', 'a=b'], ['cookie', 'c=d; e="f"']);
  return shuffled(dice, fields);
}

function shuffled<T>(dice: Dice, list: readonly T[]): T[] {
  const left = [...list];
  const out: T[] = [];
  while (left.length > 0) out.push(...left.splice(dice.roll(left.length), 1));
  return out;
}

/** Fields that end at the next hop; `Connection` names some of them, and one that only it makes hop-by-hop. */
function hopByHop(dice: Dice): { readonly wire: Field[]; readonly nominated: string } {
  const nominated = `X-Hop-${dice.text('abcXYZ', 3, 6)}`;
  const wire: Field[] = [];
  if (dice.chance(20)) wire.push(['Keep-Alive', 'timeout=5, max=100']);
  if (dice.chance(20)) wire.push(['Proxy-Connection', 'keep-alive'], ['proxy-x', 'y']);
  if (dice.chance(20))
    wire.push(
      [nominated, value(dice)],
      [nominated.toUpperCase(), 'again'],
      ['Connection', `${nominated.toLowerCase()} , keep-alive`],
    );
  return { wire, nominated: nominated.toLowerCase() };
}

function isHopByHop([name]: Field, nominated: string): boolean {
  const lower = name.toLowerCase();
  return (
    ['connection', 'keep-alive', 'te', 'upgrade', 'expect', nominated].includes(lower) || lower.startsWith('proxy-')
  );
}

const wireField = (dice: Dice, [name, text]: Field): string =>
  `${name}:${dice.pick([' ', '', '  ', '\t', ' \t '])}${text}${dice.pick(['', '', ' ', '\t '])}\r\n`;

export function bodyOf(dice: Dice): string {
  const size = dice.pick([0, 1, 2, 15, 300, 5000, 40_000]);
  // Anything at all, but not noise that costs the search time.
  const unit = dice.text(`${VISIBLE}${OBS_TEXT}\r\n\0`, 7, 60);
  return unit.repeat(Math.ceil(size / unit.length)).slice(0, size);
}

function chunked(dice: Dice, body: string, trailers: readonly Field[]): string {
  let wire = '';
  for (let at = 0; at < body.length; ) {
    const size = Math.min(
      body.length - at,
      1 + dice.roll(dice.pick([1, 10, 5000, 50_000])) + (body.length > 2000 ? 500 : 0),
    );
    wire += `${chunkSize(dice, size)}\r\n${body.slice(at, at + size)}\r\n`;
    at += size;
  }
  return `${wire}${dice.pick(['0', '00', '0;last'])}\r\n${trailers.map((field) => wireField(dice, field)).join('')}\r\n`;
}

function chunkSize(dice: Dice, size: number): string {
  const hex = dice.chance(50) ? size.toString(16).toUpperCase() : size.toString(16);
  return `${dice.chance(20) ? '00' : ''}${hex}${dice.chance(20) ? dice.pick([';a', ';a=b', ';a="q\\"u;o"', ';x=y;z']) : ''}`;
}

export function planRequest(dice: Dice, id: number, host: string, isLast: boolean): PlannedRequest {
  const isHttp10 = isLast && dice.chance(30);
  const framing = dice.pick(['none', 'none', 'length', isHttp10 ? 'length' : 'chunked'] as const);
  const body = framing === 'none' ? '' : bodyOf(dice);
  const method =
    framing === 'none'
      ? dice.pick(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PURGE', "M-S'E~"])
      : dice.pick(['POST', 'PUT', 'PATCH', 'GET', 'REPORT']);
  const target = `/${dice.text(PATH, 1, 20)}/z?id=${id}&${dice.text(QUERY, 0, 40)}`;
  const trailers: Field[] =
    framing === 'chunked' && dice.chance(30)
      ? [
          ['X-Trailer', value(dice)],
          ['x-trailer', '2'],
        ]
      : [];
  const closes = isLast && !isHttp10 && dice.chance(50);
  const expects = !isHttp10 && body !== '' && dice.chance(25);
  const hop = hopByHop(dice);
  const te = dice.chance(10);
  const fields = shuffled(dice, [
    ...endToEnd(dice),
    ...hop.wire,
    ...(te ? ([['TE', 'trailers']] as Field[]) : []),
    ...(closes ? ([['Connection', dice.pick(['close', 'CLOSE', 'foo, Close'])]] as Field[]) : []),
    ...(expects ? ([['Expect', dice.pick(['100-continue', '100-Continue'])]] as Field[]) : []),
    ...(isHttp10 && dice.chance(50) ? [] : ([[dice.pick(['Host', 'host', 'HOST']), host]] as Field[])),
    ...(framing === 'length'
      ? ([[dice.pick(['Content-Length', 'content-length']), String(body.length)]] as Field[])
      : []),
    ...(framing === 'chunked' ? ([[dice.pick(['Transfer-Encoding', 'transfer-encoding']), 'chunked']] as Field[]) : []),
  ]);
  const lines = fields.map((field) => wireField(dice, field)).join('');
  const head = `${method} ${target} HTTP/1.${isHttp10 ? 0 : 1}\r\n${lines}\r\n`;
  const kept = fields.flatMap((field): readonly Field[] => {
    // RFC 9110, 10.1.4: the one member of TE that passes on, named in Connection again.
    if (field[0] === 'TE') return [field, ['Connection', 'TE']];
    return isHopByHop(field, hop.nominated) ? [] : [field];
  });
  const hasHost = fields.some(([name]) => name.toLowerCase() === 'host');
  return {
    id,
    method,
    isHttp10,
    closes: closes || isHttp10,
    wire: head + (framing === 'chunked' ? chunked(dice, body, trailers) : body),
    waitsAt: expects && dice.chance(60) ? head.length : 0,
    firstLine: `${method} ${target} HTTP/1.1\r\n`,
    fields: hasHost ? kept : [['Host', host], ...kept],
    body,
    trailers,
  };
}

export function planResponse(dice: Dice, request: PlannedRequest): PlannedResponse {
  const status = dice.pick([200, 200, 200, 201, 204, 206, 226, 299, 301, 304, 404, 416, 418, 500, 503, 599]);
  const isHttp10 = dice.chance(10);
  const hasNoBody = request.method === 'HEAD' || status === 204 || status === 304;
  const framing = dice.pick(['length', 'length', isHttp10 ? 'close' : 'chunked', 'close'] as const);
  const body = hasNoBody ? '' : bodyOf(dice);
  const reason = dice.pick(['OK', '', 'Fine, thanks', `\xdcber${dice.text(INSIDE, 0, 10)}`]);
  const announced = status === 204 ? null : framing === 'length' ? (hasNoBody ? '12345' : String(body.length)) : null;
  const trailers: Field[] = framing === 'chunked' && !hasNoBody && dice.chance(30) ? [['X-Sum', value(dice)]] : [];
  const hop = hopByHop(dice);
  // An HTTP/1.0 server that said keep-alive and closed all the same could be asked twice.
  const ends = isHttp10 || (framing === 'close' && !hasNoBody) || dice.chance(10);
  const fields = shuffled(dice, [
    ...endToEnd(dice),
    ...hop.wire,
    ...(ends ? ([['Connection', 'close']] as Field[]) : []),
    ...(status === 206 ? ([['Content-Range', 'bytes 5-9/100']] as Field[]) : []),
    ...(dice.chance(20)
      ? ([
          ['Content-Encoding', dice.pick(['gzip', 'br', 'X-Own'])],
          ['Set-Cookie', 'a=1'],
          ['Set-Cookie', 'b=2'],
        ] as Field[])
      : []),
    ...(announced === null ? [] : ([['Content-Length', announced]] as Field[])),
    ...(framing === 'chunked' && status !== 204 ? ([['Transfer-Encoding', 'chunked']] as Field[]) : []),
  ]);
  const interims: string[] = [];
  let before = '';
  for (let n = dice.chance(25) ? 1 + dice.roll(3) : 0; n > 0; n--) {
    const code = dice.pick([100, 102, 103, 199]);
    const more = endToEnd(dice);
    before += `HTTP/1.1 ${code} \xefnterim\r\n${more.map((field) => wireField(dice, field)).join('')}\r\n`;
    if (code !== 100) interims.push(`HTTP/1.1 ${code} \xefnterim\r\n${textOf(more)}\r\n`);
  }
  const lines = fields.map((field) => wireField(dice, field)).join('');
  const head = `HTTP/1.${isHttp10 ? 0 : 1} ${status} ${reason}\r\n${lines}\r\n`;
  const content = hasNoBody ? '' : framing === 'chunked' ? chunked(dice, body, trailers) : body;
  return {
    wire: before + head + content,
    firstLine: `HTTP/1.1 ${status} ${reason}\r\n`,
    fields: fields.filter((field) => !isHopByHop(field, hop.nominated)),
    body,
    trailers: request.isHttp10 ? [] : trailers,
    interims: request.isHttp10 ? [] : interims,
    isEarly: dice.chance(15),
    endsConnection: ends,
  };
}

export function textOf(fields: readonly Field[]): string {
  return fields.map(([name, text]) => `${name}: ${text}\r\n`).join('');
}

/** A message as it arrived. */
export interface Arrived {
  readonly firstLine: string;
  readonly fields: readonly Field[];
  readonly body: string;
  readonly trailers: readonly Field[];
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** How many characters of the text it took. */
  readonly length: number;
}

/** Reads one message; null = it is not whole yet. Strict: what the proxy writes has one form. Throws on anything else. */
export function readMessage(text: string, method: string | null, isEnded: boolean): Arrived | null {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const lines = text.slice(0, headEnd).split('\r\n');
  const firstLine = `${lines.shift()}\r\n`;
  const fields = lines.map(readField);
  const at = headEnd + 4;
  const lengths = fields.filter(([name]) => name.toLowerCase() === 'content-length');
  const codings = fields.filter(([name]) => name.toLowerCase() === 'transfer-encoding');
  if (lengths.length + codings.length > 1) throw new Error(`framed twice: ${text.slice(0, headEnd)}`);
  const head = { firstLine, fields, trailers: [] };
  const isRequest = method === null;
  const status = Number(firstLine.split(' ')[1]);
  if (!isRequest && (method === 'HEAD' || status < 200 || status === 204 || status === 304)) {
    return { ...head, body: '', framing: 'none', length: at };
  }
  if (codings.length === 1) {
    if (codings[0]![1] !== 'chunked') throw new Error(`coded as ${codings[0]![1]}`);
    const content = readChunks(text, at);
    return content === null ? null : { ...head, ...content, framing: 'chunked' };
  }
  if (lengths.length === 1) {
    const size = Number(lengths[0]![1]);
    if (text.length < at + size) return null;
    return { ...head, body: text.slice(at, at + size), framing: 'length', length: at + size };
  }
  if (isRequest) return { ...head, body: '', framing: 'none', length: at };
  return isEnded ? { ...head, body: text.slice(at), framing: 'close', length: text.length } : null;
}

function readChunks(text: string, start: number): Pick<Arrived, 'body' | 'trailers' | 'length'> | null {
  let body = '';
  for (let at = start; ; ) {
    const end = text.indexOf('\r\n', at);
    if (end < 0) return null;
    const line = text.slice(at, end);
    if (!/^[0-9a-f]+$/.test(line)) throw new Error(`a chunk size of ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = end + 2;
    if (size === 0) {
      if (text.startsWith('\r\n', at)) return { body, trailers: [], length: at + 2 };
      const last = text.indexOf('\r\n\r\n', at);
      if (last < 0) return null;
      return { body, trailers: text.slice(at, last).split('\r\n').map(readField), length: last + 4 };
    }
    if (text.length < at + size + 2) return null;
    body += text.slice(at, at + size);
    if (!text.startsWith('\r\n', at + size)) throw new Error('a chunk without end');
    at += size + 2;
  }
}

function readField(line: string): Field {
  const colon = line.indexOf(': ');
  if (colon < 1) throw new Error(`a field line ${JSON.stringify(line)}`);
  return [line.slice(0, colon), line.slice(colon + 2)];
}
