// Azure: keys that carry their service's signature, keys of connection strings, and signed URLs.
import { BASE64_STD, type Charset, charset, WORD_DASH } from '../charsets.ts';
import { maybe, run, text } from '../shape.ts';
import type { View } from '../view.ts';
import { type Detector, detector, isExample, token, variety } from './detector.ts';

const SIGNED = 'Microsoft Learn, "Common annotated security keys"; GitHub Docs, "Supported secret scanning patterns"';
const QUERY = charset('A-Za-z0-9%+/=._~:&;-');
const SECRET = charset('A-Za-z0-9_~.-');
/** The storage emulator's key is public and the same for everybody. */
const EMULATOR = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq';
/** How much of a signed URL is looked at on each side of its signature, in bytes. */
const SIGNED_URL_BYTES = 600;

/** A key of a fixed length with the mark of its service at a fixed place. */
function signed(
  id: string,
  description: string,
  marks: readonly string[],
  before: number,
  after: number,
  padding: string,
  set: Charset = BASE64_STD,
): Detector {
  return detector({
    id,
    description,
    source: SIGNED,
    keywords: marks,
    match(view: View, at: number, mark: string) {
      const body = at + mark.length;
      const end = body + after;
      // First the end, which is remembered of a run.
      if (view.runEnd(set, body) !== end || view.runBefore(set, at, before + 1) !== before) return null;
      return view.startsWith(padding, end) ? { start: at - before, end: end + padding.length } : null;
    },
    accept: (found) => !isExample(found) && variety(found) > 16,
    truePositives: (random) =>
      marks.map((mark) => random.chars(set.ranges, before) + mark + random.chars(set.ranges, after) + padding),
    falsePositives: (random) =>
      marks.map((mark) => random.chars(set.ranges, before + 40) + mark + random.chars(set.ranges, after + 40)),
  });
}

export const azure: readonly Detector[] = [
  token({
    id: 'azure-key',
    description: 'Azure storage account key, shared access key, and similar keys of a connection string',
    source: 'Microsoft Learn, "Configure Azure Storage connection strings"',
    forms: [
      [text('AccountKey='), run(BASE64_STD, 86), text('==')],
      [text('SharedAccessKey=', 'AccessKey='), run(BASE64_STD, 43), text('=')],
      [text('SharedAccessKey=', 'AccessKey='), run(BASE64_STD, 80, 100), maybe('==', '=')],
    ],
    accept: (found) => !isExample(found) && !found.includes(EMULATOR),
  }),
  signed('azure-storage-key', 'Azure storage, batch and Cosmos DB account key', ['+ASt', '+ABa', 'ACDb'], 76, 6, '=='),
  signed(
    'azure-messaging-key',
    'Azure Service Bus, Event Hubs, Relay and IoT Hub key',
    ['+ASb', '+AEh', '+ARm', 'AIoT'],
    33,
    6,
    '=',
  ),
  signed('azure-redis-key', 'Azure Cache for Redis key', ['AzCa'], 33, 6, '='),
  signed('azure-registry-token', 'Azure Container Registry password', ['+ACR'], 42, 6, ''),
  signed('azure-search-key', 'Azure AI Search admin and query key', ['AzSe'], 42, 6, '', charset('A-Za-z0-9')),
  signed('azure-function-key', 'Azure Functions key', ['AzFu'], 44, 6, '==', WORD_DASH),
  signed('azure-ai-key', 'Azure AI services and Azure OpenAI key', ['JQQJ99'], 52, 26, '', charset('A-Za-z0-9')),
  detector({
    id: 'azure-client-secret',
    description: 'Microsoft Entra application client secret',
    source: 'Microsoft Learn, "Add and manage application credentials in Microsoft Entra ID"',
    keywords: ['7Q~', '8Q~', '7Q~.', '8Q~.', '7Q~~', '8Q~~'],
    match(view, at) {
      const before = view.runBefore(SECRET, at, 4);
      const end = view.runEnd(SECRET, at + 3);
      const tail = end - at - 3;
      return before === 3 && tail >= 31 && tail <= 34 ? { start: at - 3, end } : null;
    },
    accept: (found) => !isExample(found) && variety(found) > 12,
    truePositives: (random) => [`${random.chars('A-Za-z0-9', 3)}8Q~${random.chars('A-Za-z0-9_~.-', 33)}a`],
  }),
  detector({
    id: 'azure-sas',
    description: 'Signature of a shared access signature (SAS)',
    source: 'Microsoft Learn, "Create a service SAS", "Create an account SAS"',
    keywords: ['&sig=', '?sig=', ';sig=', 'sig=', '\\u0026sig='],
    match(view, at, keyword) {
      const start = at + keyword.length;
      const end = signatureEnd(view, start);
      if (end < 0) return null;
      const from = Math.max(0, at - SIGNED_URL_BYTES);
      const before = /[A-Za-z0-9%+/=._~:&;?-]*$/.exec(view.text(from, at).replaceAll('\\u0026', '&'))?.[0] ?? '';
      const after = view.text(end, Math.min(view.runEnd(QUERY, end), end + SIGNED_URL_BYTES));
      const query = `&${before}&${after}`;
      return /[?&](?:amp;)?(?:sv|sr|skn)=/.test(query) && /[?&](?:amp;)?se=/.test(query) ? { start, end } : null;
    },
    accept: (found) => !isExample(found) && variety(found) > 12,
    truePositives(random) {
      const sig = `${random.chars('A-Za-z0-9', 20)}%2F${random.chars('A-Za-z0-9', 22)}%3D`;
      return [
        `https://acme.blob.core.windows.net/c/f?sv=2024-11-04&ss=b&srt=sco&sp=rwdl&se=2027-01-01T00:00:00Z&spr=https&sig=${sig}`,
        `SharedAccessSignature sr=acme.servicebus.windows.net&sig=${sig}&se=1767225600&skn=RootManageSharedAccessKey`,
      ];
    },
    falsePositives: (random) => [`https://x.test/a?sig=${random.chars('A-Za-z0-9', 43)}%3D`, `?sv=1&se=2&sig=abc`],
  }),
];

/** End of a base64 signature of 32 bytes, percent-encoded or not; -1 when there is none. */
function signatureEnd(view: View, start: number): number {
  const most = Math.min(view.length, start + 80);
  const found = /^(?:[A-Za-z0-9+/]|%2[BbFf]){43}(?:=|%3[Dd])?/.exec(view.text(start, most));
  return found === null ? -1 : start + found[0].length;
}
