// What a client says before the pack of a push: commands and capabilities, as packets up to a flush (gitprotocol-pack, gitprotocol-http).

export interface PushCommand {
  /** Full name. */
  readonly ref: string;
  /** Hex; null = the ref does not exist (before: it is created, after: it is deleted). */
  readonly before: string | null;
  readonly after: string | null;
}

export interface PushRequest {
  readonly commands: readonly PushCommand[];
  /** What the client asked for; all recent ones ask for the side band. */
  readonly hasSideBand: boolean;
  /** The pack, or nothing, follows here. */
  readonly endsAt: number;
}

/** `more`: the end is not there yet. A text: why it cannot be understood, and so not be judged. */
export type ReadPush = PushRequest | 'more' | { readonly flaw: string };

/** A push of more refs than fit into this is not read. In bytes. */
const MOST_BYTES = 1024 * 1024;
const COMMAND = /^([0-9a-f]{40}(?:[0-9a-f]{24})?) ([0-9a-f]{40}(?:[0-9a-f]{24})?) ([^\0\n]+?)\n?$/;
const SHALLOW = /^shallow [0-9a-f]{40}(?:[0-9a-f]{24})?\n?$/;

/** `body`: from the beginning of the request's. */
export function readPushRequest(body: Buffer): ReadPush {
  const commands: PushCommand[] = [];
  let capabilities: string | null = null;
  for (let at = 0; ; ) {
    if (at > MOST_BYTES) return { flaw: 'it names more refs than can be read' };
    const length = packetLength(body, at);
    if (length === 'more') return 'more';
    if (length === null) return { flaw: 'its packets have no length' };
    if (length === 0) {
      const asks = (capabilities ?? '').split(' ');
      // Options follow as packets of their own, up to another flush: they go to the server's hooks.
      if (asks.includes('push-options')) return afterOptions(body, at + 4, commands, asks);
      return { commands, hasSideBand: hasSideBand(capabilities), endsAt: at + 4 };
    }
    if (length < 4) return { flaw: 'it has packets that only other protocols have' };
    if (at + length > body.length) return 'more';
    const packet = body.toString('latin1', at + 4, at + length);
    at += length;
    const nul = packet.indexOf('\0');
    const line = nul < 0 ? packet : packet.slice(0, nul);
    if (SHALLOW.test(line) && capabilities === null && nul < 0) continue;
    if (line.startsWith('push-cert'))
      return { flaw: 'it is signed (push.gpgSign), and its commands stand in a certificate' };
    // Capabilities stand in the first command alone; elsewhere readers differ in what they take them for.
    if (nul >= 0 && capabilities !== null) return { flaw: 'it has capabilities behind more than one command' };
    capabilities ??= nul < 0 ? '' : packet.slice(nul + 1).trim();
    const [, before, after, ref] = COMMAND.exec(line) ?? [];
    if (ref === undefined) return { flaw: 'one of its commands is not OLD NEW REF' };
    commands.push({ ref, before: idOf(before!), after: idOf(after!) });
  }
}

function afterOptions(body: Buffer, from: number, commands: readonly PushCommand[], asks: readonly string[]): ReadPush {
  for (let at = from; ; ) {
    if (at > 2 * MOST_BYTES) return { flaw: 'it has more options than can be read' };
    const length = packetLength(body, at);
    if (length === 'more') return 'more';
    if (length === 0) return { commands, hasSideBand: hasSideBand(asks.join(' ')), endsAt: at + 4 };
    if (length === null || length < 4) return { flaw: 'its options are no packets' };
    at += length;
  }
}

/** Of the packet at `at`, its own four digits included; null when these are none. */
function packetLength(body: Buffer, at: number): number | 'more' | null {
  if (at + 4 > body.length) return 'more';
  const digits = body.toString('latin1', at, at + 4);
  // Git writes lower case; what else a server would take as a length is not guessed.
  return /^[0-9a-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : null;
}

/** Without capabilities at all the body was perhaps cut before them: then the client is taken for a recent one. */
const hasSideBand = (capabilities: string | null): boolean =>
  capabilities === null || capabilities.split(' ').includes('side-band-64k');

const idOf = (id: string): string | null => (/^0+$/.test(id) ? null : id);
