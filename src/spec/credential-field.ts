// Header fields that a credential may go into.
import type { Report } from './report.ts';
import { shown } from './words.ts';

// Fields that frame or route a message: a value of ours there would break it.
const RESERVED_HEADERS = new Set(
  'host content-length transfer-encoding connection keep-alive proxy-connection proxy-authorization proxy-authenticate te trailer upgrade expect'.split(
    ' ',
  ),
);

/** `report`: at the name, as written. */
export function checkCredentialField(written: string, report: Report): void {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(written)) {
    report.problem({
      what: `${report.name()} is no header field`,
      why: `${shown(written)} has characters that no name of a field has`,
      fix: 'write the field that the API documents, like x-api-key',
    });
  }
  if (!RESERVED_HEADERS.has(written.toLowerCase())) return;
  report.problem({
    what: `${report.name()} is ${shown(written)}`,
    why: 'this field frames the message, it carries no credential',
    fix: 'write the field that the API documents, like x-api-key',
  });
}
