// Reads header blocks (RFC 7541) byte for byte, and keeps what no library would show: fields with characters that none may have.

/** Lengths of the codes of Appendix B, in base 36, of symbols 0 to 256: a canonical code follows from them. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f56565666577666567655677777fbe' +
  'dskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';
/** Appendix A. */
const STATIC =
  ':authority :method=GET :method=POST :path=/ :path=/index.html :scheme=http :scheme=https :status=200 :status=204 :status=206 :status=304 ' +
  ':status=400 :status=404 :status=500 accept-charset accept-encoding=gzip,_deflate accept-language accept-ranges accept ' +
  'access-control-allow-origin age allow authorization cache-control content-disposition content-encoding content-language content-length ' +
  'content-location content-range content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range ' +
  'if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server ' +
  'set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate';
const EOS = 256;
/** RFC 7541, 4.1. */
const OVERHEAD = 32;

type Field = readonly [string, string];

const TABLE: readonly Field[] = STATIC.split(' ').map((text) => {
  const [name = '', value = ''] = text.split('=');
  return [name, value.replace('_', ' ')];
});

/** `length:code` -> symbol. */
const SYMBOLS = new Map<string, number>();
{
  const lengths = [...LENGTHS].map((digit) => Number.parseInt(digit, 36));
  const order = lengths.map((_, symbol) => symbol).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  let code = 0;
  let length = 0;
  for (const symbol of order) {
    code *= 2 ** (lengths[symbol]! - length);
    length = lengths[symbol]!;
    SYMBOLS.set(`${length}:${code}`, symbol);
    code++;
  }
}

function unpack(bytes: Buffer): string {
  let out = '';
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      length++;
      const symbol = SYMBOLS.get(`${length}:${code}`);
      if (symbol === undefined) continue;
      if (symbol === EOS) throw new Error('an end inside a string');
      out += String.fromCharCode(symbol);
      code = 0;
      length = 0;
    }
  }
  return out;
}

/** One direction of a connection. */
export class HeaderReader {
  private readonly dynamic: Field[] = [];
  private room = 4096;

  /** name, value, … */
  read(block: Buffer): string[] {
    const out: string[] = [];
    let at = 0;
    const integer = (prefix: number): number => {
      const most = (1 << prefix) - 1;
      let value = block[at++]! & most;
      if (value < most) return value;
      for (let scale = 1; ; scale *= 128) {
        const byte = block[at++]!;
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    const text = (): string => {
      const isPacked = (block[at]! & 0x80) !== 0;
      const size = integer(7);
      const bytes = block.subarray(at, at + size);
      at += size;
      return isPacked ? unpack(bytes) : bytes.toString('latin1');
    };
    const known = (index: number): Field => {
      const field = TABLE[index - 1] ?? this.dynamic[index - 1 - TABLE.length];
      if (field === undefined) throw new Error(`no field ${index}`);
      return field;
    };
    while (at < block.length) {
      const first = block[at]!;
      if (first & 0x80) {
        out.push(...known(integer(7)));
        continue;
      }
      if ((first & 0xe0) === 0x20) {
        this.room = integer(5);
        this.shrink();
        continue;
      }
      const isKept = (first & 0xc0) === 0x40;
      const index = integer(isKept ? 6 : 4);
      const name = index === 0 ? text() : known(index)[0];
      const field: Field = [name, text()];
      out.push(...field);
      if (!isKept) continue;
      this.dynamic.unshift(field);
      this.shrink();
    }
    return out;
  }

  private shrink(): void {
    const size = (): number => this.dynamic.reduce((sum, [a, b]) => sum + a.length + b.length + OVERHEAD, 0);
    while (size() > this.room) this.dynamic.pop();
  }
}
